"""The report that a check cell makes on one function."""

import hashlib
import os
from collections.abc import Callable
from typing import NamedTuple

import numpy as np

from course_pkg.checks.compare import (
    arrays,
    as_numbers,
    as_tree,
    call,
    close,
    describe,
    fit,
    map_arrays,
    own_line,
    pairs,
    quiet,
    rebuild,
    same_call,
    shortened,
    show,
    unchanged,
    where,
    wrap,
    zeroed,
)
from course_pkg.checks.text import TEXT

SEED_VARIABLE = "COURSE_TEST_SEED"  # any text; the hidden tests draw their inputs from it


class WrongVersion(NamedTuple):
    """A plausible mistake: its name, what to tell the student, and the function that makes it."""

    name: str
    message: str
    function: Callable


class Unanswered(Exception):
    """The student's function gave no value; the text says why."""


def generator(name):
    """Random numbers for the hidden tests of the function `name`, from the seed in COURSE_TEST_SEED (else "0")."""
    text = f"{os.environ.get(SEED_VARIABLE, '0')}/{name}"
    return np.random.default_rng(int.from_bytes(hashlib.sha256(text.encode()).digest()))


class Report:
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
        self.wrong_versions, self.diagnosis = [], None
        self._function, self._stopped, self._answered = function, None, False
        self._tested, self._inputs, self._notes, self._right = set(), {}, {}, None
        self._care = TEXT["care"]
        self._think, self._think_shape = "", shape  # what to think about: in the check that runs now, and of shapes

    # What students read.

    def inputs(self, **values):
        """The arguments of every visible check, in order. A check names only those that it gives another value."""
        self._inputs = values

    def value(self, part, want, think, **changes):
        """The function must return `want`: an array, or a tuple as `returns` names it. None stands for anything."""
        self._book(part, think, lambda: self._compare(part, {**self._inputs, **changes}, want))

    def fills(self, part, ends, think, **changes):
        """What is returned must lie between the two ends and come near both."""
        self._book(part, think, lambda: self._in_range(part, *ends, {**self._inputs, **changes}))

    def keeps(self, **changes):
        """Part "care": float32 in must give the same numbers, as float32. Changed inputs are noticed in every check.

        Leave it out where a function calls others of the student's, whose lists or dtypes are not its fault.
        """
        self._care = TEXT["care dtype"]
        self._book("care", TEXT["think dtype"], lambda: self._float32({**self._inputs, **changes}))

    def reaches(self, bars, runs):
        """What is learnt must be right often enough: the share of right answers over all runs, each called once.

        bars  {part: (least share, group or None for all, what to think about)}
        runs  [(changes, the right answers (N,), the group of each answer (N,))]
        """
        right = []
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
        """Print the report and return the points earned, a float from 0 to the sum of the parts."""
        lost = set(self.failures) if self._answered else set(self.parts)
        if lost and self._right and not self._stopped:
            with quiet():
                self.diagnosis = self._diagnose()
        if lost and not self._right:  # what only the grader tests counts once all else is right
            earned = float(sum(points for part, points in self.parts.items() if part in self._tested - lost))
        else:
            earned = float(sum(points for part, points in self.parts.items() if part not in lost))
        print("\n".join([*map(wrap, self._lines(lost, earned)), *self._notes.values()]))
        return earned

    def first_lost(self):
        """The first part with something to say, or None: what to mend before the rest."""
        return next((part for part in self.parts if part in self.failures), None)

    # How it is done.

    def _book(self, part, think, check):
        """Run one check; what it finds is booked on its part."""
        self._tested.add(part)
        self._think = think or TEXT["other inputs"]
        try:
            with quiet():
                check()
        except Unanswered as unanswered:
            self._fail(part, *unanswered.args)

    def _fail(self, part, message, think=None):
        if part in self.parts:
            think = think or (self._think_shape if part == "shape" else self._think)
            self.failures.setdefault(part, (message, think))
        elif part != "care":  # a function of plain numbers has no such part
            raise ValueError(f"part: got {part!r}, wanted one of {', '.join(self.parts)}")

    def _answer(self, arguments):
        """What the student's function returns. Raises Unanswered when that is nothing."""
        if self._stopped:
            raise Unanswered(self._stopped, TEXT["think unwritten"])
        try:
            function = self._function()
            if not callable(function):
                self._stopped = TEXT["not a function"].format(name=self.name, got=type(function).__name__)
        except NameError:
            self._stopped = TEXT["undefined"].format(name=self.name)
        if self._stopped:
            raise Unanswered(self._stopped, TEXT["think unwritten"])
        made = call(function, arguments)
        if not self._right:  # what a function prints under the hidden tests could give them away
            self._note("printed", made.printed[:1000].rstrip())
            self._note("warned", "; ".join(made.warned))
        if isinstance(made.error, NotImplementedError):
            inner = where(made.error)
            text = TEXT["unwritten" if inner in (self.name, "") else "needs"]
            self._stopped = text.format(name=self.name, inner=inner)
            raise Unanswered(self._stopped, TEXT["think unwritten"])
        if made.error is not None:
            raise Unanswered(*self._why_stopped(made.error, arguments))
        if made.value is None:
            raise Unanswered(TEXT["nothing"].format(name=self.name), TEXT["think nothing"])
        self._answered = True
        self._tested.add("care")
        before, after = arrays(arguments), arrays(made.after)
        changed = [k for k, a in before.items() if k not in after or not unchanged(a, after[k])]
        if changed:
            self._fail("care", TEXT["changed"].format(paths=", ".join(changed)), TEXT["think changed"])
        return made.value

    def _note(self, kind, text):
        """Keep the first thing that the function printed, and the first that it was warned of."""
        if text:
            self._notes.setdefault(kind, TEXT[kind].format(text=text))

    def _why_stopped(self, error, arguments):
        text = TEXT["error"].format(name=self.name, kind=type(error).__name__, message=shortened(str(error)))
        line = own_line(error)
        text += TEXT["line"].format(line=line) if line else ""
        text += TEXT["inputs"].format(inputs=describe(arguments))
        known = [f"think {kind.__name__}" for kind in type(error).__mro__]
        return text, next((TEXT[key] for key in known if key in TEXT), TEXT["think error"])

    def _pairs(self, want, got):
        """`pairs`, named as in `returns`. A tree of another structure costs "shape"."""
        trouble, single = [], isinstance(self.returns, str)
        found = pairs(want, got, self.returns if single else "", trouble, None if single else self.returns)
        for text in trouble:
            self._fail("shape", text)
        return found

    def _fit(self, path, want, got):
        """(numbers of `got` laid out as `want`, None) or (None, why not). A wrong shape costs "shape"."""
        self._tested.add("shape")
        a = as_numbers(got)
        if a is None:
            text = TEXT["not numbers"].format(
                path=path, got=TEXT["nothing there"] if got is None else type(got).__name__
            )
            self._fail("shape", text)
            return None, text
        if a.shape != want.shape:
            self._fail("shape", TEXT["shape"].format(path=path, got=a.shape, want=want.shape))
        fitted = fit(want, a)
        return fitted, TEXT["not comparable"].format(path=path) if fitted is None else None

    def _compare(self, part, arguments, want, only=()):
        for path, w, got in self._pairs(want, self._answer(arguments)):
            if w is None or (only and not any(f"{path}.".startswith(f"{o}.") for o in only)):
                continue
            w = np.asarray(w)
            a, trouble = self._fit(path, w, got)
            if a is None:
                self._fail(part, trouble)
            elif not close(w, a):
                self._fail(part, self._how_wrong(path, w, a, arguments))

    def _how_wrong(self, path, want, got, arguments):
        if not np.isfinite(got).all():
            return TEXT["not finite"].format(path=path)
        if not self._right:
            few = want.size == got.size == 1
            alike = want.astype(got.dtype)  # ones beside ones, and not beside True or 1.0
            want = alike if np.array_equal(alike, want) else want
            return TEXT["value" if few else "values"].format(path=path, got=show(got, few), want=show(want, few))
        text = TEXT["difference"].format(path=path, error=float(np.max(np.abs(got.astype(float) - want))))
        return text + TEXT["inputs"].format(inputs=describe(arguments))

    def _in_range(self, part, low, high, arguments):
        a = as_numbers(self._answer(arguments))
        if a is None or a.size == 0:
            self._fail(part, TEXT["not numbers"].format(path=self.returns, got=TEXT["something"]))
            return
        within = low <= a.min() and a.max() <= high
        margin = 0.05 * (high - low)
        if not within or a.min() > low + margin or a.max() < high - margin:
            text = TEXT["not filled" if within else "outside"]
            want = f"{low:g} to {high:g}"
            self._fail(part, text.format(path=self.returns, low=float(a.min()), high=float(a.max()), want=want))

    def _reach(self, part, least, group, runs, right):
        """`right` keeps what is known of each run: (whether each answer is right, its group)."""
        for changes, want, groups in runs[len(right) :]:
            a, trouble = self._fit(self.returns, want, self._answer({**self._inputs, **changes}))
            if a is None:
                raise Unanswered(trouble)
            right.append((a == want, groups))
        shares = [float(np.mean(hits if group is None else hits[groups == group])) for hits, groups in right]
        if np.mean(shares) < least:
            each = ", ".join(f"{share:.0%}" for share in shares)
            self._fail(part, TEXT["share"].format(path=self.returns, got=np.mean(shares), want=least, each=each))

    def _float32(self, arguments):
        value = self._answer(arguments)
        if not isinstance(self.returns, str):
            value = as_tree(tuple(value) if isinstance(value, list) else value)
        rough = self._answer(map_arrays(lambda a: a.astype(np.float32), arguments))
        for path, w, got in self._pairs(value, rough):
            w, a = as_numbers(w), as_numbers(got)  # a list has no dtype; its numbers count
            if isinstance(got, np.ndarray) and got.dtype.kind == "f" and got.dtype != np.float32:  # a mask stays bool
                self._fail("care", TEXT["dtype"].format(path=path, got=got.dtype))
            elif w is None or a is None or a.shape != w.shape or not close(w, a.astype(np.float32)):
                self._fail("care", TEXT["float32"].format(path=path))

    def _ask(self, case):
        """The student's answer laid out like the reference's, for `holds`."""
        want, leaves = self._right(*case.values()), []
        for path, w, got in self._pairs(want, self._answer(case)):
            a, trouble = self._fit(path, np.asarray(w), got)
            if a is None:
                raise Unanswered(trouble)
            leaves.append(a)
        return rebuild(want, iter(leaves))

    def _claim(self, part, claim, case):
        try:
            true = claim(self._ask, case)
        except Unanswered:
            raise
        except Exception:  # the claim met an answer that its author did not think of
            true = False
        if not true:
            self._fail(part, TEXT["claim"].format(name=self.name))

    def _diagnose(self):
        """The message of the first wrong version that the student's function cannot be told from, or None."""
        function = self._function()
        cases = list(self.cases(sizes=self._sizes + self._square))
        calls = [call(function, case) for case in cases]
        for wrong in self.wrong_versions:
            theirs = [call(wrong.function, case) for case in cases]
            if not all(t.error for t in theirs) and all(same_call(c, t) for c, t in zip(calls, theirs)):
                return wrong.message
        return None

    def _lines(self, lost, earned):
        """The report: what holds and what does not, what the first loss is about, and what to think about next."""
        tested = [part for part in self.parts if part in self._tested]
        good = [part for part in tested if part not in lost]
        if self._right:
            lines = [TEXT["head"].format(name=self.name, earned=earned, points=sum(self.parts.values()))]
        elif len(good) == len(tested):
            return [TEXT["done visible"].format(name=self.name, tested=len(tested))]
        else:
            lines = [
                TEXT["head visible"].format(
                    name=self.name, good=len(good), tested=len(tested), earned=earned, points=sum(self.parts.values())
                )
            ]
        if self._stopped:
            return [*lines[: bool(self._right)], self._stopped]
        first = self.first_lost()
        if not self._answered:
            return lines + (self._reason(first) if first else [])
        for part in self.parts:
            label = self._care if part == "care" else part
            lines.append(TEXT["no" if part in lost else "ok" if part in tested else "later"].format(part=label))
            lines += self._reason(part) if part == first else []
        return lines

    def _reason(self, part):
        """What the loss of `part` is about, what to think about, and the diagnosis if there is one."""
        message, think = self.failures[part]
        lines = ["      " + message.replace("\n", "\n      "), "  " + TEXT["think"].format(think=think)]
        return lines + (["  " + TEXT["diagnosis"].format(message=self.diagnosis)] if self.diagnosis else [])
