"""The assignment on comparing cells agrees with the package and PyTorch, and its given cells learn by a true gradient."""

from math import gamma, pi, sqrt

import author
import numpy as np
import pytest

from course_pkg import tasks, weights

CELLS = ("rnn", "gru", "lstm")


@pytest.fixture(scope="module")
def solved():
    """The notebook's own functions, its hidden references, and what is given."""
    return author.play("09-which-cell")[0]


@pytest.mark.parametrize("cell", CELLS)
def test_parameters_are_pytorchs(solved, cell):
    nn = pytest.importorskip("torch.nn")
    layer = {"rnn": nn.RNN, "gru": nn.GRU, "lstm": nn.LSTM}[cell](3, 7)
    assert solved["parameters"](cell, 3, 7) == sum(p.numel() for p in layer.parameters())


@pytest.mark.parametrize("cell", CELLS)
@pytest.mark.parametrize("budget", [1, 60, 1000, 4 * 10 * (2 + 10 + 1)])
def test_widths_are_the_packages(solved, cell, budget):
    """Counted as the package counts: one bias, and the GRU's second."""
    width = solved["width_for_budget"](lambda H: weights.cell_count(cell, 2, H) if H else 0, budget)
    if width:
        assert width == weights.width_for(cell, 2, budget)
    else:
        assert weights.cell_count(cell, 2, 1) > budget


def test_the_task_is_the_packages(solved):
    """The marks of the package's own draw, read back as places, give its inputs and its sums."""
    data = tasks.adding_problem(50, 9, np.random.default_rng(1), dtype=np.float64)
    value, mark = data.x[:, :, 0], data.x[:, :, 1]
    first = np.argmax(mark, axis=1)
    second = 8 - np.argmax(mark[:, ::-1], axis=1)
    place = np.stack([(first + 0.5) / 4, (second - 4 + 0.5) / 5], axis=1)
    x, y = solved["adding_problem"](value, place)
    assert np.array_equal(x, data.x)
    assert np.allclose(y[:, None], data.y)


def test_the_table_of_quantiles_is_students(solved):
    """95 % of Student's density (1908), integrated, lies between minus the quantile and the quantile."""
    for k, quantile in solved["T_95"].items():
        t = np.linspace(-quantile, quantile, 20001)
        density = gamma((k + 1) / 2) / (sqrt(k * pi) * gamma(k / 2)) * (1 + t**2 / k) ** (-(k + 1) / 2)
        assert abs(np.trapezoid(density, t) - 0.95) < 1e-4


def test_the_intervals_hold_the_truth_as_often_as_they_say(solved):
    """Of 4,000 comparisons of five normal draws whose true mean is 0; the bounds are four standard errors wide."""
    runs = np.random.default_rng(2).normal(size=(4000, 5))
    _, mean, half = solved["train_and_compare"](lambda cell, H, seed: runs[H, seed], dict(enumerate(range(4000))), range(5))
    assert abs(np.mean(np.abs(mean) < half) - 0.95) < 4 * sqrt(0.95 * 0.05 / 4000)


@pytest.mark.parametrize("cell", CELLS)
def test_the_given_gradient_is_that_of_the_error(solved, cell):
    """Every number of every weight, by central differences; and what is trained is what is counted."""
    rng = np.random.default_rng(3)
    weights = [w + 0.3 * rng.normal(size=w.shape) for w in solved["start_weights"](cell, 2, 3, rng)]
    assert sum(w.size for w in weights[:4]) == solved["parameters"](cell, 2, 3)
    x, y = solved["adding_problem"](rng.random((4, 5)), rng.random((4, 2)))
    for w, d in zip(weights, solved["loss_gradient"](cell, x, y, weights), strict=True):
        for place in np.ndindex(w.shape):
            ends = []
            for step in (1e-5, -2e-5):
                w[place] += step
                ends.append(np.mean(solved["read_sequences"](cell, x, y, weights)[0] ** 2))
            w[place] += 1e-5
            assert abs((ends[0] - ends[1]) / 2e-5 - d[place]) < 1e-8


@pytest.mark.slow
def test_what_is_given_learns(solved):
    """A gated cell gets far below the error without a memory."""
    assert solved["train_network"]("gru", 10, 0) < 1 / 60


def test_a_wrong_count_costs_no_width():
    """The width is asked of a function that the check hands over, not of the student's own count."""
    namespace, graded = author.play("09-which-cell")
    namespace["parameters"] = graded["parameters"].report.wrong_versions[0].function
    cell = next(c for c in author.read_cells("09-which-cell") if (c.kind, c.name) == ("check", "width_for_budget"))
    assert author.check(cell, namespace).score == cell.points


def test_the_model_figure_stays_with_the_instructor():
    """Students see what is asked and an empty cell; the code and the notes for its reader stay in the source."""
    released = {cell.name: cell for cell in author.read_cells("09-which-cell", author.EXERCISES)}["figure"]
    source = {cell.name: cell for cell in author.read_cells("09-which-cell")}["figure"]
    assert source.kind == released.kind == "plot"
    assert source.points == released.points == 8
    assert "For the reader of figures" in source.source
    assert "plt" not in released.source
