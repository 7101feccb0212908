"""The instructor's plan names every chapter and every assignment, with the points that it has."""

import json
import re

import pytest
from contents import chapters
from course_site.execution import ROOT

TEXT = (ROOT / "book" / "instructor.md").read_text(encoding="utf-8")
ASSIGNMENTS = sorted(p.name for p in (ROOT / "solutions").iterdir() if p.is_dir() and re.match(r"\d\d-", p.name))


def section(title):
    """The text under a heading, up to the next one."""
    return re.search(rf"^#+ {title}\n(.*?)(?=^#|^\()", TEXT, re.DOTALL | re.MULTILINE)[1]


def points(name):
    """(by tests, by hand) of an assignment."""
    cells = json.loads((ROOT / "solutions" / name / f"{name}.ipynb").read_text(encoding="utf-8"))["cells"]
    graded = [c["metadata"].get("nbgrader", {}) for c in cells]
    graded = [g for g in graded if g.get("grade")]
    return tuple(sum(g["points"] for g in graded if g["solution"] == by_hand) for by_hand in (False, True))


@pytest.mark.parametrize("name", ASSIGNMENTS)
def test_what_an_assignment_tests_is_said_with_its_points(name):
    (row,) = re.findall(rf"^\| `{name}` \| (.+?) \| (\d+), (\d+) \|", section("What each assignment tests"), re.M)
    assert tuple(map(int, row[1:])) == points(name)


def test_fourteen_weeks_read_every_chapter_in_order_and_ask_for_every_assignment():
    plan = section("Fourteen weeks")
    weeks = [int(n) for n in re.findall(r"^\| (\d+) \|", plan, re.MULTILINE)]
    assert weeks == list(range(1, 15))
    read = re.findall(r"\((\d\d-[\w-]+)\.md\)", plan)
    assert read == chapters()
    assert sorted(re.findall(r"`(\d\d-[\w-]+)`", plan)) == ASSIGNMENTS


def test_seven_weeks_take_chapters_in_order_and_ask_for_what_was_read():
    plan = section("Seven weeks")
    rows = re.findall(r"^\| (\d) \|(.*?)\|(.*?)\|", plan, re.MULTILINE)
    assert [int(n) for n, _, _ in rows] == list(range(1, 8))
    read = []
    for _, reading, asked in rows:
        read += re.findall(r"\((\d\d-[\w-]+)\.md\)", reading)
        assert set(re.findall(r"`(\d\d-[\w-]+)`", asked)) <= set(read)
    assert read == sorted(read)
    assert set(re.findall(r"`(\d\d-[\w-]+)`", plan)) <= set(ASSIGNMENTS)
