"""Backpropagation through time: PyTorch's gradients for every cell, and what truncation cuts."""

from functools import partial

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from references import SEEDS, SIZES, STEPS, VARIANTS, assert_equal, assert_same, copies, draw_case, frozen, torch_layer

from course_pkg import bptt, cells
from course_pkg.gradcheck import gradcheck
from course_pkg.trees import tree_leaves, tree_map


def run(variant, case):
    """(h, state_T, caches, step_backward) of `unroll`."""
    cell, options = VARIANTS[variant]
    step, step_backward = STEPS[cell]
    return *bptt.unroll(partial(step, **options), case.x, case.state, case.params), step_backward


@pytest.mark.parametrize("variant", VARIANTS)
@given(sizes=SIZES, seed=SEEDS)
def test_outputs_and_all_gradients_are_torchs(variant, sizes, seed):
    """From a drawn initial state, with a gradient at every h_t and one more at the last state: they add."""
    case = draw_case(VARIANTS[variant][0], sizes, seed)
    h, state_T, caches, step_backward = run(variant, case)
    gradients = bptt.bptt(step_backward, case.dh, case.dstate, caches, case.params)
    assert_equal((h, state_T, *gradients), torch_layer(VARIANTS[variant][0], case, VARIANTS[variant][1]))


@pytest.mark.parametrize("variant", VARIANTS)
def test_finite_differences_agree(variant):
    case = draw_case(VARIANTS[variant][0], (2, 3, 2, 3), 0)
    _, _, caches, step_backward = run(variant, case)
    dx, dstate_0, dparams = bptt.bptt(step_backward, case.dh, case.dstate, caches, case.params)

    def loss(**changed):
        h, state_T, _, _ = run(variant, case._replace(**changed))
        return (h * case.dh).sum() + sum((s * d).sum() for s, d in zip(state_T, case.dstate))

    gradcheck(lambda a: loss(x=a), case.x, dx)
    gradcheck(lambda a: loss(state=a), case.state, dstate_0)
    gradcheck(lambda a: loss(params=a), case.params, dparams)


@pytest.mark.parametrize("variant", VARIANTS)
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_nothing_is_modified_and_returned_arrays_are_the_callers(variant, dtype):
    """Frozen input is enough, dtype is kept, and results that were overwritten come out equal a second time."""
    case = draw_case(VARIANTS[variant][0], (2, 3, 2, 3), 1, dtype)
    x, state, params, dh, dstate = (frozen(part) for part in case)
    h, state_T, caches, step_backward = run(variant, case._replace(x=x, state=state, params=params))
    first = bptt.bptt(step_backward, dh, dstate, caches, params)
    kept = copies(first)
    assert all(a.dtype == dtype for a in tree_leaves((h, state_T, first)).values())
    for a in tree_leaves((h, state_T, first)).values():
        a[...] = np.nan
    assert_same(bptt.bptt(step_backward, dh, dstate, caches, params), kept)


@pytest.mark.parametrize("cell", STEPS)
def test_none_means_zeros(cell):
    case = draw_case(cell, (2, 3, 2, 3), 2)
    _, _, caches, back = run({"rnn": "rnn-tanh", "gru": "gru-after"}.get(cell, cell), case)
    zeros = case._replace(dh=0 * case.dh, dstate=tree_map(np.zeros_like, case.dstate))
    assert_same(
        bptt.bptt(back, None, case.dstate, caches, case.params),
        bptt.bptt(back, zeros.dh, case.dstate, caches, case.params),
    )
    assert_same(
        bptt.bptt(back, case.dh, None, caches, case.params),
        bptt.bptt(back, case.dh, zeros.dstate, caches, case.params),
    )
    for a in tree_leaves(bptt.bptt(back, None, None, caches, case.params)).values():
        assert not a.any()


@pytest.mark.parametrize("variant", VARIANTS)
@given(sizes=SIZES, window=st.integers(1, 8), seed=SEEDS)
def test_truncation_is_training_on_chunks_with_a_detached_state(variant, sizes, window, seed):
    """The definition, run literally: each chunk on its own, its state carried forward and no gradient back."""
    cell, options = VARIANTS[variant]
    step, step_backward = STEPS[cell]
    case = draw_case(cell, sizes, seed)
    _, _, caches, _ = run(variant, case)
    ours = bptt.truncated_bptt(step_backward, case.dh, case.dstate, caches, case.params, window=window)

    T, state, dx, dstate_0, dparams = sizes[1], case.state, [], None, tree_map(np.zeros_like, case.params)
    for lo in range(0, T, window):
        part = slice(lo, lo + window)
        _, state, chunk = bptt.unroll(partial(step, **options), case.x[:, part], state, case.params)
        dstate = case.dstate if lo + window >= T else None
        dx_part, dstate_first, dparams_part = bptt.bptt(step_backward, case.dh[:, part], dstate, chunk, case.params)
        dx.append(dx_part)
        dparams = tree_map(np.add, dparams, dparams_part)
        dstate_0 = dstate_0 or dstate_first
    assert_equal(ours, (np.concatenate(dx, axis=1), dstate_0, dparams))


@pytest.mark.parametrize("variant", VARIANTS)
def test_state_gradients_end_where_bptt_ends(variant):
    """Entry t is the gradient at state t: the same as running backwards over the steps after t alone."""
    case = draw_case(VARIANTS[variant][0], (2, 4, 2, 3), 3)
    _, _, caches, back = run(variant, case)
    gradients = bptt.state_gradients(back, case.dstate, caches, case.params)
    assert len(gradients) == 5
    for t, gradient in enumerate(gradients[:-1]):
        assert_equal(gradient, bptt.bptt(back, None, case.dstate, caches[t:], case.params)[1])
    gradients[-1].h[:] = np.nan
    assert np.isfinite(case.dstate.h).all()


GOOD = draw_case("lstm", (2, 3, 4, 5), 0)
CACHES = bptt.unroll(cells.lstm_step, *GOOD[:3])[2]


def unroll(**changed):
    return lambda: bptt.unroll(cells.lstm_step, *GOOD._replace(**changed)[:3])


def back(caches=CACHES, window=3, **changed):
    case = GOOD._replace(**changed)
    return lambda: bptt.truncated_bptt(
        cells.lstm_step_backward, case.dh, case.dstate, caches, case.params, window=window
    )


BAD = {
    "state: got None": unroll(state=None),
    "state: got tuple": unroll(state=tuple(GOOD.state)),
    r"state.c: got shape \(3, 5\)": unroll(state=GOOD.state._replace(c=np.zeros((3, 5)))),
    r"x: got shape \(2, 0, 4\)": unroll(x=np.zeros((2, 0, 4))),
    r"x: got shape \(2, 4\)": unroll(x=np.zeros((2, 4))),
    "x: got list": unroll(x=[[[1.0]]]),
    "x: got dtype int64": unroll(x=np.ones((2, 3, 4), int)),
    "params: got tuple": unroll(params=tuple(GOOD.params)),
    "params.W_ih: got dtype float64": unroll(x=GOOD.x.astype(np.float32)),
    r"params.W_ih: got shape \(20, 4\), wanted \(20, 6\)": unroll(x=np.zeros((2, 3, 6))),
    r"params.b: got shape \(5,\)": unroll(params=GOOD.params._replace(b=np.zeros(5))),
    r"dh: got shape \(2, 4, 5\)": back(dh=np.zeros((2, 4, 5))),
    "dh: got dtype float32": back(dh=GOOD.dh.astype(np.float32)),
    "dstate: got HState": back(dstate=cells.HState(GOOD.state.h)),
    "dstate.h: got shape": back(dstate=cells.LSTMState(np.zeros((2, 4)), GOOD.state.c)),
    "caches: got an empty": back(caches=[]),
    "window: got 0": back(window=0),
    "window: got 1.5": back(window=1.5),
}


@pytest.mark.parametrize("message", BAD)
def test_bad_input_is_named(message):
    with pytest.raises(ValueError, match=message):
        BAD[message]()


def test_state_gradients_need_a_sequence_and_the_right_state():
    with pytest.raises(ValueError, match="caches"):
        bptt.state_gradients(cells.lstm_step_backward, GOOD.dstate, [], GOOD.params)
    with pytest.raises(ValueError, match="dstate: got HState"):
        bptt.state_gradients(cells.lstm_step_backward, cells.HState(GOOD.state.h), CACHES, GOOD.params)
