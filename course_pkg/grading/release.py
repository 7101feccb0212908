"""The folder that students get: released assignments and what their notebooks import, and nothing else."""

import shutil
from pathlib import Path

import nbformat

from course_pkg.checks.text import say
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
