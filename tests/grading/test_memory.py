"""What a grade depends on is remembered: what changed or was lost is noticed by the next command."""

import os
import shutil

import classroom
import nbformat
import pytest
from classroom import FORGET, STEP, files
from click.testing import CliRunner
from nbgrader.api import Gradebook, MissingEntry

from course_pkg.grading import cli, export, record, runner
from course_pkg.grading.course import Course
from course_pkg.grading.engine import Outcome
from course_pkg.grading.marks import texts
from course_pkg.grading.regrade import Held
from course_pkg.grading.worker import failed

WALLS = [] if classroom.WALLED else ["--no-walls"]
LATE = """
from nbgrader.plugins import BasePlugin
class P(BasePlugin):
    def late_submission_penalty(self, student_id, score, total_seconds_late):
        return 2.0
c.AssignLatePenalties.plugin_class = P
"""


@pytest.fixture(scope="module")
def graded(tmp_path_factory):
    """ada is right, but for rounding; bob has one function wrong: graded once, copied for each test."""
    room = classroom.make_course(tmp_path_factory.mktemp("memory") / "room")
    maker = classroom.Maker(room)
    classroom.hand_in(room, "ada", files(maker.right(lstm_step=STEP.replace("np.tanh(c), c", "np.tanh(c) + 1e-9, c"))))
    classroom.hand_in(room, "bob", files(maker.right(forget_gate=FORGET.replace("sigmoid(W", "sigmoid(-W"))))
    again(room)
    return room


@pytest.fixture
def room(graded, tmp_path):
    shutil.copytree(graded.root, tmp_path / "room")
    return Course(tmp_path / "room")


def again(room):
    """Grade what is pending; returns {student: what is remembered}."""
    told, assignment = {}, room.assignment("gates")
    work = runner.here(assignment, 1, classroom.WALLED)
    runner.run(room, assignment, runner.pending(room, assignment), work, lambda s, w: told.update({s: w}))
    return told


def say(room, *words):
    return CliRunner().invoke(cli.main, ["--root", str(room.root), *words])


def book(room):
    return Gradebook(room.directory.db_url, "small")


def pending(room):
    return {task.student for task in runner.pending(room, room.assignment("gates"))}


def row(room, student="ada"):
    return next(r for r in export.rows(room) if r.student == student)


def mark(room, points=3.0):
    with book(room) as gradebook:
        grade = gradebook.find_grade("essay", "gates", "gates", "ada")
        grade.manual_score, grade.needs_manual_grade = points, False
        gradebook.db.commit()


def change(room, old, new):
    path = room.path("source", ".", "gates") / "gates.ipynb"
    text = path.read_text()
    assert old in text
    path.write_text(text.replace(old, new))


def test_nothing_is_noticed_where_nothing_changed(room):
    assert pending(room) == set()
    assert row(room).status == "graded"


def test_a_gradebook_that_was_lost(room):
    (room.root / "gradebook.db").unlink()
    assert Course(room.root).api.generate_assignment("gates", force=True)["success"]
    assert pending(Course(room.root)) == {"ada", "bob"}


def test_a_student_who_was_removed(room):
    with book(room) as gradebook:
        gradebook.remove_student("ada")
    assert pending(room) == {"ada"}


def test_a_gradebook_from_a_backup_with_other_scores(room):
    with book(room) as gradebook:
        gradebook.find_grade("test_lstm_step", "gates", "gates", "ada").auto_score = 1.0
        gradebook.db.commit()
    assert pending(room) == {"ada"}
    assert row(room).status == "graded by nbgrader"


def test_a_due_date_that_moved(room):
    (room.root / "nbgrader_config.py").write_text(classroom.CONFIG + LATE)
    (room.path("submitted", "ada", "gates") / "timestamp.txt").write_text("2026-02-03 10:00:00 UTC")
    for due, penalty in (("2026-02-01", 2.0), ("2026-02-10", 0.0)):
        room = Course(room.root)
        with book(room) as gradebook:
            gradebook.update_or_create_assignment("gates", duedate=f"{due} 12:00:00 UTC")
        assert pending(room) == set()  # nobody is graded again for a date
        said = say(room, "export")
        assert "gates, ada: " in said.output
        assert row(room).penalty == penalty


def test_a_solution_that_was_mended_but_not_released(room):
    change(room, "rtol=1e-9", "rtol=1e-6")
    said = say(room, "grade", "gates", *WALLS)
    assert "the cell test_forget_gate in the solutions differs" in said.output
    assert "course release gates" in said.output


def test_a_regrade_that_could_not_be_written(room, monkeypatch):
    change(room, "rtol=1e-9", "rtol=1e-6")
    assert say(room, "release", "gates").exit_code == 0

    def full(*_):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(record.Recorder, "_folder", full)
    said = say(room, "grade", "gates", "--accept", "--jobs", "1", *WALLS)
    assert said.exit_code == 1
    assert "results of 2 submissions could not be written down" in said.output
    assert said.output.count("No space left") == 1
    assert row(room).status == "needs attention"
    assert "did not come to its end" in row(room).reason
    assert not row(room).settled
    assert pending(room) == {"ada", "bob"}


@pytest.mark.slow
def test_a_regrade_shows_who_gains_and_loses_before_it_counts(room):
    """The test becomes kinder to bob and harder to ada; no grade changes until that is accepted."""
    change(room, "assert np.allclose(forget_gate(0 * x, 0 * h, W, U, 0 * b), 0.5)", "assert True")
    change(
        room, "np.testing.assert_allclose(f, 1 / (1 + np.exp(-(W @ x + U @ h + b))), rtol=1e-9)", "assert f is not None"
    )
    change(room, "np.tanh(c_want)))", "np.tanh(c_want), rtol=1e-12, atol=0))")
    assert say(room, "release", "gates").exit_code == 0
    room = Course(room.root)
    before = {s: row(room, s).score for s in ("ada", "bob")}
    said = say(room, "grade", "gates", "--jobs", "1", *WALLS)
    assert said.exit_code == 1, said.output
    assert "ada: 6 to 4.5 points. test_lstm_step: 4 to 2.5" in said.output
    assert "bob: 4 to 6 points. test_forget_gate: 0 to 2" in said.output
    assert "1 gained, 1 lost, of 2" in said.output
    assert {s: row(room, s).score for s in ("ada", "bob")} == before
    said = say(room, "grade", "gates", "--accept", "--jobs", "1", *WALLS)
    assert said.exit_code == 0, said.output
    assert {s: row(room, s).score for s in ("ada", "bob")} == {"ada": 4.5, "bob": 6.0}
    assert pending(room) == set()
    assert Held(room, "gates").students() == []


def test_a_failure_of_the_grader_takes_no_grade_away(room):
    """In a regrade it is neither shown as lost points nor accepted; the next run tries it again, with the same seed."""
    assignment, held = room.assignment("gates", "another seed"), Held(room, "gates")
    tasks = runner.pending(room, assignment, again=True)
    before = {s: (row(room, s).score, room.remembered(s, "gates")) for s in ("ada", "bob")}
    said = []

    def fails_for_ada(todo, load):
        for task in todo:
            made = failed(assignment, "no memory") if task.student == "ada" else outcome_of(room, "bob", 5.0)
            yield task, {}, made

    held.grade(assignment, tasks, fails_for_ada, lambda student, told: said.append((student, told["reasons"])))
    assert [student for student, reasons in said if reasons] == ["ada"]
    assert [(c.student, c.before, c.after) for c in held.changes()] == [("bob", 4.0, 5.0)]
    assert [task.student for task in held.current(tasks, "another seed")] == ["bob"]
    held.accept(assignment)
    assert held.students() == []
    assert (row(room, "ada").score, room.remembered("ada", "gates")) == before["ada"]
    assert row(room, "bob").score == 5.0
    assert room.stopped("gates") == ("another seed", ["ada"])
    assert pending(room) == {"ada"}


def outcome_of(room, student, step):
    """{notebook: Outcome} with other points for one test than the student has."""
    text = (room.path("autograded", student, "gates") / "gates.ipynb").read_text()
    return {"gates": Outcome("graded", [], text, {"test_forget_gate": 1.0, "test_lstm_step": step - 1.0}, {}, 0.1)}


def test_a_new_test_after_submissions_keeps_marks(room):
    """nbgrader refuses; here submissions are taken out and put back, with what a person gave."""
    mark(room)
    path = room.path("source", ".", "gates") / "gates.ipynb"
    nb = nbformat.read(path, 4)
    more = "W, U = np.ones((3, 2)), np.ones((3, 3))\nassert forget_gate(W[0], U[0], W, U, U[0]).shape == (3,)"
    nb.cells.insert(4, classroom.cell("code", more, "test_more", grade=True, locked=True, points=1))
    nbformat.write(nb, path)
    said = say(room, "release", "gates")
    assert said.exit_code == 0, said.output
    assert "the gradebook held 2 submissions" in said.output
    with book(Course(room.root)) as gradebook:
        assert gradebook.find_grade("essay", "gates", "gates", "ada").manual_score == 3.0
        assert gradebook.find_grade("test_more", "gates", "gates", "ada").auto_score is None
    assert (room.root / ".course" / "gradebook-gates.db").exists()
    assert pending(Course(room.root)) == {"ada", "bob"}


def test_a_mark_for_a_cell_that_is_gone_is_named(room):
    mark(room)
    path = room.path("source", ".", "gates") / "gates.ipynb"
    nb = nbformat.read(path, 4)
    nb.cells = [c for c in nb.cells if c.id != "essay"]
    nbformat.write(nb, path)
    said = say(room, "release", "gates")
    assert said.exit_code == 0, said.output
    assert "ada: the mark 3 for essay is gone" in said.output
    with pytest.raises(MissingEntry), book(Course(room.root)) as gradebook:
        gradebook.find_grade("essay", "gates", "gates", "ada")


@pytest.mark.slow
def test_a_mark_belongs_to_the_text_that_was_marked(room):
    """Another text opens it again; the same text does not; looking again settles it."""
    mark(room)
    assert row(room).settled
    maker = classroom.Maker(room)
    classroom.hand_in(room, "ada", files(maker.right(essay="Something else.")))
    again(room)
    assert not row(room).settled
    assert "The mark for essay was given to another text" in row(room).reason
    mark(room, 1.0)
    assert row(room).settled
    classroom.hand_in(room, "ada", files(maker.right(essay="Something else.", forget_gate=f"{FORGET}\n")))
    again(room)
    assert row(room).settled
    assert row(room).score == 7.0


def test_what_a_mark_depends_on():
    """A written answer on itself; a figure on all code before it."""

    def book_of(answer, code):
        cells = [
            classroom.cell("code", code, "f", solution=True),
            classroom.cell("code", "plot", "figure", True, False, True, 1),
            classroom.cell("markdown", answer, "essay", True, False, True, 3),
        ]
        return texts(nbformat.writes(nbformat.v4.new_notebook(cells=cells)))

    first, second, third = book_of("a", "x = 1"), book_of("a", "x = 2"), book_of("b", "x = 1")
    assert (first["essay"] == second["essay"], first["figure"] == second["figure"]) == (True, False)
    assert (first["essay"] == third["essay"], first["figure"] == third["figure"]) == (False, True)
    assert texts("{") == {}


@pytest.mark.slow
def test_changes_of_the_instructors_are_nobodys_fault(tmp_path):
    """Other points, another text of a locked cell, and line ends of Windows: no word to the student."""
    room = classroom.make_course(tmp_path / "room")
    maker = classroom.Maker(room)
    windows, edited = maker.right(), maker.right()
    for cell in windows["cells"]:
        cell["source"] = cell["source"].replace("\n", "\r\n")
    maker.cell(edited, "setup")["source"] += "\nprint('mine')"
    for student, notebook in {"old": maker.right(), "windows": windows, "edited": edited}.items():
        classroom.hand_in(room, student, files(notebook))
    path = room.path("source", ".", "gates") / "gates.ipynb"
    nb = nbformat.read(path, 4)
    next(c for c in nb.cells if c.id == "test_lstm_step").metadata.nbgrader.points = 8
    next(c for c in nb.cells if c.id == "test_forget_gate").source += "\n# mended"
    nbformat.write(nb, path)
    assert room.api.generate_assignment("gates", force=True)["success"]
    told = again(Course(room.root))
    assert {s: w["status"] for s, w in told.items()} == {
        "old": "graded", "windows": "graded", "edited": "graded after repair",
    }  # fmt: skip
    assert "The cell setup was changed" in told["edited"]["reasons"][0][1]


def test_a_file_that_may_not_be_read_is_one_students_trouble(room, monkeypatch):
    path_type, secret = type(room.root), room.path("submitted", "bob", "gates") / "gates.ipynb"
    kept = path_type.read_bytes

    def closed(path):
        if path == secret:
            raise PermissionError(13, "Permission denied", str(path))
        return kept(path)

    monkeypatch.setattr(path_type, "read_bytes", closed)
    files_of, sizes, _ = room.files("bob", "gates")
    assert (files_of, sizes) == ({}, {"gates.ipynb": -1})
    assert pending(room) == {"bob"}
    from course_pkg.grading import intake

    assignment = room.assignment("gates")
    taken = intake.take(assignment.notebooks[0], assignment, files_of, sizes)
    assert taken.status == "unreadable"
    assert "gates.ipynb may not be read" in taken.reasons[0][1]


@pytest.mark.skipif(os.geteuid() == 0, reason="root reads everything")
def test_a_folder_that_may_not_be_entered(room):
    folder = room.path("submitted", "bob", "gates")
    folder.chmod(0)
    try:
        assert pending(room) == {"bob"}
    finally:
        folder.chmod(0o755)
