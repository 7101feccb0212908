"""The layers and losses around a recurrent core; attention is in `attention`.

Each is a pair: f(...) -> (out, tape) and f_backward(dout, tape) -> gradients in the order of the
differentiable arguments, params last. Leading axes are free: (B, K) and (B, T, K) work alike.
Losses return one number, the mean, and their backward takes dloss, which is 1 at the top of a chain.
Wrong shapes, dtypes, ids or masks raise ValueError.

A tape keeps the arrays that it was given, not copies of them, and so do those of `attention`, `models` and a
stack's norms. Change x, ids, targets or a weight in place between the two passes, and the gradient is that of
the changed numbers. `fused` copies.

Sources: Srivastava et al. 2014 (dropout, here scaled while training, as PyTorch does); Ba, Kiros and
Hinton 2016 (layer norm); Goodfellow, Bengio and Courville 2016, chapter 6 (the losses).
"""

from typing import NamedTuple

import numpy as np

from course_pkg._validation import (
    require_array,
    require_ids,
    require_last_axis,
    require_mask,
    require_number,
    require_rng,
)
from course_pkg.activations import Array

EPS = 1e-5  # torch.nn.LayerNorm's default


class LinearParams(NamedTuple):
    """y = W x + b."""

    W: Array  # (K, D)
    b: Array  # (K,)


class EmbeddingParams(NamedTuple):
    """One row for each of V symbols."""

    table: Array  # (V, D)


class LayerNormParams(NamedTuple):
    """What stretches and shifts each normalised feature."""

    gain: Array  # (D,)
    bias: Array  # (D,)


class LinearTape(NamedTuple):
    """Kept by `linear`."""

    x: Array
    params: LinearParams


class EmbeddingTape(NamedTuple):
    """Kept by `embedding`."""

    ids: Array
    params: EmbeddingParams


class LayerNormTape(NamedTuple):
    """Kept by `layer_norm`."""

    x_hat: Array  # (..., D), mean 0 and variance 1 along D
    scale: Array  # (..., 1), 1 / standard deviation
    params: LayerNormParams


class CrossEntropyTape(NamedTuple):
    """Kept by `softmax_cross_entropy`."""

    y: Array  # (..., K), the probabilities
    targets: Array
    mask: Array | None


class SquaredErrorTape(NamedTuple):
    """Kept by `mean_squared_error`."""

    error: Array
    mask: Array | None


def linear(x: Array, params: LinearParams) -> tuple[Array, LinearTape]:
    """y = W x + b on the last axis. x (..., D), returns (y (..., K), LinearTape)."""
    require_array("params.W", params.W, ("K", "D"))
    K, D = params.W.shape
    require_array("params.b", params.b, (K,), params.W.dtype)
    require_last_axis("x", x, D, params.W.dtype)
    # One matrix product, however many axes x has.
    y = x.reshape(-1, D) @ params.W.T + params.b
    return y.reshape(*x.shape[:-1], K), LinearTape(x, params)


def linear_backward(dy: Array, tape: LinearTape) -> tuple[Array, LinearParams]:
    """dy (..., K), returns (dx (..., D), LinearParams)."""
    x, params = tape
    K, D = params.W.shape
    require_array("dy", dy, (*x.shape[:-1], K), x.dtype)
    dy = dy.reshape(-1, K)
    dparams = LinearParams(W=dy.T @ x.reshape(-1, D), b=dy.sum(axis=0))
    return (dy @ params.W).reshape(x.shape), dparams


def embedding(ids: np.ndarray, params: EmbeddingParams) -> tuple[Array, EmbeddingTape]:
    """Row `ids` of the table. ids (...) integers below V, returns (x (..., D), EmbeddingTape)."""
    require_array("params.table", params.table, ("V", "D"))
    require_ids("ids", ids, len(params.table))
    return params.table[ids], EmbeddingTape(ids, params)


def embedding_backward(dx: Array, tape: EmbeddingTape) -> EmbeddingParams:
    """dx (..., D), returns EmbeddingParams alone, because ids have no gradient.

    A symbol that occurs twice gets the sum of both gradients; np.add.at adds where `+=` would keep the last.
    """
    ids, params = tape
    require_array("dx", dx, (*ids.shape, params.table.shape[1]), params.table.dtype)
    dtable = np.zeros_like(params.table)
    np.add.at(dtable, ids, dx)
    return EmbeddingParams(dtable)


def dropout(x: Array, rate: float, rng: np.random.Generator | None) -> tuple[Array, Array]:
    """Set each number to 0 with probability `rate` and divide the rest by 1 - rate. Returns (out, tape).

    x of any shape. rng=None means evaluation: nothing is dropped. The mean of the output is x either way.
    """
    require_array("x", x, ("...",) * np.ndim(x))
    require_number("rate", rate, 0.0, 1.0, open_high=True)
    if rng is None or rate == 0:
        return x.copy(), np.ones((), x.dtype)
    require_rng(rng)
    keep = (rng.random(x.shape, dtype=x.dtype.type) >= rate).astype(x.dtype)
    keep /= x.dtype.type(1 - rate)
    return x * keep, keep


def dropout_backward(dout: Array, tape: Array) -> Array:
    """The gradient passes where the input did: dout times the same factors. Returns dx."""
    require_array("dout", dout, tape.shape or ("...",) * np.ndim(dout), tape.dtype)
    return dout * tape


def layer_norm(x: Array, params: LayerNormParams) -> tuple[Array, LayerNormTape]:
    """x_hat = (x - mean) / sqrt(variance + 1e-5) along the last axis, then gain * x_hat + bias.

    x (..., D), returns (out (..., D), LayerNormTape). The variance divides by D, as in PyTorch.
    """
    require_array("params.gain", params.gain, ("D",))
    dtype, D = params.gain.dtype, len(params.gain)
    require_array("params.bias", params.bias, (D,), dtype)
    require_last_axis("x", x, D, dtype)
    centred = x - x.mean(axis=-1, keepdims=True)
    scale = 1 / np.sqrt(np.square(centred).mean(axis=-1, keepdims=True) + dtype.type(EPS))
    x_hat = centred * scale
    return x_hat * params.gain + params.bias, LayerNormTape(x_hat, scale, params)


def layer_norm_backward(dout: Array, tape: LayerNormTape) -> tuple[Array, LayerNormParams]:
    """dout (..., D), returns (dx, LayerNormParams).

    x moves its own x_hat and, through the mean and the variance, all of its row's: the two means
    subtracted below are those two paths.
    """
    x_hat, scale, params = tape
    require_array("dout", dout, x_hat.shape, x_hat.dtype)
    rows = tuple(range(dout.ndim - 1))
    dparams = LayerNormParams(gain=(dout * x_hat).sum(axis=rows), bias=dout.sum(axis=rows))
    dx_hat = dout * params.gain
    through_mean = dx_hat.mean(axis=-1, keepdims=True)
    through_variance = x_hat * (dx_hat * x_hat).mean(axis=-1, keepdims=True)
    return scale * (dx_hat - through_mean - through_variance), dparams


def softmax_cross_entropy(
    logits: Array, targets: np.ndarray, mask: np.ndarray | None = None
) -> tuple[float, CrossEntropyTape]:
    """Mean of -log softmax(logits)[target], in nats. Returns (loss, CrossEntropyTape).

    logits (..., K), targets (...) integers below K. With mask (...), booleans, only the True places
    count, and the targets elsewhere may be anything.
    """
    require_array("logits", logits, ("...",) * (max(np.ndim(logits), 2) - 1) + ("K",))
    if mask is not None:
        require_mask("mask", mask, logits.shape[:-1])
    require_ids("targets", targets, logits.shape[-1], logits.shape[:-1], mask)
    if mask is not None:
        targets = np.where(mask, targets, 0)
    shifted = logits - logits.max(axis=-1, keepdims=True)
    e = np.exp(shifted)
    total = e.sum(axis=-1, keepdims=True)
    nll = np.log(total[..., 0]) - np.take_along_axis(shifted, targets[..., None], axis=-1)[..., 0]
    loss = nll.mean() if mask is None else nll[mask].mean()
    return loss, CrossEntropyTape(e / total, targets, mask)


def softmax_cross_entropy_backward(dloss: float, tape: CrossEntropyTape) -> Array:
    """dlogits (..., K): (probability - 1 at the target, probability elsewhere) / number of places counted."""
    y, targets, mask = tape
    dlogits = y.copy()
    at_target = np.take_along_axis(dlogits, targets[..., None], axis=-1)
    np.put_along_axis(dlogits, targets[..., None], at_target - 1, axis=-1)
    if mask is None:
        return dlogits * y.dtype.type(dloss / targets.size)
    return np.where(mask[..., None], dlogits * y.dtype.type(dloss / mask.sum()), 0)


def mean_squared_error(y: Array, target: Array, mask: np.ndarray | None = None) -> tuple[float, SquaredErrorTape]:
    """Mean of (y - target)^2 over all numbers. Returns (loss, SquaredErrorTape).

    y and target of one shape and dtype. With mask, booleans over the leading axes of y ((B, T) for y
    (B, T, K)), only the numbers at True places count.
    """
    require_array("y", y, ("...",) * max(np.ndim(y), 1))
    require_array("target", target, y.shape, y.dtype)
    if mask is not None:
        require_mask("mask", mask, y.shape[: np.ndim(mask)])
    error = y - target
    counted = error if mask is None else error[mask]
    return np.square(counted).mean(), SquaredErrorTape(error, mask)


def mean_squared_error_backward(dloss: float, tape: SquaredErrorTape) -> Array:
    """dy = 2 (y - target) / number of numbers counted, zero where the mask is False."""
    error, mask = tape
    if mask is None:
        return error * error.dtype.type(2 * dloss / error.size)
    mask = mask.reshape(mask.shape + (1,) * (error.ndim - mask.ndim))
    factor = 2 * dloss / np.broadcast_to(mask, error.shape).sum()
    return np.where(mask, error * error.dtype.type(factor), 0)
