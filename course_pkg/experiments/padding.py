"""Chapter 02: three ways to treat padding, and how many updates each needs.

Made reviews of 1, 2, 4 and 6 sentences share a batch, and an LSTM of `units` says whether the reviewer liked the
film. "end": padding after the words, and the answer read at the last step of the block. "start": padding before
the words. "true": padding after the words, the answer read at each review's true last step.

Claim: a network that is read after padding needs more updates than one that is read at the true last step.
Refuted by: as many updates, or fewer.

values: accuracy on 800 reviews that no network was trained on. short: the same on those of one sentence alone,
which have the longest padding.
"""

import numpy as np

from course_pkg import models, tasks
from course_pkg.experiments import trials, verdicts

SETTINGS = {
    "sentences": [1, 2, 4, 6],
    "units": 16,
    "embedding": 8,
    "ways": ["end", "start", "true"],
    "contender": ["padding"],
    "rates": [0.003, 0.01, 0.03, 0.1],
    "seeds": [0, 1, 2, 3, 4],
    "updates": [0, 20, 40, 60, 80, 100, 150, 200, 300, 400, 500, 600],
    "search": {"seeds": [100, 101], "updates": [0, 20, 40, 80, 150, 200, 300]},
    "reviews": 4000,
    "batch": 64,
    "clip": 1.0,
    "better": "higher",
    "learned": 0.95,
    "guess": 0.5,
    "flat": 0.02,
}
QUICK = SETTINGS | {
    "units": 3,
    "reviews": 40,
    "batch": 8,
    "seeds": [0],
    "updates": [0, 1, 2],
    "search": {"seeds": [100], "updates": [0, 1]},
}


def cases(settings):
    """One for each way."""
    return [{"padding": way} for way in settings["ways"]]


def verdict(stored):
    """On the claim; beside it, padding at the start against the true last step."""
    true = trials.took(stored, padding="true")
    pairs = {f"padding at the {way}": (trials.took(stored, padding=way), true) for way in ("end", "start")}
    return verdicts.worse(pairs, margin=0)


def reviews(settings, rng, n):
    """(x, y, lengths) of n reviews, equally many of each number of sentences."""
    counts = settings["sentences"]
    parts = [tasks.reviews(n // len(counts), rng, sentences=s) for s in counts]
    x, lengths = tasks.pad([row[:k] for part in parts for row, k in zip(part.x, part.lengths)])
    return x, np.concatenate([part.y for part in parts]), lengths


def block(x, y, lengths, way):
    """A batch for one of the ways: (x, y, None, lengths or None)."""
    if way == "start":
        x = np.stack([np.roll(row, len(row) - n) for row, n in zip(x, lengths)])
    return x, y, None, lengths if way == "true" else None


def train(settings, rate, seed, case):
    """One network. See the module for what it returns."""
    way, rng = case["padding"], np.random.default_rng(seed)
    symbols = len(tasks.reviews(1, np.random.default_rng(0)).symbols)
    net = models.init("lstm", symbols, settings["units"], 2, rng, embedding=settings["embedding"])
    x, y, _, lengths = block(*reviews(settings, np.random.default_rng(99), 800), way)

    *learned, true = reviews(settings, rng, settings["reviews"])

    def draw(rng):
        rows = rng.integers(len(true), size=settings["batch"])
        return block(*(a[rows] for a in learned), true[rows], way)

    def look(net):
        said = models.many_to_one(x, net, lengths=lengths)[0]
        one = slice(len(y) // len(settings["sentences"]))
        return {"values": models.accuracy(said, y), "short": models.accuracy(said[one], y[one])}

    how = {"rate": rate, "updates": settings["updates"], "clip": settings["clip"]}
    return trials.follow(models.classifier_loss, net, draw, rng, look=look, **how)
