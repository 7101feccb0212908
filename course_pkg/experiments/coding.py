"""Chapter 02: the same symbols as a number, a standardised number, a one-hot row or an embedding.

The feedforward network of chapter 01, with `hidden` units, sees a whole stream of T of the 8 symbols of the temporal
order task at once and says in which order its two marks came. It differs only in what stands for a symbol.

Claim: a network that is given one-hot rows needs fewer updates than one that is given the symbols' numbers, also
when the numbers are standardised.
Refuted by: standardised numbers that need no more updates than one-hot rows.

values: accuracy on 1,000 streams that no network was trained on.
"""

from typing import NamedTuple

import numpy as np

from course_pkg import layers, models, tasks
from course_pkg.experiments import trials, verdicts

SETTINGS = {
    "T": 30,
    "hidden": 32,
    "embedding": 4,
    "codings": ["number / 7", "standardised number", "one-hot", "embedding"],
    "contender": ["coding"],
    "rates": [0.0003, 0.001, 0.003, 0.01, 0.03, 0.1, 0.3, 1.0],
    "seeds": [0, 1, 2, 3, 4],
    "updates": [0, 25, 50, 100, 150, 200, 300, 400, 600, 800],
    "search": {"seeds": [100, 101], "updates": [0, 50, 100, 200, 300, 400]},
    "batch": 64,
    "clip": 1.0,
    "better": "higher",
    "learned": 0.9,
    "guess": 0.25,
    "flat": 0.02,
}
QUICK = SETTINGS | {
    "T": 10,
    "hidden": 4,
    "seeds": [0],
    "updates": [0, 1, 2, 3],
    "search": {"seeds": [100], "updates": [0, 2]},
}


def verdict(stored):
    """On the claim, for each coding against one-hot rows."""
    hot = trials.took(stored, coding="one-hot")
    others = [coding for coding in stored["settings"]["codings"] if coding != "one-hot"]
    pairs = {coding: (trials.took(stored, coding=coding), hot) for coding in others}
    return verdicts.worse(pairs, margin=0)


class MLP(NamedTuple):
    """A layer of tanh units and a readout; the embedding is None where x is coded already."""

    embedding: object
    hidden: layers.LinearParams
    readout: layers.LinearParams


def cases(settings):
    """One for each coding."""
    return [{"coding": coding} for coding in settings["codings"]]


def code(ids, coding):
    """What stands for symbols ids (B, T) of 8, which are equally spaced: (B, T, features), or ids to be embedded."""
    if coding == "number / 7":
        return (ids[..., None] / 7).astype(np.float32)
    if coding == "standardised number":
        every = np.arange(8)
        return ((ids[..., None] - every.mean()) / every.std()).astype(np.float32)
    return np.eye(8, dtype=np.float32)[ids] if coding == "one-hot" else ids


def train(settings, rate, seed, case):
    """One network. See the module for what it returns."""
    coding, T, rng = case["coding"], settings["T"], np.random.default_rng(seed)

    def draw(rng, n=settings["batch"]):
        task = tasks.temporal_order(n, T, rng)
        return code(task.x, coding), task.y

    x, y = draw(np.random.default_rng(99), 1000)
    how = {"rate": rate, "updates": settings["updates"], "clip": settings["clip"]}
    return trials.follow(
        loss,
        start(settings, coding, T, rng),
        draw,
        rng,
        look=lambda net: {"values": models.accuracy(scores(x, net)[0], y)},
        **how,
    )


def start(settings, coding, T, rng):
    """A network that was not trained."""
    H, size = settings["hidden"], settings["embedding"]
    table = layers.EmbeddingParams(rng.normal(size=(8, size)).astype(np.float32)) if coding == "embedding" else None
    features = {"one-hot": 8, "embedding": size}.get(coding, 1)
    return MLP(table, models.init_linear(T * features, H, rng, np.float32), models.init_linear(H, 4, rng, np.float32))


def scores(x, net):
    """(scores (B, 4), tape) of x (B, T, features), or (B, T) symbols."""
    v, looked = (x, None) if net.embedding is None else layers.embedding(x, net.embedding)
    a, hidden = layers.linear(v.reshape(len(v), -1), net.hidden)
    h = np.tanh(a)
    out, readout = layers.linear(h, net.readout)
    return out, (looked, v.shape, hidden, h, readout)


def loss(net, batch, state, rng):
    """Cross-entropy and its gradient, as `train.fit` wants them."""
    x, y = batch
    out, (looked, shape, hidden, h, readout) = scores(x, net)
    value, error = layers.softmax_cross_entropy(out, y)
    dh, dreadout = layers.linear_backward(layers.softmax_cross_entropy_backward(1.0, error), readout)
    dv, dhidden = layers.linear_backward(dh * (1 - h * h), hidden)
    dtable = None if looked is None else layers.embedding_backward(dv.reshape(shape), looked)
    return value, MLP(dtable, dhidden, dreadout), None
