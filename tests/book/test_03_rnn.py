"""The numbers that chapter 03 states in words are the numbers that its code gives."""

import itertools
import re
from typing import NamedTuple

import numpy as np
import pytest
import torch
from course_site.execution import ROOT

import course_pkg.widgets
from course_pkg import bptt, cells, gradcheck, interchange, optim, weights
from course_pkg.activations import softmax

TEXT = (ROOT / "book" / "03-rnn.md").read_text(encoding="utf-8")
CELLS = re.findall(r"^```\{code-cell\} ipython3\n(?::[^\n]*\n)*\n?(.*?)^```", TEXT, re.DOTALL | re.MULTILINE)


def run(*marks, **names):
    """The names that the chapter's cells define: those cells that contain one of `marks`, or all without marks."""
    names = vars(course_pkg.widgets) | {"__name__": "chapter", "np": np, "bptt": bptt, "cells": cells} | names
    chosen = [cell for cell in CELLS if not marks or any(mark in cell for mark in marks)]
    assert len(chosen) >= len(marks)
    for cell in chosen:
        exec(compile(cell, "03-rnn.md", "exec"), names)
    return names


def stated(words):
    """The last number in `words`, which must stand in the text."""
    assert words in TEXT, words
    return float(re.findall(r"-?\d+\.?\d*", words.replace("−", "-").replace(",", ""))[-1])


def two_steps(first):
    p = cells.RNNParams(np.array([[0.5], [1.5]]), np.array([[0, 1], [-1, 0.5]]), np.array([0, -0.5]))
    x = np.array([[[first], [0.0]]])
    h, _, _ = bptt.unroll(cells.rnn_step, x, cells.HState(np.zeros((1, 2))), p)
    return h[0], h[0] @ np.array([1.0, 1.0]) + 0.1


def test_the_two_steps_by_hand():
    h, y = two_steps(1.0)
    for words, value in {
        r"\vh{1} = (\tanh 0.5, \tanh 1) = (0.462, 0.762": h[0, 1],
        "y_1 = 0.462 + 0.762 + 0.1 = 1.324": y[0],
        r"0 \cdot 0.462 + 1 \cdot 0.762 = 0.762": h[0, 1],
        r"-1 \cdot 0.462 + 0.5 \cdot 0.762 - 0.5 = -0.581": -h[0, 0] + 0.5 * h[0, 1] - 0.5,
        r"\vh{2} = (\tanh 0.762, \tanh(-0.581))$, which is $(0.642, -0.524": h[1, 1],
        "y_2 = 0.642 - 0.524 + 0.1 = 0.218": y[1],
    }.items():
        assert stated(words) == pytest.approx(value, abs=5e-4)
    assert (h[0, 0], h[1, 0]) == pytest.approx((0.462, 0.642), abs=5e-4)
    # "The second input was 0 both times, and the second output differs."
    assert abs(two_steps(0.0)[1][1] - y[1]) > 0.1


def machine(w, u):
    """The state of the first figure, and at how many steps its answer is right."""
    names = run("def machine(")
    panels = names["machine"](w, u)
    return panels[0]["curves"][1]["y"], panels[1]["items"][0]["value"].item()


def test_answers_about_the_first_figure():
    h, _ = machine(0.0, 1.0)
    assert set(np.flatnonzero(h)) == {5, 22, 40}  # "three spikes"
    for w in (1.5, 1.75, 2.0, 2.5, 3.0):  # "From w = 1.5 on the unit never notices the minus"
        assert machine(w, 1.0)[0].min() >= 0
    assert machine(1.3, 1.0)[0].min() < -0.5
    assert stated("at w = 2.5 it hears 2.46") == pytest.approx(2.5 * machine(2.5, 1.0)[0][21], abs=5e-3)
    for w in (1.1, 1.2, 1.3, 1.5):  # "u = 2 with any w from 1.1 to 1.5"
        assert machine(w, 2.0)[1] == 55
    assert machine(1.75, 2.0)[1] < 55


def test_two_different_days_end_in_one_state(capsys):
    """What the state lost, no readout can find: this is also the right answer of question 4."""
    names = run("def live(")
    a, b = (names["live"](day) for day in (names["calm"], names["busy"]))
    assert a == pytest.approx(b, abs=5e-16)
    assert a < -0.5
    one, other = (line.split()[-1] for line in capsys.readouterr().out.splitlines())
    assert one == other


def test_answers_about_unrolling(capsys):
    names = run("def three_steps(", "def y_3(")
    panels = [names["three_steps"](w, "everything") for w in (-1.5, 0.0, 0.75, 1.5)]
    ids = panels[0]["layout"]["ids"]
    fixed = {id for k, id in enumerate(ids) if len({p["values"][k] for p in panels}) == 1}
    assert {id for id in fixed if id[0] in "hy"} == {"h0", "h1", "y1"}
    way = names["LIGHT"]["the way from x₁ to y₃"]
    assert sum(id.startswith("W_hh") for id in way) == 2  # "Twice."
    # The gradients of the three uses sum to the gradient of the one weight, here also by bptt and by PyTorch.
    assert sum(names["each"]) == pytest.approx(names["together"], abs=1e-8)
    x = names["x_three"].reshape(1, 3, 1)
    p = cells.RNNParams(np.ones((1, 1)), np.full((1, 1), 0.5), np.zeros(1))
    _, _, caches = bptt.unroll(cells.rnn_step, x, cells.HState(np.zeros((1, 1))), p)
    _, _, dp = bptt.bptt(cells.rnn_step_backward, None, cells.HState(np.full((1, 1), 2.0)), caches, p)
    assert dp.W_hh.item() == pytest.approx(names["together"], abs=1e-8)
    w, h = torch.tensor(0.5, dtype=torch.float64, requires_grad=True), 0.0
    for x_t in x.ravel():
        h = torch.tanh(x_t + w * h)
    (2 * h).backward()
    assert dp.W_hh.item() == pytest.approx(w.grad.item(), abs=1e-12)


def settle(w, h, b=0.0, steps=5000):
    for _ in range(steps):
        h = np.tanh(w * h + b)
    return h


def test_answers_about_one_unit():
    step = lambda w, h: np.tanh(w * h)  # noqa: E731
    for w in (0.5, 0.8, 0.9, 1.0):
        assert 0 < step(w, 0.6) < 0.6
    for w in (-0.5, -0.75):
        assert -0.6 < step(w, 0.6) < 0
    for u in (0.25, 0.5, 1.5):  # "All positive pushes end at 0.859"
        assert settle(1.5, np.tanh(u), steps=20) == pytest.approx(stated("end at 0.859"), abs=1e-3)
        assert settle(1.5, np.tanh(-u), steps=20) == pytest.approx(-0.859, abs=1e-3)
    high = settle(-1.5, 0.6)  # "swings between 0.859 and -0.859"
    assert abs(high) == pytest.approx(0.859, abs=1e-3)
    assert step(-1.5, high) == pytest.approx(-high, abs=1e-9)
    # The lower crossing at w = 2 vanishes where the slope there is 1, at h = -sqrt(1/2).
    h = -np.sqrt(0.5)
    b = np.arctanh(h) - 2 * h
    assert stated("the exact value is 0.533") == pytest.approx(b, abs=5e-4)
    assert settle(2.0, -0.9, b - 1e-3) < 0 < settle(2.0, -0.9, b + 1e-3)
    assert 0.5 < b < 0.75


@pytest.mark.parametrize(("w", "rest", "slope"), [(1.5, 0.859, 0.394), (3, 0.995, 0.030)])
def test_the_table_of_resting_points(w, rest, slope):
    """The slope three ways: the equation, finite differences, PyTorch."""
    h = settle(w, 0.5)
    assert f"| {w} | 0 and ±{rest} | {w} at 0; {slope:.3f} at ±{rest} |" in TEXT
    assert h == pytest.approx(rest, abs=6e-4)
    by_equation = w * (1 - h**2)
    assert by_equation == pytest.approx(slope, abs=6e-4)
    numeric = gradcheck.numerical_gradient(lambda h: np.tanh(w * h[0]), np.array([h]))[0]
    before = torch.tensor(h, dtype=torch.float64, requires_grad=True)
    torch.tanh(w * before).backward()
    assert (numeric, before.grad.item()) == pytest.approx((by_equation, by_equation), abs=1e-9)


def test_the_one_unit_figure_says_where_it_rests():
    names = run("def one_unit(")
    for w, u, b, rest in ((0.5, 1.5, 0.0, 0.0), (1.5, -0.5, 0.0, -0.859), (-1.5, 1.5, 0.0, 0.0), (2.0, -1.5, 0.75, 1)):
        items = names["one_unit"](w, u, b)[2]["items"]
        assert items[0]["value"].item() == pytest.approx(rest, abs=0.02)
        assert items[1]["value"].item() == pytest.approx(w * (1 - rest**2), abs=0.05)


def turns(angle, size, start=(0.3, 0.1), steps=30_000):
    """(steps a round, whether the state still moves, the last state). Rounds are uneven: 20,000 steps are counted."""
    names = run("def portrait(")
    path = names["follow"](np.array(start), names["turn"](angle, size), steps)[-20_001:]
    moves = np.abs(np.diff(path, axis=0)).max() > 1e-9
    swept = np.ptp(np.unwrap(np.arctan2(path[:, 1], path[:, 0])))
    return 2 * np.pi * 20_000 / max(swept, 1e-9), moves, path[-1]


def test_answers_about_two_units():
    _, _, end = turns(20, 0.9)
    assert np.abs(end).max() < 1e-6
    assert turns(20, 1.1)[1]
    assert turns(45, 1.1)[0] == pytest.approx(8, abs=0.01)
    corners = {tuple(np.round(turns(0, 1.5, (a, b))[2], 3)) for a in (0.3, -0.3) for b in (0.1, -0.1)}
    assert len(corners) == 4
    assert set(np.abs(list(corners)).ravel()) == {stated("(±0.859, ±0.859")}
    assert "about 37 steps a round at 1.1, 45 at 1.3, 74 at 1.5. At 2 it stands still" in TEXT
    for size, round_ in ((1.1, 37), (1.3, 45), (1.5, 74)):
        assert turns(10, size)[0] == pytest.approx(round_, abs=0.6)
    assert not turns(10, 2.0)[1]


def test_counts():
    D, H, K = 30, 128, 30
    size = weights.count(weights.init("rnn", D, H, np.random.default_rng(0))) + K * (H + 1)
    assert size == H * (D + H + 1) + K * (H + 1) == 24_222
    assert "{dropdown} 24,222\nRight." in TEXT
    assert "{dropdown} 968,880" in TEXT
    assert 40 * weights == 968_880
    assert "30^4 = 810{,}000$" in TEXT
    assert 30**4 == 810_000
    assert 30 < 810_000 / weights < 36  # "a thirtieth of that"
    assert stated(r"\log 30 = 3.40") == pytest.approx(np.log(30), abs=5e-3)


def test_answers_of_the_quiz():
    left = settle(0.9, 0.8, steps=50) / 0.8
    assert 0 < left < 0.9**50
    assert stated("$0.9^{50}$ is 0.005") == pytest.approx(0.9**50, abs=5e-4)
    assert left < 0.005  # "Less than half a percent"
    swing = [0.3]
    for _ in range(200):
        swing.append(np.tanh(-1.5 * swing[-1]))
    assert all(a * b < 0 for a, b in itertools.pairwise(swing))
    assert abs(swing[-1]) == pytest.approx(0.859, abs=1e-3)
    assert abs(settle(-0.5, 0.8, steps=100)) < 1e-6


@pytest.fixture
def writer():
    """The chapter's model in float64, with five kinds of characters."""
    rng = np.random.default_rng(0)
    names = run(
        *("class Writer", "def learn("),
        **{"weights": weights, "softmax": softmax, "optim": optim},
        **{"NamedTuple": NamedTuple, "K": 5, "symbols": list("\nabcd"), "ids": rng.integers(5, size=300)},
    )
    rnn = weights.init("rnn", 5, 4, rng, dtype=np.float64)
    net = names["Writer"](rnn._replace(b=rng.normal(size=4)), rng.normal(size=(5, 4)), rng.normal(size=5))
    return names, net


def test_the_writer_has_fewer_than_forty_lines():
    model = [cell for cell in CELLS if "class Writer" in cell or "def learn(" in cell]
    assert len(model) == 2
    assert sum(bool(line.strip()) for cell in model for line in cell.splitlines()) < 40


def test_the_printed_gradient_three_ways(writer):
    """The writer's loss and all its gradients against finite differences and PyTorch."""
    names, net = writer
    ids = names["ids"][:24].reshape(3, 8)
    loss, ours = names["loss_and_gradient"](ids, net)
    gradcheck.gradcheck(lambda net: names["loss_and_gradient"](ids, net)[0], net, ours)

    rnn = torch.nn.RNN(5, 4, batch_first=True, dtype=torch.float64)
    rnn.load_state_dict(interchange.to_torch(net.rnn))
    W, b = (torch.tensor(a, requires_grad=True) for a in net[1:])
    scores = rnn(torch.tensor(np.eye(5)[ids[:, :-1]]))[0] @ W.T + b
    scores.retain_grad()
    theirs = torch.nn.functional.cross_entropy(scores.reshape(-1, 5), torch.tensor(ids[:, 1:]).reshape(-1))
    theirs.backward()
    assert loss == pytest.approx(theirs.item(), abs=1e-12)
    pairs = [(ours.rnn.W_ih, rnn.weight_ih_l0.grad), (ours.rnn.W_hh, rnn.weight_hh_l0.grad)]
    pairs += [(ours.rnn.b, rnn.bias_ih_l0.grad), (ours.W_hy, W.grad), (ours.b_y, b.grad)]
    p = names["read"](ids[:, :-1], net)[0]
    pairs += [((p - np.eye(5)[ids[:, 1:]]) / ids[:, 1:].size, scores.grad)]  # the equation of dy_t
    for mine, other in pairs:
        assert gradcheck.max_error(mine, other.numpy()) < 1e-12


def test_the_writer_learns_a_rule_and_writes_it(writer):
    """On a text that repeats itself the loss falls to near 0, and the sample goes on as the text does."""
    names, _ = writer
    names["ids"] = np.tile([0, 1, 2, 3, 4], 60)
    rng = np.random.default_rng(1)
    nets = names["learn"](names["begin"](8, rng), rng, T=20, B=8, rate=2e-2)
    net = next(itertools.islice(nets, 200, None))
    assert names["loss_and_gradient"](names["ids"][None, :50], net)[0] < 0.1
    assert names["write"](net, 20, np.random.default_rng(2))[:4] == "abcd"


@pytest.mark.slow
def test_what_the_trained_networks_do():
    """All cells, as the page runs them, and the words about trained networks that are not built from them."""
    names = run()
    # One unit learns to hold.
    ends = {w: p[:, -1] for w, p in names["paths"].items()}
    assert all(ends[w].min() > 1 for w in (-0.8, 0.0, 0.8))
    assert ends[-1.5].min() < 1
    # What comes next: the answers.
    guess = {key: dict(zip(names["SHOWN"], p.mean(axis=1))) for key, p in names["guesses"].items()}
    early = [guess[prompt, 10] for prompt in ("statemen", "is an")]
    for g in early:
        assert sorted(g, key=g.get)[:-3:-1] == [" ", "e"]
    assert max(abs(early[0][c] - early[1][c]) for c in names["SHOWN"]) < 0.05
    assert guess["statemen", 50]["t"] == max(guess["statemen", 50].values())
    assert guess["is an", 50]["t"] < 0.5 * guess["statemen", 50]["t"]
    assert guess["statemen", 2000]["t"] > 0.95
    assert 0.65 < guess["is an", 2000][" "] < 0.85  # "a space has three quarters"
    assert guess["q", 100]["u"] < 0.5 < 0.7 < guess["q", 200]["u"]
    # Counting is harder to beat the longer the counts, and the state lets go of old letters.
    counted = list(names["counted"].values())
    assert counted == sorted(counted, reverse=True)
    assert names["final"].max() < names["counted"]["triples"]
    known = {made: share.mean(axis=0) for made, share in names["known"].items()}
    assert known[0][12] > 0.5  # "an echo of the last dozen letters"
    assert known[2000][10] < known[0][10] - 0.3
    assert names["enough"] <= 12  # "about a word's length"
    # Early context: every network uses the first of ten symbols, none the first of thirty.
    right = dict(zip(names["LENGTHS"], names["right"]))
    assert right[10].min() > 0.95
    assert right[30].max() < 0.7
