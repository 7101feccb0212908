"""Chapter 06: the adding problem of T steps with gradients clipped at several lengths, or not at all.

The networks of `reach`, two of them: tanh from an orthogonal start, whose old gradient is short, and ReLU from the
identity, whose whole gradient is long.

Claim: clipping helps the network whose gradient is long and does nothing for the other, each at its best rate.
Refuted by: a limit at which the tanh network learns in fewer updates than without clipping; or a ReLU network that
needs no more updates without it.

values, share and left are as in `reach`.
"""

import numpy as np

from course_pkg.experiments import reach, trials, verdicts

SETTINGS = {
    "T": 60,
    "units": 32,
    "nets": [["tanh", "orthogonal"], ["relu", "identity"]],
    "limits": ["none", 1.0, 0.1],
    "contender": ["activation", "start", "limit"],
    "rates": [0.0002, 0.0006, 0.002, 0.006, 0.02],
    "seeds": [0, 1, 2, 3, 4],
    "updates": [0, 25, 50, 100, 200, 400, 700, 1000],
    "search": {"seeds": [100, 101], "updates": [0, 50, 100, 200, 300]},
    "batch": 32,
    "better": "lower",
    "learned": 1 / 12,
    "guess": 1 / 6,
    "flat": 0.005,
}
QUICK = SETTINGS | {
    "T": 6,
    "units": 4,
    "seeds": [0],
    "updates": [0, 1, 2, 3],
    "search": {"seeds": [100], "updates": [0, 2]},
}


def cases(settings):
    """One for each network and limit."""
    nets, T = settings["nets"], settings["T"]
    return [{"T": T, "activation": p, "start": s, "limit": limit} for p, s in nets for limit in settings["limits"]]


def verdict(stored):
    """On "a network needs more updates without clipping", for each network and limit."""
    pairs = {}
    for phi, start in stored["settings"]["nets"]:
        free = trials.took(stored, activation=phi, start=start, limit="none")
        for limit in stored["settings"]["limits"][1:]:
            cut = trials.took(stored, activation=phi, start=start, limit=limit)
            pairs[f"{phi} {start}, clipped at {limit:g}"] = free, cut
    return verdicts.worse(pairs, margin=0)


def train(settings, rate, seed, case):
    """One network. See the module for what it returns."""
    clip = np.inf if case["limit"] == "none" else case["limit"]
    return reach.train(settings | {"clip": clip}, rate, seed, case)
