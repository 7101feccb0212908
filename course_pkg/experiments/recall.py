"""Chapter 01: how far back does a plain RNN recall a symbol, where the window of chapter 01 ends?

The task of chapter 01: say at each step which of four symbols came `lag` steps before. The plain RNN has as many
units as the window network there, and a count of weights that does not know the lag.

Claim: a plain RNN of 32 units learns to recall at lags at which a window with as many parameters cannot.
Refuted by: no lag above 8, the longest that a window of so many parameters reaches, at which it learns.

values: accuracy on 200 streams that no network was trained on, over the steps at which the answer has been seen.
"""

import numpy as np

from course_pkg import models, tasks
from course_pkg.experiments import trials, verdicts

SETTINGS = {
    "lags": [16, 24],
    "classes": {"16": "short", "24": "long"},
    "units": 32,
    "contender": [],
    "rates": [0.001, 0.003, 0.01, 0.03],
    "seeds": [0, 1, 2, 3, 4],
    "updates": [0, 100, 200, 400, 600, 800, 1200, 1600, 2000, 2400],
    "search": {"seeds": [100, 101], "updates": [0, 200, 400, 800, 1200], "by": ["class"]},
    "batch": 16,
    "clip": 1.0,
    "better": "higher",
    "learned": 0.9,
    "guess": 0.25,
    "flat": 0.02,
}
QUICK = SETTINGS | {
    "units": 4,
    "seeds": [0],
    "updates": [0, 1, 2],
    "search": {"seeds": [100], "updates": [0, 1], "by": ["class"]},
}


def cases(settings):
    """One for each lag. The rate of a class is searched at the first lag of the class."""
    return [{"lag": lag, "class": settings["classes"][str(lag)]} for lag in settings["lags"]]


def verdict(stored):
    """On the claim, for each lag that a window with so many parameters does not hold."""
    lags = [lag for lag in stored["settings"]["lags"] if lag > 8]
    return verdicts.reached({f"lag {lag}": trials.learned(stored, lag=lag) for lag in lags})


def train(settings, rate, seed, case):
    """One network. See the module for what it returns."""
    lag, rng = case["lag"], np.random.default_rng(seed)

    def draw(rng, n=settings["batch"]):
        task = tasks.delayed_recall(n, 24 + lag, lag, rng)
        return np.eye(4, dtype=np.float32)[task.x], task.y, task.mask

    x, y, mask = draw(np.random.default_rng(99), 200)
    how = {"rate": rate, "updates": settings["updates"], "clip": settings["clip"]}
    return trials.follow(
        models.tagger_loss,
        models.init("rnn", 4, settings["units"], 4, rng),
        draw,
        rng,
        look=lambda net: {"values": models.accuracy(models.many_to_many(x, net)[0], y, mask)},
        **how,
    )
