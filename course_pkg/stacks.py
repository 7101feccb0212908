"""Deep and bidirectional networks of any cell, over batches of sequences of different lengths.

A stack is a tuple of `LayerParams`, one per layer; a layer with `reverse` parameters also reads each
sequence from its true end to its start, and the two readings stand side by side in its output. The
cell is named by the type of the parameters. States are a tuple of `LayerState` of the same form.
`params.init_stack` makes the starting values.

    stack(x, state, params, *, lengths=None, dropout=0.0, rng=None, residual=False, **options)
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
options: reset= for a GRU, nonlinearity= for an RNN (see `fused`).
"""

from typing import Any, NamedTuple


class LayerParams(NamedTuple):
    """One layer: cell parameters for each direction, and what its input is normalised with."""

    forward: Any  # RNNParams, LSTMParams or GRUParams
    reverse: Any = None  # the same type, or None with one direction
    norm: Any = None  # layers.LayerNormParams over the layer's input, or None


class LayerState(NamedTuple):
    """The states of one layer. The reverse reading starts at a sequence's end and ends at step 0."""

    forward: Any  # HState or LSTMState
    reverse: Any = None
