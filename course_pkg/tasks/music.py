"""Old tunes in the public domain, as notes.

Written out for this course, all in C. A note is a letter with an octave (4,
from middle C up, when none is given) and, after a colon, its length in quarter notes (1 when none is
given). `|` ends a bar. The sources name who wrote each tune, or where it was first printed.
"""

from typing import NamedTuple

import numpy as np

from course_pkg._validation import require_rng
from course_pkg.tasks.encoding import Data, encode, pad, pick, require_counts

SEMITONE = {"C": 0, "D": 2, "E": 4, "F": 5, "G": 7, "A": 9, "B": 11}
TRANSPOSITIONS = range(-5, 7)  # every key once
START, STOP = "start", "stop"


class Note(NamedTuple):
    """A pitch (MIDI number: middle C is 60, one more is a semitone up) and a length in quarter notes."""

    pitch: int
    beats: float


class Tune(NamedTuple):
    """One tune: its name, its source, the quarter notes in a full bar, its notes."""

    name: str
    source: str
    bar: int
    notes: tuple


# name, source, quarter notes in a bar, score
SCORES = (
    (
        "Ode to Joy",
        "Beethoven, Symphony No. 9, 1824",
        4,
        "E E F G | G F E D | C C D E | E:1.5 D:.5 D:2 | E E F G | G F E D | C C D E | D:1.5 C:.5 C:2 | "
        "D D E C | D E:.5 F:.5 E C | D E:.5 F:.5 E D | C D G3:2 | E E F G | G F E D | C C D E | D:1.5 C:.5 C:2",
    ),
    (
        "Frère Jacques",
        "French round, 18th century",
        4,
        "C D E C | C D E C | E F G:2 | E F G:2 | G:.5 A:.5 G:.5 F:.5 E C | G:.5 A:.5 G:.5 F:.5 E C | "
        "C G3 C:2 | C G3 C:2",
    ),
    (
        "Ah vous dirai-je, maman",
        "French song, printed 1761; later Twinkle, Twinkle, Little Star",
        4,
        "C C G G | A A G:2 | F F E E | D D C:2 | G G F F | E E D:2 | G G F F | E E D:2 | "
        "C C G G | A A G:2 | F F E E | D D C:2",
    ),
    (
        "Au clair de la lune",
        "French song, 18th century",
        4,
        "C C C D | E:2 D:2 | C E D D | C:4 | C C C D | E:2 D:2 | C E D D | C:4 | "
        "D D D D | A3:2 A3:2 | D C B3 A3 | G3:4 | C C C D | E:2 D:2 | C E D D | C:4",
    ),
    (
        "Mary Had a Little Lamb",
        "American nursery song, 19th century",
        4,
        "E D C D | E E E:2 | D D D:2 | E G G:2 | E D C D | E E E E | D D E D | C:4",
    ),
    (
        "Jingle Bells, chorus",
        "Pierpont, 1857",
        4,
        "E E E:2 | E E E:2 | E G C:1.5 D:.5 | E:4 | F F F:1.5 F:.5 | F E E E:.5 E:.5 | E D D E | D:2 G:2 | "
        "E E E:2 | E E E:2 | E G C:1.5 D:.5 | E:4 | F F F:1.5 F:.5 | F E E E:.5 E:.5 | G G F D | C:4",
    ),
    (
        "Row, Row, Row Your Boat",
        "American round, tune printed 1881",
        3,
        "C:1.5 C:1.5 | C D:.5 E:1.5 | E D:.5 E F:.5 | G:3 | C5:.5 C5:.5 C5:.5 G:.5 G:.5 G:.5 | "
        "E:.5 E:.5 E:.5 C:.5 C:.5 C:.5 | G F:.5 E D:.5 | C:3",
    ),
    (
        "Hänschen klein",
        "German song, 19th century; also Lightly Row",
        4,
        "G E E:2 | F D D:2 | C D E F | G G G:2 | G E E:2 | F D D:2 | C E G G | C:4 | "
        "D D D D | D E F:2 | E E E E | E F G:2 | G E E:2 | F D D:2 | C E G G | C:4",
    ),
    (
        "London Bridge",
        "English nursery song, 18th century",
        4,
        "G:1.5 A:.5 G F | E F G:2 | D E F:2 | E F G:2 | G:1.5 A:.5 G F | E F G:2 | D:2 G:2 | E C:3",
    ),
    (
        "Go Tell Aunt Rhody",
        "after Rousseau, Le devin du village, 1752",
        4,
        "E:2 E D | C:2 C:2 | D:2 D F | E D C:2 | G:2 G F | E:2 E E | D C D E | C:4",
    ),
    (
        "Good King Wenceslas",
        "Tempus adest floridum, Piae Cantiones, 1582",
        4,
        "C C C D | C C G3:2 | A3 G3 A3 B3 | C:2 C:2 | C C C D | C C G3:2 | A3 G3 A3 B3 | C:2 C:2 | "
        "G F E D | E D C:2 | A3 G3 A3 B3 | C:2 C:2 | G3 G3 A3 B3 | C C D:2 | G F E D | C:2 F:2 | C:4",
    ),
    (
        "Auld Lang Syne",
        "Scottish song, 18th century",
        4,
        "G3 | C:1.5 C:.5 C E | D:1.5 C:.5 D E | C:1.5 C:.5 E G | A:3 A | G:1.5 E:.5 E C | D:1.5 C:.5 D E | "
        "C:1.5 A3:.5 A3 G3 | C:3 A | G:1.5 E:.5 E C | D:1.5 C:.5 D A | G:1.5 E:.5 E G | A:3 C5 | "
        "G:1.5 E:.5 E C | D:1.5 C:.5 D E | C:1.5 A3:.5 A3 G3 | C:3",
    ),
    (
        "Yankee Doodle",
        "English and American song, 18th century",
        4,
        "C C D E | C E D G3 | C C D E | C:2 B3:2 | C C D E | F E D C | B3 G3 A3 B3 | C:2 C:2 | "
        "A3:1.5 B3:.5 A3 G3 | A3 B3 C:2 | G3:1.5 A3:.5 G3 F3 | E3:2 G3:2 | A3:1.5 B3:.5 A3 G3 | A3 B3 C A3 | "
        "G3 C B3 D | C:2 C:2",
    ),
    (
        "Stille Nacht",
        "Gruber, 1818; Silent Night",
        3,
        "G:.75 A:.25 G:.5 E:1.5 | G:.75 A:.25 G:.5 E:1.5 | D5 D5:.5 B:1.5 | C5 C5:.5 G:1.5 | "
        "A A:.5 C5:.75 B:.25 A:.5 | G:.75 A:.25 G:.5 E:1.5 | A A:.5 C5:.75 B:.25 A:.5 | G:.75 A:.25 G:.5 E:1.5 | "
        "D5 D5:.5 F5:.75 D5:.25 B:.5 | C5:1.5 E5:1.5 | C5:.75 G:.25 E:.5 G:.75 F:.25 D:.5 | C:3",
    ),
    (
        "Oh! Susanna",
        "Foster, 1848",
        4,
        "C:.5 D:.5 | E G G:1.5 A:.5 | G E C:1.5 D:.5 | E E D C | D:3 C:.5 D:.5 | E G G:1.5 A:.5 | G E C:1.5 D:.5 | "
        "E E D D | C:4 | F:2 F:2 | A A:2 A | G G E C | D:3 C:.5 D:.5 | E G G:1.5 A:.5 | G E C:1.5 D:.5 | "
        "E E D D | C:3",
    ),
    (
        "Hot Cross Buns",
        "English street cry, printed 1733",
        4,
        "E D C:2 | E D C:2 | C:.5 C:.5 C:.5 C:.5 D:.5 D:.5 D:.5 D:.5 | E D C:2",
    ),
)


def _note(text):
    name, _, beats = text.partition(":")
    octave = int(name[1:] or 4)
    return Note(12 * (octave + 1) + SEMITONE[name[0]], float(beats or 1))


def tunes() -> tuple[Tune, ...]:
    """All the tunes, a tuple of `Tune`."""
    return tuple(
        Tune(name, source, bar, tuple(_note(text) for text in score.replace("|", " ").split()))
        for name, source, bar, score in SCORES
    )


def transpose(notes: tuple, semitones: int) -> tuple[Note, ...]:
    """The same tune, higher by `semitones` (lower when negative)."""
    return tuple(note._replace(pitch=note.pitch + semitones) for note in notes)


def melodies(n: int, rng: np.random.Generator) -> Data:
    """Say the next note of a tune: n tunes, drawn evenly, each moved to a key drawn evenly from twelve.

    x and y (n, T) integers, padded: "start" and the notes; the notes and "stop". symbols are `Note`s,
    then these two words. chance is in nats per note, ln(number of symbols), that of a guess. Sources: see SCORES.
    """
    require_counts(n=n)
    require_rng(rng)
    moved = [[transpose(tune.notes, by) for by in TRANSPOSITIONS] for tune in tunes()]
    symbols = (*sorted({note for keys in moved for notes in keys for note in notes}), START, STOP)
    ids = [encode((START, *pick(pick(moved, rng), rng), STOP), symbols) for _ in range(n)]
    (x, lengths), (y, _) = pad([i[:-1] for i in ids]), pad([i[1:] for i in ids])
    mask = np.arange(x.shape[1]) < lengths[:, None]
    return Data(x, y, float(np.log(len(symbols))), mask=mask, lengths=lengths, symbols=symbols, classes=symbols)
