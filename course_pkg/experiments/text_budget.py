"""Chapter 14: a GRU that says the next character of Python's help topics, against counts, as updates go by.

The topics are cut by `topics.split`: what is held out is topics of their own, and no 60 characters of it stand in what
is learned. Every update reads `batch` windows of `window` characters, drawn anew.

values: mean -log p per character, in nats, of the held-out topics where that of the topics that choose was best so
far; in the search, the latter itself. now, seen: the same at each look, whatever the others say, on the held-out topics
and on as much of what is learned. Windows of `test` characters, the first `warm` of each not counted. counts: what
`baselines.ngram_probabilities` gives on the same held-out characters, for 1, 2, 3 ... characters in a row; chose: the
same on the topics that choose.

Claim: a GRU is better than the best of the counts.
Refuted by: a count that every run is worse than, at the best of the rates and once the curve has stopped.
"""

import numpy as np

from course_pkg import baselines, layers, models
from course_pkg.experiments import topics, trials, verdicts

TEXTS = ("help_text",)
SETTINGS = {
    "units": 128,
    "embedding": 32,
    "window": 50,
    "batch": 16,
    "test": 200,
    "warm": 20,
    "orders": [1, 2, 3, 4, 5, 6, 7, 8],
    "contender": ["units"],
    "rates": [0.001, 0.003, 0.01, 0.03],
    "seeds": [0, 1, 2, 3, 4],
    "updates": [0, 125, 250, 500, 1000, 1500, 2000, 3000, 4000, 5000, 6000],
    "search": {"seeds": [100, 101], "updates": [0, 500, 1000, 2000, 3000], "best": "end"},
    "better": "lower",
    "learned": 1.8,
    "guess": 4.5,
    "flat": 0.02,
}
QUICK = SETTINGS | {
    "units": 3,
    "embedding": 3,
    "orders": [1, 2],
    "seeds": [0],
    "updates": [0, 1],
    "search": SETTINGS["search"] | {"seeds": [100], "updates": [0, 1]},
}


def cases(settings):
    """A single one: nothing but the seed is varied."""
    return [{"units": settings["units"]}]


def texts(settings):
    """(what is learned from, what is held out)."""
    learn, _, held_out = topics.split()
    return learn, held_out


def train(settings, rate, seed, case):
    """One network. See the module for what it returns."""
    search, rng = "hopeless" in settings, np.random.default_rng(seed)
    symbols, learn, choose, held = topics.encoded()
    net = models.init("gru", len(symbols), case["units"], len(symbols), rng, embedding=settings["embedding"])
    T, best = settings["window"], [np.inf, np.inf]

    def draw(rng):
        windows = learn[rng.integers(len(learn) - T, size=(settings["batch"], 1)) + np.arange(T + 1)]
        return windows[:, :-1], windows[:, 1:]

    def look(net):
        chose = nats(settings, net, choose)
        if search:
            best[0] = min(best[0], chose)
            return {"values": best[0]}
        now = nats(settings, net, held)
        if chose < best[0]:
            best[:] = chose, now
        return {"values": best[1], "now": now, "seen": nats(settings, net, learn[: len(held)])}

    found = trials.follow(models.tagger_loss, net, draw, rng, rate=rate, updates=settings["updates"], look=look)
    if not search:
        for name, ids in (("counts", held), ("chose", choose)):
            found[name] = [round(counted(settings, order, ids), 4) for order in settings["orders"]]
    return found


def rows_of(settings, ids):
    """Windows (N, test + 1) of ids, each of which begins with the last character of the one before."""
    size = settings["test"]
    return ids[np.arange(0, len(ids) - size, size)[:, None] + np.arange(size + 1)]


def nats(settings, net, ids):
    """Mean -log p of a network per character of ids."""
    rows, warm = rows_of(settings, ids), settings["warm"]
    scores = models.many_to_many(rows[:, :-1], net)[0][:, warm:]
    return float(layers.softmax_cross_entropy(scores, rows[:, warm + 1 :])[0])


def counted(settings, order, ids):
    """The same, on the same characters, of counts in what is learned."""
    symbols, learn, _, _ = topics.encoded()
    counts = settings["test"] - settings["warm"]
    p = [baselines.ngram_probabilities(learn, len(symbols), order, row)[-counts:] for row in rows_of(settings, ids)[:1]]
    rows = rows_of(settings, ids)
    whole = np.append(rows[:, :-1].ravel(), rows[-1, -1])
    each = baselines.ngram_probabilities(learn, len(symbols), order, whole)
    each = np.concatenate([np.full(order - 1, np.nan), each])[1:].reshape(len(rows), -1)[:, -counts:]
    assert np.allclose(each[0], p[0])
    return float(-np.log(each).mean())


def best_count(stored):
    """(characters in a row, nats on the held-out topics) of the counts that are best on the topics that choose."""
    row = trials.compared(stored)[0]
    place = int(np.argmin(row["chose"]))
    return stored["settings"]["orders"][place], row["counts"][place]


def verdict(stored, margin=0.02):
    """On the claim. Where no run learned, nobody can tell."""
    order, nats = best_count(stored)
    name = f"counts of {order} characters"
    if not np.isfinite(trials.took(stored)).any():
        return verdicts.Verdict({name: None}, {name: "no run learned"})
    ended = trials.curves(trials.compared(stored))[:, -1]
    return verdicts.worse({name: (np.full(len(ended), nats), ended)}, margin)
