"""Broken submissions: each ends with the right status and a reason, and the rest of the class is graded."""

import base64
import copy
import csv
import functools
import io
import json
import os
import signal
import zipfile

import classroom
import nbformat
import pytest
from classroom import ESSAY, FORGET, FULL, HALF, STEP, files
from click.testing import CliRunner

from course_pkg.grading import cli, export, reading, worker
from course_pkg.grading.assignment import defined
from course_pkg.grading.record import Recorder
from course_pkg.grading.status import ATTENTION, GRADED, REPAIRED, UNREADABLE


def zipped(name, data, more=()):
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        for member, content in {name: data, **dict(more)}.items():
            archive.writestr(member, content)
    return buffer.getvalue()


def changed(nb, change):
    change(nb)
    return nb


def drop(maker, nb, name):
    nb["cells"] = [c for c in nb["cells"] if c["metadata"].get("nbgrader", {}).get("grade_id") != name]
    return nb


def twice(maker, nb, name, **second):
    place = maker.place(nb, name)
    nb["cells"].insert(place + 1, {**copy.deepcopy(nb["cells"][place]), **second})
    return nb


def version_3(nb):
    old = json.loads(nbformat.writes(nbformat.convert(nbformat.from_dict(nb), 3), version=3))
    return json.dumps(old).encode()


def stripped(nb):
    for c in nb["cells"]:
        c["metadata"] = {}
    return nb


def shuffled_ids(nb):
    for n, c in enumerate(stripped(nb)["cells"]):
        c["id"] = f"cell-{n}"
    return nb


def cut_in_half(nb):
    data = json.dumps(nb).encode()
    return data[: len(data) // 2]


LOOP = FORGET.replace("    return sigmoid(W", "    while True:\n        pass\n    return sigmoid(W")
WARN = FORGET.replace("    return sigmoid(W", "    np.exp(np.array([1000.0]))\n    return sigmoid(W")
PRINT = FORGET.replace("    return sigmoid(W", "    import sys\n    print('hm', file=sys.stderr)\n    return sigmoid(W")
WRONG = FORGET.replace("sigmoid(W", "sigmoid(-W")
LISTS = STEP.replace("return sigmoid(o) * np.tanh(c), c", "return list(sigmoid(o) * np.tanh(c)), list(c)")
IPYNB = "gates.ipynb"
LARGE = bytes(19 << 20)
DEEP = functools.reduce(lambda inner, _: {"x": inner}, range(200), {})


def submissions(m):
    """{student: (files, status, score, a word of the reason or "")}. The score is None where there is none."""
    right = m.right
    nested = "[" * 200_000
    return {
        # The 25 that were seen first.
        "correct": (files(right()), GRADED, FULL, ""),
        "untouched": (files(m.untouched()), GRADED, 0.0, ""),
        "wrong_sign": (files(right(forget_gate=WRONG)), GRADED, HALF, ""),
        "gate_order": (files(right(lstm_step=STEP.replace("i, f, g, o =", "f, i, g, o ="))), GRADED, 3.0, ""),
        "syntax_error": (files(right(lstm_step=STEP + "\nreturn (((")), GRADED, 2.0, ""),
        "infinite_loop": (files(right(forget_gate=LOOP)), GRADED, HALF, ""),
        "missing_solution": (files(drop(m, right(), "lstm_step")), ATTENTION, 2.0, "lstm_step is missing"),
        "deleted_test": (files(drop(m, right(), "test_lstm_step")), REPAIRED, FULL, "put back"),
        "edited_test": (files(right(forget_gate=WRONG, test_forget_gate="assert True")), REPAIRED, HALF, "as it was"),
        "many_lines": (
            files(m.extra(right(), "for i in range(100_000): print('line', i, 'x' * 80)")),
            GRADED,
            FULL,
            "",
        ),
        "long_line": (files(m.extra(right(), "print('y' * 60_000_000)")), GRADED, FULL, ""),
        "os_exit": (files(m.extra(right(), "import os; os._exit(1)", "test_forget_gate")), ATTENTION, 2.0, "ended its"),
        "corrupt_json": ({IPYNB: json.dumps(right()).encode()[:900]}, UNREADABLE, None, "stops in the middle"),
        "not_utf8": (
            {IPYNB: json.dumps(right(essay="pr\u00e8s de 1"), ensure_ascii=False).encode("latin-1")},
            REPAIRED,
            FULL,
            "UTF-8",
        ),
        "renamed": (files(right(), "gates_final(1).ipynb"), REPAIRED, FULL, "gates_final(1).ipynb"),
        "test_twice": (files(twice(m, right(), "test_forget_gate")), REPAIRED, FULL, "one was kept"),
        "solution_twice": (
            files(twice(m, right(), "lstm_step", source="# my old attempt\n")),
            REPAIRED,
            FULL,
            "2 times",
        ),
        "warning": (files(right(forget_gate=WARN)), GRADED, FULL, ""),
        "asks_for_input": (files(m.extra(right(), "x = input('your name? ')")), GRADED, FULL, ""),
        "sys_exit": (files(m.extra(right(), "import sys; sys.exit(0)")), GRADED, FULL, ""),
        "other_kernel": (
            files(
                changed(right(), lambda nb: nb["metadata"].update(kernelspec={"name": "conda-x", "display_name": "x"}))
            ),
            GRADED,
            FULL,
            "",
        ),
        "empty_folder": ({}, UNREADABLE, None, "empty"),
        "says_format_3": (files(changed(right(), lambda nb: nb.update(nbformat=3))), REPAIRED, FULL, "format 3"),
        "returns_lists": (files(right(lstm_step=LISTS)), GRADED, FULL, ""),
        "essay_as_code": (
            files(
                changed(
                    right(), lambda nb: m.cell(nb, "essay").update(cell_type="code", outputs=[], execution_count=None)
                )
            ),
            REPAIRED,
            FULL,
            "turned into code",
        ),
        # And more.
        "stderr": (files(right(forget_gate=PRINT)), GRADED, FULL, ""),
        "format_3": ({IPYNB: version_3(right())}, REPAIRED, FULL, "old format"),
        "no_metadata": (files(stripped(right())), REPAIRED, FULL, "recognised by its id"),
        "no_metadata_no_ids": (files(shuffled_ids(right())), REPAIRED, FULL, "recognised by the function"),
        "bom": ({IPYNB: b"\xef\xbb\xbf" + json.dumps(right()).encode()}, GRADED, FULL, ""),
        "utf16": ({IPYNB: json.dumps(right()).encode("utf-16")}, REPAIRED, FULL, "utf-16"),
        "conflict": (
            {IPYNB: json.dumps(right(), indent=1).replace('"cells"', '<<<<<<< HEAD\n"cells"\n>>>>>>> x').encode()},
            UNREADABLE,
            None,
            "merge conflict",
        ),
        "web_page": ({IPYNB: b"<!DOCTYPE html><html><body>Log in</body></html>"}, UNREADABLE, None, "web page"),
        "script": ({"gates.py": FORGET.encode()}, UNREADABLE, None, "gates.py"),
        "script_named_ipynb": ({IPYNB: FORGET.encode()}, UNREADABLE, None, "plain text"),
        "empty_file": ({IPYNB: b""}, UNREADABLE, None, "is empty"),
        "zeros": ({IPYNB: b"\x00" * 4096}, UNREADABLE, None, "is empty"),
        "nested": ({IPYNB: nested.encode()}, UNREADABLE, None, "nested"),
        "not_a_notebook": ({IPYNB: b'{"a": 1}'}, UNREADABLE, None, "no cells"),
        "other_assignment": (
            {IPYNB: nbformat.writes(nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell("1")])).encode()},
            UNREADABLE,
            None,
            "not this assignment",
        ),
        "zipped": ({"work.zip": zipped("gates.ipynb", json.dumps(right()))}, REPAIRED, FULL, "work.zip"),
        "zip_as_ipynb": ({IPYNB: zipped("gates.ipynb", json.dumps(right()))}, REPAIRED, FULL, "gates.ipynb"),
        "json_in_json": ({IPYNB: json.dumps(json.dumps(right())).encode()}, REPAIRED, FULL, "unpacked"),
        "two_notebooks": (
            {**files(right()), **files(right(forget_gate=WRONG), "old.ipynb")},
            REPAIRED,
            FULL,
            "2 notebooks",
        ),
        "two_renamed": (
            {**files(right(), "a.ipynb"), **files(right(forget_gate=WRONG), "b.ipynb")},
            ATTENTION,
            None,
            "Several",
        ),
        "in_a_folder": (files(right(), "my work/gates.ipynb"), REPAIRED, FULL, "my work/gates.ipynb"),
        "tests_first": (
            files(changed(right(), lambda nb: nb["cells"].insert(2, nb["cells"].pop(m.place(nb, "test_lstm_step"))))),
            REPAIRED,
            FULL,
            "order",
        ),
        "points_raised": (
            files(
                changed(
                    right(forget_gate=WRONG),
                    lambda nb: m.cell(nb, "test_forget_gate")["metadata"]["nbgrader"].update(points=99),
                )
            ),
            REPAIRED,
            HALF,
            "points",
        ),
        "solution_locked": (
            files(
                changed(
                    right(),
                    lambda nb: m.cell(nb, "lstm_step")["metadata"]["nbgrader"].update(locked=True, solution=False),
                )
            ),
            REPAIRED,
            FULL,
            "put back",
        ),
        "solution_as_markdown": (
            files(changed(right(), lambda nb: m.cell(nb, "lstm_step").update(cell_type="markdown"))),
            REPAIRED,
            FULL,
            "markdown",
        ),
        "copy_untouched_below": (
            files(twice(m, right(), "lstm_step", source=m.cell(m.untouched(), "lstm_step")["source"])),
            REPAIRED,
            FULL,
            "copies",
        ),
        "merged_cells": (
            files(
                changed(
                    drop(m, right(), "lstm_step"),
                    lambda nb: m.cell(nb, "forget_gate").update(source=f"{FORGET}\n\n\n{STEP}"),
                )
            ),
            REPAIRED,
            FULL,
            "another cell",
        ),
        "essay_missing": (files(drop(m, right(), "essay")), ATTENTION, FULL, "essay is missing"),
        "setup_deleted": (files(drop(m, right(), "setup")), REPAIRED, FULL, "setup was missing"),
        "cells_are_numbers": (files(changed(right(), lambda nb: nb["cells"].append(7))), REPAIRED, FULL, "mended"),
        "source_is_null": (
            files(changed(right(), lambda nb: nb["cells"][0].update(source=None))),
            REPAIRED,
            FULL,
            "mended",
        ),
        "bad_outputs": (
            files(changed(right(), lambda nb: m.cell(nb, "setup").update(outputs=[{"output_type": "nonsense"}]))),
            GRADED,
            FULL,
            "",
        ),
        "unknown_label": (
            files(
                changed(
                    m.extra(right(), "1"),
                    lambda nb: nb["cells"][2]["metadata"].update(nbgrader={"grade_id": "x", "grade": True}),
                )
            ),
            REPAIRED,
            FULL,
            "labels",
        ),
        "surrogates": (files(right(essay="\ud800 broken")), REPAIRED, FULL, "mended"),
        "memory": (files(m.extra(right(), "b = bytearray(1 << 40)")), GRADED, FULL, ""),
        "recursion": (files(right(forget_gate="def forget_gate(*a):\n    return forget_gate(*a)")), GRADED, 0.0, ""),
        "picture": (
            files(m.extra(right(), f"from IPython.display import Image\nImage(data={base64.b64encode(b'x' * 100)!r})")),
            GRADED,
            FULL,
            "",
        ),
        "bad_timestamp": ({**files(right()), "timestamp.txt": b"yesterday, I think"}, GRADED, FULL, ""),
        "not_utf8_name": (files(right(), os.fsdecode(b"L\xf6sung.ipynb")), REPAIRED, FULL, "sung.ipynb"),
        "long_name": ({**files(right()), "n" * 250 + ".csv": b"1"}, GRADED, FULL, ""),
        "long_name_in_zip": (
            {"work.zip": zipped("gates.ipynb", json.dumps(right()), {"n" * 400 + "/x": "1", "a": "1", "a/b": "2"})},
            REPAIRED,
            FULL,
            "work.zip",
        ),
        "large_file_beside": (
            {**files(m.extra(right(), "assert len(open('data.bin', 'rb').read()) == 19 << 20")), "data.bin": LARGE},
            GRADED,
            FULL,
            "",
        ),
        "not_a_number": (
            {IPYNB: json.dumps(changed(right(), lambda nb: nb["metadata"].update(x=float("nan")))).encode()},
            GRADED,
            FULL,
            "",
        ),
        "deep_metadata": (
            files(changed(right(), lambda nb: [c["metadata"].update(x=DEEP, y=[DEEP]) for c in (nb, *nb["cells"])])),
            GRADED,
            FULL,
            "",
        ),
        "other_language": (
            files(
                changed(right(), lambda nb: nb["metadata"].update(kernelspec={"name": "ir", "language": "R", "x": [1]}))
            ),
            REPAIRED,
            FULL,
            "asks for the kernel ir",
        ),
        "megabytes_in_a_cell": (files(m.extra(right(), f"x = '{'y' * (2 << 20)}'")), GRADED, FULL, ""),
        "attachments": (
            files(
                changed(
                    m.extra(right(), "![x](attachment:x)", kind="markdown"),
                    lambda nb: nb["cells"][2].update(
                        attachments={"x": {"image/png": "A" * (5 << 20), "text/html": "<script>"}, "y": [7], "z": None}
                    ),
                )
            ),
            GRADED,
            FULL,
            "",
        ),
        "thousands_of_cells": (
            files(changed(right(), lambda nb: nb["cells"].extend([dict(nb["cells"][0])] * 3000))),
            UNREADABLE,
            None,
            "cells; 2000",
        ),
        "brackets": ({"x[/].txt": b"no notebook"}, UNREADABLE, None, "x[/].txt"),
        "html_name": ({"<img src=x onerror=alert(1)>": b"no notebook"}, UNREADABLE, None, "onerror"),
        "half_a_file": ({IPYNB: cut_in_half(right())}, UNREADABLE, None, "upload"),
    }


@pytest.fixture(scope="module")
def broken_course(tmp_path_factory):
    return classroom.make_course(tmp_path_factory.mktemp("broken"))


@pytest.fixture(scope="module")
def handed_in(broken_course):
    return submissions(classroom.Maker(broken_course))


@pytest.fixture(scope="module")
def told(broken_course, handed_in, grade_class):
    return grade_class(broken_course, {student: what[0] for student, what in handed_in.items()})


def automatic(what):
    """Points that the tests gave, or None if there is no score."""
    scores = what["notebooks"]["gates"]["scores"]
    return sum(scores.values()) if scores else None


def test_every_submission_ends_with_its_status_and_reason(handed_in, told):
    """One table rather than many tests, so that one class is graded, and what differs is seen at once."""
    assert set(told) == set(handed_in)
    wrong = {}
    for student, (_, status, score, word) in handed_in.items():
        what = told[student]
        said = " ".join(text for _, text in what["reasons"])
        got_score = automatic(what)
        right = what["status"] == status and word in said and (score == got_score or student == "two_renamed")
        wholly = all("itself stopped" in text or "no answer" in text for _, text in what["reasons"])
        if not right or (status == GRADED and word == "" and not wholly):
            wrong[student] = (what["status"], got_score, said, "wanted", status, score, word)
    assert not wrong, "\n".join(f"{student}: {what}" for student, what in wrong.items())


def test_a_failure_is_no_zero_in_the_export(broken_course, handed_in, told):
    """Everyone is in the file; unreadable work has an empty score and a reason, and an honest zero is a zero."""
    found = {r.student: r for r in export.rows(broken_course)}
    assert set(found) == set(handed_in)
    file = io.StringIO()
    export.write_csv(found.values(), file)
    lines = {line["student_id"]: line for line in csv.DictReader(io.StringIO(file.getvalue()))}
    for student, (_, status, _, _) in handed_in.items():
        assert lines[student]["status"] == status
        assert (lines[student]["score"] == "") == (status == UNREADABLE), student
        assert lines[student]["reason"] or status == GRADED, student
    assert float(lines["untouched"]["score"]) == 0.0


def test_what_is_not_settled_stays_out_of_the_learning_system(broken_course, told):
    """Canvas and Moodle get no number for work that failed or waits for a person."""
    found = export.rows(broken_course, accept=["missing_solution"])
    for kind in ("canvas", "moodle"):
        file = io.StringIO()
        export.WRITERS[kind](found, file)
        lines = {line[0]: line for line in csv.reader(io.StringIO(file.getvalue()))}
        column = 5 if kind == "canvas" else 2
        assert lines["corrupt_json"][column] == ""
        assert lines["correct"][column] == ""  # the essay waits for a person
        assert lines["missing_solution"][column] == "2"  # accepted


def test_reasons_stand_in_the_gradebooks_comments(broken_course, told):
    """What an instructor sees in formgrader."""
    from nbgrader.api import Gradebook

    with Gradebook(broken_course.directory.db_url, "small") as gradebook:
        notebook = gradebook.find_submission_notebook("gates", "gates", "corrupt_json")
        assert "stops in the middle" in " ".join(c.auto_comment or "" for c in notebook.comments)
        assert all(g.auto_score is None and g.needs_manual_grade for g in notebook.grades)
        notebook = gradebook.find_submission_notebook("gates", "gates", "renamed")
        assert "gates_final(1).ipynb" in " ".join(c.auto_comment or "" for c in notebook.comments)
        assert ESSAY


def test_formgrader_has_a_notebook_to_show_for_everyone(broken_course, handed_in, told):
    for student in handed_in:
        path = broken_course.path("autograded", student, "gates") / "gates.ipynb"
        nbformat.validate(nbformat.read(path, as_version=4))
        json.loads(path.read_text(), parse_constant=pytest.fail)  # JupyterLab reads no NaN
        assert "<img" not in path.read_text()


def test_the_command_says_what_is_wrong_whatever_it_is_called(broken_course, handed_in, told):
    """Square brackets mean colours to the library that prints."""
    words = ["--root", str(broken_course.root), "grade", "gates", "--again", "--jobs", "1", "--student", "brackets"]
    result = CliRunner().invoke(cli.main, words + ([] if classroom.WALLED else ["--no-walls"]))
    assert result.exit_code == 0, result.output
    assert "x[/].txt" in result.output.replace("\n", "")


def test_archives_cannot_fill_the_memory():
    """Each is allowed, all together are not: 60 kB become 60 MB, and there can be hundreds."""
    archive = zipped("a.ipynb", bytes(reading.ZIP_LIMIT - 100))
    found, _ = reading.unzip({f"{n}.zip": archive for n in range(4)})
    assert sum(map(len, found.values())) < 1.1 * reading.ZIP_LIMIT


def test_a_cell_that_takes_gigabytes_to_parse_is_not_looked_into():
    assert defined("f = 1\n" * 40_000) == ("f",) * 40_000
    assert defined("f = 1\n" * 1_000_000) == ()


def test_what_cannot_be_written_down_stops_nobody(broken_course, grade_class, monkeypatch):
    """A full disk, a locked database: the others are recorded, and the next run tries again."""
    maker, write = classroom.Maker(broken_course), Recorder._folder

    def folder(self, student, outcomes, files):
        if student == "unlucky":
            raise OSError("no space left")
        return write(self, student, outcomes, files)

    monkeypatch.setattr(Recorder, "_folder", folder)
    told = grade_class(broken_course, {"unlucky": files(maker.right()), "zz_next": files(maker.right())}, jobs=1)
    assert told["unlucky"]["status"] == ATTENTION
    assert "no space left" in told["unlucky"]["reasons"][0][1]
    assert automatic(told["zz_next"]) == FULL
    assert broken_course.remembered("unlucky", "gates") is None


def test_a_grader_that_fails_or_hangs_fails_one_submission(broken_course, monkeypatch):
    """An error that nobody thought of is told; a worker that does not answer is ended."""
    assignment = broken_course.assignment("gates")

    class Fails:
        def grade(self, *task):
            raise KeyError("of the grader's own")

        def renew(self):
            pass

    made = worker._grade(Fails(), assignment, assignment.notebooks[0], {"files": {}, "sizes": {}})
    assert made.status == ATTENTION
    assert "of the grader's own" in made.reasons[0][1]
    monkeypatch.setattr(worker, "SPARE", 1.0 - worker.FAR * (5 * 2 * 5 + 3 * 2 * 5))
    one = worker.Worker(assignment, classroom.WALLED)
    one._start()
    os.kill(one.pid, signal.SIGSTOP)
    made = one.grade(files(classroom.Maker(broken_course).right()), {})
    assert made["gates"].status == ATTENTION
    assert "no end within 1 s" in made["gates"].reasons[0][1]
    assert one.pid is None
