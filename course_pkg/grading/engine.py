"""Runs one submission: the student's cells in a student's kernel, the tests in a checker, calls relayed in between."""

import functools
import time
from typing import NamedTuple

import nbformat

from course_pkg.checks.text import say
from course_pkg.grading import intake
from course_pkg.grading.assignment import SIZE_LIMIT
from course_pkg.grading.outputs import bare, clean
from course_pkg.grading.run import Run
from course_pkg.grading.status import ATTENTION, UNREADABLE
from course_pkg.grading.talk import Broken
from course_pkg.grading.warm import NoKernel, Warm


class Outcome(NamedTuple):
    """What grading one notebook gave. All plain values."""

    status: str
    reasons: list  # [(cell or "", sentence)]
    notebook: str | None  # the notebook with outputs, as JSON
    scores: dict  # {cell: points earned, or None where there is no score}
    reports: dict  # {cell: what its check found}
    seconds: float
    final: bool = True  # False where the grader itself failed: the next run is to try again


def too_large(sizes):
    """Reasons for files that were left out: they are not simply absent."""
    limits = {"limit": SIZE_LIMIT / 2**20, "total": 2 * SIZE_LIMIT / 2**20}
    return [("", say("file too large", file=name, size=size / 2**20, **limits)) for name, size in sizes.items()]


class Engine:
    """Grades submissions, one at a time. Keeps its warm processes for the next."""

    def __init__(self, preload, walled=True, limits=None, trusted=()):
        make = lambda: [Warm(role, preload, walled, limits, trusted) for role in ("student", "checker")]  # noqa: E731
        self._make, self._warm = make, make()
        self.limits, self._last, self._next = limits or {}, (), None
        self._proofs, self._proving = {}, False  # {(assignment's digest, notebook): scores of its solution}
        for warm in self._warm:
            warm.wait()

    def close(self):
        """End the warm processes, and the kernels that they have started."""
        for kernel in (*self._last, *(self._next or ())):
            kernel.end()
        self._last, self._next = (), None
        for warm in self._warm:
            warm.close()

    def grade(self, assignment, source, files, sizes=None):
        """The Outcome for one notebook (`source`) of an assignment."""
        start = time.monotonic()
        taken = intake.take(source, assignment, intake.safe_files(files), sizes)
        if taken.status == UNREADABLE:
            return Outcome(taken.status, clean(taken.reasons), None, {}, {}, time.monotonic() - start)
        run = self.run(Run, assignment, source, taken)
        status = ATTENTION if run.trouble else taken.status
        for cell in run.notebook.cells:
            if cell.cell_type != "code" and cell.source != run.want(cell).source:
                cell.source = bare(cell.source)
        text = nbformat.v4.writes(run.notebook)
        reasons = run.trouble + run.notes + too_large(sizes or {}) + taken.reasons
        made = Outcome(status, reasons, text, run.scores, run.reports, time.monotonic() - start)
        return Outcome(*clean(list(made)))

    def run(self, kind, assignment, source, taken):
        """A Run, or a class like it, that has run."""
        holds = functools.partial(self._holds, assignment, source)
        run = kind(self._kernels(), assignment, source, taken, self.limits, self._new_checker, holds)
        try:
            run.whole()
        finally:
            run.talk.close()
            self._last += run.talk.student, run.talk.checker
        return run

    def _kernels(self):
        """Two new kernels. The next two start while these are at work, and see nothing of it."""
        for kernel in self._last:
            kernel.end()
        mine = ()
        try:
            mine, self._next, self._last = self._next or self._fork(), None, ()
            self._next = self._fork()
        except NoKernel:
            self._last = mine
            self.renew()
            mine = self._fork()
        return mine

    def _new_checker(self):
        try:
            return self._warm[1].fork(2)
        except NoKernel as problem:
            raise Broken(str(problem)) from None

    def renew(self):
        """New warm processes: one of the old ones may have been ended."""
        self.close()
        self._warm = self._make()
        for warm in self._warm:
            warm.wait()

    def _holds(self, assignment, source, test):
        """Whether the assignment's own solution gets all points of a test; None where there is no solution."""
        if source.solved is None or self._proving:
            return None
        key = assignment.digest, source.name
        if key not in self._proofs:
            self._proving = True
            try:
                files = {f"{source.name}.ipynb": source.solved.encode()}
                self._proofs[key] = self.grade(assignment, source, files).scores
            finally:
                self._proving = False
        points = next(c.points for c in source.cells if c.name == test)
        return self._proofs[key].get(test) == points

    def _fork(self):
        student = self._warm[0].fork(1)
        try:
            return student, self._warm[1].fork(2)
        except NoKernel:
            student.end()
            raise
