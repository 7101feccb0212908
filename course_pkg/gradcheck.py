"""Gradients by finite differences, to hold every backward pass against.

Method: central differences, error O(eps^2) (Goodfellow, Bengio and Courville 2016, section 11.5).

Two measures of a difference, for two questions. `max_error` asks whether two computations of one thing are equal,
and is absolute below 1. `gradcheck` asks whether a gradient is right, be it as small as gradients become over
many steps, so its error is relative to the largest number of the gradient.
"""

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from course_pkg.trees import tree_build, tree_leaves

# Rounding of f, 1e-16 |f| and some more, divided by a difference of 2e-5, is 1e-11 |f|; a tolerance of 1e-6 times
# the second number leaves it ten times as much.
ABSOLUTE, RELATIVE = 1e-9, 1e-4


def max_error(a: ArrayLike, b: ArrayLike) -> float:
    """The course's measure of "equal": max |a - b| / max(1, max |b|), for arrays of one shape."""
    a, b = np.asarray(a), np.asarray(b)
    if a.shape != b.shape:
        raise ValueError(f"a: got shape {a.shape}, wanted {b.shape} as b has")
    return float(np.max(np.abs(a - b)) / max(1.0, np.max(np.abs(b))))


def numerical_gradient(f: Callable, x: Any, eps: float = 1e-5) -> Any:
    """Gradient of the scalar function f at x, by central differences.

    x is a float64 array, or a tree of such arrays (see `trees`); the gradient has the same structure.
    f is called with a changed copy of one array at a time, never of x itself. Raises ValueError for
    any other dtype: in float32 the differences drown in rounding.
    """
    if not isinstance(x, tuple):
        return _differences(f, "x", np.asarray(x), eps)
    leaves = tree_leaves(x)
    gradient = {
        name: _differences(lambda moved, name=name: f(tree_build(x, {**leaves, name: moved})), f"x.{name}", leaf, eps)
        for name, leaf in leaves.items()
    }
    return tree_build(x, gradient)


def _differences(f, name, x, eps):
    """The gradient of f at one array."""
    if getattr(x, "dtype", None) != np.float64:
        raise ValueError(f"{name}: got {getattr(x, 'dtype', type(x).__name__)}, wanted an array of float64")
    gradient = np.empty_like(x)
    for index in np.ndindex(x.shape):
        moved = x.copy()
        moved[index] = x[index] + eps
        above = float(f(moved))
        moved = x.copy()  # a new one: f may keep what it was given
        moved[index] = x[index] - eps
        gradient[index] = (above - float(f(moved))) / (2 * eps)
    return gradient


def _relative_error(name, a, b, least):
    """max |a - b| / max |b|, or / least where that is larger."""
    a, b = np.asarray(a), np.asarray(b)
    if a.shape != b.shape:
        raise ValueError(f"{name or 'gradient'}: got shape {a.shape}, wanted {b.shape} as x has")
    return float(np.max(np.abs(a - b)) / max(least, np.max(np.abs(b))))


def gradcheck(f: Callable, x: Any, gradient: Any, tolerance: float = 1e-6) -> float:
    """Compare `gradient` with finite differences of the scalar function f at x; return the largest error.

    The error of a part is max |gradient - differences| / max |differences|. Where the differences are tiny beside f,
    they hold little but the rounding of f: a part below 1e-4 |f(x)|, or below 1e-9, is divided by that instead, so
    of a gradient of 1e-7 beside a loss of 1 three digits are checked. Raises ValueError that names the part whose
    error is more than `tolerance`.
    """
    numeric, gradient = tree_leaves(numerical_gradient(f, x)), tree_leaves(gradient)
    if gradient.keys() != numeric.keys():
        raise ValueError(f"gradient: got the parts {list(gradient)}, wanted {list(numeric)} as x has")
    least = max(ABSOLUTE, RELATIVE * abs(float(f(x))))
    errors = {name: _relative_error(name, gradient[name], numeric[name], least) for name in numeric}
    for name, error in errors.items():
        if not error <= tolerance:  # so written, a gradient that is not a number fails too
            raise ValueError(f"{name or 'gradient'}: got an error of {error:.2e}, wanted at most {tolerance:.0e}")
    return max(errors.values())
