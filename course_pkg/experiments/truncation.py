"""Chapter 05: training with chunks that are too short for the lag, each at a rate of its own.

A plain RNN of `units` reads sequences of 24 steps of two symbols and says at each step which came 6 steps before.
Backpropagation is cut every `window` steps; the state is carried over. "none" trains the readout alone and leaves the
recurrent layer as it was drawn.

Claim: with a window that never holds a question and its answer, training the recurrent layer ends worse than not
training it, also at the best rate.
Refuted by: a rate at which such a window ends as well as the readout alone.

updates counts batches of 32 sequences here: a window of w makes 24 / w updates, rounded up, of each. values:
accuracy on 300 sequences that no network was trained on, over the steps whose answer has been seen.
"""

import numpy as np

from course_pkg import models, optim
from course_pkg.experiments import trials, verdicts
from course_pkg.trees import tree_map

SETTINGS = {
    "lag": 6,
    "T": 24,
    "units": 16,
    "windows": [3, 6, 7, 24, "none"],
    "contender": ["window"],
    "rates": [0.0001, 0.0003, 0.001, 0.003, 0.01, 0.03, 0.1, 0.3],
    "seeds": [0, 1, 2, 3, 4, 5, 6, 7, 8, 9],
    "updates": [0, 5, 10, 20, 30, 50, 75, 100, 150, 200, 250, 300],
    "search": {"seeds": [100, 101], "updates": [0, 50, 100, 200, 300], "best": "end"},
    "batch": 32,
    "clip": 1.0,
    "better": "higher",
    "learned": 0.95,
    "guess": 0.5,
    "flat": 0.02,
}
QUICK = SETTINGS | {
    "windows": [6, "none"],
    "units": 3,
    "seeds": [0],
    "updates": [0, 1, 2],
    "search": {"seeds": [100], "updates": [0, 1], "best": "end"},
}


MARGIN = 0.02  # of the answers; a smaller difference is not spoken of


def cases(settings):
    """One for each window."""
    return [{"window": window} for window in settings["windows"]]


def ends(stored, window):
    """The share told wrong at the end of each run."""
    return 1 - trials.curves(trials.compared(stored, window=window))[:, -1]


def verdict(stored):
    """On the claim, for each window that never holds a question and its answer."""
    short = [w for w in stored["settings"]["windows"] if w != "none" and w <= stored["settings"]["lag"]]
    pairs = {f"window {w}": (ends(stored, w), ends(stored, "none")) for w in short}
    return verdicts.worse(pairs, margin=MARGIN, chance=1 - stored["settings"]["guess"])


def sequences(settings, rng, n):
    """n sequences, one-hot (n, T, 2), and at each step the symbol of `lag` steps before."""
    s = rng.integers(2, size=(n, settings["T"] + settings["lag"]))
    return np.eye(2, dtype=np.float32)[s[:, settings["lag"] :]], s[:, : settings["T"]]


def train(settings, rate, seed, case):
    """One network. See the module for what it returns."""
    T, window, rng = settings["T"], case["window"], np.random.default_rng(seed)
    net = models.init("rnn", 2, settings["units"], 2, rng)
    x, y = sequences(settings, np.random.default_rng(99), 300)
    known = np.broadcast_to(np.arange(T) >= settings["lag"], y.shape)
    optimiser = optim.adam()
    memory, values = optimiser.start(net), []
    for seen in range(settings["updates"][-1] + 1):
        if seen in settings["updates"]:
            values.append(round(models.accuracy(models.many_to_many(x, net)[0], y, known), 4))
        now, state, size = sequences(settings, rng, settings["batch"]), None, T if window == "none" else window
        for k in range(0, T, size):
            _, gradient, state = models.tagger_loss(net, tuple(a[:, k : k + size] for a in now), state, rng)
            if window == "none":
                gradient = gradient._replace(stack=tree_map(np.zeros_like, gradient.stack))
            gradient, _ = optim.clip_by_global_norm(gradient, settings["clip"])
            net, memory = optimiser.update(net, gradient, memory, rate)
    return {"updates": settings["updates"], "values": values}
