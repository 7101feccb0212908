"""While a student works: every known wrong version is seen by a visible check, and the second failing run names it."""

import functools
import json
import re

import author
import mistakes
import pytest

from course_pkg.checks import known, report

NAMED_AT_LEAST = 0.9


@pytest.fixture(autouse=True)
def nothing_failed_yet(monkeypatch):
    """A kernel that has just begun."""
    monkeypatch.setattr(report, "_failing", {})


def released(assignment):
    """The check cells that carry points, as students get them."""
    cells = author.read_cells(assignment, author.EXERCISES)
    return [cell for cell in cells if cell.kind == "check" and cell.points]


@functools.cache
def at_work(assignment):
    """[(function, wrong version, first run, second run)] of the released check cells, for every wrong version."""
    cells = {cell.name: cell for cell in released(assignment)}
    found = []
    for cell, namespace, wrong in author.wrong_versions(assignment):
        report._failing.clear()
        first = author.check(cells[cell.name], dict(namespace))
        again = author.check(cells[cell.name], dict(namespace))
        found.append((cell.name, wrong, first, again))
    return found


def test_every_known_wrong_version_fails_a_visible_check(assignment):
    green = [(name, w.name) for name, w, first, _ in at_work(assignment) if first.score >= first.points]
    assert green == []


def test_the_second_failing_run_names_the_known_mistake(assignment):
    """At least 90 % of all are named, and never is another mistake named in place of one. (-rP prints the table.)"""
    found = at_work(assignment)
    named, unnamed = 0, []
    for name, wrong, first, again in found:
        assert "Diagnosis" not in first.text, (name, wrong.name)
        told = again.report.diagnoses
        if any(wrong.message in sentence for sentence in told):
            named += 1
            assert len(told) == 1, (name, wrong.name, told)
            assert f"Diagnosis: {told[0]}" in " ".join(again.text.split()), (name, wrong.name)
        else:
            assert told == [], (name, wrong.name)
            unnamed.append(f"{name}/{wrong.name}")
    print(f"| {assignment} | {len(found)} | {named} | {named / len(found):.0%} | {', '.join(unnamed)} |")
    assert named >= NAMED_AT_LEAST * len(found)


def test_no_right_answer_is_called_a_mistake(assignment):
    """Neither the solution, nor what it answers as lists."""
    namespace, _ = author.play(assignment)
    for cell in released(assignment):
        made = author.check(cell, dict(namespace)).report
        cases, told = known.telling(cell.name, made.visible)
        answers = known.answers_of(namespace[cell.name], cases, made.returns)
        assert known.name_mistakes(answers, told) == [], cell.name


def test_the_files_are_what_the_solutions_make(assignment):
    """Run `python solutions/mistakes.py` after a change. All but numbers must be the same, character by character.

    Numbers may differ by the tolerance with which they are compared: another machine adds in another order.
    """
    number = re.compile(r"(?<=[\[ ])-?\d+\.\d+(?:e[+-]?\d+)?(?=[,\]])")
    kept, made = mistakes.path_of(assignment).read_text("utf-8"), mistakes.text_of(mistakes.known_of(assignment))
    assert number.sub("#", kept) == number.sub("#", made)
    for a, b in zip(map(float, number.findall(kept)), map(float, number.findall(made))):
        assert abs(a - b) <= 3e-6 * max(1.0, abs(a))


def test_the_files_hold_no_code_and_no_name_of_a_version(assignment):
    kept = mistakes.path_of(assignment).read_text("utf-8")
    for entry in json.loads(kept)["functions"].values():
        assert set(entry) == {"cases", "versions"}
        assert all(set(version) == {"says", "wrong", "answers"} for version in entry["versions"])
    assert "lambda" not in kept
    assert "def " not in kept


def test_every_file_belongs_to_an_assignment():
    assert {p.stem for p in known.FOLDER.glob("*.json")} == set(author.assignments())
