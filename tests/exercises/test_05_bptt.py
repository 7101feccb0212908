"""The BPTT assignment agrees with the package that the book shows."""

import author
import numpy as np
import pytest

from course_pkg import bptt, cells, gradcheck
from course_pkg.checks import helpers


@pytest.fixture(scope="module")
def solved():
    """The notebook's own functions, its hidden references, and drawn arguments for both."""
    return author.play("05-bptt")[0]


def close(got, want):
    assert gradcheck.max_error(got, want) < 1e-12


def packages(case, window):
    """What the package's truncated BPTT makes of the case: (dx, dstate_0, dparams)."""
    params = cells.RNNParams(*case["params"])
    h, _, caches = bptt.unroll(cells.rnn_step, case["x"], cells.HState(case["h_0"]), params)
    close(h, case["h"])
    return bptt.truncated_bptt(cells.rnn_step_backward, case["dh"], None, caches, params, window=window)


@pytest.mark.parametrize("version", ["solution", "reference"])
def test_backward_is_the_packages(solved, version):
    """The solution, and the reference that the hidden tests compare with."""
    backward = solved["rnn_backward"] if version == "solution" else solved["_bptt_version"]()
    case = solved["_draw_run"](np.random.default_rng(1), 3, 6, 4, 5)
    dx, dstate, dparams = packages(case, window=6)
    got = backward(*case.values())
    for g, w in ((got[0], dx), (got[1], dstate.h), *zip(got[2], dparams)):
        close(g, w)


@pytest.mark.parametrize("window", [1, 2, 4, 5, 9])
@pytest.mark.parametrize("version", ["solution", "reference"])
def test_cuts_are_where_the_package_cuts(solved, version, window):
    cut = solved["truncated_bptt"] if version == "solution" else solved["_cut_version"](solved["_chunks"])
    case = solved["_draw_run"](np.random.default_rng(2), 2, 6, 3, 4)
    for g, w in zip(cut(*case.values(), window), packages(case, window)[2]):
        close(g, w)


@pytest.mark.parametrize("name", ["numerical_gradient", "_differences"])
def test_the_slow_check_is_the_packages(solved, name):
    case = solved["_draw_function"](np.random.default_rng(3), 2, 3)
    want = gradcheck.numerical_gradient(case["f"], case["x"])
    assert gradcheck.max_error(solved[name](case["f"], case["x"]), want) < 1e-9  # both are differences


@pytest.mark.parametrize(
    ("name", "slip", "uses"),
    [
        ("immediate_gradient", "slope_forgotten", ("rnn_step_backward", "rnn_backward", "truncated_bptt")),
        ("immediate_gradient", "new_state_for_old", ("rnn_step_backward", "rnn_backward", "truncated_bptt")),
        ("rnn_step_backward", "state_weights_transposed", ("rnn_backward",)),
        ("rnn_backward", "nothing_carried", ("truncated_bptt",)),
    ],
)
def test_one_slip_does_not_lose_what_uses_it(name, slip, uses):
    """What is put together rightly keeps points for all that does not hang on the slip."""
    namespace, graded = author.play("05-bptt")
    namespace[name] = next(w.function for w in graded[name].report.wrong_versions if w.name == slip)
    checks = {cell.name: cell for cell in author.read_cells("05-bptt") if cell.kind == "check"}
    for user in uses:
        helpers.forget()  # no right helper stands in: what the parts themselves leave
        result = author.check(checks[user], namespace)
        assert result.points / 3 < result.score < result.points, (user, result.text)
