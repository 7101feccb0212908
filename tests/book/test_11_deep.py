"""What chapter 11 says in words and numbers, its code does; its verdicts follow from the data."""

import math
import re

import numpy as np
import pytest
from chapter_cells import TRAINED_AGAIN, cells
from course_site.execution import ROOT

from course_pkg import experiments, gradcheck, stacks, weights
from course_pkg.experiments import depth

TEXT = (ROOT / "book" / "11-deep.md").read_text(encoding="utf-8")
CELLS = cells("11-deep")


def names_of(*starts):
    """The names that the cells which hold these words make, without their figures."""
    names = {}
    for start in starts:
        cell = next(cell for cell in CELLS if start in cell)
        exec(compile(cell.split("\nExplorer(")[0], "11-deep.md", "exec"), names)
    return names


def test_a_pulse_climbs_the_stack():
    """When the second and the fourth layer are highest, and that a single one only fades."""
    climb = names_of("def climb(")["climb"]
    highest = {depth: climb(depth, 0.8)[1]["items"][0]["value"].item() for depth in (1, 2, 4)}
    assert highest == {1: 0, 2: 3, 4: 11}
    assert "highest after 3 steps, and just as high after 4; the fourth after 11 and 12" in TEXT
    for n, k in ((2, 3), (4, 11)):  # both of the highest steps
        response = [math.comb(k + j + n - 1, n - 1) * 0.8 ** (k + j) for j in (0, 1)]
        assert response[0] == pytest.approx(response[1])


def test_the_square_by_hand():
    """States and slopes of two steps of two layers, and both routes of the derivative, three ways."""
    square = names_of("def climb(", "def square(")["square"]

    def routes(up):
        return [item["value"].item() for item in square(1.0, up, "both")[1]["items"]]

    first, second, whole = routes(1.0)
    assert (round(first, 3), round(second, 3), round(whole, 3)) == (0.156, 0.156, 0.311)
    assert "$0.588 \\cdot 0.265 = 0.156$" in TEXT
    assert "their sum, $0.311$" in TEXT
    assert round(routes(2.0)[2], 3) == 0.074
    assert "from 0.311 to 0.074" in TEXT
    h = [np.tanh(1), np.tanh(np.tanh(1)), np.tanh(2 * np.tanh(np.tanh(1)))]
    assert [round(v, 3) for v in h] == [0.762, 0.642, 0.858]
    assert [round(1 - v**2, 3) for v in h[1:]] == [0.588, 0.265]

    for up in (1.0, 2.0):

        def last(h11, up=up):
            return np.tanh(up * np.tanh(h11) + np.tanh(up * h11)).item()

        numeric = gradcheck.numerical_gradient(last, np.array([np.tanh(1.0)]))
        assert routes(up)[2] == pytest.approx(numeric.item(), abs=1e-9)

    import torch

    h11 = torch.tensor(np.tanh(1.0), requires_grad=True)
    torch.tanh(torch.tanh(h11) + torch.tanh(h11)).backward()
    assert routes(1.0)[2] == pytest.approx(h11.grad.item(), abs=1e-12)


def test_the_number_of_routes():
    def routes(up, on):  # by walking them
        return 1 if up == 0 or on == 0 else routes(up - 1, on) + routes(up, on - 1)

    assert routes(3, 10) == math.comb(13, 3) == 286
    assert routes(7, 20) == 888_030
    assert routes(2, 2) == 6
    for words in ("286 for four layers and ten steps", "888,030 routes", r"$\binom{4}{2} = 6$"):
        assert words in TEXT


def test_the_map_of_gradients():
    """The lengths that the answer names, and that the map is the gradient which the stack itself computes."""
    names = names_of("def climb(", "init_stack(", "def flow(")
    flows = names["flows"]
    plain, residual = flows("gru", "as it is", 1.0), flows("gru", "residual", 1.0)
    stated = {
        "goes from 0.0041": plain[-1, -1],
        "0.0041 to 1.4": residual[-1, -1],
        "it was 0.0011": plain[0, -21],
        "and is 0.0026": residual[0, -21],
        "steps back it is 0.099": plain[-1, -21],
    }
    for words, power in stated.items():
        assert words in TEXT
        assert words.split()[-1] == f"{10**power:.2g}"


@pytest.mark.parametrize("way", ["as it is", "residual", "layer norm", "both"])
def test_the_map_is_the_gradient_of_the_stack(way):
    """At the top layer 20 steps back, and at layer 1 under the loss, against `stack_backward`."""
    names = names_of("def climb(", "init_stack(", "def flow(")
    parts = names["WAYS"][way]
    how = {"residual": "residual" in parts}
    rng = np.random.default_rng(0)
    net = weights.init_stack("gru", 16, 16, rng, depth=8, norm="norm" in parts, dtype=np.float64)
    x = rng.normal(size=(40, 8, 16)).transpose(1, 0, 2)
    d = rng.normal(size=(8, 16))
    d /= np.linalg.norm(d, axis=1, keepdims=True)
    mapped = names["flow"]("gru", way, 1.0, 0)

    def length(gradient):
        return np.log10(np.linalg.norm(gradient, axis=1)).mean()

    def at_the_end(steps):
        return np.concatenate([np.zeros((8, steps - 1, 16)), d[:, None]], axis=1)

    _, state, _ = stacks.stack(x[:, :20], None, net, **how)
    _, _, tape = stacks.stack(x[:, 20:], state, net, **how)
    _, back, _ = stacks.stack_backward(at_the_end(20), None, tape)
    assert mapped[0, 19] == pytest.approx(length(back[-1].forward.h), abs=1e-9)

    below, _, _ = stacks.stack(x, None, net[:1], **how)
    if not how["residual"]:  # the lowest layer of a stack has none, so layers 2 to 8 alone would be another function
        _, _, tape = stacks.stack(below, None, net[1:])
        last = stacks.stack_backward(at_the_end(40), None, tape)[0][:, -1]
        assert mapped[-1, -1] == pytest.approx(length(last), abs=1e-9)


def made_up(**medians):
    """Scores of five seeds around a number for each case, as `depth.scores` gives them."""
    ways = [("width", 1, "plain"), *(("width", d, w) for d in (2, 4, 8) for w in ("plain", "norm", "residual", "both"))]
    ways += [("parameters", d, w) for d, w in ((1, "plain"), (2, "plain"), (4, "plain"), (2, "both"), (4, "both"))]
    spread = np.array([-0.01, -0.005, 0, 0.005, 0.01])
    return {key: medians.get("_".join(map(str, key)), 2.0) + spread for key in ways}


def test_the_verdicts_change_with_the_data():
    nothing = depth.helped(made_up())
    assert "Residual paths made the stack better at no depth tried." in nothing
    assert "worse than a single layer at no depth tried" in nothing
    some = depth.helped(made_up(width_8_plain=3.0, width_8_residual=1.5, width_4_residual=1.8))
    assert "Residual paths made the stack better at 4 and 8 layers." in some
    assert "Layer norm made the stack better at 8 layers." in some
    assert "worse than a single layer at 8 layers" in some
    assert "8 layers as they are: 3.00, with layer norm 2.00, with residual paths 1.50" in some
    every = depth.helped(made_up(width_2_norm=1.0, width_4_norm=1.0, width_8_norm=1.0))
    assert "Layer norm made the stack better at every depth tried." in every

    assert "nothing did better than the wide layer and nothing did worse" in depth.deep_or_wide(made_up())
    text = depth.deep_or_wide(made_up(parameters_2_both=1.5, parameters_4_plain=2.5))
    assert "2 layers with both did better than the wide layer and 4 layers as they are did worse" in text


def test_the_sentence_about_dropout_follows_from_the_data():
    cell = next(cell for cell in CELLS if "train_0, train_2 =" in cell)

    def said(train, unseen):
        names = {"table": np.array([np.tile([t, u], (5, 1)) for t, u in zip(train, unseen)]), "Markdown": str, "np": np}
        exec(cell.replace("Markdown(", "said = Markdown("), names)
        return names["said"]

    good = said((1.0, 1.5, 2.0), (2.3, 2.2, 2.4))
    assert "a gap of 1.30" in good
    assert "with 5 of 5 seeds. Dropout has kept" in good
    assert "did not clearly help" in said((1.0, 1.5, 2.0), (2.2, 2.3, 2.4))


TINY = depth.SETTINGS | {
    "width": 3,
    "wide": 4,
    "embedding": 2,
    "seeds": [0, 1],
    "depths": {"width": [1, 2], "parameters": [1, 2]},
    "characters": 3000,
    "window": 8,
    "test": {"characters": 200, "window": 10, "warm": 2},
    "train": {"steps": 2, "batch": 4, "rate": 0.005, "clip": 1.0},
}


def test_a_tiny_run_of_the_experiment(tmp_path):
    experiments.run("depth", TINY, tmp_path)
    stored = experiments.load("depth", tmp_path)
    for key, row in zip(depth.plan(TINY), stored["results"], strict=True):
        assert key.items() <= row.items()
    found = depth.scores(stored)
    assert all(len(nats) == 2 for nats in found.values())
    budget = next(r["parameters"] for r in stored["results"] if r["equal"] == "parameters" and r["depth"] == 1)
    for row in stored["results"]:
        if row["equal"] == "parameters":
            assert row["parameters"] <= budget
        else:
            assert row["H"] == 3


def test_the_answers_about_the_stored_result():
    """What the page says of eight layers, and what a guess by frequency scores on the same characters."""
    nats = depth.scores(experiments.load("depth"))
    stated = {
        "end at 3.3 nats": nats["width", 8, "plain"],
        "One layer reaches 1.72": nats["width", 1, "plain"],
        "bring eight layers to 1.51": nats["width", 8, "residual"],
        "layer norm alone to 2.04": nats["width", 8, "norm"],
    }
    for words, seeds in stated.items():
        number = re.search(r"\d\.\d+", words)[0]
        assert words in TEXT
        assert float(number) == pytest.approx(np.median(seeds), abs=0.51 * 10 ** -len(number[2:]))
    assert sum(nats["width", 8, "plain"] > 3.3) == 3
    settings = depth.SETTINGS
    test = settings["test"]
    symbols, text, unseen = depth._text(settings["characters"], test["characters"], test["window"])
    often = np.bincount(text, minlength=len(symbols)) + 1
    guess = -np.log(often[unseen[:, test["warm"] + 1 :]] / often.sum()).mean()
    assert round(guess, 2) == 3.39
    assert "how often each character occurs (3.39)" in TEXT


@pytest.mark.slow
@pytest.mark.parametrize("seed", TRAINED_AGAIN)
def test_residual_paths_let_a_deep_stack_learn(seed):
    """What the page says of eight layers, from each seed: with both helps they do better than as they are."""
    settings = depth.SETTINGS | {"train": depth.SETTINGS["train"] | {"steps": 60}}
    nats = {
        way: depth.measure(settings, [], equal="width", depth=8, way=way, seed=seed)["nats"]
        for way in ("plain", "both")
    }
    assert nats["both"] < nats["plain"] - 0.1


def test_the_arithmetic_in_the_text():
    assert weights.cell_count("gru", 32, 32) == 6272
    assert "Every layer adds 6,272 parameters" in TEXT
    assert round(0.8**20, 2) == 0.01
    for H in (3, 10):
        assert weights.cell_count("gru", H, H) == 3 * H * (2 * H + 1) + H
