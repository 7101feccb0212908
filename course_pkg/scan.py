"""Linear recurrences, h_t = a_t * h_{t-1} + b_t: one step after the other, as a tree, by doubling, or in chunks.

A step with a gate a_t that does not look at h_{t-1} is an affine map, and two such maps, one after the other, are one
such map again (`combine`). So the steps can be joined in any order of brackets, and most of them at the same time.
All four ways give the same h; they differ in how many rounds and how many products they need:

    sequential   T rounds         T products
    doubling     log2 T rounds    T log2 T products    (Hillis and Steele 1986)
    tree         2 log2 T rounds  2 T products         (Blelloch 1990)
    chunked      T / n + n rounds 3 T products         chunks of n steps side by side, then chunk after chunk

Shapes: a, b, h (B, T, H), h_0 (B, H); everything acts on each of the H numbers alone. Real or complex, of one dtype.
Gradients of complex arrays are PyTorch's: dL/d(real part) + i dL/d(imaginary part).

Sources: Blelloch 1990; Hillis and Steele 1986; Martin and Cundy 2018 (as a layer of a network); Heinsen 2023 (in log
space).
"""

from typing import NamedTuple

import numpy as np

from course_pkg._validation import require_choice, require_number
from course_pkg.activations import Array

DTYPES = tuple(np.dtype(name) for name in ("float32", "float64", "complex64", "complex128"))


class ScanTape(NamedTuple):
    """Kept by `scan`."""

    a: Array  # (B, T, H)
    h: Array  # (B, T, H)
    h_0: Array  # (B, H)
    how: str
    chunk: int


def combine(
    first: tuple[np.ndarray, np.ndarray], second: tuple[np.ndarray, np.ndarray]
) -> tuple[np.ndarray, np.ndarray]:
    """Two affine steps, `first` and then `second`, as one: (a, b) stands for h -> a * h + b."""
    a_1, b_1 = first
    a_2, b_2 = second
    return a_2 * a_1, a_2 * b_1 + b_2


def scan(
    a: np.ndarray, b: np.ndarray, h_0: np.ndarray | None = None, *, how: str = "sequential", chunk: int = 64
) -> tuple[np.ndarray, ScanTape]:
    """h_t = a_t * h_{t-1} + b_t for all T steps.

    a, b (B, T, H), h_0 (B, H) or None for zeros; how: "sequential", "doubling", "tree" or "chunked", with chunks of
    `chunk` steps. Returns (h (B, T, H), ScanTape). Raises ValueError for other shapes, dtypes or names.
    """
    a, b, h_0 = _check(a, b, h_0)
    require_choice("how", how, WAYS)
    require_number("chunk", chunk, 1, integer=True)
    h = _run(a, b, h_0, how, chunk)
    return h, ScanTape(a.copy(), h.copy(), h_0.copy(), how, chunk)


def scan_backward(dh: np.ndarray, tape: ScanTape) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Gradients of `scan`: dh (B, T, H), returns (da, db, dh_0).

    What reaches h_t is g_t = dh_t + a_{t+1} g_{t+1}: the same recurrence, read from the right, with the gates one
    place on. So it is a scan again, run in the same way.
    """
    a, h, h_0, how, chunk = tape
    _require("dh", dh, a.shape, a.dtype)
    turn = np.conj if np.iscomplexobj(a) else np.asarray
    gates = turn(a)
    later = np.concatenate([gates[:, 1:], np.zeros_like(gates[:, :1])], axis=1)  # nothing follows the last step
    g = _run(later[:, ::-1], dh[:, ::-1], np.zeros_like(h_0), how, chunk)[:, ::-1]
    before = np.concatenate([h_0[:, None], h[:, :-1]], axis=1)  # h_{t-1}
    return g * turn(before), g.copy(), g[:, 0] * gates[:, 0]


def scan_log_space(log_a: Array, log_b: Array) -> Array:
    """The recurrence for positive a and b, h_0 = 0, in log space: h = exp(A + logcumsumexp(log b - A)).

    A is the cumulative sum of log a. log_a, log_b (B, T, H), returns h (B, T, H). Nothing overflows on the way, and
    digits are lost: A grows with t, and small differences of large numbers are what is added (Heinsen 2023; Feng et
    al. 2024 use it).
    """
    _require("log_a", log_a, ("B", "T", "H"))
    _require("log_b", log_b, log_a.shape, log_a.dtype)
    total = np.cumsum(log_a, axis=1)
    return np.exp(total + np.logaddexp.accumulate(log_b - total, axis=1))


def _run(a, b, h_0, how, chunk):
    """h of the recurrence, (B, T, H); the ways overwrite their copies, which have time first: a step is one block."""
    a, b = (np.array(x.swapaxes(0, 1), order="C") for x in (a, b))
    b[0] += a[0] * h_0  # the first step takes the start in; after it h_0 is zero
    return np.ascontiguousarray(WAYS[how](a, b, chunk).swapaxes(0, 1))


def _sequential(a, b, chunk):
    for t in range(1, len(b)):
        b[t] += a[t] * b[t - 1]
    return b


def _doubling(a, b, chunk):
    reach = 1  # (a[t], b[t]) stands for the last `reach` steps up to t, or for all there are
    while reach < len(b):
        (a[reach:], b[reach:]) = combine((a[:-reach], b[:-reach]), (a[reach:], b[reach:]))
        reach *= 2
    return b


def _tree(a, b, chunk):
    if len(b) == 1:
        return b
    pairs = len(b) // 2
    evens, odds = slice(0, 2 * pairs, 2), slice(1, 2 * pairs, 2)
    b[odds] = _tree(*combine((a[evens], b[evens]), (a[odds], b[odds])), chunk)  # half as many steps, each of two
    b[2::2] += a[2::2] * b[1:-1:2]  # every other state is one step from its left neighbour
    return b


def _chunked(a, b, chunk):
    T, *rest = b.shape
    count = -(-T // chunk)
    spare = count * chunk - T  # steps that change nothing fill the last chunk
    a = np.concatenate([a, np.ones((spare, *rest), a.dtype)]).reshape(count, chunk, *rest)
    b = np.concatenate([b, np.zeros((spare, *rest), b.dtype)]).reshape(count, chunk, *rest)
    for t in range(1, chunk):  # all chunks at once, each from a start of zero
        a[:, t], b[:, t] = combine((a[:, t - 1], b[:, t - 1]), (a[:, t], b[:, t]))
    for k in range(1, count):  # now the start of each is known
        b[k] += a[k] * b[k - 1, -1]
    return b.reshape(count * chunk, *rest)[:T]


WAYS = {"sequential": _sequential, "doubling": _doubling, "tree": _tree, "chunked": _chunked}


def _check(a, b, h_0):
    _require("a", a, ("B", "T", "H"))
    _require("b", b, a.shape, a.dtype)
    if h_0 is None:
        return a, b, np.zeros((a.shape[0], a.shape[2]), a.dtype)
    _require("h_0", h_0, (a.shape[0], a.shape[2]), a.dtype)
    return a, b, h_0


def _require(name, x, shape, dtype=None):
    """As `validation.require_array`, for real and complex arrays."""
    if not isinstance(x, np.ndarray) or x.dtype not in DTYPES:
        got = f"dtype {x.dtype}" if isinstance(x, np.ndarray) else type(x).__name__
        raise ValueError(f"{name}: got {got}, wanted an array of float32, float64, complex64 or complex128")
    if dtype is not None and x.dtype != dtype:
        raise ValueError(f"{name}: got dtype {x.dtype}, wanted {dtype} as the other arguments have")
    if x.ndim != len(shape) or any(n < 1 or not (isinstance(m, str) or n == m) for n, m in zip(x.shape, shape)):
        wanted = ", ".join(map(str, shape))
        raise ValueError(f"{name}: got shape {x.shape}, wanted ({wanted}) with every size at least 1")
