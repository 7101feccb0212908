"""One training loop for every network of the course.

A network takes part through one function,

    loss(params, batch, state, rng) -> (value, dparams, state_T)

with a batch that is a tuple of arrays, sequences along axis 0, and a gradient `dparams` of the type
of `params`. `models` has such functions. state is None except with `window`, see `fit`; rng is for
dropout. Same seed, same result to the bit on one machine. `save` and `load` are in `storage`.
"""

import contextlib
import math
from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np

from course_pkg._validation import require_number, require_rng
from course_pkg.optim import Optimiser, adam, clip_by_global_norm, constant, global_norm
from course_pkg.padded import require_lengths
from course_pkg.storage import load, save
from course_pkg.trees import tree_leaves, tree_map

try:
    from tqdm import tqdm
except ImportError:  # the bar is a comfort; NumPy alone is enough to train
    tqdm = None

__all__ = ["Fit", "History", "NotFinite", "fit", "load", "save"]


class History(NamedTuple):
    """What happened, for `plots`: one number for each of S steps, and for each of E checks."""

    loss: np.ndarray  # (S,) on the step's batch, before the update
    norm: np.ndarray  # (S,) of the gradient, before clipping
    rate: np.ndarray  # (S,)
    checked: np.ndarray  # (E,) how many steps had been made at each check
    score: np.ndarray  # (E,)


class Fit(NamedTuple):
    """The result of `fit`: trained parameters and how they got there."""

    params: Any
    history: History


class NotFinite(ArithmeticError):
    """Training met a number that is not finite.

    step: how many updates had been made; parameter: the name of the one that broke; fit: what was
    learned until then, with the last parameters whose loss was finite.
    """

    def __init__(self, message, step, parameter, fit):
        super().__init__(message)
        self.step, self.parameter, self.fit = step, parameter, fit


def fit(
    loss: Callable,
    params: Any,
    data: tuple | Callable,
    rng: np.random.Generator,
    *,
    steps: int,
    batch: int = 32,
    rate: float | Callable[[int], float] = 1e-3,
    optimiser: Optimiser | None = None,
    clip: float = math.inf,
    window: int | None = None,
    score: Callable | None = None,
    every: int = 100,
    patience: float = math.inf,
    target: float = -math.inf,
    progress: bool = True,
) -> Fit:
    """Make at most `steps` updates of `params` and return a `Fit`.

    data: a tuple of arrays with the sequences along axis 0 (None may stand for an absent one), drawn
    without replacement in batches of `batch`; or a function of rng that draws a fresh batch.
    rate: a number or a schedule of `optim`. optimiser: from `optim`, Adam by default. clip: the
    largest global norm of a gradient.

    window: cut every batch along time (axis 1) into pieces of so many steps and update after each.
    The state at the end of a piece is where the next begins, and no gradient crosses the cut: this is
    truncated backpropagation through time with a carried state. Each new batch starts from None. Then data
    are (x, y), (x, y, mask) or (x, y, mask, lengths) as in `models`; the lengths, (N,) integers, are cut along
    with time, and a sequence that has ended leaves the batch, its state too.

    score: params -> a number, better when lower, taken after every `every` steps and at the end. With
    it, the parameters with the best score are returned, and training stops after `patience` checks
    without a better one, or as soon as one is at most `target`.

    Raises ValueError for wrong arguments, NotFinite for a loss, gradient or parameter that is not finite.
    """
    _check(rng, steps, batch, clip, window, score, every, patience, target)
    pieces = _pieces(data if callable(data) else _batches(data, batch, rng), window, rng)
    optimiser = optimiser or adam()
    rate_at = rate if callable(rate) else constant(rate)
    memory, state, best = optimiser.start(params), None, (math.inf, params)
    good, rows, checks = params, [], []
    with _progress_bar(steps, progress) as bar:
        for step in bar:
            piece, going = next(pieces)
            state = None if going is None else state if going.all() else tree_map(lambda a, k=going: a[k], state)
            with np.errstate(all="ignore"):  # an overflow is reported below, with the name of the parameter
                value, dparams, state = loss(params, piece, state, rng)
                clipped, norm = clip_by_global_norm(dparams, clip)
                moved, memory = optimiser.update(params, clipped, memory, rate_at(step))
            good = params if math.isfinite(value) else good
            broken = _not_finite(value, norm, dparams, params, moved)
            if broken:
                raise NotFinite(f"step {step}: {broken[0]}", step, broken[1], Fit(good, _history(rows, checks)))
            params = moved
            rows.append((value, norm, rate_at(step)))
            if progress and tqdm:
                bar.set_postfix_str(f"loss {value:.4f}", refresh=False)
            if score is None or ((step + 1) % every and step + 1 < steps):
                continue
            now = float(score(params))
            checks.append((step + 1, math.inf if math.isnan(now) else now))
            best = min(best, (checks[-1][1], params), key=lambda pair: pair[0])
            if best[0] <= target or _checks_without_better(checks) >= patience:
                break
    return Fit(params if score is None else best[1], _history(rows, checks))


def _progress_bar(steps, show):
    """The numbers of the steps, under a bar where there is one to show."""
    return tqdm(range(steps), mininterval=0.5) if show and tqdm else contextlib.nullcontext(range(steps))


def _not_finite(value, norm, dparams, params, moved):
    """(what is wrong, name of the parameter), or None when every number is finite."""
    if not math.isfinite(value):
        name = _worst(dparams, params)
        return f"the loss is {value}; look at {name}, whose gradient is the first to break or which is largest", name
    if not math.isfinite(norm):
        name = _worst(dparams)
        return f"the gradient of {name} is not finite", name
    if not math.isfinite(global_norm(moved)):
        name = _worst(moved)
        return f"the update makes {name} not finite", name
    return None


def _worst(*trees):
    """The name of the first leaf that is not finite, or else of the largest in the last tree."""
    for name, a in (item for tree in trees for item in tree_leaves(tree).items()):
        if not np.isfinite(a).all():
            return name
    return max(tree_leaves(trees[-1]).items(), key=lambda item: np.abs(item[1]).max())[0]


def _checks_without_better(checks):
    scores = [score for _, score in checks]
    return len(scores) - 1 - scores.index(min(scores))


def _history(rows, checks):
    loss, norm, rate = np.array(rows, float).reshape(-1, 3).T
    checked, score = np.array(checks, float).reshape(-1, 2).T
    return History(loss, norm, rate, checked.astype(int), score)


def _batches(data, batch, rng):
    """A function that draws the next batch: every sequence once, in random order, then all over again."""
    arrays = [a for a in data if a is not None] if isinstance(data, tuple) else []
    if not arrays or not all(isinstance(a, np.ndarray) and a.ndim for a in arrays):
        raise ValueError(f"data: got {type(data).__name__}, wanted a tuple of arrays or a function that draws a batch")
    if len({len(a) for a in arrays}) > 1 or len(arrays[0]) == 0:
        raise ValueError(f"data: got arrays of shapes {[a.shape for a in arrays]}, wanted as many sequences in each")
    for k, a in enumerate(data):
        if a is not None and a.dtype.kind == "f" and not np.isfinite(a).all():
            raise ValueError(f"data[{k}]: got NaN or infinity, wanted finite numbers")
        if a is not None and a.dtype == np.bool_ and not a.any():
            raise ValueError(f"data[{k}]: got no True at all, wanted at least one place that counts")
    order = []

    def draw(rng):
        nonlocal order
        if len(order) == 0:
            order = rng.permutation(len(arrays[0]))
        now, order = order[:batch], order[batch:]
        return tuple(None if a is None else a[now] for a in data)

    return draw


def _pieces(draw, window, rng):
    """Without end: (the arrays of one update, which sequences of the piece before go on in it).

    Instead of the second there is None where a new batch begins.
    """
    while True:
        arrays = draw(rng)
        if window is None:
            yield arrays, None
        else:
            yield from _windows(arrays, window)


def _windows(arrays, window):
    """The pieces of one batch, as in `_pieces`."""
    lengths = arrays[3] if len(arrays) == 4 and np.ndim(arrays[3]) == 1 else None
    arrays = arrays if lengths is None else arrays[:3]
    steps = {a.shape[1] if a.ndim > 1 else None for a in arrays if a is not None}
    if len(steps) != 1 or None in steps:
        raise ValueError("data: got arrays without a common time axis 1, wanted one, because `window` cuts there")
    T = steps.pop()
    ends = np.full(len(arrays[0]), T) if lengths is None else require_lengths(lengths, len(arrays[0]), T)
    before = ends > 0
    for k in range(0, ends.max(), window):
        now = ends > k
        piece = tuple(None if a is None else a[now, k : k + window] for a in arrays)
        ended = () if lengths is None else (np.minimum(ends[now] - k, piece[0].shape[1]),)
        yield piece + ended, None if k == 0 else now[before]
        before = now


def _check(rng, steps, batch, clip, window, score, every, patience, target):
    require_rng(rng)
    for name, value in (("steps", steps), ("batch", batch), ("every", every)):
        require_number(name, value, 1, integer=True)
    require_number("clip", clip, 0)
    require_number("patience", patience, 1)
    if window is not None:
        require_number("window", window, 1, integer=True)
    if score is None and (patience < math.inf or target > -math.inf):
        raise ValueError("score: got None, wanted a function of the parameters, since patience or target was given")
