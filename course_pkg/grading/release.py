"""The folder that students get: released assignments and what their notebooks import, and nothing else."""

import contextlib
import shutil
import sqlite3
import warnings
from pathlib import Path
from typing import NamedTuple

import nbformat
from nbgrader.api import Gradebook, MissingEntry
from nbgrader.preprocessors import ClearSolutions, ComputeChecksums, LockCells
from sqlalchemy.exc import SAWarning

from course_pkg.checks.text import say
from course_pkg.grading.course import MEMORY
from course_pkg.grading.walls import ALLOWED, PACKAGE

SECRET = ("### BEGIN SOLUTION", "### BEGIN HIDDEN TESTS", "=== BEGIN MARK SCHEME")


def release_to(course, names, target):
    """Write released assignments and the part of `course_pkg` that they need into `target`. Returns what was written.

    Raises ValueError when a released notebook still holds a solution or a hidden test, or `target` is in use.
    """
    if target.exists() and any(target.iterdir()) and not (target / "course_pkg").is_dir():
        raise ValueError(say("folder in use", path=target))
    written = []
    for name in names:
        folder = course.path("release", ".", name)
        for path in folder.rglob("*.ipynb"):
            _require_clean(path)
        shutil.rmtree(target / name, ignore_errors=True)
        shutil.copytree(folder, target / name, ignore=shutil.ignore_patterns(".*", "__pycache__"))
        written.append(target / name)
    shutil.rmtree(target / "course_pkg", ignore_errors=True)
    for part in ALLOWED:
        source, goal = PACKAGE / part, target / "course_pkg" / part
        goal.parent.mkdir(parents=True, exist_ok=True)
        if source.is_dir():
            shutil.copytree(source, goal, ignore=shutil.ignore_patterns("__pycache__"))
        else:
            shutil.copy(source, goal)
    return [*written, Path(target / "course_pkg")]


def _require_clean(path):
    for cell in nbformat.read(path, as_version=4).cells:
        for mark in SECRET:
            if mark in cell.source:
                raise ValueError(say("not clean", path=path, cell=cell.id, mark=mark))


def unreleased(course, assignment):
    """Cells whose source in `solutions/` is not what the gradebook grades with: changed and not released."""
    found = []
    for notebook in assignment.notebooks:
        path = course.path("source", ".", assignment.name) / f"{notebook.name}.ipynb"
        if not path.exists():
            continue
        source = nbformat.read(path, as_version=4)
        for step in (LockCells, ClearSolutions, ComputeChecksums):
            source, _ = step(config=course.config).preprocess(source, {})
        now = {}
        for cell in source.cells:
            label = cell.metadata.get("nbgrader")
            if label and any(label.get(key) for key in ("grade", "solution", "locked", "task")):
                now[label["grade_id"]] = label["checksum"], _points(label)
        then = {c.name: (c.checksum, c.points) for c in notebook.cells}
        found += sorted(name for name in {*now, *then} if now.get(name) != then.get(name))
    return found


def _points(label):
    return float(label["points"]) if (label.get("grade") or label.get("task")) and "points" in label else None


class Marks(NamedTuple):
    """What a person entered for a submission, and when it came: what cannot be computed again."""

    student: str
    timestamp: object
    grades: list  # [(notebook, cell, manual score, extra credit, whether someone is to look again)]
    comments: list  # [(notebook, cell, text)]


def generate(course, name):
    """nbgrader's release of an assignment; returns its result, with `kept` submissions and marks that are `lost`.

    nbgrader refuses to add or take away a cell while the gradebook holds submissions. They are taken out here and put
    back after it, with the marks that people gave; what tests gave is for the next `course grade` to fill in. The
    gradebook as it was stays in `.course/`.
    """
    made = course.api.generate_assignment(name, force=True)
    if made["success"] or "submissions" not in f"{made.get('log')}{made.get('error')}":
        return {**made, "kept": 0, "lost": []}
    database = Path(course.directory.db_url.removeprefix("sqlite:///"))
    backup = course.root / MEMORY / f"{database.stem}-{name}.db"
    backup.parent.mkdir(exist_ok=True)
    with contextlib.closing(sqlite3.connect(database)) as old, contextlib.closing(sqlite3.connect(backup)) as new:
        old.backup(new)
    with Gradebook(course.directory.db_url, course.directory.course_id) as gradebook:
        marks = [_marks(entry) for entry in gradebook.assignment_submissions(name)]
        for entry in marks:
            gradebook.remove_submission(name, entry.student)
    try:
        made = course.api.generate_assignment(name, force=True)
    finally:
        with Gradebook(course.directory.db_url, course.directory.course_id) as gradebook:
            lost = [one for entry in marks for one in _put_back(gradebook, name, entry)]
    return {**made, "kept": len(marks), "lost": lost, "backup": backup}


def _marks(entry):
    grades = [
        (n.name, g.name, g.manual_score, g.extra_credit, g.needs_manual_grade)
        for n in entry.notebooks
        for g in n.grades
        if g.manual_score is not None or g.extra_credit
    ]
    comments = [(n.name, c.name, c.manual_comment) for n in entry.notebooks for c in n.comments if c.manual_comment]
    return Marks(entry.student.id, entry.timestamp, grades, comments)


def _put_back(gradebook, name, entry):
    """Write a person's marks into a new submission; returns those whose cell is gone."""
    times = {"timestamp": entry.timestamp} if entry.timestamp else {}
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", SAWarning)  # nbgrader adds to the session later than SQLAlchemy likes
        gradebook.update_or_create_submission(name, entry.student, **times)
    lost = []
    for notebook, cell, score, extra, again in entry.grades:
        try:
            grade = gradebook.find_grade(cell, notebook, name, entry.student)
        except MissingEntry:
            lost.append((entry.student, cell, score))
            continue
        grade.manual_score, grade.extra_credit, grade.needs_manual_grade = score, extra, again
    for notebook, cell, text in entry.comments:
        with contextlib.suppress(MissingEntry):
            gradebook.find_comment(cell, notebook, name, entry.student).manual_comment = text
    gradebook.db.commit()
    return lost
