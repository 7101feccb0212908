"""What the numerics are held against: drawn cases, and the same networks in PyTorch with autograd."""

from typing import Any, NamedTuple

import numpy as np
import torch
from hypothesis import strategies as st

from course_pkg import cells
from course_pkg.gradcheck import max_error
from course_pkg.trees import tree_leaves, tree_map

SEEDS = st.integers(0, 2**32 - 1)
SIZES = st.tuples(st.integers(1, 4), st.integers(1, 7), st.integers(1, 4), st.integers(1, 5))  # B, T, D, H

GATES = {"rnn": 1, "lstm": 4, "gru": 3}
PARAMS = {"rnn": cells.RNNParams, "lstm": cells.LSTMParams, "gru": cells.GRUParams}
STEPS = {
    "rnn": (cells.rnn_step, cells.rnn_step_backward),
    "lstm": (cells.lstm_step, cells.lstm_step_backward),
    "gru": (cells.gru_step, cells.gru_step_backward),
}
# Every cell with every keyword it knows.
VARIANTS = {
    "rnn-tanh": ("rnn", {}),
    "rnn-sigmoid": ("rnn", {"nonlinearity": "sigmoid"}),
    "rnn-relu": ("rnn", {"nonlinearity": "relu"}),
    "rnn-leaky_relu": ("rnn", {"nonlinearity": "leaky_relu"}),
    "lstm": ("lstm", {}),
    "gru-after": ("gru", {}),
    "gru-before": ("gru", {"reset": "before"}),
}


class Case(NamedTuple):
    """One layer's arguments and the gradients that reach it from above."""

    x: Any
    state: Any
    params: Any
    dh: Any
    dstate: Any


def draw_params(cell, D, H, rng, dtype=np.float64):
    G = GATES[cell] * H
    shapes = [(G, D), (G, H), (G,)] + ([(H,)] if cell == "gru" else [])
    return PARAMS[cell](*(rng.normal(size=shape).astype(dtype) for shape in shapes))


def draw_state(cell, B, H, rng, dtype=np.float64):
    kind = cells.LSTMState if cell == "lstm" else cells.HState
    return kind(*(rng.normal(size=(B, H)).astype(dtype) for _ in kind._fields))


def draw_case(cell, sizes, seed, dtype=np.float64):
    B, T, D, H = sizes
    rng = np.random.default_rng(seed)
    return Case(
        x=rng.normal(size=(B, T, D)).astype(dtype),
        state=draw_state(cell, B, H, rng, dtype),
        params=draw_params(cell, D, H, rng, dtype),
        dh=rng.normal(size=(B, T, H)).astype(dtype),
        dstate=draw_state(cell, B, H, rng, dtype),
    )


def assert_equal(ours, theirs, tolerance=1e-12):
    """Two trees have the same names, and equal arrays of one dtype (see `max_error`)."""
    ours, theirs = tree_leaves(ours), tree_leaves(theirs)
    assert ours.keys() == theirs.keys()
    for name in ours:
        assert ours[name].dtype == theirs[name].dtype, name
        assert max_error(ours[name], theirs[name]) <= tolerance, name


def assert_same(a, b):
    """Two trees are equal to the bit."""
    a, b = tree_leaves(a), tree_leaves(b)
    assert a.keys() == b.keys()
    for name in a:
        assert np.array_equal(a[name], b[name], equal_nan=True), name


def copies(tree):
    return tree_map(lambda a: a.copy() if isinstance(a, np.ndarray) else a, tree)


def frozen(tree):
    """The same values, read-only and not contiguous: every second number of a larger array."""

    def freeze(a):
        wide = np.repeat(a, 2, axis=-1)[..., ::2]
        wide.setflags(write=False)
        return wide

    return tree_map(freeze, tree)


def torch_layer(cell, case, options):
    """(h, state_T, dx, dstate_0, dparams) of one layer, by autograd.

    torch.nn's own layer where it has the variant, else the equations written out once more below.
    """
    x, state = _leaf(case.x), tree_map(_leaf, case.state)
    own = options.get("reset", "after") == "after" and options.get("nonlinearity", "tanh") in ("tanh", "relu")
    run = _torch_nn if own else _torch_written_out
    h, state_T, weights = run(cell, x, state, case.params, options)
    total = (h * torch.tensor(case.dh)).sum()
    total = total + sum((s * torch.tensor(d)).sum() for s, d in zip(state_T, case.dstate))
    total.backward()
    dparams = type(case.params)(*(pick(w.grad) for w, pick in weights))
    return tree_map(_array, (h, state._make(state_T), x.grad, tree_map(lambda s: s.grad, state), dparams))


def _leaf(a):
    return torch.tensor(np.ascontiguousarray(a), requires_grad=True)


def _array(t):
    return t.detach().numpy()


def _torch_nn(cell, x, state, params, options):
    D, H = x.shape[2], params.W_hh.shape[1]
    nets = {"rnn": torch.nn.RNN, "lstm": torch.nn.LSTM, "gru": torch.nn.GRU}
    net = nets[cell](D, H, batch_first=True, dtype=x.dtype, **options if cell == "rnn" else {})
    b_hh = np.zeros_like(params.b)
    if cell == "gru":
        b_hh[2 * H :] = params.b_hn
    weights = net.weight_ih_l0, net.weight_hh_l0, net.bias_ih_l0, net.bias_hh_l0
    with torch.no_grad():
        for w, a in zip(weights, (params.W_ih, params.W_hh, params.b, b_hh)):
            w.copy_(torch.tensor(np.ascontiguousarray(a)))
    first = tuple(s[None] for s in state)
    h, last = net(x, first if cell == "lstm" else first[0])
    last = tuple(s[0] for s in (last if cell == "lstm" else (last,)))

    def all_of(g):
        return g

    picks = [all_of, all_of, all_of] + [lambda g: g[2 * H :]] * (cell == "gru")
    return h, last, list(zip(weights, picks))


def _torch_written_out(cell, x, state, params, options):
    params = tree_map(_leaf, params)
    h, hs = state.h, []
    for t in range(x.shape[1]):
        if cell == "rnn":
            phi = getattr(torch.nn.functional, options["nonlinearity"])
            h = phi(x[:, t] @ params.W_ih.T + h @ params.W_hh.T + params.b)
        else:  # Cho et al. 2014, equations 5 to 8: the reset gate multiplies the state before the product
            (W_r, W_z, W_n), (U_r, U_z, U_n) = params.W_ih.chunk(3), params.W_hh.chunk(3)
            b_r, b_z, b_n = params.b.chunk(3)
            r = torch.sigmoid(x[:, t] @ W_r.T + h @ U_r.T + b_r)
            z = torch.sigmoid(x[:, t] @ W_z.T + h @ U_z.T + b_z)
            n = torch.tanh(x[:, t] @ W_n.T + (r * h) @ U_n.T + b_n + params.b_hn)
            h = (1 - z) * n + z * h
        hs.append(h)
    return torch.stack(hs, 1), (h,), [(w, lambda g: g) for w in params]
