"""The report that a check cell makes on one function."""

import contextlib
import hashlib
import os
from collections.abc import Callable
from typing import NamedTuple

import numpy as np

from course_pkg.checks import helpers, known, wording
from course_pkg.checks.asking import Asking
from course_pkg.checks.compare import call, map_arrays, quiet, same_call, wrap, zeroed
from course_pkg.checks.text import TEXT

SEED_VARIABLE = "COURSE_TEST_SEED"  # any text; the hidden tests draw their inputs from it


_failing = {}  # how often the visible check of a function has failed in this kernel since it last passed


class WrongVersion(NamedTuple):
    """A plausible mistake: its name, what to tell the student, and the function that makes it."""

    name: str
    message: str
    function: Callable


def generator(name):
    """Random numbers for the hidden tests of the function `name`, from the seed in COURSE_TEST_SEED (else "0")."""
    text = f"{os.environ.get(SEED_VARIABLE, '0')}/{name}"
    return np.random.default_rng(int.from_bytes(hashlib.sha256(text.encode()).digest()))


class Report(Asking):
    """The checks on one function, their outcome by part, and the points.

    name      what the function is called
    function  a lambda that looks it up, `lambda: forget_gate`, so that a missing function is a message, not a stop
    returns   what it returns: a name, or a tuple of names for a tuple
    parts     {part: points} in the order in which to read them; "shape" and "care" mean what is said above
    shape     what to think about when a shape is wrong
    """

    def __init__(self, name, function, returns, parts, shape):
        if "shape" not in parts:
            raise ValueError(f"parts: got {', '.join(parts)}, wanted one that is called shape")
        self.name, self.returns, self.parts = name, returns, dict(parts)
        self.failures = {}  # part: (message, what to think about), the first of each part
        self.wrong_versions, self.diagnoses, self.unsure = [], [], []
        self.owed = {}  # part: the names of the student's functions without whose slips it is right
        self.visible = []  # the arguments of the visible checks
        self._function, self._stopped, self._answered = function, None, False
        self._tested, self._inputs, self._notes, self._right = set(), {}, {}, None
        self._booked, self._trained, self._hidden = [], [], False
        self._care = TEXT["care"]
        self._think, self._think_shape = "", shape  # what to think about: in the check that runs now, and of shapes

    # What students read.

    def inputs(self, **values):
        """The arguments of every visible check, in order. A check names only those that it gives another value."""
        self._inputs = values

    def value(self, part, want, think, **changes):
        """The function must return `want`: an array, or a tuple as `returns` names it. None stands for anything."""
        case = self._case(changes)
        self._book(part, think, lambda: self._compare(part, case, want))

    def follows(self, part, source, each, think, **changes):
        """What is returned as `part` must be made of what is returned as `source`, as the student's function has it.

        each  one array for every number of `source`: what `part` is where that number is 1 and the others are 0.
        So a slip in `source` costs `source` alone.
        """
        case = self._case(changes)
        self._book(part, think, lambda: self._follow(part, source, each, case))

    def fills(self, part, ends, think, **changes):
        """What is returned must lie between the two ends and come near both."""
        case = self._case(changes)
        self._book(part, think, lambda: self._in_range(part, *ends, case))

    def keeps(self, **changes):
        """Part "care": float32 in must give the same numbers, as float32. Changed inputs are noticed in every check.

        Leave it out where a function calls others of the student's, whose lists or dtypes are not its fault.
        """
        self._care = TEXT["care dtype"]
        case = self._case(changes)
        self._book("care", TEXT["think dtype"], lambda: self._float32(case))

    def reaches(self, bars, runs):
        """What is learnt must be right often enough: the share of right answers over all runs, each called once.

        bars  {part: (least share, group or None for all, what to think about)}
        runs  [(changes, the right answers (N,), the group of each answer (N,))]
        """
        right = []
        self._trained.append(right)
        if not self._right:
            self._case(runs[0][0])
        for part, (least, group, think) in bars.items():
            self._book(part, think, lambda part=part, bar=(least, group): self._reach(part, *bar, runs, right))

    # What hidden tests add.

    def reference(self, right, draw, sizes, square=None):
        """`right` is the reference, `draw(rng, *size)` makes the arguments (a dict) for each of `sizes`.

        `square` is one more size, for the diagnosis alone: with all sizes equal, mistakes run that NumPy refuses
        elsewhere.
        """
        self._right, self._draw, self._sizes = right, draw, list(sizes)
        self._square, self._rng = [square] if square else [], generator(self.name)

    def cases(self, zero=(), scale=1.0, sizes=None):
        """Newly drawn arguments for every size, multiplied by `scale`, with zeros at the paths in `zero`."""
        for size in sizes or self._sizes:
            case = map_arrays(lambda a: a * scale, self._draw(self._rng, *size))
            for path in zero:
                case = zeroed(case, path)
            yield case

    def same(self, part, think=None, only=(), **which):
        """The function must return what the reference returns, for the cases that `which` describes (see `cases`)."""
        for case in self.cases(**which):
            self._book(part, think, lambda case=case: self._compare(part, case, self._right(*case.values()), only))

    def keeps_drawn(self, **which):
        """As `keeps`, on drawn cases."""
        for case in self.cases(**which):
            self._book("care", TEXT["think dtype"], lambda case=case: self._float32(case))

    def holds(self, part, claim, think=None, **which):
        """`claim(f, case)` must be true. f(case) is the student's answer as a tree of arrays like the reference's."""
        for case in self.cases(**which):
            self._book(part, think, lambda case=case: self._claim(part, claim, case))

    def wrong(self, name, message, function):
        """A known wrong version. A student's function that cannot be told from it is told `message`."""
        self.wrong_versions.append(WrongVersion(name, message, function))

    def score(self):
        """Print the report and return the points earned, a float from 0 to the sum of the parts.

        With hidden tests, a part that is lost only by a slip in another of the student's functions is earned all the
        same (see `helpers`). From the second failing run of a visible check on, the report names the known mistake,
        as grading does.
        """
        lost = self._lost()
        if self._right:
            lost = helpers.second_chance(self, lost)
            helpers.note(self, lost)
        again = not self._right and self._remember(bool(lost))
        if lost and not self._stopped and (self._right or again):
            with quiet(), helpers.standing_in(self) if self.owed else contextlib.nullcontext():
                self.diagnoses = self._diagnose() if self._right else self._recognise()
        if lost and not self._right:  # what only the grader tests counts once all else is right
            earned = float(sum(points for part, points in self.parts.items() if part in self._tested - lost))
        else:
            earned = float(sum(points for part, points in self.parts.items() if part not in lost))
        print("\n".join([*map(wrap, wording.lines(self, lost, earned)), *self._notes.values()]))
        return earned

    @property
    def diagnosis(self):
        """The known mistakes in the student's function as one text, or None."""
        return " ".join(self.diagnoses) or None

    def first_lost(self):
        """The first part with something to say, or None: what to mend before the rest."""
        return next((part for part in self.parts if part in self.failures), None)

    # How it is done.

    def _case(self, changes):
        """The arguments of one visible check."""
        self.visible.append({**self._inputs, **changes})
        return self.visible[-1]

    def _remember(self, lost):
        """Note in this kernel how the visible check went. Returns whether it failed before, too."""
        before = _failing.get(self.name, 0)
        if not lost:
            _failing.pop(self.name, None)
        elif not self._stopped:
            _failing[self.name] = before + 1
        if lost and not self._stopped:
            code = getattr(self._function(), "__code__", None)
            self.unsure = [n for n in getattr(code, "co_names", ()) if n in _failing and n != self.name]
        return before > 0

    def _recognise(self):
        """The sentences of the known mistakes that answer as the student's function does (see `known`)."""
        cases, mistakes = known.telling(self.name, self.visible)
        answers = known.answers_of(self._function(), cases, self.returns)
        return [wording.one_of(says) for says in known.name_mistakes(answers, mistakes)]

    def _diagnose(self):
        """The sentence of the first wrong version that the student's function cannot be told from, in a list.

        Where there is none, those of wrong versions that explain one of several returned arrays each.
        """
        function = self._function()
        cases = list(self.cases(sizes=self._sizes + self._square))
        calls = [call(function, case) for case in cases]
        for wrong in self.wrong_versions:
            theirs = [call(wrong.function, case) for case in cases]
            if not all(t.error for t in theirs) and all(same_call(c, t) for c, t in zip(calls, theirs)):
                return [wrong.message]
        right = known.answers_of(self._right, cases, self.returns)
        mistakes = []
        for wrong in self.wrong_versions:
            answers = known.answers_of(wrong.function, cases, self.returns)
            mistakes.append(known.Mistake(wrong.message, known.wrong_places(answers, right), answers))
        named = known.name_mistakes(known.answers_of(function, cases, self.returns), mistakes)
        return [wording.one_of(says) for says in named]
