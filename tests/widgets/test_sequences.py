"""Texts and melodies as figures: what is accepted, and what travels to the page."""

import json
import re

import numpy as np
import pytest

from course_pkg.widgets import Explorer, Track, choice, heatmap, roll, spelled, words

LETTERS = ["a", "b", "c", " "]
RANGE = {"z_range": (0, 1), "z_label": "z"}


def table_of(figure):
    """The JSON that the page carries."""
    return json.loads(re.search(r"<script[^>]*>(.*)</script>", figure.static_html(), re.S).group(1))


def test_a_text_may_change_with_a_control():
    """The vocabulary stays, the places in it change, what is missing is a gap."""
    texts = {"short": "ab", "long": "c a"}

    def f(which):
        text = texts[which]
        return words(spelled(text, LETTERS, 3), np.pad([0.5] * len(text), (0, 3 - len(text))), **RANGE)

    page = table_of(Explorer(f, title="t", alt="a", which=choice(*texts, label="which")))
    (panel,) = page["panels"]
    assert panel["text"]["vocabulary"] == LETTERS
    assert page["table"][panel["text"]["ids"]["slot"]]["shape"] == [2, 3]
    np.testing.assert_array_equal(spelled("ab", LETTERS, 3)["ids"], [0, 1, np.nan])


def test_single_characters_are_letters_and_others_are_words():
    assert words(list("ab"), [0, 1], **RANGE)["letters"]
    assert not words(["a", "bc"], [0, 1], **RANGE)["letters"]


def test_a_plain_text_needs_no_vocabulary():
    panel = words(["to", "be", "or", "not", "to", "be"], np.zeros(6), **RANGE)
    assert panel["text"]["vocabulary"] == ["to", "be", "or", "not"]
    np.testing.assert_array_equal(panel["text"]["ids"], [0, 1, 2, 3, 0, 1])


def test_ticks_may_change_with_a_control():
    ticks = spelled("ab", LETTERS)
    panel = heatmap([[0, 1]], x_label="x", y_label="y", z_label="z", z_range=(0, 1), x_ticks=ticks)
    assert panel["x_ticks"] is ticks


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: spelled("abd", LETTERS), "tokens: got 'd', wanted tokens of the vocabulary"),
        (lambda: spelled("abc", LETTERS, 2), "tokens: got 3, wanted 1 to 2"),
        (lambda: spelled("", LETTERS), "tokens: got 0, wanted 1 to 0"),
        (lambda: words(["a"], [1, 2], **RANGE), "values: got 2, wanted 1 as there are tokens"),
        (lambda: words(["a"], [Track("state", [1, 2])], **RANGE), "state: got 2, wanted 1"),
        (lambda: words(["a"], [1], z_range=(1, 0), z_label=""), r"z_range: got \(1, 0\), wanted low < high"),
        (lambda: words(["a"], [1], role="pink", **RANGE), "role: got 'pink'"),
        (
            lambda: heatmap([[0]], x_label="", y_label="", **RANGE, x_ticks=spelled("ab", LETTERS)),
            "x_ticks: got 2 names, wanted 1",
        ),
        (lambda: roll([60], [0, 1], [1], span=(0, 4), pitch_range=(55, 70)), "got 1, 2 and 1, wanted equally many"),
        (lambda: roll([50], [0], [1], span=(0, 4), pitch_range=(55, 70)), "pitch: got 50, wanted 55 to 70"),
        (lambda: roll([60], [0], [0], span=(0, 4), pitch_range=(55, 70)), "beats: got 0, wanted more than 0"),
        (lambda: roll([60], [0], [1], span=(4, 0), pitch_range=(55, 70)), r"span: got \(4, 0\), wanted low < high"),
        (lambda: roll([60], [0], [1], span=(0, 4), pitch_range=(55, 70), tempo=0), "tempo: got 0, wanted 20 to 300"),
    ],
)
def test_bad_input_says_what_was_wrong_and_what_was_wanted(make, message):
    with pytest.raises(ValueError, match=message):
        make()
