"""Chapter 12: dates to be translated, one to four in a row, by networks with attention and without.

Each network reads dates as people write them and writes 1987-03-29;... character by character. A batch
of training holds sequences of one length, drawn evenly from those that have joined: one date from the
first update, two and three after the shares `join` of the updates. One network sees single dates
alone. All make the same number of updates, and are then tried on each length and on a `longer` one.

dates: share of single dates that are wholly right, each at its place. characters: share of characters
right at their place. Both on new sequences, written without help (greedy).
"""

import functools
import itertools

import numpy as np

from course_pkg import encoder_decoder, optim, tasks, train, weights
from course_pkg.experiments.verdicts import worse
from course_pkg.tasks.translation import SOURCE_SYMBOLS, START, STOP, TARGET_SYMBOLS

SETTINGS = {
    "cell": "gru",
    "embedding": 16,
    "networks": {
        "state, one date only": {"H": 128, "attend": False, "bidirectional": False},
        "state of 128": {"H": 128, "attend": False, "bidirectional": False},
        "attention, one way": {"H": 32, "attend": True, "bidirectional": False},
        "attention, both ways": {"H": 32, "attend": True, "bidirectional": True},
    },
    "single": ["state, one date only"],
    "seeds": [0, 1, 2, 3, 4],
    "counts": [1, 2, 3],
    "join": [0, 0.25, 0.5],
    "longer": 4,
    "examples": {"train": 6000, "test": 200},
    "train": {"steps": 900, "batch": 32, "rate": 0.01, "warmup": 20, "clip": 1.0},
}
MARGIN = 0.05  # of the dates; a smaller difference is not spoken of


def plan(settings):
    """The keys of the rows."""
    return [{"network": name, "seed": seed} for name in settings["networks"] for seed in settings["seeds"]]


def measure(settings, rows, *, network, seed):
    """Train one network. Returns its parameters, and what it scored at each length."""
    rng = np.random.default_rng(seed)
    start, stop = TARGET_SYMBOLS.index(START), TARGET_SYMBOLS.index(STOP)
    sizes = len(SOURCE_SYMBOLS), len(TARGET_SYMBOLS), settings["embedding"]
    net = encoder_decoder.init(settings["cell"], *sizes, rng=rng, **settings["networks"][network])
    counts = settings["counts"][:1] if network in settings["single"] else settings["counts"]
    how = {name: value for name, value in settings["train"].items() if name in ("steps", "clip")}
    net = train.fit(
        functools.partial(encoder_decoder.loss, start=start),
        net,
        _batches(settings, counts, rng),
        rng,
        rate=optim.cosine(settings["train"]["rate"], how["steps"], warmup=settings["train"]["warmup"]),
        progress=False,
        **how,
    ).params
    found = {"parameters": weights.count(net), "dates": {}, "characters": {}}
    for count in (*settings["counts"], settings["longer"]):
        new = tasks.dates(settings["examples"]["test"], rng, count=count)
        written, _ = encoder_decoder.greedy(new.x, net, start=start, stop=stop, steps=11 * count, lengths=new.lengths)
        found["dates"][str(count)] = round(dates_right(written, new.y), 4)
        found["characters"][str(count)] = round(characters_right(written, new.y), 4)
    return found


def _batches(settings, counts, rng):
    """A function that draws the next batch, of sequences with equally many dates."""
    data = [tasks.dates(settings["examples"]["train"], rng, count=count) for count in counts]
    joined = settings["join"][: len(counts)]
    made = itertools.count()

    def draw(rng):
        done = next(made) / settings["train"]["steps"]
        some = data[rng.integers(sum(done >= share for share in joined))]
        rows = rng.integers(len(some.x), size=settings["train"]["batch"])
        lengths = some.lengths[rows]
        return some.x[rows, : lengths.max()], some.y[rows], None, lengths

    return draw


def dates_right(written, truth):
    """Share of the dates of `truth` (N, U) that `written`, N arrays of symbols, has right, each at its place."""
    right = []
    for ours, theirs in zip(written, truth, strict=True):
        ours, theirs = ("".join(TARGET_SYMBOLS[k] for k in ids).strip(STOP).split(";") for ids in (ours, theirs))
        ours += [""] * len(theirs)
        right += [a == b for a, b in zip(ours, theirs)]
    return float(np.mean(right))


def characters_right(written, truth):
    """Share of the symbols of `truth` (N, U), the stop apart, that `written` has at their place."""
    right = np.zeros((len(truth), truth.shape[1] - 1), bool)
    for row, ours, theirs in zip(right, written, truth, strict=True):
        n = min(len(ours), len(row))
        row[:n] = ours[:n] == theirs[:n]
    return float(right.mean())


def scores(stored, what="dates"):
    """{(network, count): the share right of each seed, an array} of a stored result."""
    found = {}
    for row in stored["results"]:
        for count, share in row[what].items():
            found.setdefault((row["network"], int(count)), []).append(share)
    return {key: np.array(shares) for key, shares in found.items()}


def lost(scores):
    """What became of the dates as there were more of them: a table and words made from `scores`, in Markdown.

    The networks are in the order of SETTINGS; the longest sequence is one that was not trained on.
    """
    networks = list(dict.fromkeys(name for name, _ in scores))
    counts = sorted({count for _, count in scores})
    trained, (first, last) = counts[:-1], (counts[0], counts[-2])

    def better(one, other):
        """All seeds of the first have more right than all of the second, by more than the margin."""
        return worse({"": (1 - scores[other], 1 - scores[one])}, MARGIN).cases[""]

    rows = [["dates in a row", *map(str, counts)], ["---"] * (1 + len(counts))]
    # The sliver makes an exact half round up, as it does in the figure beside the table.
    rows += [[name, *(f"{np.median(scores[name, count]) * (1 + 1e-6):.3g}" for count in counts)] for name in networks]
    table = "\n".join(f"| {' | '.join(row)} |" for row in rows)
    _, state, *attention = networks
    fell = [f"*{name}*" for name in networks[1:] if better((name, first), (name, last))]
    ahead = {name: [str(count) for count in trained if better((name, count), (state, count))] for name in attention}
    more = _list([f"*{name}* with {_dates(found)}" for name, found in ahead.items()])
    return (
        f"Share of dates right, medians of five seeds:\n\n{table}\n\n"
        f"From {_dates([str(first)])} to {last} the share falls for {_list(fell) or 'none of the last three'}. "
        f"More right than *{state}* has {more}. *Falls* and *more* mean: all five seeds against all five."
    )


def _dates(counts):
    """ "1, 2 and 3 dates", "1 date" or "no number of dates" from ["1", "2", "3"]."""
    if counts in ([], ["1"]):
        return "1 date" if counts else "no number of dates"
    return _list(counts) + " dates"


def _list(names):
    return " and ".join(filter(None, [", ".join(names[:-1]), *names[-1:]]))
