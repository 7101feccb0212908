"""The page "A cell of your own": its LSTM with peepholes against the package's LSTM on the adding problem.

Claim: with peepholes the LSTM reaches the target on the adding problem in fewer updates. It is refuted if the
package's LSTM needs as many updates or fewer. Both cells have as many units and the same start (the peepholes
start at 0, so that both begin as the same function), and each gets the rate of its own search: the one with the
lowest mean error of those tried, on seeds of its own.

error: mean squared error on fresh sequences, checked every `every` updates; answering with the mean gives 1/6.
"""

from typing import NamedTuple

import numpy as np

from course_pkg import models, tasks, train
from course_pkg.activations import sigmoid, sigmoid_derivative, tanh, tanh_derivative
from course_pkg.cells import LSTM, Cell, LSTMState

SETTINGS = {
    "cells": ["peephole", "lstm"],
    "T": 20,
    "units": 16,
    "seeds": [0, 1, 2, 3, 4],
    "target": 0.01,
    "train": {"steps": 800, "batch": 32, "clip": 1.0, "every": 50},
    "sequences": 400,
    "search": {"rates": [0.003, 0.01, 0.03, 0.1], "seeds": [100, 101]},
}


class PeepholeParams(NamedTuple):
    """Those of an LSTM, and the peepholes."""

    W_ih: np.ndarray  # (4H, D), rows i, f, g, o
    W_hh: np.ndarray  # (4H, H)
    b: np.ndarray  # (4H,)
    p: np.ndarray  # (3H,), what the gates i, f, o see of the cell


class PeepholeCache(NamedTuple):
    """What a step keeps for its backward. x_t and state_prev are what it was given."""

    x_t: np.ndarray  # (B, D)
    state_prev: LSTMState
    i: np.ndarray
    f: np.ndarray
    g: np.ndarray
    o: np.ndarray
    c_t: np.ndarray


def peephole_step(x_t, state, params):
    """One step: the gates i and f also see c_{t-1}, and the gate o sees c_t."""
    a = x_t @ params.W_ih.T + state.h @ params.W_hh.T + params.b
    a_i, a_f, a_g, a_o = np.split(a, 4, axis=1)
    p_i, p_f, p_o = np.split(params.p, 3)
    i = sigmoid(a_i + p_i * state.c)
    f = sigmoid(a_f + p_f * state.c)
    g = tanh(a_g)
    c_t = f * state.c + i * g
    o = sigmoid(a_o + p_o * c_t)
    return LSTMState(o * tanh(c_t), c_t), PeepholeCache(x_t, state, i, f, g, o, c_t)


def peephole_step_backward(dstate, cache, params):
    """Gradients of one step: (dx_t, dstate_prev, dparams)."""
    x_t, (h_prev, c_prev), i, f, g, o, c_t = cache
    p_i, p_f, p_o = np.split(params.p, 3)
    tanh_c = tanh(c_t)
    da_o = dstate.h * tanh_c * sigmoid_derivative(o)
    # c_t reaches the loss directly, through h_t, and through the peephole of o
    dc = dstate.c + dstate.h * o * tanh_derivative(tanh_c) + da_o * p_o
    da_i = dc * g * sigmoid_derivative(i)
    da_f = dc * c_prev * sigmoid_derivative(f)
    da_g = dc * i * tanh_derivative(g)
    da = np.concatenate([da_i, da_f, da_g, da_o], axis=1)
    dp = np.concatenate([(d * c).sum(axis=0) for d, c in ((da_i, c_prev), (da_f, c_prev), (da_o, c_t))])
    dc_prev = dc * f + da_i * p_i + da_f * p_f
    dparams = PeepholeParams(da.T @ x_t, da.T @ h_prev, da.sum(axis=0), dp)
    return da @ params.W_ih, LSTMState(da @ params.W_hh, dc_prev), dparams


PEEPHOLE = Cell(
    name="peephole",
    params=PeepholeParams,
    state=LSTMState,
    gates=("i", "f", "g", "o"),
    step=peephole_step,
    step_backward=peephole_step_backward,
    extra={"p": 3},
)
CELLS = {"peephole": PEEPHOLE, "lstm": LSTM}


def plan(settings):
    """The keys of the rows: those of the search, then those of the race."""
    search = [
        {"stage": "search", "cell": cell, "seed": seed, "rate": rate}
        for cell in settings["cells"]
        for rate in settings["search"]["rates"]
        for seed in settings["search"]["seeds"]
    ]
    race = [{"stage": "race", "cell": cell, "seed": seed} for cell in settings["cells"] for seed in settings["seeds"]]
    return search + race


def measure(settings, rows, *, stage, cell, seed, rate=None):
    """Train one network. Returns its rate and its errors, one for each check."""
    rate = best_rate(rows, cell) if rate is None else rate
    rng, own, T = np.random.default_rng(seed), CELLS[cell], settings["T"]
    net = models.init(own, 2, settings["units"], 1, rng)
    check = tasks.adding_problem(settings["sequences"], T, rng)
    how = settings["train"] | {"rate": rate, "progress": False}

    def loss(net, batch, state, rng):
        return models.regressor_loss(net, batch, state, rng, cell=own)

    def wrong(net):
        return float(np.square(models.many_to_one(check.x, net, cell=own)[0] - check.y).mean())

    try:
        found = train.fit(
            loss, net, lambda rng: tasks.adding_problem(how["batch"], T, rng).arrays, rng, score=wrong, **how
        )
    except train.NotFinite as stopped:
        found = stopped.fit
    return {"rate": rate, "errors": [round(float(e), 5) for e in found.history.score]}


def best_rate(rows, cell):
    """The rate with the lowest mean error at the end of the search."""
    tried = {}
    for row in rows:
        if (row["stage"], row["cell"]) == ("search", cell):
            tried.setdefault(row["rate"], []).append(row["errors"][-1])
    return min(tried, key=lambda rate: np.mean(tried[rate]))


def raced(stored, cell):
    """(updates (checks,), errors (seeds, checks)) of a cell's runs in the race."""
    errors = [row["errors"] for row in stored["results"] if (row["stage"], row["cell"]) == ("race", cell)]
    how = stored["settings"]["train"]
    return np.arange(1, len(errors[0]) + 1) * how["every"], np.array(errors)


def updates(stored, cell):
    """Updates until the error was at most the target, for each seed; None where it never was."""
    steps, errors = raced(stored, cell)
    there = [steps[row <= stored["settings"]["target"]] for row in errors]
    return [int(found[0]) if len(found) else None for found in there]


def told(stored):
    """The race in words made from the result."""
    found = {cell: updates(stored, cell) for cell in stored["settings"]["cells"]}
    names = {"peephole": "With peepholes", "lstm": "The package's LSTM"}
    last = stored["settings"]["train"]["steps"]
    said = []
    for cell, steps in found.items():
        there = sorted(step for step in steps if step is not None)
        missed = f"; {len(steps) - len(there)} did not within {last}" if len(there) < len(steps) else ""
        span = f" after {there[0]}" + f" to {there[-1]}" * (there[0] < there[-1]) + " updates" if there else ""
        said.append(f"{names[cell]}: {len(there)} of {len(steps)} seeds reached the target{span}{missed}.")
    ours, theirs = ([last + 1 if step is None else step for step in found[cell]] for cell in ("peephole", "lstm"))
    if max(ours) < min(theirs):
        verdict = "**Holds** here: every seed with peepholes was faster than every seed without."
    elif min(ours) > max(theirs):
        verdict = "**Does not hold** here: every seed with peepholes was slower than every seed without."
    else:
        verdict = "**Cannot tell**: the two ranges overlap, and five seeds do not separate them."
    return " ".join([*said, verdict])
