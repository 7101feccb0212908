"""Calling a function that may do anything, and comparing what it did.

A tree, here, is a tuple or NamedTuple of arrays or trees.
"""

import contextlib
import copy
import io
import itertools
import textwrap
import warnings
from typing import Any, NamedTuple

import numpy as np

from course_pkg.checks.text import TEXT

TOLERANCE, TOLERANCE_FLOAT32 = 1e-8, 1e-4  # largest |got - wanted| relative to max(1, max |wanted|)

WIDTH = 92  # of a line of the report, which a notebook does not break between words


class Call(NamedTuple):
    """What one call of a function did."""

    value: Any
    error: BaseException | None
    after: dict  # the arguments as the function left them
    printed: str
    warned: list


def call(function, arguments):
    """Call `function` on a copy of `arguments` (a dict, passed in order). Never raises, prints or warns."""
    given, printed = copy.deepcopy(arguments), io.StringIO()
    with (
        warnings.catch_warnings(record=True) as warned,
        np.errstate(divide="warn", over="warn", invalid="warn"),
        contextlib.redirect_stdout(printed),
        contextlib.redirect_stderr(printed),
    ):
        warnings.simplefilter("always")
        value, error = None, None
        try:
            value = function(*given.values())
        except (Exception, SystemExit) as e:
            error = e
    return Call(value, error, given, printed.getvalue(), list(dict.fromkeys(str(w.message) for w in warned)))


@contextlib.contextmanager
def quiet():
    """No warnings from comparing strange numbers: nbgrader takes any word on standard error for a failure."""
    with warnings.catch_warnings(), np.errstate(all="ignore"):
        warnings.simplefilter("ignore")
        yield


def map_arrays(change, tree):
    """The tree (or dict) with `change` applied to every float array; all else stays as it is."""
    if isinstance(tree, dict):
        return {key: map_arrays(change, value) for key, value in tree.items()}
    if isinstance(tree, tuple):
        parts = [map_arrays(change, part) for part in tree]
        return tree._make(parts) if hasattr(tree, "_make") else tuple(parts)
    return change(tree) if isinstance(tree, np.ndarray) and tree.dtype.kind == "f" else tree


def zeroed(tree, path):
    """The tree (or dict) with zeros at `path`: a name, or names joined by dots such as "params.f"."""
    head, _, rest = path.partition(".")
    inner = tree[head] if isinstance(tree, dict) else getattr(tree, head)
    inner = zeroed(inner, rest) if rest else map_arrays(np.zeros_like, inner)
    return {**tree, head: inner} if isinstance(tree, dict) else tree._replace(**{head: inner})


def arrays(tree, path=""):
    """Every array in a tree, list or dict, as a dict from its path."""
    if isinstance(tree, np.ndarray):
        return {path: tree}
    if not isinstance(tree, (dict, tuple, list)):
        return {}
    named = tree.items() if isinstance(tree, dict) else zip(getattr(tree, "_fields", range(len(tree))), tree)
    return {k: a for name, part in named for k, a in arrays(part, f"{path}.{name}" if path else str(name)).items()}


def unchanged(before, after):
    """Whether an array holds what it held. Almost always it is the same bytes, which is soon seen."""
    same = (before.dtype, before.shape) == (after.dtype, after.shape) and before.tobytes() == after.tobytes()
    return same or np.array_equal(before, after, equal_nan=True)


def as_numbers(got):
    """A numeric array with a copy of what `got` holds (a list or a torch tensor too), or None."""
    try:
        a = np.array(got.detach() if hasattr(got, "detach") else got)
    except Exception:
        return None
    return a if a.dtype.kind in "biuf" else None


def as_tree(value):
    """`value` with tuples for those lists in it that are not one array: [1, [2, 3]] has two parts."""
    if isinstance(value, list) and as_numbers(value) is None:
        value = tuple(value)
    if not isinstance(value, tuple):
        return value
    parts = [as_tree(part) for part in value]
    return value._make(parts) if hasattr(value, "_make") else tuple(parts)


def fit(want, got):
    """`got` laid out as `want` is, if it only has to be transposed, reshaped or repeated for that; else None."""
    if got.ndim == 2 and got.shape != want.shape and got.T.shape == want.shape:
        return got.T
    if got.size == want.size:
        return got.reshape(want.shape)
    return np.full(want.shape, got.item()) if got.size == 1 else None


def difference(want, got):
    """max |got - want| / max(1, max |want|); infinite where `got` is not finite."""
    got, want = got.astype(float), want.astype(float)
    if not np.isfinite(got).all():
        return np.inf
    return float(np.max(np.abs(got - want), initial=0.0) / np.max(np.abs(want), initial=1.0))


def close(want, got):
    """Whether two arrays of one shape agree as far as their dtypes allow."""
    rough = any(a.dtype.kind == "f" and a.dtype.itemsize < 8 for a in (want, got))
    return difference(want, got) <= (TOLERANCE_FLOAT32 if rough else TOLERANCE)


def pairs(want, got, path, trouble, names=None):
    """[(path, wanted, got)] for every array of the tree `want`. Where the trees differ, `trouble` says so.

    `names` names the parts of the tuple `want`, else its own fields do. What is missing in `got` comes as None.
    """
    if not isinstance(want, tuple):
        return [(path, want, got)]
    names = names or getattr(want, "_fields", range(len(want)))
    several = isinstance(got, (tuple, list)) or (isinstance(got, np.ndarray) and got.ndim > 0)
    parts = list(got) if several else [got]
    if len(parts) != len(want) and got is not None:
        count = TEXT["things"].format(n=len(parts)) if several else TEXT["one thing"]
        text = TEXT["count"].format(
            path=path or TEXT["result"], got=count, want=len(want), names=", ".join(map(str, names))
        )
        trouble.append(text)
    paired = zip(names, want, itertools.chain(parts, itertools.repeat(None)))
    return [p for name, w, g in paired for p in pairs(w, g, f"{path}.{name}" if path else str(name), trouble)]


def rebuild(want, leaves):
    """A tree like `want` from an iterator over its arrays."""
    if not isinstance(want, tuple):
        return next(leaves)
    parts = [rebuild(part, leaves) for part in want]
    return want._make(parts) if hasattr(want, "_make") else tuple(parts)


def same_call(a, b):
    """Whether two calls cannot be told apart: the same error, or the same numbers, shapes and changes to the inputs."""
    if a.error or b.error:
        return type(a.error) is type(b.error)
    trouble = []
    compared = pairs(b.value, a.value, "", trouble)
    compared += pairs(tuple(arrays(b.after).values()), tuple(arrays(a.after).values()), "", trouble)
    numbers = [(as_numbers(w), as_numbers(g)) for _, w, g in compared]
    return not trouble and all(g is not None and g.shape == w.shape and close(w, g) for w, g in numbers)


def wrap(text):
    """The text with its long lines broken between words, indented as they are."""
    made = []
    for line in text.split("\n"):
        indent = line[: len(line) - len(line.lstrip())]
        made += textwrap.wrap(line, WIDTH, subsequent_indent=indent, break_long_words=False) or [""]
    return "\n".join(made)


def shortened(message, most=400):
    """What an error says, as far as a student can read it: some hold a whole array or file."""
    message = message.strip()
    return message if len(message) <= most else message[:most] + " ..."


def show(a, single=False):
    """A small array as indented text, or its single number."""
    if single:
        return f"{a.item():.6g}"
    return "    " + np.array2string(a, precision=4, suppress_small=True, threshold=40).replace("\n", "\n    ")


def describe(arguments):
    """What went in, in a few words: shapes, or plain numbers."""
    words = [f"{path} {a.shape}" for path, a in arrays(arguments).items()]
    words += [f"{name} = {value:.6g}" for name, value in arguments.items() if isinstance(value, (int, float))]
    words += [f"{name} = {value!r}" for name, value in arguments.items() if isinstance(value, str) and len(value) < 20]
    return ", ".join(words[:6]) + (", ..." if len(words) > 6 else "")
