"""Attention: PyTorch's numbers and gradients, padding that gets no weight, clear errors at the door."""

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from hypothesis import given, settings
from hypothesis import strategies as st

from course_pkg import attention
from course_pkg.gradcheck import max_error

SIZES = st.integers(1, 5)


def draw(sizes, seed, masked):
    B, T, S, H, E, V, A = sizes
    rng = np.random.default_rng(seed)
    query, keys, values = rng.normal(size=(B, T, H)), rng.normal(size=(B, S, E)), rng.normal(size=(B, S, V))
    params = attention.AdditiveParams(rng.normal(size=(A, H)), rng.normal(size=(A, E)), rng.normal(size=A))
    mask = np.arange(S) < rng.integers(1, S + 1, B)[:, None] if masked else None
    return query, keys, values, params, mask, rng.normal(size=(B, T, V))


def leaf(a):
    return torch.tensor(a, requires_grad=True)


@settings(deadline=None, max_examples=60)
@given(sizes=st.tuples(*[SIZES] * 7), seed=st.integers(0, 2**32 - 1), masked=st.booleans())
def test_dot_attention_is_torchs(sizes, seed, masked):
    B, T, S, H, _, V, A = sizes
    query, keys, values, _, mask, dcontext = draw((B, T, S, H, H, V, A), seed, masked)
    context, tape = attention.dot_attention(query, keys, values, mask)
    ours = (context, *attention.dot_attention_backward(dcontext, tape))
    q, k, v = map(leaf, (query, keys, values))
    c = F.scaled_dot_product_attention(q, k, v, attn_mask=None if mask is None else torch.tensor(mask)[:, None])
    c.backward(torch.tensor(dcontext))
    for a, b in zip(ours, (c.detach(), q.grad, k.grad, v.grad)):
        assert max_error(a, b.numpy()) <= 1e-12


@settings(deadline=None, max_examples=60)
@given(sizes=st.tuples(*[SIZES] * 7), seed=st.integers(0, 2**32 - 1), masked=st.booleans())
def test_additive_attention_is_autograds(sizes, seed, masked):
    query, keys, values, params, mask, dcontext = draw(sizes, seed, masked)
    context, tape = attention.additive_attention(query, keys, values, params, mask)
    *dinputs, dparams = attention.additive_attention_backward(dcontext, tape)
    q, k, v, W_q, W_k, w = inputs = [leaf(a) for a in (query, keys, values, *params)]
    score = torch.tanh((q @ W_q.T)[:, :, None] + (k @ W_k.T)[:, None]) @ w
    if mask is not None:
        score = score.masked_fill(~torch.tensor(mask)[:, None], -torch.inf)
    c = score.softmax(-1) @ v
    c.backward(torch.tensor(dcontext))
    theirs = [c.detach()] + [i.grad for i in inputs]
    for a, b in zip((context, *dinputs, *dparams), theirs):
        assert max_error(a, b.numpy()) <= 1e-12


@pytest.mark.parametrize("kind", ["dot", "additive"])
def test_padding_gets_no_weight_and_no_gradient(kind):
    query, keys, values, params, _, dcontext = draw((2, 3, 4, 5, 5, 2, 6), 0, False)
    mask = np.array([[True, True, True, True], [True, True, False, False]])
    args = (params,) if kind == "additive" else ()
    _, tape = getattr(attention, f"{kind}_attention")(query, keys, values, *args, mask=mask)
    assert np.allclose(tape.weights.sum(axis=-1), 1)
    assert np.all(tape.weights[1, :, 2:] == 0)
    _, dkeys, dvalues, *_ = getattr(attention, f"{kind}_attention_backward")(dcontext, tape)
    assert np.all(dkeys[1, 2:] == 0)
    assert np.all(dvalues[1, 2:] == 0)


def test_float32_stays_and_read_only_inputs_do():
    arrays = [a.astype(np.float32) for a in draw((2, 3, 4, 5, 5, 2, 6), 0, False)[:3]]
    copies = [a.copy() for a in arrays]
    for a in arrays:
        a.setflags(write=False)
    params = attention.AdditiveParams(*(np.ones(s, np.float32) for s in ((6, 5), (6, 5), 6)))
    for f, b, args in (
        (attention.dot_attention, attention.dot_attention_backward, arrays),
        (attention.additive_attention, attention.additive_attention_backward, [*arrays, params]),
    ):
        context, tape = f(*args)
        grads = b(np.ones_like(context), tape)
        again = b(np.ones_like(context), tape)
        assert context.dtype == np.float32
        assert all(a.dtype == np.float32 for a in grads[:3])
        assert all(np.array_equal(x, y) for x, y in zip(grads[:3], again[:3]))
    assert all(np.array_equal(a, b) for a, b in zip(arrays, copies))


Q, K = np.ones((2, 3, 4)), np.ones((2, 5, 4))
BAD = {
    "query": lambda: attention.dot_attention(Q[0], K, K),
    "keys: got shape": lambda: attention.dot_attention(Q, K[:, :, :2], K),
    "values: got shape": lambda: attention.dot_attention(Q, K, K[:, :2]),
    "values: got dtype": lambda: attention.dot_attention(Q, K, K.astype(np.float32)),
    "mask: got shape": lambda: attention.dot_attention(Q, K, K, np.ones((2, 4), bool)),
    "mask: got a row without": lambda: attention.dot_attention(Q, K, K, np.array([[True] * 5, [False] * 5])),
    "params.W_q": lambda: attention.additive_attention(
        Q, K, K, attention.AdditiveParams(np.ones((6, 3)), np.ones((6, 4)), np.ones(6))
    ),
    "dcontext": lambda: attention.dot_attention_backward(Q[:, :1], attention.dot_attention(Q, K, K)[1]),
}


@pytest.mark.parametrize("message", BAD)
def test_bad_input_is_named(message):
    with pytest.raises(ValueError, match=message):
        BAD[message]()
