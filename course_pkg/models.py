"""The networks that the chapters train: an embedding if symbols come in, a stack of cells, a readout.

    many_to_many(x, params, state=None, ...) -> (y (B, T, K), state_T, tape)   an answer at every step
    many_to_one(x, params, state=None, ...)  -> (y (B, K), state_T, tape)      one answer at the end

with x (B, T) integers, or (B, T, D) numbers when `params.embedding` is None. y are scores of K classes
before the softmax, or K numbers. The backwards return (dv, dstate_0, dparams), where dv (B, T, D) is the
gradient at what enters the stack: at the embedded symbols, or at x.

`classifier_loss`, `tagger_loss`, `regressor_loss` and `forecaster_loss` are what `train.fit` wants; a
batch is (x, y), (x, y, mask) or (x, y, mask, lengths), as `Data.arrays` of a task; a loss with one answer for
each sequence refuses a mask. Where the mask counts nothing, as in a piece of time that `train.fit` cut out, loss
and gradient are 0. A language model is a tagger whose y is the next symbol: see `sample`. The encoder-decoder is
in `encoder_decoder`.
Wrong shapes, dtypes and ids raise ValueError.
"""

from typing import Any, NamedTuple

import numpy as np
from numpy.typing import ArrayLike, DTypeLike

from course_pkg import layers
from course_pkg._validation import require_array, require_float, require_ids, require_number, require_rng
from course_pkg.activations import Array
from course_pkg.cells import Cell
from course_pkg.stacks import stack, stack_backward
from course_pkg.trees import tree_map
from course_pkg.weights import glorot, init_stack


class Network(NamedTuple):
    """The parameters of a network."""

    embedding: Any  # EmbeddingParams (V, D), or None when x holds numbers
    stack: tuple  # of stacks.LayerParams
    readout: layers.LinearParams  # (K, H), or (K, 2H) with two directions


class ManyToManyTape(NamedTuple):
    """Kept by `many_to_many`."""

    embedding: Any
    stack: Any
    readout: layers.LinearTape


class ManyToOneTape(NamedTuple):
    """Kept by `many_to_one`."""

    embedding: Any
    stack: Any
    readout: layers.LinearTape
    last: np.ndarray  # (B,) the last true step of each sequence
    out_shape: tuple
    split: int  # features that the forward direction made


def init(
    cell: str | Cell,
    inputs: int,
    H: int,
    K: int,
    rng: np.random.Generator,
    *,
    embedding: int | None = None,
    depth: int = 1,
    bidirectional: bool = False,
    norm: bool = False,
    dtype: DTypeLike = np.float32,
    **start: Any,
) -> Network:
    """Starting parameters of a `Network` of `depth` layers of H units of `cell`.

    cell: a `Cell` or the name of one. inputs: how many symbols there are, with `embedding` numbers for each,
    drawn from a normal with deviation 1; or, when embedding is None, how many numbers x has at each step.
    norm: layer norm in front of every layer. start: see `weights.init` (recurrent=, forget_bias=).
    """
    for name, value in (("inputs", inputs), ("H", H), ("K", K), ("depth", depth)):
        require_number(name, value, 1, integer=True)
    require_rng(rng)
    require_float("dtype", dtype)
    table = None
    if embedding is not None:
        require_number("embedding", embedding, 1, integer=True)
        table = layers.EmbeddingParams(rng.normal(size=(inputs, embedding)).astype(dtype))
    core = init_stack(
        cell, embedding or inputs, H, rng, depth=depth, bidirectional=bidirectional, norm=norm, dtype=dtype, **start
    )
    return Network(table, core, init_linear(H * (1 + bidirectional), K, rng, dtype))


def init_linear(D: int, K: int, rng: np.random.Generator, dtype: DTypeLike) -> layers.LinearParams:
    """Starting parameters of a readout: Glorot weights, zero bias."""
    return layers.LinearParams(glorot((K, D), rng, dtype), np.zeros(K, dtype))


def many_to_many(
    x: np.ndarray, params: Network, state: tuple | None = None, **how: Any
) -> tuple[Array, tuple, ManyToManyTape]:
    """An answer at every step. how: cell, lengths, dropout, rng, residual and a cell's options, as in `stack`."""
    v, embedding_tape = _enter(x, params)
    out, state_T, stack_tape = stack(v, state, params.stack, **how)
    y, readout_tape = layers.linear(out, params.readout)
    return y, state_T, ManyToManyTape(embedding_tape, stack_tape, readout_tape)


def many_to_many_backward(dy: Array, dstate: tuple | None, tape: ManyToManyTape) -> tuple[Array | None, tuple, Network]:
    """dy (B, T, K), dstate like the state or None. Returns (dv, dstate_0, Network)."""
    dout, dreadout = layers.linear_backward(dy, tape.readout)
    return _leave(dout, dstate, tape, dreadout)


def many_to_one(
    x: np.ndarray, params: Network, state: tuple | None = None, *, lengths: ArrayLike | None = None, **how: Any
) -> tuple[Array, tuple, ManyToOneTape]:
    """One answer, read where each direction has seen the whole sequence: at its last true step, and at step 0."""
    v, embedding_tape = _enter(x, params)
    out, state_T, stack_tape = stack(v, state, params.stack, lengths=lengths, **how)
    B, T, _ = out.shape
    last = np.full(B, T - 1) if lengths is None else np.asarray(lengths) - 1
    split = params.stack[-1].forward.W_hh.shape[1]
    end = np.concatenate([out[np.arange(B), last, :split], out[:, 0, split:]], axis=1)
    y, readout_tape = layers.linear(end, params.readout)
    return y, state_T, ManyToOneTape(embedding_tape, stack_tape, readout_tape, last, out.shape, split)


def many_to_one_backward(
    dy: Array,
    dstate: tuple | None,
    tape: ManyToOneTape,
) -> tuple[Array | None, tuple, Network]:
    """dy (B, K), dstate like the state or None. Returns (dv, dstate_0, Network)."""
    dend, dreadout = layers.linear_backward(dy, tape.readout)
    dout = np.zeros(tape.out_shape, dend.dtype)
    dout[np.arange(len(dend)), tape.last, : tape.split] = dend[:, : tape.split]
    dout[:, 0, tape.split :] = dend[:, tape.split :]
    return _leave(dout, dstate, tape, dreadout)


def _enter(x, params):
    if params.embedding is None:
        require_array("x", x, ("B", "T", "D"), params.readout.W.dtype)
        return x, None
    require_ids("x", x, len(params.embedding.table))
    if x.ndim != 2:
        raise ValueError(f"x: got shape {x.shape}, wanted (B, T) integers")
    return layers.embedding(x, params.embedding)


def _leave(dout, dstate, tape, dreadout):
    dv, dstate_0, dstack = stack_backward(dout, dstate, tape.stack)
    dembedding = None if tape.embedding is None else layers.embedding_backward(dv, tape.embedding)
    return dv, dstate_0, Network(dembedding, dstack, dreadout)


def _loss(forward, backward, error, error_backward, params, batch, state, how, masked):
    x, y, mask, lengths = unpacked(batch)
    if mask is not None and not masked:
        raise ValueError(
            "batch: got a mask in its third place, wanted None there, because every sequence has one answer; "
            "lengths stand in the fourth place"
        )
    out, state_T, tape = forward(x, params, state, lengths=lengths, **how)
    if masked and mask is not None and counts_nothing(mask, y):
        return out.dtype.type(0), tree_map(np.zeros_like, params), state_T
    value, error_tape = error(out, y, mask) if masked else error(out, y)
    _, _, dparams = backward(error_backward(1.0, error_tape), None, tape)
    return value, dparams, state_T


def unpacked(batch: tuple) -> tuple:
    """(x, y, mask, lengths) of a batch, with None for what is not there."""
    if not isinstance(batch, (tuple, list)) or not 2 <= len(batch) <= 4:
        got = f"{len(batch)} parts" if isinstance(batch, (tuple, list)) else type(batch).__name__
        raise ValueError(f"batch: got {got}, wanted (x, y), (x, y, mask) or (x, y, mask, lengths)")
    return (*batch, None, None)[:4]


def counts_nothing(mask: np.ndarray | None, y: np.ndarray) -> bool:
    """Whether `mask`, booleans over the leading axes of y, has no True."""
    if not isinstance(mask, np.ndarray) or mask.dtype != np.bool_ or mask.shape != y.shape[: mask.ndim]:
        return False  # what is wrong with it, the loss will say
    return not mask.any()


CROSS_ENTROPY = layers.softmax_cross_entropy, layers.softmax_cross_entropy_backward
SQUARED_ERROR = layers.mean_squared_error, layers.mean_squared_error_backward
ALL, END = (many_to_many, many_to_many_backward), (many_to_one, many_to_one_backward)


def classifier_loss(
    params: Network, batch: tuple, state: tuple | None, rng: np.random.Generator | None, **how: Any
) -> tuple[float, Network, tuple | None]:
    """Cross-entropy of one class for each sequence: y (B,) integers."""
    return _loss(*END, *CROSS_ENTROPY, params, batch, state, how | {"rng": rng}, masked=False)


def tagger_loss(
    params: Network, batch: tuple, state: tuple | None, rng: np.random.Generator | None, **how: Any
) -> tuple[float, Network, tuple | None]:
    """Cross-entropy of a class at every step that the mask counts: y (B, T) integers."""
    return _loss(*ALL, *CROSS_ENTROPY, params, batch, state, how | {"rng": rng}, masked=True)


def regressor_loss(
    params: Network, batch: tuple, state: tuple | None, rng: np.random.Generator | None, **how: Any
) -> tuple[float, Network, tuple | None]:
    """Squared error of K numbers for each sequence: y (B, K)."""
    return _loss(*END, *SQUARED_ERROR, params, batch, state, how | {"rng": rng}, masked=False)


def forecaster_loss(
    params: Network, batch: tuple, state: tuple | None, rng: np.random.Generator | None, **how: Any
) -> tuple[float, Network, tuple | None]:
    """Squared error of K numbers at every step that the mask counts: y (B, T, K)."""
    return _loss(*ALL, *SQUARED_ERROR, params, batch, state, how | {"rng": rng}, masked=True)


def accuracy(scores: Array, y: np.ndarray, mask: np.ndarray | None = None) -> float:
    """Share of the places counted where the highest score is that of y. scores (..., K), y and mask (...)."""
    require_ids("y", y, scores.shape[-1], scores.shape[:-1], mask)
    right = scores.argmax(axis=-1) == y
    return float(right.mean() if mask is None else right[mask].mean())


def forecast(x: Array, params: Network, steps: int, **how: Any) -> Array:
    """Read x (B, T, D), then go on alone: each output is the next input. Returns (B, steps, D)."""
    require_number("steps", steps, 1, integer=True)
    _require_one_direction(params)
    y, state, _ = many_to_many(x, params, **how)
    if y.shape != x.shape:
        raise ValueError(f"params.readout: got {y.shape[2]} outputs, wanted {x.shape[-1]} as x has")
    found = [y[:, -1:]]
    for _ in range(steps - 1):
        y, state, _ = many_to_many(found[-1], params, state, **how)
        found.append(y)
    return np.concatenate(found, axis=1)


def sample(
    prompt: np.ndarray,
    params: Network,
    steps: int,
    rng: np.random.Generator,
    *,
    temperature: float = 1.0,
    top_k: int | None = None,
    stop: int | None = None,
    **how: Any,
) -> list[np.ndarray]:
    """Continue each of B prompts by drawing symbol after symbol. Returns a list of B integer arrays.

    prompt (B, P) integers. A text ends before the symbol `stop`, or after `steps` symbols. temperature
    and top_k: see `draw`.
    """
    require_rng(rng)
    require_number("steps", steps, 1, integer=True)
    _require_one_direction(params)
    y, state, _ = many_to_many(prompt, params, **how)
    drawn, going = [], np.ones(len(prompt), bool)
    for _ in range(steps):
        drawn.append(draw(y[:, -1], rng, temperature=temperature, top_k=top_k))
        going &= drawn[-1] != (-1 if stop is None else stop)
        if not going.any():
            break
        y, state, _ = many_to_many(drawn[-1][:, None], params, state, **how)
    texts = np.stack(drawn, axis=1)
    return [text if stop is None else until(text, stop) for text in texts]


def until(text: np.ndarray, stop: int | None) -> np.ndarray:
    """The part of `text` (T,) before the first `stop`; all of it where there is none."""
    ends = np.flatnonzero(text == stop)
    return text[: ends[0]] if len(ends) else text


def draw(scores: Array, rng: np.random.Generator, *, temperature: float = 1.0, top_k: int | None = None) -> np.ndarray:
    """Draw one class for each row of scores (B, K), with probability softmax(scores / temperature). Returns (B,).

    Below 1 the temperature makes the likely likelier; at 0 the most likely is taken. With top_k, only
    the so many best scores of a row take part (and any that equal the last of them). Raises ValueError for
    scores without a softmax: NaN, infinity, or a row of nothing but minus infinity.
    """
    require_array("scores", scores, ("B", "K"))
    require_number("temperature", temperature, 0)
    highest = scores.max(axis=1, keepdims=True)  # NaN where a row holds one
    if not np.isfinite(highest).all():
        raise ValueError(f"scores: got a row whose highest is {highest[~np.isfinite(highest)][0]}, wanted a finite one")
    if top_k is not None:
        require_number("top_k", top_k, 1, scores.shape[1], integer=True)
        least = np.sort(scores, axis=1)[:, -top_k, None]
        scores = np.where(scores >= least, scores, -np.inf)
    if temperature == 0:
        return scores.argmax(axis=1)
    # The highest of the scores plus Gumbel noise is a draw from their softmax (Gumbel 1954).
    # At a tiny temperature the quotient of all but the highest is minus infinity, as it should be.
    with np.errstate(over="ignore"):
        scaled = (scores - highest).astype(np.float64) / float(temperature)
    return (scaled + rng.gumbel(size=scores.shape)).argmax(axis=1)


def _require_one_direction(params):
    if any(layer.reverse is not None for layer in params.stack):
        raise ValueError("params.stack: got two directions, wanted one: the future is not there to be read")
