"""What is said of a melody, on melodies made for it."""

import numpy as np
import pytest

from course_pkg import tasks
from course_pkg.tasks import Note


def melody(*pitches, beats=1.0):
    return [Note(pitch, beats) for pitch in pitches]


def test_every_tune_keeps_its_key_and_its_bars():
    for tune in tasks.tunes():
        for by in (-5, 0, 6):
            notes = tasks.transpose(tune.notes, by)
            assert tasks.in_key(notes) == 1
            assert tasks.full_bars(notes) == 1


def test_in_key_counts_the_notes_outside_the_best_scale():
    assert tasks.in_key(melody(60, 62, 64, 65, 67, 69, 71, 66)) == 7 / 8
    assert tasks.in_key(melody(*range(60, 72))) == 7 / 12  # all twelve: no scale holds more than seven
    rng = np.random.default_rng(0)
    blind = [tasks.in_key(melody(*rng.integers(48, 84, size=40))) for _ in range(50)]
    assert 0.6 < np.mean(blind) < 0.8  # the best of twelve is well above 7/12


def test_bars_are_full_where_notes_end_together_with_them():
    assert tasks.full_bars(melody(*[60] * 8)) == 1
    assert tasks.full_bars(melody(*[60] * 8, beats=1.5)) == 1  # bars of three: two notes each
    assert tasks.full_bars([Note(60, b) for b in (1, *[1] * 8, 3)]) == 1
    # After a quarter, notes of two quarters each: only bars of four with an upbeat of one, or none, fit.
    assert tasks.full_bars([Note(60, b) for b in (1, 2, 2, 2, 2, 2, 2)]) == 1
    assert tasks.full_bars([Note(60, b) for b in (2.5, 2.5, 2.5, 2.5)]) < 1
    assert np.isnan(tasks.full_bars(melody(60, beats=2.0)))


def test_a_quotation_is_found_in_any_key_and_only_with_its_rhythm():
    known = set().union(*(tasks.spans(tune.notes, 8) for tune in tasks.tunes()))
    ode = tasks.tunes()[0].notes
    assert tasks.quoted(tasks.transpose(ode[:20], 5), known) == 1
    assert tasks.quoted([note._replace(beats=2 * note.beats) for note in ode], known) == 0
    half = (*ode[:15], *melody(*[60, 71] * 4))
    assert 0 < tasks.quoted(half, known) < 1
    assert np.isnan(tasks.quoted(ode[:7], known))


def test_no_two_tunes_share_eight_notes():
    tunes = tasks.tunes()
    for tune in tunes:
        others = set().union(*(tasks.spans(other.notes, 8) for other in tunes if other is not tune))
        assert tasks.quoted(tune.notes, others) == 0


@pytest.mark.parametrize("measure", [tasks.in_key, tasks.full_bars, lambda notes: tasks.quoted(notes, set())])
def test_a_melody_has_notes(measure):
    with pytest.raises(ValueError, match="notes: got none, wanted at least one"):
        measure([])
