"""The stored experiment of chapter 14: its rows, what units are said to follow, and the temperature that is found."""

import numpy as np
import pytest

from course_pkg import experiments, layers, tasks
from course_pkg.experiments import generation, units, writers
from course_pkg.gradcheck import numerical_gradient

TINY = generation.SETTINGS | {
    "seeds": [0],
    "temperatures": [0.5, 1.0],
    "text": generation.SETTINGS["text"] | {"units": 8, "train": {"steps": 2, "batch": 4, "rate": 0.01}},
    "stories": generation.SETTINGS["stories"]
    | {"units": 8, "lessons": [20], "train": {"steps": 2, "batch": 4, "rate": 0.01}, "drawn": 5},
    "melodies": generation.SETTINGS["melodies"] | {"units": 8, "lessons": 20, "steps": [2], "drawn": 20},
}


def test_a_tiny_run(tmp_path):
    """Each key of the plan, in order, with what was found for it; JSON can hold all of it."""
    experiments.run("generation", TINY, tmp_path)
    rows = experiments.load("generation", tmp_path)["results"]
    for key, row in zip(generation.plan(TINY), rows, strict=True):
        assert key.items() <= row.items()
    for row in rows:
        if row["kind"] == "stories":
            assert all(len(row[rule]) == 2 for rule in (*generation.RULES, "copied"))
        if row["kind"] == "melodies":
            for notes in row["melody"]:
                assert sum(beats for _, beats in notes) <= 48
                assert len(notes) >= 8


def test_the_networks_never_see_what_is_held_out():
    symbols, ids, later = writers.read_text()
    assert "".join(symbols[k] for k in np.concatenate([ids, later])) == tasks.help_text()
    assert len(later) == pytest.approx(len(ids) / 9, abs=2)
    windows = writers.held_out(generation.SETTINGS)
    assert np.array_equal(windows[:-1, -1], windows[1:, 0])
    assert np.array_equal(windows[:, :-1].ravel(), later[: windows[:, :-1].size])


def test_the_derivative_by_the_temperature():
    rng = np.random.default_rng(0)
    scores, came = rng.normal(size=(5, 7)), rng.integers(7, size=5)
    for temperature in (0.5, 1.0, 2.0):
        _, slope = generation.loss_at(scores, came, temperature)
        near = numerical_gradient(lambda t: generation.loss_at(scores, came, t[0])[0], np.array([temperature]))
        assert slope == pytest.approx(near[0], abs=1e-7)


def test_the_best_temperature_is_found():
    """Scores that are twice too sure want a temperature of 2, by drawing from what they should have been."""
    rng = np.random.default_rng(0)
    honest = rng.normal(size=(20_000, 5))
    came = (honest + rng.gumbel(size=honest.shape)).argmax(axis=1)
    assert generation.best_temperature(2 * honest, came) == pytest.approx(2, rel=0.03)
    assert generation.best_temperature(honest, came) == pytest.approx(1, rel=0.03)
    loss = [layers.softmax_cross_entropy(honest / t, came)[0] for t in (0.9, 1.0, 1.1)]
    assert loss[1] < min(loss[0], loss[2])


def test_what_the_text_has_at_each_character():
    assert "".join("01"[int(v)] for v in units.inside_quotes('say "ab" c')) == "0000111000"
    assert units.inside_quotes('a "b\n\nc')[[3, 4, 5, 6]].tolist() == [1, 1, 0, 0]  # an empty line closes
    assert units.place_in_line("ab\ncd").tolist() == [1, 2, 0, 1, 2]
    assert units.sentence("A b. C. D").tolist() == [1, 1, 1, 1, 2, 2, 2, 3, 3]
    for story in tasks.stories(20, np.random.default_rng(0)):
        assert units.sentence(story).max() == 4
        assert set(units.about_her(story)) == {float(tasks.text.NAMES[story.split()[0]] == "she")}


def test_a_unit_is_chosen_on_one_part_and_measured_on_the_other():
    rng = np.random.default_rng(0)
    feature, chosen = rng.integers(2, size=400).astype(float), np.arange(400) < 200
    h = rng.normal(size=(400, 30))
    h[:, 7] = 3 - feature + 0.1 * rng.normal(size=400)
    unit, strength = units.best_unit(h, feature, chosen)
    assert (unit, strength) == (7, pytest.approx(np.corrcoef(h[200:, 7], feature[200:])[0, 1]))
    assert strength < -0.9
    h[:200, 3] = feature[:200]  # follows where it is chosen, and nowhere else
    unit, strength = units.best_unit(h, feature, chosen)
    assert unit == 3
    assert abs(strength) < 0.25


def test_all_units_together_follow_a_sum():
    rng = np.random.default_rng(0)
    h, chosen = rng.normal(size=(600, 6)), np.arange(600) < 300
    assert units.all_units(h, h[:, 0] - 2 * h[:, 3] + 5, chosen) == pytest.approx(1)
    assert abs(units.all_units(h, rng.normal(size=600), chosen)) < 0.3
    assert units.correlations(np.ones((5, 2)), np.arange(5.0)).tolist() == [0, 0]
