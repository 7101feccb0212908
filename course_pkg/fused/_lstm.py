"""The LSTM over a whole sequence. For the equations, one step at a time, see `cells.lstm_step`."""

from typing import NamedTuple

import numpy as np

from course_pkg.activations import Array, tanh_derivative
from course_pkg.cells import LSTMParams, LSTMState
from course_pkg.fused._work import (
    BACKWARDS,
    batch_major,
    blocks,
    feature_major,
    flat,
    joined,
    require_layer,
    require_tape,
    require_upstream,
    stacked,
)

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


def lstm(x, state, params):
    """The LSTM over x (B, T, D) from `state` (LSTMState of (B, H), or None for zeros).

    Returns (h (B, T, H), state_T, tape). Raises ValueError for wrong types, shapes or dtypes.
    """
    B, T, _, H = require_layer(x, state, params, LSTMState, LSTMParams, gates=4)
    Z = stacked(x, state, H)
    A = np.empty((T + 1, 5 * H, B), x.dtype)
    A[0, 4 * H :] = 0 if state is None else state.c.T
    tanh_c = np.empty((T, H, B), x.dtype)
    M = _reordered(joined(params), OIFG)
    half = np.array(0.5, x.dtype)  # an array, because NumPy makes one of a Python number at every call
    halved = M.copy()
    halved[: 3 * H] *= half  # sigmoid(a) = tanh(a / 2) / 2 + 1 / 2, so one tanh does for every gate

    products = np.empty((2 * H, B), x.dtype)
    written, kept = products[:H], products[H:]
    gates, sigmoids, o, i_f, g_c = A[:, : 4 * H], A[:, : 3 * H], A[:, :H], A[:, H : 3 * H], A[:, 3 * H :]
    views = zip(Z, gates, sigmoids, o, i_f, g_c, A[1:, 4 * H :], tanh_c, Z[1:, :H])
    for z_t, gates_t, sigmoids_t, o_t, i_f_t, g_c_t, c_t, tanh_c_t, h_t in views:
        np.dot(halved, z_t, gates_t)  # the last argument of each call is where the result goes
        np.tanh(gates_t, gates_t)
        sigmoids_t *= half
        sigmoids_t += half
        np.multiply(i_f_t, g_c_t, products)  # i * g and f * c_{t-1} in one call
        np.add(written, kept, c_t)
        np.tanh(c_t, tanh_c_t)
        np.multiply(o_t, tanh_c_t, h_t)
    state_T = LSTMState(h=Z[T, :H].T.copy(), c=A[T, 4 * H :].T.copy())
    return batch_major(Z[1:, :H]), state_T, LSTMTape(Z, A, tanh_c, M)


def lstm_backward(dh, dstate, tape):
    """Gradients from dh (B, T, H) and dstate (LSTMState), None for zeros: (dx, dstate_0, dparams)."""
    require_tape(tape, LSTMTape)
    Z, A, tanh_c, M = tape
    T, H, B = tanh_c.shape
    D = Z.shape[1] - H - 1
    dh, (dh_t, dc_t) = require_upstream(dh, dstate, LSTMState, (B, T, H), Z.dtype)
    dx, dM = np.empty((B, T, D), Z.dtype), np.zeros_like(M)
    back = M[:, :-1].T.copy()  # (H+D, 4H): da_t to dh_{t-1} and dx_t in one product
    through_h = np.empty((H, B), Z.dtype)
    for span in blocks(T, 4 * H * B):
        da, dc_by_dh = _local_derivatives(A[span], tanh_c[span])
        f, dh_above = A[span, 2 * H : 3 * H], feature_major(dh)[span].copy()
        dz = np.empty((len(da), H + D, B), Z.dtype)
        da_o, da_ifg = da[:, :H], da.reshape(-1, 4, H, B)[:, 1:]
        views = zip(*(a[BACKWARDS] for a in (da, da_o, da_ifg, dc_by_dh, f, dh_above, dz)))
        for da_t, da_o_t, da_ifg_t, dc_by_dh_t, f_t, dh_above_t, dz_t in views:
            dh_t += dh_above_t
            np.multiply(dh_t, dc_by_dh_t, through_h)
            dc_t += through_h
            da_o_t *= dh_t
            da_ifg_t *= dc_t
            dc_t *= f_t
            np.dot(back, da_t, dz_t)
            dh_t = dz_t[:H]
        dM += flat(da) @ flat(Z[span]).T
        feature_major(dx)[span] = dz[:, H:]
    dM = _reordered(dM, BACK_TO_IFGO)
    dparams = LSTMParams(W_ih=dM[:, H:-1].copy(), W_hh=dM[:, :H].copy(), b=dM[:, -1].copy())
    return dx, LSTMState(h=dh_t.T.copy(), c=dc_t.T.copy()), dparams


def _local_derivatives(A, tanh_c):
    """What the n steps of a block can compute before the gradient of the step after them is known.

    Returns K (n, 4H, B), which becomes da when its rows o are multiplied by dh and its rows i, f, g
    by dc, and o (1 - tanh(c)^2) (n, H, B), which takes dh to dc.
    """
    H = tanh_c.shape[1]
    o, i, g = A[:, :H], A[:, H : 2 * H], A[:, 3 * H : 4 * H]
    K = np.empty((len(A), 4 * H, A.shape[2]), A.dtype)
    K_o, K_if, K_g, K_sigmoids, sigmoids = K[:, :H], K[:, H : 3 * H], K[:, 3 * H :], K[:, : 3 * H], A[:, : 3 * H]
    np.subtract(1, sigmoids, K_sigmoids)
    K_sigmoids *= sigmoids
    K_o *= tanh_c
    K_if *= A[:, 3 * H :]  # i meets g, f meets c_{t-1}
    np.multiply(i, tanh_derivative(g), K_g)
    return K, o * tanh_derivative(tanh_c)
