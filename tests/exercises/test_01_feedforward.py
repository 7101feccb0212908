"""The assignment on feedforward networks agrees with the package that the book shows."""

import author
import numpy as np
import pytest

from course_pkg import gradcheck, layers
from course_pkg.layers import LinearParams


@pytest.fixture(scope="module")
def solved():
    """The notebook's own functions, its hidden references, and drawn arguments for both."""
    return author.play("01-feedforward")[0]


def close(got, want):
    assert gradcheck.max_error(got, want) < 1e-12


@pytest.fixture
def case(solved):
    """Arguments of the forward pass."""
    return solved["_draw_forward"](np.random.default_rng(1), 5, 3, 4, 2)


def packages_forward(case):
    """(y, h, the two tapes) of the package's layers."""
    a, hidden = layers.linear(case["x"], LinearParams(case["W_ih"], case["b"]))
    y, readout = layers.linear(np.tanh(a), LinearParams(case["W_hy"], case["b_y"]))
    return y, np.tanh(a), hidden, readout


@pytest.mark.parametrize("version", ["solution", "reference"])
def test_forward_is_the_packages(solved, case, version):
    forward = solved["mlp_forward"] if version == "solution" else solved["_forward_version"]()
    for got, want in zip(forward(*case.values()), packages_forward(case)):
        close(got, want)


@pytest.mark.parametrize("version", ["solution", "reference"])
def test_backward_is_the_packages(solved, case, version):
    backward = solved["mlp_backward"] if version == "solution" else solved["_backward_version"]()
    _, h, hidden, readout = packages_forward(case)
    dy = np.random.default_rng(2).normal(size=(5, 2))
    dh, dreadout = layers.linear_backward(dy, readout)
    dx, dhidden = layers.linear_backward(dh * (1 - h**2), hidden)
    got = backward(dy, case["x"], h, case["W_ih"], case["W_hy"])
    for g, w in zip(got, (dx, *dhidden, *dreadout), strict=True):
        close(g, w)


@pytest.mark.parametrize("scale", [1.0, 1000.0])
@pytest.mark.parametrize("version", ["solution", "reference"])
def test_loss_and_gradient_are_the_packages(solved, version, scale):
    function = solved["softmax_cross_entropy"] if version == "solution" else solved["_loss_version"]()
    rng = np.random.default_rng(3)
    y, k = scale * rng.normal(size=(6, 4)), rng.integers(4, size=6)
    want, tape = layers.softmax_cross_entropy(y, k)
    L, dy = function(y, k)
    close(np.array(L), np.array(want))
    close(dy, layers.softmax_cross_entropy_backward(1.0, tape))


@pytest.mark.parametrize("version", ["solution", "reference"])
@pytest.mark.parametrize("w", [1, 3, 6])
def test_windows_are_numpys(solved, version, w):
    function = solved["window"] if version == "solution" else solved["_window_version"]()
    x = np.random.default_rng(4).normal(size=(2, 6, 3))
    want = np.lib.stride_tricks.sliding_window_view(x, w, axis=1).swapaxes(2, 3).reshape(2, 7 - w, -1)
    assert np.array_equal(function(x, w), want)


@pytest.mark.parametrize(
    ("name", "slip", "lost"),
    [
        ("mlp_forward", "sigmoid_for_tanh", {"input", "bias", "readout", "together"}),
        ("mlp_backward", "slope_forgotten", {"db"}),
        ("mlp_backward", "mean_over_batch", {"batch"}),
        ("mlp_backward", "input_before_the_slope", {"dx"}),
        ("softmax_cross_entropy", "gradient_flipped", {"gradient", "batch"}),
        ("softmax_cross_entropy", "gradient_not_divided", {"batch"}),
    ],
)
def test_one_slip_costs_the_parts_that_it_is_in(name, slip, lost):
    namespace, graded = author.play("01-feedforward")
    namespace[name] = next(w.function for w in graded[name].report.wrong_versions if w.name == slip)
    checks = {cell.name: cell for cell in author.read_cells("01-feedforward") if cell.kind == "check"}
    result = author.check(checks[name], namespace)
    assert set(result.report.failures) == lost, result.text


def test_the_written_answer_is_marked_by_hand_and_not_handed_out():
    """Its points count, its rubric is public, and the model answer stays with the instructor."""
    answer = next(cell for cell in author.read_cells("01-feedforward") if cell.kind == "answer")
    released = {cell.name: cell for cell in author.read_cells("01-feedforward", author.EXERCISES)}
    assert answer.points == released["order_lost"].points == 6
    assert released["order_lost"].source == "YOUR ANSWER HERE"
    assert "There are 6 points" in released["order-lost-text"].source
