"""Attention: each query mixes the values, by how well it fits their keys.

Shapes: query (B, T, H) from the decoder, keys (B, S, E) and values (B, S, V) from the encoder, with
S source positions. The context is (B, T, V). mask (B, S), booleans, is False where the source is
padding: such places get weight 0. `tape.weights` (B, T, S) is the map to draw; each row sums to 1.
A source that serves as both keys and values gets the sum of their two gradients.
Wrong shapes, dtypes or masks raise ValueError. As in `layers`, a tape keeps the arrays that it was given.

Sources: Bahdanau, Cho and Bengio 2015 (additive); Luong, Pham and Manning 2015 (dot product);
Vaswani et al. 2017 (the division by sqrt(H), which keeps the scores' spread the same for any H).
"""

import math
from typing import NamedTuple

import numpy as np

from course_pkg._validation import require_array, require_mask
from course_pkg.activations import Array, softmax, softmax_backward, tanh, tanh_derivative


class AdditiveParams(NamedTuple):
    """score = v . tanh(W_q query + W_k key), with A units in between."""

    W_q: Array  # (A, H)
    W_k: Array  # (A, E)
    v: Array  # (A,)


class AttentionTape(NamedTuple):
    """Kept by both kinds; `hidden` and `params` by the additive kind alone."""

    weights: Array  # (B, T, S)
    query: Array
    keys: Array
    values: Array
    hidden: Array | None = None  # (B, T, S, A)
    params: AdditiveParams | None = None


def _check(query, keys, values, mask, key_size):
    require_array("query", query, ("B", "T", "H"))
    B, _, H = query.shape
    require_array("keys", keys, (B, "S", key_size or H), query.dtype)
    require_array("values", values, (B, keys.shape[1], "V"), query.dtype)
    if mask is None:
        return
    require_mask("mask", mask, keys.shape[:2])
    if not mask.any(axis=1).all():
        raise ValueError("mask: got a row without any True, wanted at least one source position for each sequence")


def _weights(score, mask):
    return softmax(score if mask is None else np.where(mask[:, None], score, -np.inf))


def dot_attention(
    query: Array, keys: Array, values: Array, mask: np.ndarray | None = None
) -> tuple[Array, AttentionTape]:
    """score = query . key / sqrt(H); keys are as wide as queries. Returns (context (B, T, V), AttentionTape)."""
    _check(query, keys, values, mask, None)
    score = query @ keys.transpose(0, 2, 1) / math.sqrt(query.shape[2])  # (B, T, S)
    weights = _weights(score, mask)
    return weights @ values, AttentionTape(weights, query, keys, values)


def dot_attention_backward(dcontext: Array, tape: AttentionTape) -> tuple[Array, Array, Array]:
    """dcontext (B, T, V), returns (dquery, dkeys, dvalues)."""
    weights, query, keys, values, _, _ = tape
    dscore, dvalues = _scores_backward(dcontext, weights, values)
    dscore = dscore / math.sqrt(query.shape[2])
    return dscore @ keys, dscore.transpose(0, 2, 1) @ query, dvalues


def additive_attention(
    query: Array, keys: Array, values: Array, params: AdditiveParams, mask: np.ndarray | None = None
) -> tuple[Array, AttentionTape]:
    """score = v . tanh(W_q query + W_k key). Returns (context (B, T, V), AttentionTape)."""
    require_array("params.W_k", params.W_k, ("A", "E"))
    A, E = params.W_k.shape
    _check(query, keys, values, mask, E)
    require_array("params.W_k", params.W_k, (A, E), query.dtype)
    require_array("params.W_q", params.W_q, (A, query.shape[2]), query.dtype)
    require_array("params.v", params.v, (A,), query.dtype)
    hidden = tanh((query @ params.W_q.T)[:, :, None] + (keys @ params.W_k.T)[:, None])  # (B, T, S, A)
    weights = _weights(hidden @ params.v, mask)
    return weights @ values, AttentionTape(weights, query, keys, values, hidden, params)


def additive_attention_backward(
    dcontext: Array,
    tape: AttentionTape,
) -> tuple[Array, Array, Array, AdditiveParams]:
    """dcontext (B, T, V), returns (dquery, dkeys, dvalues, AdditiveParams)."""
    weights, query, keys, values, hidden, params = tape
    dscore, dvalues = _scores_backward(dcontext, weights, values)
    dv = np.tensordot(dscore, hidden, axes=3)  # (A,)
    da = dscore[..., None] * params.v * tanh_derivative(hidden)  # (B, T, S, A)
    da_query, da_keys = da.sum(axis=2), da.sum(axis=1)  # a query meets every key, a key every query
    dparams = AdditiveParams(
        W_q=np.tensordot(da_query, query, axes=((0, 1), (0, 1))),
        W_k=np.tensordot(da_keys, keys, axes=((0, 1), (0, 1))),
        v=dv,
    )
    return da_query @ params.W_q, da_keys @ params.W_k, dvalues, dparams


def _scores_backward(dcontext, weights, values):
    """Back through context = weights @ values and the softmax: (dscore (B, T, S), dvalues)."""
    require_array("dcontext", dcontext, (*weights.shape[:2], values.shape[2]), values.dtype)
    dweights = dcontext @ values.transpose(0, 2, 1)
    return softmax_backward(dweights, weights), weights.transpose(0, 2, 1) @ dcontext
