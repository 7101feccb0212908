"""The plain RNN over a whole sequence. For the equation, one step at a time, see `cells.rnn_step`."""

from typing import NamedTuple

import numpy as np
from numpy import add, multiply, tanh

from course_pkg._validation import require_choice
from course_pkg.activations import LEAKY_SLOPE, NONLINEARITIES, Array
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
    rooms,
    stack_up,
)
from course_pkg.records import HState, RNNParams


class RNNTape(NamedTuple):
    """What the backward pass needs, feature-major."""

    Z: Array  # (T+1, H+D+1, B): h_{t-1}, x_t, 1
    M: Array  # (H, H+D+1): [W_hh W_ih b]
    nonlinearity: str


def _sigmoid(a, half):
    tanh(a, a)
    multiply(a, half, a)
    add(a, half, a)


# The functions of `activations.NONLINEARITIES`, written over their input. The sigmoid is given a / 2.
IN_PLACE = {
    "tanh": lambda a, half: tanh(a, a),
    "sigmoid": _sigmoid,
    "relu": lambda a, half: np.maximum(a, 0, out=a),
    "leaky_relu": lambda a, half: np.maximum(a, LEAKY_SLOPE * a, out=a),
}


def rnn(
    x: Array, state: HState | None, params: RNNParams, *, nonlinearity: str = "tanh"
) -> tuple[Array, HState, RNNTape]:
    """The RNN over x (B, T, D) from `state` (HState of (B, H), or None for zeros).

    nonlinearity: "tanh", "sigmoid", "relu" or "leaky_relu". Returns (h (B, T, H), state_T, tape).
    Raises ValueError for wrong types, shapes or dtypes.
    """
    require_choice("nonlinearity", nonlinearity, NONLINEARITIES)
    B, T, D, H = require_layer(x, state, params, HState, RNNParams, gates=1)
    Z, M, half = np.empty((T + 1, H + D + 1, B), x.dtype), joined(params), np.array(0.5, x.dtype)
    stack_up(Z, x, state)
    phi, matrix = IN_PLACE[nonlinearity], M * half if nonlinearity == "sigmoid" else M
    product = multiplier(matrix, B)
    for z_t, h_t in zip(Z, Z[1:, :H]):
        product(z_t, h_t)  # into h_t
        phi(h_t, half)
    return batch_major(Z[1:, :H]), HState(Z[T, :H].T.copy()), RNNTape(Z, M, nonlinearity)


def rnn_backward(dh: Array | None, dstate: HState | None, tape: RNNTape) -> tuple[Array, HState, RNNParams]:
    """Gradients from dh (B, T, H) and dstate (HState), None for zeros: (dx, dstate_0, dparams)."""
    require_tape(tape, RNNTape)
    Z, M, nonlinearity = tape
    T, H, B = len(Z) - 1, len(M), Z.shape[2]
    D = Z.shape[1] - H - 1
    dh, (dh_t,) = require_upstream(dh, dstate, HState, (B, T, H), Z.dtype)
    dx, dM = np.empty((B, T, D), Z.dtype), np.zeros_like(M)
    back = multiplier(M[:, :-1].T.copy(), B)  # (H+D, H): da_t to dh_{t-1} and dx_t in one product
    _, phi_derivative = NONLINEARITIES[nonlinearity]
    spans = blocks(T, 2 * H * B)
    for span, (dh_above, dz) in zip(spans, rooms(Z.dtype, spans, (H, B), (H + D, B))):
        da = phi_derivative(Z[span.start + 1 : span.stop + 1, :H])  # times dh it will be da
        dh_above[:] = feature_major(dh)[span]
        for da_t, dh_above_t, dz_t in zip(da[BACKWARDS], dh_above[BACKWARDS], dz[BACKWARDS]):
            add(dh_t, dh_above_t, dh_t)
            multiply(da_t, dh_t, da_t)
            back(da_t, dz_t)
            dh_t = dz_t[:H]
        dM += flat(da) @ flat(Z[span]).T
        feature_major(dx)[span] = dz[:, H:]
    dparams = RNNParams(W_ih=dM[:, H:-1].copy(), W_hh=dM[:, :H].copy(), b=dM[:, -1].copy())
    return dx, HState(dh_t.T.copy()), dparams
