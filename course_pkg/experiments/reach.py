"""Chapter 06: how far back a gradient reaches while a network is trained, for every activation and start.

A plain RNN of `units` reads the adding problem of T steps and says the sum at the end.

Claim: how much of the gradient of the untrained network comes from old steps does not tell which network will
learn; the reach of a gradient is made or lost by training.
Refuted by: the networks that learn being those whose share of the old half is largest before training, or shares
that stay where they were.

values: mean squared error on 1,000 sequences that no network was trained on. share: length of the part of the
gradient that comes from the older half of the steps, over the length of the whole, on 200 of them. left: the length
of the gradient at the state before the first step over that at the last state, median over these sequences.
"""

import functools

import numpy as np

from course_pkg import bptt, cells, models, tasks
from course_pkg.experiments import trials, verdicts

SETTINGS = {
    "T": [60],
    "units": 32,
    "nets": {
        "tanh": ["orthogonal", "identity", "glorot"],
        "relu": ["orthogonal", "identity", "glorot", "he"],
    },
    "contender": ["activation", "start"],
    "rates": [0.0002, 0.0006, 0.002, 0.006, 0.02],
    "seeds": [0, 1, 2, 3, 4],
    "updates": [0, 10, 25, 50, 100, 200, 400, 800, 1200],
    "search": {"seeds": [100, 101], "updates": [0, 100, 200, 400]},
    "batch": 32,
    "clip": 1.0,
    "better": "lower",
    "learned": 1 / 12,
    "guess": 1 / 6,
    "flat": 0.005,
}
QUICK = SETTINGS | {
    "T": [6],
    "units": 4,
    "seeds": [0],
    "updates": [0, 1, 2, 3],
    "search": {"seeds": [100], "updates": [0, 2]},
}


def cases(settings):
    """One for each activation, start and length."""
    return [
        {"T": T, "activation": phi, "start": start}
        for T in settings["T"]
        for phi, starts in settings["nets"].items()
        for start in starts
    ]


def verdict(stored):
    """On the opposite of the claim: of two networks, the one with the larger untrained share learns in fewer updates.

    For each pair of networks of which all untrained shares of the one are above all of the other.
    """
    share, took = {}, {}
    for case in cases(stored["settings"]):
        name = f"{case['activation']} {case['start']}"
        share[name] = trials.curves(trials.compared(stored, **case), "share")[:, 0]
        took[name] = trials.took(stored, **case)
    pairs = {f"{a} over {b}": (took[b], took[a]) for a in share for b in share if share[a].min() > share[b].max()}
    return verdicts.worse(pairs, margin=0)


def train(settings, rate, seed, case):
    """One network. See the module for what it returns."""
    T, phi, rng = case["T"], case["activation"], np.random.default_rng(seed)
    new = tasks.adding_problem(1000, T, np.random.default_rng(99))
    net = models.init("rnn", 2, settings["units"], 1, rng, recurrent=case["start"])

    def draw(rng):
        return tasks.adding_problem(settings["batch"], T, rng).arrays

    def look(net):
        said = models.many_to_one(new.x, net, nonlinearity=phi)[0]
        share, left = old_share(net, new.x[:200], new.y[:200], phi)
        return {"values": np.mean((said - new.y) ** 2), "share": share, "left": left}

    loss = functools.partial(models.regressor_loss, nonlinearity=phi)
    how = {"rate": rate, "updates": settings["updates"], "clip": settings["clip"]}
    return trials.follow(loss, net, draw, rng, look=look, **how)


def terms(net, x, y, phi):
    """The gradient of the loss as a sum over steps, latest first: (T, weights); and the states' gradients."""
    p, zeros = net.stack[0].forward, np.zeros((len(x), net.readout.W.shape[1]), x.dtype)
    h, _, caches = bptt.unroll(functools.partial(cells.rnn_step, nonlinearity=phi), x, cells.HState(zeros), p)
    said = h[:, -1] @ net.readout.W.T + net.readout.b
    d = cells.HState((2 / len(x) * (said - y) @ net.readout.W).astype(x.dtype))
    rows, states = [], [d.h]
    for cache in reversed(caches):
        _, d, dparams = cells.rnn_step_backward(d, cache, p)
        rows.append(np.concatenate([a.ravel() for a in dparams]))
        states.append(d.h)
    return np.array(rows), states


def old_share(net, x, y, phi):
    """(share, left) of a network on sequences x (B, T, 2) with sums y (B, 1), see the module."""
    rows, states = terms(net, x, y, phi)
    old, whole = (np.linalg.norm(part.sum(axis=0)) for part in (rows[len(rows) // 2 :], rows))
    first, end = (np.linalg.norm(d, axis=1) for d in (states[-1], states[0]))
    return old / whole, np.median(first / np.maximum(end, 1e-30))
