"""How a gradient changes the parameters: optimisers, clipping, learning-rate schedules.

An optimiser is a pair of functions over trees of parameters (see `trees`):

    memory = optimiser.start(params)
    params, memory = optimiser.update(params, dparams, memory, rate)

Nothing passed in is changed. A schedule is a function of the step, counted from 0, that returns the
learning rate. Same numbers as torch.optim with the same settings. float(rate) keeps a float64 rate
from turning float32 parameters into float64.

Sources: Polyak 1964 (momentum); Tieleman and Hinton 2012 (RMSProp); Kingma and Ba 2015 (Adam);
Pascanu, Mikolov and Bengio 2013 (clipping by the norm); Loshchilov and Hutter 2017 (cosine).
"""

import math
from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np

from course_pkg._validation import require_number
from course_pkg.trees import tree_leaves, tree_map

SAFE_SQUARES = 1e-280, 1e300  # a sum of squares between these has lost no square that matters


class Optimiser(NamedTuple):
    """A rule for updates; what it remembers from step to step is handed back by `update`."""

    start: Callable  # params -> memory
    update: Callable  # (params, dparams, memory, rate) -> (params, memory)


class AdamMemory(NamedTuple):
    """Adam's running means."""

    step: int
    mean: Any  # a tree like params: mean gradient
    square: Any  # a tree like params: mean squared gradient


def sgd() -> Optimiser:
    """Gradient descent: new weight = weight - rate * gradient."""

    def update(params, dparams, memory, rate):
        return tree_map(lambda p, d: p - float(rate) * d, params, dparams), memory

    return Optimiser(lambda params: None, update)


def momentum(keep: float = 0.9) -> Optimiser:
    """Gradient descent on v = keep * v + gradient, a sum over past gradients that fades by `keep` a step."""
    require_number("keep", keep, 0, 1, open_high=True)

    def update(params, dparams, v, rate):
        v = tree_map(lambda v, d: keep * v + d, v, dparams)
        return tree_map(lambda p, v: p - float(rate) * v, params, v), v

    return Optimiser(lambda params: tree_map(np.zeros_like, params), update)


def rmsprop(keep: float = 0.99, eps: float = 1e-8) -> Optimiser:
    """The gradient divided by the root of its own mean square, a mean that fades by `keep` a step."""
    require_number("keep", keep, 0, 1, open_high=True)
    require_number("eps", eps, 0)

    def update(params, dparams, square, rate):
        square = tree_map(lambda s, d: keep * s + (1 - keep) * d * d, square, dparams)
        return tree_map(lambda p, d, s: p - float(rate) * d / (np.sqrt(s) + eps), params, dparams, square), square

    return Optimiser(lambda params: tree_map(np.zeros_like, params), update)


def adam(keep_mean: float = 0.9, keep_square: float = 0.999, eps: float = 1e-8) -> Optimiser:
    """RMSProp on the mean gradient. Both means start at 0 and are divided by the weight they hold so far."""
    require_number("keep_mean", keep_mean, 0, 1, open_high=True)
    require_number("keep_square", keep_square, 0, 1, open_high=True)
    require_number("eps", eps, 0)

    def start(params):
        return AdamMemory(0, tree_map(np.zeros_like, params), tree_map(np.zeros_like, params))

    def update(params, dparams, memory, rate):
        step = memory.step + 1
        mean = tree_map(lambda m, d: keep_mean * m + (1 - keep_mean) * d, memory.mean, dparams)
        square = tree_map(lambda s, d: keep_square * s + (1 - keep_square) * d * d, memory.square, dparams)
        size, root = float(rate) / (1 - keep_mean**step), math.sqrt(1 - keep_square**step)
        params = tree_map(lambda p, m, s: p - size * m / (np.sqrt(s) / root + eps), params, mean, square)
        return params, AdamMemory(step, mean, square)

    return Optimiser(start, update)


def global_norm(tree: Any) -> float:
    """The length of all numbers of a tree as one vector, summed in float64. NaN or infinity where one of them is."""
    leaves = [a for a in tree_leaves(tree).values() if np.size(a)]
    with np.errstate(over="ignore", under="ignore"):
        total = sum(float(np.square(a, dtype=np.float64).sum()) for a in leaves)
    if SAFE_SQUARES[0] < total < SAFE_SQUARES[1]:
        return math.sqrt(total)
    largest = float(max((np.abs(a).max() for a in leaves), default=0.0))
    if largest == 0 or not math.isfinite(largest):
        return math.nan if math.isnan(total) else largest
    # Squares of such numbers leave the range of float64, so the largest is divided out first.
    with np.errstate(under="ignore"):
        scaled = sum(float(np.square(np.asarray(a, np.float64) / largest).sum()) for a in leaves)
    return largest * math.sqrt(scaled)


def clip_by_global_norm(dparams: Any, limit: float) -> tuple[Any, float]:
    """Shrink the gradient by one factor until its norm is at most `limit`.

    Returns (dparams, the norm before). The direction stays. PyTorch divides by
    norm + 1e-6 instead of by the norm. A gradient that is not finite has no direction: it is returned
    as it came, and the norm says so.
    """
    require_number("limit", limit, 0)
    norm = global_norm(dparams)
    if limit < norm < math.inf:
        dparams = tree_map(lambda d: d * float(limit / norm), dparams)
    return dparams, norm


def clip_by_value(dparams: Any, limit: float) -> Any:
    """Each number of the gradient limited to -limit..limit. The direction changes."""
    require_number("limit", limit, 0)
    return tree_map(lambda d: np.clip(d, -float(limit), float(limit)), dparams)


def constant(rate: float) -> Callable[[int], float]:
    """The same learning rate at every step."""
    require_number("rate", rate, 0)
    return lambda step: float(rate)


def exponential(rate: float, half_life: float) -> Callable[[int], float]:
    """A learning rate that halves every `half_life` steps."""
    require_number("rate", rate, 0)
    require_number("half_life", half_life, 1)
    return lambda step: float(rate) * 0.5 ** (step / half_life)


def cosine(rate: float, steps: int, *, warmup: int = 0) -> Callable[[int], float]:
    """Up to `rate` in a straight line over `warmup` steps, then half a cosine down to 0 at `steps`."""
    require_number("rate", rate, 0)
    require_number("steps", steps, 1, integer=True)
    require_number("warmup", warmup, 0, steps, open_high=True, integer=True)

    def at(step):
        if step < warmup:
            return float(rate) * (step + 1) / warmup
        done = min(1.0, (step - warmup) / (steps - warmup))
        return float(rate) * 0.5 * (1 + math.cos(math.pi * done))

    return at
