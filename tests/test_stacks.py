"""Stacks: PyTorch's networks of any depth, direction and length, and what padding must never do."""

from typing import Any, NamedTuple

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from references import SEEDS, assert_equal, assert_same, copies, draw_params, draw_state, frozen
from torch.nn.utils.rnn import pack_padded_sequence, pad_packed_sequence

from course_pkg import cells, fused, interchange, padded
from course_pkg.gradcheck import gradcheck
from course_pkg.layers import LayerNormParams
from course_pkg.stacks import LayerParams, LayerState, stack, stack_backward
from course_pkg.trees import tree_leaves, tree_map

NETS = {"rnn": torch.nn.RNN, "lstm": torch.nn.LSTM, "gru": torch.nn.GRU}
CELLS = st.sampled_from(list(NETS))
SHAPES = st.tuples(
    st.integers(1, 4), st.integers(1, 6), st.integers(1, 3), st.integers(1, 4), st.integers(1, 3), st.booleans()
)  # B, T, D, H, depth, both directions


class Case(NamedTuple):
    x: Any
    state: Any
    params: Any
    dout: Any
    dstate: Any
    lengths: Any


def draw_case(cell, shape, seed, *, norm=False, ragged=True, dtype=np.float64):
    B, T, D, H, depth, both = shape
    rng = np.random.default_rng(seed)
    wide = H * (1 + both)

    def layer(n):
        width = D if n == 0 else wide
        return LayerParams(
            forward=draw_params(cell, width, H, rng, dtype),
            reverse=draw_params(cell, width, H, rng, dtype) if both else None,
            norm=LayerNormParams(*rng.normal(size=(2, width)).astype(dtype)) if norm else None,
        )

    def state():
        one = lambda: draw_state(cell, B, H, rng, dtype)  # noqa: E731
        return tuple(LayerState(one(), one() if both else None) for _ in range(depth))

    return Case(
        x=rng.normal(size=(B, T, D)).astype(dtype),
        state=state(),
        params=tuple(layer(n) for n in range(depth)),
        dout=rng.normal(size=(B, T, wide)).astype(dtype),
        dstate=state(),
        lengths=rng.integers(1, T + 1, B) if ragged else None,
    )


def run(case, **how):
    """(out, state_T, dx, dstate_0, dparams), and the tape."""
    out, state_T, tape = stack(case.x, case.state, case.params, lengths=case.lengths, **how)
    return (out, state_T, *stack_backward(case.dout, case.dstate, tape)), tape


def leaf(a):
    return torch.tensor(a, requires_grad=True)


def torch_net(net, y, state, lengths):
    """(h (B, T, .), last states) of a torch.nn network, packed when there are lengths."""
    if lengths is None:
        return net(y, state)
    packed = pack_padded_sequence(y, torch.tensor(lengths), batch_first=True, enforce_sorted=False)
    h, last = net(packed, state)
    return pad_packed_sequence(h, batch_first=True, total_length=y.shape[1])[0], last


def torch_states(state, cell):
    """Leaf tensors by layer and direction, and the (layers * directions, B, H) tensors that torch.nn wants."""
    leaves = tree_map(leaf, state)
    flat = [s for layer in leaves for s in layer if s is not None]
    h = torch.stack([s.h for s in flat])
    return leaves, (h, torch.stack([s.c for s in flat])) if cell == "lstm" else h


def grads_of(net, cell, like, suffix):
    """The gradients of one cell of a torch.nn network, in our form."""
    named = {name: p.grad.numpy() for name, p in net.named_parameters()}
    arrays = [named[name + suffix] for name in ("weight_ih", "weight_hh", "bias_ih")]
    if cell == "gru":
        arrays.append(named[f"bias_hh{suffix}"][2 * like.W_hh.shape[1] :])
    return type(like)(*arrays)


def finish(out, last, leaves, x, case, cell):
    """Backward through autograd from dout and dstate: (out, state_T, dx, dstate_0) in our form."""
    last = list(zip(*last)) if cell == "lstm" else [(h,) for h in last]
    state_T, at = [], 0
    for layer in case.state:
        parts = []
        for s in layer:
            parts.append(None if s is None else type(s)(*last[at]))
            at += s is not None
        state_T.append(LayerState(*parts))
    total = (out * torch.tensor(case.dout)).sum()
    for a, d in zip(tree_leaves(tuple(state_T)).values(), tree_leaves(case.dstate).values()):
        total = total + (a * torch.tensor(d)).sum()
    total.backward()
    array = lambda t: t.detach().numpy()  # noqa: E731
    return tree_map(array, (out, tuple(state_T), x.grad, tree_map(lambda s: s.grad, leaves)))


def torch_stack(case, cell, **options):
    """Everything from one torch.nn network of this depth and direction."""
    H, D = case.params[0].forward.W_hh.shape[1], case.x.shape[2]
    both = case.params[0].reverse is not None
    net = NETS[cell](
        D, H, len(case.params), batch_first=True, bidirectional=both, dtype=torch.tensor(case.x).dtype, **options
    )
    net.load_state_dict(interchange.to_torch(case.params))
    x = leaf(case.x)
    leaves, state = torch_states(case.state, cell)
    out, last = torch_net(net, x, state, case.lengths)
    found = finish(out, last, leaves, x, case, cell)
    dparams = tuple(
        LayerParams(
            grads_of(net, cell, layer.forward, f"_l{n}"),
            grads_of(net, cell, layer.reverse, f"_l{n}_reverse") if both else None,
        )
        for n, layer in enumerate(case.params)
    )
    return (*found, dparams)


def torch_layers(case, cell, keeps, residual):
    """The stack's definition written once more: a torch.nn network for each layer, the rest by hand."""
    x = y = leaf(case.x)
    leaves, _ = torch_states(case.state, cell)
    lasts, nets = [], []
    for n, layer in enumerate(case.params):
        v = y if keeps[n] is None else y * torch.tensor(keeps[n])
        norm = None
        if layer.norm is not None:
            norm = tree_map(leaf, layer.norm)
            v = torch.nn.functional.layer_norm(v, v.shape[-1:], norm.gain, norm.bias, eps=1e-5)
        H, both = layer.forward.W_hh.shape[1], layer.reverse is not None
        net = NETS[cell](v.shape[2], H, batch_first=True, bidirectional=both, dtype=v.dtype)
        net.load_state_dict(interchange.to_torch((layer._replace(norm=None),)))
        flat = [s for s in leaves[n] if s is not None]
        h_0 = torch.stack([s.h for s in flat])
        h, last = torch_net(net, v, (h_0, torch.stack([s.c for s in flat])) if cell == "lstm" else h_0, case.lengths)
        y = h + y if residual and n > 0 else h
        lasts.append(last)
        nets.append((net, norm))
    last = [torch.cat(parts) for parts in zip(*lasts)] if cell == "lstm" else torch.cat(lasts)
    found = finish(y, last, leaves, x, case, cell)
    dparams = tuple(
        LayerParams(
            grads_of(net, cell, layer.forward, "_l0"),
            None if layer.reverse is None else grads_of(net, cell, layer.reverse, "_l0_reverse"),
            None if norm is None else tree_map(lambda p: p.grad.numpy(), norm),
        )
        for (net, norm), layer in zip(nets, case.params)
    )
    return (*found, dparams)


@given(cell=CELLS, shape=SHAPES, ragged=st.booleans(), seed=SEEDS)
def test_equal_to_torchs_networks(cell, shape, ragged, seed):
    """Outputs, last states and every gradient: depth 1 to 3, both directions, lengths, initial states."""
    case = draw_case(cell, shape, seed, ragged=ragged)
    assert_equal(run(case)[0], torch_stack(case, cell))


@given(shape=SHAPES, seed=SEEDS)
def test_options_reach_the_cells(shape, seed):
    case = draw_case("rnn", shape, seed)
    assert_equal(run(case, nonlinearity="relu")[0], torch_stack(case, "rnn", nonlinearity="relu"))
    case = draw_case("gru", (2, 3, 2, 3, 1, False), seed, ragged=False)
    by_hand = fused.gru(case.x, case.state[0].forward, case.params[0].forward, reset="before")[0]
    assert_same(run(case, reset="before")[0][0], by_hand)


@given(
    cell=CELLS,
    shape=SHAPES,
    norm=st.booleans(),
    residual=st.booleans(),
    dropout=st.sampled_from([0.0, 0.4]),
    ragged=st.booleans(),
    seed=SEEDS,
)
def test_dropout_norm_and_residual_are_what_the_module_says(cell, shape, norm, residual, dropout, ragged, seed):
    """In any combination, held against the definition with autograd; the drawn masks are read from the tape."""
    B, T, D, H, depth, both = shape
    case = draw_case(cell, (B, T, D + 1, H + 1, depth, both), seed, norm=norm, ragged=ragged)
    dropout = dropout if depth > 1 else 0.0
    ours, tape = run(case, dropout=dropout, rng=np.random.default_rng(seed), residual=residual)
    keeps = [layer.dropout for layer in tape.layers]
    assert [k is not None for k in keeps] == [dropout > 0 and n > 0 for n in range(depth)]
    # Layer norm divides by a deviation that can be drawn near 0, in both libraries.
    assert_equal(ours, torch_layers(case, cell, keeps, residual), 1e-9 if norm else 1e-12)


def test_equal_to_torch_in_float32():
    for cell in NETS:
        case = draw_case(cell, (4, 9, 5, 8, 2, True), 1, dtype=np.float32)
        assert_equal(run(case)[0], torch_stack(case, cell), 1e-5)


def test_dropout_without_rng_is_evaluation():
    case = draw_case("lstm", (2, 4, 3, 3, 2, False), 0)
    assert_same(run(case, dropout=0.5)[0], run(case)[0])


def test_dropout_differs_between_draws_and_repeats_with_the_seed():
    case = draw_case("gru", (2, 4, 3, 8, 2, False), 0)
    outs = [run(case, dropout=0.5, rng=np.random.default_rng(seed))[0] for seed in (1, 1, 2)]
    assert_same(outs[0], outs[1])
    assert not np.array_equal(outs[0][0], outs[2][0])


@given(cell=CELLS, shape=SHAPES, norm=st.booleans(), residual=st.booleans(), extra=st.integers(1, 3), seed=SEEDS)
def test_padding_changes_nothing_whatever_it_holds(cell, shape, norm, residual, extra, seed):
    """NaN in the padding of x and of dout, and more padding: outputs, states and gradients stay what they were."""
    case = draw_case(cell, shape, seed, norm=norm)
    T, real = shape[1], padded.mask(case.lengths, shape[1])
    out, *rest = run(case, residual=residual)[0]

    def spoil(a):
        wide = np.full((len(a), T + extra, a.shape[2]), np.nan)
        wide[:, :T][real] = a[real]
        return wide

    spoilt = case._replace(x=spoil(case.x), dout=spoil(case.dout))
    out_2, state_T, dx, dstate_0, dparams = run(spoilt, residual=residual)[0]
    assert_same(out_2[:, :T], out)
    assert_same((state_T, dx[:, :T], dstate_0), tuple(rest[:3]))
    # A norm's gradients are sums over all places; more zeros among them change how the sum is rounded.
    assert_equal(dparams, rest[3])
    assert not out_2[:, T:].any()
    assert not dx[:, T:].any()
    assert not out[~real].any()  # exactly zero past each end
    assert not rest[1][~real].any()


@given(cell=CELLS, shape=SHAPES, seed=SEEDS)
def test_each_sequence_alone_at_its_own_length_is_its_row(cell, shape, seed):
    """The reverse direction starts at the true end, and states freeze there: no batch, no padding, same numbers."""
    case = draw_case(cell, shape, seed)
    out, state_T, dx, dstate_0, dparams = run(case)[0]
    total = tree_map(np.zeros_like, dparams)
    for b, n in enumerate(case.lengths):
        row = lambda tree, b=b: tree_map(lambda a: a[b : b + 1], tree)  # noqa: E731
        alone = Case(
            row(case.x)[:, :n], row(case.state), case.params, row(case.dout)[:, :n], row(case.dstate), lengths=None
        )
        found = run(alone)[0]
        assert_equal(found[:4], (row(out)[:, :n], row(state_T), row(dx)[:, :n], row(dstate_0)))
        total = tree_map(np.add, total, found[4])
    assert_equal(total, dparams)


@given(shape=SHAPES, seed=SEEDS)
def test_full_lengths_are_no_lengths(shape, seed):
    case = draw_case("gru", shape, seed, ragged=False)
    full = case._replace(lengths=[shape[1]] * shape[0])
    assert_same(run(case)[0], run(full)[0])


@given(B=st.integers(1, 4), T=st.integers(1, 6), seed=SEEDS)
def test_reversing_twice_is_the_identity(B, T, seed):
    rng = np.random.default_rng(seed)
    x, lengths = rng.normal(size=(B, T, 2)), rng.integers(1, T + 1, B)
    for n in (lengths, None):
        assert_same(padded.reverse(padded.reverse(x, n), n), x)
    turned = padded.reverse(x, lengths)
    for b, n in enumerate(lengths):
        assert_same(turned[b, :n], x[b, :n][::-1])


@given(cell=CELLS, shape=SHAPES, ragged=st.booleans(), seed=SEEDS)
def test_none_means_zeros(cell, shape, ragged, seed):
    case = draw_case(cell, shape, seed, ragged=ragged)
    zeros = tree_map(np.zeros_like, case._replace(lengths=None))
    ours = stack(case.x, None, case.params, lengths=case.lengths)
    theirs = stack(case.x, zeros.state, case.params, lengths=case.lengths)
    assert_same(ours[:2], theirs[:2])
    tape = ours[2]
    assert_same(stack_backward(None, case.dstate, tape), stack_backward(zeros.dout, case.dstate, tape))
    assert_same(stack_backward(case.dout, None, tape), stack_backward(case.dout, zeros.dstate, tape))
    half = tuple(LayerState(None, s.reverse) for s in case.state)
    half_zeros = tuple(LayerState(z.forward, s.reverse) for s, z in zip(case.state, zeros.state))
    assert_same(stack(case.x, half, case.params)[:2], stack(case.x, half_zeros, case.params)[:2])


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@given(cell=CELLS, shape=SHAPES, norm=st.booleans(), ragged=st.booleans(), seed=SEEDS)
def test_tapes_twice_dtype_kept_and_nothing_modified(dtype, cell, shape, norm, ragged, seed):
    """Frozen input is enough; what was returned is overwritten between two equal backward passes."""
    case = draw_case(cell, shape, seed, norm=norm, ragged=ragged, dtype=dtype)
    x, state, weights, dout, dstate = (frozen(part) for part in case[:5])
    lengths = None if case.lengths is None else case.lengths.copy()
    rate = 0.3 if len(weights) > 1 else 0.0
    how = {"lengths": lengths, "dropout": rate, "residual": True, "rng": np.random.default_rng(seed)}
    out, state_T, tape = stack(x, state, weights, **how)
    first = stack_backward(dout, dstate, tape)
    kept = copies(first)
    for a in tree_leaves((out, state_T, first)).values():
        assert a.dtype == dtype
        a[...] = np.nan
    if ragged:
        lengths[:] = 1
    assert_same(stack_backward(dout, dstate, tape), kept)


def test_finite_differences_agree_with_everything_on():
    case = draw_case("gru", (3, 4, 3, 2, 2, True), 4, norm=True)
    how = {"dropout": 0.3, "residual": True}
    (_, _, dx, dstate_0, dparams), _ = run(case, rng=np.random.default_rng(0), **how)

    def loss(**changed):
        (out, state_T, *_), _ = run(case._replace(**changed), rng=np.random.default_rng(0), **how)
        parts = zip(tree_leaves(state_T).values(), tree_leaves(case.dstate).values())
        return (out * case.dout).sum() + sum((a * d).sum() for a, d in parts)

    gradcheck(lambda a: loss(x=a), case.x, dx)
    gradcheck(lambda a: loss(state=a), case.state, dstate_0)
    gradcheck(lambda a: loss(params=a), case.params, dparams)


@given(cell=CELLS, shape=SHAPES, a=st.floats(-3, 3), seed=SEEDS)
def test_gradients_are_linear_in_the_upstream_gradient(cell, shape, a, seed):
    case, other = draw_case(cell, shape, seed), draw_case(cell, shape, seed + 1)
    tape = stack(case.x, case.state, case.params, lengths=case.lengths)[2]
    mixed = tree_map(lambda u, v: u + a * v, (case.dout, case.dstate), (other.dout, other.dstate))
    one, two = stack_backward(case.dout, case.dstate, tape), stack_backward(other.dout, other.dstate, tape)
    assert_equal(stack_backward(*mixed, tape), tree_map(lambda u, v: u + a * v, one, two), 1e-11)


GOOD = draw_case("lstm", (2, 3, 4, 5, 2, True), 0)
OTHER = draw_case("gru", (2, 3, 4, 5, 1, False), 0)
TAPE = stack(GOOD.x, GOOD.state, GOOD.params, lengths=GOOD.lengths)[2]
TOP = GOOD.params[1]


def good(lengths=None, **changed):
    how = {k: changed.pop(k) for k in list(changed) if k not in Case._fields}
    case = GOOD._replace(**changed)
    return lambda: stack(case.x, case.state, case.params, lengths=lengths, **how)


def lone(**how):
    return lambda: stack(OTHER.x, OTHER.state, OTHER.params, **how)


NARROW = draw_params("lstm", 10, 3, np.random.default_rng(0))
BAD = {
    r"x: got shape \(2, 4\)": good(x=np.zeros((2, 4))),
    "params: got list": good(params=list(GOOD.params)),
    r"params: got tuple, wanted a tuple of LayerParams": good(params=()),
    "params: got LSTMParams": good(params=TOP.forward),
    r"params\[1\].forward: got HState": good(params=(GOOD.params[0], LayerParams(OTHER.state[0].forward))),
    r"params\[1\].reverse: got GRUParams, wanted LSTMParams": good(
        params=(GOOD.params[0], TOP._replace(reverse=OTHER.params[0].forward))
    ),
    r"params\[1\].reverse: got another number of units": good(params=(GOOD.params[0], TOP._replace(reverse=NARROW))),
    r"layer 1: params.W_ih: got shape \(20, 10\), wanted \(20, 5\)": good(
        params=(GOOD.params[0]._replace(reverse=None), TOP), state=None
    ),
    r"layer 0: params.gain: got|layer 0: x: got shape": good(
        params=(GOOD.params[0]._replace(norm=LayerNormParams(np.ones(3), np.ones(3))), TOP)
    ),
    "state: got LayerState": good(state=GOOD.state[0]),
    "state: got tuple, wanted a tuple of 2 LayerState": good(state=GOOD.state[:1]),
    r"state\[0\].reverse: got a state": lambda: stack(
        OTHER.x, (LayerState(OTHER.state[0].forward, OTHER.state[0].forward),), OTHER.params
    ),
    "layer 0: state: got HState, wanted LSTMState": good(state=(LayerState(OTHER.state[0].forward), GOOD.state[1])),
    r"layer 0: state.h: got shape \(1, 5\)": good(
        state=tree_map(lambda a: a[:1], GOOD.state), lengths=np.array([3, 1])
    ),
    "lengths: got 0 to 3, wanted 1 to 3": good(lengths=np.array([0, 3])),
    "lengths: got 1 to 4, wanted 1 to 3": good(lengths=[1, 4]),
    r"lengths: got int64 of shape \(3,\), wanted 2 integers": good(lengths=[1, 1, 1]),
    "lengths: got float64": good(lengths=np.array([1.0, 2.0])),
    "dropout: got 1": good(dropout=1),
    "dropout: got -0.1": good(dropout=-0.1),
    "dropout: got 0.1 with one layer": lone(dropout=0.1),
    "rng: got int": good(dropout=0.1, rng=1),
    "residual: got layer 1 from 10 to 5 features": good(
        params=(GOOD.params[0], TOP._replace(reverse=None)), state=None, residual=True
    ),
    r"options: got \['reset'\], wanted some of \[\]": good(reset="after"),
    r"options: got \['gate'\], wanted some of \['reset'\]": lone(gate=1),
    "^reset: got 'never'": lone(reset="never"),
    "dropout: got 0.3 with one layer": lone(dropout=0.3),
    "cell: got 'gru', wanted a Cell, or None": lone(cell="gru"),
    "cell: got lstm, wanted the cell of some layer; none has LSTMParams": lone(cell=cells.LSTM),
    "tape: got list": lambda: stack_backward(None, None, []),
    r"dout: got shape \(2, 3, 5\), wanted \(2, 3, 10\)": lambda: stack_backward(GOOD.dout[:, :, :5], None, TAPE),
    "dout: got dtype float32": lambda: stack_backward(GOOD.dout.astype(np.float32), None, TAPE),
    "dstate: got tuple, wanted a tuple of 2": lambda: stack_backward(None, GOOD.dstate[:1], TAPE),
    r"layer 1: dstate.h: got shape \(1, 5\)": lambda: stack_backward(
        None, tree_map(lambda a: a[:1], GOOD.dstate), TAPE
    ),
}


@pytest.mark.parametrize("message", BAD)
def test_bad_input_is_named(message):
    with pytest.raises(ValueError, match=message):
        BAD[message]()
