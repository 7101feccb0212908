"""Chapter 09: RNN, LSTM and GRU at equal width and at equal parameter count, on three tasks of growing length.

Every network is an embedding (for symbols), one layer of the cell and a readout, trained with Adam on
fresh batches, its gradient clipped. At equal width every layer has `width` units. At equal parameters
it is as wide as the parameters of the LSTM of that width allow (`weights.width_for`), so the LSTM's rows
serve both. Gates start ready for the length (chrono, Tallec and Ollivier 2018), the plain RNN orthogonal.

First a search: for each cell and task the learning rate with the lowest mean error at one length, on
seeds of its own. Then the comparison. error: mean squared error on adding; else the share told wrong, of
sequences or of recalled symbols. It is measured on fresh sequences after training, with the weights that
did best on others; training stops where the error on those others is a tenth of the task's target. steps:
updates until it was at most the target, or None.
"""

import numpy as np

from course_pkg import models, tasks, train, weights
from course_pkg._validation import require_choice

SETTINGS = {
    "tasks": ["adding", "copying", "temporal order"],
    "cells": ["rnn", "lstm", "gru"],
    "lengths": [10, 30, 60, 100],
    "seeds": [0, 1, 2, 3, 4],
    "width": 32,
    "embedding": 8,
    "copied": {"length": 3, "symbols": 4},
    "target": {"adding": 0.01, "copying": 0.05, "temporal order": 0.05},
    "train": {"steps": 1200, "batch": 32, "clip": 1.0, "every": 50},
    "sequences": 400,
    "search": {"rates": [0.003, 0.01, 0.03], "seeds": [100, 101], "length": 30},
}


def plan(settings):
    """The keys of the rows: those of the search, then those of the comparison."""
    pairs = [(task, cell) for task in settings["tasks"] for cell in settings["cells"]]
    search = [
        {"stage": "search", "task": task, "cell": cell, "equal": "width", "T": settings["search"]["length"]}
        | {"seed": seed, "rate": rate}
        for task, cell in pairs
        for rate in settings["search"]["rates"]
        for seed in settings["search"]["seeds"]
    ]
    compare = [
        {"stage": "compare", "task": task, "cell": cell, "equal": equal, "T": T, "seed": seed}
        for task, cell in pairs
        for equal in (["width"] if cell == "lstm" else ["width", "parameters"])
        for T in settings["lengths"]
        for seed in settings["seeds"]
    ]
    return search + compare


def measure(settings, rows, *, stage, task, cell, equal, T, seed, rate=None):
    """Train one network. Returns its width, its parameters, the learning rate, error and steps."""
    rate = best_rate(rows, task, cell) if rate is None else rate
    rng = np.random.default_rng(seed)
    make, loss, wrong, sizes = TASKS[task](settings, T)
    D = settings["embedding"] if sizes.get("embedding") else sizes["inputs"]
    H = width(settings, cell, D, equal)
    start = {} if cell == "rnn" else {"longest": T}
    net = models.init(cell, H=H, rng=rng, **sizes, **start)
    check = make(settings["sequences"], rng)
    how = settings["train"] | {"rate": rate, "target": settings["target"][task] / 10, "progress": False}
    try:
        found = train.fit(
            loss, net, lambda rng: make(how["batch"], rng).arrays, rng, score=lambda net: wrong(net, check), **how
        )
    except train.NotFinite as stopped:
        found = stopped.fit
    history = found.history
    there = history.checked[history.score <= settings["target"][task]]
    return {
        "H": H,
        "parameters": weights.count(net.stack),
        "rate": rate,
        "error": round(wrong(found.params, make(2 * settings["sequences"], rng)), 5),
        "steps": int(there[0]) if len(there) else None,
    }


def width(settings, cell, D, equal):
    """Units of the layer: the LSTM's, or as many as the LSTM's parameters allow."""
    if equal == "width":
        return settings["width"]
    return weights.width_for(cell, D, weights.cell_count("lstm", D, settings["width"]))


def best_rate(rows, task, cell):
    """The learning rate with the lowest mean error in the search."""
    tried = {}
    for row in rows:
        if (row["stage"], row["task"], row["cell"]) == ("search", task, cell):
            tried.setdefault(row["rate"], []).append(row["error"])
    return min(tried, key=lambda rate: np.mean(tried[rate]))


def _adding(settings, T):
    def wrong(net, data):
        return float(np.square(models.many_to_one(data.x, net)[0] - data.y).mean())

    return lambda n, rng: tasks.adding_problem(n, T, rng), models.regressor_loss, wrong, {"inputs": 2, "K": 1}


def _order(settings, T):
    def wrong(net, data):
        return 1 - models.accuracy(models.many_to_one(data.x, net)[0], data.y)

    sizes = {"inputs": 8, "K": 4, "embedding": settings["embedding"]}
    return lambda n, rng: tasks.temporal_order(n, T, rng), models.classifier_loss, wrong, sizes


def _copying(settings, T):
    length, symbols = settings["copied"]["length"], settings["copied"]["symbols"]

    def wrong(net, data):
        scores, _, _ = models.many_to_many(data.x, net)
        return 1 - models.accuracy(scores[:, -length:], data.y[:, -length:])

    def make(n, rng):
        return tasks.copying_memory(n, T, rng, length=length, symbols=symbols)

    sizes = {"inputs": symbols + 2, "K": symbols + 1, "embedding": settings["embedding"]}
    return make, models.tagger_loss, wrong, sizes


# Of each task: (a maker of n sequences, the loss, the error, sizes of the network), for sequences of T steps.
# For copying T is the delay.
TASKS = {"adding": _adding, "copying": _copying, "temporal order": _order}


def compared(stored, task, cell, equal, what):
    """One finding of the comparison, "error" or "steps", as an array (lengths, seeds); NaN where there is None."""
    settings = stored["settings"]
    require_choice("task", task, settings["tasks"])
    require_choice("cell", cell, settings["cells"])
    require_choice("equal", equal, ("width", "parameters"))
    equal = "width" if cell == "lstm" else equal  # the LSTM sets the budget, so both comparisons share its rows
    wanted = ("compare", task, cell, equal)
    found = {
        (row["T"], row["seed"]): row[what]
        for row in stored["results"]
        if (row["stage"], row["task"], row["cell"], row["equal"]) == wanted
    }
    return np.array([[found[T, seed] for seed in settings["seeds"]] for T in settings["lengths"]], float)
