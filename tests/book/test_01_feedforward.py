"""The numbers that chapter 01 states in words are the numbers that its code gives."""

import re

import numpy as np
import pytest
import sympy as sp
import torch
from chapter_cells import pick
from course_site.execution import ROOT

from course_pkg import cells, experiments, gradcheck, layers, models, tasks, train, weights
from course_pkg.activations import NONLINEARITIES
from course_pkg.experiments import trials
from course_pkg.widgets import Line, lines, number
from course_pkg.widgets import numbers as row_of_numbers

TEXT = (ROOT / "book" / "01-feedforward.md").read_text(encoding="utf-8")
CELLS = re.findall(r"^```\{code-cell\} ipython3\n(?::[^\n]*\n)*(.*?)^```", TEXT, re.DOTALL | re.MULTILINE)


def source(line):
    """The one code cell of the chapter that holds `line`."""
    found = [cell for cell in CELLS if line in cell]
    assert len(found) == 1, f"{len(found)} cells hold {line!r}"
    return found[0]


@pytest.fixture(scope="module")
def chapter():
    """What the chapter's own cells define, run as they are printed."""
    names = {"np": np}
    for line in ("class MLP(", "def loss_of(", "def start(", "def window("):
        exec(source(line), names)
    return names


@pytest.fixture
def by_hand(chapter):
    """Each quantity of the step by hand."""
    x, k = np.array([[1.0, 2.0]]), np.array([1])
    net = chapter["MLP"](
        layers.LinearParams(np.array([[-0.5, 1], [0.5, -1]]), np.zeros(2)),
        layers.LinearParams(np.array([[1.0, 0], [0, -2]]), np.zeros(2)),
    )
    y, tape = chapter["mlp"](x, net)
    value, error = layers.softmax_cross_entropy(y, k)
    dy = layers.softmax_cross_entropy_backward(1.0, error)
    dx, dparams = chapter["mlp_backward"](dy, tape)
    return {"h": tape[1][0], "y": y[0], "p": error.y[0], "loss": [value], "dy": dy[0], "dx": dx[0], "d": dparams}


def numbers(words):
    """The numbers of the last bracket or after the last = of `words`."""
    last = words.replace("$", "").split("=")[-1].replace("−", "-")
    return [float(n) for n in re.findall(r"-?\d+(?:\.\d+)?", last)]


@pytest.mark.parametrize(
    ("words", "name"),
    [
        ("$h = (0.905, -0.905)$", "h"),
        ("$y = (0.905, 1.810)$", "y"),
        ("$p = (0.288, 0.712)$", "p"),
        (r"$-\ln 0.712 = 0.340$", "loss"),
        (r"$\mathrm{d}y = (0.288, -0.288)$", "dy"),
        (r"{dropdown} (0.026, −0.052)", "dx"),
    ],
)
def test_the_step_by_hand(by_hand, words, name):
    assert words in TEXT
    assert numbers(words) == pytest.approx(by_hand[name], abs=5e-4)


def test_the_gradient_by_hand(by_hand):
    """Hidden numbers, pre-activations (whose gradient is that of their bias) and one weight."""
    d = by_hand["d"]
    dh = np.array([[1.0, 0], [0, -2]]).T @ by_hand["dy"]
    for words, value in {
        r"0.288 \cdot 1 = 0.288$": dh[:1],
        r"0.288 \cdot (-2) = 0.576$": dh[1:],
        r"0.288 \cdot 0.181 = 0.052$": d.hidden.b[:1],
        r"0.576 \cdot 0.181 = 0.104$": d.hidden.b[1:],
        r"0.104 \cdot 2 = 0.208$": d.hidden.W[1, 1:],
        "{dropdown} (0.078, −0.078)": np.array([[-0.5, 1], [0.5, -1]]) @ d.hidden.b,  # the wrong answer, as explained
    }.items():
        assert words in TEXT
        assert numbers(words) == pytest.approx(value, abs=5e-4)


def test_the_printed_gradient_three_ways(chapter):
    """Equation eq-ff-backward against finite differences and PyTorch, for every weight and the input."""
    rng = np.random.default_rng(1)
    net = chapter["start"](3, 5, 4, rng, np.float64)
    net = net._replace(hidden=net.hidden._replace(b=rng.normal(size=5)), readout=net.readout._replace(b=np.arange(4.0)))
    x, k = rng.normal(size=(2, 6, 3)), rng.integers(4, size=(2, 6))

    def loss(net=net, x=x):
        return layers.softmax_cross_entropy(chapter["mlp"](x, net)[0], k)[0]

    y, tape = chapter["mlp"](x, net)
    dy = layers.softmax_cross_entropy_backward(1.0, layers.softmax_cross_entropy(y, k)[1])
    dx, dnet = chapter["mlp_backward"](dy, tape)
    gradcheck.gradcheck(lambda p: loss(net=p), net, dnet)
    gradcheck.gradcheck(lambda x: loss(x=x), x, dx)

    leaves = [torch.tensor(a, requires_grad=True) for a in (x, *net.hidden, *net.readout)]
    tx, W_ih, b, W_hy, b_y = leaves
    scores = torch.tanh(tx @ W_ih.T + b) @ W_hy.T + b_y
    torch.nn.functional.cross_entropy(scores.reshape(-1, 4), torch.tensor(k.ravel())).backward()
    for ours, theirs in zip((dx, *dnet.hidden, *dnet.readout), leaves):
        assert gradcheck.max_error(ours, theirs.grad.numpy()) < 1e-12


def test_the_first_figure():
    """One answer of the network moves, at every hour and with all weights; two right answers, one at either end."""
    names = {}
    exec(source("def change_one(").split("\nExplorer(")[0], names)
    for hour in range(1, 13):
        for seed in range(1, 7):
            row = names["change_one"](hour, 8, seed)[-1]["items"]
            assert [int(item["value"][0]) for item in row] == [1, 1 if hour in (1, 12) else 2]
    for panel in names["change_one"](1, -8, 1)[:-1] + names["change_one"](8, 8, 1)[:-1]:
        for curve in panel["curves"]:
            low, high = panel["y_range"]
            assert np.nanmin(curve["y"]) >= low
            assert np.nanmax(curve["y"]) <= high


def test_a_window_holds_lags_0_to_w_minus_1(chapter):
    """Newest first, zeros before the start."""
    x = np.random.default_rng(0).normal(size=(2, 9, 3))
    for w in (1, 2, 5, 12):
        out = chapter["window"](x, w).reshape(2, 9, w, 3)
        for t in range(9):
            for lag in range(w):
                assert np.array_equal(out[:, t, lag], x[:, t - lag] if t >= lag else np.zeros((2, 3)))


def test_the_band_of_the_second_figure(chapter):
    """Input 5 reaches w answers, and step 12 needs a window of 11 to see input 2."""
    names = chapter | {"number": number, "numbers": row_of_numbers}
    exec(source("def seen(").split("\nExplorer(")[0], names)
    for w in range(1, 9):
        heat, row = names["seen"](w, 16)
        coloured = np.reshape(heat["z"], (12, 12)) > 0
        t, s = np.indices((12, 12))
        assert np.array_equal(coloured, (t >= s) & (t - s < w))
        assert [int(item["value"][0]) for item in row["items"]][:2] == [w, w]
    assert 12 - 2 + 1 == 11


def test_counts(chapter):
    """Equation eq-ff-count, 128 a step, where the two lines meet, and the answer of the quiz."""
    rng = np.random.default_rng(0)

    def count(w, D, H, K):
        return weights.count(chapter["start"](w * D, H, K, rng))

    for w in (1, 4, 12):
        assert count(w, 4, 32, 4) == 32 * (w * 4 + 1) + 4 * 33
    assert count(5, 4, 32, 4) - count(4, 4, 32, 4) == 128
    rnn = weights.count(weights.init("rnn", 4, 32, rng)) + 4 * 33
    assert isinstance(weights.init("rnn", 4, 32, rng, dtype=np.float64), cells.RNNParams)
    assert count(9, 4, 32, 4) == rnn
    assert "The two lines meet at $w = 9$" in TEXT
    assert count(20, 50, 100, 3) - count(10, 50, 100, 3) == 50_000


@pytest.mark.slow
def test_recall_succeeds_inside_the_window_and_guesses_outside(chapter):
    """Also the quiz's answer: a lag of 5 needs a window of 6."""
    names = dict(chapter)
    exec(source("def recall(").split("\nruns = ")[0], names)
    assert names["recall"](6, 5, seed=7) > 0.95
    assert names["recall"](5, 5, seed=7) == pytest.approx(0.25, abs=0.04)


def test_no_function_of_a_window_beats_a_guess():
    """The argument of "Recall, measured": the best table over all contents of a window, on sequences of its own."""

    def contents(seed):
        task = tasks.delayed_recall(2000, 12, 3, np.random.default_rng(seed))
        now, before, longer = task.x[:, 3:], task.x[:, 2:-1], task.x[:, 1:-2]
        return (now * 16 + before * 4 + longer).ravel(), task.y[:, 3:].ravel()

    seen, right = contents(0)
    votes = np.zeros((64, 4), int)
    np.add.at(votes, (seen, right), 1)
    seen, right = contents(1)
    assert np.mean(votes.argmax(axis=1)[seen] == right) == pytest.approx(0.25, abs=0.015)


def test_the_pair_is_where_the_text_says():
    """Windows "with" the pair hold it once at a given place, the others nowhere."""
    names = {"np": np}
    exec(source("def pairs(").split("\nclassifier_loss")[0].split("\ndef classifier_loss")[0], names)
    for places in ((4, 5, 6), (0, 1, 2)):
        x, has = names["pairs"](500, places, np.random.default_rng(3))
        letters = x.reshape(500, 8, 4).argmax(axis=2)
        at = (letters[:, :-1] == 0) & (letters[:, 1:] == 1)
        assert np.array_equal(at.sum(axis=1), has)
        assert set(np.nonzero(at)[1]) == set(places)
        assert 0.4 < has.mean() < 0.6


def test_a_bag_reaches_three_quarters():
    """Every stream's best answer from its counts alone: XX and YY are certain, XY and YX a coin."""
    task = tasks.temporal_order(4000, 30, np.random.default_rng(0))
    X, Y = task.symbols.index("X"), task.symbols.index("Y")
    marks = np.stack([(task.x == X).sum(axis=1), (task.x == Y).sum(axis=1)], axis=1)
    best = 0.0
    for kind in {tuple(m) for m in marks}:
        orders = task.y[(marks == kind).all(axis=1)]
        best += np.bincount(orders).max() / len(task.y)
    assert best == pytest.approx(0.75, abs=0.02)
    for order, kind in (("XX", (2, 0)), ("XY", (1, 1)), ("YX", (1, 1)), ("YY", (0, 2))):
        assert {tuple(m) for m in marks[task.y == task.classes.index(order)]} == {kind}


def bag(words):
    return sorted(words.replace(",", "").split())


def test_bags_of_the_fourth_figure_and_of_the_quiz():
    """Three orders of one bag and one other; and of the quiz's pairs one alone differs."""
    verdicts = re.search(r"verdict=choice\((.*?)label", source("def bag_and_places("), re.DOTALL)[1]
    bags = [bag(v) for v in re.findall(r'"(.*?)"', verdicts)]
    assert bags[0] == bags[1] == bags[2] != bags[3]
    quiz = re.search(r"\*\*4\. Which pair(.*?)\n## ", TEXT, re.DOTALL)[1]
    options = re.findall(r'\{dropdown\} "(.*?)" and "(.*?)"\n(\w+)', quiz)
    assert len(options) == 3
    for one, other, says in options:
        assert (bag(one) != bag(other)) == (says == "Right")


def test_two_equal_words_get_equal_answers(chapter):
    """The quiz's first question, before training and after it."""
    words = ["the", "chair", "of", "the", "board", "sat", "on", "the", "chair"]
    ids = np.array([sorted(set(words)).index(w) for w in words])
    x, rng = np.eye(6)[ids], np.random.default_rng(0)
    net = chapter["start"](6, 8, 3, rng, np.float64)
    places = np.flatnonzero([w == "chair" for w in words])
    tags = np.arange(len(words)) % 3  # the two chairs are asked to differ
    assert tags[places[0]] != tags[places[1]]

    def loss(net, batch, state, rng):
        return *chapter["loss_of"](*batch, net), None

    trained = train.fit(loss, net, (x, tags), rng, steps=50, rate=0.05, progress=False).params
    for p in (net, trained):
        y = chapter["mlp"](x, p)[0]
        assert np.array_equal(y[places[0]], y[places[1]])


def test_the_two_derivatives_step_by_step():
    """Every step that the text writes out, by algebra; and the package's backward is what comes out."""
    y, a = sp.symbols("y:3", real=True), sp.Symbol("a", real=True)
    p = [sp.exp(v) / sum(map(sp.exp, y)) for v in y]
    loss = sp.log(sum(map(sp.exp, y))) - y[1]  # the right class is 1
    assert sp.simplify(sp.exp(-loss) - p[1]) == 0
    at = dict(zip(y, (0.3, -1.2, 0.7)))
    scores, k = np.array([list(at.values())]), np.array([1])
    ours = layers.softmax_cross_entropy_backward(1.0, layers.softmax_cross_entropy(scores, k)[1])[0]
    for j in range(3):
        slope = sp.diff(loss, y[j])
        assert sp.simplify(slope - (p[j] - int(j == 1))) == 0
        assert float(slope.subs(at)) == pytest.approx(float(ours[j]), abs=1e-14)
    s, c = sp.exp(a) - sp.exp(-a), sp.exp(a) + sp.exp(-a)
    assert (sp.diff(s, a), sp.diff(c, a)) == (c, s)
    assert sp.simplify(sp.diff(s / c, a) - (c * c - s * s) / c**2) == 0
    assert sp.simplify((c * c - s * s) / c**2 - (1 - sp.tanh(a).rewrite(sp.exp) ** 2)) == 0


def test_the_activation_functions_and_their_slopes():
    """The two tables and the three answers: by finite differences, by the package, by algebra."""
    names = {"np": np, "lines": lines, "Line": Line, "number": number, "numbers": row_of_numbers}
    exec(source("def value_and_slope(").split("\nExplorer(")[0], names)
    for name, code in names["NAMES"].items():
        phi, slope = NONLINEARITIES[code]
        a = np.delete(names["a_axis"], 80)  # without the corner at 0
        assert np.abs(slope(phi(a)) - (phi(a + 1e-6) - phi(a - 1e-6)) / 2e-6).max() < 1e-8
        shown, steep, row = names["value_and_slope"](name, 4)
        assert np.allclose(shown["curves"][0]["y"], phi(names["a_axis"]))
        assert np.allclose(steep["curves"][0]["y"], slope(phi(names["a_axis"])))
        for panel in (shown, steep):  # nothing is drawn outside its frame
            for curve in panel["curves"]:
                assert panel["y_range"][0] <= curve["y"].min() <= curve["y"].max() <= panel["y_range"][1]
        if name in ("tanh", "sigmoid"):
            assert names["a_axis"][steep["curves"][0]["y"].argmax()] == pytest.approx(0, abs=1e-12)
            assert steep["curves"][0]["y"].max() == {"tanh": 1, "sigmoid": 0.25}[name]
            told = {"tanh": "against 0.0013", "sigmoid": "sigmoid: 0.0177"}[name]
            assert told in TEXT
            assert row["items"][1]["value"][0] == pytest.approx(float(told.split()[-1]), abs=5e-5)
    dead = names["value_and_slope"]("ReLU", -1)[1]["curves"][0]["y"]
    assert (dead[:81] == 0).all()
    assert (names["value_and_slope"]("leaky ReLU", -1)[1]["curves"][0]["y"][:81] == 0.01).all()
    a = sp.Symbol("a", real=True)
    sigma = 1 / (1 + sp.exp(-a))
    assert sp.simplify(sp.diff(sigma, a) - sigma * (1 - sigma)) == 0
    assert sp.simplify((sigma - sp.Rational(1, 2) - sp.tanh(a / 2) / 2).rewrite(sp.exp)) == 0


def test_the_sum_over_paths_with_a_matrix_that_is_not_diagonal():
    """The example of equation eq-ff-paths: by the package's backward and by finite differences."""
    W, dy, h = np.array([[1.0, 3.0], [0.0, -2.0]]), np.array([0.5, -0.5]), np.array([0.3, -0.7])
    assert r"\begin{pmatrix} 1 & 3 \\ 0 & -2 \end{pmatrix}" in TEXT
    _, tape = layers.linear(h[None], layers.LinearParams(W, np.zeros(2)))
    dh = layers.linear_backward(dy[None], tape)[0][0]
    measured = [((W @ (h + e)) @ dy - (W @ (h - e)) @ dy) / 2e-6 for e in 1e-6 * np.eye(2)]
    assert dh == pytest.approx(measured, abs=1e-9)
    assert r"\mathrm{d}h_1 = 3 \cdot 0.5 + (-2) \cdot (-0.5) = 2.5$" in TEXT
    assert r"\mathrm{d}h_0 = 1 \cdot 0.5 = 0.5$" in TEXT
    assert dh.tolist() == [0.5, 2.5]


def test_the_sentences_on_recall_follow_from_the_stored_rows():
    stored = experiments.load("recall")
    say = pick("01-feedforward", "on_recall", "rnn_count", "HIDDEN", "D", "K")["on_recall"]
    lags, units = stored["settings"]["lags"], stored["settings"]["units"]
    for row in stored["results"]:
        row["values"] = [0.25] * len(row["updates"])
    assert "**Cannot tell:**" in say(stored).data
    for row in stored["results"]:
        row["values"] = [0.25, *[0.95 if row["lag"] == lags[0] else 0.25] * (len(row["updates"]) - 1)]
    said = say(stored).data
    assert f"**Holds when:** lag {lags[0]}." in said
    assert f"- **Lag {lags[0]}:** 5 of 5 runs, after 100 to 100 updates. Accuracy at the end: 0.95 to 0.95." in said
    assert f"- **Lag {lags[-1]}:** 0 of 5 runs. Accuracy at the end: 0.25 to 0.25." in said
    assert f"of {units} units with 1,316 parameters" in said


def test_the_longer_the_lag_the_longer_it_trains():
    """What the text says below the sentences on recall."""
    stored = experiments.load("recall")
    took = [np.median(trials.took(stored, lag=lag)) for lag in stored["settings"]["lags"]]
    assert took == sorted(took)
    assert len(set(took)) == len(took)


def test_the_lags_of_recall_lie_outside_a_window_with_as_many_parameters():
    """A window of w holds lags up to w - 1; the widest that costs no more than the recurrent network ends at 8."""
    names = pick("01-feedforward", "window_count", "rnn_count", "widths", "HIDDEN", "D", "K")
    widest = names["widths"][names["window_count"] <= names["rnn_count"]].max()
    assert widest - 1 == 8
    settings = experiments.load("recall")["settings"]
    assert min(settings["lags"]) > widest - 1
    net = models.init("rnn", 4, settings["units"], 4, np.random.default_rng(0))
    assert weights.count(net) == names["rnn_count"]
