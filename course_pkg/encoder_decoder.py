"""One sequence into another: an encoder reads the source, a decoder writes the target.

The decoder starts from the encoder's last state. With `attention` it also looks back: at each step its
output asks the encoder's outputs, and what comes back stands beside it in front of the readout. While
training, the decoder is given the right answer so far (teacher forcing); afterwards, its own.

Shapes: source x (B, S) integers with true `lengths`, target y (B, U) integers that end in a stop symbol;
scores (B, U, K) before the softmax. A start symbol is the decoder's first input.
Sources: Sutskever, Vinyals and Le 2014; Bahdanau, Cho and Bengio 2015; the order, cell first and
attention after it, is that of Luong, Pham and Manning 2015. Wrong shapes, dtypes and ids raise ValueError.
"""

from typing import Any, NamedTuple

import numpy as np
from numpy.typing import ArrayLike, DTypeLike

from course_pkg import attention, layers
from course_pkg._validation import require_float, require_ids, require_mask, require_number, require_rng
from course_pkg.activations import Array
from course_pkg.cells import Cell
from course_pkg.models import init_linear, unpacked, until
from course_pkg.stacks import LayerState, stack, stack_backward
from course_pkg.trees import tree_map
from course_pkg.weights import glorot, init_stack


class EncoderDecoder(NamedTuple):
    """The parameters of an encoder-decoder."""

    source: layers.EmbeddingParams  # (V, D)
    encoder: tuple  # of stacks.LayerParams
    target: layers.EmbeddingParams  # (K, D)
    decoder: tuple  # as deep and wide as the encoder, in one direction
    attention: Any  # attention.AdditiveParams, or None for the state alone
    readout: layers.LinearParams  # from H numbers, or from H and the context


class Memory(NamedTuple):
    """What the encoder hands over."""

    out: np.ndarray  # (B, S, E) its output at every source position
    state: tuple  # where the decoder starts
    mask: np.ndarray  # (B, S) False where the source is padding


class Tape(NamedTuple):
    """Kept by `translate`; `attention.weights` (B, U, S) is the map of where it looked."""

    source: Any
    encoder: Any
    target: Any
    decoder: Any
    attention: Any
    readout: Any


class Hypothesis(NamedTuple):
    """A target that `beam` found: its symbols, and the sum of their log-probabilities, the stop included."""

    symbols: tuple
    log_probability: float


def init(
    cell: str | Cell,
    V: int,
    K: int,
    D: int,
    H: int,
    rng: np.random.Generator,
    *,
    attend: bool = True,
    depth: int = 1,
    bidirectional: bool = False,
    dtype: DTypeLike = np.float32,
) -> EncoderDecoder:
    """Starting parameters: V source symbols, K target symbols, D numbers for each symbol, H units of `cell`.

    attend: with attention. bidirectional: the encoder reads in both directions; its forward state starts the decoder.
    """
    for name, value in (("V", V), ("K", K), ("D", D), ("H", H), ("depth", depth)):
        require_number(name, value, 1, integer=True)
    require_rng(rng)
    require_float("dtype", dtype)
    E = H * (1 + bidirectional)
    seek = attention.AdditiveParams(
        glorot((H, H), rng, dtype), glorot((H, E), rng, dtype), glorot((1, H), rng, dtype)[0]
    )
    return EncoderDecoder(
        source=layers.EmbeddingParams(rng.normal(size=(V, D)).astype(dtype)),
        encoder=init_stack(cell, D, H, rng, depth=depth, bidirectional=bidirectional, dtype=dtype),
        target=layers.EmbeddingParams(rng.normal(size=(K, D)).astype(dtype)),
        decoder=init_stack(cell, D, H, rng, depth=depth, dtype=dtype),
        attention=seek if attend else None,
        readout=init_linear(H + E if attend else H, K, rng, dtype),
    )


def encode(x: np.ndarray, params: EncoderDecoder, *, lengths: ArrayLike | None = None) -> tuple[Memory, tuple]:
    """Read the source x (B, S). Returns (Memory, tape)."""
    v, source_tape = layers.embedding(x, params.source)
    out, state, encoder_tape = stack(v, None, params.encoder, lengths=lengths)
    state = tuple(LayerState(forward=layer.forward) for layer in state)
    ends = x.shape[1] if lengths is None else np.asarray(lengths)[:, None]
    mask = np.broadcast_to(np.arange(x.shape[1]) < ends, x.shape).copy()
    return Memory(out, state, mask), (source_tape, encoder_tape)


def decode(
    given: np.ndarray, state: tuple | None, memory: Memory, params: EncoderDecoder
) -> tuple[Array, tuple, tuple]:
    """Scores after each of the symbols `given` (B, U), from `state`. Returns (scores (B, U, K), state_T, tape)."""
    v, target_tape = layers.embedding(given, params.target)
    out, state_T, decoder_tape = stack(v, state, params.decoder)
    attention_tape = None
    if params.attention is not None:
        context, attention_tape = attention.additive_attention(
            out, memory.out, memory.out, params.attention, memory.mask
        )
        out = np.concatenate([out, context], axis=2)
    scores, readout_tape = layers.linear(out, params.readout)
    return scores, state_T, (target_tape, decoder_tape, attention_tape, readout_tape)


def translate(
    x: np.ndarray, given: np.ndarray, params: EncoderDecoder, *, lengths: ArrayLike | None = None
) -> tuple[Array, Tape]:
    """Teacher forcing: the decoder is given the symbols `given` (B, U). Returns (scores (B, U, K), Tape)."""
    memory, encoder_tapes = encode(x, params, lengths=lengths)
    scores, _, decoder_tapes = decode(given, memory.state, memory, params)
    return scores, Tape(*encoder_tapes, *decoder_tapes)


def translate_backward(dscores: Array, tape: Tape) -> EncoderDecoder:
    """dscores (B, U, K), returns EncoderDecoder. The encoder learns through its state and through attention."""
    dout, dreadout = layers.linear_backward(dscores, tape.readout)
    dmemory = dattention = None
    if tape.attention is not None:
        H = tape.attention.query.shape[2]
        dquery, dkeys, dvalues, dattention = attention.additive_attention_backward(dout[:, :, H:], tape.attention)
        dout, dmemory = dout[:, :, :H] + dquery, dkeys + dvalues
    dv, dstate, ddecoder = stack_backward(dout, None, tape.decoder)
    dtarget = layers.embedding_backward(dv, tape.target)
    dv, _, dencoder = stack_backward(dmemory, dstate, tape.encoder)
    dsource = layers.embedding_backward(dv, tape.source)
    return EncoderDecoder(dsource, dencoder, dtarget, ddecoder, dattention, dreadout)


def loss(
    params: EncoderDecoder, batch: tuple, state: None, rng: np.random.Generator | None, *, start: int
) -> tuple[float, EncoderDecoder, None]:
    """For `train.fit`: cross-entropy of each target symbol, given those before it. A batch as in `models`."""
    x, y, mask, lengths = unpacked(batch)
    if mask is not None:
        require_mask("mask", mask, y.shape)
    require_ids("y", y, len(params.readout.b), mask=mask)
    given = np.concatenate([np.full((len(y), 1), start), y[:, :-1].astype(np.int64)], axis=1)
    if mask is not None:
        given[:, 1:][~mask[:, :-1]] = start  # padding may hold any number
    scores, tape = translate(x, given, params, lengths=lengths)
    value, error_tape = layers.softmax_cross_entropy(scores, y, mask)
    return value, translate_backward(layers.softmax_cross_entropy_backward(1.0, error_tape), tape), None


def greedy(
    x: np.ndarray, params: EncoderDecoder, *, start: int, stop: int, steps: int, lengths: ArrayLike | None = None
) -> tuple[list[np.ndarray], Array | None]:
    """Translate B sources, taking the likeliest symbol at each step. Returns (targets, weights).

    targets: a list of B integer arrays, each ending before `stop` or after `steps` symbols. weights
    (B, U, S): where the decoder looked as it wrote each of the U symbols of the longest; None without attention.
    """
    require_number("steps", steps, 1, integer=True)
    memory, _ = encode(x, params, lengths=lengths)
    state, symbols, weights = memory.state, [np.full(len(x), start)], []
    going = np.ones(len(x), bool)
    while going.any() and len(symbols) <= steps:
        scores, state, (_, _, attention_tape, _) = decode(symbols[-1][:, None], state, memory, params)
        symbols.append(scores[:, 0].argmax(axis=1))
        if attention_tape is not None:
            weights.append(attention_tape.weights)
        going &= symbols[-1] != stop
    texts = np.stack(symbols[1:], axis=1)
    return [until(text, stop) for text in texts], np.concatenate(weights, axis=1) if weights else None


def beam(
    x: np.ndarray,
    params: EncoderDecoder,
    width: int,
    *,
    start: int,
    stop: int,
    steps: int,
) -> list[Hypothesis]:
    """Translate one source x (S,), keeping the `width` likeliest beginnings at each step.

    Returns at most `width` Hypothesis, likeliest first, each ended by `stop` (left out of `symbols`) or
    after `steps` symbols. Width 1 is greedy; a width of K**steps looks at everything. Log-probabilities
    add up, so that of two equally sure targets the shorter wins; no correction for length is made.
    """
    require_number("width", width, 1, integer=True)
    require_number("steps", steps, 1, integer=True)
    memory, _ = encode(x[None], params)
    state, alive, done = memory.state, [Hypothesis((), 0.0)], []
    for _ in range(steps):
        last = np.array([[h.symbols[-1] if h.symbols else start] for h in alive])
        many = _rows(memory, np.zeros(len(last), int))
        scores, state, _ = decode(last, state, many, params)
        log_p = _log_softmax(scores[:, 0].astype(np.float64))  # (beginnings, K)
        total = np.array([h.log_probability for h in alive])[:, None] + log_p
        best = np.argsort(-total, axis=None, kind="stable")[:width]
        rows, symbols = np.unravel_index(best, total.shape)
        grown = [Hypothesis((*alive[r].symbols, int(k)), float(total[r, k])) for r, k in zip(rows, symbols)]
        done += [h for h in grown if h.symbols[-1] == stop]
        keep = [n for n, h in enumerate(grown) if h.symbols[-1] != stop]
        alive, state = [grown[n] for n in keep], _rows(state, rows[keep])
        done = sorted(done, key=lambda h: -h.log_probability)[:width]
        # Growing only lowers a sum: once the worst to be returned beats all beginnings, no more can enter.
        if not alive or (len(done) == width and done[-1].log_probability >= alive[0].log_probability):
            break
    found = sorted(done + alive, key=lambda h: -h.log_probability)[:width]
    return [h._replace(symbols=h.symbols[:-1] if h.symbols[-1] == stop else h.symbols) for h in found]


def _rows(tree, index):
    return tree_map(lambda a: a[index], tree)


def _log_softmax(scores):
    shifted = scores - scores.max(axis=1, keepdims=True)
    return shifted - np.log(np.exp(shifted).sum(axis=1, keepdims=True))
