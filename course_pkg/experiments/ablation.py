"""Chapter 7: an LSTM with one part taken away at a time, on the order of two symbols.

Claim: of the changes below, taking the forget gate away costs the LSTM most: it needs more updates to learn the task
than with any other change, and more than whole.
Refuted by: a network, whole or changed in another way, that needs more updates than one without a forget gate, or
as many within one look at the curve.

    whole               the LSTM of the package
    no input gate       i = 1
    no forget gate      f = 1, as in Hochreiter and Schmidhuber 1997
    no output gate      o = 1
    coupled             i = 1 - f
    no biases           all biases are 0 and stay there, that of the forget gate too
    linear candidate    g is not squashed
    linear output       h = o * c
    blind gates         i, f and o see x and their biases, and not h

Every network has as many units; a change that takes parameters away is not paid back in units. Each has the start of
the whole one, a forget bias of 1 (but without biases), and the rate of its own search. values: accuracy on fresh
sequences. A run ends once it has learned, in the comparison at two looks in a row. The search has four seeds: with
two, a rate was chosen for the network without an input gate at which two of ten runs learned, and they all do at
another.

The streams have 30 steps, half as many as in `remember`. Over 60, in a search of two seeds, the best of these rates
was the smallest or the largest for five of seven networks, so that length needs a wider grid; it was not compared.

Source of the idea and of most of the changes: Greff et al. 2017, on other tasks and with peepholes.
"""

import math

import numpy as np

from course_pkg import models
from course_pkg.activations import sigmoid, sigmoid_derivative, tanh, tanh_derivative
from course_pkg.cells import LSTM, LSTMCache, LSTMParams, LSTMState
from course_pkg.experiments import trials
from course_pkg.experiments.remember import draw
from course_pkg.experiments.verdicts import worse

CHANGES = (
    "whole",
    "no input gate",
    "no forget gate",
    "no output gate",
    "coupled",
    "no biases",
    "linear candidate",
    "linear output",
    "blind gates",
)
OPEN = {"no input gate": 0, "no forget gate": 1, "no output gate": 3}  # which quarter of the rows i, f, g, o
SETTINGS = {
    "changes": list(CHANGES),
    "T": [30],
    "units": 16,
    "batch": 32,
    "sequences": 400,
    "contender": ["change"],
    "rates": [0.01, 0.03, 0.003, 0.1, 0.3],
    "seeds": list(range(10)),
    "updates": [0, 10, 20, 30, 40, 50, 60, 70, 80, 100, 120, 140, 160, 200, 250, 300, 400, 500, 600, 800],
    "search": {"seeds": [100, 101, 102, 103], "updates": [0, 20, 30, 40, 50, 60, 80, 100, 150, 200, 300]},
    "better": "higher",
    "learned": 0.95,
    "guess": 0.25,
    "flat": 0.02,
    "margin": 25,
}
QUICK = SETTINGS | {
    "changes": ["whole", "no forget gate", "coupled", "linear output"],
    "T": [12],
    "units": 3,
    "batch": 4,
    "sequences": 12,
    "rates": [0.01, 0.03],
    "seeds": [0],
    "updates": [0, 2],
    "search": {"seeds": [100], "updates": [0, 2]},
}


def cases(settings):
    """One for each change and length."""
    return [{"T": T, "change": change} for T in settings["T"] for change in settings["changes"]]


def train(settings, rate, seed, case):
    """One run: its curve."""
    rng, T, change = np.random.default_rng(seed), case["T"], case["change"]
    net = models.init("lstm", 8, settings["units"], 4, rng)
    net = with_layer(net, start(net.stack[0].forward, change))
    cell = changed(change)
    x, y = draw(settings["sequences"], T, np.random.default_rng([seed, 1]))
    looks = 1 if "hopeless" in settings else 2

    def enough(made, found):
        done = [trials.good(look["values"], settings) for look in found[-looks:]]
        return (len(done) == looks and all(done)) or made >= settings.get("hopeless", math.inf)

    return trials.follow(
        loss_of(change),
        net,
        lambda rng: draw(settings["batch"], T, rng),
        rng,
        rate=rate,
        updates=settings["updates"],
        look=lambda net: {"values": models.accuracy(models.many_to_one(x, net, cell=cell)[0], y)},
        enough=enough,
    )


def loss_of(change):
    """The loss of a network with a change, for `train.fit`: its gradient is 0 where nothing is to be learned."""
    cell = changed(change)

    def loss(net, batch, state, rng):
        value, gradient, state = models.classifier_loss(net, batch, state, rng, cell=cell)
        return value, with_layer(gradient, held(gradient.stack[0].forward, change)), state

    return loss


def with_layer(net, layer):
    """A network of one layer with other parameters in it."""
    return net._replace(stack=(net.stack[0]._replace(forward=layer),))


def start(p, change):
    """Starting parameters: those of the package's LSTM, and what the change fixes."""
    p = held(p, change)
    b = p.b.copy()
    if change in OPEN:
        rows(b, OPEN[change])[:] = 50  # the sigmoid of 50 is 1 to the last digit
    return p._replace(b=b)


def held(p, change):
    """Parameters, or a gradient, with 0 where the change leaves nothing to learn."""
    W_ih, W_hh, b = (a.copy() for a in p)
    if change in OPEN:
        for a in (W_ih, W_hh, b):
            rows(a, OPEN[change])[:] = 0
    if change == "no biases":
        b[:] = 0
    if change == "blind gates":
        for k in (0, 1, 3):
            rows(W_hh, k)[:] = 0
    return LSTMParams(W_ih, W_hh, b)


def rows(a, k):
    """A view of the rows of one of i, f, g, o."""
    return np.split(a, 4)[k]


def changed(change):
    """The cell: a gate taken away is one that is held open, so most changes need no cell of their own."""
    if change not in ("coupled", "linear candidate", "linear output"):
        return LSTM

    def step(x_t, state, p):
        a_i, a_f, a_g, a_o = np.split(x_t @ p.W_ih.T + state.h @ p.W_hh.T + p.b, 4, axis=1)
        f, o = sigmoid(a_f), sigmoid(a_o)
        i = 1 - f if change == "coupled" else sigmoid(a_i)
        g = a_g if change == "linear candidate" else tanh(a_g)
        c_t = f * state.c + i * g
        shown = c_t if change == "linear output" else tanh(c_t)
        return LSTMState(o * shown, c_t), LSTMCache(x_t, state, i, f, g, o, shown)

    def step_backward(dstate, cache, p):
        x_t, (h_prev, c_prev), i, f, g, o, shown = cache
        dc = dstate.c + dstate.h * o * (1 if change == "linear output" else tanh_derivative(shown))
        di, df = dc * g, dc * c_prev
        if change == "coupled":
            di, df = np.zeros_like(di), df - di
        da_g = dc * i * (1 if change == "linear candidate" else tanh_derivative(g))
        gates = [d * sigmoid_derivative(s) for d, s in ((di, i), (df, f), (dstate.h * shown, o))]
        da = np.concatenate([gates[0], gates[1], da_g, gates[2]], axis=1)
        dp = LSTMParams(da.T @ x_t, da.T @ h_prev, da.sum(axis=0))
        return da @ p.W_ih, LSTMState(da @ p.W_hh, dc * f), dp

    return LSTM._replace(name=change, step=step, step_backward=step_backward, run=None, run_backward=None)


def verdict(stored):
    """On the claim, for each length and network: without a forget gate more updates are needed than it needs."""
    settings, pairs = stored["settings"], {}
    for T in settings["T"]:
        took = {change: trials.took(stored, T=T, change=change) for change in settings["changes"]}
        without = took.pop("no forget gate")
        pairs |= {f"{change} ({T} steps)": (without, others) for change, others in took.items()}
    return worse(pairs, settings["margin"])
