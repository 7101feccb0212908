"""What the three cells share: checks at the door, the layout of work arrays, blocks of time.

Work arrays are feature-major, (T, features, B). There the gates of one step lie below one another in
one block of memory, each gate is a contiguous part of it, and a matrix product over features, such as
W (G, D) times x_t (D, B), needs no transpose.
"""

import numpy as np

from course_pkg.validation import require_array, require_sequence, require_tree

BLOCK = 128 * 1024  # numbers in a block of steps: half a MB of float32, which a core's own cache holds
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
    """M = [W_hh W_ih b], the one matrix that is applied to what `stacked` makes."""
    return np.concatenate([params.W_hh, params.W_ih, params.b[:, None]], axis=1)


def stacked(x, state, H):
    """Z (T+1, H+D+1, B): Z[t] holds h_{t-1}, x_t and a row of ones below one another.

    The forward pass writes h_t into Z[t+1, :H]; Z[T] holds nothing else.
    """
    B, T, D = x.shape
    Z = np.empty((T + 1, H + D + 1, B), x.dtype)
    Z[0, :H] = 0 if state is None else state.h.T
    Z[:-1, H:-1] = feature_major(x)
    Z[:, -1] = 1
    return Z


def blocks(T, numbers):
    """Slices that cover T steps, the last block first; `numbers` is how much work memory one step takes."""
    n = max(1, min(T, BLOCK // numbers))
    return [slice(max(0, hi - n), hi) for hi in range(T, 0, -n)]


def flat(a):
    """(n, rows, B) as a new (rows, n B): the steps of a block side by side, for one large matrix product."""
    return a.transpose(1, 0, 2).reshape(a.shape[1], -1)
