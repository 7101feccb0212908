"""The fast kernels are the readable ones: equal to `cells` + `bptt` and to PyTorch, and safe to use twice."""

from functools import partial

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from references import (
    SEEDS,
    SIZES,
    STEPS,
    VARIANTS,
    Case,
    assert_equal,
    assert_same,
    copies,
    draw_case,
    frozen,
    torch_layer,
)

from course_pkg import bptt, cells, fused
from course_pkg.fused import _work
from course_pkg.gradcheck import gradcheck
from course_pkg.trees import tree_leaves, tree_map

FUSED = {
    "rnn": (fused.rnn, fused.rnn_backward),
    "lstm": (fused.lstm, fused.lstm_backward),
    "gru": (fused.gru, fused.gru_backward),
}
variants = pytest.mark.parametrize("variant", VARIANTS)
dtypes = pytest.mark.parametrize("dtype", [np.float32, np.float64])


def run(variant, case):
    """(h, state_T, dx, dstate_0, dparams) of the fused kernel."""
    cell, options = VARIANTS[variant]
    forward, backward = FUSED[cell]
    h, state_T, tape = forward(case.x, case.state, case.params, **options)
    return (h, state_T, *backward(case.dh, case.dstate, tape))


def run_steps(variant, case):
    """The same by `cells` and `bptt`."""
    cell, options = VARIANTS[variant]
    step, step_backward = STEPS[cell]
    h, state_T, caches = bptt.unroll(partial(step, **options), case.x, case.state, case.params)
    return (h, state_T, *bptt.bptt(step_backward, case.dh, case.dstate, caches, case.params))


@variants
@given(sizes=SIZES, seed=SEEDS)
def test_equal_to_one_step_at_a_time(variant, sizes, seed):
    case = draw_case(VARIANTS[variant][0], sizes, seed)
    assert_equal(run(variant, case), run_steps(variant, case))


@variants
@given(sizes=SIZES, seed=SEEDS)
def test_equal_to_torch(variant, sizes, seed):
    cell, options = VARIANTS[variant]
    case = draw_case(cell, sizes, seed)
    assert_equal(run(variant, case), torch_layer(cell, case, options))


@variants
@given(sizes=SIZES, steps=st.integers(1, 3), seed=SEEDS)
def test_blocks_of_any_length_give_the_same_gradients(variant, sizes, steps, seed):
    """Small sizes fit into one block, so the block is made to hold a few steps here: nothing is lost at a seam."""
    B, _, _, H = sizes
    case = draw_case(VARIANTS[variant][0], sizes, seed)
    whole = run(variant, case)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(_work, "BLOCK", steps * 4 * H * B)
        assert_equal(run(variant, case), whole)


@variants
@given(sizes=SIZES, most=st.integers(1, 60), seed=SEEDS)
def test_products_in_parts_of_any_size_give_the_same(variant, sizes, most, seed):
    """Only large layers are multiplied in blocks of rows, so small products are made to count as large here."""
    case = draw_case(VARIANTS[variant][0], sizes, seed)
    whole = run(variant, case)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(_work, "UNPACKED", most)
        patch.setattr(_work, "FEWEST_ROWS", 1)
        assert_equal(run(variant, case), whole)


def test_a_large_product_is_made_in_parts_and_a_small_one_at_once():
    rng = np.random.default_rng(0)
    for rows, K, columns, parts in ((64, 65, 8, 1), (512, 193, 32, 4), (1024, 385, 64, 32), (7, 10**5, 2, 1)):
        left, right = rng.normal(size=(rows, K)), rng.normal(size=(K, columns))
        product, out = _work.multiplier(left, columns), np.empty((rows, columns))
        product(right, out)
        assert np.allclose(out, left @ right)
        assert (getattr(product, "__name__", "") == "dot") == (parts == 1)


@variants
def test_equal_to_torch_at_the_size_of_a_chapter(variant):
    """Several blocks of real length, float64 to 1e-12 and float32 to 1e-5."""
    cell, options = VARIANTS[variant]
    for dtype, tolerance in ((np.float64, 1e-12), (np.float32, 1e-5)):
        case = draw_case(cell, (16, 80, 12, 32), 0, dtype)
        # Weights of a size that training starts from: with larger ones the sequence itself is chaotic,
        # and two right computations drift apart.
        case = case._replace(params=tree_map(lambda a: (a / 8).astype(a.dtype), case.params))
        assert_equal(run(variant, case), torch_layer(cell, case, options), tolerance)


@variants
def test_finite_differences_agree(variant):
    case = draw_case(VARIANTS[variant][0], (2, 3, 2, 3), 5)
    _, _, dx, dstate_0, dparams = run(variant, case)

    def loss(**changed):
        h, state_T, *_ = run(variant, case._replace(**changed))
        return (h * case.dh).sum() + sum((s * d).sum() for s, d in zip(state_T, case.dstate))

    gradcheck(lambda a: loss(x=a), case.x, dx)
    gradcheck(lambda a: loss(state=a), case.state, dstate_0)
    gradcheck(lambda a: loss(params=a), case.params, dparams)


@variants
@given(sizes=SIZES, seed=SEEDS)
def test_none_means_zeros(variant, sizes, seed):
    cell, options = VARIANTS[variant]
    forward, backward = FUSED[cell]
    case = draw_case(cell, sizes, seed)
    zeros = tree_map(np.zeros_like, case)
    h, state_T, tape = forward(case.x, None, case.params, **options)
    h_0, state_T_0, tape_0 = forward(case.x, zeros.state, case.params, **options)
    assert_same((h, state_T), (h_0, state_T_0))
    assert_same(backward(None, case.dstate, tape), backward(zeros.dh, case.dstate, tape_0))
    assert_same(backward(case.dh, None, tape), backward(case.dh, zeros.dstate, tape_0))
    assert not any(a.any() for a in tree_leaves(backward(None, None, tape)).values())


@variants
@dtypes
@given(sizes=SIZES, seed=SEEDS)
def test_a_tape_can_be_used_twice_and_returned_arrays_are_the_callers(variant, dtype, sizes, seed):
    """Everything returned is overwritten between two backward passes; they agree to the bit."""
    cell, options = VARIANTS[variant]
    forward, backward = FUSED[cell]
    case = draw_case(cell, sizes, seed, dtype)
    h, state_T, tape = forward(case.x, case.state, case.params, **options)
    first = backward(case.dh, case.dstate, tape)
    kept = copies(first)
    for a in tree_leaves((h, state_T, first)).values():
        assert a.dtype == dtype
        assert a.flags.owndata
        assert a.flags.writeable
        a[...] = np.nan
    assert_same(backward(case.dh, case.dstate, tape), kept)


@variants
@dtypes
@given(sizes=SIZES, seed=SEEDS)
def test_what_was_passed_in_may_change_between_forward_and_backward(variant, dtype, sizes, seed):
    """The tape holds copies: an optimiser that updates in place, or a reused batch, does not reach it."""
    cell, options = VARIANTS[variant]
    forward, backward = FUSED[cell]
    case = draw_case(cell, sizes, seed, dtype)
    tape = forward(case.x, case.state, case.params, **options)[2]
    kept = copies(backward(case.dh, case.dstate, tape))
    for a in tree_leaves((case.x, case.state, case.params)).values():
        a[...] = np.nan
    assert_same(backward(case.dh, case.dstate, tape), kept)


@variants
@dtypes
@given(sizes=SIZES, seed=SEEDS)
def test_read_only_and_not_contiguous_input_is_accepted(variant, dtype, sizes, seed):
    case = draw_case(VARIANTS[variant][0], sizes, seed, dtype)
    assert_same(run(variant, Case(*frozen(case))), run(variant, case))


@variants
@given(sizes=SIZES, seed=SEEDS)
def test_sequences_of_a_batch_do_not_meet(variant, sizes, seed):
    """Each sequence alone gives its row of the batch; the gradients of the weights add over sequences."""
    case = draw_case(VARIANTS[variant][0], sizes, seed)
    h, state_T, dx, dstate_0, dparams = run(variant, case)
    total = tree_map(np.zeros_like, dparams)
    for b in range(sizes[0]):
        row = partial(tree_map, lambda a, b=b: a[b : b + 1])
        alone = run(variant, Case(row(case.x), row(case.state), case.params, row(case.dh), row(case.dstate)))
        assert_equal(alone[:4], row((h, state_T, dx, dstate_0)))
        total = tree_map(np.add, total, alone[4])
    assert_equal(total, dparams)


@variants
@given(sizes=SIZES, cut=st.integers(1, 6), seed=SEEDS)
def test_a_sequence_cut_in_two_with_its_state_carried_is_the_whole(variant, sizes, cut, seed):
    """Time has no absolute place: the second part starts from the first one's last state, and back again."""
    cell, options = VARIANTS[variant]
    forward, backward = FUSED[cell]
    B, T, D, H = sizes
    case = draw_case(cell, (B, T + cut, D, H), seed)
    h, state_T, dx, dstate_0, dparams = run(variant, case)
    h_1, state_1, tape_1 = forward(case.x[:, :cut], case.state, case.params, **options)
    h_2, state_2, tape_2 = forward(case.x[:, cut:], state_1, case.params, **options)
    dx_2, dstate_1, dparams_2 = backward(case.dh[:, cut:], case.dstate, tape_2)
    dx_1, dstate_0_, dparams_1 = backward(case.dh[:, :cut], dstate_1, tape_1)
    assert_equal((np.concatenate([h_1, h_2], 1), state_2), (h, state_T))
    parts = (np.concatenate([dx_1, dx_2], 1), dstate_0_, tree_map(np.add, dparams_1, dparams_2))
    assert_equal(parts, (dx, dstate_0, dparams))


@variants
@given(sizes=SIZES, a=st.floats(-3, 3), b=st.floats(-3, 3), seed=SEEDS)
def test_gradients_are_linear_in_the_upstream_gradient(variant, sizes, a, b, seed):
    cell, options = VARIANTS[variant]
    forward, backward = FUSED[cell]
    case, other = draw_case(cell, sizes, seed), draw_case(cell, sizes, seed + 1)
    tape = forward(case.x, case.state, case.params, **options)[2]
    mix = partial(tree_map, lambda u, v: a * u + b * v)
    both = backward(mix(case.dh, other.dh), mix(case.dstate, other.dstate), tape)
    assert_equal(both, mix(backward(case.dh, case.dstate, tape), backward(other.dh, other.dstate, tape)))


GOOD = draw_case("lstm", (2, 3, 4, 5), 0)
GRU = draw_case("gru", (2, 3, 4, 5), 0)
RNN = draw_case("rnn", (2, 3, 4, 5), 0)
TAPE = fused.lstm(*GOOD[:3])[2]


def lstm(**changed):
    return lambda: fused.lstm(*GOOD._replace(**changed)[:3])


BAD = {
    r"x: got shape \(2, 0, 4\)": lstm(x=np.zeros((2, 0, 4))),
    r"x: got shape \(0, 3, 4\)": lstm(x=np.zeros((0, 3, 4))),
    r"x: got shape \(3, 4\)": lstm(x=np.zeros((3, 4))),
    "x: got list": lstm(x=[[[1.0]]]),
    "x: got dtype int64": lstm(x=np.ones((2, 3, 4), int)),
    "params.W_ih: got dtype float64, wanted float32": lstm(x=GOOD.x.astype(np.float32)),
    r"params.W_ih: got shape \(20, 4\), wanted \(20, 3\)": lstm(x=np.zeros((2, 3, 3))),
    "params: got GRUParams, wanted LSTMParams": lstm(params=GRU.params),
    "params: got LSTMParams, wanted GRUParams": lambda: fused.gru(*GOOD[:3]),
    r"params.W_hh: got shape \(15, 5\), wanted \(4 H, H\)": lstm(
        params=cells.LSTMParams(np.ones((15, 4)), np.ones((15, 5)), np.ones(15))
    ),
    "state: got HState, wanted LSTMState": lstm(state=GRU.state),
    "state: got ndarray": lstm(state=GOOD.state.h),
    r"state.c: got shape \(3, 5\), wanted \(2, 5\)": lstm(state=GOOD.state._replace(c=np.zeros((3, 5)))),
    "state.h: got dtype float32": lstm(state=tree_map(lambda a: a.astype(np.float32), GOOD.state)),
    r"dh: got shape \(2, 4, 5\), wanted \(2, 3, 5\)": lambda: fused.lstm_backward(np.zeros((2, 4, 5)), None, TAPE),
    "dh: got dtype float32": lambda: fused.lstm_backward(GOOD.dh.astype(np.float32), None, TAPE),
    "dstate: got HState": lambda: fused.lstm_backward(None, GRU.dstate, TAPE),
    "dstate.c: got shape": lambda: fused.lstm_backward(None, GOOD.dstate._replace(c=np.zeros((2, 4))), TAPE),
    "tape: got LSTMTape, wanted the GRUTape": lambda: fused.gru_backward(None, None, TAPE),
    "tape: got LSTMTape, wanted the RNNTape": lambda: fused.rnn_backward(None, None, TAPE),
    "tape: got NoneType, wanted the LSTMTape": lambda: fused.lstm_backward(None, None, None),
    "reset: got 'befor', wanted one of 'after', 'before'": lambda: fused.gru(*GRU[:3], reset="befor"),
    "nonlinearity: got 'gelu'": lambda: fused.rnn(*RNN[:3], nonlinearity="gelu"),
}


@pytest.mark.parametrize("message", BAD)
def test_bad_input_is_named(message):
    with pytest.raises(ValueError, match=message):
        BAD[message]()
