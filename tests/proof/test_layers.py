"""Every derivative of the layers, losses and attention, proved by algebra. See `algebra`."""

import numpy as np
import pytest
from proof.algebra import numbers, prove, without_doors

from course_pkg import activations, attention, layers


@pytest.fixture(autouse=True)
def _symbols_pass():
    with without_doors(layers, attention):
        yield


def proved(f, f_backward, *arguments, seed=0):
    """For a piece whose backward returns a lone gradient or a tuple of them."""

    def backward(dout, tape):
        found = f_backward(dout, tape)
        return found if type(found) is tuple else (found,)

    return prove(f, backward, arguments, seed)


def test_linear():
    params = layers.LinearParams(numbers("W", 3, 2), numbers("b", 3))
    assert proved(layers.linear, layers.linear_backward, numbers("x", 2, 2, 2), params) == 17


def test_embedding_with_a_symbol_that_comes_twice():
    ids, params = np.array([[0, 2, 0]]), layers.EmbeddingParams(numbers("E", 3, 2))
    assert proved(lambda p: layers.embedding(ids, p), layers.embedding_backward, params) == 6


def test_layer_norm():
    params = layers.LayerNormParams(numbers("gain", 3), numbers("bias", 3))
    assert proved(layers.layer_norm, layers.layer_norm_backward, numbers("x", 2, 3), params) == 12


def test_softmax():
    def f(a):
        y = activations.softmax(a)
        return y, y

    assert proved(f, activations.softmax_backward, numbers("a", 2, 3)) == 6


MASKS = [None, np.array([[True, False], [False, True]])]


@pytest.mark.parametrize("mask", MASKS)
def test_cross_entropy(mask):
    targets = np.array([[0, 2], [1, 1]])
    assert (
        proved(
            lambda a: layers.softmax_cross_entropy(a, targets, mask),
            layers.softmax_cross_entropy_backward,
            numbers("a", 2, 2, 3),
        )
        == 12
    )


@pytest.mark.parametrize("mask", MASKS)
def test_squared_error(mask):
    target = numbers("t", 2, 2, 2)
    assert (
        proved(
            lambda y: layers.mean_squared_error(y, target, mask),
            layers.mean_squared_error_backward,
            numbers("y", 2, 2, 2),
        )
        == 8
    )


def test_dropout_with_the_factors_it_drew():
    """The factors are numbers; the proof is that the gradient meets the same ones."""
    keep = numbers("k", 2, 3)
    assert proved(lambda x: (x * keep, keep), layers.dropout_backward, numbers("x", 2, 3)) == 6


MASK = np.array([[True, False], [True, True]])


@pytest.mark.parametrize("mask", [None, MASK])
def test_dot_attention(mask):
    """Four features, so that the root by which the scores are divided is a whole number."""
    query, keys, values = numbers("q", 2, 1, 4), numbers("k", 2, 2, 4), numbers("v", 2, 2, 2)
    f = lambda q, k, v: attention.dot_attention(q, k, v, mask)  # noqa: E731
    assert proved(f, attention.dot_attention_backward, query, keys, values) == 8 + 16 + 8


@pytest.mark.parametrize("mask", [None, MASK])
def test_additive_attention(mask):
    query, keys, values = numbers("q", 2, 1, 1), numbers("k", 2, 2, 2), numbers("v", 2, 2, 1)
    params = attention.AdditiveParams(numbers("Wq", 2, 1), numbers("Wk", 2, 2), numbers("w", 2))
    f = lambda q, k, v, p: attention.additive_attention(q, k, v, p, mask)  # noqa: E731
    assert proved(f, attention.additive_attention_backward, query, keys, values, params) == 2 + 8 + 4 + 8


def test_a_source_that_serves_as_keys_and_values_gets_the_sum():
    def backward(dout, tape):
        dquery, dkeys, dvalues = attention.dot_attention_backward(dout, tape)
        return dquery, dkeys + dvalues

    query, source = numbers("q", 1, 2, 1), numbers("s", 1, 2, 1)
    assert proved(lambda q, s: attention.dot_attention(q, s, s), backward, query, source) == 4


WRONG = {
    "the mean's path is forgotten": (
        "layer_norm",
        lambda dout, tape: tape.scale * (dout * tape.params.gain - tape.x_hat * (dout * tape.params.gain).mean()),
    ),
    "softmax without its sum": ("softmax", lambda dy, y: y * dy),
    "the target's 1 is forgotten": ("cross_entropy", lambda dloss, tape: tape.y * dloss / 2),
}


@pytest.mark.parametrize("name", WRONG)
def test_a_wrong_backward_is_refused(name):
    """The opposite control."""
    which, wrong = WRONG[name]
    params = layers.LayerNormParams(numbers("gain", 3), numbers("bias", 3))
    forward = {
        "layer_norm": lambda x: layers.layer_norm(x, params),
        "softmax": lambda a: (activations.softmax(a),) * 2,
        "cross_entropy": lambda a: layers.softmax_cross_entropy(a, np.array([0, 2])),
    }
    with pytest.raises(ValueError, match="derivatives are wrong"):
        proved(forward[which], wrong, numbers("x", 2, 3))
