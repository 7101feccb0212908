"""Grades for the learning system. A submission that failed is an empty field with a reason, never a zero."""

import csv
import io
import unicodedata
from typing import NamedTuple

from nbgrader.api import Gradebook, MissingEntry

from course_pkg.checks.text import say
from course_pkg.grading.course import write
from course_pkg.grading.record import scores_of
from course_pkg.grading.status import ATTENTION, BY_NBGRADER, GRADED, NOT_GRADED, NOT_SUBMITTED, REPAIRED

SETTLED = (GRADED, REPAIRED, BY_NBGRADER)


class Row(NamedTuple):
    """One student, one assignment. `score` is None where there is none."""

    assignment: str
    student: str
    last_name: str
    first_name: str
    email: str
    lms_id: str
    status: str
    reason: str
    score: float | None
    penalty: float
    max_score: float
    open_points: float  # of cells that wait for a person
    submitted: str
    seed: str  # that the hidden tests drew from

    @property
    def settled(self):
        """Whether the score can go to students as it is."""
        return self.score is not None and self.status in SETTLED and self.open_points == 0


def rows(course, names=None, accept=()):
    """The Rows of assignments (all, if none are named), for everyone in the gradebook or in `submitted`.

    `accept` names students whose score counts although it needs attention: someone has looked.
    """
    found = []
    with Gradebook(course.directory.db_url, course.directory.course_id) as gradebook:
        for assignment in gradebook.assignments:
            if names and assignment.name not in names:
                continue
            handed_in = set(course.students(assignment.name))
            students = {s.id: s for s in gradebook.students}
            for student in sorted(handed_in | set(students)):
                row = _row(course, gradebook, assignment, student, students.get(student), student in handed_in)
                if student in accept and row.score is not None:
                    row = row._replace(status=GRADED, open_points=0.0)
                found.append(row)
    return found


def _row(course, gradebook, assignment, student, entry, handed_in):
    row = Row(
        assignment.name,
        student,
        *((getattr(entry, field, None) or "") for field in ("last_name", "first_name", "email", "lms_user_id")),
        status=NOT_GRADED if handed_in else NOT_SUBMITTED,
        reason="",
        score=None,
        penalty=0.0,
        max_score=float(assignment.max_score),
        open_points=0.0,
        submitted=str(course.timestamp(student, assignment.name) or ""),
        seed="",
    )
    try:
        submission = gradebook.find_submission(assignment.name, student)
    except MissingEntry:
        return row
    told = course.remembered(student, assignment.name)
    if told is not None and told.get("auto") != scores_of(submission):
        told = None
    if told is None:
        if not course.path("autograded", student, assignment.name).exists():
            return row
        # A regrade that did not come to its end has left the older score, or some of it.
        open_regrade = student in course.stopped(assignment.name)[1]
        status, reason = (ATTENTION, say("half regraded", name=assignment.name)) if open_regrade else (BY_NBGRADER, "")
    else:
        status, reason = told["status"], " ".join(text for _, text in told["reasons"])
    grades = [g for n in submission.notebooks for g in n.grades]
    other_text = [g for g in grades if g.manual_score is not None and g.needs_manual_grade]
    if other_text:
        reason = " ".join([reason, *(say("other text", cell=g.name) for g in other_text)]).strip()
    scored = [g for g in grades if g.auto_score is not None or g.manual_score is not None]
    open_points = sum(
        g.max_score for g in grades if g.auto_score is None and g.manual_score is None and not g.extra_credit
    ) + sum(g.max_score for g in other_text)
    by_hand_only = all(g.auto_score is None and g.manual_score is None for g in grades if g.max_score)
    score = None
    if scored and not (by_hand_only and told is not None and status not in SETTLED):
        score = max(0.0, float(submission.score) - float(submission.late_submission_penalty or 0.0))
    return row._replace(
        status=status, reason=reason, score=score, penalty=float(submission.late_submission_penalty or 0.0),
        open_points=float(open_points), seed=told.get("seed", "") if told else "",
    )  # fmt: skip


def number(value):
    """A score as text; nothing for no score."""
    return "" if value is None else f"{value:g}"


def write_csv(found, file):
    """Everything that is known, one line for each student and assignment."""
    table = csv.writer(file)
    table.writerow(
        ["assignment", "student_id", "last_name", "first_name", "email", "status", "reason", "score", "max_score",
         "late_submission_penalty", "points_to_grade_by_hand", "timestamp", "seed"]
    )  # fmt: skip
    for r in found:
        known = [r.assignment, r.student, r.last_name, r.first_name, r.email, r.status, r.reason]
        table.writerow(
            [*map(plain, known), number(r.score), number(r.max_score), number(r.penalty), number(r.open_points),
             r.submitted, r.seed]
        )  # fmt: skip


def write_canvas(found, file):
    """Canvas's gradebook import: https://community.canvaslms.com/docs/DOC-12661. Empty where nothing is settled."""
    names = list(dict.fromkeys(r.assignment for r in found))
    table = csv.writer(file)
    table.writerow(["Student", "ID", "SIS User ID", "SIS Login ID", "Section", *names])
    most = {r.assignment: r.max_score for r in found}
    table.writerow(["Points Possible", "", "", "", "", *(number(most[n]) for n in names)])
    for student in dict.fromkeys(r.student for r in found):
        mine = {r.assignment: r for r in found if r.student == student}
        any_row = next(iter(mine.values()))
        full = ", ".join(part for part in (any_row.last_name, any_row.first_name) if part) or student
        scores = [number(mine[n].score) if n in mine and mine[n].settled else "" for n in names]
        table.writerow([plain(full), plain(any_row.lms_id), "", plain(student), "", *scores])


def write_moodle(found, file):
    """Moodle's grade import from CSV: https://docs.moodle.org/en/Grade_import. Empty where nothing is settled."""
    names = list(dict.fromkeys(r.assignment for r in found))
    table = csv.writer(file)
    table.writerow(["username", "email", *names, *(f"{n} (feedback)" for n in names)])
    for student in dict.fromkeys(r.student for r in found):
        mine = {r.assignment: r for r in found if r.student == student}
        email = next(iter(mine.values())).email
        scores = [number(mine[n].score) if n in mine and mine[n].settled else "" for n in names]
        notes = [plain(mine[n].reason) if n in mine and mine[n].status not in (GRADED,) else "" for n in names]
        table.writerow([plain(student), plain(email), *scores, *notes])


def plain(text):
    """Text that a spreadsheet does not take for a formula, nor a terminal for an order."""
    text = "".join(" " if unicodedata.category(c) in ("Cc", "Cs") else c for c in str(text))
    return "'" + text if text.startswith(("=", "+", "-", "@", "\t")) else text


WRITERS = {"csv": write_csv, "canvas": write_canvas, "moodle": write_moodle}


def save(found, kind, path):
    """Write a table, whole or not at all."""
    file = io.StringIO(newline="")
    WRITERS[kind](found, file)
    write(path, file.getvalue())


def unsettled(found):
    """Rows that have no score to hand on, other than of students who have handed in nothing."""
    return [r for r in found if not r.settled and r.status not in (NOT_SUBMITTED,)]


__all__ = ["ATTENTION", "BY_NBGRADER", "WRITERS", "Row", "rows", "unsettled"]
