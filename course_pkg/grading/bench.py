"""Seconds for one submission, against stock `nbgrader autograde` on the same submissions.

    python -m course_pkg.grading.bench [--assignment 06-lstm] [--count 24]

In rounds: stock grades some, then this grader with one worker, then with two, walls and two kernels throughout. All
are warm: stock runs inside this process through nbgrader's own API, so that it does not pay for starting Python.
Stock runs a notebook to its end; this grader stops after the last graded cell, since nothing after it can earn points.
That is part of the ratio, so the time that the rest takes is printed too.
"""

import argparse
import contextlib
import io
import logging
import shutil
import tempfile
import time
import warnings
from pathlib import Path

import nbformat

from course_pkg.grading import runner
from course_pkg.grading.course import Course
from course_pkg.grading.worker import Worker

ROUNDS = 3


def make_class(root, source, name, count):
    """A course in `root` with `count` submissions: some right, some with functions unwritten, some untouched."""
    shutil.copy(source / "nbgrader_config.py", root)
    shutil.copytree(source / "solutions" / name, root / "solutions" / name)
    course = Course(root)
    made = course.api.generate_assignment(name, force=True)
    if not made["success"]:
        raise RuntimeError(made.get("error"))
    path = course.path("source", ".", name) / f"{name}.ipynb"
    solved = {c.id: c.source for c in nbformat.read(path, as_version=4).cells if "### BEGIN SOLUTION" in c.source}
    names = list(solved)
    for n in range(count):
        left = {0: [], 1: [names[n % len(names)]], 2: names[::2], 3: []}[n % 4] if n % 12 != 11 else names
        notebook = nbformat.read(course.path("release", ".", name) / f"{name}.ipynb", as_version=4)
        for cell in notebook.cells:
            if cell.id in solved and cell.id not in left:
                lines = [x for x in solved[cell.id].split("\n") if "### BEGIN SOL" not in x and "### END SOL" not in x]
                cell.source = "\n".join(lines)
        folder = course.path("submitted", f"s{n:03}", name)
        folder.mkdir(parents=True)
        nbformat.write(notebook, folder / f"{name}.ipynb")
    return course


def stock(course, name, student):
    """Seconds that nbgrader takes for one submission."""
    start = time.perf_counter()
    with contextlib.redirect_stderr(io.StringIO()), warnings.catch_warnings():
        warnings.simplefilter("ignore")
        done = course.api.autograde(name, student, force=True)
    if not done["success"]:
        raise RuntimeError(done.get("error"))
    return time.perf_counter() - start


def ours(course, assignment, students, workers):
    """Seconds that this grader takes for these submissions, gradebook and files included."""
    tasks = runner.pending(course, assignment, again=True, students=set(students))
    start = time.perf_counter()
    runner.run(course, assignment, tasks, runner.here(assignment, len(workers), ready=workers))
    return time.perf_counter() - start


def totals(course, name):
    """{student: automatic points}."""
    from nbgrader.api import Gradebook

    with Gradebook(course.directory.db_url, course.directory.course_id) as gradebook:
        return {s.student.id: s.score for s in gradebook.assignment_submissions(name)}


def measure(source, name, count):
    """Print the times and ratios."""
    with tempfile.TemporaryDirectory() as folder:
        course = make_class(Path(folder), source, name, count)
        assignment = course.assignment(name)
        workers = [Worker(assignment) for _ in range(2)]
        students = course.students(name)
        ours(course, assignment, students[:2], workers)  # starts what is kept warm
        times = {"stock nbgrader autograde": 0.0, "course grade, one worker": 0.0, "course grade, two workers": 0.0}
        slow, one, two = times
        grades = {}
        for r in range(ROUNDS):
            mine = students[r::ROUNDS]
            times[slow] += sum(stock(course, name, student) for student in mine)
            grades.update({s: v for s, v in totals(course, name).items() if s in mine})
            times[one] += ours(course, assignment, mine, workers[:1])
            times[two] += ours(course, assignment, mine, workers)
        same = totals(course, name) == grades
        for worker in workers:
            worker.close()
    print(f"{name}: {count} submissions, walls, two kernels; grades equal: {'yes' if same else 'NO'}")
    for label, seconds in times.items():
        print(f"{label:28} {seconds / count:7.3f} s each   {times[slow] / seconds:5.1f} times as fast as stock")


def main():
    """The command line."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--root", type=Path, default=Path(), help="the course's folder")
    parser.add_argument("--assignment", default="06-lstm")
    parser.add_argument("--count", type=int, default=24)
    options = parser.parse_args()
    logging.getLogger("traitlets").setLevel(logging.CRITICAL + 1)
    measure(options.root.resolve(), options.assignment, options.count)


if __name__ == "__main__":
    main()
