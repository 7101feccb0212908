"""One recurrent layer over sequences of different lengths, padded to one array.

A padded batch is cut in time wherever a sequence ends. With the longest sequences first, the part
before a cut needs only the first n rows of the batch: a shorter sequence takes no part in steps that it
does not have. So its state stays what it was at its end, and nothing, forward or backward, depends on
its padding. This is what torch.nn.utils.rnn.pack_padded_sequence does for PyTorch.
"""

from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import ArrayLike

from course_pkg._validation import require_sequence, require_tree, require_unmasked
from course_pkg.activations import Array
from course_pkg.trees import tree_map


class PaddedTape(NamedTuple):
    """Kept by `run`."""

    order: Any  # (B,) which sequence stands in which row, longest first; None without lengths
    parts: list  # of (steps, rows, the fused tape), in the order of time
    zeros: Any  # a state of zeros
    T: int


def require_lengths(lengths: ArrayLike | None, B: int, T: int) -> np.ndarray | None:
    """Check B lengths of 1 to T steps, None or a sequence of integers. Returns an int64 array, or None.

    A sequence of no steps is refused: its last step, which `models.many_to_one` reads, does not exist.
    """
    if lengths is None:
        return None
    require_unmasked("lengths", lengths)
    lengths = np.array(lengths)  # a copy, because the tape keeps it
    if lengths.shape != (B,) or lengths.dtype.kind not in "iu":
        raise ValueError(f"lengths: got {lengths.dtype} of shape {lengths.shape}, wanted {B} integers")
    if lengths.min() < 1 or lengths.max() > T:
        raise ValueError(f"lengths: got {lengths.min()} to {lengths.max()}, wanted 1 to {T}, the steps of x")
    return lengths.astype(np.int64)  # of unsigned integers the differences would be floats


def mask(lengths: ArrayLike, T: int) -> np.ndarray:
    """(B, T) booleans: True where a sequence has a step, False where it is padded."""
    return np.arange(T) < lengths[:, None]


def reverse(x: Array, lengths: ArrayLike | None) -> Array:
    """Each sequence of x (B, T, D) from its true end to its start; padding stays behind it.

    lengths (B,), or None for T steps each. Doing it twice gives x again, so it is also its own backward.
    """
    if lengths is None:
        return x[:, ::-1]
    t = np.arange(x.shape[1])
    from_end = lengths[:, None] - 1 - t
    return np.take_along_axis(x, np.where(from_end >= 0, from_end, t)[:, :, None], axis=1)


def run(
    forward: Callable, x: Array, state: tuple | None, params: tuple, lengths: np.ndarray | None, **options: Any
) -> tuple[Array, tuple, PaddedTape]:
    """`forward`, one of `fused`, over x (B, T, D): (h (B, T, H), zero after a sequence's end; state_T; tape).

    state_T holds each sequence's state at its own end.
    """
    B, T, _ = x.shape
    if lengths is None:
        h, state_T, tape = forward(x, state, params, **options)
        return h, state_T, PaddedTape(None, [(slice(0, T), slice(0, B), tape)], None, T)
    require_sequence(x, state, params)
    order = np.argsort(-lengths, kind="stable")
    x, state, ends = x[order], _take(state, order), lengths[order]
    h, parts, lo = None, [], 0
    for hi in np.unique(lengths):
        steps, rows = slice(lo, hi), slice(0, np.count_nonzero(ends >= hi))
        h_part, state_part, tape = forward(x[rows, steps], _take(state, rows), params, **options)
        if lo == 0:  # every sequence has the steps of the first part
            h, state = np.zeros((B, T, h_part.shape[2]), x.dtype), state_part
        h[rows, steps] = h_part
        _put(state, rows, state_part)
        parts.append((steps, rows, tape))
        lo = hi
    back = np.argsort(order)
    zeros = tree_map(np.zeros_like, state)
    return h[back], _take(state, back), PaddedTape(order, parts, zeros, T)


def run_backward(
    backward: Callable, dh: Array | None, dstate: tuple | None, tape: PaddedTape
) -> tuple[Array, tuple, tuple]:
    """Gradients from dh (B, T, H) and dstate, each None for zeros: (dx, dstate_0, dparams).

    What dh holds after a sequence's end is not looked at; dx is exactly zero there.
    """
    order, parts, zeros, T = tape
    if order is None:
        return backward(dh, dstate, parts[0][2])
    if dstate is not None:
        require_tree("dstate", dstate, zeros, zeros.h.dtype)
    dh = None if dh is None else dh[order]
    dstate = _take(zeros if dstate is None else dstate, order)
    dx = dparams = None
    for steps, rows, part in reversed(parts):
        dh_part = None if dh is None else dh[rows, steps]
        dx_part, dstate_part, dparams_part = backward(dh_part, _take(dstate, rows), part)
        if dx is None:
            dx = np.zeros((len(order), T, dx_part.shape[2]), dx_part.dtype)
            dparams = tree_map(np.zeros_like, dparams_part)
        dx[rows, steps] = dx_part
        _put(dstate, rows, dstate_part)
        dparams = tree_map(np.add, dparams, dparams_part)
    back = np.argsort(order)
    return dx[back], _take(dstate, back), dparams


def _take(state, rows):
    return tree_map(lambda a: a[rows], state)


def _put(state, rows, part):
    for a, b in zip(state, part):
        a[rows] = b
