"""What the tests of grading share."""

import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent))

import classroom

from course_pkg.grading import proof, runner


@pytest.fixture(scope="session", autouse=True)
def proofs(tmp_path_factory):
    """Each test's course is proven fit before its class is graded; courses that are the same, once."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv(proof.PROOFS, str(tmp_path_factory.mktemp("proofs")))
        yield


@pytest.fixture(scope="session")
def course(tmp_path_factory):
    """The small course, released, with nobody's work in it."""
    return classroom.make_course(tmp_path_factory.mktemp("small"))


@pytest.fixture(scope="session")
def maker(course):
    return classroom.Maker(course)


@pytest.fixture(scope="session")
def grade_class():
    """A function that hands in and grades a class: {student: files} to {student: what is remembered}."""

    def grade(course, submissions, jobs=2, name=classroom.NAME, limits=None, walled=classroom.WALLED, pids=None):
        for student, files in submissions.items():
            classroom.hand_in(course, student, files, name)
        assignment, told, workers = course.assignment(name), {}, []
        tasks = runner.pending(course, assignment, students=set(submissions))
        work = runner.here(assignment, jobs, walled, limits, on_start=workers.extend)

        def on_done(student, what):
            told[student] = what
            if pids is not None:
                pids.update(worker.pid for worker in workers)

        runner.run(course, assignment, tasks, work, on_done)
        return told

    return grade
