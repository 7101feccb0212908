"""What it costs to run a page in the browser, as its button and its cells say it."""

import json

import pytest
from course_site import cost, kernels, live, npm


@pytest.mark.parametrize(
    ("seconds", "said"),
    [
        *((0.2, "1 second"), (1.4, "1 second"), (1.6, "2 seconds"), (9.4, "9 seconds"), (44, "about 40 seconds")),
        *((89, "about 90 seconds"), (95, "about 2 minutes"), (600, "about 10 minutes")),
    ],
)
def test_times_in_words(seconds, said):
    assert cost.about(seconds) == said


def test_the_start_says_megabytes_and_seconds():
    """16 MB take 12.8 s at 10 Mbit/s, and Python its time to start."""
    assert "16 MB" in cost.of_start(16_000_000)
    assert "about 20 seconds at 10 Mbit/s" in cost.of_start(16_000_000)


def test_a_slow_cell_says_what_it_took_and_a_quick_one_nothing(tmp_path):
    (tmp_path / kernels.CELLS).write_text("[0.1, 12.0, null, 20.0]")
    said = cost.of(16_000_000, tmp_path)
    assert said["cells"] == [
        "",
        "took about 10 seconds when this page was built; here it may be about 2 minutes",
        "",
        "took about 20 seconds when this page was built; here it may be about 3 minutes",
    ]
    assert "All cells took about 30 seconds when this page was built; here it may be about 5 minutes." in said["said"]


def test_a_page_whose_times_are_not_known_says_what_is_fetched(tmp_path):
    said = cost.of(16_000_000, tmp_path)
    assert said == {"said": cost.of_start(16_000_000), "cells": []}


def test_the_button_bears_the_cost_of_its_page():
    """What is filled in is what the script reads; the rest of it stays."""
    source = (npm.SOURCES / "button.js").read_text(encoding="utf-8")
    said = {"said": "16 MB", "cells": ["", "slow"]}
    filled = live.filled(source, said)
    assert f"const cost = {json.dumps(said)};" in filled
    assert len(filled.splitlines()) == len(source.splitlines())
