"""Deep and bidirectional networks of any cell, over batches of sequences of different lengths.

A stack is a tuple of `LayerParams`, one per layer; a layer with `reverse` parameters also reads each
sequence from its true end to its start, and the two readings stand side by side in its output. States
are a tuple of `LayerState` of the same form. `weights.init_stack` makes the starting values.

A layer's cell is found by the type of its parameters. A cell of one's own is given as `cell=`; it runs
every layer with parameters of its type. So two cells with equal parameters, such as one's own LSTM and
the package's, can be compared.

    stack(x, state, params, *, cell=None, lengths=None, dropout=0.0, rng=None, residual=False, **options)
        -> (out, state_T, tape)
    stack_backward(dout, dstate, tape) -> (dx, dstate_0, dparams)

    x (B, T, D), out (B, T, H) or (B, T, 2H) with two directions; state=None, dout=None and
    dstate=None mean zeros. lengths: B integers from 1 to T, or None when every sequence has T steps.

Layer l computes, from y_0 = x:

    u   = y_{l-1}, after dropout in every layer but the first
    v   = layer_norm(u) if the layer has `norm`, else u
    h   = the cell over v, in one direction or both
    y_l = h, plus y_{l-1} with residual=True in every layer but the first

so the residual path is crossed by neither dropout nor norm. Past a sequence's end `out` is zero,
states stay as they were at the end, and gradients are exactly zero.

Sources: Schuster and Paliwal 1997 (two directions); Zaremba, Sutskever and Vinyals 2014 (dropout
between layers); Wu et al. 2016 (residual stacks of LSTMs); Ba, Kiros and Hinton 2016 (layer norm).
"""

from typing import Any, NamedTuple

import numpy as np
from numpy.typing import ArrayLike

from course_pkg import layers, padded
from course_pkg._validation import require_array, require_number, require_options, require_rng
from course_pkg.activations import Array
from course_pkg.cells import CELLS, Cell


class LayerParams(NamedTuple):
    """One layer: cell parameters for each direction, and what its input is normalised with."""

    forward: Any  # such as LSTMParams
    reverse: Any = None  # the same type, or None with one direction
    norm: Any = None  # layers.LayerNormParams over the layer's input, or None


class LayerState(NamedTuple):
    """The states of one layer. The reverse reading starts at a sequence's end and ends at step 0."""

    forward: Any  # such as LSTMState; None means zeros
    reverse: Any = None


class LayerTape(NamedTuple):
    """Kept by one layer; None where there was no dropout, norm or reverse reading."""

    dropout: Any
    norm: Any
    forward: padded.PaddedTape
    reverse: Any
    cell: Cell


class StackTape(NamedTuple):
    """Kept by `stack`."""

    layers: list  # of LayerTape
    params: tuple
    lengths: Any
    residual: bool
    shape: tuple  # of out
    dtype: np.dtype


def stack(
    x: Array,
    state: tuple | None,
    params: tuple,
    *,
    cell: Cell | None = None,
    lengths: ArrayLike | None = None,
    dropout: float = 0.0,
    rng: np.random.Generator | None = None,
    residual: bool = False,
    **options: Any,
) -> tuple[Array, tuple, StackTape]:
    """Run a stack over x (B, T, D). Returns (out (B, T, H or 2H), state_T, tape); see the module.

    dropout: the share of numbers dropped between layers; with rng=None nothing is, as when evaluating.
    options: nonlinearity= of an RNN and reset= of a GRU, for every layer of that cell. Raises
    ValueError that names the layer where one does not fit.
    """
    runs = _cells(params, cell, options)
    require_array("x", x, ("B", "T", "D"))
    require_number("dropout", dropout, 0.0, 1.0, open_high=True)
    if dropout and len(params) == 1:
        raise ValueError(f"dropout: got {dropout} with one layer, wanted 0, because it stands between layers")
    if rng is not None:
        require_rng(rng)
    lengths = padded.require_lengths(lengths, *x.shape[:2])
    state = _require_states("state", state, params)
    # Padding may hold anything, even NaN. Zeros do not spread.
    y = x if lengths is None else np.where(padded.mask(lengths, x.shape[1])[:, :, None], x, 0)
    state_T, tapes = [], []
    for n, (cell, layer, layer_state) in enumerate(zip(runs, params, state)):
        rate = dropout if n > 0 and rng is not None else 0
        try:
            h, layer_state_T, tape = _layer(cell, y, layer_state, layer, lengths, rate, rng, options)
        except ValueError as error:
            raise ValueError(f"layer {n}: {error}") from None
        if residual and n > 0:
            if h.shape != y.shape:
                raise ValueError(f"residual: got layer {n} from {y.shape[2]} to {h.shape[2]} features, wanted equal")
            h += y
        y = h
        state_T.append(layer_state_T)
        tapes.append(tape)
    return y, tuple(state_T), StackTape(tapes, params, lengths, residual, y.shape, y.dtype)


def stack_backward(dout: Array | None, dstate: tuple | None, tape: StackTape) -> tuple[Array, tuple, tuple]:
    """Gradients of a stack from dout, like `out`, and dstate, like the state; None for zeros.

    Returns (dx, dstate_0, dparams), of the types of x, the state and the params.
    """
    if type(tape) is not StackTape:
        raise ValueError(f"tape: got {type(tape).__name__}, wanted the StackTape of the forward pass")
    if dout is not None:
        require_array("dout", dout, tape.shape, tape.dtype)
    dstate = _require_states("dstate", dstate, tape.params)
    dy, dstate_0, dparams = dout, [], []
    for n, layer_tape in reversed(list(enumerate(tape.layers))):
        dh = dy
        try:
            dy, layer_dstate, layer_dparams = _layer_backward(dh, dstate[n], layer_tape, tape.params[n], tape.lengths)
        except ValueError as error:
            raise ValueError(f"layer {n}: {error}") from None
        if tape.residual and n > 0 and dh is not None:
            dy += dh
        dstate_0.append(layer_dstate)
        dparams.append(layer_dparams)
    return dy, tuple(dstate_0[::-1]), tuple(dparams[::-1])


def _layer(cell, y, state, layer, lengths, rate, rng, options):
    """One layer over y (B, T, D): (h, LayerState, LayerTape)."""
    dropout_tape = norm_tape = reverse_tape = reverse_T = None
    options = {name: value for name, value in options.items() if name in cell.options}
    if rate:
        y, dropout_tape = layers.dropout(y, rate, rng)
    if layer.norm is not None:
        y, norm_tape = layers.layer_norm(y, layer.norm)
    h, forward_T, forward_tape = padded.run(cell.run, y, state.forward, layer.forward, lengths, **options)
    if layer.reverse is not None:
        turned = padded.reverse(y, lengths)
        h_back, reverse_T, reverse_tape = padded.run(cell.run, turned, state.reverse, layer.reverse, lengths, **options)
        h = np.concatenate([h, padded.reverse(h_back, lengths)], axis=2)
    return h, LayerState(forward_T, reverse_T), LayerTape(dropout_tape, norm_tape, forward_tape, reverse_tape, cell)


def _layer_backward(dh, dstate, tape, layer, lengths):
    """(dy, LayerState, LayerParams) of one layer."""
    backward, H = tape.cell.run_backward, layer.forward.W_hh.shape[1]
    dreverse_0 = dreverse = dnorm = None
    dh_forward = None if dh is None else dh[:, :, :H]
    dy, dforward_0, dforward = padded.run_backward(backward, dh_forward, dstate.forward, tape.forward)
    if tape.reverse is not None:
        dh_back = None if dh is None else padded.reverse(dh[:, :, H:], lengths)
        dy_back, dreverse_0, dreverse = padded.run_backward(backward, dh_back, dstate.reverse, tape.reverse)
        dy += padded.reverse(dy_back, lengths)
    if tape.norm is not None:
        dy, dnorm = layers.layer_norm_backward(dy, tape.norm)
    if tape.dropout is not None:
        dy = layers.dropout_backward(dy, tape.dropout)
    return dy, LayerState(dforward_0, dreverse_0), LayerParams(dforward, dreverse, dnorm)


def _cells(params, own, options):
    """The cell of each layer. Checks that `params` is a stack, and that each option is known to one of its cells."""
    if not isinstance(params, tuple) or not params or not all(type(layer) is LayerParams for layer in params):
        raise ValueError(f"params: got {type(params).__name__}, wanted a tuple of LayerParams, one for each layer")
    if own is not None and not isinstance(own, Cell):
        raise ValueError(f"cell: got {own!r}, wanted a Cell, or None for those of the package")
    known = {cell.params: cell for cell in (*CELLS, *filter(None, [own]))}
    for n, layer in enumerate(params):
        kind = type(layer.forward)
        if kind not in known:
            wanted = ", ".join(kind.__name__ for kind in known)
            raise ValueError(f"params[{n}].forward: got {kind.__name__}, wanted one of {wanted}, or its Cell as cell=")
        if layer.reverse is not None:
            if type(layer.reverse) is not kind:
                raise ValueError(f"params[{n}].reverse: got {type(layer.reverse).__name__}, wanted {kind.__name__}")
            if np.shape(layer.reverse.W_hh) != np.shape(layer.forward.W_hh):
                raise ValueError(f"params[{n}].reverse: got another number of units than the forward direction")
    cells = [known[type(layer.forward)] for layer in params]
    if own is not None and own not in cells:
        raise ValueError(f"cell: got {own.name}, wanted the cell of some layer; none has {own.params.__name__}")
    require_options({name: choices for cell in cells for name, choices in cell.options.items()}, options)
    return cells


def _require_states(name, states, params):
    """Check one LayerState for each layer. None becomes LayerStates of None, which mean zeros."""
    if states is None:
        return [LayerState(None, None)] * len(params)
    if not isinstance(states, tuple) or len(states) != len(params) or not all(type(s) is LayerState for s in states):
        raise ValueError(f"{name}: got {type(states).__name__}, wanted a tuple of {len(params)} LayerState, or None")
    for n, (state, layer) in enumerate(zip(states, params)):
        if state.reverse is not None and layer.reverse is None:
            raise ValueError(f"{name}[{n}].reverse: got a state, wanted None as the layer has one direction")
    return states
