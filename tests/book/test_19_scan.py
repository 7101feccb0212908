"""What chapter 19 states is what its code gives, and every gradient that it prints is right three ways."""

import copy
import re

import numpy as np
import pytest
import torch
from chapter_cells import cells as cells_of
from chapter_cells import run
from course_site.execution import ROOT

from course_pkg import experiments, linear_cells
from course_pkg.activations import sigmoid
from course_pkg.experiments import counting, trials
from course_pkg.gradcheck import gradcheck, max_error
from course_pkg.scan import combine, scan, scan_backward, scan_log_space
from course_pkg.tools import scan_bench

TEXT = (ROOT / "book" / "19-scan.md").read_text(encoding="utf-8")
THREE = np.array([[[0.5], [0.75], [0.25]]])
WRITTEN = np.array([[[0.5], [0.75], [-0.75]]])


@pytest.fixture(scope="module")
def chapter():
    """The names that the chapter's cells define."""
    return run({}, cells_of("19-scan"))


def numbers_of(panels):
    return {item["name"]: float(item["value"][0]) for p in panels for item in p.get("items", ())}


def curve(panel, name):
    return next(c["y"] for c in panel["curves"] if c["name"] == name)


def figure(chapter, title):
    return chapter["FIGURES"][title]._fn


def test_no_backslash_was_lost():
    assert not re.search(r"[\x00-\x09\x0b-\x1f]", TEXT)


def test_turns_of_loop_and_tree(chapter):
    """ "Nineteen: ten on the way up and nine on the way down"; "2,036 turns against 1,024"."""
    move = figure(chapter, "How many turns for T steps?")
    assert numbers_of(move(1024, 4096)) == {"turns of the loop": 1024, "turns of the tree": 19}
    assert numbers_of(move(1024, 1))["turns of the tree"] == 2036
    assert "2,036 turns against 1,024" in TEXT


def test_the_three_steps_by_hand():
    x, w = np.array([0.0, 1, -1]), np.log(3)
    z, n = sigmoid(w * x), 2 * x + 1
    np.testing.assert_allclose(z, THREE.ravel(), rtol=1e-12)
    np.testing.assert_allclose((1 - z) * n, WRITTEN.ravel(), rtol=1e-12)
    params = linear_cells.MinGRUParams(np.array([[w], [2.0]]), np.array([0.0, 1.0]))
    h, _, _ = linear_cells.min_gru(x[None, :, None], None, params)
    np.testing.assert_allclose(h.ravel(), [0.5, 1.125, -0.46875], rtol=1e-12)
    steps = list(zip(THREE.ravel(), WRITTEN.ravel()))
    assert combine(steps[0], steps[1]) == (0.375, 1.125)
    assert combine(combine(steps[0], steps[1]), steps[2]) == (0.09375, -0.46875)
    assert combine(steps[1], steps[2]) == (0.1875, -0.5625)
    assert combine(steps[0], combine(steps[1], steps[2])) == (0.09375, -0.46875)


def test_the_scan_round_by_round(chapter):
    """4 after two rounds; 17, 11 and 7 pairs; the last row is the loop's; with a = 0 nothing has to be joined."""
    move = figure(chapter, "A scan over eight steps, round by round")
    for way, rounds, pairs in (("doubling", 3, 17), ("tree", 5, 11), ("loop", 7, 7)):
        for a in (0.0, 0.5, 0.9, 1.0):
            panels = move(way, rounds, a)
            rows = panels[0]["z"].reshape(8, 8)
            true = scan(np.full((1, 8, 1), a), np.ones((1, 8, 1)))[0].ravel()
            np.testing.assert_allclose(rows[rounds], true)
            assert np.isnan(rows[rounds + 1 :]).all()
            assert numbers_of(panels) == {"joined so far": pairs, "states finished": 8}
        assert numbers_of(move(way, rounds - 1, 1.0))["states finished"] < 8
        assert numbers_of(move(way, 0, 0.0))["states finished"] == 8
    assert move("doubling", 2, 1.0)[0]["z"].reshape(8, 8)[2, 7] == 4


def test_the_way_back_by_hand_and_three_ways():
    dh = np.array([[[0.0], [0.0], [1.0]]])
    _, tape = scan(THREE, WRITTEN)
    da, db, dh_0 = scan_backward(dh, tape)
    assert (da.ravel().tolist(), db.ravel().tolist()) == ([0, 0.125, 1.125], [0.1875, 0.25, 1])
    assert dh_0.item() == 0.09375
    start = np.zeros((1, 1))

    def loss(a, b, h_0):
        return scan(a, b, h_0)[0][0, 2, 0]

    gradcheck(lambda a: loss(a, WRITTEN, start), THREE, da)
    gradcheck(lambda b: loss(THREE, b, start), WRITTEN, db)
    gradcheck(lambda h_0: loss(THREE, WRITTEN, h_0), start, dh_0)
    a, b, h = (torch.tensor(v, requires_grad=True) for v in (THREE, WRITTEN, start))
    h_t = h
    for t in range(3):
        h_t = a[:, t] * h_t + b[:, t]
    h_t.sum().backward()
    for mine, theirs in ((da, a), (db, b), (dh_0, h)):
        assert max_error(mine, theirs.grad.numpy()) <= 1e-12


def test_the_printed_equations_of_the_min_gru_three_ways():
    """dz = g (h_{t-1} - n) and dn = g (1 - z), against differences and PyTorch, with z and n as what is moved."""
    rng = np.random.default_rng(0)
    z, n, dh = rng.uniform(0.1, 0.9, (2, 5, 3)), rng.normal(size=(2, 5, 3)), rng.normal(size=(2, 5, 3))

    def loss(z, n):
        return np.sum(dh * scan(z, (1 - z) * n)[0])

    h, tape = scan(z, (1 - z) * n)
    g = scan_backward(dh, tape)[1]
    before = np.concatenate([np.zeros((2, 1, 3)), h[:, :-1]], axis=1)
    dz, dn = g * (before - n), g * (1 - z)
    gradcheck(lambda moved: loss(moved, n), z, dz)
    gradcheck(lambda moved: loss(z, moved), n, dn)
    z_, n_, h_t, total = torch.tensor(z, requires_grad=True), torch.tensor(n, requires_grad=True), 0.0, 0.0
    for t in range(5):
        h_t = z_[:, t] * h_t + (1 - z_[:, t]) * n_[:, t]
        total = total + (torch.tensor(dh[:, t]) * h_t).sum()
    total.backward()
    assert max_error(dz, z_.grad.numpy()) <= 1e-12
    assert max_error(dn, n_.grad.numpy()) <= 1e-12


def test_what_is_said_of_the_speed_follows_the_stored_numbers(chapter):
    stored = scan_bench.read()
    assert {(r["T"], r["units"]) for r in stored["rows"]} == {
        (T, n) for T in scan_bench.LENGTHS for n in scan_bench.UNITS if T * n <= scan_bench.MOST
    }
    _, word = chapter["told_speed"](stored)
    for times, wanted in ((3.0, "**holds**"), (0.5, "**does not hold**")):
        altered = copy.deepcopy(stored)
        for row in altered["rows"]:
            row["over"] = dict.fromkeys(row["over"], times)
        assert wanted in chapter["told_speed"](altered)[1]
    assert word in " ".join(chapter["SAID"])


def test_the_contenders_of_the_speed_compute_the_same():
    wanted = None
    for call in scan_bench.contenders(33, 4).values():
        found = call()
        wanted = wanted or found
        assert all(np.allclose(x, y, atol=1e-4) for x, y in zip(found, wanted))


def test_the_verdict_on_log_space(chapter):
    told = chapter["told_log"]
    plain = {"sequential": 1e-7, "tree": 3e-7}
    assert "300 times as large" in told(plain | {"log space": 9e-5})[0]
    assert told(plain | {"log space": 9e-5})[1] == "**does not hold**"
    assert told(plain | {"log space": 3e-7})[1] == "**cannot tell**"
    assert told(plain | {"log space": 1e-8})[1] == "**holds**"


def test_what_log_space_loses_is_lost_in_its_sums(chapter):
    """ "With these sums made in float64, from the same logarithms in float32, the error is as small as ..." """
    a, b = np.log(chapter["a_1"]), np.log(chapter["b_1"])
    assert a.dtype == b.dtype == np.float32
    plain = max(error for how, error in chapter["off"].items() if how != "log space")
    error = np.abs(scan_log_space(a.astype(float), b.astype(float)) / chapter["true"] - 1).max()
    assert error <= plain < chapter["off"]["log space"] / 10


def test_a_turning_gate(chapter):
    move = figure(chapter, "What a complex gate answers to a pulse")
    at = numbers_of(move(0.95, 18))
    assert at["half of its size is gone after"] == pytest.approx(13.5, abs=0.05)
    assert at["a whole turn takes"] == 20
    slow = numbers_of(move(0.99, 18))["half of its size is gone after"]
    assert round(slow) == 69
    assert 3 <= slow / 20 < 4
    signs = np.sign(curve(move(0.95, 180)[0], "real part"))
    assert (signs[1:] == -signs[:-1]).all()
    assert (curve(move(0.95, 0)[0], "real part") > 0).all()


def test_gamma_keeps_the_variance():
    """v = |lambda|^2 v + gamma^2 at v = 1, and a state driven by noise has it."""
    size, rng = 0.95, np.random.default_rng(0)
    gamma = np.sqrt(1 - size**2)
    assert size**2 + gamma**2 == pytest.approx(1)
    noise = gamma * rng.normal(size=(200, 400, 1)).astype(complex)
    s, _ = scan(np.full(noise.shape, size * np.exp(0.3j)), noise, how="tree")
    assert np.mean(np.abs(s[:, 200:]) ** 2) == pytest.approx(1, abs=0.05)


def test_a_step_size_is_a_gate_and_the_exact_step_a_min_gru():
    a = np.linspace(-30, 30, 121)
    delta = np.log1p(np.exp(a))
    assert max_error(np.exp(-delta), sigmoid(-a)) <= 1e-12
    assert max_error(1 - np.exp(-delta), sigmoid(a)) <= 1e-12
    assert sigmoid(4.97) == pytest.approx(0.9931, abs=5e-5)  # the fifth question
    assert sigmoid(-4.97) == pytest.approx(0.0069, abs=5e-5)


def test_every_line_of_the_table_agrees_with_a_loop_in_pytorch(chapter):
    """Four lines by the page; the others have layers, held against loops in tests/test_linear_cells.py."""
    table = TEXT.split("from a GRU by |")[1].split("\n\n")[0]
    lines = re.findall(r"^\| (.+?) \|", table, re.MULTILINE)[1:]
    layers = ["minGRU", "minLSTM", "LRU", "Mamba"]
    assert sorted(lines) == sorted([*layers, *chapter["apart"]])
    assert max(chapter["apart"].values()) < 1e-12
    for model in chapter["apart"]:
        assert np.abs(chapter["as_loop"](model)).max() > 0.1


def test_a_positive_gate_moves_one_way_and_minus_one_is_a_switch():
    ones = np.ones((1, 200, 1))
    for a in (0.1, 0.9, 0.999):
        for start in (-5.0, 0.3, 900.0):
            h, _ = scan(a * ones, 0.7 * ones, np.full((1, 1), start))
            moves = np.diff(np.concatenate([[start], h.ravel()]))
            assert (moves >= 0).all() or (moves <= 0).all()
            assert (np.abs(np.diff(moves)) <= np.abs(moves[:-1]) + 1e-12).all()
    assert scan(-ones[:, :6], ones[:, :6])[0].ravel().tolist() == [1, 0, 1, 0, 1, 0]


def test_drift_and_repair(chapter):
    move = figure(chapter, "How long two answers stay apart")
    assert round(np.log(0.5) / np.log(0.99)) == 69
    at = numbers_of(move(0.99, 1.5))
    assert at["tanh unit at the end"] == pytest.approx(1.72, abs=0.005)
    assert at["tanh unit at the end"] / 2 == pytest.approx(0.86, abs=0.005)
    assert at["signed gate at the end"] == pytest.approx(0.99**400, rel=1e-9)
    assert [numbers_of(move(0.99, w))["tanh unit at the end"] > 0.5 for w in (0.8, 1.0, 1.2, 2.0)] == [
        *(False, False, True, True)
    ]
    assert round(np.log(0.01) / np.log(0.9)) == 44


@pytest.mark.parametrize("step", counting.SETTINGS["steps"])
def test_the_gradients_of_the_experiment(step):
    rng = np.random.default_rng(3)
    net = counting.start(step, 3, counting.SETTINGS | {"units": 2, "readout": 3}, rng)
    x, y = counting.draw(3, 5, 3, rng)
    gradcheck(lambda moved: counting.loss(step, moved, x, y)[0], net, counting.loss(step, net, x, y)[1], 1e-5)


def test_the_sums_are_right():
    x, y = counting.draw(4, 9, 3, np.random.default_rng(0))
    assert (x[:, 0] == 3).all()
    assert x[:, 1:].max() < 3
    for row, answers in zip(x, y):
        assert answers.tolist() == [int(sum(row[1 : t + 1])) % 3 for t in range(10)]


def altered(runs, learns):
    """The same runs, as if the steps of `learns` had learned and kept their count and all others guessed."""
    runs = copy.deepcopy(runs)
    for row in runs["results"]:
        error = 0.0 if row["step"] in learns else 1.0
        row["values"] = [error] * len(row["updates"])
        row["far"] = [error] * len(runs["settings"]["lengths"])
    return runs


def test_what_is_said_of_counting_follows_the_runs(chapter):
    runs, both = chapter["stored"], ("turning", "tanh RNN")
    said = " ".join(chapter["SAID"])
    assert all(line in said for line in counting.told(runs))
    assert str(counting.verdict(runs)) in said
    for verdict in (counting.complex_counts(runs), counting.linear_is_weaker(runs)):
        assert counting.in_words(verdict) in said
    free = ("signed", "turning", "tanh RNN")
    assert counting.verdict(altered(runs, free)).word == "holds"
    assert counting.verdict(altered(runs, ("positive", "minGRU"))).word == "does not hold"
    for learns in (counting.SETTINGS["steps"], ()):
        assert counting.verdict(altered(runs, learns)).word == "cannot tell"
    assert counting.complex_counts(altered(runs, both)).word == "holds"
    assert counting.complex_counts(altered(runs, ())).word == "does not hold"
    assert counting.linear_is_weaker(altered(runs, ("tanh RNN",))).word == "holds"
    assert counting.linear_is_weaker(altered(runs, ("turning",))).word == "does not hold"
    for learns in (both, ()):  # both at the floor, both at chance
        assert counting.linear_is_weaker(altered(runs, learns)).word == "cannot tell"
    assert "5 of 5 runs learned it, after 0 updates" in " ".join(counting.told(altered(runs, both)))
    assert "0 of 5 runs learned it" in " ".join(counting.told(altered(runs, ())))


def test_the_text_agrees_with_the_stored_runs():
    """ "A count that was learned by a sign or an angle wears out on longer rows"; the tanh RNN's figure of repair."""
    runs = experiments.load("counting")
    last = max(runs["settings"]["lengths"])
    for step in ("signed", "turning"):
        assert trials.learned(runs, modulo=2, step=step)[0] == 5
        assert np.median(counting.fars(runs, 2, step)[last]) > 0.5


def test_the_table_of_winners_follows_the_stored_numbers(chapter):
    rows = [{"T": 4, "units": 1, "over": {"sequential": 1.0, "tree": 2.0}}]
    rows += [{"T": 8, "units": 2, "over": {"sequential": 1.0, "tree": 0.5}}]
    table = chapter["winners"]({"rows": rows}).splitlines()
    assert table[2:] == ["| 4 | tree, 2 | not measured |", "| 8 | not measured | the loop |"]
    assert chapter["winners"](scan_bench.read()) in " ".join(chapter["SAID"])


# Alternative texts that state what was found


def level_and_falling(chapter):
    move = figure(chapter, "How many turns for T steps?")
    for T in (64, 256, 1024, 4096):
        panel = move(T, 1)[0]
        loop, tree = curve(panel, "loop"), np.array(curve(panel, "tree"))
        assert np.all(np.equal(loop, T))
        assert tree[0] > T
        assert (np.diff(tree) <= 0).all()
        apart = tree - tree[0] / chapter["WORKERS"]  # "in proportion to the workers", to the last rounds
        assert (np.abs(apart) <= 2 * np.log2(T)).all()
        assert tree[-1] == 2 * np.log2(T) - 1  # "to about twice the logarithm of T"


def rounds_until_complete(chapter):
    move = figure(chapter, "A scan over eight steps, round by round")
    true = np.arange(1, 9)
    for way, wanted in (("doubling", 3), ("tree", 5), ("loop", 7)):
        complete = [np.array_equal(move(way, r, 1.0)[0]["z"].reshape(8, 8)[r], true) for r in range(wanted + 1)]
        assert complete == [False] * wanted + [True]
    up, down = chapter["ROUNDS"]["tree"][:3], chapter["ROUNDS"]["tree"][3:]
    assert [len(pairs) for pairs in up] == [4, 2, 1]
    assert len(down) == 2


def swings_between(chapter):
    move = figure(chapter, "What a complex gate answers to a pulse")
    for size in (0.5, 0.8, 0.9, 0.95, 0.99, 0.999):
        for angle in (0, 5, 18, 45, 90, 120, 180):
            panel = move(size, angle)[0]
            real, bound = np.array(curve(panel, "real part")), np.array(curve(panel, "size"))
            assert (np.abs(real) <= bound + 1e-12).all()
            turns = np.sum(np.diff(np.sign(real[np.abs(real) > 1e-9 * bound])) != 0)
            if angle == 0:
                assert turns == 0
                assert (np.diff(real) < 0).all()
            elif angle == 180:
                assert turns == len(real) - 1
            else:
                assert 0 < turns < len(real) - 1


def falls_or_stays(chapter):
    move = figure(chapter, "How long two answers stay apart")
    for a in (0.9, 0.97, 0.99, 0.999):
        gap = np.array(curve(move(a, 1.5)[0], "signed gate"))
        assert (np.diff(gap) < 0).all()
        np.testing.assert_allclose(gap, a ** np.arange(0, 401, 4))  # towards nothing
    for w in (0.8, 1.0, 1.2, 1.5, 2.0, 3.0):
        gap = np.array(curve(move(0.9, w)[0], "tanh unit"))
        if w > 1:
            assert gap[-1] == pytest.approx(gap[-25], rel=1e-6)  # a height of its own
            assert np.tanh(w * gap[-1] / 2) == pytest.approx(gap[-1] / 2)
            assert gap[-1] > 0.5
        else:
            assert (np.diff(gap) < 0).all()


ALT_FINDINGS = {
    "How many turns for T steps?": level_and_falling,
    "A scan over eight steps, round by round": rounds_until_complete,
    "What a complex gate answers to a pulse": swings_between,
    "How long two answers stay apart": falls_or_stays,
}


@pytest.mark.parametrize("title", ALT_FINDINGS)
def test_the_alternative_text_says_what_is_drawn(chapter, title):
    assert title in chapter["FIGURES"]
    ALT_FINDINGS[title](chapter)
