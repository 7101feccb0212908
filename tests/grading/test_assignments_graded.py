"""The course's own assignments: the same points as stock nbgrader gives, right or half done."""

from pathlib import Path

import classroom
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


def points(course, name):
    """{student: {cell: automatic points}}."""
    from nbgrader.api import Gradebook

    with Gradebook(course.directory.db_url, course.directory.course_id) as gradebook:
        return {
            s.student.id: {g.name: g.auto_score for n in s.notebooks for g in n.grades}
            for s in gradebook.assignment_submissions(name)
        }
