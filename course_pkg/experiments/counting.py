"""Chapter 19: what recurrences that can be scanned do not learn to count, and how long they keep a count.

The networks read symbols 0 ... k - 1 and say after each the sum so far modulo k: k = 2 is parity. They differ in the
step alone, h_t = a * h_{t-1} + b with a and b looked up for each symbol. That is all that any gate which does not look
back can be on such inputs.

    positive   a in (0, 1), b free
    minGRU     a in (0, 1), b = (1 - a) * n
    signed     a in (-1, 1), b free
    turning    a complex, |a| < 1, b complex and free
    tanh RNN   h_t = tanh(W h_{t-1} + b)

All have 16 units (the turning one 16 complex numbers), read a sign for the start before the first symbol, from which
they can set the state, and are read by the same small network.

Rows of 2 to `longest` symbols are learned from. Short rows can be learned by heart: a positive gate near 1 holds the
number of ones itself, and the readout learns number by number which answer belongs to it.

Claim: with a positive gate a count is learned in fewer runs than with a sign, an angle or a tanh RNN.
Refuted by: as many runs, with a positive gate, that learn parity or the sum modulo three at the lengths of training.

values: the share of wrong answers at the end of a row of the longest training length, over the share that guessing
gets wrong (so 1 is guessing). far: the same at each of the `lengths`, after all updates.
"""

import itertools
from typing import NamedTuple

import numpy as np

from course_pkg import cells, layers, weights
from course_pkg.activations import sigmoid
from course_pkg.experiments import trials, verdicts
from course_pkg.scan import scan, scan_backward

SETTINGS = {
    "contender": ["step"],
    "steps": ["positive", "minGRU", "signed", "turning", "tanh RNN"],
    "modulo": [2, 3],
    "units": 16,
    "readout": 24,
    "batch": 32,
    "longest": 32,
    "lengths": [32, 64, 128, 256, 512, 1024, 2048, 4096],
    "sequences": 64,
    "rates": [0.001, 0.003, 0.01, 0.03, 0.1, 0.3],
    "seeds": [0, 1, 2, 3, 4],
    "updates": [0, 25, 50, 75, 100, 150, 200, 300, 400, 500, 600, 800, 1000, 1200, 1400, 1600, 1800, 2000],
    "search": {
        "seeds": [100, 101],
        "updates": [0, 25, 50, 75, 100, 150, 200, 300, 400, 500, 600, 800, 1000, 1200, 1400],
    },
    "better": "lower",
    "learned": 0.02,
    "guess": 1.0,
    "flat": 0.1,
}
QUICK = SETTINGS | {
    "steps": ["positive", "tanh RNN"],
    "modulo": [2],
    "lengths": [16, 32],
    "rates": [0.01, 0.03],
    "seeds": [0],
    "updates": [0, 10, 20],
    "search": {"seeds": [100], "updates": [0, 10]},
}
POSITIVE, FREE = ("positive", "minGRU"), ("signed", "turning", "tanh RNN")


class Tables(NamedTuple):
    """What a step looks up for each symbol. Where a step has no use for an angle, it stays at zero."""

    size: np.ndarray  # (k + 1, H), the last row for the sign at the start
    angle: np.ndarray  # (k + 1, H)
    write: np.ndarray  # (k + 1, H)
    write_im: np.ndarray  # (k + 1, H)


class Net(NamedTuple):
    """The tables, or an RNN's parameters, and a readout of two layers."""

    step: object
    inner: layers.LinearParams
    outer: layers.LinearParams


def cases(settings):
    """Every step on both counts."""
    return [{"modulo": k, "step": step} for k in settings["modulo"] for step in settings["steps"]]


def start(step, k, settings, rng):
    """A network: the sizes of positive gates start around 0.73, the angles anywhere, an RNN's matrix orthogonal."""
    H, K, seen = settings["units"], settings["readout"], settings["units"] * (2 if step == "turning" else 1)
    if step == "tanh RNN":
        made = cells.RNNParams(
            rng.normal(scale=0.5, size=(H, k + 1)), weights.orthogonal(H, rng, dtype=np.float64), np.zeros(H)
        )
    else:
        made = Tables(
            rng.normal(1.0 if step != "signed" else 0.0, 1.5, size=(k + 1, H)),
            rng.uniform(-np.pi, np.pi, (k + 1, H)) if step == "turning" else np.zeros((k + 1, H)),
            rng.normal(scale=0.5, size=(k + 1, H)),
            rng.normal(scale=0.5, size=(k + 1, H)) if step == "turning" else np.zeros((k + 1, H)),
        )
    inner = layers.LinearParams(rng.normal(scale=seen**-0.5, size=(K, seen)), np.zeros(K))
    return Net(made, inner, layers.LinearParams(rng.normal(scale=K**-0.5, size=(k, K)), np.zeros(k)))


def gates(step, tables):
    """(a, b) of each symbol, each (k + 1, H)."""
    if step == "signed":
        return np.tanh(tables.size), tables.write
    size = sigmoid(tables.size)
    if step == "turning":
        return size * np.exp(1j * tables.angle), tables.write + 1j * tables.write_im
    return size, (1 - size) * tables.write if step == "minGRU" else tables.write


def gates_backward(step, da, db, tables):
    """From the gradients at (a, b) to those of the tables."""
    a, _ = gates(step, tables)
    none = np.zeros(tables.size.shape)
    if step == "signed":
        return Tables(da * (1 - a**2), none, db, none)
    size = sigmoid(tables.size)
    slope = size * (1 - size)
    if step == "turning":
        turn = np.exp(1j * tables.angle)
        return Tables((da * turn.conj()).real * slope, (da * (1j * a).conj()).real, db.real, db.imag)
    if step == "minGRU":
        return Tables((da - db * tables.write) * slope, none, db * (1 - size), none)
    return Tables(da * slope, none, db, none)


def read(step, net, x):
    """The states that the readout sees, (B, T, its inputs), of the symbols x (B, T), and a tape."""
    if step == "tanh RNN":
        one_hot = np.eye(net.step.W_ih.shape[1])[x]
        h, _, tape = cells.RNN.run(one_hot, None, net.step)
        return h, tape
    a, b = gates(step, net.step)
    h, tape = scan(a[x], b[x])
    return np.concatenate([h.real, h.imag], axis=2) if step == "turning" else h, tape


def read_backward(step, dseen, tape, net, x):
    """The gradient of what `read` used."""
    if step == "tanh RNN":
        return cells.RNN.run_backward(dseen, None, tape)[2]
    if step == "turning":
        re, im = np.split(dseen, 2, axis=2)
        dseen = re + 1j * im
    da, db, _ = scan_backward(dseen, tape)
    symbols = np.eye(len(net.step.size))[x]  # (B, T, k)
    over = ((0, 1), (0, 1))
    return gates_backward(step, np.tensordot(symbols, da, over), np.tensordot(symbols, db, over), net.step)


def scores(step, net, x):
    """Scores (B, T, k), and what the backward needs."""
    seen, tape = read(step, net, x)
    a, inner = layers.linear(seen, net.inner)
    z = np.tanh(a)
    said, outer = layers.linear(z, net.outer)
    return said, (tape, inner, z, outer)


def loss(step, net, x, y):
    """(cross-entropy, its gradient) for symbols x and answers y, both (B, T)."""
    said, (tape, inner, z, outer) = scores(step, net, x)
    value, kept = layers.softmax_cross_entropy(said, y)
    dz, douter = layers.linear_backward(layers.softmax_cross_entropy_backward(1.0, kept), outer)
    dseen, dinner = layers.linear_backward(dz * (1 - z**2), inner)
    return value, Net(read_backward(step, dseen, tape, net, x), dinner, douter)


def draw(n, T, k, rng):
    """n sequences of T symbols behind a sign for the start, k, and the sums so far modulo k: both (n, T + 1)."""
    x = np.full((n, T + 1), k)
    x[:, 1:] = rng.integers(k, size=(n, T))
    return x, np.where(x == k, 0, x).cumsum(axis=1) % k


def wrong(step, net, k, T, n):
    """The share of wrong answers in the last 16 of n new sequences of T symbols, over that of guessing."""
    x, y = draw(n, T, k, np.random.default_rng([T, k]))
    said = scores(step, net, x)[0][:, -16:].argmax(axis=2)
    return float((said != y[:, -16:]).mean() / (1 - 1 / k))


def train(settings, rate, seed, case):
    """One run: its curve, and what it still knows at each length."""
    step, k, longest = case["step"], case["modulo"], settings["longest"]
    rng = np.random.default_rng(seed)
    ends = {}

    def batch(rng):
        return draw(settings["batch"], int(rng.integers(2, longest + 1)), k, rng)

    def look(net):
        ends["net"] = net
        return {"values": wrong(step, net, k, longest, settings["sequences"])}

    def enough(made, looks):  # in the search alone: it has learned, or its rate cannot be the chosen one
        return "hopeless" in settings and (trials.good(looks[-1]["values"], settings) or made >= settings["hopeless"])

    found = trials.follow(
        lambda net, data, state, rng: (*loss(step, net, *data), state),
        start(step, k, settings, rng),
        batch,
        rng,
        rate=rate,
        updates=settings["updates"],
        look=look,
        enough=enough,
    )
    if "hopeless" in settings:
        return found
    far = [round(wrong(step, ends["net"], k, T, settings["sequences"]), 4) for T in settings["lengths"]]
    return found | {"far": far}


def fars(stored, k, step):
    """{length: the error of each run of the comparison on rows so long}."""
    rows = trials.compared(stored, modulo=k, step=step)
    return {T: [row["far"][n] for row in rows] for n, T in enumerate(stored["settings"]["lengths"])}


def verdict(stored):
    """Whether each of the others learns to count in more runs than either kind of positive gate, task by task."""
    return verdicts.oftener(
        {
            f"{TASKS[k]}, {free}": (
                trials.learned(stored, modulo=k, step=free),
                max(trials.learned(stored, modulo=k, step=step) for step in POSITIVE),
            )
            for k in stored["settings"]["modulo"]
            for free in FREE
        }
    )


def complex_counts(stored):
    """Whether all runs with a turning gate still count, one answer in twenty wrong at most, at each length."""
    return verdicts.within(
        {
            f"{TASKS[k]}, {T:,} steps": np.array(errors)
            for k in stored["settings"]["modulo"]
            for T, errors in fars(stored, k, "turning").items()
        },
        high=KNOWN,
    )


def linear_is_weaker(stored):
    """Whether the tanh RNN counts better than the turning gate, the best that a scan can have, at each length."""
    pairs = {}
    for k in stored["settings"]["modulo"]:
        theirs = fars(stored, k, "tanh RNN")
        for T, errors in fars(stored, k, "turning").items():
            pairs[f"{TASKS[k]}, {T:,} steps"] = errors, theirs[T]
    return verdicts.worse(pairs, 0.1, floor=KNOWN, chance=0.9)


def at_steps(verdict, side):
    """The cases "task, N steps" of one side of a verdict, True, False or None, with each task named once."""
    by_task = {}
    for case in (case for case, held in verdict.cases.items() if held is side):
        task, _, steps = case.partition(", ")
        by_task.setdefault(task, []).append(steps.removesuffix(" steps"))
    return "; ".join(f"{task} at {', '.join(steps)} steps" for task, steps in by_task.items())


def in_words(verdict):
    """A verdict over tasks and lengths as Markdown: its word, and the lengths on each side."""
    sides = {True: "Yes", False: "No", None: "Cannot tell"}
    said = [f"*{name}:* {at_steps(verdict, side)}." for side, name in sides.items() if side in verdict.cases.values()]
    return " ".join([f"**{verdict.word.capitalize()}.**", *said])


def told(stored):
    """What was found, one sentence for each step and task."""
    settings, said = stored["settings"], []
    for k in settings["modulo"]:
        for step in settings["steps"]:
            learned, runs = trials.learned(stored, modulo=k, step=step)
            case = {"modulo": k, "step": step}
            words = f"**{TASKS[k].capitalize()}, {step}** (rate {trials.compared(stored, **case)[0]['rate']:g}): "
            if not learned:
                rows = trials.compared(stored, **case)
                ends = np.array([row["values"][-1] for row in rows])
                far = settings["lengths"][min(2, len(settings["lengths"]) - 1)]
                there = fars(stored, k, step)[far]
                words += (
                    f"0 of {runs} runs learned it; they end with {ends.min():.2f} to {ends.max():.2f} of the errors of "
                    f"guessing, and at {far} steps with {min(there):.2f} to {max(there):.2f}."
                )
                said.append(words)
                continue
            took = trials.took(stored, **case)
            took = took[np.isfinite(took)]
            words += f"{learned} of {runs} runs learned it, after {_span(took)} updates. "
            kept = _known(fars(stored, k, step))
            last = fars(stored, k, step)[settings["lengths"][-1]]
            words += (f"The median run still knows it at {max(kept):,} steps; " if kept else "") + (
                f"at {settings['lengths'][-1]:,} steps {sum(e <= KNOWN for e in last)} of {runs} runs do."
            )
            said.append(words)
    return said


def _span(took):
    low, high = int(took.min()), int(took.max())
    return f"{low}" if low == high else f"{low} to {high}"


def _known(errors):
    """The lengths, from the shortest on, at which the median run still counts."""
    return list(itertools.takewhile(lambda T: np.median(errors[T]) <= KNOWN, errors))


TASKS = {2: "parity", 3: "the sum modulo three"}
KNOWN = 0.05  # of guessing: a run still counts
