"""Asking a student's function, and booking what is wrong with its answers on the parts of a report."""

import numpy as np

from course_pkg.checks import blame
from course_pkg.checks.compare import (
    arrays,
    as_numbers,
    as_tree,
    call,
    close,
    describe,
    fit,
    map_arrays,
    pairs,
    quiet,
    rebuild,
    show,
    unchanged,
)
from course_pkg.checks.text import TEXT


class Unanswered(Exception):
    """The student's function gave no value; the text says why."""


class Asking:
    """How a report asks and compares; the report itself says what."""

    def _book(self, part, think, check):
        """Run one check; what it finds is booked on its part."""
        self._booked.append((bool(self._right), part, think, check))
        self._run(*self._booked[-1])

    def _again(self):
        """Run all checks anew. Returns the parts that are lost."""
        self.failures, self._answered, self._stopped = {}, False, None
        for right in self._trained:
            right.clear()
        for booked in self._booked:
            self._run(*booked)
        return self._lost()

    def _lost(self):
        """The parts that are lost: all of them where there was no answer."""
        return set(self.failures) if self._answered else set(self.parts)

    def _state(self, state=None):
        """What the checks have found so far; or put such a state back."""
        if state is not None:
            self.failures, self._answered, self._stopped = state
        return self.failures, self._answered, self._stopped

    def _run(self, hidden, part, think, check):
        self._hidden = hidden
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
            self._stopped = blame.why_missing(self.name)
        if self._stopped:
            raise Unanswered(self._stopped, TEXT["think unwritten"])
        made = call(function, arguments)
        if not self._hidden:  # what a function prints under the hidden tests could give them away
            self._note("printed", made.printed[:1000].rstrip())
            self._note("warned", "; ".join(made.warned))
        if isinstance(made.error, NotImplementedError):
            inner = blame.where(made.error)
            text = TEXT["unwritten" if inner in (self.name, "") else "needs"]
            self._stopped = text.format(name=self.name, inner=inner)
            raise Unanswered(self._stopped, TEXT["think unwritten"])
        if made.error is not None:
            raise Unanswered(*blame.why_stopped(self.name, made.error, arguments))
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
            self._judge(part, path, w, got, arguments)

    def _judge(self, part, path, want, got, arguments):
        a, trouble = self._fit(path, want, got)
        if a is None:
            self._fail(part, trouble)
        elif not close(want, a):
            self._fail(part, self._how_wrong(path, want, a, arguments))

    def _follow(self, part, source, each, arguments):
        nothing = (None,) * len(self.returns)
        given = {path: got for path, _, got in self._pairs(nothing, self._answer(arguments))}
        own = as_numbers(given.get(source))
        if own is None or own.size != len(each) or not np.any(own):
            think = TEXT["think source"].format(part=part, source=source)
            self._fail(part, TEXT["not comparable"].format(path=source), think)
            return
        want = sum(share * np.asarray(one) for share, one in zip(own.ravel(), each))
        self._judge(part, part, want, given.get(part), arguments)

    def _how_wrong(self, path, want, got, arguments):
        if not np.isfinite(got).all():
            return TEXT["not finite"].format(path=path)
        if not self._hidden:
            few = want.size == got.size == 1
            alike = want.astype(got.dtype)  # ones beside ones, and not beside True or 1.0
            want = alike if np.array_equal(alike, want) else want
            got_text, want_text = show(got, few), show(want, few)
            text = TEXT["value" if few else "values"].format(path=path, got=got_text, want=want_text)
            if got_text == want_text:
                text += TEXT["printed alike"].format(error=float(np.max(np.abs(got.astype(float) - want))))
            return text
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
