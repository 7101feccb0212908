"""The page "A cell of your own": its LSTM with peepholes against the package's LSTM on the adding problem.

Both cells have as many units and the same start: the peepholes start at 0, so that both begin as the same function.

Claim: with peepholes the LSTM reaches the target on the adding problem in fewer updates.
Refuted by: the package's LSTM needing as many updates or fewer.

values: mean squared error on fresh sequences; answering with the mean gives 1/6.
"""

import functools
import math
from typing import NamedTuple

import numpy as np

from course_pkg import models, tasks
from course_pkg.activations import sigmoid, sigmoid_derivative, tanh, tanh_derivative
from course_pkg.cells import LSTM, Cell, LSTMState
from course_pkg.experiments import trials, verdicts

SETTINGS = {
    "cells": ["peephole", "lstm"],
    "T": 20,
    "units": 16,
    "contender": ["cell"],
    "rates": [0.003, 0.01, 0.03, 0.1],
    "seeds": [0, 1, 2, 3, 4],
    "updates": list(range(0, 801, 50)),
    "search": {"seeds": [100, 101], "updates": list(range(0, 401, 50))},
    "batch": 32,
    "sequences": 400,
    "better": "lower",
    "learned": 0.01,
    "guess": 1 / 6,
    "flat": 0.002,
}
QUICK = SETTINGS | {
    "T": 4,
    "units": 3,
    "seeds": [0],
    "updates": [0, 1, 2],
    "search": {"seeds": [100], "updates": [0, 1]},
    "batch": 4,
    "sequences": 5,
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


def cases(settings):
    """One for each cell."""
    return [{"cell": cell} for cell in settings["cells"]]


def train(settings, rate, seed, case):
    """One network of a cell, and its error on fresh sequences over updates."""
    rng, cell, T = np.random.default_rng(seed), CELLS[case["cell"]], settings["T"]
    net = models.init(cell, 2, settings["units"], 1, rng)
    check = tasks.adding_problem(settings["sequences"], T, rng)

    def look(net):
        return {"values": np.square(models.many_to_one(check.x, net, cell=cell)[0] - check.y).mean()}

    return trials.follow(
        functools.partial(models.regressor_loss, cell=cell),
        net,
        lambda rng: tasks.adding_problem(settings["batch"], T, rng).arrays,
        rng,
        rate=rate,
        updates=settings["updates"],
        look=look,
    )


def verdict(stored):
    """On the claim: the package's LSTM needs more updates."""
    ours, theirs = (trials.took(stored, cell=cell) for cell in ("peephole", "lstm"))
    return verdicts.worse({"the adding problem": (theirs, ours)}, margin=0)


def raced(stored, cell):
    """(updates (looks,), errors (seeds, looks)) of a cell's runs in the comparison, from the first look after 0 on."""
    rows = trials.compared(stored, cell=cell)
    return np.array(rows[0]["updates"])[1:], trials.curves(rows)[:, 1:]


def told(stored):
    """The race in words made from the result."""
    last, said = stored["settings"]["updates"][-1], []
    for cell, name in (("peephole", "With peepholes"), ("lstm", "The package's LSTM")):
        took = trials.took(stored, cell=cell)
        there = sorted(int(n) for n in took if n < math.inf)
        missed = f"; {len(took) - len(there)} did not within {last}" if len(there) < len(took) else ""
        span = f" after {there[0]}" + f" to {there[-1]}" * (there[0] < there[-1]) + " updates" if there else ""
        said.append(f"{name}: {len(there)} of {len(took)} seeds reached the target{span}{missed}.")
    words = {
        "holds": "**Holds** here: every seed with peepholes was faster than every seed without.",
        "does not hold": "**Does not hold** here: the peepholes made it no faster.",
        "cannot tell": "**Cannot tell**: the two ranges overlap, and five seeds do not separate them.",
    }
    return " ".join([*said, words[verdict(stored).word]])
