"""The course's own assignments: the same points as stock nbgrader gives, right or half done."""

import ast
from pathlib import Path

import classroom
import nbformat
import pytest

from course_pkg.grading import bench, runner

ROOT = Path(__file__).resolve().parents[2]
ASSIGNMENTS = sorted(p.parent.name for p in (ROOT / "solutions").glob("*/*.ipynb"))


@pytest.mark.slow
@pytest.mark.parametrize("name", ASSIGNMENTS)
def test_points_equal_stock_nbgraders(name, tmp_path, monkeypatch):
    """Solved, one function unwritten, half unwritten; cell by cell."""
    monkeypatch.setenv("COURSE_TEST_SEED", "a seed for both")
    course = bench.make_class(tmp_path, ROOT, name, 3)
    for student in course.students(name):
        bench.stock(course, name, student)
    stock = points(course, name)
    assignment = course.assignment(name)
    told = {}
    tasks = runner.pending(course, assignment)
    assert len(tasks) == 3
    work = runner.here(assignment, 2, classroom.WALLED)
    runner.run(course, assignment, tasks, work, lambda student, what: told.update({student: what["status"]}))
    assert set(told.values()) == {"graded"}
    assert points(course, name) == stock
    assert len({tuple(cells.values()) for cells in stock.values()}) > 1  # they do differ between students


DRESSED = """

import sys
import warnings

{name}_as_written = {name}


def {name}_in_lists(made):
    if isinstance(made, tuple):
        return [{name}_in_lists(part) for part in made]
    return made.tolist() if isinstance(made, np.ndarray) else made


def {name}_in_float32(made):
    if isinstance(made, tuple):
        parts = [{name}_in_float32(part) for part in made]
        return type(made)(*parts) if hasattr(made, "_fields") else tuple(parts)
    return made.astype(np.float32) if isinstance(made, np.ndarray) and made.dtype.kind == "f" else made


def {name}(*what_came_in):
    print("this is what came in:", len(what_came_in))
    print("and this is on standard error", file=sys.stderr)
    warnings.warn("only a warning")
    np.log(np.zeros(1))
    what_comes_out = {name}_as_written(*what_came_in)
    return {change}(what_comes_out)
"""


def dressed(cells):
    """{cell: source} of right answers, noisy, by way of a helper, and in turn as lists and as float32.

    A function that another one calls keeps what it returns, which may not be the same when it is read as a list.
    """
    solved = {c.id: c.source for c in cells if c.cell_type == "code" and "\ndef " in "\n" + c.source}
    made = {}
    for k, (label, source) in enumerate(solved.items()):
        others = "\n".join(text for other, text in solved.items() if other != label)
        names = [n.name for n in ast.parse(source).body if isinstance(n, ast.FunctionDef)]
        if label in names:
            alone = f"{label}(" not in others
            change = f"{label}_in_{('lists', 'float32')[k % 2]}" if alone else ""
            made[label] = source + DRESSED.format(name=label, change=change)
    return made


@pytest.mark.slow
@pytest.mark.parametrize("name", ASSIGNMENTS)
def test_right_answers_in_another_dress_lose_nothing(name, tmp_path):
    """Lists in place of arrays and tuples, float32, prints, words on standard error, warnings, helpers, other names."""
    course = bench.make_class(tmp_path, ROOT, name, 1)
    (path,) = tmp_path.glob(f"submitted/*/{name}/{name}.ipynb")
    notebook = nbformat.read(path, as_version=4)
    labels = [c.metadata.get("nbgrader", {}) for c in notebook.cells]
    answers = dressed([c for c, n in zip(notebook.cells, labels) if n.get("solution") and not n.get("grade")])
    assert len(answers) >= 3
    for cell in notebook.cells:
        cell.source = answers.get(cell.id, cell.source)
    nbformat.write(notebook, path)
    assignment, told = course.assignment(name), []
    work = runner.here(assignment, 1, classroom.WALLED)
    runner.run(course, assignment, runner.pending(course, assignment), work, lambda student, what: told.append(what))
    assert [what["status"] for what in told] == ["graded"]
    (earned,) = points(course, name).values()
    full = {c.name: c.points for n in assignment.notebooks for c in n.cells if c.test and c.points}
    assert {cell: earned[cell] for cell in full} == full


def points(course, name):
    """{student: {cell: automatic points}}."""
    from nbgrader.api import Gradebook

    with Gradebook(course.directory.db_url, course.directory.course_id) as gradebook:
        return {
            s.student.id: {g.name: g.auto_score for n in s.notebooks for g in n.grades}
            for s in gradebook.assignment_submissions(name)
        }
