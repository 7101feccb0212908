"""Layers and losses: the same numbers and gradients as PyTorch, and clear errors at the door."""

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from hypothesis import given, settings
from hypothesis import strategies as st

from course_pkg import layers
from course_pkg.gradcheck import max_error

SIZES = st.integers(1, 5)
LEADING = st.lists(SIZES, min_size=1, max_size=3).map(tuple)
SEEDS = st.integers(0, 2**32 - 1)


def tensor(a, grad=True):
    return torch.tensor(a, requires_grad=grad)


def assert_equal(ours, theirs, tolerance=1e-12):
    theirs = theirs.detach().numpy() if isinstance(theirs, torch.Tensor) else theirs
    assert max_error(ours, theirs) <= tolerance


@settings(deadline=None, max_examples=40)
@given(lead=LEADING, D=SIZES, K=SIZES, seed=SEEDS)
def test_linear_is_torchs(lead, D, K, seed):
    rng = np.random.default_rng(seed)
    x, W, b, dy = (rng.normal(size=s) for s in ((*lead, D), (K, D), (K,), (*lead, K)))
    y, tape = layers.linear(x, layers.LinearParams(W, b))
    dx, dparams = layers.linear_backward(dy, tape)
    x_, W_, b_ = map(tensor, (x, W, b))
    y_ = F.linear(x_, W_, b_)
    y_.backward(tensor(dy, False))
    for ours, theirs in ((y, y_), (dx, x_.grad), (dparams.W, W_.grad), (dparams.b, b_.grad)):
        assert_equal(ours, theirs)


@settings(deadline=None, max_examples=40)
@given(lead=LEADING, V=SIZES, D=SIZES, seed=SEEDS)
def test_embedding_is_torchs(lead, V, D, seed):
    """With few symbols most occur several times, so a gradient that keeps only the last one fails here."""
    rng = np.random.default_rng(seed)
    ids, table, dx = rng.integers(V, size=lead), rng.normal(size=(V, D)), rng.normal(size=(*lead, D))
    x, tape = layers.embedding(ids, layers.EmbeddingParams(table))
    dparams = layers.embedding_backward(dx, tape)
    table_ = tensor(table)
    x_ = F.embedding(torch.tensor(ids), table_)
    x_.backward(tensor(dx, False))
    assert_equal(x, x_)
    assert_equal(dparams.table, table_.grad)


@settings(deadline=None, max_examples=40)
@given(lead=LEADING, D=SIZES, seed=SEEDS)
def test_layer_norm_is_torchs(lead, D, seed):
    rng = np.random.default_rng(seed)
    x, gain, bias, dout = (rng.normal(size=s) for s in ((*lead, D), (D,), (D,), (*lead, D)))
    out, tape = layers.layer_norm(x, layers.LayerNormParams(gain, bias))
    dx, dparams = layers.layer_norm_backward(dout, tape)
    x_, gain_, bias_ = map(tensor, (x, gain, bias))
    out_ = F.layer_norm(x_, (D,), gain_, bias_, eps=layers.EPS)
    out_.backward(tensor(dout, False))
    pairs = ((out, out_), (dx, x_.grad), (dparams.gain, gain_.grad), (dparams.bias, bias_.grad))
    for ours, theirs in pairs:
        # D = 1 divides rounding error by sqrt(1e-5), in both libraries.
        assert_equal(ours, theirs, 1e-12 if D > 1 else 1e-9)


@settings(deadline=None, max_examples=40)
@given(lead=LEADING, K=SIZES, seed=SEEDS, masked=st.booleans(), dloss=st.floats(-2, 2))
def test_softmax_cross_entropy_is_torchs(lead, K, seed, masked, dloss):
    rng = np.random.default_rng(seed)
    logits, targets = 5 * rng.normal(size=(*lead, K)), rng.integers(K, size=lead)
    mask = None
    if masked:
        mask = rng.random(lead) < 0.5
        mask.flat[0] = True
        targets[~mask] = -100  # PyTorch's own sign for "ignore"
    loss, tape = layers.softmax_cross_entropy(logits, targets, mask)
    dlogits = layers.softmax_cross_entropy_backward(dloss, tape)
    logits_ = tensor(logits)
    loss_ = F.cross_entropy(logits_.reshape(-1, K), torch.tensor(targets).reshape(-1), ignore_index=-100)
    (loss_ * dloss).backward()
    assert_equal(loss, loss_)
    assert_equal(dlogits, logits_.grad)


@settings(deadline=None, max_examples=40)
@given(B=SIZES, T=SIZES, K=SIZES, seed=SEEDS, masked=st.booleans(), dloss=st.floats(-2, 2))
def test_mean_squared_error_is_torchs(B, T, K, seed, masked, dloss):
    rng = np.random.default_rng(seed)
    y, target = rng.normal(size=(B, T, K)), rng.normal(size=(B, T, K))
    mask = rng.random((B, T)) < 0.5 if masked else np.ones((B, T), bool)
    mask[0, 0] = True
    loss, tape = layers.mean_squared_error(y, target, mask if masked else None)
    dy = layers.mean_squared_error_backward(dloss, tape)
    y_ = tensor(y)
    loss_ = F.mse_loss(y_[torch.tensor(mask)], torch.tensor(target[mask]))
    (loss_ * dloss).backward()
    assert_equal(loss, loss_)
    assert_equal(dy, y_.grad)


@settings(deadline=None, max_examples=40)
@given(shape=LEADING, rate=st.floats(0.01, 0.9), seed=SEEDS)
def test_dropout_backward_drops_what_the_forward_dropped(shape, rate, seed):
    rng = np.random.default_rng(seed)
    x, dout = rng.normal(size=shape), rng.normal(size=shape)
    out, tape = layers.dropout(x, rate, rng)
    dx = layers.dropout_backward(dout, tape)
    kept = out != 0
    assert_equal(out, np.where(kept, x / (1 - rate), 0))
    assert_equal(dx, np.where(kept, dout / (1 - rate), 0))


def test_dropout_drops_the_named_share_and_keeps_the_mean():
    out, _ = layers.dropout(np.ones((400, 500)), 0.3, np.random.default_rng(0))
    assert (out == 0).mean() == pytest.approx(0.3, abs=0.005)
    assert out.mean() == pytest.approx(1.0, abs=0.01)


def test_dropout_without_rng_changes_nothing_and_shares_nothing():
    x = np.ones((2, 3))
    out, tape = layers.dropout(x, 0.5, None)
    assert np.array_equal(out, x)
    assert np.array_equal(layers.dropout_backward(x, tape), x)
    out[:] = 7
    assert np.all(x == 1)


def test_cross_entropy_survives_large_logits():
    """exp(1000) overflows; the loss of a confident right answer is still 0 and of a wrong one 1000."""
    logits = np.array([[1000.0, 0.0], [0.0, 1000.0]])
    loss, tape = layers.softmax_cross_entropy(logits, np.array([0, 0]))
    assert loss == 500
    assert np.all(np.isfinite(layers.softmax_cross_entropy_backward(1.0, tape)))


def test_masked_places_do_not_count_whatever_they_hold():
    rng = np.random.default_rng(0)
    logits, targets, mask = rng.normal(size=(2, 4, 3)), rng.integers(3, size=(2, 4)), np.ones((2, 4), bool)
    mask[1, 2:] = False
    loss, tape = layers.softmax_cross_entropy(logits, targets, mask)
    logits[1, 2:], targets[1, 2:] = 50.0, 99
    again, again_tape = layers.softmax_cross_entropy(logits, targets, mask)
    assert loss == again
    dlogits = layers.softmax_cross_entropy_backward(1.0, again_tape)
    assert np.array_equal(dlogits, layers.softmax_cross_entropy_backward(1.0, tape))
    assert np.all(dlogits[1, 2:] == 0)


def everything(rng, dtype):
    """Every pair once, on small inputs of one dtype: (arrays passed in, outputs, backward called twice)."""
    x = rng.normal(size=(2, 4, 3)).astype(dtype)
    mask = np.array([[True, True, False, True], [True, False, False, False]])
    linear = layers.LinearParams(rng.normal(size=(5, 3)).astype(dtype), rng.normal(size=5).astype(dtype))
    norm = layers.LayerNormParams(*rng.normal(size=(2, 3)).astype(dtype))
    table = layers.EmbeddingParams(rng.normal(size=(3, 3)).astype(dtype))
    ids = rng.integers(3, size=(2, 4))
    return [
        (layers.linear, layers.linear_backward, (x, linear)),
        (layers.layer_norm, layers.layer_norm_backward, (x, norm)),
        (layers.embedding, layers.embedding_backward, (ids, table)),
        (layers.dropout, layers.dropout_backward, (x, 0.5, rng)),
        (layers.softmax_cross_entropy, layers.softmax_cross_entropy_backward, (x, ids, mask)),
        (layers.mean_squared_error, layers.mean_squared_error_backward, (x, x[::-1], mask)),
    ]


def leaves(tree):
    return [a for part in tree for a in leaves(part)] if isinstance(tree, tuple) else [tree]


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("case", range(6))
def test_dtype_is_kept_and_nothing_is_modified(dtype, case):
    """Also: a tape used twice gives equal gradients, after the caller has overwritten what was returned."""
    f, f_backward, args = everything(np.random.default_rng(0), dtype)[case]
    arrays = [a for a in leaves(args) if isinstance(a, np.ndarray)]
    copies = [a.copy() for a in arrays]
    for a in arrays:
        a.setflags(write=False)
    out, tape = f(*args)
    assert out.dtype == dtype
    dout = np.ones_like(out) if out.ndim else 1.0
    first = [a.copy() for a in leaves(f_backward(dout, tape))]
    if out.ndim:
        out[...] = np.nan
    for g in leaves(f_backward(dout, tape)):
        g[...] = np.nan
    second = leaves(f_backward(dout, tape))
    assert all(a.dtype == dtype and np.array_equal(a, b) for a, b in zip(first, second))
    assert all(np.array_equal(a, b) for a, b in zip(arrays, copies))


X, P = np.ones((2, 3)), layers.LinearParams(np.ones((4, 3)), np.ones(4))
BAD = {
    "x: got shape": lambda: layers.linear(np.ones((2, 5)), P),
    "x: got dtype float32": lambda: layers.linear(X.astype(np.float32), P),
    "params.b": lambda: layers.linear(X, P._replace(b=np.ones(3))),
    "dy": lambda: layers.linear_backward(np.ones((2, 3)), layers.linear(X, P)[1]),
    "ids: got values from 0 to 3": lambda: layers.embedding(np.arange(4), layers.EmbeddingParams(X.T)),
    "ids: got values from -1": lambda: layers.embedding(np.array([-1]), layers.EmbeddingParams(X)),
    "ids: got dtype float64": lambda: layers.embedding(X, layers.EmbeddingParams(X)),
    "ids: got list": lambda: layers.embedding([0], layers.EmbeddingParams(X)),
    "params.gain": lambda: layers.layer_norm(X, layers.LayerNormParams(X, X)),
    "rate: got 1": lambda: layers.dropout(X, 1.0, np.random.default_rng(0)),
    "rate: got nan": lambda: layers.dropout(X, float("nan"), np.random.default_rng(0)),
    "rng: got int": lambda: layers.dropout(X, 0.5, 3),
    "logits": lambda: layers.softmax_cross_entropy(np.ones(3), np.array(0)),
    "targets: got shape": lambda: layers.softmax_cross_entropy(X, np.array([0])),
    "targets: got values": lambda: layers.softmax_cross_entropy(X, np.array([0, 3])),
    "mask: got no True": lambda: layers.softmax_cross_entropy(X, np.array([0, 1]), np.zeros(2, bool)),
    "mask: got dtype int64": lambda: layers.softmax_cross_entropy(X, np.array([0, 1]), np.array([0, 1])),
    "mask: got shape": lambda: layers.softmax_cross_entropy(X, np.array([0, 1]), np.ones(3, bool)),
    "target: got shape": lambda: layers.mean_squared_error(X, np.ones((3, 2))),
    "target: got dtype": lambda: layers.mean_squared_error(X, X.astype(np.float32)),
}


@pytest.mark.parametrize("message", BAD)
def test_bad_input_is_named(message):
    with pytest.raises(ValueError, match=message):
        BAD[message]()
