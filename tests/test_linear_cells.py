"""Layers whose gates do not look back: each is its paper's loop in PyTorch, whichever way it is scanned."""

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from course_pkg import linear_cells, state_space
from course_pkg.cells import HState
from course_pkg.gradcheck import max_error
from course_pkg.scan import WAYS

CASES = {
    "sizes": st.tuples(st.integers(1, 3), st.integers(1, 12), st.integers(1, 4), st.integers(1, 4)),
    "seed": st.integers(0, 2**32 - 1),
    "how": st.sampled_from(list(WAYS)),
    "start": st.booleans(),
}


def leaf(a):
    return torch.tensor(a, requires_grad=True)


def compare(layer, backward, theirs, x, state, params, dy, dlast, how):
    """Ours and the loop's: what is said, the last state, and the gradients of x, the start and every weight."""
    y, last, tape = layer(x, state, params, how=how, chunk=3)
    dx, dstart, dparams = backward(dy, dlast, tape)
    bare = lambda s: s.h if isinstance(s, HState) else s  # noqa: E731
    x_, start_ = leaf(x), leaf(bare(state)) if state is not None else None
    params_ = [leaf(a) for a in params]
    y_, last_ = theirs(x_, start_, *params_)
    loss = (y_ * torch.tensor(dy)).sum() + torch.real((last_ * torch.tensor(np.conj(bare(dlast)))).sum())
    loss.backward()
    pairs = [(y, y_.detach()), (bare(last), last_.detach()), (dx, x_.grad), *zip(dparams, [p.grad for p in params_])]
    if start_ is not None:
        pairs.append((bare(dstart), start_.grad))
    for k, (mine, wanted) in enumerate(pairs):
        wanted = np.zeros_like(mine) if wanted is None else wanted.resolve_conj().numpy()
        size = max(1.0, np.abs(wanted).max())
        assert mine.dtype == wanted.dtype
        assert max_error(mine / size, wanted / size) <= 1e-12, k


def torch_min_gru(x, h, W, b):
    h, said = torch.zeros(len(x), len(b) // 2, dtype=x.dtype) if h is None else h, []
    for t in range(x.shape[1]):
        a_z, n = (x[:, t] @ W.T + b).chunk(2, 1)
        z = torch.sigmoid(a_z)
        h = z * h + (1 - z) * n
        said.append(h)
    return torch.stack(said, 1), h


def torch_min_lstm(x, h, W, b):
    h, said = torch.zeros(len(x), len(b) // 3, dtype=x.dtype) if h is None else h, []
    for t in range(x.shape[1]):
        a_i, a_f, g = (x[:, t] @ W.T + b).chunk(3, 1)
        i, f = torch.sigmoid(a_i), torch.sigmoid(a_f)
        h = f / (f + i) * h + i / (f + i) * g
        said.append(h)
    return torch.stack(said, 1), h


@pytest.mark.parametrize(
    ("layer", "backward", "theirs", "kind", "gates"),
    [
        (linear_cells.min_gru, linear_cells.min_gru_backward, torch_min_gru, linear_cells.MinGRUParams, 2),
        (linear_cells.min_lstm, linear_cells.min_lstm_backward, torch_min_lstm, linear_cells.MinLSTMParams, 3),
    ],
    ids=["minGRU", "minLSTM"],
)
@given(**CASES)
def test_the_minimal_cells(layer, backward, theirs, kind, gates, sizes, seed, how, start):
    B, T, D, H = sizes
    rng = np.random.default_rng(seed)
    params = kind(rng.normal(size=(gates * H, D)), rng.normal(size=gates * H))
    state = HState(rng.normal(size=(B, H))) if start else None
    x, dy, dlast = rng.normal(size=(B, T, D)), rng.normal(size=(B, T, H)), HState(rng.normal(size=(B, H)))
    compare(layer, backward, theirs, x, state, params, dy, dlast, how)


def test_a_step_of_the_min_gru_is_the_layers():
    rng = np.random.default_rng(0)
    params = linear_cells.MinGRUParams(rng.normal(size=(6, 2)), rng.normal(size=6))
    x, dh = rng.normal(size=(2, 4, 2)), rng.normal(size=(2, 4, 3))
    h, _, tape = linear_cells.min_gru(x, None, params)
    state, caches = HState(np.zeros((2, 3))), []
    for t in range(4):
        state, cache = linear_cells.min_gru_step(x[:, t], state, params)
        caches.append(cache)
        assert max_error(state.h, h[:, t]) <= 1e-12
    dx, dstart, dparams = linear_cells.min_gru_backward(dh, None, tape)
    dstate, total = HState(np.zeros((2, 3))), [np.zeros_like(p) for p in params]
    for t in reversed(range(4)):
        dx_t, dstate, now = linear_cells.min_gru_step_backward(HState(dstate.h + dh[:, t]), caches[t], params)
        total = [a + b for a, b in zip(total, now)]
        assert max_error(dx_t, dx[:, t]) <= 1e-12
    assert max_error(dstate.h, dstart.h) <= 1e-12
    for mine, whole in zip(total, dparams):
        assert max_error(mine, whole) <= 1e-12


def torch_lru(x, s, nu, theta, B_re, B_im, C_re, C_im, D):
    size = torch.exp(-torch.exp(nu))
    gate = torch.polar(size, theta)
    gamma = torch.sqrt(1 - size**2)
    B, C = torch.complex(B_re, B_im), torch.complex(C_re, C_im)
    s, said = torch.zeros(len(x), len(nu), dtype=B.dtype) if s is None else s, []
    for t in range(x.shape[1]):
        s = gate * s + gamma * (x[:, t].to(B.dtype) @ B.T)
        said.append((s @ C.T).real + D * x[:, t])
    return torch.stack(said, 1), s


@given(**CASES)
def test_the_lru(sizes, seed, how, start):
    B, T, D, N = sizes
    rng = np.random.default_rng(seed)
    shapes = ((N,), (N,), (N, D), (N, D), (D, N), (D, N), (D,))
    params = state_space.LRUParams(*(rng.normal(size=shape) for shape in shapes))
    s_0 = rng.normal(size=(B, N)) + 1j * rng.normal(size=(B, N)) if start else None
    dlast = rng.normal(size=(B, N)) + 1j * rng.normal(size=(B, N))
    x, dy = rng.normal(size=(B, T, D)), rng.normal(size=(B, T, D))
    compare(state_space.lru, state_space.lru_backward, torch_lru, x, s_0, params, dy, dlast, how)


def torch_selective(x, s, W_delta, b_delta, W_B, W_C, A_log, D):
    A = -torch.exp(A_log)
    s, said = torch.zeros(len(x), *A.shape, dtype=x.dtype) if s is None else s, []
    for t in range(x.shape[1]):
        delta = torch.nn.functional.softplus(x[:, t] @ W_delta.T + b_delta, threshold=1e9)
        B, C = x[:, t] @ W_B.T, x[:, t] @ W_C.T
        s = torch.exp(delta[..., None] * A) * s + (delta * x[:, t])[..., None] * B[:, None]
        said.append((s * C[:, None]).sum(2) + D * x[:, t])
    return torch.stack(said, 1), s


@given(**CASES)
def test_the_selective_layer(sizes, seed, how, start):
    B, T, D, N = sizes
    rng = np.random.default_rng(seed)
    shapes = ((D, D), (D,), (N, D), (N, D), (D, N), (D,))
    params = state_space.SelectiveParams(*(rng.normal(size=shape) for shape in shapes))
    s_0 = rng.normal(size=(B, D, N)) if start else None
    x, dy, dlast = rng.normal(size=(B, T, D)), rng.normal(size=(B, T, D)), rng.normal(size=(B, D, N))
    compare(state_space.selective, state_space.selective_backward, torch_selective, x, s_0, params, dy, dlast, how)


def test_a_step_size_is_a_gate():
    """exp(-softplus(a)) = 1 - sigmoid(a): with A = -1 the selective layer keeps what a gate of -a keeps."""
    a = np.linspace(-20, 20, 81)
    assert max_error(np.exp(-state_space.softplus(a)), 1 / (1 + np.exp(a))) <= 1e-15


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda p, x: linear_cells.min_gru(x[0], None, p), r"x: got shape \(3, 2\), wanted \(B, T, D\)"),
        (lambda p, x: linear_cells.min_lstm(x, None, p), "params.b: got 8 numbers, wanted a multiple of 3"),
        (lambda p, x: linear_cells.min_gru(x, HState(np.zeros((2, 3))), p), r"state.h: got shape \(2, 3\), wanted"),
        (lambda p, x: linear_cells.min_gru(x[..., :1].copy(), None, p), r"params.W_ih: got shape \(8, 2\), wanted"),
        (
            lambda p, x: linear_cells.min_gru_backward(np.zeros((2, 3, 3)), None, linear_cells.min_gru(x, None, p)[2]),
            r"dh: got shape \(2, 3, 3\), wanted \(2, 3, 4\)",
        ),
    ],
)
def test_wrong_arguments_are_named(call, message):
    params = linear_cells.MinGRUParams(np.zeros((8, 2)), np.zeros(8))
    with pytest.raises(ValueError, match=message):
        call(params, np.zeros((2, 3, 2)))
