"""What a network must beat: counting letters, and a straight line through the last values.

Sources: Witten and Bell 1991, in the form of Chen and Goodman 1999 (counting); Box and Jenkins 1970
(the line is an autoregression).
"""

import numpy as np

from course_pkg.validation import require_array, require_ids, require_number

LARGEST = 2 * 10**7  # numbers in a table of counts: 160 MB


def ngram(ids, K, order=3):
    """Probabilities of the next symbol after the order - 1 before it, by counting in `ids` (T,) below K.

    Returns (K, ..., K), `order` axes, the last of which sums to 1. After a context h that was seen
    n(h) times with k(h) different symbols behind it, the counts get the weight n / (n + k), and the
    probabilities after the context one symbol shorter the rest. The shortest is even, 1 / K.
    """
    require_number("order", order, 1, integer=True)
    require_ids("ids", ids, K)
    if ids.ndim != 1 or len(ids) < order:
        raise ValueError(f"ids: got shape {ids.shape}, wanted (T,) with T at least {order}")
    if K**order > LARGEST:
        raise ValueError(f"order: got {order}, whose table has {K**order} numbers, wanted at most {LARGEST}")
    p = np.full((1, K), 1 / K)  # a row for each context
    for n in range(1, order + 1):
        gram = sum(ids[k : len(ids) - n + 1 + k] * K ** (n - 1 - k) for k in range(n))
        counts = np.bincount(gram, minlength=K**n).reshape(-1, K)
        seen, kinds = counts.sum(axis=1, keepdims=True), (counts > 0).sum(axis=1, keepdims=True)
        shorter = np.tile(p, (K, 1)) if n > 1 else p
        p = np.where(seen > 0, (counts + kinds * shorter) / np.maximum(seen + kinds, 1), shorter)
    return p.reshape((K,) * order)


def ngram_loss(p, ids):
    """Mean of -log p(symbol | those before it), in nats, over the symbols of `ids` (T,) that have a whole context."""
    require_ids("ids", ids, len(p))
    places = tuple(ids[k : len(ids) - p.ndim + 1 + k] for k in range(p.ndim))
    return float(-np.log(p[places]).mean())


def fit_line(x, y, window):
    """The weights (window * D + 1, K) of the least-squares line from the last `window` values of x (N, T, D) to y."""
    require_array("x", x, ("N", "T", "D"))
    require_array("y", y, (*x.shape[:2], "K"), x.dtype)
    design = _windows(x, window)
    target = y[:, window - 1 :]
    return np.linalg.lstsq(design.reshape(-1, design.shape[2]), target.reshape(-1, y.shape[2]))[0]


def follow_line(x, weights):
    """Forecasts (N, T - window + 1, K) by the weights of `fit_line`, the first for the step after x[:, window - 1]."""
    require_array("x", x, ("N", "T", "D"), weights.dtype)
    return _windows(x, (len(weights) - 1) // x.shape[2]) @ weights


def _windows(x, window):
    """The last `window` values at each step, and a 1: (N, T - window + 1, window * D + 1)."""
    N, T, _ = x.shape
    require_number("window", window, 1, T, integer=True)
    parts = [x[:, k : T - window + 1 + k] for k in range(window)]
    return np.concatenate([*parts, np.ones((N, T - window + 1, 1), x.dtype)], axis=2)
