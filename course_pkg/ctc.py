"""Connectionist temporal classification (Graves et al. 2006): a loss for a label sequence whose times nobody knows.

A network says at each of T steps one of K symbols, of which one, the blank, means nothing. A path (T symbols) stands
for the labels that are left when repeats are merged and blanks dropped (`collapse`). The probability of the labels is
the sum over all their paths, and the loss is minus its log. There are too many paths to list; forward and backward
variables add them up along the extended labels: a blank, a label, a blank, a label, ..., a blank.

Shapes: scores (B, T, K), before the softmax; labels (B, L), integers without the blank; lengths (B,) and label_lengths
(B,) say how much of each row is real. Everything inside is in log space and float64.
"""

from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike

from course_pkg._validation import require_array, require_ids, require_number
from course_pkg.activations import Array

NEVER = -np.inf  # the log of a probability of zero


class CTCTape(NamedTuple):
    """Kept by `ctc_loss`."""

    log_p: Array  # (B, T, K), log softmax of the scores
    extended: Array  # (B, S), S = 2 L + 1
    alpha: Array  # (B, T, S)
    log_likelihood: Array  # (B,)
    lengths: Array
    label_lengths: Array
    blank: int
    dtype: np.dtype


def collapse(path: ArrayLike, blank: int = 0) -> list[int]:
    """The labels that a path stands for: merge repeats, then drop blanks. path (T,) integers, returns a list."""
    path = np.asarray(path)
    kept = [k for k, before in zip(path, [None, *path[:-1]]) if k != before and k != blank]
    return [int(k) for k in kept]


def extend(labels: np.ndarray, blank: int = 0) -> np.ndarray:
    """(B, L) labels with a blank before, between and after: (B, 2 L + 1)."""
    extended = np.full((len(labels), 2 * labels.shape[1] + 1), blank)
    extended[:, 1::2] = labels
    return extended


def ctc_loss(
    scores: Array,
    labels: np.ndarray,
    lengths: ArrayLike | None = None,
    label_lengths: ArrayLike | None = None,
    *,
    blank: int = 0,
) -> tuple[float, CTCTape]:
    """The mean over sequences of -log p(labels | scores): returns (loss, CTCTape).

    A sequence too short for its labels has no path, and an infinite loss (its gradient is zero, as with PyTorch's
    `zero_infinity`). Raises ValueError for wrong shapes, dtypes or labels, naming them.
    """
    lengths, label_lengths = _check(scores, labels, lengths, label_lengths, blank)
    log_p = _log_softmax(scores.astype(np.float64))
    extended = extend(labels, blank)
    alpha = _forward(_said(log_p, extended), _may_skip(extended, blank))
    rows, last = np.arange(len(scores)), 2 * label_lengths
    ends = alpha[rows, lengths - 1]
    without_blank = np.where(last > 0, ends[rows, np.maximum(last - 1, 0)], NEVER)
    log_likelihood = np.logaddexp(ends[rows, last], without_blank)
    tape = CTCTape(log_p, extended, alpha, log_likelihood, lengths, label_lengths, blank, scores.dtype)
    return float(-log_likelihood.mean()), tape


def ctc_loss_backward(dloss: float, tape: CTCTape) -> Array:
    """The gradient at the scores (B, T, K) of `ctc_loss`, for dloss at the mean.

    At each step it is the softmax less the probability, given the labels, of being at that symbol then.
    """
    log_p, extended, alpha, log_likelihood, lengths, _, _, dtype = tape
    B, T, _ = log_p.shape
    possible = np.isfinite(log_likelihood)
    beta = ctc_backward_variables(tape)
    with np.errstate(invalid="ignore"):  # impossible sequences are -inf less -inf, and set to zero below
        share = np.exp(alpha + beta - log_likelihood[:, None, None])  # (B, T, S): at this place at this step
    share[~possible] = 0
    wanted = np.zeros_like(log_p)
    np.add.at(wanted, (np.arange(B)[:, None, None], np.arange(T)[:, None], extended[:, None]), share)
    dscores = np.exp(log_p) - wanted
    dscores[np.arange(T) >= lengths[:, None]] = 0  # padding
    dscores[~possible] = 0
    return (dscores * (dloss / B)).astype(dtype)


def ctc_backward_variables(tape: CTCTape) -> Array:
    """log of the probability of the rest of the labels from each place and step on: (B, T, S)."""
    log_p, extended, _, _, lengths, label_lengths, blank, _ = tape
    said, skip = _said(log_p, extended), _may_skip(extended, blank)
    _B, T, S = said.shape
    places, last = np.arange(S), 2 * label_lengths[:, None]
    at_end = np.where((places == last) | (places == last - 1), 0.0, NEVER)  # nothing is left to say
    beta = np.full_like(said, NEVER)
    for t in reversed(range(T)):
        if t + 1 < T:
            on = beta[:, t + 1] + said[:, t + 1]
            skipping = np.where(_shift(skip, -2, False), _shift(on, -2), NEVER)
            beta[:, t] = np.logaddexp(np.logaddexp(on, _shift(on, -1)), skipping)
        beta[:, t] = np.where((t == lengths - 1)[:, None], at_end, beta[:, t])
        beta[:, t] = np.where((t < lengths)[:, None], beta[:, t], NEVER)
    return beta


def _forward(said, skip):
    """log of the probability of all ways to be at each place at each step: (B, T, S)."""
    alpha = np.full_like(said, NEVER)
    alpha[:, 0, :2] = said[:, 0, :2]  # a path starts at the first blank or the first label
    for t in range(1, said.shape[1]):
        before = alpha[:, t - 1]
        skipping = np.where(skip, _shift(before, 2), NEVER)
        alpha[:, t] = said[:, t] + np.logaddexp(np.logaddexp(before, _shift(before, 1)), skipping)
    return alpha


def _said(log_p, extended):
    """log p of the symbol of each place, at each step: (B, T, S)."""
    B, T, _ = log_p.shape
    return np.take_along_axis(log_p, np.broadcast_to(extended[:, None], (B, T, extended.shape[1])), axis=2)


def _may_skip(extended, blank):
    """Whether a path may come to a place from two before: past a blank, between two labels that differ."""
    return (extended != blank) & (extended != _shift(extended, 2, blank))


def _shift(a, by, fill=NEVER):
    """a (B, S) moved `by` places to the right, or left where negative."""
    moved = np.full_like(a, fill)
    if by > 0:
        moved[:, by:] = a[:, :-by]
    else:
        moved[:, :by] = a[:, -by:]
    return moved


def _log_softmax(a):
    a = a - a.max(axis=-1, keepdims=True)
    return a - np.log(np.exp(a).sum(axis=-1, keepdims=True))


def _check(scores, labels, lengths, label_lengths, blank):
    require_array("scores", scores, ("B", "T", "K"))
    B, T, K = scores.shape
    require_number("blank", blank, 0, K - 1, integer=True)
    if not isinstance(labels, np.ndarray) or labels.ndim != 2 or len(labels) != B or labels.dtype.kind not in "iu":
        got = f"{labels.dtype} of shape {labels.shape}" if isinstance(labels, np.ndarray) else type(labels).__name__
        raise ValueError(f"labels: got {got}, wanted integers of shape ({B}, L)")
    L = labels.shape[1]
    lengths = _lengths("lengths", lengths, B, 1, T)
    label_lengths = _lengths("label_lengths", label_lengths, B, 0, L)
    real = np.arange(L) < label_lengths[:, None]
    if real.any():
        require_ids("labels", labels, K, mask=real)
        if (labels[real] == blank).any():
            raise ValueError(f"labels: got {blank}, the blank, wanted symbols other than it")
    return lengths, label_lengths


def _lengths(name, lengths, B, low, high):
    """`lengths` as an int64 array, the whole for None."""
    lengths = np.full(B, high) if lengths is None else np.asarray(lengths)
    if lengths.shape != (B,) or lengths.dtype.kind not in "iu":
        raise ValueError(f"{name}: got {lengths.dtype} of shape {lengths.shape}, wanted {B} integers")
    if lengths.min() < low or lengths.max() > high:
        raise ValueError(f"{name}: got {lengths.min()} to {lengths.max()}, wanted {low} to {high}")
    return lengths.astype(np.int64)
