"""Strings from the Reber grammar, and from the embedded one, whose second letter returns at the end.

Source: Reber 1967; Cleeremans, Servan-Schreiber and McClelland 1989 (embedded), the form used by
Hochreiter and Schmidhuber 1997.
"""

import numpy as np

from course_pkg._validation import require_rng
from course_pkg.tasks.encoding import Data, encode, pad, require_counts

SYMBOLS = tuple("BTPSXVE")

# state -> {letter: next state}. State 0 comes after B; state 5 asks for E, which leads to None, the end.
GRAMMAR = (
    {"T": 1, "P": 2},
    {"S": 1, "X": 3},
    {"T": 2, "V": 4},
    {"X": 2, "S": 5},
    {"P": 3, "V": 5},
    {"E": None},
)


def _draw(rng):
    letters, state = ["B"], 0
    while state is not None:
        letter = list(GRAMMAR[state])[rng.integers(len(GRAMMAR[state]))]
        letters.append(letter)
        state = GRAMMAR[state][letter]
    return "".join(letters)


def reber_next(prefix: str) -> set[str]:
    """The letters that the Reber grammar allows after `prefix`, as a set; empty after a whole string.

    Raises ValueError if the grammar cannot have made `prefix`.
    """
    moves = {"B": 0}
    for k, letter in enumerate(prefix):
        if letter not in moves:
            raise ValueError(f"prefix: got {prefix!r}, which leaves the grammar at letter {k}")
        moves = {} if moves[letter] is None else GRAMMAR[moves[letter]]
    return set(moves)


def is_reber(string: str) -> bool:
    """Whether `string` is a whole string of the Reber grammar."""
    try:
        return reber_next(string) == set()
    except ValueError:
        return False


def is_embedded_reber(string: str) -> bool:
    """Whether `string` is B, T or P, a Reber string, the same T or P again, E."""
    return (
        len(string) > 4
        and string[0] == "B"
        and string[1] in "TP"
        and is_reber(string[2:-2])
        and string[-2:] == string[1] + "E"
    )


def _next_letter(strings, chance):
    ids = [encode(string, SYMBOLS) for string in strings]
    x, lengths = pad([i[:-1] for i in ids])
    y, _ = pad([i[1:] for i in ids])
    mask = np.arange(x.shape[1]) < lengths[:, None]
    return Data(x, y, chance, mask=mask, lengths=lengths, symbols=SYMBOLS, classes=SYMBOLS)


def reber(n: int, rng: np.random.Generator) -> Data:
    """Say the next letter of a Reber string.

    x and y (n, T) integers, padded; every step but the last allows two letters, evenly. chance is the
    accuracy of always saying T, which is as frequent as any letter: 3 of every 14 on average.
    """
    require_counts(n=n)
    require_rng(rng)
    return _next_letter([_draw(rng) for _ in range(n)], 3 / 14)


def embedded_reber_next(prefix: str) -> set[str]:
    """The letters that the embedded Reber grammar allows after `prefix`, as a set; empty after a whole string.

    Raises ValueError if the grammar cannot have made `prefix`.
    """
    if prefix in ("", "B"):
        return {"B"} if prefix == "" else {"T", "P"}
    ends = [k for k in range(3, len(prefix) + 1) if is_reber(prefix[2:k])]  # at most one
    inner, tail = (prefix[2 : ends[0]], prefix[ends[0] :]) if ends else (prefix[2:], "")
    wanted = prefix[1:2] + "E"
    try:
        moves = reber_next(inner) or set(wanted[len(tail) : len(tail) + 1])
    except ValueError:
        moves = None
    if moves is None or prefix[:2] not in ("BT", "BP") or not wanted.startswith(tail):
        raise ValueError(f"prefix: got {prefix!r}, which leaves the embedded grammar")
    return moves


def embedded_reber(n: int, rng: np.random.Generator, *, every: bool = False) -> Data:
    """Say the last letter but one of an embedded Reber string: the T or P that was its second letter.

    x (n, T) integers, padded; y (n, T) the next letter, counted at the one step where it must be
    remembered. chance is the accuracy of a guess between T and P, 1/2. With `every` each next letter counts, as in
    Hochreiter and Schmidhuber 1997, and chance is that of always saying T.
    """
    require_counts(n=n)
    if not isinstance(every, bool):
        raise ValueError(f"every: got {every!r}, wanted True or False")
    require_rng(rng)
    strings = []
    for _ in range(n):
        letter = "TP"[rng.integers(2)]
        strings.append(f"B{letter}{_draw(rng)}{letter}E")
    if every:
        # 11 letters are asked on average: 7 within the Reber string, 3 in 14 of them T, and 4 around it, T or P twice
        return _next_letter(strings, 5 / 22)
    data = _next_letter(strings, 0.5)
    return data._replace(mask=np.arange(data.x.shape[1]) == data.lengths[:, None] - 2)
