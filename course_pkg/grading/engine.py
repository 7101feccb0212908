"""Runs one submission: the student's cells in a student's kernel, the tests in a checker, calls relayed in between."""

import time
from typing import NamedTuple

import nbformat

from course_pkg.grading import intake
from course_pkg.grading.outputs import bare, clean
from course_pkg.grading.run import Run
from course_pkg.grading.status import ATTENTION, UNREADABLE
from course_pkg.grading.warm import NoKernel, Warm


class Outcome(NamedTuple):
    """What grading one notebook gave. All plain values."""

    status: str
    reasons: list  # [(cell or "", sentence)]
    notebook: str | None  # the notebook with outputs, as JSON
    scores: dict  # {cell: points earned, or None where there is no score}
    reports: dict  # {cell: what its check found}
    seconds: float


class Engine:
    """Grades submissions, one at a time. Keeps its warm processes for the next."""

    def __init__(self, preload, walled=True, limits=None, trusted=()):
        make = lambda: [Warm(role, preload, walled, limits, trusted) for role in ("student", "checker")]  # noqa: E731
        self._make, self._warm = make, make()
        self.limits, self._last, self._next = limits or {}, (), None
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
        run = Run(self._kernels(), assignment, source, taken, self.limits)
        try:
            run.whole()
        finally:
            run.close()
            self._last = run.student, run.checker
        status = ATTENTION if run.trouble else taken.status
        for cell in run.notebook.cells:
            if cell.cell_type != "code" and cell.source != run.want(cell).source:
                cell.source = bare(cell.source)
        text = nbformat.v4.writes(run.notebook)
        made = Outcome(status, run.trouble + taken.reasons, text, run.scores, run.reports, time.monotonic() - start)
        return Outcome(*clean(list(made)))

    def _kernels(self):
        """Two new kernels. The next two start while these are at work, and see nothing of it."""
        for kernel in self._last:
            kernel.end()
        try:
            mine = self._next or self._fork()
            self._next, self._last = self._fork(), ()
        except NoKernel:
            self.close()
            self._warm = self._make()
            for warm in self._warm:
                warm.wait()
            mine = self._fork()
        return mine

    def _fork(self):
        return self._warm[0].fork(1), self._warm[1].fork(2)
