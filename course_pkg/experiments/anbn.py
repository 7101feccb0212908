"""Chapter 09: who counts? a^n b^n, trained on n up to `longest`, then asked for every n, by RNN, LSTM and GRU.

Claim: an LSTM counts further than a GRU of as many units.
Refuted by: at some number of units the GRUs count as far as the LSTMs, within `margin`, or further.

Each network is an embedding, one layer and a readout; the cells start as they do by default (forget bias 1, no
chrono start). A value is the largest n such that every string up to a^n b^n is told right at every b, at most
`asked`. One has learned once that is `longest`, all that it was trained on. Saying "end" at every b gets n = 1
right. The rate is searched at the middle number of units and serves all three. The state of a GRU and that of a
plain RNN lie between -1 and 1, the cell of an LSTM does not (Weiss, Goldberg and Yahav 2018, who predict the claim).
"""

import numpy as np

from course_pkg import models, tasks
from course_pkg.experiments import trials, verdicts

SETTINGS = {
    "cells": ["lstm", "gru", "rnn"],
    "units": [16, 8, 32],
    "contender": ["cell", "units"],
    "rates": [0.01, 0.003, 0.03, 0.001, 0.1, 0.0003],
    "seeds": [0, 1, 2, 3, 4],
    "updates": [0, 50, 100, 150, 200, 300, 400, 500, 600, 700, 800],
    "search": {"seeds": [100, 101], "updates": [0, 50, 100, 150, 200, 300, 400, 500], "by": ["cell"]},
    "better": "higher",
    "longest": 20,
    "learned": 20,
    "asked": 100,
    "guess": 1,
    "flat": 5,
    "margin": 5,
    "batch": 32,
    "embedding": 4,
}
QUICK = SETTINGS | {
    "units": [4],
    "rates": [0.01],
    "seeds": [0],
    "updates": [0, 1],
    "search": SETTINGS["search"] | {"seeds": [100], "updates": [0, 1]},
    "asked": 5,
}


def cases(settings):
    """Every cell at every number of units."""
    return [{"cell": cell, "units": units} for units in settings["units"] for cell in settings["cells"]]


def train(settings, rate, seed, case):
    """One run: how far it counts after so many updates. A run of the search ends once its rate is known."""
    rng, asked = np.random.default_rng(seed), tasks.count_strings(np.arange(1, settings["asked"] + 1))
    net = models.init(case["cell"], 2, case["units"], 2, rng, embedding=settings["embedding"])

    def enough(made, found):
        return "hopeless" in settings and (trials.good(found[-1]["values"], settings) or made >= settings["hopeless"])

    return trials.follow(
        models.tagger_loss,
        net,
        lambda rng: tasks.counting(settings["batch"], settings["longest"], rng).arrays[:3],
        rng,
        rate=rate,
        updates=settings["updates"],
        look=lambda net: {"values": counted(net, asked)},
        enough=enough,
    )


def counted(net, asked):
    """Up to which of the strings `asked`, in order, every answer is right."""
    said = models.many_to_many(asked.x, net)[0].argmax(axis=2)
    right = ((said == asked.y) | ~asked.mask).all(axis=1)
    return int(np.argmin(np.append(right, False)))


def far(stored, **case):
    """How far each run of a case counts at the end: an array, one for each seed; -inf where it broke."""
    return -np.array([trials.last(row, stored["settings"]) for row in trials.compared(stored, **case)])


def verdict(stored):
    """The claim at each number of units."""
    asked, margin = stored["settings"]["asked"], stored["settings"]["margin"]
    pairs = {
        f"{units} units": [asked - far(stored, cell=cell, units=units) for cell in ("gru", "lstm")]
        for units in sorted(stored["settings"]["units"])
    }
    return verdicts.worse(pairs, margin, floor=0, chance=asked - stored["settings"]["guess"])
