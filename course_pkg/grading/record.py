"""Results into nbgrader's gradebook and folders. One process does this, so nothing waits for a lock.

A submission that could not be read gets no score: its grades stay open, "needs manual grade" in formgrader, and the
notebook that formgrader shows says why. Grades and comments that a person entered are never touched.
"""

import contextlib
import html
import os
import shutil
import stat
import warnings
from pathlib import Path

import nbformat
from nbgrader import utils
from nbgrader.api import Gradebook, MissingEntry
from sqlalchemy.exc import SAWarning

from course_pkg.checks.text import say
from course_pkg.grading.course import write
from course_pkg.grading.late import Late
from course_pkg.grading.marks import Marks, texts
from course_pkg.grading.reading import safe_name
from course_pkg.grading.status import ATTENTION, GRADED, REPAIRED, UNREADABLE

SEVERITY = (GRADED, REPAIRED, ATTENTION, UNREADABLE)


class Recorder:
    """Keeps the gradebook open for a whole class."""

    def __init__(self, course, assignment):
        self._course, self._assignment = course, assignment
        self._gradebook = Gradebook(course.directory.db_url, course.directory.course_id)
        self._late = Late(course)
        self.moved = {}  # {student: (points taken off before, now)}, as a due date or a time has changed

    def __enter__(self):
        with contextlib.suppress(MissingEntry):
            self.moved = self._late.refresh(self._gradebook, self._assignment.name)
        return self

    def __exit__(self, *error):
        self._gradebook.close()

    def undo(self):
        """Forget what was not yet written to the gradebook."""
        self._gradebook.db.rollback()
        self._gradebook.db.expunge_all()

    def record(self, student, outcomes, files, key):
        """Write what grading a submission gave. `outcomes` {notebook name: Outcome}; returns what is remembered."""
        name = self._assignment.name
        marks = Marks(self._course, student, name)
        self._course.forget(student, name)
        self._folder(student, outcomes, files)
        self._gradebook.update_or_create_student(student)
        when = self._course.timestamp(student, name)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", SAWarning)  # nbgrader adds to the session later than SQLAlchemy likes
            entry = self._gradebook.update_or_create_submission(name, student, **({"timestamp": when} if when else {}))
        for notebook in entry.notebooks:
            if notebook.name in outcomes:
                self._notebook(notebook, outcomes[notebook.name], entry, marks)
        marks.save()
        auto = scores_of(entry)
        self._gradebook.db.commit()
        told = {
            "key": key,
            "seed": self._assignment.seed,
            "status": max((o.status for o in outcomes.values()), key=SEVERITY.index),
            "reasons": [list(r) for o in outcomes.values() for r in o.reasons],
            "notebooks": {n: {"scores": o.scores, "reports": o.reports} for n, o in outcomes.items()},
            "auto": auto,
            "seconds": sum(o.seconds for o in outcomes.values()),
            "written": self._course.written(student, name),
        }
        self._course.remember(student, name, told)
        self._gradebook.db.expunge_all()  # a class of thousands must not pile up in memory
        return told

    def _notebook(self, notebook, outcome, entry, marks):
        cells, now = {}, texts(outcome.notebook) if outcome.notebook is not None else {}
        if outcome.notebook is not None:
            made = nbformat.v4.reads(outcome.notebook)
            cells = {c.metadata.nbgrader["grade_id"]: c for c in made.cells if "nbgrader" in c.metadata}
        for grade in notebook.grades:
            score = self._score(outcome, grade, cells.get(grade.name))
            grade.auto_score = score
            # Stock asks for a second look wherever a person has given points; here only where the text is another.
            by_hand = grade.manual_score is not None
            grade.needs_manual_grade = marks.follow(notebook.name, grade, now) if by_hand else score is None
        said = self._said(outcome)
        for comment in notebook.comments:
            cell = cells.get(comment.name)
            nothing = cell is not None and cell.metadata.nbgrader["checksum"] == utils.compute_checksum(cell)
            own = said.pop(comment.name, [])
            if said.get("") and comment is notebook.comments[0]:
                own = said.pop("") + own
            own += [say("no response")] if nothing and not utils.is_task(cell) else []
            comment.auto_comment = "\n".join(own) or None
        self._late.penalize(notebook, entry)

    def _score(self, outcome, grade, cell):
        if cell is None:
            return None
        if grade.name in outcome.scores:
            return outcome.scores[grade.name]
        if cell.cell_type == "code" and not utils.is_solution(cell):
            return None
        return utils.determine_grade(cell)[0] if utils.is_grade(cell) else None

    def _said(self, outcome):
        """{cell: sentences}; those of the whole notebook, and of cells that nobody can comment on, under ""."""
        solutions = {c.name for n in self._assignment.notebooks for c in n.cells if c.solution or c.task}
        said = {"": [] if outcome.status == GRADED else [f"{outcome.status}:"]}
        for cell, text in outcome.reasons:
            said.setdefault(cell if cell in solutions else "", []).append(text)
        return said

    def _folder(self, student, outcomes, files):
        folder = self._course.path("autograded", student, self._assignment.name)
        if folder.exists():
            _remove(folder)
        folder.mkdir(parents=True)
        beside = {safe_name(n): d for n, d in files.items() if not n.lower().endswith(".ipynb")}
        for name, data in {**beside, **self._assignment.files}.items():
            path = folder / name
            if any(parent.is_file() for parent in path.parents) or path.is_dir():
                continue
            with contextlib.suppress(OSError):  # a name that this file system does not take
                write(path, data)
                path.chmod(0o444)
        for source in self._assignment.notebooks:
            outcome = outcomes[source.name]
            text = outcome.notebook if outcome.notebook is not None else stand_in(source, outcome)
            write(folder / f"{source.name}.ipynb", text)
            (folder / f"{source.name}.ipynb").chmod(0o444)


def scores_of(entry):
    """{notebook: {cell: automatic score}} of a submission in the gradebook."""
    return {n.name: {g.name: g.auto_score for g in n.grades} for n in entry.notebooks}


def stand_in(source, outcome):
    """What formgrader shows where there is no notebook: the assignment's cells, and why."""
    said = f"**{outcome.status}**\n\n" + "\n\n".join(html.escape(text) for _, text in outcome.reasons)
    cells = [nbformat.v4.new_markdown_cell(said)]
    for want in source.cells:
        make = nbformat.v4.new_code_cell if want.kind == "code" else nbformat.v4.new_markdown_cell
        cell = make(want.source)
        label = {"grade_id": want.name, "schema_version": 3, "checksum": want.checksum, "cell_type": want.kind}
        label |= {"grade": want.grade, "locked": want.locked, "solution": want.solution, "task": want.task}
        cell.metadata["nbgrader"] = label if want.points is None else {**label, "points": want.points}
        cells.append(cell)
    return nbformat.writes(nbformat.v4.new_notebook(cells=cells, metadata={"kernelspec": source.kernelspec}))


def _remove(folder):
    for base, _, _ in os.walk(folder):
        Path(base).chmod(Path(base).stat().st_mode | stat.S_IRWXU)
    shutil.rmtree(folder)
