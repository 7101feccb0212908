"""From measurements to words: does a claim hold, hold when, or not hold?

Each function takes what was measured, one entry for each case, named in words that follow "holds":
{"at equal width": ..., "in PyTorch": ...}. It decides the claim in every case and returns a `Verdict`.
Chapter 09 makes its sentences from them, so a sentence changes with the data.
"""

import math
from typing import NamedTuple

import numpy as np

from course_pkg._validation import require_number

# 97.5 % points of Student's t for 1, 2, ... degrees of freedom; any table of statistics has them.
STUDENT = (12.706, 4.303, 3.182, 2.776, 2.571, 2.447, 2.365, 2.306, 2.262)


class Verdict(NamedTuple):
    """cases: the name of each case, and whether the claim held there."""

    cases: dict

    @property
    def word(self):
        """One of "holds", "holds when", "does not hold"."""
        held = list(self.cases.values())
        return "holds" if all(held) else "holds when" if any(held) else "does not hold"

    def __str__(self):
        """The verdict as Markdown, with the cases that decided it, by name where they are few."""
        sides = [[name for name, held in self.cases.items() if held is side] for side in (True, False)]
        yes, no = ("; ".join(names) if len(names) <= 8 else f"{len(names)} cases" for names in sides)
        if all(sides):
            return f"**Holds when:** {yes}. *It does not:* {no}."
        return f"**{self.word.capitalize()}.** Measured: {yes if sides[0] else no}."


def smaller(pairs, margin=0.05):
    """The first of each pair of numbers is smaller than the second, by more than the share `margin` of it."""
    return _decide(pairs, lambda pair: pair[0] < (1 - margin) * pair[1])


def worse(pairs, margin):
    """The first of each pair holds larger errors, one for each seed, than the second.

    All of them are larger than all of the second's, and the means lie more than `margin` apart. Five seeds
    against five do the first by chance, if nothing differs, in 1 of 252 orders.
    """
    return _decide(
        pairs, lambda pair: np.min(pair[0]) > np.max(pair[1]) and np.mean(pair[0]) - np.mean(pair[1]) > margin
    )


def within(values, low=-math.inf, high=math.inf):
    """All values of each case, one for each seed, lie from low to high."""
    return _decide(values, lambda seeds: low <= np.min(seeds) and np.max(seeds) <= high)


def _decide(cases, held):
    if not cases:
        raise ValueError("cases: got none, wanted at least one")
    return Verdict({name: bool(held(case)) for name, case in cases.items()})


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
