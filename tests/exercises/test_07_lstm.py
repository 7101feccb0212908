"""The LSTM assignment agrees with the package that the book shows."""

import author
import numpy as np
import pytest

from course_pkg import cells, gradcheck, weights


@pytest.fixture(scope="module")
def solved():
    """The notebook's own functions, its hidden reference, and drawn arguments for both."""
    namespace, _ = author.play("07-lstm")
    return namespace


def stack(p):
    """The notebook's parameters, gate by gate, in the package's layout."""
    return cells.LSTMParams(
        np.concatenate([k.W_x for k in p]), np.concatenate([k.W_h for k in p]), np.concatenate([k.b for k in p])
    )


def close(got, want):
    assert gradcheck.max_error(got, want) < 1e-12


@pytest.mark.parametrize("step", ["lstm_step", "_lstm_step"])
def test_forward_is_the_packages(solved, step):
    """The solution, and the reference that the hidden tests compare with."""
    case = solved["_draw_step"](np.random.default_rng(1), 3, 4, 5)
    state, kept = cells.lstm_step(case["x_t"], cells.LSTMState(case["h_prev"], case["c_prev"]), stack(case["params"]))
    h_t, c_t, cache = solved[step](*case.values())
    for got, want in ((h_t, state.h), (c_t, state.c), *zip((cache.i, cache.f, cache.g, cache.o), kept[2:6])):
        close(got, want)


@pytest.mark.parametrize("version", ["solution", "reference"])
def test_backward_is_the_packages(solved, version):
    backward = solved["lstm_step_backward"] if version == "solution" else solved["_backward_version"]()
    rng = np.random.default_rng(2)
    case = solved["_draw_step"](rng, 3, 4, 5)
    dh_t, dc_t = rng.normal(size=(2, 3, 5))
    weights = stack(case["params"])
    _, kept = cells.lstm_step(case["x_t"], cells.LSTMState(case["h_prev"], case["c_prev"]), weights)
    dx, dstate, dweights = cells.lstm_step_backward(cells.LSTMState(dh_t, dc_t), kept, weights)
    got = backward(dh_t, dc_t, solved["_lstm_step"](*case.values())[2], case["params"])
    for g, w in ((got[0], dx), (got[1], dstate.h), (got[2], dstate.c), *zip(stack(got[3]), dweights)):
        close(g, w)


@pytest.mark.parametrize(
    ("name", "slip"),
    [
        ("forget_gate", "sign_flipped"),
        ("input_gate", "bias_forgotten"),
        ("candidate", "not_squashed"),
        ("cell_state", "one_minus_f"),
        ("output_gate", "past_forgotten"),
        ("hidden_state", "gate_unused"),
    ],
)
def test_one_slip_does_not_lose_the_step_that_uses_it(name, slip):
    """The step is put together rightly; it keeps more than half of its points, and the gradient keeps all."""
    namespace, graded = author.play("07-lstm")
    namespace[name] = next(w.function for w in graded[name].report.wrong_versions if w.name == slip)
    checks = {cell.name: cell for cell in author.read_cells("07-lstm") if cell.kind == "check"}
    step, backward = (author.check(checks[f], namespace) for f in ("lstm_step", "lstm_step_backward"))
    assert step.points / 2 < step.score < step.points
    assert backward.score == backward.points


def test_count_is_the_packages_and_pytorchs(solved):
    for D, H in ((1, 1), (3, 5), (10, 20)):
        count = solved["count_parameters"]
        assert count(D, H) == weights.count(weights.init("lstm", D, H, np.random.default_rng(0)))
        assert count(D, H, biases=2) == weights.torch_count("lstm", D, H)


def test_half_life_is_what_is_left(solved):
    """A memory that only forgets is halved after half_life steps."""
    f = cells.sigmoid(solved["forget_bias_init"](7, 2))
    close(f**7, np.full(2, 0.5))
