"""The LSTM over a whole sequence. For the equations, one step at a time, see `cells.lstm_step`."""

from typing import NamedTuple

import numpy as np
from numpy import add, multiply, subtract, tanh

from course_pkg.activations import Array
from course_pkg.fused._work import (
    BACKWARDS,
    batch_major,
    blocks,
    feature_major,
    flat,
    joined,
    multiplier,
    require_layer,
    require_tape,
    require_upstream,
    room,
    rooms,
    stack_up,
    tanh_derivative_into,
)
from course_pkg.records import LSTMParams, LSTMState

# Inside, the gates stand in the order o, i, f, g: the three sigmoids side by side, then i, f above g, c.
OIFG, BACK_TO_IFGO = [3, 0, 1, 2], [1, 2, 3, 0]


class LSTMTape(NamedTuple):
    """What the backward pass needs, feature-major."""

    Z: Array  # (T+1, H+D+1, B): h_{t-1}, x_t, 1
    A: Array  # (T+1, 5H, B): o, i, f, g, c_{t-1}
    tanh_c: Array  # (T, H, B)
    M: Array  # (4H, H+D+1): [W_hh W_ih b], rows o, i, f, g


def _reordered(M, order):
    return M.reshape(4, -1, M.shape[1])[order].reshape(M.shape)


def lstm(x: Array, state: LSTMState | None, params: LSTMParams) -> tuple[Array, LSTMState, LSTMTape]:
    """The LSTM over x (B, T, D) from `state` (LSTMState of (B, H), or None for zeros).

    Returns (h (B, T, H), state_T, tape). Raises ValueError for wrong types, shapes or dtypes.
    """
    B, T, D, H = require_layer(x, state, params, LSTMState, LSTMParams, gates=4)
    Z, A, tanh_c = room(x.dtype, (T + 1, H + D + 1, B), (T + 1, 5 * H, B), (T, H, B))
    stack_up(Z, x, state)
    A[0, 4 * H :] = 0 if state is None else state.c.T
    M = _reordered(joined(params), OIFG)
    half = np.array(0.5, x.dtype)  # an array, because NumPy makes one of a Python number at every call
    halved = M.copy()
    halved[: 3 * H] *= half  # sigmoid(a) = tanh(a / 2) / 2 + 1 / 2, so one tanh does for every gate
    product = multiplier(halved, B)

    products = np.empty((2 * H, B), x.dtype)
    written, kept = products[:H], products[H:]
    gates, sigmoids, o, i_f, g_c = A[:, : 4 * H], A[:, : 3 * H], A[:, :H], A[:, H : 3 * H], A[:, 3 * H :]
    views = zip(Z, gates, sigmoids, o, i_f, g_c, A[1:, 4 * H :], tanh_c, Z[1:, :H])
    for z_t, gates_t, sigmoids_t, o_t, i_f_t, g_c_t, c_t, tanh_c_t, h_t in views:
        product(z_t, gates_t)  # into gates_t; likewise below
        tanh(gates_t, gates_t)
        multiply(sigmoids_t, half, sigmoids_t)
        add(sigmoids_t, half, sigmoids_t)
        multiply(i_f_t, g_c_t, products)  # i * g and f * c_{t-1} in one call
        add(written, kept, c_t)
        tanh(c_t, tanh_c_t)
        multiply(o_t, tanh_c_t, h_t)
    state_T = LSTMState(h=Z[T, :H].T.copy(), c=A[T, 4 * H :].T.copy())
    return batch_major(Z[1:, :H]), state_T, LSTMTape(Z, A, tanh_c, M)


def lstm_backward(dh: Array | None, dstate: LSTMState | None, tape: LSTMTape) -> tuple[Array, LSTMState, LSTMParams]:
    """Gradients from dh (B, T, H) and dstate (LSTMState), None for zeros: (dx, dstate_0, dparams)."""
    require_tape(tape, LSTMTape)
    Z, A, tanh_c, M = tape
    T, H, B = tanh_c.shape
    D = Z.shape[1] - H - 1
    dh, (dh_t, dc_t) = require_upstream(dh, dstate, LSTMState, (B, T, H), Z.dtype)
    dx, dM = np.empty((B, T, D), Z.dtype), np.zeros_like(M)
    back = multiplier(M[:, :-1].T.copy(), B)  # (H+D, 4H): da_t to dh_{t-1} and dx_t in one product
    through_h = np.empty((H, B), Z.dtype)
    spans = blocks(T, 4 * H * B)
    work = rooms(Z.dtype, spans, (4 * H, B), (H, B), (H, B), (H + D, B))
    for span, (da, dc_by_dh, dh_above, dz) in zip(spans, work):
        _local_derivatives(A[span], tanh_c[span], da, dc_by_dh)
        dh_above[:] = feature_major(dh)[span]
        f = A[span, 2 * H : 3 * H]
        gates = (da[:, gate * H : (gate + 1) * H] for gate in range(4))
        views = zip(*(a[BACKWARDS] for a in (da, *gates, dc_by_dh, f, dh_above, dz)))
        for da_t, da_o, da_i, da_f, da_g, dc_by_dh_t, f_t, dh_above_t, dz_t in views:
            add(dh_t, dh_above_t, dh_t)
            multiply(dh_t, dc_by_dh_t, through_h)
            add(dc_t, through_h, dc_t)
            multiply(da_o, dh_t, da_o)
            multiply(da_i, dc_t, da_i)
            multiply(da_f, dc_t, da_f)
            multiply(da_g, dc_t, da_g)
            multiply(dc_t, f_t, dc_t)
            back(da_t, dz_t)
            dh_t = dz_t[:H]
        dM += flat(da) @ flat(Z[span]).T
        feature_major(dx)[span] = dz[:, H:]
    dM = _reordered(dM, BACK_TO_IFGO)
    dparams = LSTMParams(W_ih=dM[:, H:-1].copy(), W_hh=dM[:, :H].copy(), b=dM[:, -1].copy())
    return dx, LSTMState(h=dh_t.T.copy(), c=dc_t.T.copy()), dparams


def _local_derivatives(A, tanh_c, K, dc_by_dh):
    """What the n steps of a block can compute before the gradient of the step after them is known.

    K (n, 4H, B) becomes da when its rows o are multiplied by dh and its rows i, f, g by dc;
    dc_by_dh (n, H, B) is o (1 - tanh(c)^2), which takes dh to dc.
    """
    H = tanh_c.shape[1]
    o, i, g, sigmoids = A[:, :H], A[:, H : 2 * H], A[:, 3 * H : 4 * H], A[:, : 3 * H]
    K_o, K_if, K_g, K_sigmoids = K[:, :H], K[:, H : 3 * H], K[:, 3 * H :], K[:, : 3 * H]
    subtract(1, sigmoids, K_sigmoids)
    K_sigmoids *= sigmoids
    K_o *= tanh_c
    K_if *= A[:, 3 * H :]  # i meets g, f meets c_{t-1}
    tanh_derivative_into(g, K_g)
    K_g *= i
    tanh_derivative_into(tanh_c, dc_by_dh)
    dc_by_dh *= o
