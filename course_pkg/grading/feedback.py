"""A page for each student: what each function earned, what is wrong first, what to think about. No hidden code."""

import importlib.resources
import warnings
import zipfile

import jinja2
from nbgrader.api import Gradebook, MissingEntry

from course_pkg.checks.text import TEXT, say
from course_pkg.checks.wording import owed
from course_pkg.grading.course import write
from course_pkg.grading.names import MOODLE
from course_pkg.grading.people import People
from course_pkg.grading.status import BY_NBGRADER, GRADED


def _template():
    source = importlib.resources.files(__package__).joinpath("feedback.html.j2").read_text(encoding="utf-8")
    environment = jinja2.Environment(
        autoescape=True, trim_blocks=True, lstrip_blocks=True, undefined=jinja2.StrictUndefined
    )
    environment.globals["say"] = say
    return environment.from_string(source)


def write_all(course, assignment, students=()):
    """Write `feedback/STUDENT/ASSIGNMENT/NOTEBOOK.html` for everyone graded. Returns the paths."""
    written, template = [], _template()
    with Gradebook(course.directory.db_url, course.directory.course_id) as gradebook:
        for student in course.students(assignment.name):
            told = course.remembered(student, assignment.name)
            if told is None or (students and student not in students):
                continue
            try:
                submission = gradebook.find_submission(assignment.name, student)
            except MissingEntry:
                continue
            entries = {n.name: n for n in submission.notebooks}
            for notebook in assignment.notebooks:
                page = template.render(**describe(assignment, notebook, told, entries[notebook.name]))
                path = course.path("feedback", student, assignment.name) / f"{notebook.name}.html"
                write(path, page)
                written.append(path)
    return written


def moodle_zip(course, assignment, path):
    """Write the pages as the zip file that Moodle takes as feedback files; returns (how many, who has no number).

    Moodle finds the student by the number in the file's name, which it gave when the work was downloaded.
    """
    people = People(course)
    place, count = people.place(MOODLE, assignment.name), 0
    numbers = {folder: number for number, folder in people.numbers.get(place, {}).items()}
    missing = []
    half = path.with_name(f".{path.name}.part")
    with zipfile.ZipFile(half, "w", zipfile.ZIP_DEFLATED) as archive:
        for student in course.students(assignment.name):
            pages = sorted(course.path("feedback", student, assignment.name).glob("*.html"))
            if not pages:
                continue
            if student not in numbers:
                missing.append(student)
                continue
            name = people.names.get(place, {}).get(numbers[student], student).replace("_", " ").replace("/", " ")
            for page in pages:
                inside = f"{name}_{numbers[student]}_assignsubmission_file_{page.name}"
                archive.writestr(inside, page.read_bytes())
                count += 1
    half.replace(path)
    return count, missing


def release_pages(course, assignment, students=()):
    """Put the pages where nbgrader's exchange gives them to students; returns (how many students, those without).

    The exchange knows a submission by the secret that came with it, so work from elsewhere has nowhere to go.
    """
    released, without = [], []
    for student in course.students(assignment.name):
        if students and student not in students:
            continue
        source, folder = (
            course.path("submitted", student, assignment.name),
            course.path("feedback", student, assignment.name),
        )
        if not (source / "submission_secret.txt").is_file() or not folder.is_dir():
            without.append(student)
            continue
        for name in ("submission_secret.txt", "timestamp.txt"):
            if (source / name).is_file():
                write(folder / name, (source / name).read_bytes())
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", DeprecationWarning)  # nbgrader spells an argument wrong
            made = course.api.release_feedback(assignment.name, student)
        if not made["success"]:
            raise ValueError(say("no exchange", why=(made.get("log") or made.get("error") or "").strip()[-500:]))
        released.append(student)
    return released, without


def describe(assignment, notebook, told, entry):
    """What the page says, as plain values."""
    mine = told["notebooks"][notebook.name]
    grades = {g.name: g for g in entry.grades}
    comments = {c.name: c.comment for c in entry.comments if c.comment}
    scored = any(g.auto_score is not None or g.manual_score is not None for g in grades.values() if g.max_score)
    open_points = sum(g.max_score for g in grades.values() if _waits(g))
    status, reasons = told["status"], [text for _, text in told["reasons"]]
    # The gradebook's own comments repeat what the page says at its head.
    said = {*reasons, f"{status}:"}
    comments = {n: "\n".join(x for x in text.split("\n") if x not in said) for n, text in comments.items()}
    cells = [_cell(c, grades[c.name], mine["reports"].get(c.name), comments) for c in notebook.cells if c.points]
    return {
        "title": say("title", assignment=assignment.name),
        "notebook": notebook.name,
        "total": _total(entry, open_points) if scored else say("no score"),
        "status": TEXT.get(status, status),
        "status_text": TEXT.get(f"why {status}", ""),
        "in_order": status in (GRADED, BY_NBGRADER),
        "reasons": reasons,
        "cells": cells if scored else [],  # where nothing was graded, there is nothing to say of its parts
        "late": say("late", penalty=entry.late_submission_penalty) if entry.late_submission_penalty else "",
    }


def _waits(grade):
    """Whether a person is to read this, or to read it again since it is another text now."""
    return grade.needs_manual_grade if grade.manual_score is not None else grade.auto_score is None


def _total(entry, open_points):
    score = max(0.0, entry.score - (entry.late_submission_penalty or 0.0))
    if open_points:
        return say("total by hand", score=score, points=entry.max_score, open=open_points)
    return say("total", score=score, points=entry.max_score)


def _cell(source, grade, report, comments):
    name = source.name.removeprefix("test_")
    by_hand = _waits(grade)
    made = {
        "name": name,
        "points": say("by hand") if by_hand else say("points", score=grade.score, points=grade.max_score),
        "share": 0 if by_hand or not grade.max_score else min(1.0, grade.score / grade.max_score),
        "parts": [],
        "message": "",
        "think": "",
        "diagnosis": "",
        "lines": [],
        "comment": comments.get(source.name) or comments.get(name) or "",
        "hints": False,
    }
    if report:
        _explain(made, report)
    made["hints"] = source.test and not by_hand and made["share"] < 1
    return made


def _explain(made, report):
    if report["error"]:
        made["message"] = say("test error", kind=report["error"][0], message=report["error"][1])
        made["lines"] = [say("own line", number=n, function=f) + ": " + text for f, n, text in report["lines"][-3:]]
        return
    found = report["report"]
    if not found:
        return
    lost = set(found["failures"]) if found["answered"] else {part for part, _ in found["parts"]}
    first = next((part for part, _ in found["parts"] if part in found["failures"]), None)
    for part, points in found["parts"]:
        label = (say("care") if part == "care" else part) + owed(found.get("owed", {}).get(part))
        ok = part not in lost
        made["parts"].append({"label": label, "points": say("points", score=ok * points, points=points), "ok": ok})
    if first is not None:
        made["message"], think = found["failures"][first]
        made["think"] = say("think", think=think)
    made["diagnosis"] = say("diagnosis", message=found["diagnosis"]) if found["diagnosis"] else ""
