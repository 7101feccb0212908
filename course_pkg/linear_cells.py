"""Layers whose gates do not look back, so that all steps can be read at once: minGRU, minLSTM, LRU, a selective one.

Each computes its gates from x alone, and leaves the time steps to `scan`. Shapes: x (B, T, D), h (B, T, H). A layer
takes (x, state, params) and returns (what it says, the last state, tape); its backward takes the gradients of the
first two and returns (dx, dstate_0, dparams), as in `fused`. state = None stands for zeros, a gradient of None too.
`how` and `chunk` are those of `scan`. Wrong shapes or dtypes raise ValueError.

Sources: Feng et al. 2024 (minGRU and minLSTM, here without the g of their log space); Orvieto et al. 2023 (LRU); Gu and
Dao 2024 (the selective layer, the core of Mamba). z is the share that is kept, as in `cells`; Feng et al. write 1 - z.
"""

from typing import Any, NamedTuple

import numpy as np

from course_pkg._validation import require_array
from course_pkg.activations import Array, sigmoid, sigmoid_derivative
from course_pkg.cells import HState
from course_pkg.scan import scan, scan_backward


class MinGRUParams(NamedTuple):
    """z = sigmoid(W_iz x + b_z), n = W_in x + b_n, h_t = z * h_{t-1} + (1 - z) * n."""

    W_ih: Array  # (2H, D), rows z, n
    b: Array  # (2H,)


class MinLSTMParams(NamedTuple):
    """f, i = sigmoid(...), g = W_ig x + b_g, h_t = (f * h_{t-1} + i * g) / (f + i)."""

    W_ih: Array  # (3H, D), rows i, f, g
    b: Array  # (3H,)


class LayerTape(NamedTuple):
    """Kept by the layers of this module."""

    x: Array
    params: Any
    kept: tuple  # the gates
    scan: Any  # ScanTape


def min_gru_step(x_t: Array, state: HState, params: MinGRUParams) -> tuple[HState, tuple]:
    """One step: x_t (B, D), state HState, returns (HState, what `min_gru_step_backward` needs)."""
    a_z, a_n = np.split(x_t @ params.W_ih.T + params.b, 2, axis=1)
    z = sigmoid(a_z)  # how much of the past stays; it does not look at the past
    h_t = z * state.h + (1 - z) * a_n
    return HState(h_t), (x_t, state, z, a_n)


def min_gru_step_backward(dstate: HState, cache: tuple, params: MinGRUParams) -> tuple[Array, HState, MinGRUParams]:
    """Gradients of one step: dstate HState, returns (dx_t, HState, MinGRUParams)."""
    x_t, (h_prev,), z, n = cache
    da_z = dstate.h * (h_prev - n) * sigmoid_derivative(z)
    da_n = dstate.h * (1 - z)
    da = np.concatenate([da_z, da_n], axis=1)
    return da @ params.W_ih, HState(dstate.h * z), MinGRUParams(da.T @ x_t, da.sum(axis=0))


def min_gru(
    x: Array, state: HState | None, params: MinGRUParams, *, how: str = "chunked", chunk: int = 64
) -> tuple[Array, HState, LayerTape]:
    """A minGRU over all of x. Returns (h (B, T, H), HState, LayerTape)."""
    a, state = _gates(x, state, params, 2)
    z, n = sigmoid(a[0]), a[1]
    h, tape = scan(z, (1 - z) * n, state.h, how=how, chunk=chunk)
    return h, HState(h[:, -1].copy()), LayerTape(x.copy(), params, (z, n), tape)


def min_gru_backward(dh: Array | None, dstate: HState | None, tape: LayerTape) -> tuple[Array, HState, MinGRUParams]:
    """Gradients of `min_gru`: (dx, HState, MinGRUParams)."""
    z, n = tape.kept
    dz, dwritten, dh_0 = scan_backward(_joined(dh, dstate, tape), tape.scan)
    dz = dz - dwritten * n
    return _into_gates(tape, [dz * sigmoid_derivative(z), dwritten * (1 - z)], dh_0)


def min_lstm(
    x: Array, state: HState | None, params: MinLSTMParams, *, how: str = "chunked", chunk: int = 64
) -> tuple[Array, HState, LayerTape]:
    """A minLSTM over all of x: f and i are divided by their sum, so what is kept and written adds up to 1."""
    a, state = _gates(x, state, params, 3)
    i, f, g = sigmoid(a[0]), sigmoid(a[1]), a[2]
    share = f / (f + i)
    h, tape = scan(share, (1 - share) * g, state.h, how=how, chunk=chunk)
    return h, HState(h[:, -1].copy()), LayerTape(x.copy(), params, (i, f, g), tape)


def min_lstm_backward(dh: Array | None, dstate: HState | None, tape: LayerTape) -> tuple[Array, HState, MinLSTMParams]:
    """Gradients of `min_lstm`: (dx, HState, MinLSTMParams)."""
    i, f, g = tape.kept
    share = f / (f + i)
    dshare, dwritten, dh_0 = scan_backward(_joined(dh, dstate, tape), tape.scan)
    dshare = (dshare - dwritten * g) / (f + i)
    di, df = -dshare * share, dshare * (1 - share)  # of f / (f + i)
    return _into_gates(tape, [di * sigmoid_derivative(i), df * sigmoid_derivative(f), dwritten * (1 - share)], dh_0)


def _gates(x, state, params, count):
    """The pre-activations of `count` gates, each (B, T, H), and a state that is not None."""
    require_array("x", x, ("B", "T", "D"))
    rows = len(params.b)
    if rows % count:
        raise ValueError(f"params.b: got {rows} numbers, wanted a multiple of {count}, one set for each gate")
    require_array("params.b", params.b, (rows,), x.dtype)
    require_array("params.W_ih", params.W_ih, (rows, x.shape[2]), x.dtype)
    H = rows // count
    if state is None:
        state = HState(np.zeros((x.shape[0], H), x.dtype))
    require_array("state.h", state.h, (x.shape[0], H), x.dtype)
    return np.split(x @ params.W_ih.T + params.b, count, axis=2), state


def _joined(dh, dstate, tape):
    """The gradient at every h, with that of the last state added to the last step."""
    h = tape.scan.h
    total = np.zeros_like(h) if dh is None else require_gradient("dh", dh, h)
    if dstate is not None:
        total[:, -1] += require_gradient("dstate.h", dstate.h, h[:, -1])
    return total


def require_gradient(name: str, d: Array, like: Array) -> Array:
    """A copy of `d`, which must look like `like`."""
    require_array(name, d, like.shape, like.dtype)
    return d.copy()


def _into_gates(tape, das, dh_0):
    """From the gradients at the pre-activations to those of the input, the start and the weights."""
    da = np.concatenate(das, axis=2)
    x, W = tape.x, tape.params.W_ih
    dW = np.tensordot(da, x, axes=((0, 1), (0, 1)))
    return da @ W, HState(dh_0), type(tape.params)(dW, da.sum(axis=(0, 1)))
