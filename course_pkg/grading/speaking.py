"""What the command prints: nothing raw, and what is wrong in a sentence with a true exit code."""

import contextlib
import os
import shutil
import sys
import tempfile
import unicodedata
import zipfile
from pathlib import Path

import click
from nbgrader.api import Gradebook
from rich.console import Console
from rich.text import Text
from sqlalchemy.exc import DatabaseError

from course_pkg.checks.text import say
from course_pkg.grading.assignment import NoAssignment
from course_pkg.grading.course import Busy
from course_pkg.grading.late import Late

TURNING = "\u200e\u200f\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069"  # that make a line read otherwise
STOPPED = 130  # as a shell has it for Ctrl-C


def plain(text):
    """Text that a terminal prints and does not obey: control characters as their numbers."""
    odd = {c for c in text if (unicodedata.category(c) in ("Cc", "Cs") and c not in "\n\t") or c in TURNING}
    for c in odd:
        text = text.replace(c, f"\\x{ord(c):02x}")
    return text


class Speaker(Console):
    """A console that prints plain text only."""

    def print(self, *things, **options):
        """Print; text without what a terminal would obey."""
        super().print(
            *(plain(t) if isinstance(t, str) and not options.get("markup") else _plain(t) for t in things), **options
        )


def _plain(thing):
    if isinstance(thing, Text) and plain(thing.plain) != thing.plain:
        return Text(plain(thing.plain))
    return thing


# No markup: names of files and students may hold brackets.
out = Speaker(highlight=False, markup=False, soft_wrap=True)
err = Speaker(stderr=True, highlight=False, markup=False, soft_wrap=True)


class Problem(click.ClickException):
    """What is wrong, as a sentence."""

    def format_message(self):
        """The sentence, plain."""
        return plain(self.message)


class Group(click.Group):
    """Commands whose failures are sentences."""

    def invoke(self, context):
        """Run one. Ctrl-C ends it with the exit code that a shell gives to it."""
        try:
            with told(()):
                return super().invoke(context)
        except KeyboardInterrupt:
            err.print(say("stopped"))
            context.exit(STOPPED)


@contextlib.contextmanager
def told(more=ValueError):
    """What is wrong with what was given, with a disk or with the gradebook is said, without a traceback."""
    try:
        yield
    except (NoAssignment, Busy, zipfile.BadZipFile) as problem:
        raise Problem(str(problem)) from None
    except DatabaseError as problem:
        raise Problem(say("gradebook", why=first_line(problem.orig))) from None
    except BrokenPipeError:
        sys.stderr.close()
        sys.exit(1)
    except OSError as problem:
        if problem.filename is None and problem.strerror is None:
            raise
        raise Problem(say("file", path=problem.filename or say("disk"), why=problem.strerror)) from None
    except more as problem:
        raise Problem(str(problem)) from None


def first_line(problem):
    """The first line of what an exception says."""
    return str(problem).strip().partition("\n")[0]


def sweep():
    """Take away the temporary folders of workers that were killed; hidden tests lie in them."""
    for folder in Path(tempfile.gettempdir()).glob("course-*-*"):
        number = folder.name.split("-")[1]
        with contextlib.suppress(OSError):
            if number.isdigit() and folder.stat().st_uid == os.getuid() and not Path(f"/proc/{number}").exists():
                shutil.rmtree(folder)


def known_assignments(course, names=()):
    """The assignments that the gradebook has, all or those named. Raises Problem for a name that it does not have."""
    with Gradebook(course.directory.db_url, course.directory.course_id) as gradebook:
        known = sorted(a.name for a in gradebook.assignments)
    for name in names:
        if name not in known:
            raise Problem(say("no assignment", name=name, known=", ".join(known) or say("nobody")))
    return list(names) or known


def known_students(course, students, name=None):
    """Raises Problem for a student whom neither the gradebook nor `submitted` has."""
    if not students:
        return
    with Gradebook(course.directory.db_url, course.directory.course_id) as gradebook:
        names = [name] if name else [a.name for a in gradebook.assignments]
        known = {s.id for s in gradebook.students if not name} | {s for n in names for s in course.students(n)}
    for student in students:
        if student not in known:
            raise Problem(say("no student", student=student, known=", ".join(sorted(known)[:20]) or say("nobody")))


def refresh(course, names):
    """Points taken off for lateness as the due dates and times are now; what moved is said."""
    for name in names:
        with Gradebook(course.directory.db_url, course.directory.course_id) as gradebook:
            for student, (before, now) in sorted(Late(course).refresh(gradebook, name).items()):
                err.print(say("penalty moved", assignment=name, student=student, before=before, now=now))
