"""One time step of each recurrent cell, and its backward pass beside it; and each cell as one value, `Cell`.

Shapes: B sequences in the batch, D input features, H hidden units. `dh` means dL/dh_t.
A step takes (x_t, state, params) and returns (state, cache); its backward takes the gradient of the
loss with respect to that state, the cache and the params, and returns (dx_t, dstate_prev, dparams).
Shapes are not checked here and nothing passed in is changed; `bptt` and `fused` check at the door.
The arrays of states and parameters, and what a `Cell` is, are in `records`.

Sources: Elman 1990 (RNN); Hochreiter and Schmidhuber 1997 with the forget gate of Gers et al. 2000
(LSTM); Cho et al. 2014 (GRU).
"""

from typing import NamedTuple

import numpy as np

from course_pkg import fused
from course_pkg.activations import (
    NONLINEARITIES,
    Array,
    sigmoid,
    sigmoid_derivative,
    tanh,
    tanh_derivative,
)
from course_pkg.records import Cell, GRUParams, HState, LSTMParams, LSTMState, RNNParams


class RNNCache(NamedTuple):
    x_t: Array  # (B, D)
    state_prev: HState
    h_t: Array  # (B, H)
    nonlinearity: str


class LSTMCache(NamedTuple):
    x_t: Array  # (B, D)
    state_prev: LSTMState
    i: Array  # (B, H), as are f, g, o and tanh_c
    f: Array
    g: Array
    o: Array
    tanh_c: Array


class GRUCache(NamedTuple):
    x_t: Array  # (B, D)
    state_prev: HState
    r: Array  # (B, H), as are z, n and a_hn
    z: Array
    n: Array
    a_hn: Array  # W_hn h + b_hn (reset="after") or W_hn (r * h) + b_hn (reset="before")
    reset: str


def rnn_step(
    x_t: Array,
    state: HState,
    params: RNNParams,
    *,
    nonlinearity: str = "tanh",
) -> tuple[HState, RNNCache]:
    """h_t = phi(W_ih x_t + W_hh h_{t-1} + b).

    x_t (B, D), state HState, returns (HState, RNNCache).
    """
    phi, _ = NONLINEARITIES[nonlinearity]
    h_t = phi(x_t @ params.W_ih.T + state.h @ params.W_hh.T + params.b)
    # a copy for the cache, because the caller may change its own h_t
    return HState(h_t), RNNCache(x_t, state, h_t.copy(), nonlinearity)


def rnn_step_backward(
    dstate: HState,
    cache: RNNCache,
    params: RNNParams,
) -> tuple[Array, HState, RNNParams]:
    """Gradients of one RNN step.

    dstate HState, returns (dx_t (B, D), HState, RNNParams).
    """
    x_t, (h_prev,), h_t, nonlinearity = cache
    _, phi_derivative = NONLINEARITIES[nonlinearity]
    da = dstate.h * phi_derivative(h_t)  # (B, H)
    dparams = RNNParams(W_ih=da.T @ x_t, W_hh=da.T @ h_prev, b=da.sum(axis=0))
    return da @ params.W_ih, HState(da @ params.W_hh), dparams


def lstm_step(
    x_t: Array,
    state: LSTMState,
    params: LSTMParams,
) -> tuple[LSTMState, LSTMCache]:
    """One LSTM step. x_t (B, D), state LSTMState, returns (LSTMState, LSTMCache)."""
    a = x_t @ params.W_ih.T + state.h @ params.W_hh.T + params.b  # (B, 4H)
    a_i, a_f, a_g, a_o = np.split(a, 4, axis=1)
    i = sigmoid(a_i)  # input gate: how much to write
    f = sigmoid(a_f)  # forget gate: how much to keep
    g = tanh(a_g)  # candidate: what to write
    o = sigmoid(a_o)  # output gate: how much to show
    c_t = f * state.c + i * g
    tanh_c = tanh(c_t)
    h_t = o * tanh_c
    return LSTMState(h_t, c_t), LSTMCache(x_t, state, i, f, g, o, tanh_c)


def lstm_step_backward(
    dstate: LSTMState,
    cache: LSTMCache,
    params: LSTMParams,
) -> tuple[Array, LSTMState, LSTMParams]:
    """Gradients of one LSTM step. dstate LSTMState, returns
    (dx_t (B, D), LSTMState, LSTMParams)."""
    x_t, (h_prev, c_prev), i, f, g, o, tanh_c = cache
    # c_t reaches the loss directly and through h_t
    dc = dstate.c + dstate.h * o * tanh_derivative(tanh_c)
    da_i = dc * g * sigmoid_derivative(i)
    da_f = dc * c_prev * sigmoid_derivative(f)
    da_g = dc * i * tanh_derivative(g)
    da_o = dstate.h * tanh_c * sigmoid_derivative(o)
    da = np.concatenate([da_i, da_f, da_g, da_o], axis=1)  # (B, 4H)
    dparams = LSTMParams(W_ih=da.T @ x_t, W_hh=da.T @ h_prev, b=da.sum(axis=0))
    return da @ params.W_ih, LSTMState(h=da @ params.W_hh, c=dc * f), dparams


def gru_step(
    x_t: Array,
    state: HState,
    params: GRUParams,
    *,
    reset: str = "after",
) -> tuple[HState, GRUCache]:
    """One GRU step: h_t = (1 - z) * n + z * h_{t-1}.

    x_t (B, D), state HState, returns (HState, GRUCache). reset="after" multiplies
    by r after the product with W_hn, as PyTorch does; reset="before" multiplies
    before it, as Cho et al. 2014 do.
    """
    h_prev = state.h
    W_hr, W_hz, W_hn = np.split(params.W_hh, 3)
    a_ir, a_iz, a_in = np.split(x_t @ params.W_ih.T + params.b, 3, axis=1)
    r = sigmoid(a_ir + h_prev @ W_hr.T)  # reset gate: how much n sees of the past
    z = sigmoid(a_iz + h_prev @ W_hz.T)  # update gate: how much of the past stays
    if {"after": True, "before": False}[reset]:  # any other word is a KeyError
        a_hn = h_prev @ W_hn.T + params.b_hn
        n = tanh(a_in + r * a_hn)  # candidate
    else:
        a_hn = (r * h_prev) @ W_hn.T + params.b_hn
        n = tanh(a_in + a_hn)
    h_t = (1 - z) * n + z * h_prev
    return HState(h_t), GRUCache(x_t, state, r, z, n, a_hn, reset)


def gru_step_backward(
    dstate: HState,
    cache: GRUCache,
    params: GRUParams,
) -> tuple[Array, HState, GRUParams]:
    """Gradients of one GRU step.

    dstate HState, returns (dx_t (B, D), HState, GRUParams).
    """
    x_t, (h_prev,), r, z, n, a_hn, reset = cache
    W_hr, W_hz, W_hn = np.split(params.W_hh, 3)
    da_n = dstate.h * (1 - z) * tanh_derivative(n)
    da_z = dstate.h * (h_prev - n) * sigmoid_derivative(z)
    if reset == "after":
        da_hn = da_n * r  # gradient at W_hn h + b_hn
        dr, h_into_n, dh_prev = da_n * a_hn, h_prev, da_hn @ W_hn
    else:
        da_hn = da_n
        drh = da_n @ W_hn  # gradient at r * h_prev
        dr, h_into_n, dh_prev = drh * h_prev, r * h_prev, drh * r
    da_r = dr * sigmoid_derivative(r)
    dh_prev = dh_prev + dstate.h * z + da_r @ W_hr + da_z @ W_hz
    da = np.concatenate([da_r, da_z, da_n], axis=1)  # (B, 3H)
    dW_hh = np.concatenate([da_r.T @ h_prev, da_z.T @ h_prev, da_hn.T @ h_into_n])
    dparams = GRUParams(da.T @ x_t, dW_hh, da.sum(axis=0), da_hn.sum(axis=0))
    return da @ params.W_ih, HState(dh_prev), dparams


RNN = Cell(
    name="rnn",
    params=RNNParams,
    state=HState,
    gates=("h",),  # no gate: all rows make the new state
    step=rnn_step,
    step_backward=rnn_step_backward,
    run=fused.rnn,
    run_backward=fused.rnn_backward,
    options={"nonlinearity": tuple(NONLINEARITIES)},
)
LSTM = Cell(
    name="lstm",
    params=LSTMParams,
    state=LSTMState,
    gates=("i", "f", "g", "o"),
    step=lstm_step,
    step_backward=lstm_step_backward,
    run=fused.lstm,
    run_backward=fused.lstm_backward,
)
GRU = Cell(
    name="gru",
    params=GRUParams,
    state=HState,
    gates=("r", "z", "n"),
    step=gru_step,
    step_backward=gru_step_backward,
    run=fused.gru,
    run_backward=fused.gru_backward,
    options={"reset": ("after", "before")},
    extra={"b_hn": 1},
)
CELLS = (RNN, LSTM, GRU)


def by_name(cell: str | Cell) -> Cell:
    """The record of a cell that a command line or a file names: "rnn", "lstm" or "gru". A record is itself."""
    found = {known.name: known for known in CELLS}
    if isinstance(cell, Cell):
        return cell
    if not isinstance(cell, str) or cell not in found:
        raise ValueError(f"cell: got {cell!r}, wanted a Cell, or one of {', '.join(map(repr, found))}")
    return found[cell]
