"""The page of the class, grades by part, and the autograder for Gradescope, from a class that was graded."""

import csv
import html
import json
import re
import stat
import subprocess
import zipfile

import classroom
import numpy as np
import pytest
from classroom import files
from click.testing import CliRunner

from course_pkg.grading import cli, gradescope, parts, report


@pytest.fixture(scope="module")
def graded(tmp_path_factory, grade_class):
    room = classroom.make_course(tmp_path_factory.mktemp("report") / "room")
    maker = classroom.Maker(room)
    wrong = classroom.FORGET.replace("sigmoid(W", "sigmoid(-W")
    stops = "def lstm_step(*a):\n    raise ValueError('no')"
    class_ = {"right": {}, "right2": {}, "wrong": {"forget_gate": wrong}, "stops": {"lstm_step": stops}}
    class_["stops2"] = {"lstm_step": stops, "forget_gate": wrong}
    made = {student: files(maker.right(**answers)) for student, answers in class_.items()}
    grade_class(room, {**made, "cutoff9": {"gates.ipynb": b'{"cells": ['}}, jobs=1)
    return room


def words_of(page):
    return html.unescape(re.sub(r"<(style|script).*?</\1>|<[^>]+>", " ", page, flags=re.S))


@pytest.mark.slow
def test_the_page_of_the_class(graded):
    said = CliRunner().invoke(cli.main, ["--root", str(graded.root), "report", "gates"])
    assert said.exit_code == 0, said.output
    mine = (graded.root / "report-gates.html").read_text()
    shown = (graded.root / "report-gates-class.html").read_text()
    found = report.survey(graded, graded.assignment("gates"))
    assert (found["handed_in"], found["graded"]) == (6, 5)
    items = {i["cell"]: i for i in found["items"] if not i["part"]}
    assert (items["test_forget_gate"]["right"], items["test_forget_gate"]["of"]) == (3, 5)
    assert items["test_forget_gate"]["difficulty"] == pytest.approx(0.6)
    # right, right2, wrong, stops, stops2: points of the one test against those of the other
    want = np.corrcoef([2, 2, 0, 2, 0], [4, 4, 4, 0, 0])[0, 1]
    assert items["test_forget_gate"]["discrimination"] == pytest.approx(want)
    assert items["essay"]["of"] == 0
    assert {r["student"] for r in found["waits"]} == {"right", "right2", "wrong", "stops", "stops2", "cutoff9"}
    lost = {m["cell"]: m["students"] for m in found["unnamed"]}
    assert lost == {"lstm_step": ["stops", "stops2"], "forget_gate": ["stops2", "wrong"]}
    assert mine.count('class="course-explorer"') == shown.count('class="course-explorer"') == 2
    assert "stops2" in words_of(mine)
    for student in ("right2", "stops2", "cutoff9"):
        assert student not in shown


def drawn(mistakes):
    """Parts of a class in which student i has mistake `mistakes[i]`, or none."""
    found = []
    for i, mistake in enumerate(mistakes):
        for part in ("value", "care"):
            lost = bool(mistake) and part == "value"
            score = 0.0 if lost else 1.0
            name = mistake if lost else ""
            found.append(parts.Part(f"s{i}", "n", "test_f", part, 1.0, score, name, "", "where is the minus?"))
    return found


def test_known_mistakes_by_frequency():
    found = report._mistakes(drawn(["sign", "", "order", "sign"]), {"s0": "a@b.c", "s3": ""})
    assert [(m["text"], m["students"], m["emails"]) for m in found] == [
        ("sign", ["s0", "s3"], ["a@b.c"]),
        ("order", ["s2"], []),
    ]
    assert not report._unnamed(drawn(["sign", "", "order", "sign"]), 4)
    items = {i["part"]: i for i in report._items(drawn(["sign", "", "", "sign"]), ["s0", "s1", "s2", "s3"])}
    assert (items["value"]["right"], items["care"]["right"], items[""]["right"]) == (2, 4, 2)
    assert items["care"]["discrimination"] is None


def test_the_parts_of_a_check_that_tells_them():
    told = {
        "error": None,
        "report": {"parts": [["value", 1.0], ["care", 1.0]], "answered": True, "diagnosis": "the sign"},
    }
    told["report"]["failures"] = {"value": ["wrong by 2", "think"]}

    class Grade:
        auto_score = score = 1.0
        manual_score, needs_manual_grade = None, False

    cell = type("Cell", (), {"name": "test_f", "points": 2.0})
    found = parts._parts("ada", "n", cell, Grade, told)
    assert [(p.part, p.score, p.mistake) for p in found] == [("value", 0.0, "the sign"), ("care", 1.0, "")]


@pytest.mark.slow
def test_grades_by_part(graded, tmp_path):
    path = tmp_path / "parts.csv"
    said = CliRunner().invoke(cli.main, ["--root", str(graded.root), "export", "--by", "part", "--output", str(path)])
    assert said.exit_code == 0, said.output
    lines = list(csv.DictReader(path.read_text().splitlines()))
    assert len(lines) == 5 * 3
    got = {(r["student_id"], r["cell"]): r["score"] for r in lines}
    assert got["wrong", "test_forget_gate"] == "0"
    assert got["right", "test_lstm_step"] == "4"
    assert got["right", "essay"] == ""


@pytest.mark.slow
def test_an_autograder_as_gradescope_runs_it(graded, tmp_path):
    """As its documentation says: the zip in source/, run_autograder for a submission, results/results.json."""
    words = ["--root", str(graded.root), "gradescope", "gates", "--to", str(tmp_path / "box")]
    said = CliRunner().invoke(cli.main, [*words, *([] if classroom.WALLED else ["--no-walls"])])
    assert said.exit_code == 0, said.output
    root = tmp_path / "autograder"
    with zipfile.ZipFile(tmp_path / "box.zip") as made:
        made.extractall(root / "source")
        assert made.getinfo("run_autograder").external_attr >> 16 & stat.S_IXUSR
    for script in ("setup.sh", "run_autograder"):
        assert subprocess.run(["bash", "-n", root / "source" / script]).returncode == 0
    assert any(line.startswith("nbgrader==") for line in (root / "source" / "requirements.txt").read_text().split())
    (root / "results").mkdir()
    maker = classroom.Maker(graded)
    wrong = maker.right(forget_gate=classroom.FORGET.replace("sigmoid(W", "sigmoid(-W"))
    (root / "submission").mkdir()
    (root / "submission" / "gates.ipynb").write_text(json.dumps(wrong))
    assert gradescope.main([str(root)]) == 0
    found = json.loads((root / "results" / "results.json").read_text())
    assert [(t["name"], t["score"], t["max_score"]) for t in found["tests"]] == [
        ("forget_gate", 0, 2),
        ("lstm_step", 4, 4),
    ]
    assert found["stdout_visibility"] == "hidden"
    (root / "results" / "results.json").unlink()
    (root / "submission" / "gates.ipynb").write_text('{"cells": [')
    assert gradescope.main([str(root)]) == 1  # not a zero
    assert not (root / "results" / "results.json").exists()
