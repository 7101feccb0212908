"""A mark that a person gave belongs to the text that they read. Where the text is another one now, they look again."""

import hashlib
import json

import nbformat
from nbgrader import utils

from course_pkg.grading.course import MEMORY, write


def texts(source):
    """{cell: digest of what a person marks there} of a notebook's text; {} where it cannot be read.

    A written answer is its own text and pictures. Code and what it draws depend on all the student's code before it,
    so there it is the whole of that.
    """
    try:
        cells = nbformat.reads(source, as_version=4).cells
    except Exception:  # nbformat raises whatever a broken file makes it meet
        return {}
    code = [c.source for c in cells if c.cell_type == "code" and not utils.is_locked(c)]
    found = {}
    for cell in cells:
        if "nbgrader" in cell.metadata:
            own = [cell.source, cell.get("attachments", {})] if cell.cell_type == "markdown" else [cell.source, code]
            found[cell.metadata.nbgrader["grade_id"]] = hashlib.sha256(json.dumps(own).encode()).hexdigest()
    return found


class Marks:
    """Which text each mark of a student belongs to, in `.course/ASSIGNMENT/marks/STUDENT.json`."""

    def __init__(self, course, student, name):
        self._path = course.root / MEMORY / name / "marks" / f"{student}.json"
        try:
            self._known = json.loads(self._path.read_text(encoding="utf-8"))
        except (OSError, ValueError):
            self._known = {}
        folder = course.path("autograded", student, name)
        self._shown = {p.stem: texts(p.read_text(encoding="utf-8")) for p in folder.glob("*.ipynb")}
        self._now = {}

    def follow(self, notebook, grade, now):
        """Whether a person is to look again at a grade that they gave, as its text is `now` {cell: digest}."""
        key = f"{notebook}/{grade.name}"
        looked = not grade.needs_manual_grade  # formgrader takes the flag away when someone enters a mark
        shown = self._shown.get(notebook, {}).get(grade.name)
        self._now[key] = shown if looked or key not in self._known else self._known[key]
        return self._now[key] is None or self._now[key] != now.get(grade.name)

    def save(self):
        """Keep what was followed."""
        if self._now or self._known:
            write(self._path, json.dumps(self._now, indent=1, sort_keys=True))
