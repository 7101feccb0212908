"""Chapter 09: RNN, LSTM and GRU as curves over updates, on four tasks that need a memory.

Claim: an LSTM needs more updates than a GRU of as many units until it has learned.
Refuted by: on some task the two need as many, within `margin`, or the GRU needs more.

Tasks: adding, copying and temporal order; the embedded Reber grammar, every letter of it asked
(Hochreiter and Schmidhuber 1997), whose strings have a length of their own. "equal": "width" means `width` units each,
"parameters" as many as the parameters of that LSTM allow. Gates start ready for the length (chrono, Tallec and
Ollivier 2018), those of the Reber networks for `reber` steps; the plain RNN starts orthogonal and uses tanh.

A value is the error as a share of that of guessing, on fresh sequences: mean squared error on adding, recalled symbols
told wrong on copying, sequences told wrong on temporal order, strings with any mistake on Reber. There a step is right
if the letters that may come next have the largest scores. A run of the comparison ends once two looks in a row say
that it has learned, one of the search at the first, or once its rate can no longer be the chosen one. The rate is
searched at the shorter length and at equal width, for each cell and task, and serves the class of all its lengths.
"""

import math
import sys

import numpy as np

from course_pkg import models, tasks, weights
from course_pkg.experiments import trials, verdicts
from course_pkg.tasks import grammar

SELF = sys.modules[__name__]
SETTINGS = {
    "cells": ["lstm", "gru", "rnn"],
    "places": [["copying", 30], ["temporal order", 30], ["adding", 30], ["Reber grammar", None]],
    "also": [["temporal order", 30]],
    "contender": ["cell", "equal"],
    "rates": [0.01, 0.003, 0.03, 0.001, 0.1, 0.0003, 0.3],
    "seeds": [0, 1, 2, 3, 4],
    "updates": [0, 50, 100, 150, 200, 250, 300, 400, 500, 600, 800, 1000, 1250, 1500, 1750, 2000],
    "search": {
        "seeds": [100, 101],
        "updates": [0, 50, 100, 150, 200, 250, 300, 400, 500, 600, 800, 1000],
        "by": ["task", "cell"],
    },
    "better": "lower",
    "learned": 0.05,
    "guess": 1,
    "flat": 0.05,
    "margin": 50,
    "width": 32,
    "embedding": 8,
    "batch": 32,
    "sequences": 200,
    "copied": {"length": 3, "symbols": 4},
    "reber": 12,
}
QUICK = SETTINGS | {
    "places": [["copying", 10], ["temporal order", 10], ["adding", 10], ["Reber grammar", None]],
    "also": [["temporal order", 10]],
    "rates": [0.01],
    "seeds": [0],
    "updates": [0, 1],
    "search": SETTINGS["search"] | {"seeds": [100], "updates": [0, 1]},
    "width": 4,
    "batch": 4,
    "sequences": 10,
}


def cases(settings):
    """Every cell on every task and length at equal width; those of `also` at equal parameters, too."""
    found = []
    for task, length in settings["places"]:
        at = {"task": task, "length": length}
        found += [at | {"cell": cell, "equal": "width"} for cell in settings["cells"]]
        if [task, length] in settings["also"]:
            found += [at | {"cell": cell, "equal": "parameters"} for cell in settings["cells"] if cell != "lstm"]
    return found


def plan(settings):
    """The keys of the rows as `trials` has them, but one task and length after the other."""
    keys = trials.plan(SELF, settings)
    return [k for place in settings["places"] for k in keys if [k["task"], k["length"]] == list(place)]


def measure(settings, rows, stage, seed, **key):
    """One run, as `trials.measure` makes it."""
    return trials.measure(SELF, settings, rows, stage, seed, **key)


def train(settings, rate, seed, case):
    """One run: the share of the guesser's error that is left after so many updates; its units and parameters."""
    rng = np.random.default_rng(seed)
    make, loss, judge, sizes = TASKS[case["task"]](settings, case["length"])
    H = units(settings, case, sizes.get("embedding") or sizes["inputs"])
    start = {} if case["cell"] == "rnn" else {"longest": case["length"] or settings["reber"]}
    net = models.init(case["cell"], H=H, rng=rng, **sizes, **start)
    wrong, searching = judge(make(settings["sequences"], rng)), "hopeless" in settings

    def enough(made, found):
        done = [trials.good(look["values"], settings) for look in found[-1 if searching else -2 :]]
        return (all(done) and len(done) == (1 if searching else 2)) or made >= settings.get("hopeless", math.inf)

    found = trials.follow(
        loss,
        net,
        lambda rng: make(settings["batch"], rng).arrays,
        rng,
        rate=rate,
        updates=settings["updates"],
        look=lambda net: {"values": wrong(net)},
        enough=enough,
    )
    return {"units": H, "parameters": weights.count(net.stack)} | found


def units(settings, case, D):
    """Units of the layer: the LSTM's, or as many as the LSTM's parameters allow."""
    if case["equal"] == "width":
        return settings["width"]
    return weights.width_for(case["cell"], D, weights.cell_count("lstm", D, settings["width"]))


def _adding(settings, T):
    def judge(data):
        return lambda net: float(np.square(models.many_to_one(data.x, net)[0] - data.y).mean()) / data.chance

    return lambda n, rng: tasks.adding_problem(n, T, rng), models.regressor_loss, judge, {"inputs": 2, "K": 1}


def _order(settings, T):
    def judge(data):
        return lambda net: (1 - models.accuracy(models.many_to_one(data.x, net)[0], data.y)) / (1 - data.chance)

    sizes = {"inputs": 8, "K": 4, "embedding": settings["embedding"]}
    return lambda n, rng: tasks.temporal_order(n, T, rng), models.classifier_loss, judge, sizes


def _copying(settings, T):
    length, symbols = settings["copied"]["length"], settings["copied"]["symbols"]

    def judge(data):
        def wrong(net):
            scores, _, _ = models.many_to_many(data.x, net)
            return (1 - models.accuracy(scores[:, -length:], data.y[:, -length:])) / (1 - 1 / symbols)

        return wrong

    def make(n, rng):
        return tasks.copying_memory(n, T, rng, length=length, symbols=symbols)

    sizes = {"inputs": symbols + 2, "K": symbols + 1, "embedding": settings["embedding"]}
    return make, models.tagger_loss, judge, sizes


def _reber(settings, _):
    def judge(data):
        may = allowed(data)

        def wrong(net):
            scores, _, _ = models.many_to_many(data.x, net, lengths=data.lengths)
            rank = (-scores).argsort(axis=2).argsort(axis=2)
            largest = rank < may.sum(axis=2)[:, :, None]
            return float(((largest != may).any(axis=2) & data.mask).any(axis=1).mean())

        return wrong

    sizes = {"inputs": len(grammar.SYMBOLS), "K": len(grammar.SYMBOLS), "embedding": settings["embedding"]}
    return lambda n, rng: tasks.embedded_reber(n, rng, every=True), models.tagger_loss, judge, sizes


def allowed(data):
    """(N, T, letters) booleans: the letters that the embedded Reber grammar allows after each step of `data`."""
    may = np.zeros((*data.x.shape, len(data.symbols)), bool)
    for k, (ids, steps) in enumerate(zip(data.x, data.lengths, strict=True)):
        string = "".join(tasks.decode(ids[:steps], data.symbols))
        for t in range(steps):
            may[k, t, [data.symbols.index(letter) for letter in tasks.embedded_reber_next(string[: t + 1])]] = True
    return may


# Of each task: (a maker of n sequences, the loss, data -> (network -> share of the guesser's error), sizes of the
# network), for sequences of T steps. For copying T is the delay.
TASKS = {"adding": _adding, "copying": _copying, "temporal order": _order, "Reber grammar": _reber}


def verdict(stored):
    """The claim on each task and length: a run that never learned counts as infinitely many updates.

    Where every LSTM is seen to have learned one look after every GRU, the looks are too coarse to tell.
    """
    settings = stored["settings"]
    pairs = {
        place(case): [trials.took(stored, **(case | {"cell": cell})) for cell in ("lstm", "gru")]
        for case in cases(settings)
        if case["cell"] == "lstm"
    }
    found = verdicts.worse(pairs, settings["margin"], chance=math.inf)
    near = [name for name, (lstm, gru) in pairs.items() if found.cases[name] is False and lstm.min() > gru.max()]
    why = "every run is later, and by no more than the looks are apart"
    return verdicts.Verdict(found.cases | dict.fromkeys(near), found.why | dict.fromkeys(near, why))


def place(case):
    """A task and its length in words."""
    return f"the embedded {case['task']}" if case["length"] is None else f"{case['task']} over {case['length']} steps"
