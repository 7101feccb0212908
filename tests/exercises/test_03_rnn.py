"""The RNN assignment agrees with the package that the book shows."""

import author
import numpy as np
import pytest

from course_pkg import cells, fused, gradcheck


@pytest.fixture(scope="module")
def solved():
    """The notebook's own functions, its hidden reference, and drawn arguments for both."""
    return author.play("03-rnn")[0]


def package_params(p):
    return cells.RNNParams(p.W_ih, p.W_hh, p.b)


def close(got, want):
    assert gradcheck.max_error(got, want) < 1e-12


@pytest.mark.parametrize("forward", ["rnn_forward", "_rnn"])
def test_forward_is_the_packages(solved, forward):
    """The solution, and the reference that the hidden tests compare with."""
    case = solved["_draw_forward"](np.random.default_rng(1), 3, 6, 4, 5)
    want, _, _ = fused.rnn(case["x"], cells.HState(case["h_0"]), package_params(case["params"]))
    close(solved[forward](*case.values()), want)


def test_the_answer_at_the_end_is_the_packages(solved):
    """Each sequence alone, cut to its true length, through the package."""
    case = solved["_draw_ending"](np.random.default_rng(2), 4, 6, 3, 5, 2)
    got = solved["many_to_one"](*case.values())
    for n, length in enumerate(case["lengths"]):
        state = cells.HState(case["h_0"][n : n + 1])
        _, last, _ = fused.rnn(case["x"][n : n + 1, :length], state, package_params(case["params"]))
        close(got[n], last.h[0] @ case["out"].W_hy.T + case["out"].b_y)


def test_symbols_come_as_often_as_they_are_likely(solved):
    """With nothing but a bias, 20,000 darts hit each symbol in proportion to its probability."""
    p = np.array([0.5, 0.2, 0.05, 0.25])
    zeros = solved["RNNParams"](np.zeros((2, 4)), np.zeros((2, 2)), np.zeros(2))
    out = solved["Readout"](np.zeros((4, 2)), np.log(p))
    u = np.random.default_rng(3).uniform(size=20_000)
    symbols = solved["sample_one_to_many"](0, u, np.zeros((1, 2)), zeros, out)
    assert np.abs(np.bincount(symbols, minlength=4) / len(u) - p).max() < 0.015  # four standard deviations


@pytest.mark.parametrize("slip", ["sigmoid_for_tanh", "bias_forgotten", "past_weights_not_transposed"])
def test_one_slip_in_the_step_does_not_lose_what_uses_it(slip):
    """Loop, ending and sampling are right; each keeps points for what does not hang on the step's numbers."""
    namespace, graded = author.play("03-rnn")
    namespace["rnn_step"] = next(w.function for w in graded["rnn_step"].report.wrong_versions if w.name == slip)
    checks = {cell.name: cell for cell in author.read_cells("03-rnn") if cell.kind == "check"}
    for name in ("rnn_forward", "many_to_one", "sample_one_to_many"):
        result = author.check(checks[name], namespace)
        assert result.points / 2 <= result.score < result.points, (name, result.text)
