"""Chapter 03: how many updates a plain RNN needs until it uses the first symbol of a sequence.

The first symbol is a or b, then come random symbols of six other kinds, and at the end the network says which
it was. Claim, written before the runs: more steps between need more updates, and every length tried is learned by
most seeds. Refuted where a longer sequence needs no more updates, or where most seeds fail at the largest budget.

accuracy: on 500 new sequences, after every `every` updates. A run ends when it is right in at least `solved` of them.
"""

import numpy as np

from course_pkg import models, train

SETTINGS = {
    "units": 16,
    "embedding": 8,
    "batch": 32,
    "clip": 1.0,
    "lengths": [5, 10, 15, 30],
    "rates": [0.001, 0.003, 0.01, 0.03],
    "search": {"seeds": [100, 101], "updates": 4000},
    "seeds": [0, 1, 2, 3, 4],
    "updates": 12000,
    "every": 200,
    "solved": 0.95,
}


def plan(settings):
    """The keys of the rows: for each length the search for a rate, then the runs."""
    search, keys = settings["search"], []
    for T in settings["lengths"]:
        keys += [
            {"stage": "search", "T": T, "rate": rate, "seed": seed}
            for rate in settings["rates"]
            for seed in search["seeds"]
        ]
        keys += [{"stage": "compare", "T": T, "seed": seed} for seed in settings["seeds"]]
    return keys


def measure(settings, rows, *, stage, T, seed, rate=None):
    """Train one network. updates: at which it had learned, None for never; accuracy: at every check until then."""
    updates = settings["search"]["updates"] if stage == "search" else settings["updates"]
    rate = rate or best_rate(rows, T)
    rng = np.random.default_rng(seed)
    net = models.init("rnn", 8, settings["units"], 2, rng, embedding=settings["embedding"])
    x, y = draw(500, T, np.random.default_rng(1000 + seed))
    wrong = train.fit(
        models.classifier_loss,
        net,
        lambda rng: draw(settings["batch"], T, rng),
        rng,
        steps=updates,
        rate=rate,
        clip=settings["clip"],
        score=lambda net: 1 - models.accuracy(models.many_to_one(x, net)[0], y),
        every=settings["every"],
        target=1 - settings["solved"],
        progress=False,
    ).history
    solved = int(wrong.checked[-1]) if wrong.score[-1] <= 1 - settings["solved"] else None
    return {"used": rate, "updates": solved, "accuracy": [round(float(1 - s), 3) for s in wrong.score]}


def best_rate(rows, T):
    """The rate that learned soonest in the search at this length; a run that did not counts as its whole budget."""
    found = {}
    for row in rows:
        if row["stage"] == "search" and row["T"] == T:
            found.setdefault(row["rate"], []).append(row["updates"] or 2 * SETTINGS["search"]["updates"])
    return min(found, key=lambda rate: np.mean(found[rate]))


def draw(n, T, rng):
    """n sequences: x (n, T) of ids below 8, y (n,) the first of each, 0 or 1."""
    x = rng.integers(2, 8, size=(n, T))
    y = rng.integers(2, size=n)
    x[:, 0] = y
    return x, y


def runs(stored):
    """{T: [updates until learned, None for never, of each seed]} of a stored result."""
    found = {}
    for row in stored["results"]:
        if row["stage"] == "compare":
            found.setdefault(row["T"], []).append(row["updates"])
    return found


def said(found, budget):
    """What was found, in words made from `runs`."""
    each = []
    for T, updates in found.items():
        learned = sorted(u for u in updates if u)
        middle = f" (median of these {learned[len(learned) // 2]:,} updates)" if learned else ""
        each.append(f"{T} steps by {len(learned)} of {len(updates)} seeds{middle}")
    return f"Measured, within {budget:,} updates: {'; '.join(each)}."
