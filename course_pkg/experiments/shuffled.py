"""Chapter 15: windows of one series, divided at random or by time. A skill on a random walk is false.

Claim: windows divided at random give a GRU a skill on random walks, which nobody can forecast.
Refuted by: the network has no smaller error on windows divided at random than on those divided by time.

A window is 30 days of the logarithm of a price; the changes from its last day to 1, 5, 10 and 20 days later are said.
Seven tenths of the windows are learned from, the others scored. By time, the last windows are scored, and those whose
answers reach past the cut are left out. A window holds levels, or is counted from its last day. Levels say at which
height of the curve a window stands, and by time those of the test are often ones that no training window had: counted
from the last day, only the leak differs between the two divisions. The walks are drawn anew with every seed; Google's
price comes with Matplotlib. A value is the mean squared error 20 days ahead over that of "no change"; 1 is persistence.
"""

import numpy as np

from course_pkg import models
from course_pkg.experiments import trials, verdicts
from course_pkg.experiments.prices import prices

SETTINGS = {
    "reads": ["counted from the last day", "levels"],
    "sources": ["walks", "Google"],
    "splits": ["shuffled", "by time"],
    "contender": ["split"],
    "rates": [0.003, 0.01, 0.001, 0.03, 0.1],
    "seeds": [0, 1, 2, 3, 4],
    "updates": [0, 100, 200, 300, 400, 600, 800, 1200, 1600, 2000, 2500, 3000],
    "search": {"seeds": [100, 101], "updates": [0, 200, 400, 800, 1200], "by": ["read"], "best": "end"},
    "better": "lower",
    "learned": 0.95,
    "guess": 1.0,
    "flat": 0.1,
    "margin": 0.05,
    "days": 30,
    "ahead": [1, 5, 10, 20],
    "units": 32,
    "batch": 64,
}
QUICK = SETTINGS | {
    "reads": ["levels"],
    "sources": ["walks"],
    "rates": [0.003],
    "seeds": [0],
    "updates": [0, 1],
    "search": SETTINGS["search"] | {"seeds": [100], "updates": [0, 1]},
    "units": 4,
}


def cases(settings):
    """Every way to read, every source, every way to divide; the rate of a way to read is searched on shuffled walks."""
    return [
        {"read": read, "source": source, "split": split}
        for read in settings["reads"]
        for source in settings["sources"]
        for split in settings["splits"]
    ]


def series(source, seed):
    """Google's price, or a walk of as many days whose changes have its deviation: (T,)."""
    price = prices("Google")
    if source == "Google":
        return price
    size = np.diff(np.log(price)).std()
    return 100 * np.exp(np.random.default_rng([seed, 1]).normal(0, size, len(price)).cumsum())


def windows(price, read, settings):
    """(x (N, days, 1), y (N, horizons)): what is read, and the changes to come over the root of their days."""
    p, days, ahead = np.log(price), settings["days"], settings["ahead"]
    last = np.arange(days - 1, len(p) - max(ahead))
    x = p[last[:, None] + np.arange(1 - days, 1)]
    if read != "levels":
        x = x - x[:, -1:]
    y = np.stack([(p[last + h] - p[last]) / np.sqrt(h) for h in ahead], axis=1)
    return x[:, :, None], y


def parts(count, split, rng, gap):
    """Numbers of the windows to learn from and to score; by time, with a gap of so many windows between them."""
    cut = int(0.7 * count)
    if split == "shuffled":
        order = rng.permutation(count)
        return order[:cut], order[cut:]
    return np.arange(cut - gap), np.arange(cut, count)


def train(settings, rate, seed, case):
    """One network: its error 20 days ahead in `values`, and the skill at each number of days in `skills`."""
    x, y = windows(series(case["source"], seed), case["read"], settings)
    learn, score = parts(len(x), case["split"], np.random.default_rng(seed), max(settings["ahead"]))
    x = ((x - x[learn].mean()) / x[learn].std()).astype(np.float32)
    y = (y / y[learn].std(axis=0)).astype(np.float32)
    rng, still = np.random.default_rng(seed), np.mean(y[score] ** 2, axis=0)
    outside = np.mean((x[score, -1] > x[learn].max()) | (x[score, -1] < x[learn].min()))

    def draw(rng):
        some = rng.choice(learn, size=settings["batch"])
        return x[some], y[some]

    def look(net):
        off = np.mean((models.many_to_one(x[score], net)[0] - y[score]) ** 2, axis=0) / still
        return {"values": off[-1]} | {f"ahead {h}": v for h, v in zip(settings["ahead"], off)}

    net = models.init("gru", 1, settings["units"], y.shape[1], rng)
    how = {"rate": rate, "updates": settings["updates"], "look": look}
    return trials.follow(models.regressor_loss, net, draw, rng, **how) | {"outside": round(float(outside), 3)}


def verdict(stored):
    """The claim on the walks, for each way to read."""
    last = lambda read, split: [  # noqa: E731
        trials.last(row, stored["settings"]) for row in trials.compared(stored, read=read, source="walks", split=split)
    ]
    pairs = {read: [last(read, "by time"), last(read, "shuffled")] for read in stored["settings"]["reads"]}
    return verdicts.worse(pairs, stored["settings"]["margin"], chance=stored["settings"]["guess"])
