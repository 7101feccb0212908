"""One step of each cell: the equations of the cells, term by term, and a backward that agrees with them."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from references import SEEDS, STEPS, VARIANTS, Case, assert_equal, assert_same, copies, draw_case, frozen, torch_layer

from course_pkg import cells
from course_pkg.gradcheck import gradcheck
from course_pkg.trees import tree_leaves

STEP_SIZES = st.tuples(st.integers(1, 4), st.just(1), st.integers(1, 4), st.integers(1, 5))


def step_and_back(cell, case, options):
    """One step on the only time step of `case`, and the gradients from dstate alone."""
    step, step_backward = STEPS[cell]
    state, cache = step(case.x[:, 0], case.state, case.params, **options)
    return state, cache, step_backward(case.dstate, cache, case.params)


@pytest.mark.parametrize("variant", VARIANTS)
@given(sizes=STEP_SIZES, seed=SEEDS)
def test_a_step_and_its_backward_are_torchs(variant, sizes, seed):
    cell, options = VARIANTS[variant]
    case = draw_case(cell, sizes, seed)
    case.dh[:] = 0
    state, _, (dx_t, dstate_prev, dparams) = step_and_back(cell, case, options)
    _, state_T, dx, dstate_0, dparams_ = torch_layer(cell, case, options)
    assert_equal((state, dx_t[:, None], dstate_prev, dparams), (state_T, dx, dstate_0, dparams_))


@pytest.mark.parametrize("variant", VARIANTS)
def test_finite_differences_agree_with_every_gradient(variant):
    cell, options = VARIANTS[variant]
    case = draw_case(cell, (2, 1, 3, 4), 1)
    step, _ = STEPS[cell]
    _, _, (dx_t, dstate_prev, dparams) = step_and_back(cell, case, options)

    def loss(x_t, state, params):
        out, _ = step(x_t, state, params, **options)
        return sum((s * d).sum() for s, d in zip(out, case.dstate))

    x_t, state, params = case.x[:, 0], case.state, case.params
    gradcheck(lambda a: loss(a, state, params), x_t, dx_t)
    gradcheck(lambda a: loss(x_t, a, params), state, dstate_prev)
    gradcheck(lambda a: loss(x_t, state, a), params, dparams)


@pytest.mark.parametrize("variant", VARIANTS)
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_dtype_is_kept_and_read_only_input_is_enough(variant, dtype):
    """A step that wrote into what it was given would fail on the frozen arrays."""
    cell, options = VARIANTS[variant]
    case = Case(*frozen(draw_case(cell, (2, 1, 3, 4), 2, dtype)))
    state, cache, gradients = step_and_back(cell, case, options)
    for name, a in tree_leaves((state, cache, gradients)).items():
        assert isinstance(a, str) or a.dtype == dtype, name


@pytest.mark.parametrize("variant", VARIANTS)
def test_backward_leaves_the_cache_as_it_was(variant):
    """An upstream array or a cache that a backward overwrites gives wrong gradients the second time."""
    cell, options = VARIANTS[variant]
    case = draw_case(cell, (2, 1, 3, 4), 3)
    _, cache, first = step_and_back(cell, case, options)
    first = copies(first)
    assert_same(STEPS[cell][1](case.dstate, cache, case.params), first)


def large(value, size=2):
    return np.full((1, size), float(value))


def test_lstm_gates_do_what_their_names_say():
    """Each gate is forced open or shut through its rows of the bias; the other terms are zero."""
    H, x_t, state = 2, np.zeros((1, 1)), cells.LSTMState(h=np.zeros((1, 2)), c=np.array([[3.0, -1.0]]))

    def run(i, f, g, o):
        b = np.repeat([i, f, g, o], H).astype(float)
        return cells.lstm_step(x_t, state, cells.LSTMParams(np.zeros((8, 1)), np.zeros((8, 2)), b))[0]

    keep = run(i=-800, f=800, g=5, o=800)  # forget gate open, input gate shut: the cell is kept
    assert_equal(keep, cells.LSTMState(np.tanh(state.c), state.c))
    write = run(i=800, f=-800, g=0.5, o=800)  # the other way round: only the candidate remains
    assert_equal(write.c, large(np.tanh(0.5)))
    hidden = run(i=-800, f=800, g=0, o=-800)  # output gate shut: kept, but not shown
    assert_equal(hidden, cells.LSTMState(large(0), state.c))


def test_gru_update_gate_at_one_keeps_the_state():
    """The course's sign: h_t = (1 - z) n + z h_prev, so a z of 1 is memory."""
    x_t, h = np.zeros((1, 1)), cells.HState(np.array([[0.3, -0.7]]))
    W_hh, b = np.zeros((6, 2)), np.array([0, 0, 800, 800, 0.2, 0.2])
    keep = cells.GRUParams(np.zeros((6, 1)), W_hh, b, np.array([0.5, 1.0]))
    assert_equal(cells.gru_step(x_t, h, keep)[0], h)
    rewrite = keep._replace(b=np.array([0, 0, -800, -800, 0.2, 0.2]))  # r = 1/2 halves b_hn
    assert_equal(cells.gru_step(x_t, h, rewrite)[0].h, np.tanh([[0.2 + 0.25, 0.2 + 0.5]]))


def test_reset_gate_shut_hides_the_past_at_its_own_place():
    """r = 0: after the product b_hn is hidden too; before it b_hn stays, because r multiplies h alone."""
    h = cells.HState(np.array([[0.3, -0.7]]))
    b = np.array([-800.0, -800, -800, -800, 0.2, 0.2])
    params = cells.GRUParams(np.zeros((6, 1)), np.ones((6, 2)), b, np.full(2, 0.5))
    after = cells.gru_step(np.zeros((1, 1)), h, params, reset="after")[0]
    before = cells.gru_step(np.zeros((1, 1)), h, params, reset="before")[0]
    assert_equal(after.h, large(np.tanh(0.2)))
    assert_equal(before.h, large(np.tanh(0.7)))
