"""State-space layers: a linear recurrence with many numbers for each feature, constant (LRU) or chosen by the input.

Shapes, protocol and errors as in `linear_cells`; N is the number of complex states of an LRU, or of real states for
each feature of the selective layer.

Sources: Orvieto et al. 2023 (LRU); Gu, Goel and Re 2022 and Gu et al. 2022 (S4 and its diagonal form, whose states are
those of an LRU with other starting values); Gu and Dao 2024 (the selective layer).
"""

from typing import Any, NamedTuple

import numpy as np

from course_pkg._validation import require_array
from course_pkg.activations import Array
from course_pkg.scan import scan, scan_backward


class LRUParams(NamedTuple):
    """lambda = exp(-exp(nu) + i theta): a gate of fixed size that turns by a fixed angle."""

    nu: Array  # (N,)
    theta: Array  # (N,)
    B_re: Array  # (N, D)
    B_im: Array  # (N, D)
    C_re: Array  # (D, N)
    C_im: Array  # (D, N)
    D: Array  # (D,)


class SelectiveParams(NamedTuple):
    """The step size of each feature, and what is written and read, are computed from x."""

    W_delta: Array  # (D, D)
    b_delta: Array  # (D,)
    W_B: Array  # (N, D)
    W_C: Array  # (N, D)
    A_log: Array  # (D, N), A = -exp(A_log)
    D: Array  # (D,)


class StateTape(NamedTuple):
    """Kept by the layers of this module."""

    x: Array
    params: Any
    kept: tuple
    scan: Any


def lru_gate(params: LRUParams) -> tuple[np.ndarray, np.ndarray]:
    """(lambda, gamma), each (N,): the complex gate, and sqrt(1 - |lambda|^2), which keeps the state's size."""
    size = np.exp(-np.exp(params.nu))
    return size * np.exp(1j * params.theta), np.sqrt(1 - size**2)


def lru(
    x: Array, h_0: np.ndarray | None, params: LRUParams, *, how: str = "chunked", chunk: int = 64
) -> tuple[Array, np.ndarray, StateTape]:
    """s_t = lambda * s_{t-1} + gamma * B x_t, y_t = Re(C s_t) + D x_t: returns (y (B, T, D), s_T, StateTape).

    h_0 (B, N) complex or None; s_T likewise.
    """
    require_array("x", x, ("B", "T", "D"))
    N, D = len(params.nu), x.shape[2]
    shapes = LRUParams((N,), (N,), (N, D), (N, D), (D, N), (D, N), (D,))
    for name, a, shape in zip(params._fields, params, shapes):
        require_array(f"params.{name}", a, shape, x.dtype)
    gate, gamma = lru_gate(params)
    gate = gate.astype(np.result_type(x.dtype, np.complex64))
    inward = x @ (params.B_re + 1j * params.B_im).T.astype(gate.dtype)  # B x
    a = np.broadcast_to(gate, inward.shape)
    s, tape = scan(np.ascontiguousarray(a), gamma * inward, h_0, how=how, chunk=chunk)
    y = (s @ (params.C_re + 1j * params.C_im).T).real + params.D * x
    return y.astype(x.dtype), s[:, -1].copy(), StateTape(x.copy(), params, (gate, gamma, inward, s.copy()), tape)


def lru_backward(dy: Array | None, ds_T: np.ndarray | None, tape: StateTape) -> tuple[Array, np.ndarray, LRUParams]:
    """Gradients of `lru`: dy (B, T, D) and ds_T (B, N) complex, each None for zeros. Returns (dx, ds_0, LRUParams).

    A gradient of a complex number is dL/d(real part) + i dL/d(imaginary part).
    """
    x, params, (gate, gamma, inward, s), kept = tape
    dy = np.zeros_like(x) if dy is None else dy
    require_array("dy", dy, x.shape, x.dtype)
    over = ((0, 1), (0, 1))
    C, B = params.C_re + 1j * params.C_im, params.B_re + 1j * params.B_im
    ds = dy @ C.conj()
    if ds_T is not None:
        ds[:, -1] += ds_T
    dC = np.tensordot(dy, s.conj(), axes=over)
    da, dwritten, ds_0 = scan_backward(ds.astype(s.dtype), kept)
    dgate = da.sum(axis=(0, 1))
    dgamma = (dwritten * inward.conj()).sum(axis=(0, 1)).real
    dinward = gamma * dwritten
    dB = np.tensordot(dinward, x, axes=over)
    dx = (dinward @ B.conj()).real + params.D * dy
    size = np.abs(gate)
    dsize = (dgate * gate.conj()).real / size - dgamma * size / gamma
    dtheta = (dgate * (1j * gate).conj()).real
    dnu = -dsize * size * np.exp(params.nu)
    grads = (dnu, dtheta, dB.real, dB.imag, dC.real, dC.imag, (dy * x).sum(axis=(0, 1)))
    return dx.astype(x.dtype), ds_0, LRUParams(*(np.ascontiguousarray(g, dtype=x.dtype) for g in grads))


def softplus(a: Array) -> Array:
    """log(1 + exp(a)), any shape, without overflow."""
    return np.logaddexp(np.zeros((), a.dtype), a)


def selective(
    x: Array, s_0: Array | None, params: SelectiveParams, *, how: str = "chunked", chunk: int = 64
) -> tuple[Array, Array, StateTape]:
    """A selective state-space layer: returns (y (B, T, D), s_T (B, D, N), StateTape).

    delta = softplus(W_delta x + b), s_t = exp(delta A) * s_{t-1} + delta * x * (W_B x), y_t = s_t (W_C x) + D x.
    s_0 (B, D, N) or None.
    """
    require_array("x", x, ("B", "T", "D"))
    B, T, D = x.shape
    N = len(params.W_B)
    shapes = SelectiveParams((D, D), (D,), (N, D), (N, D), (D, N), (D,))
    for name, a, shape in zip(params._fields, params, shapes):
        require_array(f"params.{name}", a, shape, x.dtype)
    a_delta = x @ params.W_delta.T + params.b_delta
    delta, inward, outward = softplus(a_delta), x @ params.W_B.T, x @ params.W_C.T
    keep = np.exp(delta[..., None] * -np.exp(params.A_log))  # (B, T, D, N)
    written = (delta * x)[..., None] * inward[:, :, None, :]
    if s_0 is not None:
        require_array("s_0", s_0, (B, D, N), x.dtype)
        s_0 = s_0.reshape(B, D * N)
    s, tape = scan(keep.reshape(B, T, -1), written.reshape(B, T, -1), s_0, how=how, chunk=chunk)
    s = s.reshape(B, T, D, N)
    y = np.einsum("btdn,btn->btd", s, outward) + params.D * x
    return y, s[:, -1].copy(), StateTape(x.copy(), params, (a_delta, delta, inward, outward, keep, s), tape)


def selective_backward(dy: Array | None, ds_T: Array | None, tape: StateTape) -> tuple[Array, Array, SelectiveParams]:
    """Gradients of `selective`: dy (B, T, D), ds_T (B, D, N), each None for zeros. Returns (dx, ds_0, params)."""
    x, params, (a_delta, delta, inward, outward, keep, s), kept = tape
    B, T, D, N = s.shape
    dy = np.zeros_like(x) if dy is None else dy
    require_array("dy", dy, x.shape, x.dtype)
    ds = dy[..., None] * outward[:, :, None, :]
    if ds_T is not None:
        require_array("ds_T", ds_T, (B, D, N), x.dtype)
        ds[:, -1] += ds_T
    dkeep, dwritten, ds_0 = (g.reshape(*g.shape[:-1], D, N) for g in scan_backward(ds.reshape(B, T, -1), kept))
    doutward = np.einsum("btdn,btd->btn", s, dy)
    dinward = np.einsum("btdn,btd->btn", dwritten, delta * x)
    dproduct = np.einsum("btdn,btn->btd", dwritten, inward)  # at delta * x
    dexponent = dkeep * keep  # at delta A
    A = -np.exp(params.A_log)
    ddelta = dproduct * x + np.einsum("btdn,dn->btd", dexponent, A)
    da = ddelta * 0.5 * (1 + np.tanh(0.5 * a_delta))  # the slope of softplus is the sigmoid
    over = ((0, 1), (0, 1))
    dx = params.D * dy + dproduct * delta + da @ params.W_delta + dinward @ params.W_B + doutward @ params.W_C
    dparams = SelectiveParams(
        W_delta=np.tensordot(da, x, axes=over),
        b_delta=da.sum(axis=(0, 1)),
        W_B=np.tensordot(dinward, x, axes=over),
        W_C=np.tensordot(doutward, x, axes=over),
        A_log=np.einsum("btdn,btd->dn", dexponent, delta) * A,
        D=(dy * x).sum(axis=(0, 1)),
    )
    return dx, ds_0, dparams
