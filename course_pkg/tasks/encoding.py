"""What every task returns, and symbols to numbers and back."""

import re
from collections import Counter
from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import ArrayLike

from course_pkg._validation import require_ids, require_number, require_unmasked

PAD, UNKNOWN = "<pad>", "<unk>"


class Data(NamedTuple):
    """N sequences of at most T steps, and what is asked about them.

    chance is the score of a learner that does not remember: an accuracy where y holds classes, a
    mean squared error where it holds numbers, nats per step where the task says so.
    """

    x: Any  # (N, T) integers that stand for symbols, or (N, T, D) numbers
    y: Any  # (N,) one class each, (N, T) a class at each step, (N, K) or (N, T, K) numbers
    chance: float
    mask: Any = None  # (N, T) booleans: the steps at which y counts; None when all do
    lengths: Any = None  # (N,) true lengths when x is padded at its end; None when all are T
    symbols: tuple = ()  # symbols[k] is what k means in x
    classes: tuple = ()  # classes[k] is what k means in y

    @property
    def arrays(self) -> tuple:
        """(x, y, mask, lengths), what `train.fit` takes."""
        return self.x, self.y, self.mask, self.lengths


def encode(tokens: Sequence, symbols: Sequence) -> np.ndarray:
    """The numbers of `tokens` (a string is a sequence of characters) as an integer array.

    A token that is not among `symbols` becomes "<unk>" where symbols has that, else raises ValueError.
    """
    number = {symbol: k for k, symbol in enumerate(symbols)}
    unknown = number.get(UNKNOWN)
    try:
        ids = [number.get(token, unknown) for token in tokens]
    except TypeError:
        raise ValueError("tokens: got a list or an array among them, wanted one sequence of tokens") from None
    if None in ids:
        raise ValueError(f"tokens: got {tokens[ids.index(None)]!r}, which is not among the {len(symbols)} symbols")
    return np.array(ids, dtype=np.int64)


def decode(ids: ArrayLike, symbols: Sequence) -> list:
    """The list of symbols that `ids` (one axis) stand for."""
    ids = np.asarray(ids)
    require_ids("ids", ids, len(symbols))
    return [symbols[k] for k in ids]


def pad(sequences: Sequence, value: int = 0) -> tuple[np.ndarray, np.ndarray]:
    """Integer sequences of different lengths as one array: (ids (N, T) filled up with `value`, lengths (N,)).

    Raises ValueError for an empty sequence, and for one of anything but integers, which would be cut to integers.
    """
    sequences = [_integers(f"sequences[{k}]", sequence) for k, sequence in enumerate(sequences)]
    lengths = np.array([len(s) for s in sequences], dtype=np.int64)
    if lengths.size == 0 or lengths.min() == 0:
        raise ValueError("sequences: got an empty one or none at all, wanted at least one, each of at least one step")
    ids = np.full((len(lengths), lengths.max()), value, dtype=np.int64)
    for row, sequence in zip(ids, sequences):
        row[: len(sequence)] = sequence
    return ids, lengths


def _integers(name, sequence):
    """`sequence` as an array with one axis; ValueError where it holds anything but integers."""
    ids = np.asarray(sequence)
    if ids.size and (ids.ndim != 1 or ids.dtype.kind not in "iu"):
        raise ValueError(f"{name}: got {ids.dtype} of shape {ids.shape}, wanted integers along one axis")
    require_unmasked(name, sequence)
    return ids


def words(text: str) -> list[str]:
    """Lower-case words and marks of `text`, HTML line breaks dropped: "A film.<br />Good" gives a, film, ., good."""
    return re.findall(r"\w+(?:'\w+)*|[^\w\s]", re.sub(r"<br\s*/?>", " ", text.lower()))


def vocabulary(token_lists: Sequence, size: int) -> tuple[str, ...]:
    """The symbols "<pad>", "<unk>" and the most frequent tokens, `size` in all; ties in alphabetical order."""
    require_number("size", size, 3, integer=True)
    counts = Counter(token for tokens in token_lists for token in tokens)
    ranked = sorted(counts, key=lambda token: (-counts[token], token))
    return (PAD, UNKNOWN, *ranked[: size - 2])


def balanced(n: int, classes: int, rng: np.random.Generator) -> np.ndarray:
    """n class numbers in random order, each class as often as the others (to within one)."""
    return rng.permutation(np.arange(n, dtype=np.int64) % classes)


def pick(options: Sequence, rng: np.random.Generator) -> Any:
    """One of `options`, a sequence, drawn evenly."""
    return options[rng.integers(len(options))]


def require_counts(**counts: Any) -> None:
    """Check that each named argument is an integer of at least 1."""
    for name, value in counts.items():
        require_number(name, value, 1, integer=True)
