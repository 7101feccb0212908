"""The checker: the process that holds the tests. Student code never enters it; values come from outside by copy.

It runs the assignment's locked cells as a notebook would. Before each test cell, the names that the tests need and
do not have are fetched from the student's kernel: data as copies, functions as calls from afar.
"""

import contextlib
import json
import math
import numbers
import traceback

import numpy as np

from course_pkg.checks import Report, helpers
from course_pkg.checks.text import say
from course_pkg.grading.inside import frames
from course_pkg.grading.inside.errors import THERE, describe_error, own_lines, rebuild_error
from course_pkg.grading.inside.peer import Peer


class Checker(Peer):
    """Answers the grader on one socket, and calls the student's functions over another."""

    def __init__(self, shell, grader, student):
        super().__init__(student, None, lends="functions", classes=shell.user_ns)
        self._shell, self._grader, self._bound = shell, grader, set()
        helpers.places.append(self._place)
        self._versions, self._stand_in = [], {}  # wrong versions to try; {name: function} in place of a student's

    def describe(self, error):
        """Of an error in a function that a test has lent, its kind alone: the rest could hold lines of the test."""
        told = describe_error(error, lines=False)
        return {**told, "message": say("lent error", kind=told["type"])}

    def run(self):
        """Answer the grader until it closes."""
        while True:
            try:
                _, data = frames.read(self._grader)
            except frames.Gone:
                return
            question = json.loads(data)
            answer = getattr(self, f"do_{question.pop('do')}")(**question)
            frames.write(self._grader, frames.ANSWER, json.dumps(answer).encode())

    def _place(self, space, functions):
        """Put right helpers where the student's functions look for them, or the student's own back."""
        right = {name: f for name, f in functions.items() if isinstance(f, helpers.Helper)}
        with contextlib.suppress(Exception):  # a process that does not answer has no second chance either
            self.ask("helpers", "", right)

    def do_shared(self, source):
        """Run a locked cell that both kernels run."""
        outputs, _, error = self._shell.run(source)
        return {"outputs": outputs, "ok": error is None}

    def do_test(self, source, wanted, theirs, gone):
        """Run a test cell.

        wanted  names that the tests may need; `theirs` are those that only the student defines
        gone    why the student's process is no more, or ""
        """
        space = self._shell.user_ns
        space.pop("report", None)
        try:
            self._bind(space, [n for n in wanted if n in theirs or n in self._bound or n not in space], theirs, gone)
            outputs, result, error = self._shell.run(source)
        except Exception as trouble:  # the student's process answered nonsense
            text = f"{type(trouble).__name__}: {trouble}"
            error, result = trouble, None
            outputs = [{"output_type": "error", "ename": "Unanswered", "evalue": text, "traceback": [text]}]
        told = {"outputs": outputs, "error": None, "lines": [], "own": False}
        if error is not None:
            told.update(explain(error, source))
        told.update(score_of(result))
        told["report"] = report_of(space.get("report"))
        self._lent.clear()
        self._numbers.clear()
        return told

    def do_versions(self, mine):
        """[(kind, name, message)] of what the last test must not take for right.

        mine  the names that the student wrote for this test
        """
        space = self._shell.user_ns
        report = space.get("report")
        self._versions = []
        if type(report) is Report and report.wrong_versions:
            for target in report._function.__code__.co_names[:1]:
                self._versions += [("wrong", w.name, w.message, target, w.function) for w in report.wrong_versions]
        for name in mine:
            if callable(space.get(name)):
                self._versions.append(("empty", name, "", name, Emptied(space[name])))
                self._versions.append(("zeroed", name, "", name, Zeroing(space[name])))
        return [version[:3] for version in self._versions]

    def do_version(self, index, source, wanted, theirs):
        """What a test gives to one of the versions."""
        *_, target, function = self._versions[index]
        self._stand_in = {target: function}
        try:
            told = self.do_test(source, wanted, theirs, "")
            return {**told, "differs": getattr(function, "differs", True)}
        finally:
            self._stand_in = {}
            helpers.forget()  # it was no student's slip

    def _bind(self, space, names, theirs, gone):
        if gone:
            error = {"type": "RuntimeError", "bases": ["RuntimeError"], "message": gone, "lines": []}
            found = {name: _always(error) for name in theirs}
        else:
            found = self.ask("names", "", names)
            if not isinstance(found, dict):
                raise TypeError(say("no names"))
        for name in self._bound - set(found):
            space.pop(name, None)
        for name in names:
            if name in found:
                space[name] = found[name]
            elif name in theirs:
                space.pop(name, None)
        self._bound = {name for name in found if name in names}
        space.update(self._stand_in)


def explain(error, source):
    """What a student may read of an error in a test cell, and whether it was raised in a line of the test's own.

    The lines are the student's. Of a hidden line nothing is told but a message that was written for students, as in
    `assert a, "message"`; one that a library makes of the numbers would give away what the line compares.
    """
    lines, all_frames = own_lines(error, there=True), list(traceback.walk_tb(error.__traceback__))
    mine = [f for f in all_frames if f[0].f_globals.get("__name__") == "__main__" and THERE not in f[0].f_globals]
    message = str(error)[:600]
    if not lines and mine:
        frame, number = mine[-1]
        last = all_frames[-1][0] is frame
        if number in hidden_lines(source) and not (last and isinstance(error, AssertionError)):
            message = say("hidden check")
    own = not lines and bool(mine) and not isinstance(error, AssertionError)
    own |= isinstance(error, SyntaxError) and not lines
    return {"error": [type(error).__name__, message], "lines": lines, "own": own}


def hidden_lines(source):
    """The numbers of the lines that students never see."""
    found, inside = set(), False
    for number, line in enumerate(source.split("\n"), 1):
        inside |= "### BEGIN HIDDEN TESTS" in line
        if inside:
            found.add(number)
        inside &= "### END HIDDEN TESTS" not in line
    return found


class Emptied:
    """A function, but with arrays of no elements. `differs` once there was an array to change."""

    def __init__(self, function):
        self._function, self.differs = function, False

    def __call__(self, *args, **kwargs):
        """What it returns, changed."""
        return _changed(self._function(*args, **kwargs), self._cut)

    def _cut(self, a):
        self.differs |= a.size > 0
        return a[:0]


class Zeroing(Emptied):
    """A function, after its inputs were set to zero."""

    def __call__(self, *args, **kwargs):
        """What it returns for zeros."""
        for a in args:
            _changed(a, self._clear)
        return self._function(*args, **kwargs)

    def _clear(self, a):
        if a.flags.writeable and a.dtype.kind in "fc":
            self.differs |= bool(a.any())
            a.fill(0)


def _changed(value, change):
    """`change` of every array in nested tuples and lists."""
    if isinstance(value, np.ndarray):
        return change(value) if value.ndim else value
    if isinstance(value, (tuple, list)):
        parts = [_changed(part, change) for part in value]
        return type(value)(*parts) if hasattr(value, "_fields") else type(value)(parts)
    return value


def _always(error):
    def stopped(*args, **kwargs):
        raise rebuild_error(error)

    return stopped


def score_of(result):
    """What a test cell ended with: its score, or why it is no score. None is full marks."""
    if result is None:
        return {"score": None, "wrong": "", "full": True}
    if not isinstance(result, numbers.Real) or isinstance(result, bool):
        return {"score": None, "wrong": say("no score type", kind=type(result).__name__), "full": False}
    score = float(result)
    if not math.isfinite(score):
        return {"score": None, "wrong": str(score), "full": False}
    return {"score": score, "wrong": "", "full": False}


def report_of(report):
    """What a checks.Report found, as plain values, or None."""
    if type(report) is not Report:
        return None
    return {
        "name": report.name,
        "parts": [[part, points] for part, points in report.parts.items()],
        "failures": {part: list(told) for part, told in report.failures.items()},
        "answered": bool(report._answered),
        "diagnosis": report.diagnosis,
        "owed": report.owed,
    }


def main(shell, grader, student):
    """Be the checker of one submission."""
    Checker(shell, grader, student).run()
