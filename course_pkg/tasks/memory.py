"""Small tasks that ask one thing: what is remembered, and for how long."""

import numpy as np
from numpy.typing import ArrayLike, DTypeLike

from course_pkg._validation import require_choice, require_float, require_number, require_rng
from course_pkg.tasks.encoding import Data, balanced, require_counts


def delayed_recall(n: int, T: int, lag: int, rng: np.random.Generator, *, symbols: int = 4) -> Data:
    """Say at each step the symbol seen `lag` steps ago; it counts from step `lag` on.

    x and y (n, T) integers below `symbols`, drawn evenly. chance is the accuracy of a guess, 1 / symbols.
    Source: the simplest form of the delay-line task of Jaeger 2001 (short term memory in echo state networks).
    """
    require_counts(n=n, T=T, symbols=symbols)
    require_number("lag", lag, 0, T - 1, integer=True)
    require_rng(rng)
    x = rng.integers(symbols, size=(n, T))
    y = np.zeros_like(x)
    y[:, lag:] = x[:, : T - lag]
    mask = np.broadcast_to(np.arange(T) >= lag, (n, T)).copy()
    names = tuple("abcdefghijklmnopqrstuvwxyz"[:symbols]) if symbols <= 26 else tuple(map(str, range(symbols)))
    return Data(x, y, 1 / symbols, mask=mask, symbols=names, classes=names)


def adding_problem(n: int, T: int, rng: np.random.Generator, *, dtype: DTypeLike = np.float32) -> Data:
    """Add the two numbers that are marked, one in the first half of the sequence and one in the second.

    x (n, T, 2): an even draw from 0 to 1, and a mark that is 1 at two steps and 0 elsewhere. y (n, 1).
    chance is the mean squared error of always saying 1, the variance of a sum of two: 1/6.
    Source: Hochreiter and Schmidhuber 1997, in the form of Le, Jaitly and Hinton 2015.
    """
    require_counts(n=n)
    require_number("T", T, 2, integer=True)
    require_rng(rng)
    require_float("dtype", dtype)
    value, mark, rows = rng.random((n, T)), np.zeros((n, T)), np.arange(n)
    first, second = rng.integers(T // 2, size=n), rng.integers(T // 2, T, size=n)
    mark[rows, first] = mark[rows, second] = 1
    y = value[rows, first] + value[rows, second]
    return Data(np.stack([value, mark], axis=2).astype(dtype), y[:, None].astype(dtype), 1 / 6)


def copying_memory(n: int, delay: int, rng: np.random.Generator, *, length: int = 10, symbols: int = 8) -> Data:
    """Read `length` symbols, wait, and write them down again when the signal comes.

    x (n, delay + 2 * length): the symbols, delay - 1 blanks, the signal, length blanks. y of the same
    shape: blanks, then the symbols from the step after the signal on. Numbers below `symbols` are
    symbols; then comes the blank, then the signal. chance in nats per step is that of a learner that
    knows when to write but not what: length * ln(symbols) / (delay + 2 * length).
    Source: Hochreiter and Schmidhuber 1997, in the form of Arjovsky, Shah and Bengio 2016.
    """
    require_counts(n=n, delay=delay, length=length, symbols=symbols)
    require_rng(rng)
    blank, signal, T = symbols, symbols + 1, delay + 2 * length
    message = rng.integers(symbols, size=(n, length))
    x, y = np.full((n, T), blank), np.full((n, T), blank)
    x[:, :length] = message
    x[:, length + delay - 1] = signal
    y[:, length + delay :] = message
    names = (*map(str, range(symbols)), "blank", "signal")
    return Data(x, y, float(length * np.log(symbols) / T), symbols=names, classes=names[:-1])


# Where the symbols that matter stand, as shares of T: the ranges of Hochreiter and Schmidhuber for T = 100.
ORDER_PLACES = {2: ((0.10, 0.20), (0.50, 0.60)), 3: ((0.10, 0.20), (0.33, 0.43), (0.66, 0.76))}


def temporal_order(n: int, T: int, rng: np.random.Generator, *, relevant: int = 2) -> Data:
    """Say in which order the symbols X and Y came; `relevant` of them stand far apart among other symbols.

    x (n, T) integers: E at the start, B at the end, a, b, c, d in between, X or Y at two or three drawn
    steps. y (n,) one of the 4 or 8 orders, evenly. chance is the accuracy of a guess, 1/4 or 1/8.
    Source: Hochreiter and Schmidhuber 1997, tasks 6a and 6b; their T is drawn from 100 to 110, here it is fixed.
    """
    require_choice("relevant", relevant, ORDER_PLACES)
    require_counts(n=n)
    require_number("T", T, 10, integer=True)
    require_rng(rng)
    symbols = ("a", "b", "c", "d", "X", "Y", "E", "B")
    x = rng.integers(4, size=(n, T))
    x[:, 0], x[:, -1] = symbols.index("E"), symbols.index("B")
    y = balanced(n, 2**relevant, rng)
    for k, (low, high) in enumerate(ORDER_PLACES[relevant]):
        bit = y >> (relevant - 1 - k) & 1
        places = rng.integers(int(low * T), max(int(high * T), int(low * T) + 1), size=n)
        x[np.arange(n), places] = symbols.index("X") + bit
    names = tuple("".join("XY"[c >> (relevant - 1 - k) & 1] for k in range(relevant)) for c in range(2**relevant))
    return Data(x, y, 0.5**relevant, symbols=symbols, classes=names)


def parity(n: int, T: int, rng: np.random.Generator) -> Data:
    """Say at each step whether the number of ones so far is even or odd.

    x and y (n, T) of 0 and 1. One wrong step makes all later answers wrong. chance is the accuracy of a guess, 1/2.
    Source: Minsky and Papert 1969 for parity; over time as in Graves 2016 (adaptive computation time).
    """
    require_counts(n=n, T=T)
    require_rng(rng)
    x = rng.integers(2, size=(n, T))
    return Data(x, x.cumsum(axis=1) % 2, 0.5, symbols=("0", "1"), classes=("even", "odd"))


def count_strings(counts: ArrayLike) -> Data:
    """The strings a^n b^n of the given numbers n, as `Data`; see `counting`."""
    counts = np.asarray(counts)
    if counts.ndim != 1 or not len(counts) or counts.dtype.kind not in "iu" or counts.min() < 1:
        raise ValueError(f"counts: got {counts.tolist()}, wanted a list of integers of at least 1")
    n, t = counts[:, None], np.arange(2 * counts.max())
    mask = (t >= n) & (t < 2 * n)
    x = mask.astype(int)
    chance = max(1 - 1 / counts.mean(), 1 / counts.mean())
    return Data(x, (t == 2 * n - 1).astype(int), float(chance), mask, 2 * counts, ("a", "b"), ("b", "end"))


def counting(n: int, longest: int, rng: np.random.Generator) -> Data:
    """Read a^k b^k, k times a and then k times b, and say at each b whether another b follows or the end.

    k is drawn evenly from 1 to `longest`. x (n, 2 * longest at most) integers, y of the same shape, 1 at the last
    b and 0 elsewhere, counted at the b's. Which b is the last, only a count of the a's tells. chance is the accuracy
    of always saying "b", 1 - 2 / (longest + 1) on average, which is right in no whole string: count whole strings.
    Source: Gers and Schmidhuber 2001; as a test of cells, Weiss, Goldberg and Yahav 2018.
    """
    require_counts(n=n, longest=longest)
    require_rng(rng)
    data = count_strings(rng.integers(1, longest + 1, size=n))
    return data._replace(chance=max(1 - 2 / (longest + 1), 2 / (longest + 1)))
