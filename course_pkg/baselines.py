"""What a network must beat: counting letters, and a straight line through the last values.

Sources: Witten and Bell 1991, in the form of Chen and Goodman 1999 (counting); Box and Jenkins 1970
(the line is an autoregression).
"""

import numpy as np

from course_pkg._validation import require_array, require_ids, require_number, require_rng
from course_pkg.activations import Array
from course_pkg.models import draw, until

LARGEST = 2 * 10**7  # numbers in a table of counts: 160 MB


def ngram(ids: np.ndarray, K: int, order: int = 3) -> Array:
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
        counts = np.bincount(_grams(ids, K, n), minlength=K**n).reshape(-1, K)
        seen, kinds = counts.sum(axis=1, keepdims=True), (counts > 0).sum(axis=1, keepdims=True)
        shorter = np.tile(p, (K, 1)) if n > 1 else p
        p = np.where(seen > 0, (counts + kinds * shorter) / np.maximum(seen + kinds, 1), shorter)
    return p.reshape((K,) * order)


def ngram_loss(p: Array, ids: np.ndarray) -> float:
    """Mean of -log p(symbol | those before it), in nats, over the symbols of `ids` (T,) that have a whole context."""
    require_ids("ids", ids, len(p))
    places = tuple(ids[k : len(ids) - p.ndim + 1 + k] for k in range(p.ndim))
    return float(-np.log(p[places]).mean())


def ngram_probabilities(ids: np.ndarray, K: int, order: int, new: np.ndarray) -> Array:
    """The probability that `ngram` counted in `ids` gives to each symbol of `new` (M,) with a whole context before it.

    Returns (M - order + 1,). There is no table, so `order` may be large, as long as K**order is below 2**63.
    """
    require_number("order", order, 1, integer=True)
    for name, a in (("ids", ids), ("new", new)):
        require_ids(name, a, K)
        if a.ndim != 1 or len(a) < order:
            raise ValueError(f"{name}: got shape {a.shape}, wanted (T,) with T at least {order}")
    if K**order >= 2**63:
        raise ValueError(f"order: got {order}, whose contexts have no number below 2**63 with {K} symbols")
    p = np.full(len(new), 1 / K)
    for n in range(1, order + 1):
        grams, counts = np.unique(_grams(ids, K, n), return_counts=True)
        contexts, first = np.unique(grams // K, return_index=True)
        asked = _grams(new, K, n)
        count = _look_up(grams, counts, asked)
        seen = _look_up(contexts, np.add.reduceat(counts, first), asked // K)
        kinds = _look_up(contexts, np.diff(first, append=len(grams)), asked // K)
        shorter = p[-len(asked) :]
        p = np.where(seen > 0, (count + kinds * shorter) / np.maximum(seen + kinds, 1), shorter)
    return p


def ngram_sample(
    prompt: np.ndarray,
    p: Array,
    steps: int,
    rng: np.random.Generator,
    *,
    temperature: float = 1.0,
    stop: int | None = None,
) -> list[np.ndarray]:
    """Continue each of B prompts (B, P) by drawing from the counts of `ngram`, as `models.sample` does from a network.

    P at least as long as a context. Returns a list of B integer arrays, each up to `stop` or of `steps` symbols.
    """
    require_rng(rng)
    require_ids("prompt", prompt, len(p))
    require_number("steps", steps, 1, integer=True)
    context = p.ndim - 1
    if prompt.ndim != 2 or prompt.shape[1] < max(context, 1):
        raise ValueError(f"prompt: got shape {prompt.shape}, wanted (B, P) with P at least {max(context, 1)}")
    texts = prompt
    for _ in range(steps):
        before = tuple(texts[:, texts.shape[1] - context + k] for k in range(context))
        scores = np.log(np.broadcast_to(p[before], (len(prompt), len(p))))
        texts = np.concatenate([texts, draw(scores, rng, temperature=temperature)[:, None]], axis=1)
    texts = texts[:, prompt.shape[1] :]
    return [text if stop is None else until(text, stop) for text in texts]


def _grams(ids, K, n):
    """Every n symbols in a row as one number."""
    return sum(ids[k : len(ids) - n + 1 + k].astype(np.int64) * K ** (n - 1 - k) for k in range(n))


def _look_up(keys, values, asked):
    """The value of each number in `asked` among the sorted keys, 0 where it is not there."""
    place = np.minimum(np.searchsorted(keys, asked), len(keys) - 1)
    return np.where(keys[place] == asked, values[place], 0)


def fit_line(x: Array, y: Array, window: int) -> Array:
    """The weights (window * D + 1, K) of the least-squares line from the last `window` values of x (N, T, D) to y."""
    require_array("x", x, ("N", "T", "D"))
    require_array("y", y, (*x.shape[:2], "K"), x.dtype)
    design = _windows(x, window)
    target = y[:, window - 1 :]
    return np.linalg.lstsq(design.reshape(-1, design.shape[2]), target.reshape(-1, y.shape[2]))[0]


def follow_line(x: Array, weights: Array) -> Array:
    """Forecasts (N, T - window + 1, K) by the weights of `fit_line`, the first for the step after x[:, window - 1]."""
    require_array("x", x, ("N", "T", "D"), weights.dtype)
    return _windows(x, (len(weights) - 1) // x.shape[2]) @ weights


def _windows(x, window):
    """The last `window` values at each step, and a 1: (N, T - window + 1, window * D + 1)."""
    N, T, _ = x.shape
    require_number("window", window, 1, T, integer=True)
    parts = [x[:, k : T - window + 1 + k] for k in range(window)]
    return np.concatenate([*parts, np.ones((N, T - window + 1, 1), x.dtype)], axis=2)
