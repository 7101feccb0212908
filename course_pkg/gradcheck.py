"""Gradients by finite differences, to hold every backward pass against.

Method: central differences, error O(eps^2) (Goodfellow, Bengio and Courville 2016, section 11.5).
"""

import numpy as np

from course_pkg.trees import tree_build, tree_leaves


def max_error(a, b):
    """The course's measure of "equal": max |a - b| / max(1, max |b|), for arrays of one shape."""
    a, b = np.asarray(a), np.asarray(b)
    if a.shape != b.shape:
        raise ValueError(f"a: got shape {a.shape}, wanted {b.shape} as b has")
    return float(np.max(np.abs(a - b)) / max(1.0, np.max(np.abs(b))))


def numerical_gradient(f, x, eps=1e-5):
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


def gradcheck(f, x, gradient, tolerance=1e-6):
    """Compare `gradient` with finite differences of the scalar function f at x; return the largest error.

    Raises ValueError that names the part which differs by more than `tolerance` (see `max_error`).
    """
    numeric, gradient = tree_leaves(numerical_gradient(f, x)), tree_leaves(gradient)
    if gradient.keys() != numeric.keys():
        raise ValueError(f"gradient: got the parts {list(gradient)}, wanted {list(numeric)} as x has")
    errors = {name: max_error(gradient[name], numeric[name]) for name in numeric}
    for name, error in errors.items():
        if not error <= tolerance:  # so written, a gradient that is not a number fails too
            raise ValueError(f"{name or 'gradient'}: got an error of {error:.2e}, wanted at most {tolerance:.0e}")
    return max(errors.values())
