"""Chapter 12: one to three dates in a row, translated from a state alone and with attention, counted by place.

Each network reads dates as people write them and writes 1987-03-29;... character by character. Every batch of
training holds sequences of 1, 2 or 3 dates, each number equally often. All are then tried on each number, and on 4.
turned: the source holds the same dates in the opposite order, so that the date to be written first is read last.

values: of new sequences of three dates, written without help (greedy), the mean over places of the share of dates
that are right. "2 of 3": the share of sequences of three in which the second that was written is right; the others
likewise. A run ends when `enough` of the dates of three are right at two looks in a row; its curve stays there.

Claim: of three dates, a network that hands over a state of 128 numbers has fewer right than one with attention and 32.
Refuted by: as many right, or more, once the curves have stopped.
"""

import functools

import numpy as np

from course_pkg import encoder_decoder, tasks, weights
from course_pkg.experiments import trials
from course_pkg.experiments.verdicts import worse
from course_pkg.tasks.translation import SOURCE_SYMBOLS, START, STOP, TARGET_SYMBOLS

STATE, ONE_WAY, BOTH_WAYS = "state of 128", "attention, one way", "attention, both ways"
SETTINGS = {
    "networks": {
        STATE: {"H": 128, "attend": False, "bidirectional": False},
        ONE_WAY: {"H": 32, "attend": True, "bidirectional": False},
        BOTH_WAYS: {"H": 32, "attend": True, "bidirectional": True},
    },
    "turned": [STATE],
    "embedding": 16,
    "counts": [1, 2, 3],
    "longer": 4,
    "examples": 6000,
    "test": 100,
    "batch": 32,
    "contender": ["network"],
    "rates": [0.001, 0.003, 0.01, 0.03],
    "seeds": [0, 1, 2, 3, 4],
    "updates": [0, 200, 400, 600, 900, 1200, 1600, 2000, 2500, 3000],
    "search": {"seeds": [100], "updates": [0, 500, 1000], "by": ["network"], "best": "end"},
    "better": "higher",
    "learned": 0.9,
    "enough": 0.97,
    "guess": 0.0,
    "flat": 0.03,
}
QUICK = SETTINGS | {
    "networks": {name: how | {"H": 3} for name, how in SETTINGS["networks"].items()},
    "examples": 20,
    "test": 4,
    "batch": 4,
    "seeds": [0],
    "updates": [0, 1, 2],
    "search": SETTINGS["search"] | {"updates": [0, 1]},
}


def cases(settings):
    """Every network, and those of `turned` a second time."""
    return [{"network": name, "turned": False} for name in settings["networks"]] + [
        {"network": name, "turned": True} for name in settings["turned"]
    ]


def train(settings, rate, seed, case):
    """One network: its curves, and how many parameters it has."""
    rng, turned = np.random.default_rng(seed), case["turned"]
    start, stop = TARGET_SYMBOLS.index(START), TARGET_SYMBOLS.index(STOP)
    sizes = len(SOURCE_SYMBOLS), len(TARGET_SYMBOLS), settings["embedding"]
    net = encoder_decoder.init("gru", *sizes, rng=rng, **settings["networks"][case["network"]])
    data = [sequences(settings["examples"], rng, count, turned) for count in settings["counts"]]
    fresh = np.random.default_rng([seed, 1])
    new = {
        count: sequences(settings["test"], fresh, count, turned) for count in (*settings["counts"], settings["longer"])
    }

    def draw(rng):
        x, y, lengths = data[rng.integers(len(data))]
        rows = rng.integers(len(x), size=settings["batch"])
        return x[rows, : lengths[rows].max()], y[rows], None, lengths[rows]

    def look(net):
        right = {}
        for count, (x, y, lengths) in new.items():
            written, _ = encoder_decoder.greedy(x, net, start=start, stop=stop, steps=11 * count, lengths=lengths)
            right |= {(place + 1, count): share for place, share in enumerate(dates_right(written, y))}
        most = settings["counts"][-1]
        whole = np.mean([share for (_, count), share in right.items() if count == most])
        return {"values": whole} | {f"{place} of {count}": share for (place, count), share in right.items()}

    def enough(made, looks):
        return len(looks) > 1 and all(found["values"] >= settings["enough"] for found in looks[-2:])

    loss = functools.partial(encoder_decoder.loss, start=start)
    how = {"rate": rate, "updates": settings["updates"], "enough": enough}
    return {"parameters": weights.count(net)} | trials.follow(loss, net, draw, rng, look=look, **how)


def sequences(n, rng, count, turned=False):
    """n sequences of `count` dates: (x (n, S), y (n, 11 * count), lengths (n,)). turned: read in the opposite order."""
    found = tasks.dates(n, rng, count=count)
    if not turned:
        return found.x, found.y, found.lengths
    between = SOURCE_SYMBOLS.index(";")
    rows = []
    for row, length in zip(found.x, found.lengths):
        dates = np.split(row[:length], np.flatnonzero(row[:length] == between))
        dates = [date[date != between] for date in dates]
        rows.append(np.concatenate([part for date in reversed(dates) for part in ([between], date)][1:]))
    x, lengths = tasks.pad(rows)
    return x, found.y, lengths


def dates_right(written, truth):
    """For each place, the share of the sequences `truth` (N, U) whose date there `written` has right.

    written: N arrays of symbols. A date is right if all its characters are; a missing one is wrong.
    """
    right = []
    for ours, theirs in zip(written, truth, strict=True):
        ours, theirs = ("".join(TARGET_SYMBOLS[k] for k in ids).strip(STOP).split(";") for ids in (ours, theirs))
        ours += [""] * len(theirs)
        right.append([a == b for a, b in zip(ours, theirs)])
    return np.mean(right, axis=0).tolist()


def share(stored, network, place, count, turned=False):
    """(seeds, looks): the share of dates right at one place of so many."""
    return trials.curves(trials.compared(stored, network=network, turned=turned), f"{place} of {count}")


def verdict(stored, margin=0.05):
    """On the claim: wrong dates of three from the state, against each network with attention."""

    def wrong(network):
        return 1 - trials.curves(trials.compared(stored, network=network, turned=False))[:, -1]

    pairs = {f"*{name}*": (wrong(STATE), wrong(name)) for name in (ONE_WAY, BOTH_WAYS)}
    return worse(pairs, margin, floor=0.05, chance=1.0)
