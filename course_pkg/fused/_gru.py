"""The GRU over a whole sequence. For the equations, one step at a time, see `cells.gru_step`.

Its gates r and z are linear in h_{t-1}, x_t and 1, as in the LSTM. Its candidate n is not: r stands
between h_{t-1} and n. So W_in x_t + b_n is computed for all steps first, and a step makes two products:
one for both gates, one for what r is multiplied with.
"""

from typing import NamedTuple

import numpy as np
from numpy import add, multiply, subtract, tanh

from course_pkg._validation import require_choice
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
from course_pkg.records import GRUParams, HState

RESETS = ("after", "before")


class GRUTape(NamedTuple):
    """What the backward pass needs, feature-major."""

    Z: Array  # (T+1, H+D+1, B): h_{t-1}, x_t, 1
    A: Array  # (T, 3H, B): r, z, n
    a_hn: Array  # (T, H, B): W_hn h_{t-1} + b_hn, which r multiplies; empty with reset="before"
    M: Array  # (3H, H+D+1): [W_hh W_ih b], rows r, z, n
    reset: str


def gru(x: Array, state: HState | None, params: GRUParams, *, reset: str = "after") -> tuple[Array, HState, GRUTape]:
    """The GRU over x (B, T, D) from `state` (HState of (B, H), or None for zeros).

    reset: "after" the product with W_hn, as PyTorch, or "before" it, as Cho et al. 2014.
    Returns (h (B, T, H), state_T, tape). Raises ValueError for wrong types, shapes or dtypes.
    """
    require_choice("reset", reset, RESETS)
    B, T, D, H = require_layer(x, state, params, HState, GRUParams, gates=3)
    after = reset == "after"
    Z, A, a_hn = room(x.dtype, (T + 1, H + D + 1, B), (T, 3 * H, B), (T if after else 0, H, B))
    stack_up(Z, x, state)
    M = joined(params)
    np.matmul(M[2 * H :, H:], Z[:-1, H:], out=A[:, 2 * H :])  # W_in x_t + b_n
    b_hn = params.b_hn[:, None] + np.zeros(B, x.dtype)  # (H, B)
    if after:
        _steps_after(Z, A, a_hn, M, b_hn)
    else:
        A[:, 2 * H :] += b_hn  # nothing stands between this bias and n
        _steps_before(Z, A, M)
    return batch_major(Z[1:, :H]), HState(Z[T, :H].T.copy()), GRUTape(Z, A, a_hn, M, reset)


def _forward_views(Z, A, M):
    """What both forward loops use: (times W_rz, times W_hn, 1/2, (z, gates, r, z, n, h_{t-1}, h_t) of every step)."""
    H, B = len(M) // 3, Z.shape[2]
    half = np.array(0.5, M.dtype)  # an array, because NumPy makes one of a Python number at every call
    W_rz = M[: 2 * H] * half  # sigmoid(a) = tanh(a / 2) / 2 + 1 / 2
    views = zip(Z, A[:, : 2 * H], A[:, :H], A[:, H : 2 * H], A[:, 2 * H :], Z[:, :H], Z[1:, :H])
    return multiplier(W_rz, B), multiplier(M[2 * H :, :H].copy(), B), half, views


def _steps_after(Z, A, a_hn, M, b_hn):
    """Every step with n = tanh(a_in + r * (W_hn h + b_hn)), written into Z, A and a_hn."""
    to_rz, to_hn, half, views = _forward_views(Z, A, M)
    u = np.empty_like(b_hn)
    for (z_t, gates_t, r, z, n, h_prev, h_t), a_hn_t in zip(views, a_hn):
        to_rz(z_t, gates_t)  # into gates_t; likewise below
        tanh(gates_t, gates_t)
        multiply(gates_t, half, gates_t)
        add(gates_t, half, gates_t)
        to_hn(h_prev, a_hn_t)
        add(a_hn_t, b_hn, a_hn_t)
        multiply(r, a_hn_t, u)
        add(n, u, n)
        tanh(n, n)
        subtract(h_prev, n, u)
        multiply(u, z, u)
        add(n, u, h_t)  # h_t = n + z * (h_{t-1} - n)


def _steps_before(Z, A, M):
    """Every step with n = tanh(a_in + b_hn + W_hn (r * h)), written into Z and A."""
    to_rz, to_hn, half, views = _forward_views(Z, A, M)
    H = len(M) // 3
    u, rh = np.empty_like(A[0, :H]), np.empty_like(A[0, :H])
    for z_t, gates_t, r, z, n, h_prev, h_t in views:
        to_rz(z_t, gates_t)
        tanh(gates_t, gates_t)
        multiply(gates_t, half, gates_t)
        add(gates_t, half, gates_t)
        multiply(r, h_prev, rh)
        to_hn(rh, u)
        add(n, u, n)
        tanh(n, n)
        subtract(h_prev, n, u)
        multiply(u, z, u)
        add(n, u, h_t)


def gru_backward(dh: Array | None, dstate: HState | None, tape: GRUTape) -> tuple[Array, HState, GRUParams]:
    """Gradients from dh (B, T, H) and dstate (HState), None for zeros: (dx, dstate_0, dparams)."""
    require_tape(tape, GRUTape)
    Z, A, a_hn, M, reset = tape
    T, H, B = A.shape[0], A.shape[1] // 3, A.shape[2]
    D = Z.shape[1] - H - 1
    dh, (dh_t,) = require_upstream(dh, dstate, HState, (B, T, H), Z.dtype)
    dx, dM, db_hn = np.empty((B, T, D), Z.dtype), np.zeros_like(M), np.zeros(H, Z.dtype)
    to_x = np.concatenate([M[2 * H :], M[: 2 * H]])[:, H:-1].T.copy()  # (D, 3H), columns n, r, z
    U = M[:, :H]
    if reset == "after":
        steps_back, back = _steps_back_after, [multiplier(U.T.copy(), B)]
    else:
        parts = U[: 2 * H], U[2 * H :]
        steps_back, back = _steps_back_before, [multiplier(part.T.copy(), B) for part in parts]
    spans = blocks(T, 4 * H * B)
    work = rooms(Z.dtype, spans, (4 * H if reset == "after" else 3 * H, B), (H, B), (D, B))
    for span, (K, dh_above, dx_block) in zip(spans, work):
        r, h_prev = A[span, :H], Z[span, :H]
        # Rows n, r, z of K become the gradients da at the sums inside n, r and z; with reset="after" the
        # last rows become the one at a_hn. dx wants the first three parts, dh_{t-1} the last three.
        _local_derivatives(A[span], h_prev, a_hn[span], K)
        dh_above[:] = feature_major(dh)[span]
        steps_back(K, A[span], dh_above, dh_t, *back)
        feature_major(dx)[span] = np.matmul(to_x, K[:, : 3 * H], out=dx_block)
        da, inputs = flat(K), flat(Z[span])
        dM[: 2 * H] += da[H : 3 * H] @ inputs.T
        dM[2 * H :, H:] += da[:H] @ inputs[H:].T
        da_hn, into_n = (da[3 * H :], inputs[:H]) if reset == "after" else (da[:H], flat(r * h_prev))
        dM[2 * H :, :H] += da_hn @ into_n.T
        db_hn += da_hn.sum(axis=1)
    dparams = GRUParams(W_ih=dM[:, H:-1].copy(), W_hh=dM[:, :H].copy(), b=dM[:, -1].copy(), b_hn=db_hn)
    return dx, HState(dh_t.T.copy()), dparams


def _local_derivatives(A, h_prev, a_hn, K):
    """What the steps of a block can compute before the gradient of the step after them is known.

    Each row of K times dh_t is its gradient; with reset="before" rows r want the gradient at r * h_{t-1}.
    """
    H = A.shape[1] // 3
    r, n = A[:, :H], A[:, 2 * H :]
    K_n, K_r, K_z, K_hn = K[:, :H], K[:, H : 2 * H], K[:, 2 * H : 3 * H], K[:, 3 * H :]
    K_rz, rz = K[:, H : 3 * H], A[:, : 2 * H]
    subtract(1, rz, K_rz)
    tanh_derivative_into(n, K_n)
    K_n *= K_z  # here still 1 - z
    K_rz *= rz
    K_z *= h_prev - n
    if a_hn.size:
        multiply(K_n, r, K_hn)
        K_r *= a_hn
        K_r *= K_n
    else:
        K_r *= h_prev


def _steps_back_after(K, A, dh_above, dh_t, back):
    """From the last step of a block to its first: K becomes da, dh_t the gradient at the state before the block.

    back, the product with (H, 3H), takes rows r, z and a_hn of K to dh_{t-1}.
    """
    H, v = len(dh_t), np.empty_like(dh_t)
    rows = (K[:, k * H : (k + 1) * H] for k in range(4))
    views = (*rows, K[:, H:], A[:, H : 2 * H], dh_above)
    for k_n, k_r, k_z, k_hn, k_rzh, z, dh_above_t in zip(*(a[BACKWARDS] for a in views)):
        add(dh_t, dh_above_t, dh_t)
        multiply(k_n, dh_t, k_n)
        multiply(k_r, dh_t, k_r)
        multiply(k_z, dh_t, k_z)
        multiply(k_hn, dh_t, k_hn)
        multiply(dh_t, z, dh_t)
        back(k_rzh, v)
        add(dh_t, v, dh_t)


def _steps_back_before(K, A, dh_above, dh_t, back_rz, back_n):
    """As `_steps_back_after`; r * h_{t-1} has its own gradient, drh, on the way."""
    H = len(dh_t)
    v, drh = np.empty_like(dh_t), np.empty_like(dh_t)
    views = (K[:, :H], K[:, H : 2 * H], K[:, 2 * H :], K[:, H:], A[:, :H], A[:, H : 2 * H], dh_above)
    for k_n, k_r, k_z, k_rz, r, z, dh_above_t in zip(*(a[BACKWARDS] for a in views)):
        add(dh_t, dh_above_t, dh_t)
        multiply(k_n, dh_t, k_n)
        multiply(k_z, dh_t, k_z)
        back_n(k_n, drh)
        multiply(k_r, drh, k_r)
        multiply(drh, r, drh)
        multiply(dh_t, z, dh_t)
        add(dh_t, drh, dh_t)
        back_rz(k_rz, v)
        add(dh_t, v, dh_t)
