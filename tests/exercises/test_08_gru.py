"""The GRU assignment agrees with the package, and so with PyTorch, and with the GRU as it was published."""

import author
import numpy as np
import pytest

from course_pkg import cells, gradcheck, interchange


@pytest.fixture(scope="module")
def solved():
    """The notebook's own functions, its hidden references, and what draws their arguments."""
    namespace, _ = author.play("08-gru")
    return namespace


def stack(p):
    """The notebook's parameters in the package's layout."""
    return cells.GRUParams(*(np.concatenate([getattr(k, a) for k in p]) for a in ("W_x", "W_h", "b")), p.n.b_h)


def close(got, want):
    assert gradcheck.max_error(got, want) < 1e-12


@pytest.mark.parametrize("step", ["gru_step", "_gru_step"])
def test_forward_is_the_packages(solved, step):
    """The solution, and the reference that the hidden tests compare with."""
    case = solved["_draw_step"](np.random.default_rng(1), 3, 4, 5)
    state, kept = cells.gru_step(case["x_t"], cells.HState(case["h_prev"]), stack(case["params"]))
    h_t, cache = solved[step](*case.values())
    for got, want in ((h_t, state.h), (cache.r, kept.r), (cache.z, kept.z), (cache.n, kept.n)):
        close(got, want)


@pytest.mark.parametrize("version", ["solution", "reference"])
def test_step_of_the_paper_is_the_packages(solved, version):
    step = solved["gru_step_paper"] if version == "solution" else solved["_paper_version"]()
    case = solved["_draw_step"](np.random.default_rng(2), 3, 4, 5)
    state, _ = cells.gru_step(case["x_t"], cells.HState(case["h_prev"]), stack(case["params"]), reset="before")
    close(step(*case.values()), state.h)


@pytest.mark.parametrize("version", ["solution", "reference"])
def test_backward_is_the_packages(solved, version):
    backward = solved["gru_step_backward"] if version == "solution" else solved["_backward_version"]()
    rng = np.random.default_rng(3)
    case = solved["_draw_step"](rng, 3, 4, 5)
    dh_t = rng.normal(size=(3, 5))
    weights = stack(case["params"])
    _, kept = cells.gru_step(case["x_t"], cells.HState(case["h_prev"]), weights)
    dx, dstate, dweights = cells.gru_step_backward(cells.HState(dh_t), kept, weights)
    got = backward(dh_t, solved["_gru_step"](*case.values())[1], case["params"])
    for g, w in ((got[0], dx), (got[1], dstate.h), *zip(stack(got[2]), dweights)):
        close(g, w)


@pytest.mark.parametrize("version", ["solution", "reference"])
def test_converter_is_the_packages_and_its_own_inverse(solved, version):
    convert = solved["convert_update_sign"] if version == "solution" else solved["_convert_version"]()
    p = solved["_draw_params"](np.random.default_rng(4), 4, 5)
    for got, want in zip(stack(convert(p)), interchange.flip_update_gate(stack(p))):
        close(got, want)
    for got, want in zip(stack(convert(convert(p))), stack(p)):
        close(got, want)


@pytest.mark.parametrize(
    ("name", "slip"),
    [
        ("update_gate", "sign_flipped"),
        ("update_gate", "past_forgotten"),
        ("reset_gate", "bias_forgotten"),
        ("candidate", "bias_forgotten"),
        ("candidate", "reset_before"),
    ],
)
def test_one_slip_does_not_lose_the_step_that_uses_it(name, slip):
    """The step is put together rightly; it keeps more than half of its points, and the gradient keeps all."""
    namespace, graded = author.play("08-gru")
    namespace[name] = next(w.function for w in graded[name].report.wrong_versions if w.name == slip)
    checks = {cell.name: cell for cell in author.read_cells("08-gru") if cell.kind == "check"}
    step, backward = (author.check(checks[f], namespace) for f in ("gru_step", "gru_step_backward"))
    assert step.points / 2 < step.score < step.points
    assert backward.score == backward.points
