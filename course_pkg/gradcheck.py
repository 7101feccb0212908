"""Gradients by finite differences, to hold every backward pass against.

Method: central differences, error O(eps^2) (Goodfellow, Bengio and Courville 2016, section 11.5).
"""

import numpy as np


def max_error(a, b):
    """The course's measure of "equal": max |a - b| / max(1, max |b|), for arrays of one shape."""
    a, b = np.asarray(a), np.asarray(b)
    if a.shape != b.shape:
        raise ValueError(f"a: got shape {a.shape}, wanted {b.shape} as b has")
    return float(np.max(np.abs(a - b)) / max(1.0, np.max(np.abs(b))))


def numerical_gradient(f, x, eps=1e-5):
    """Gradient of the scalar function f at x, by central differences.

    x is a float64 array, or a NamedTuple of such arrays; the gradient has the same type and shapes.
    f is called with changed copies, never with x itself. Raises ValueError for any other dtype:
    in float32 the differences drown in rounding.
    """
    if isinstance(x, tuple):
        parts = (
            numerical_gradient(lambda a, k=k: f(x._replace(**{k: a})), part, eps) for k, part in x._asdict().items()
        )
        return x._make(parts)
    x = np.asarray(x)
    if x.dtype != np.float64:
        raise ValueError(f"x: got dtype {x.dtype}, wanted float64")
    gradient = np.empty_like(x)
    for index in np.ndindex(x.shape):
        moved = x.copy()
        moved[index] = x[index] + eps
        above = float(f(moved))
        moved[index] = x[index] - eps
        gradient[index] = (above - float(f(moved))) / (2 * eps)
    return gradient


def gradcheck(f, x, gradient, tolerance=1e-6):
    """Compare `gradient` with finite differences of the scalar function f at x; return the largest error.

    Raises ValueError that names the part which differs by more than `tolerance` (see `max_error`).
    """
    numeric = numerical_gradient(f, x)
    if not isinstance(x, tuple):
        numeric, gradient, names = (numeric,), (gradient,), ("gradient",)
    else:
        names = x._fields
    errors = {name: max_error(g, n) for name, g, n in zip(names, gradient, numeric)}
    worst = max(errors, key=errors.get)
    if not errors[worst] <= tolerance:
        raise ValueError(f"{worst}: got an error of {errors[worst]:.2e}, wanted at most {tolerance:.0e}")
    return errors[worst]
