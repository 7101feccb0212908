"""The scan assignment agrees with the package, and so with PyTorch: solutions and hidden references alike."""

import author
import numpy as np
import pytest

from course_pkg import gradcheck, linear_cells, state_space
from course_pkg.cells import HState
from course_pkg.scan import combine, scan, scan_backward


@pytest.fixture(scope="module")
def solved():
    """The notebook's own functions, its hidden references, and what draws their arguments."""
    namespace, _ = author.play("19-scan")
    return namespace


def close(got, want):
    assert gradcheck.max_error(got, want) < 1e-12


def both(solved, name, reference):
    return solved[name], solved[reference]() if reference != "_loop" else solved[reference]


def test_the_step_of_a_min_gru(solved):
    case = solved["_draw_min_gru"](np.random.default_rng(0), 3, 4, 5)
    p = linear_cells.MinGRUParams(
        np.concatenate([case["W_z"], case["W_n"]]), np.concatenate([case["b_z"], case["b_n"]])
    )
    state, _ = linear_cells.min_gru_step(case["x_t"], HState(case["h_prev"]), p)
    for step in both(solved, "min_gru_step", "_min_gru"):
        close(step(*case.values()), state.h)


def test_two_steps_are_one(solved):
    a_1, b_1, a_2, b_2 = np.random.default_rng(1).normal(size=(4, 3, 2))
    for got, want in zip(solved["combine"](a_1, b_1, a_2, b_2), combine((a_1, b_1), (a_2, b_2))):
        close(got, want)


@pytest.mark.parametrize("T", [1, 2, 7, 16])
def test_the_scan_and_its_backward(solved, T):
    rng = np.random.default_rng(T)
    case = solved["_draw_scan"](rng, 3, T, 2)
    h, tape = scan(*case.values())
    for forward in both(solved, "scan", "_loop"):
        close(forward(*case.values()), h)
    dh = rng.normal(size=h.shape)
    wanted = scan_backward(dh, tape)
    for backward in both(solved, "scan_backward", "_scan_back"):
        for got, want in zip(backward(dh, case["a"], h, case["h_0"]), wanted):
            close(got, want)


def test_the_step_of_an_lru(solved):
    """One step of the package's layer, with B = C = 1 and no direct path."""
    case = solved["_draw_lru"](np.random.default_rng(2), 3, 1)
    one, none = np.ones((1, 1)), np.zeros((1, 1))
    params = state_space.LRUParams(case["nu"], case["theta"], one, none, one, none, np.zeros(1))
    y, s, _ = state_space.lru(case["u_t"][:, None], case["p"] + 1j * case["q"], params)
    for step in both(solved, "lru_step", "_lru"):
        p, q = step(*case.values())
        close(p, s.real)
        close(q, s.imag)
        close(p, y[:, 0])


def test_the_selective_step(solved):
    """The package's layer computes a and what is written from x; here they are read off it."""
    rng = np.random.default_rng(3)
    D, N = 3, 2
    x, s_0 = rng.normal(size=(4, 1, D)), rng.normal(size=(4, D, N))
    params = state_space.SelectiveParams(
        *(rng.normal(size=shape) for shape in ((D, D), (D,), (N, D), (N, D), (D, N), (D,)))
    )
    _, s, _ = state_space.selective(x, s_0, params)
    x_t = x[:, 0]
    case = x_t, s_0, x_t @ params.W_delta.T + params.b_delta, x_t @ params.W_B.T, params.A_log
    for step in both(solved, "selective_step", "_selective"):
        close(step(*case), s)
