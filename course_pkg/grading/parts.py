"""What each student earned for each part of each test, from what the checks told: plain lines for tables."""

import csv
import io
from typing import NamedTuple

from nbgrader.api import Gradebook, MissingEntry

from course_pkg.checks.text import say


class Part(NamedTuple):
    """One student, one part of one graded cell. `part` is "" for a cell that is scored as a whole."""

    student: str
    notebook: str
    cell: str
    part: str
    points: float
    score: float | None  # None where a person has not read it yet
    mistake: str  # the name of a known mistake, "" where there is none
    message: str
    think: str


def parts(course, assignment):
    """The Parts of everyone who was graded, in the assignment's order."""
    found = []
    with Gradebook(course.directory.db_url, course.directory.course_id) as gradebook:
        for student in course.students(assignment.name):
            told = course.remembered(student, assignment.name)
            try:
                entry = gradebook.find_submission(assignment.name, student)
            except MissingEntry:
                continue
            if told is None or all(g.score is None or _open(g) for n in entry.notebooks for g in n.grades):
                continue
            for notebook in assignment.notebooks:
                grades = {g.name: g for n in entry.notebooks if n.name == notebook.name for g in n.grades}
                reports = told["notebooks"].get(notebook.name, {}).get("reports", {})
                for cell in notebook.cells:
                    if cell.points and cell.name in grades:
                        found += _parts(student, notebook.name, cell, grades[cell.name], reports.get(cell.name))
    return found


def _open(grade):
    return grade.needs_manual_grade if grade.manual_score is not None else grade.auto_score is None


def _parts(student, notebook, cell, grade, told):
    report = (told or {}).get("report")
    score = None if _open(grade) else float(grade.score)
    stopped = (told or {}).get("error")
    if not report or stopped or grade.manual_score is not None or score is None:
        message = say("stopped with", kind=stopped[0]) if stopped else ""
        return [Part(student, notebook, cell.name, "", float(cell.points), score, "", message, "")]
    made, failures = [], report["failures"]
    first = next((part for part, _ in report["parts"] if part in failures), None)
    for part, points in report["parts"]:
        lost = part in failures or not report["answered"]
        message, think = failures.get(part, ("", ""))
        mistake = report["diagnosis"] or "" if lost and (part == first or first is None) else ""
        made.append(
            Part(
                student,
                notebook,
                cell.name,
                part,
                float(points),
                0.0 if lost else float(points),
                mistake,
                message,
                think,
            )
        )
    return made


def table(found, plain):
    """The text of a table: one line for each student and part. `found` [(assignment, Parts)]."""
    file = io.StringIO(newline="")
    lines = csv.writer(file)
    lines.writerow(["assignment", "student_id", "notebook", "cell", "part", "score", "max_score", "known_mistake"])
    for assignment, some in found:
        for p in some:
            score = "" if p.score is None else f"{p.score:g}"
            texts = [plain(t) for t in (assignment, p.student, p.notebook, p.cell, p.part)]
            lines.writerow([*texts, score, f"{p.points:g}", plain(p.mistake or "")])
    return file.getvalue()
