"""Chapter 13: is a review positive, when its verdict stands near the end or far from it?

Every network reads made reviews of `sentences` sentences: an embedding, a layer of one cell, a readout,
trained with Adam. taught: the distance of the verdict from the end, in sentences, in all reviews of the
training; "anywhere": each distance equally often. read: what the readout sees, the "last" state or the
"mean" of all states, each over the true steps.

right: the accuracy on new reviews of each distance from 0 to sentences - 1. longer: the same on reviews
of `longer` sentences. padded: the accuracy over all distances when the state is read after so many steps
of padding. watched: means over words of each of KINDS, of the gates, and of how far the word moved the
score for "positive" against "negative".

A withheld network was taught without the reviews that hold one of the words `withheld`; known and
unknown: [accuracy, mean probability of its own answers] on new reviews without and with one of these.
"""

import numpy as np

from course_pkg import bptt, cells, layers, models, padded, tasks, train
from course_pkg.activations import softmax
from course_pkg.tasks.sentences import BAD, DISLIKED, GOOD, LIKED

SETTINGS = {
    "cells": ["rnn", "lstm", "gru"],
    "reads": ["last", "mean"],
    "taught": [0, 1, 2, 3, 4, 5],
    "seeds": [0, 1, 2, 3, 4],
    "sentences": 6,
    "longer": 12,
    "padding": [0, 10, 20, 40],
    "withheld": ["charming", "boring"],
    "units": 16,
    "embedding": 8,
    "reviews": 3000,
    "test": 200,
    "train": {"steps": 500, "batch": 32, "rate": 0.02, "clip": 1.0},
}
SYMBOLS = tasks.reviews(1, np.random.default_rng(0)).symbols
KINDS = ("before the verdict", "after the verdict", "other words of it", "not or never", "opinion", "its full stop")
GATES = {"rnn": "", "lstm": "ifo", "gru": "rz"}


def plan(settings):
    """The keys of the rows: taught anywhere, taught at one distance, taught without two words."""
    seeds, row = settings["seeds"], {"taught": "anywhere", "read": "last", "withheld": False}
    rows = [
        row | {"cell": c, "read": r, "seed": s} for c in settings["cells"] for r in settings["reads"] for s in seeds
    ]
    rows += [
        row | {"taught": d, "cell": c, "seed": s} for d in settings["taught"] for c in settings["cells"] for s in seeds
    ]
    return rows + [row | {"withheld": True, "cell": "gru", "seed": s} for s in seeds]


def measure(settings, rows, *, taught, cell, read, seed, withheld):
    """Train one network. Returns what it scored."""
    net = trained(settings, taught, cell, read, seed, withheld)
    if withheld:
        return dict(zip(("known", "unknown"), with_and_without(settings, net)))
    found = {
        "right": right(settings, net, read, settings["sentences"]),
        "longer": right(settings, net, read, settings["longer"]),
    }
    if taught == "anywhere" and read == "last":
        found |= {"padded": after_padding(settings, net), "watched": watch(settings, net, cell)}
    return found


def trained(settings, taught, cell, read, seed, withheld=False):
    """The parameters of one network; same arguments, same network."""
    rng = np.random.default_rng(seed)
    sentences = settings["sentences"]
    where = range(sentences) if taught == "anywhere" else [taught]
    x, y, lengths = draw(settings["reviews"], rng, sentences, where)
    if withheld:
        keep = ~holds(x, settings["withheld"])
        x, y, lengths = x[keep], y[keep], lengths[keep]
    net = models.init(cell, len(SYMBOLS), settings["units"], 2, rng, embedding=settings["embedding"])
    return train.fit(READ[read][1], net, (x, y, None, lengths), rng, progress=False, **settings["train"]).params


def draw(n, rng, sentences, where):
    """n reviews, equally many for each distance in `where`: (x (n, T), y (n,), lengths (n,))."""
    drawn = [tasks.reviews(n // len(where), rng, sentences=sentences, distance=d) for d in where]
    x, lengths = tasks.pad([row[:k] for d in drawn for row, k in zip(d.x, d.lengths)])
    return x, np.concatenate([d.y for d in drawn]), lengths


def holds(x, words):
    """(n,) booleans: does a review of x (n, T) hold one of `words`?"""
    return np.isin(x, tasks.encode(words, SYMBOLS)).any(axis=1)


def read_mean(x, params, lengths):
    """Scores (B, K) from the mean of the states over the true steps of x (B, T), and what the way back needs.

    The readout is linear, so the mean of what it says at every step is what it says of the mean state.
    """
    said, _, tape = models.many_to_many(x, params, lengths=lengths)
    share = padded.mask(lengths, x.shape[1]) / lengths[:, None]  # 1 / n at each true step, 0 behind
    share = share.astype(said.dtype)[:, :, None]
    return (said * share).sum(axis=1), (tape, share)


def read_mean_backward(dy, tape):
    """dy (B, K), returns (dv, dstate_0, Network) as `models.many_to_one_backward` does."""
    steps, share = tape
    return models.many_to_many_backward(dy[:, None] * share, None, steps)


def mean_loss(params, batch, state, rng):
    """Cross-entropy of a class read from the mean state, for `train.fit`; a batch is (x, y, mask, lengths)."""
    x, y, _, lengths = batch
    scores, tape = read_mean(x, params, lengths)
    value, loss_tape = layers.softmax_cross_entropy(scores, y)
    return value, read_mean_backward(layers.softmax_cross_entropy_backward(1.0, loss_tape), tape)[2], None


def read_last(x, params, lengths):
    """Scores (B, K) from the state after the last true step of x (B, T), and what the way back needs."""
    scores, _, tape = models.many_to_one(x, params, lengths=lengths)
    return scores, tape


READ = {"last": (read_last, models.classifier_loss), "mean": (read_mean, mean_loss)}


def right(settings, net, read, sentences):
    """The accuracy on new reviews of so many sentences, for each distance."""
    found = []
    for d in range(sentences):
        new = tasks.reviews(settings["test"], np.random.default_rng(1000 + d), sentences=sentences, distance=d)
        found.append(round(models.accuracy(READ[read][0](new.x, net, new.lengths)[0], new.y), 4))
    return found


def after_padding(settings, net):
    """The accuracy when every review is read after so many more steps of padding than it has words."""
    sentences = settings["sentences"]
    x, y, lengths = draw(sentences * settings["test"], np.random.default_rng(1000), sentences, range(sentences))
    x = np.pad(x, ((0, 0), (0, max(settings["padding"]))))
    return [round(models.accuracy(read_last(x, net, lengths + k)[0], y), 4) for k in settings["padding"]]


def watch(settings, net, cell):
    """{"moved" or a gate: the mean for each of KINDS} over new reviews with the verdict in the middle."""
    sentences = settings["sentences"]
    new = tasks.reviews(settings["test"], np.random.default_rng(2000), sentences=sentences, distance=sentences // 2)
    kinds, embedded = kinds_of(new.x, sentences - 1 - sentences // 2), net.embedding.table[new.x]
    zeros = np.zeros((len(new.x), settings["units"]), embedded.dtype)
    h, _, caches = bptt.unroll(cells.by_name(cell), embedded, None, net.stack[0].forward)
    score = np.diff(layers.linear(np.concatenate([zeros[:, None], h], axis=1), net.readout)[0])[:, :, 0]
    seen = {"moved": np.abs(np.diff(score, axis=1))}
    seen |= {gate: np.stack([getattr(k, gate).mean(axis=1) for k in caches], axis=1) for gate in GATES[cell]}
    return {name: [round(float(a[kinds == k].mean()), 4) for k in range(len(KINDS))] for name, a in seen.items()}


def kinds_of(x, place):
    """The kind of each word of x (N, T), as its place in KINDS, -1 for padding; the verdict is sentence `place`."""
    ended = x == tasks.encode(".", SYMBOLS)
    sentence = ended.cumsum(axis=1) - ended
    kinds = np.select([x == 0, sentence < place, sentence > place], [-1, 0, 1], 2)
    for k, words in enumerate((("not", "never"), LIKED + DISLIKED + GOOD + BAD, ".")):
        kinds[(kinds == 2) & np.isin(x, tasks.encode(words, SYMBOLS))] = 3 + k
    return kinds


def with_and_without(settings, net):
    """[accuracy, mean probability of the answer] on new reviews without the withheld words, and with one."""
    sentences = settings["sentences"]
    x, y, lengths = draw(10 * settings["test"], np.random.default_rng(1000), sentences, range(sentences))
    p = softmax(read_last(x, net, lengths)[0])
    right, sure, unknown = p.argmax(axis=1) == y, p.max(axis=1), holds(x, settings["withheld"])
    return [[round(float(a[part].mean()), 4) for a in (right, sure)] for part in (~unknown, unknown)]


def scores(stored, kind="right"):
    """{(taught, cell, read): accuracies (seeds, distances)} of a stored result."""
    found = {}
    for row in stored["results"]:
        if not row["withheld"]:
            found.setdefault((row["taught"], row["cell"], row["read"]), []).append(row[kind])
    return {key: np.array(rows) for key, rows in found.items()}
