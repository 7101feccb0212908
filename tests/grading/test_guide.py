"""The instructor guide shows what was measured and kept, and what was measured is as it should be."""

import json
from pathlib import Path

from course_pkg.grading import bench

GUIDE = Path(__file__).resolve().parents[2] / "book" / "instructor.md"


def test_the_guides_numbers_are_the_stored_ones():
    kept, guide = json.loads(bench.KEPT.read_text(encoding="utf-8")), GUIDE.read_text(encoding="utf-8")
    for row in bench.rows(kept):
        assert row in guide
    found = kept["class"]
    assert found["command"] in guide
    assert found["date"] in guide
    assert found["machine"]["processor"] in guide


def test_nothing_was_lost():
    kept = json.loads(bench.KEPT.read_text(encoding="utf-8"))
    whole = kept["class"]
    assert whole["submissions"] >= 500
    assert whole["lost"] == whole["lost_when_killed"] == 0
    assert whole["same_grades_when_killed"]
    assert whole["memory_mb"]["end"] - whole["memory_mb"]["start"] < 20
