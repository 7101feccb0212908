"""What the three cells share: checks at the door, the layout of work arrays, blocks of time.

Work arrays are feature-major, (T, features, B). There the gates of one step lie below one another in
one block of memory, each gate is a contiguous part of it, and a matrix product over features, such as
W (G, D) times x_t (D, B), needs no transpose.
"""

import itertools
import math

import numpy as np

from course_pkg._validation import require_array, require_sequence, require_tree

BLOCK = 128 * 1024  # numbers in a block of steps: 512 kB of float32, which stays in a core's own cache
SMALL = 8 * 1024  # below this a block is too short for what NumPy takes to start
UNPACKED = 10**6  # multiplications
FEWEST_ROWS = 16  # of a part; the kernel works on so many at a time
BACKWARDS = slice(None, None, -1)


def require_layer(x, state, params, state_type, params_type, gates):
    """The checks of a forward pass, as ValueError. Returns (B, T, D, H)."""
    if type(params) is not params_type:
        raise ValueError(f"params: got {type(params).__name__}, wanted {params_type.__name__}")
    if state is not None and type(state) is not state_type:
        raise ValueError(f"state: got {type(state).__name__}, wanted {state_type.__name__} or None")
    require_sequence(x, state, params)
    rows, H = params.W_hh.shape
    if rows != gates * H:
        raise ValueError(f"params.W_hh: got shape {(rows, H)}, wanted ({gates} H, H)")
    return *x.shape, H


def require_upstream(dh, dstate, state_type, shape, dtype):
    """The checks of a backward pass, as ValueError. Returns dh (B, T, H) and dstate as new (H, B) arrays."""
    B, _, H = shape
    if dh is None:
        dh = np.broadcast_to(np.zeros((), dtype), shape)  # zeros that take no memory
    else:
        require_array("dh", dh, shape, dtype)
    if dstate is None:
        return dh, [np.zeros((H, B), dtype) for _ in state_type._fields]
    like = state_type(*[np.broadcast_to(np.zeros((), dtype), (B, H))] * len(state_type._fields))
    require_tree("dstate", dstate, like, dtype)
    return dh, [a.T.copy() for a in dstate]


def require_tape(tape, tape_type):
    """Check that a backward pass got its own forward's tape."""
    if type(tape) is not tape_type:
        raise ValueError(f"tape: got {type(tape).__name__}, wanted the {tape_type.__name__} of the forward pass")


def feature_major(a):
    """(B, T, K) seen as (T, K, B), without a copy."""
    return a.transpose(1, 2, 0)


def batch_major(a):
    """(T, K, B) as a new (B, T, K)."""
    return a.transpose(2, 0, 1).copy()


def joined(params):
    """M = [W_hh W_ih b], the one matrix for what `stack_up` fills."""
    return np.concatenate([params.W_hh, params.W_ih, params.b[:, None]], axis=1)


def room(dtype, *shapes):
    """Arrays of these shapes, not yet filled, cut from one piece of memory.

    The allocator on Linux returns freed memory to the system once it is more than twice the largest piece
    that it has handed out so far, and then each page must be fetched again. With many small pieces that
    happened at every call, and took as long as the arithmetic. With one large piece it does not happen.
    """
    sizes = [math.prod(shape) for shape in shapes]
    memory = np.empty(sum(sizes), dtype)
    ends = itertools.accumulate(sizes)
    return [memory[end - size : end].reshape(shape) for size, end, shape in zip(sizes, ends, shapes)]


def stack_up(Z, x, state):
    """Fill Z (T+1, H+D+1, B): Z[t] holds h_{t-1}, x_t and a row of ones below one another.

    The forward pass writes h_t into Z[t+1, :H]; Z[T] holds nothing else.
    """
    H = Z.shape[1] - x.shape[2] - 1
    Z[0, :H] = 0 if state is None else state.h.T
    Z[:-1, H:-1] = feature_major(x)
    Z[:, -1] = 1


def blocks(T, numbers):
    """Slices that cover T steps, the last block first; `numbers` is how much of `BLOCK` one step takes.

    A block is at most an eighth of the sequence, so that work memory stays small beside the tape.
    """
    n = min(BLOCK // numbers, max(T // 8, SMALL // numbers))
    n = max(1, min(T, n))
    return [slice(max(0, hi - n), hi) for hi in range(T, 0, -n)]


def rooms(dtype, spans, *shapes):
    """For each span of steps, arrays (steps, *shape) for work, all in the same memory."""
    longest = spans[0].stop - spans[0].start
    arrays = room(dtype, *((longest, *shape) for shape in shapes))
    return [[a[: span.stop - span.start] for a in arrays] for span in spans]


def flat(a):
    """(n, rows, B) as a new (rows, n B): the steps of a block side by side, for one large matrix product."""
    return a.transpose(1, 0, 2).reshape(a.shape[1], -1)


def multiplier(left, columns):
    """A function (right, out) that writes `left` (rows, K) times right (K, columns) into out (rows, columns).

    OpenBLAS multiplies matrices as they lie up to UNPACKED multiplications, and beyond that copies them first into
    the order its kernel likes. Here `left` is the same at every step, and copying it anew each time took a tenth of
    the whole. So a product beyond the limit is made in equal parts below it, one for each of so many blocks of rows.
    """
    rows, K = left.shape
    sizes = (n for n in range(1, rows // FEWEST_ROWS + 1) if rows % n == 0 and rows // n * K * columns <= UNPACKED)
    n = next(sizes, 1)
    if n == 1:
        return left.dot
    parts = left.reshape(n, -1, K)
    return lambda right, out: np.matmul(parts, right, out.reshape(n, -1, columns))


def tanh_derivative_into(y, out):
    """1 - y^2, written into `out`."""
    np.multiply(y, y, out)
    np.subtract(1, out, out)
