"""What a call answered, in a few numbers: enough to recognise a mistake, too few to read more than four numbers from.

Of every array the shape, the largest size of a number and three weighted sums are kept. The weights are drawn, so two
arrays with the same sums are the same array but for a rare chance. Rounded numbers are compared with a tolerance and
not by a hash, since another machine may add in another order.
"""

import math
import zlib

import numpy as np

from course_pkg.checks.compare import arrays, as_numbers, as_tree, call, unchanged

DIGITS = 7  # after the point of what is stored, for numbers of the size of 1
TOLERANCE = 3e-6  # between two sums, relative to max(1, the largest size of a number)
CARE = "care"  # stands beside the places of the returned arrays: which inputs were changed
STIRRED = 3  # of the sizes of the visible cases, the largest: each is filled anew in two ways
SQUARE = 3
MARKS = {"nan": 1234.5, "inf": 2345.25, "-inf": -3456.125}  # in place of what cannot be added


def telling_cases(visible):
    """The cases on which mistakes are told apart: those of the visible check, and some of them with drawn numbers.

    visible  [arguments], dicts. Their numbers are so simple that some mistakes give the same answer. So every array of
    floats is filled anew, once from -1 to 1 and once from 0.1 to 0.9, in as many sizes as there are, at most three.
    In one more all sizes are equal: there a mistake runs that NumPy refuses elsewhere.
    """
    sizes = {}
    for case in visible:
        found = arrays(case)
        if any(a.dtype.kind == "f" and a.size for a in found.values()):
            sizes.setdefault(tuple(a.shape for a in found.values()), case)
    largest = sorted(sizes.items(), key=lambda item: -sum(math.prod(shape) for shape in item[0]))[:STIRRED]
    ends = ((-1.0, 1.0), (0.1, 0.9))
    stirred = [stir(case, low, high) for _, case in largest for low, high in ends]
    squares = [stir(case, low, high, SQUARE) for _, case in largest[:1] for low, high in ends]
    return stirred + squares + list(visible)


def stir(arguments, low, high, size=None):
    """The arguments with drawn numbers between `low` and `high` in every array of floats; of this size, if given."""
    rng = np.random.RandomState(7)

    def fill(value):
        if isinstance(value, dict):
            return {key: fill(part) for key, part in value.items()}
        if isinstance(value, (tuple, list)):
            parts = [fill(part) for part in value]
            return value._make(parts) if hasattr(value, "_make") else type(value)(parts)
        if isinstance(value, np.ndarray):
            value = np.resize(value, (size,) * value.ndim) if size else value
            if value.dtype.kind == "f":
                return rng.uniform(low, high, value.shape).astype(value.dtype)
        return value

    return fill(arguments)


def fingerprint(function, arguments, returns=""):
    """What a function does with the arguments: {place: what is there}, or {"error": its kind}.

    A place is "" for a single array, else the numbers of the parts, as in "1.0". The place "care" names the inputs
    that were changed.
    """
    made = call(function, arguments)
    if made.error is not None:
        return {"error": type(made.error).__name__}
    value = made.value
    if isinstance(value, list) and not isinstance(returns, str):
        value = tuple(value)
    before, after = arrays(arguments), arrays(made.after)
    changed = [k for k, a in before.items() if k not in after or not unchanged(a, after[k])]
    return {**_leaves(as_tree(value)), CARE: changed}


def _leaves(value, place=""):
    if isinstance(value, tuple):
        found = {}
        for k, part in enumerate(value):
            found |= _leaves(part, f"{place}.{k}" if place else str(k))
        return found
    a = as_numbers(value)
    if a is None:
        return {place: [type(value).__name__, zlib.crc32(repr(value).encode()) if _plain(value) else 0]}
    return {place: [list(a.shape), *numbers_of(a)]}


def _plain(value):
    """Whether what it prints is what it is: text, numbers, and lists and dicts of them."""
    if isinstance(value, dict):
        return all(_plain(part) for item in value.items() for part in item)
    if isinstance(value, (list, tuple)):
        return all(map(_plain, value))
    return isinstance(value, (str, bytes, int, float, bool, type(None)))


def numbers_of(a):
    """The largest size of a number in an array, and three weighted sums, rounded."""
    a = np.array(a, dtype=float).ravel()
    bad = ~np.isfinite(a)
    if bad.any():
        a = np.where(
            np.isnan(a), MARKS["nan"], np.where(a > 0, MARKS["inf"], MARKS["-inf"]) * bad + np.where(bad, 0, a)
        )
    largest = float(np.max(np.abs(a), initial=0.0))
    weights = np.random.RandomState(11).uniform(-1, 1, (a.size, 3))
    # Seven digits of the largest. A largest of 1 or 10 may come a little above it, and should be rounded alike.
    digits = DIGITS - max(0, math.ceil(math.log10(0.999 * largest)) if largest > 1 else 0)
    return [round(float(number), digits) + 0.0 for number in (largest, *(a @ weights))]


def alike(one, other):
    """Whether two of the things that a fingerprint holds at a place cannot be told apart."""
    if one is None or other is None or one[:1] != other[:1] or len(one) != len(other):
        return False
    if not one or not isinstance(one[0], list):
        return one == other
    scale = TOLERANCE * max(1.0, one[1], other[1])
    return all(abs(a - b) <= scale for a, b in zip(one[1:], other[1:]))
