"""The mLSTM of xLSTM (Beck et al. 2024): a matrix memory with an exponential input gate and a normaliser.

    S_t = f_t S_{t-1} + i_t v_t k_t^T      what is kept
    n_t = f_t n_{t-1} + i_t k_t            how much was written, and where
    h_t = S_t q_t / max(|n_t . q_t|, 1)    with f_t = sigmoid(a_f), i_t = exp(a_i), keys divided by sqrt(K)

exp(a_i) overflows, so S and n are kept divided by exp(m_t), where m_t is the largest exponent so far, itself forgotten
at the rate of f. The division leaves h as it is: numerator and denominator have the same factor, and the floor 1
becomes exp(-m_t). The normaliser is one more row of the matrix, written with the value 1.

Shapes: q, k (B, T, K), v, h (B, T, V), a_i, a_f (B, T).
"""

from typing import NamedTuple

import numpy as np

from course_pkg._validation import require_array
from course_pkg.activations import Array, sigmoid
from course_pkg.memory import MemoryTape, memory, memory_backward


class MLSTMTape(NamedTuple):
    """Kept by `mlstm`."""

    memory: MemoryTape
    y: Array  # (B, T, V + 1), what the memory says: the numerator, and last the denominator
    floor: Array  # (B, T), exp(-m)
    a_f: Array  # (B, T)
    m: Array  # (B, T), the stabiliser


class MLSTMGradients(NamedTuple):
    """The gradient of each argument of `mlstm`, in its shape."""

    q: Array
    k: Array
    v: Array
    a_i: Array
    a_f: Array


def mlstm(q: Array, k: Array, v: Array, a_i: Array, a_f: Array) -> tuple[Array, MLSTMTape]:
    """Run an mLSTM's memory from an empty start: returns (h (B, T, V), MLSTMTape).

    Raises ValueError for wrong shapes or dtypes.
    """
    require_array("q", q, ("B", "T", "K"))
    require_array("k", k, q.shape, q.dtype)
    require_array("v", v, (*q.shape[:2], "V"), q.dtype)
    require_array("a_i", a_i, q.shape[:2], q.dtype)
    require_array("a_f", a_f, q.shape[:2], q.dtype)
    log_f = -np.logaddexp(np.zeros((), q.dtype), -a_f)  # log of the sigmoid
    m, before = stabiliser(a_i, log_f)
    ones = np.ones((*v.shape[:2], 1), v.dtype)
    keep, write = np.exp(log_f + before - m), np.exp(a_i - m)
    scaled = k / np.sqrt(k.shape[2], dtype=k.dtype)
    y, _, kept = memory(q, scaled, np.concatenate([v, ones], axis=2), keep=keep[..., None], write=write)
    with np.errstate(over="ignore"):  # where every exponent is far below 0 the floor is infinite, and h is 0
        floor = np.exp(-m)
    return y[..., :-1] / _denominator(y, floor)[..., None], MLSTMTape(kept, y, floor, a_f.copy(), m)


def stabiliser(a_i: Array, log_f: Array) -> tuple[Array, Array]:
    """m_t = max(log f_t + m_{t-1}, a_i,t), from minus infinity, and m_{t-1} beside it: two arrays (B, T)."""
    before = np.empty_like(a_i)
    m = np.empty_like(a_i)
    now = np.full_like(a_i[:, 0], -np.inf)
    for t in range(a_i.shape[1]):
        before[:, t] = now
        now = m[:, t] = np.maximum(log_f[:, t] + now, a_i[:, t])
    return m, before


def mlstm_backward(dh: Array, tape: MLSTMTape) -> MLSTMGradients:
    """Gradients of `mlstm`: dh (B, T, V), returns MLSTMGradients.

    The stabiliser needs no gradient: h does not depend on it, so what it would pass on adds up to zero.
    """
    kept, y, floor, a_f, _ = tape
    require_array("dh", dh, y[..., :-1].shape, y.dtype)
    denominator = _denominator(y, floor)
    dy = np.empty_like(y)
    dy[..., :-1] = dh / denominator[..., None]
    ddenominator = -(dh * y[..., :-1]).sum(axis=2) / denominator**2
    dy[..., -1] = np.where(np.abs(y[..., -1]) > floor, ddenominator * np.sign(y[..., -1]), 0.0)
    d = memory_backward(dy, None, kept)
    da_f = d.keep[..., 0] * kept.keep[..., 0] * sigmoid(-a_f)  # the derivative of log sigmoid(a) is sigmoid(-a)
    dk = d.k / np.sqrt(y.dtype.type(kept.k.shape[2]))
    return MLSTMGradients(d.q, dk, d.v[..., :-1].copy(), d.write * kept.write, da_f)


def _denominator(y, floor):
    return np.maximum(np.abs(y[..., -1]), floor)
