"""The GRU over a whole sequence. For the equations, one step at a time, see `cells.gru_step`.

Its gates r and z are linear in h_{t-1}, x_t and 1, as in the LSTM. Its candidate n is not: r stands
between h_{t-1} and n. So W_in x_t + b_n is computed for all steps first, and a step makes two products:
one for both gates, one for what r is multiplied with.
"""

from typing import NamedTuple

import numpy as np

from course_pkg.activations import Array, sigmoid_derivative, tanh_derivative
from course_pkg.cells import GRUParams, HState
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
from course_pkg.validation import require_choice

RESETS = ("after", "before")


class GRUTape(NamedTuple):
    """What the backward pass needs, feature-major."""

    Z: Array  # (T+1, H+D+1, B): h_{t-1}, x_t, 1
    A: Array  # (T, 3H, B): r, z, n
    a_hn: Array  # (T, H, B): W_hn h_{t-1} + b_hn, which r multiplies; empty with reset="before"
    M: Array  # (3H, H+D+1): [W_hh W_ih b], rows r, z, n
    reset: str


def gru(x, state, params, *, reset="after"):
    """The GRU over x (B, T, D) from `state` (HState of (B, H), or None for zeros).

    reset: "after" the product with W_hn, as PyTorch, or "before" it, as Cho et al. 2014.
    Returns (h (B, T, H), state_T, tape). Raises ValueError for wrong types, shapes or dtypes.
    """
    require_choice("reset", reset, RESETS)
    B, T, _, H = require_layer(x, state, params, HState, GRUParams, gates=3)
    Z, M = stacked(x, state, H), joined(params)
    A = np.empty((T, 3 * H, B), x.dtype)
    np.matmul(M[2 * H :, H:], Z[:-1, H:], out=A[:, 2 * H :])  # W_in x_t + b_n
    b_hn = params.b_hn[:, None] + np.zeros(B, x.dtype)  # (H, B)
    if reset == "after":
        a_hn = np.empty((T, H, B), x.dtype)
        _steps_after(Z, A, a_hn, M, b_hn)
    else:
        a_hn = np.empty((0, H, B), x.dtype)
        A[:, 2 * H :] += b_hn  # nothing stands between this bias and n
        _steps_before(Z, A, M)
    return batch_major(Z[1:, :H]), HState(Z[T, :H].T.copy()), GRUTape(Z, A, a_hn, M, reset)


def _forward_views(Z, A, M):
    """What both forward loops read and write: (W_rz, W_hn, 1/2, (z, gates, r, z, n, h_{t-1}, h_t) of every step)."""
    H = len(M) // 3
    half = np.array(0.5, M.dtype)  # an array, because NumPy makes one of a Python number at every call
    W_rz = M[: 2 * H] * half  # sigmoid(a) = tanh(a / 2) / 2 + 1 / 2
    views = zip(Z, A[:, : 2 * H], A[:, :H], A[:, H : 2 * H], A[:, 2 * H :], Z[:, :H], Z[1:, :H])
    return W_rz, M[2 * H :, :H].copy(), half, views


def _steps_after(Z, A, a_hn, M, b_hn):
    """Every step with n = tanh(a_in + r * (W_hn h + b_hn)), written into Z, A and a_hn."""
    W_rz, W_hn, half, views = _forward_views(Z, A, M)
    u = np.empty_like(b_hn)
    for (z_t, gates_t, r, z, n, h_prev, h_t), a_hn_t in zip(views, a_hn):
        np.dot(W_rz, z_t, gates_t)  # the last argument of each call is where the result goes
        np.tanh(gates_t, gates_t)
        gates_t *= half
        gates_t += half
        np.dot(W_hn, h_prev, a_hn_t)
        a_hn_t += b_hn
        np.multiply(r, a_hn_t, u)
        n += u
        np.tanh(n, n)
        np.subtract(h_prev, n, u)
        u *= z
        np.add(n, u, h_t)  # h_t = n + z * (h_{t-1} - n)


def _steps_before(Z, A, M):
    """Every step with n = tanh(a_in + b_hn + W_hn (r * h)), written into Z and A."""
    W_rz, W_hn, half, views = _forward_views(Z, A, M)
    u, rh = np.empty_like(A[0, : len(W_hn)]), np.empty_like(A[0, : len(W_hn)])
    for z_t, gates_t, r, z, n, h_prev, h_t in views:
        np.dot(W_rz, z_t, gates_t)
        np.tanh(gates_t, gates_t)
        gates_t *= half
        gates_t += half
        np.multiply(r, h_prev, rh)
        np.dot(W_hn, rh, u)
        n += u
        np.tanh(n, n)
        np.subtract(h_prev, n, u)
        u *= z
        np.add(n, u, h_t)


def gru_backward(dh, dstate, tape):
    """Gradients from dh (B, T, H) and dstate (HState), None for zeros: (dx, dstate_0, dparams)."""
    require_tape(tape, GRUTape)
    Z, A, a_hn, M, reset = tape
    T, H, B = A.shape[0], A.shape[1] // 3, A.shape[2]
    D = Z.shape[1] - H - 1
    dh, (dh_t,) = require_upstream(dh, dstate, HState, (B, T, H), Z.dtype)
    dx, dM, db_hn = np.empty((B, T, D), Z.dtype), np.zeros_like(M), np.zeros(H, Z.dtype)
    to_x = np.concatenate([M[2 * H :], M[: 2 * H]])[:, H:-1].T.copy()  # (D, 3H), columns n, r, z
    steps_back = _steps_back_after if reset == "after" else _steps_back_before
    for span in blocks(T, 4 * H * B):
        r, h_prev = A[span, :H], Z[span, :H]
        # Rows n, r, z of K become the gradients da at the sums inside n, r and z; with reset="after" the
        # last rows become the one at a_hn. dx wants the first three parts, dh_{t-1} the last three.
        K = _local_derivatives(A[span], h_prev, a_hn[span])
        steps_back(K, A[span], feature_major(dh)[span].copy(), dh_t, M)
        feature_major(dx)[span] = np.matmul(to_x, K[:, : 3 * H])
        da, inputs = flat(K), flat(Z[span])
        dM[: 2 * H] += da[H : 3 * H] @ inputs.T
        dM[2 * H :, H:] += da[:H] @ inputs[H:].T
        da_hn, into_n = (da[3 * H :], inputs[:H]) if reset == "after" else (da[:H], flat(r * h_prev))
        dM[2 * H :, :H] += da_hn @ into_n.T
        db_hn += da_hn.sum(axis=1)
    dparams = GRUParams(W_ih=dM[:, H:-1].copy(), W_hh=dM[:, :H].copy(), b=dM[:, -1].copy(), b_hn=db_hn)
    return dx, HState(dh_t.T.copy()), dparams


def _local_derivatives(A, h_prev, a_hn):
    """What the n steps of a block can compute before the gradient of the step after them is known.

    (n, 4H, B), rows n, r, z and a_hn, or (n, 3H, B) with an empty a_hn. Each row times dh_t is its
    gradient; with reset="before" rows r want the gradient at r * h_{t-1} instead.
    """
    H = A.shape[1] // 3
    r, z, n = A[:, :H], A[:, H : 2 * H], A[:, 2 * H :]
    K = np.empty((len(A), (4 if a_hn.size else 3) * H, A.shape[2]), A.dtype)
    K_n, K_r, K_z, K_hn = K[:, :H], K[:, H : 2 * H], K[:, 2 * H : 3 * H], K[:, 3 * H :]
    np.multiply(1 - z, tanh_derivative(n), K_n)
    np.multiply(h_prev - n, sigmoid_derivative(z), K_z)
    np.multiply(h_prev, sigmoid_derivative(r), K_r)
    if a_hn.size:
        np.multiply(K_n, r, K_hn)
        np.multiply(a_hn, sigmoid_derivative(r), K_r)
        K_r *= K_n
    return K


def _steps_back_after(K, A, dh_above, dh_t, M):
    """From the last step of a block to its first: K becomes da, dh_t the gradient at the state before the block."""
    H = len(dh_t)
    back, v = M[:, :H].T.copy(), np.empty_like(dh_t)  # rows r, z, a_hn of K to dh_{t-1}
    views = (K.reshape(len(K), 4, H, -1), K[:, H:], A[:, H : 2 * H], dh_above)
    for k, k_rzh, z, dh_above_t in zip(*(a[BACKWARDS] for a in views)):
        dh_t += dh_above_t
        k *= dh_t
        dh_t *= z
        dh_t += np.dot(back, k_rzh, v)


def _steps_back_before(K, A, dh_above, dh_t, M):
    """As `_steps_back_after`; r * h_{t-1} has its own gradient on the way."""
    H = len(dh_t)
    back_rz, back_n = M[: 2 * H, :H].T.copy(), M[2 * H :, :H].T.copy()
    v, drh = np.empty_like(dh_t), np.empty_like(dh_t)
    views = (K[:, :H], K[:, H : 2 * H], K[:, 2 * H :], K[:, H:], A[:, :H], A[:, H : 2 * H], dh_above)
    for k_n, k_r, k_z, k_rz, r, z, dh_above_t in zip(*(a[BACKWARDS] for a in views)):
        dh_t += dh_above_t
        k_n *= dh_t
        k_z *= dh_t
        np.dot(back_n, k_n, drh)
        k_r *= drh
        drh *= r
        dh_t *= z
        dh_t += drh
        dh_t += np.dot(back_rz, k_rz, v)
