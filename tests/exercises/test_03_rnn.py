"""The RNN assignment agrees with the package that the book shows."""

import author
import numpy as np
import pytest

from course_pkg import cells, fused, gradcheck
from course_pkg.checks import helpers


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


def test_no_known_wrong_version_passes_every_visible_check():
    """A student who makes a known mistake sees it at once."""
    release = {cell.name: cell for cell in author.read_cells("03-rnn", author.EXERCISES) if cell.kind == "check"}
    for cell, namespace, wrong in author.wrong_versions("03-rnn"):
        result = author.check(release[cell.name], namespace)
        assert result.score < result.points, (cell.name, wrong.name)


def test_matrices_that_stand_the_wrong_way_are_seen_in_many_to_one_too():
    """Its visible numbers have sizes that differ and weights that do not commute."""
    namespace, graded = author.play("03-rnn")
    versions = graded["rnn_step"].report.wrong_versions
    namespace["rnn_step"] = next(w.function for w in versions if w.name == "past_weights_not_transposed")
    cells_ = author.read_cells("03-rnn", author.EXERCISES)
    result = author.check(next(c for c in cells_ if c.kind == "check" and c.name == "many_to_one"), namespace)
    assert result.score < result.points


@pytest.mark.parametrize("slip", ["sigmoid_for_tanh", "bias_forgotten", "past_weights_not_transposed"])
def test_one_slip_in_the_step_does_not_lose_what_uses_it(slip):
    """Loop and ending are right; each keeps points for what does not hang on the step's numbers."""
    namespace, graded = author.play("03-rnn")
    namespace["rnn_step"] = next(w.function for w in graded["rnn_step"].report.wrong_versions if w.name == slip)
    checks = {cell.name: cell for cell in author.read_cells("03-rnn") if cell.kind == "check"}
    for name in ("rnn_forward", "many_to_one"):
        helpers.forget()  # no right helper stands in: what the parts themselves leave
        result = author.check(checks[name], namespace)
        assert result.points / 2 <= result.score < result.points, (name, result.text)
