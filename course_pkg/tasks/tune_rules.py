"""What can be checked of a melody: whether it stays in a key, keeps its bars, and quotes a known tune.

A melody is a sequence of `Note`s, one after the other without rests. Each measure is a share from 0 to 1,
and grants the melody the key or the bar that suits it best, so even notes drawn blindly score above 0:
compare. Raises ValueError for a melody without notes.
"""

from collections.abc import Set

import numpy as np

MAJOR = (0, 2, 4, 5, 7, 9, 11)  # semitones of the major scale above its first note
BARS = ((4, 0), (4, 1), (3, 0), (3, 1))  # quarter notes in a bar, and before the first bar


def in_key(notes: tuple) -> float:
    """The share of the notes that belong to the major scale which holds most of them, of the twelve there are."""
    pitch = np.array([note.pitch for note in _some(notes)]) % 12
    return max(float(np.isin((pitch - key) % 12, MAJOR).mean()) for key in range(12))


def full_bars(notes: tuple) -> float:
    """The share of the bar lines at which a note ends, so that the bars before and after it are full.

    Bars of three or four quarter notes, with an upbeat of one or without: the best of the four counts. nan
    for a melody that reaches no bar line.
    """
    ends = np.cumsum([note.beats for note in _some(notes)])
    shares = [np.nan]
    for bar, upbeat in BARS:
        bar_lines = np.arange(upbeat + bar, ends[-1] + 1e-6, bar)
        if len(bar_lines):
            shares.append(float(np.isin(bar_lines, ends).mean()))
    return float(np.nanmax(shares)) if len(shares) > 1 else np.nan


def spans(notes: tuple, length: int) -> set:
    """The set of all runs of `length` notes, in any key: pitches above the first, and beats."""
    notes = tuple(notes)
    runs = (notes[k : k + length] for k in range(len(notes) - length + 1))
    return {tuple((note.pitch - run[0].pitch, note.beats) for note in run) for run in runs}


def quoted(notes: tuple, known: Set, length: int = 8) -> float:
    """The share of the different runs of `length` notes that are in `known`, a union of `spans`; nan without a run."""
    runs = spans(_some(notes), length)
    return len(runs & known) / len(runs) if runs else np.nan


def _some(notes):
    if len(notes) == 0:
        raise ValueError("notes: got none, wanted at least one")
    return notes
