"""Chapter 03: how many updates a plain RNN needs until it uses the first symbol of a sequence.

The first of T symbols is a or b, then come random symbols of six other kinds, and at the end the network, of `units`
tanh units, says which it was.

Claim: the longer the sequence, the more updates it takes to learn to use its first symbol.
Refuted by: longer sequences that are learned in no more updates than those of five steps.

values: accuracy on 500 sequences that no network was trained on. A run ends when it has learned.
"""

import numpy as np

from course_pkg import models
from course_pkg.experiments import trials, verdicts

SETTINGS = {
    "lengths": [5, 10, 15, 30, 60],
    "units": 16,
    "embedding": 8,
    "contender": [],
    "rates": [0.001, 0.003, 0.01, 0.03, 0.1, 0.3],
    "seeds": [0, 1, 2, 3, 4],
    "updates": [0, *range(10, 100, 10), *range(100, 1000, 50), *range(1000, 12001, 250)],
    "search": {
        "seeds": [100, 101],
        "updates": [0, *range(10, 100, 10), *range(100, 1000, 50), *range(1000, 4001, 250)],
    },
    "batch": 32,
    "clip": 1.0,
    "better": "higher",
    "learned": 0.95,
    "guess": 0.5,
    "flat": 0.02,
}
QUICK = SETTINGS | {
    "lengths": [5, 10],
    "units": 3,
    "seeds": [0],
    "updates": [0, 1, 2, 3],
    "search": {"seeds": [100], "updates": [0, 1]},
}


def cases(settings):
    """One for each length."""
    return [{"T": T} for T in settings["lengths"]]


def verdict(stored):
    """On the claim, for each length against the shortest."""
    first, *longer = stored["settings"]["lengths"]
    short = trials.took(stored, T=first)
    return verdicts.worse({f"{T} steps": (trials.took(stored, T=T), short) for T in longer}, margin=0)


def draw(n, T, rng):
    """n sequences: x (n, T) of ids below 8, y (n,) the first of each, 0 or 1."""
    x = rng.integers(2, 8, size=(n, T))
    y = rng.integers(2, size=n)
    x[:, 0] = y
    return x, y


def train(settings, rate, seed, case):
    """One network. See the module for what it returns."""
    T, rng = case["T"], np.random.default_rng(seed)
    net = models.init("rnn", 8, settings["units"], 2, rng, embedding=settings["embedding"])
    x, y = draw(500, T, np.random.default_rng(99))
    return trials.follow(
        models.classifier_loss,
        net,
        lambda rng: draw(settings["batch"], T, rng),
        rng,
        rate=rate,
        updates=settings["updates"],
        look=lambda net: {"values": models.accuracy(models.many_to_one(x, net)[0], y)},
        clip=settings["clip"],
        enough=lambda made, looks: (
            trials.good(looks[-1]["values"], settings) or made >= settings.get("hopeless", np.inf)
        ),
    )


def said(stored):
    """How many seeds learned each length, and after how many updates, in words."""
    each = []
    for T in stored["settings"]["lengths"]:
        took = trials.took(stored, T=T)
        some = np.sort(took[np.isfinite(took)])
        span = " to ".join(dict.fromkeys(f"{n:,.0f}" for n in (*some[:1], *some[-1:])))
        when = f" (after {span} updates)" if span else ""
        each.append(f"{T} steps by {len(some)} of {len(took)} seeds{when}")
    return f"Measured, within {stored['settings']['updates'][-1]:,} updates: {'; '.join(each)}."
