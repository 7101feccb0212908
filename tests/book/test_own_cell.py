"""The page "A cell of your own": what it says about its cell, and that the race is of the cell that it shows."""

import ast
import inspect

import numpy as np
import pytest
from chapter_cells import cells as cells_of
from chapter_cells import run
from course_site.execution import ROOT

from course_pkg import bptt, cells, experiments, weights
from course_pkg.experiments import peephole

TEXT = (ROOT / "book" / "own-cell.md").read_text(encoding="utf-8")
CODE = cells_of("own-cell")


@pytest.fixture(scope="module")
def page():
    return run({}, CODE)


@pytest.fixture(scope="module")
def stored():
    return experiments.load("peephole")


def test_the_cell_of_the_page_is_the_cell_of_the_race():
    """Word for word: both have the same definitions."""
    shown = {node.name: node for cell in CODE for node in ast.parse(cell).body if hasattr(node, "name")}
    raced = {node.name: node for node in ast.parse(inspect.getsource(peephole)).body if hasattr(node, "name")}
    for name in ("PeepholeParams", "PeepholeCache", "peephole_step", "peephole_step_backward"):
        assert ast.unparse(shown[name]) == ast.unparse(raced[name])


def test_with_peepholes_of_0_it_is_an_lstm(page):
    """ "They start at 0, where the cell is an LSTM": the same function, to the bit."""
    p = weights.init(page["PEEPHOLE"], 2, 5, np.random.default_rng(0))
    lstm = weights.init("lstm", 2, 5, np.random.default_rng(0))
    assert not p.p.any()
    assert len(p.p) == 15
    x = np.random.default_rng(1).normal(size=(3, 4, 2)).astype(np.float32)
    assert np.array_equal(bptt.unroll(page["PEEPHOLE"], x, None, p)[0], bptt.unroll(cells.LSTM, x, None, lstm)[0])


def test_the_page_checks_and_trains_it(page):
    assert page["error"] < 1e-9
    assert page["y"].shape == (64, 1)
    assert page["fit"].history.loss[-1] < page["fit"].history.loss[0]


@pytest.mark.parametrize("seed", peephole.SETTINGS["seeds"])
def test_the_figure_draws_the_stored_curves(page, stored, seed):
    (figure,) = page["FIGURES"].values()
    assert figure.spec["title"] == "Peepholes against none"
    drawn = page["race"](seed)
    for curve, cell in zip(drawn["curves"], ("peephole", "lstm")):
        errors = peephole.raced(stored, cell)[1]
        assert np.allclose(curve["y"], errors[seed])
        assert (drawn["y_range"][0] < np.log10(errors)).all()


def test_the_text_is_true_of_the_settings(stored):
    settings = stored["settings"]
    assert f"sequences of {settings['T']} steps" in TEXT
    assert len(settings["rates"]) == 4
    assert len(settings["seeds"]) == 5
    assert not set(settings["seeds"]) & set(settings["search"]["seeds"])


def test_the_answer_is_true_of_the_curves(stored):
    (steps, ours), (_, theirs) = (peephole.raced(stored, cell) for cell in ("peephole", "lstm"))
    assert (ours[:, list(steps).index(100)] < theirs[:, list(steps).index(100)]).all()
    assert "with every seed the error with peepholes is the lower one" in TEXT
    late = list(steps).index(300)
    assert max(ours[:, late].max(), theirs[:, late].max()) < stored["settings"]["learned"] / 4
    assert f"checked every {stored['settings']['updates'][1]} updates" in TEXT


def made_up(ours, theirs):
    """A result in which each seed reaches the target at this look after the first, or never (None)."""
    looks = peephole.SETTINGS["updates"]
    rows = [
        {
            "stage": "compare",
            "cell": cell,
            "seed": seed,
            "updates": looks,
            "values": [0.1 if at is None or k <= at else 0.001 for k in range(len(looks))],
        }
        for cell, checks in (("peephole", ours), ("lstm", theirs))
        for seed, at in enumerate(checks)
    ]
    return {"settings": peephole.SETTINGS, "results": rows}


@pytest.mark.parametrize(
    ("ours", "theirs", "words"),
    [
        ([1, 2, 2, 3, 3], [4, 5, 6, 7, None], "**Holds** here"),
        ([4, 5, 6, 7, None], [1, 2, 2, 3, 3], "**Does not hold** here"),
        ([1, 2, 3, 4, 5], [5, 6, 7, 8, 9], "**Cannot tell**"),
        ([None] * 5, [None] * 5, "**Cannot tell**"),
    ],
)
def test_the_sentence_follows_the_data(ours, theirs, words):
    assert words in peephole.told(made_up(ours, theirs))


def test_the_sentence_counts_who_was_late():
    text = peephole.told(made_up([0, 2, 3, 4, None], [1] * 5))
    assert "With peepholes: 4 of 5 seeds reached the target after 50 to 250 updates; 1 did not within 800." in text
    assert "The package's LSTM: 5 of 5 seeds reached the target after 100 updates." in text


def test_the_page_says_what_the_stored_curves_say(page, stored):
    assert page["SAID"][-1] == peephole.told(stored)
