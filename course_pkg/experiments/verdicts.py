"""Verdicts on claims, made from measurements.

A claim is given as its cases, each with what was measured there, for example for "smaller" in the sense of "holds":
{"at equal width": ..., "in PyTorch": ...}. A function decides the claim in every case and returns a `Verdict`.
Absence of evidence is never "does not hold": a case in which the claim does not show is decided against it only by a
counterexample, or by a difference shown to be smaller than a stated margin; otherwise nobody can tell.
The chapters make their sentences from verdicts, so a sentence changes with the data.
"""

import functools
import math
from typing import NamedTuple

import numpy as np

from course_pkg._validation import require_number

# 97.5 % points of Student's t for 1, 2, ... degrees of freedom; any table of statistics has them.
STUDENT = (12.706, 4.303, 3.182, 2.776, 2.571, 2.447, 2.365, 2.306, 2.262)
FEWEST = 5  # runs on each side


class Verdict(NamedTuple):
    """cases: the name of each case, and whether the claim held there: True, False, or None where nobody can tell.

    why: for those with None, the reason in words.
    """

    cases: dict
    why: dict = {}  # noqa: RUF012, it is never changed

    @property
    def word(self):
        """One of "holds", "holds when", "does not hold", "cannot tell".

        "does not hold" also stands where some cases decide against the claim and the others do not tell.
        """
        held = set(self.cases.values())
        if True in held:
            return "holds" if held == {True} else "holds when"
        return "does not hold" if False in held else "cannot tell"

    def __str__(self):
        """The verdict as Markdown, with the cases that decided it, by name where they are few."""
        yes, no, open_ = (self._named(side) for side in (True, False, None))
        text = {
            "holds": f"**Holds.** Measured: {yes}.",
            "holds when": f"**Holds when:** {yes}." + (f" *It does not:* {no}." if no else ""),
            "does not hold": f"**Does not hold.** Measured: {no}.",
            "cannot tell": f"**Cannot tell:** {open_}.",
        }[self.word]
        return text + (f" *Cannot tell:* {open_}." if open_ and self.word != "cannot tell" else "")

    def _named(self, side):
        names = [name for name, held in self.cases.items() if held is side]
        if side is None:
            names = [f"{name} ({self.why[name]})" if name in self.why else name for name in names]
        return "; ".join(names) if len(names) <= 8 else f"{len(names)} cases"


def told(verdict):
    """The cases of a verdict in sentences: where it holds, where it does not, where nobody can tell and why.

    The names of the cases are to be read after "for": "copying over 60 steps", "the weights (equal width)".
    """
    said = [
        f"{start} {_listed([name for name, held in verdict.cases.items() if held is side])}."
        for side, start in ((True, "It holds for"), (False, "It does not hold for"))
        if side in verdict.cases.values()
    ]
    whys = {}
    for name in (name for name, held in verdict.cases.items() if held is None):
        whys.setdefault(verdict.why.get(name, ""), []).append(name)
    said += [f"Nobody can tell for {_listed(names)}" + (f": {why}." if why else ".") for why, names in whys.items()]
    return " ".join(said)


def _listed(names):
    """Names as a list in words. What stands in brackets behind several of them is said once."""
    under = {}  # what is said: its conditions
    for name in names:
        what, _, condition = name.removesuffix(")").partition(" (")
        under.setdefault(what, []).append(condition)
    together = {}
    for what, conditions in under.items():
        together.setdefault(tuple(conditions), []).append(what)
    return "; ".join(
        _and(whats) + (f" ({'; '.join(conditions)})" if any(conditions) else "")
        for conditions, whats in together.items()
    )


def _and(names):
    return names[0] if len(names) == 1 else ", ".join(names[:-1]) + " and " + names[-1]


def smaller(pairs, margin=0.05):
    """The first of each pair of counts is smaller than the second, by more than the share `margin` of it.

    For numbers without spread: a smaller difference is one that is known to be too small.
    """
    return _decide(pairs, lambda pair: (pair[0] < (1 - margin) * pair[1], ""))


def worse(pairs, margin, *, floor=None, chance=None):
    """The first of each pair holds larger errors, one for each seed, than the second.

    It holds where the first are larger by the exact test of ranks at 1 in 250 (of five seeds against five: all are
    larger than all) and the means differ by more than `margin`. It does not hold where the second are larger in that
    way, or where the 95 % interval of the difference of the means (Student's t, unequal variances) lies within
    `margin` on both sides. Else nobody can tell; nor with fewer than five seeds, with all errors at most `floor`
    (both do as well as can be), or with all at least `chance` (both guess).
    """

    def decide(pair):
        a, b = (np.asarray(side, float) for side in pair)
        every = np.concatenate([a, b])
        if min(len(a), len(b)) < FEWEST:
            return None, f"fewer than {FEWEST} runs"
        if np.isnan(every).any():
            return None, "a run has no value"
        if np.isinf(every).all():
            return None, "no run got there"
        if floor is not None and (every <= floor).all():
            return None, "both at the floor"
        if chance is not None and (every >= chance).all():
            return None, "both at chance"
        if _larger(a, b, margin):
            return True, ""
        if _larger(b, a, margin) or _alike(a, b, margin):
            return False, ""
        return None, "the runs overlap"

    return _decide(pairs, decide)


def oftener(pairs, margin=0.0):
    """The first of each pair, (learned, runs), learned in a larger share of its runs than the second.

    It holds where Fisher's exact test (one-sided) says so at 1 in 40, and the shares differ by more than `margin`;
    it does not hold where that is so the other way round. Where both always or never learned, nobody can tell.
    """

    def decide(pair):
        (a, n), (b, m) = pair
        if min(n, m) < FEWEST:
            return None, f"fewer than {FEWEST} runs"
        if a + b in (0, n + m):
            return None, "all runs learned" if a else "no run learned"
        for sign, held in ((1, True), (-1, False)):
            if sign * (a / n - b / m) > margin and fisher(*((a, n, b, m) if held else (b, m, a, n))) <= 0.025:
                return held, ""
        return None, f"{a} of {n} and {b} of {m} runs are too near"

    return _decide(pairs, decide)


def reached(counts):
    """All runs of each case, (learned, runs), learned. Where some did not, more updates or another rate might do it."""

    def decide(count):
        learned, runs = count
        if runs < FEWEST:
            return None, f"fewer than {FEWEST} runs"
        return (True, "") if learned == runs else (None, f"{learned} of {runs} runs")

    return _decide(counts, decide)


def within(values, low=-math.inf, high=math.inf):
    """All values of each case, one for each seed, lie from low to high. One outside is a counterexample."""

    def decide(seeds):
        if np.isnan(seeds).any():
            return None, "a run has no value"
        return low <= np.min(seeds) and np.max(seeds) <= high, ""

    return _decide(values, decide)


def _decide(cases, decide):
    if not cases:
        raise ValueError("cases: got none, wanted at least one")
    found = {name: decide(case) for name, case in cases.items()}
    return Verdict(
        {name: held if held is None else bool(held) for name, (held, _) in found.items()},
        {name: why for name, (held, why) in found.items() if held is None},
    )


def _larger(a, b, margin):
    with np.errstate(invalid="ignore"):  # infinity stands for a run that never got there
        apart = np.mean(a) - np.mean(b)
    return ranks(a, b) <= 0.004 and (apart > margin or (np.isinf(a).any() and np.isfinite(b).all()))


def _alike(a, b, margin):
    """The 95 % interval of the difference of two means lies within the margin. Degrees of freedom: the fewer runs'."""
    if not np.isfinite([*a, *b]).all():
        return False
    half = STUDENT[min(len(a), len(b), len(STUDENT) + 1) - 2] * math.sqrt(
        a.var(ddof=1) / len(a) + b.var(ddof=1) / len(b)
    )
    return abs(a.mean() - b.mean()) + half <= margin


def ranks(a, b):
    """The chance that, if a and b do not differ, a wins at least as many pairs as it does: Mann and Whitney, exact.

    A tie counts half a pair, rounded down, so ties make the test more careful.
    """
    a, b = np.asarray(a, float)[:, None], np.asarray(b, float)
    won, ways = int((a > b).sum() + 0.5 * (a == b).sum()), _wins(a.size, b.size)
    return sum(ways[won:]) / sum(ways)


@functools.cache
def _wins(n, m):
    """In how many orders of n and m runs the n win 0, 1, ... n m pairs. The largest is of the n, or of the m."""
    if n == 0 or m == 0:
        return (1,)
    top, rest, found = _wins(n - 1, m), _wins(n, m - 1), [0] * (n * m + 1)
    for k, count in enumerate(top):
        found[k + m] += count
    for k, count in enumerate(rest):
        found[k] += count
    return tuple(found)


def fisher(a, n, b, m):
    """The chance of at least a successes in n of all a + b in n + m runs, if both are alike: Fisher's exact test."""
    most = min(n, a + b)
    return sum(math.comb(n, k) * math.comb(m, a + b - k) for k in range(a, most + 1)) / math.comb(n + m, a + b)


def interval(values):
    """(mean, low, high): the 95 % interval of Student's t for the mean of 2 to 10 values."""
    values = np.asarray(values, float)
    require_number("the number of values", len(values), 2, len(STUDENT) + 1, integer=True)
    half = STUDENT[len(values) - 2] * values.std(ddof=1) / math.sqrt(len(values))
    return values.mean(), values.mean() - half, values.mean() + half


class Choice(NamedTuple):
    """What is known of one network: its parameters, in how many runs it learned, what it costs."""

    parameters: int
    solved: int
    cost: float


def recommend(networks, budget):
    """The name of the network to take, or None where none fits or none ever learned.

    networks: {name: Choice}. Of those with at most `budget` parameters, those that learned in most runs; of
    these the one that costs least.
    """
    fit = {name: n for name, n in networks.items() if n.parameters <= budget and n.solved}
    return min(fit, key=lambda name: (-fit[name].solved, fit[name].cost), default=None)
