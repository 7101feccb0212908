"""Chapter 7: how a trained LSTM remembers the order of two symbols, by the start of its forget gates.

Claim: a network whose forget gates start ready for the length of the task (chrono) keeps what it read in its cell
state, so that it answers without what h says in the waits; one that starts at a forget bias of 1 or 3 writes its
memory anew through h, and answers worse without it.
Refuted by: networks from such a bias that do as well as those from chrono when h says nothing in the waits, all
networks counted having learned the task.

A forget bias of 0 is searched and not compared ("search_only"): where hardly a run learns at any rate, there is no
trained network to look into, and no rate to compare at.

The task is `tasks.temporal_order`: two marks, each X or Y, and two waits, from the first mark to the second and
from the second to the answer. Every start gets the rate of its own search. values: accuracy on fresh sequences.

Knives. For each of them the trained network runs again, and in the waits something is replaced by its mean over all
sequences at that step, so that it is as large as ever and says nothing about this sequence:

    gates    i, f and o, at every step of the waits
    h        what the step sees of h, at every step of the waits: only c carries a memory across
    c        what the step sees of c, at every step of the waits: only h carries a memory across
    h once, c once    the same at one step in the middle of each wait

cut: the accuracy after each, "whole" without any, for the network after each number of updates in `cut_at`.

Gradient, of the trained network: of the score of the right answer, less the mean score of all, at the cell state c
so many steps (`lags`) before the end, as a share of that at the last c. Geometric means of its length over sequences.
whole: by all ways. direct: through equation (7.4) alone, times the forget gates passed on the way.

gates: shares of the values of each gate "below" 0.05 and "above" 0.95, at all steps. kept: the product of a unit's
forget gates from the first wait to the end, a geometric mean over sequences, for the "best" unit and the "median".
"""

import sys

import numpy as np

from course_pkg import bptt, cells, models, tasks
from course_pkg.experiments import trials
from course_pkg.experiments.verdicts import FEWEST, Verdict, within, worse

KNIVES = "gates", "h", "c", "h once", "c once"
STARTS = {
    "bias 0": {"forget_bias": 0.0},
    "bias 1": {"forget_bias": 1.0},
    "bias 3": {"forget_bias": 3.0},
    "chrono": {"longest": "T"},  # the length of the task
}
SETTINGS = {
    "starts": ["bias 1", "bias 3", "chrono"],
    "search_only": ["bias 0"],
    "T": 60,
    "units": 16,
    "batch": 64,
    "sequences": 400,
    "lags": [0, 1, 4, 8, 12, 16, 20, 24, 28, 32, 36, 40, 44, 47],
    "cut_at": [150, 300, 600, 1000],
    "contender": ["start"],
    "rates": [0.003, 0.01, 0.03, 0.1, 0.3],
    "seeds": list(range(10)),
    "updates": [0, 25, 50, 75, 100, 150, 200, 250, 300, 400, 500, 600, 700, 800, 900, 1000],
    "search": {"seeds": [100, 101, 102, 103, 104, 105], "updates": [0, 25, 50, 75, 100, 160, 240, 320, 400]},
    "better": "higher",
    "learned": 0.95,
    "guess": 0.25,
    "flat": 0.02,
}
QUICK = SETTINGS | {
    "starts": ["bias 1", "chrono"],
    "search_only": [],
    "T": 20,
    "units": 4,
    "batch": 4,
    "sequences": 12,
    "lags": [0, 1, 4],
    "cut_at": [3],
    "rates": [0.01, 0.03],
    "seeds": [0],
    "updates": [0, 3],
    "search": {"seeds": [100], "updates": [0, 2]},
}


def cases(settings):
    """One for each start."""
    return [{"T": settings["T"], "start": start} for start in settings["starts"]]


def plan(settings):
    """As that of `trials`, with the search alone for the starts in `search_only`."""
    alone = settings["search_only"]
    rows = trials.plan(sys.modules[__name__], settings | {"starts": [*alone, *settings["starts"]]})
    return [row for row in rows if row["stage"] == "search" or row["start"] not in alone]


def measure(settings, rows, *, stage, seed, rate=None, **case):
    """As that of `trials`."""
    return trials.measure(sys.modules[__name__], settings, rows, stage, seed, rate, **case)


def network(settings, start, rng):
    """A network before training: one-hot symbols, one LSTM, a readout of the last h."""
    how = {name: settings["T"] if value == "T" else value for name, value in STARTS[start].items()}
    return models.init("lstm", 8, settings["units"], 4, rng, **how)


def draw(n, T, rng):
    """n sequences: one-hot symbols (n, T, 8) and the class of their order (n,)."""
    task = tasks.temporal_order(n, T, rng)
    return np.eye(8, dtype=np.float32)[task.x], task.y


def train(settings, rate, seed, case):
    """One run: its curve, and at the looks in `cut_at` what the knives leave."""
    rng, T, nets = np.random.default_rng(seed), settings["T"], []
    net = network(settings, case["start"], rng)
    x, y = draw(settings["sequences"], T, np.random.default_rng([seed, 1]))

    def look(net):
        nets.append(net)
        return {"values": models.accuracy(models.many_to_one(x, net)[0], y)}

    found = trials.follow(
        models.classifier_loss,
        net,
        lambda rng: draw(settings["batch"], T, rng),
        rng,
        rate=rate,
        updates=settings["updates"],
        look=look,
    )
    at = [k for k, made in enumerate(found["updates"]) if made in settings["cut_at"] and k < len(nets)]
    if at:
        cut = [knives(x, y, nets[k]) for k in at]
        found["cut"] = {name: [one[name] for one in cut] for name in cut[0]}
        found |= {"gradient": gradient(x, y, nets[at[-1]], settings["lags"])} | gate_values(x, nets[at[-1]], T)
    return found


def waits(T):
    """The steps at which no mark can stand, after the first: two lists, from mark to mark and from mark to answer."""
    (_, first), (second, end) = tasks.memory.ORDER_PLACES[2]
    return list(range(int(first * T), int(second * T))), list(range(int(end * T), T))


def knives(x, y, net):
    """Accuracy as the network is, "whole", and after each of KNIVES."""
    both = waits(x.shape[1])
    middle = [wait[len(wait) // 2] for wait in both]
    every = [t for wait in both for t in wait]
    plain = run(x, net)
    found = {"whole": right(plain[-1][0], y, net)}
    for knife in KNIVES:
        steps = middle if "once" in knife else every
        found[knife] = right(run(x, net, knife.split()[0], steps, plain)[-1][0], y, net)
    return found


def run(x, net, what=None, steps=(), plain=None):
    """The states before the first step and after each, with the gates of that step: [(state, (i, f, o)), ...].

    At `steps` the state or the gates that `what` names are the means over the sequences of `plain`, an earlier run.
    """
    p = net.stack[0].forward
    state = bptt.zero_state(cells.LSTM, x, p)
    found = [(state, None)]
    for t in range(x.shape[1]):
        if t in steps and what != "gates":
            mean = getattr(plain[t][0], what).mean(axis=0)
            state = state._replace(**{what: np.broadcast_to(mean, state.h.shape)})
        after, cache = cells.lstm_step(x[:, t], state, p)
        gates = cache.i, cache.f, cache.o
        if t in steps and what == "gates":
            gates = i, f, o = [gate.mean(axis=0) for gate in plain[t + 1][1]]
            c = f * state.c + i * cache.g
            after = cells.LSTMState(o * np.tanh(c), c)
        state = after
        found.append((state, gates))
    return found


def right(state, y, net):
    """The share of right answers from the last states."""
    return round(models.accuracy(state.h @ net.readout.W.T + net.readout.b, y), 4)


def gradient(x, y, net, lags):
    """{"whole": [...], "direct": [...]}: the length of the gradient at c, so many steps before the end."""
    p = net.stack[0].forward
    _, _, caches = bptt.unroll(cells.LSTM, x, None, p)
    dh = net.readout.W[y] - net.readout.W.mean(axis=0)
    back = bptt.state_gradients(cells.LSTM, cells.LSTMState(dh, np.zeros_like(dh)), caches, p)[::-1]
    dc = dh * caches[-1].o * (1 - caches[-1].tanh_c ** 2)
    passed = np.cumprod([np.ones_like(dc), *(k.f for k in caches[::-1])], axis=0)
    ways = {
        "whole": [dc if lag == 0 else back[lag].c for lag in lags],
        "direct": [dc * passed[lag] for lag in lags],
    }
    first = np.linalg.norm(dc, axis=1)
    return {name: [_share(np.linalg.norm(d, axis=1), first) for d in found] for name, found in ways.items()}


def _share(length, first):
    """The geometric mean over sequences of length / first, (B,) both."""
    tiny = np.finfo(np.float32).tiny
    return float(f"{np.exp(np.mean(np.log(np.maximum(length, tiny) / np.maximum(first, tiny)))):.3g}")


def gate_values(x, net, T):
    """{"gates": shares at the ends of the range, "kept": products of forget gates}."""
    values = np.array([gates for _, gates in run(x, net)[1:]])  # (T, 3, B, H)
    shares = {
        name: {"below": round(float((v < 0.05).mean()), 4), "above": round(float((v > 0.95).mean()), 4)}
        for name, v in zip("ifo", np.moveaxis(values, 1, 0))
    }
    kept = np.exp(np.log(np.maximum(values[waits(T)[0][0] :, 1], 1e-30)).sum(axis=0).mean(axis=0))  # (H,)
    return {
        "gates": shares | {"mean f": round(float(values[:, 1].mean()), 4)},
        "kept": {"best": float(f"{kept.max():.3g}"), "median": float(f"{np.median(kept):.3g}")},
    }


def trained(stored, start):
    """The rows of the comparison from one start that had learned the task when they ended."""
    rows = trials.compared(stored, start=start)
    return [row for row in rows if trials.good(row["values"][-1], stored["settings"])]


def after(stored, start, knife, look=-1):
    """(runs,): accuracy after a knife of the networks from a start that learned, at one of the looks in cut_at."""
    return np.array([row["cut"][knife][look] for row in trained(stored, start)])


ANSWERS = "chrono answers with h silent"


def verdict(stored):
    """On the claim: its first half for chrono alone, its second against each other start, with h silent."""
    ready = after(stored, "chrono", "h")
    others = [start for start in stored["settings"]["starts"] if start != "chrono"]
    pairs = {start: (1 - after(stored, start, "h"), 1 - ready) for start in others}
    second = worse(pairs, 0.1, floor=0.05, chance=0.7)
    if len(ready) < FEWEST:
        return Verdict({ANSWERS: None} | second.cases, {ANSWERS: f"fewer than {FEWEST} runs"} | second.why)
    first = within({ANSWERS: ready}, low=0.9)
    return Verdict(first.cases | second.cases, second.why)
