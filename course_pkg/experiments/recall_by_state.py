"""Chapter 20: recall from a memory of a fixed size, trained: what was written last at this key?

A sequence writes `pairs` keys, drawn without repeats from `keys`, each `times` times with values drawn anew, in an
order drawn anew; what counts is the last value of each key. Then every key is asked for. Keys and values are learned
vectors, keys scaled to length 1, and a readout says the value. The contenders differ in the memory alone:

    linear attention    writes are added
    RetNet              and all that stands there keeps one learned share at each step
    DeltaNet            a learned share of what stood at the key is erased, and the same share of the value written
    attention           keeps every key and value; its scores have a learned sharpness and a learned slope over time

d: the length of keys and values; a memory holds d * d numbers, attention 2 d for every step.
values: the share of right answers on fresh sequences; guessing gives one in `keys`.

Claim: trained, the delta rule recalls more than adding does, whether keys are written once or twice.
Refuted by: a size at which DeltaNet has no fewer wrong answers than linear attention.
"""

from typing import NamedTuple

import numpy as np

from course_pkg import layers
from course_pkg.activations import sigmoid, softmax, softmax_backward
from course_pkg.experiments import trials
from course_pkg.experiments.verdicts import worse
from course_pkg.memory import by_kind, memory_backward

KINDS = ["linear attention", "RetNet", "DeltaNet", "attention"]
CLAIMED = "linear attention", "DeltaNet"
SETTINGS = {
    "contender": ["kind", "d"],
    "kinds": KINDS,
    "sizes": [4, 8, 16],
    "times": [1, 2],
    "pairs": 16,
    "keys": 64,
    "batch": 16,
    "test": 100,
    "rates": [0.003, 0.01, 0.03, 0.1, 0.3, 1.0],
    "seeds": [0, 1, 2, 3, 4],
    "updates": [0, 25, 50, 100, 150, 200, 300],
    "search": {"seeds": [100], "updates": [0, 25, 50, 100]},
    "better": "higher",
    "learned": 0.9,
    "guess": 1 / 64,
    "flat": 0.03,
}
QUICK = SETTINGS | {
    "sizes": [4],
    "seeds": [0],
    "updates": [0, 2],
    "search": SETTINGS["search"] | {"updates": [0, 2]},
    "test": 5,
}


class Recaller(NamedTuple):
    """The parameters; `gate` is the share kept (RetNet) or written (DeltaNet) before its sigmoid, or a slope."""

    key: np.ndarray  # (keys, d)
    value: np.ndarray  # (keys, d)
    readout: np.ndarray  # (keys, d)
    sharp: np.ndarray  # (1,)
    gate: np.ndarray  # (1,)


class Batch(NamedTuple):
    """Writes in order, and every key once with its last value."""

    keys: np.ndarray  # (B, T)
    values: np.ndarray  # (B, T)
    asked: np.ndarray  # (B, pairs)
    answers: np.ndarray  # (B, pairs)


def cases(settings):
    """Every memory at every size on both tasks."""
    return [
        {"kind": kind, "d": d, "times": times}
        for times in settings["times"]
        for d in settings["sizes"]
        for kind in settings["kinds"]
    ]


def draw(rng, settings, times, B):
    """A Batch of B sequences of pairs * times writes."""
    n, keys = settings["pairs"], settings["keys"]
    asked = np.argsort(rng.random((B, keys)), axis=1)[:, :n]
    order = np.concatenate([np.argsort(rng.random((B, n)), axis=1) for _ in range(times)], axis=1)
    values = rng.integers(keys, size=(B, n * times))
    answers = np.empty_like(asked)
    for t in range(n * times):  # a later write to the same key takes the place of an earlier one
        answers[np.arange(B), order[:, t]] = values[:, t]
    return Batch(np.take_along_axis(asked, order, axis=1), values, asked, answers)


def start(rng, settings, kind, d):
    """Vectors of length about 1. A memory starts with a share of 0.95, attention without a slope."""
    drawn = [rng.normal(size=(settings["keys"], d)) / np.sqrt(d) for _ in range(3)]
    return Recaller(*drawn, np.array([4.0]), np.array([0.0 if kind == "attention" else 3.0]))


def unit(x):
    """Rows scaled to length 1: (rows, lengths)."""
    length = np.linalg.norm(x, axis=1, keepdims=True)
    return x / length, length


def recalled(net, batch, kind):
    """What the memory says to every question: (said (B, pairs, d), backward of it)."""
    rows, length = unit(net.key)
    k, v, q = rows[batch.keys], net.value[batch.values], rows[batch.asked]
    said, backward = (_attend if kind == "attention" else _remember)(q, k, v, net, kind)

    def back(dsaid):
        dq, dk, dv, dsharp, dgate = backward(dsaid)
        drows, dvalue = np.zeros_like(rows), np.zeros_like(net.value)
        np.add.at(drows, batch.asked, dq)
        np.add.at(drows, batch.keys, dk)
        np.add.at(dvalue, batch.values, dv)
        dkey = (drows - rows * (drows * rows).sum(axis=1, keepdims=True)) / length
        return dkey, dvalue, np.array([dsharp]), np.array([dgate])

    return said, back


def _remember(q, k, v, net, kind):
    share = float(sigmoid(net.gate)[0])
    keep = share if kind == "RetNet" else None
    write = np.full(k.shape[:2], share) if kind == "DeltaNet" else None
    _, S, tape = by_kind(kind, np.zeros_like(k), k, v, keep=keep, write=write)

    def backward(dsaid):
        d = memory_backward(None, np.einsum("bnv,bnk->bvk", dsaid, q), tape)
        dshare = {"RetNet": d.keep.sum(), "DeltaNet": (d.write + d.erase).sum()}.get(kind, 0.0)
        return dsaid @ S, d.k, d.v, 0.0, dshare * share * (1 - share)

    return q @ S.transpose(0, 2, 1), backward


def _attend(q, k, v, net, kind):
    match, time = q @ k.transpose(0, 2, 1), np.arange(k.shape[1])
    weights = softmax(net.sharp * match + net.gate * time)

    def backward(dsaid):
        dscore = softmax_backward(dsaid @ v.transpose(0, 2, 1), weights)
        dmatch = net.sharp * dscore
        dv = weights.transpose(0, 2, 1) @ dsaid
        return dmatch @ k, dmatch.transpose(0, 2, 1) @ q, dv, (dscore * match).sum(), (dscore * time).sum()

    return weights @ v, backward


def loss(net, batch, kind):
    """Mean cross-entropy of the answers: (nats, gradient as a Recaller)."""
    said, backward = recalled(net, batch, kind)
    sharp = 1.0 if kind == "attention" else net.sharp[0]
    nats, tape = layers.softmax_cross_entropy(sharp * (said @ net.readout.T), batch.answers)
    dscores = layers.softmax_cross_entropy_backward(1.0, tape)
    dkey, dvalue, dsharp, dgate = backward(sharp * (dscores @ net.readout))
    if kind != "attention":
        dsharp = dsharp + (dscores * (said @ net.readout.T)).sum()
    dreadout = sharp * np.einsum("bnk,bnv->kv", dscores, said)
    return nats, Recaller(dkey, dvalue, dreadout, dsharp, dgate)


def train(settings, rate, seed, case):
    """One run: its curve, and the share or slope that it learned."""
    kind, times, rng = case["kind"], case["times"], np.random.default_rng(seed)
    net = start(rng, settings, kind, case["d"])
    test = draw(np.random.default_rng([seed, 1]), settings, times, settings["test"])

    def look(net):
        said, _ = recalled(net, test, kind)
        right = (said @ net.readout.T).argmax(axis=2) == test.answers
        gate = net.gate[0] if kind == "attention" else float(sigmoid(net.gate)[0])
        return {"values": right.mean(), "gate": gate}

    return trials.follow(
        lambda net, batch, state, rng: (*loss(net, batch, kind), None),
        net,
        lambda rng: draw(rng, settings, times, settings["batch"]),
        rng,
        rate=rate,
        updates=settings["updates"],
        look=look,
    )


def wrong(stored, **case):
    """The share of wrong answers at the end, one for each seed."""
    return 1 - trials.curves(trials.compared(stored, **case))[:, -1]


def verdict(stored, margin=0.01):
    """On the claim: errors of adding against errors of the delta rule, for each size and task."""
    settings = stored["settings"]
    words = {1: "each key once", 2: "each key twice"}
    pairs = {
        f"{words[times]}, {d} by {d}": [wrong(stored, kind=kind, d=d, times=times) for kind in CLAIMED]
        for times in settings["times"]
        for d in settings["sizes"]
    }
    return worse(pairs, margin, floor=0.01, chance=0.97)
