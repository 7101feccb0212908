"""The numbers that chapter 03 states in words are the numbers that its code gives."""

import itertools
import re

import numpy as np
import pytest
import torch
from course_site.execution import ROOT

import course_pkg.widgets
from course_pkg import cells, experiments, fused, gradcheck
from course_pkg.experiments import first_symbol, trials

TEXT = (ROOT / "book" / "03-rnn.md").read_text(encoding="utf-8")
CELLS = re.findall(r"^```\{code-cell\} ipython3\n(?::[^\n]*\n)*\n?(.*?)^```", TEXT, re.DOTALL | re.MULTILINE)


def run(*marks, **names):
    """The names that the chapter's cells define: those cells that contain one of `marks`, or all without marks."""
    names = vars(course_pkg.widgets) | {"__name__": "chapter", "np": np, "cells": cells} | names
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
    h = run("def run(x, params)")["run"](x, p)
    assert gradcheck.max_error(h, fused.rnn(x, None, p)[0]) < 1e-12
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
    names = run("def loop(", "def three_steps(", "def y_3(")
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
    _, _, tape = fused.rnn(x, None, p)
    _, _, dp = fused.rnn_backward(None, cells.HState(np.full((1, 1), 2.0)), tape)
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


def test_answers_about_the_folded_loop():
    names = run("def loop(")
    first, second = (names["loop"](t)[0] for t in (1, 2))
    value = lambda panel, part: panel["values"][panel["layout"]["ids"].index(part)]  # noqa: E731
    assert (value(first, "x"), value(second, "x")) == (1, 0)
    assert stated(r"At step 2 it is $\vh{1} = 0.762") == pytest.approx(value(second, "before"), abs=5e-4)
    assert stated(r"\vh{2} = \tanh(0 + 0.5 \cdot 0.762) = 0.363") == pytest.approx(value(second, "h"), abs=5e-4)
    for part in ("W_ih", "W_hh", "W_hy"):
        assert value(first, part) == value(second, part)


def test_a_hundred_units_lose_what_two_keep():
    """The answers about the figure of two runs, and that the sentence follows its data."""
    names = run("def apart(")
    found = names["distances"]
    assert all(d[-1] < names["APART"] for H in names["WIDTHS"] for d in found[H, 0.5])
    assert all(d[-1] > 1000 * names["APART"] for d in found[100, 2.0])
    assert sum(d[-1] > 1000 * names["APART"] for d in found[2, 2.0]) <= 2  # "most pairs come together"


def made_up(took):
    """A stored result in which the seeds of each length learned after so many updates."""
    settings = first_symbol.SETTINGS | {"lengths": list(took)}
    rows = [
        {"stage": "compare", "T": T, "seed": k, "updates": [0, n or 1000], "values": [0.5, 1.0 if n else 0.5]}
        for T, some in took.items()
        for k, n in enumerate(some)
    ]
    return {"settings": settings, "results": rows}


def test_what_is_said_of_the_first_symbol_follows_the_data():
    stored = made_up({5: [200, 400, 600, 200, 200], 30: [None] * 5})
    assert "5 steps by 5 of 5 seeds (after 200 to 600 updates); 30 steps by 0 of 5 seeds." in first_symbol.said(stored)
    assert first_symbol.verdict(stored).word == "holds"
    assert first_symbol.verdict(made_up({5: [200] * 5, 30: [100] * 5})).word == "does not hold"


def test_counts():
    D, H, K = 30, 128, 30
    weights = H * (D + H + 1) + K * (H + 1)
    assert weights == 24_222
    assert "{dropdown} 24,222\nRight." in TEXT
    assert "{dropdown} 968,880" in TEXT
    assert 40 * weights == 968_880


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


def test_the_delay_of_question_five():
    """(1 - tanh^2 a, 0) and (0, 0), by finite differences."""
    W_hh, a, eps = np.array([[0.0, 1], [0, 0]]), 0.7, 1e-6

    def states(a):
        h = [np.array([0.0, a])]
        for _ in range(2):
            h.append(np.tanh(W_hh @ h[-1]))
        return np.array(h[1:])

    slopes = (states(a + eps) - states(a - eps)) / (2 * eps)
    assert slopes == pytest.approx(np.array([[1 - np.tanh(a) ** 2, 0], [0, 0]]), abs=1e-9)


def test_the_task_on_paper():
    """Resting points near +-sqrt(3 (w - 1)) for w slightly above 1."""
    for w in (1.01, 1.001):
        assert settle(w, 0.5, steps=200_000) == pytest.approx(np.sqrt(3 * (w - 1)), rel=0.02)


@pytest.mark.slow
def test_one_unit_learns_to_hold():
    """The words about the starts that are not built from the runs."""
    names = run("def learn_switch(")
    ends = {w: p[:, -1] for w, p in names["paths"].items()}
    assert all(ends[w].min() > 1 for w in (-0.8, 0.0, 0.8))
    assert ends[-1.5].min() < 1


def test_the_words_about_the_first_symbol():
    """What the page says of the stored runs outside the sentence that is made of them."""
    stored = experiments.load("first_symbol")
    late = [np.median(trials.took(stored, T=T)) for T in stored["settings"]["lengths"]]
    assert late == sorted(late)  # "the more steps lie between"
    long = trials.curves(trials.compared(stored, T=60))
    at = [stored["settings"]["updates"].index(n) for n in (500, 12000)]
    assert (long[:, at[0]] < 0.6).all()  # "answers at random after 500 updates"
    assert (long[:, at[1]] > 0.95).all()  # "right every time after some thousands"
