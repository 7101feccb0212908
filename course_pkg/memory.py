"""A memory that is a matrix: written as outer products of a value and a key, read by a product with a query.

At each step the matrix forgets, erases and writes, in this order, and is then read:

    P_t = S_{t-1} * f_t             forget: column j, the j-th place of a key, keeps the share f_t[j]
    r_t = P_t k_t                   look up what stands at the key
    S_t = P_t + (w_t v_t - e_t r_t) k_t^T    write w_t of the value, erase e_t of what stood there
    y_t = S_t q_t                   read

The lines of the table in `KINDS` differ in which of f, w and e they use. Where w = e the step is one of gradient
descent, of size w, on |S k - v|^2 / 2, which is the delta rule (Widrow and Hoff 1960).

Shapes: q, k (B, T, K), v, y (B, T, V), S (B, V, K); f (B, T, K), or (B, T, 1) for one share for all; w, e (B, T).
Wrong shapes or dtypes raise ValueError.

Sources: Katharopoulos et al. 2020 (linear attention); Sun et al. 2023 (RetNet); Yang et al. 2024 (gated linear
attention); Dao and Gu 2024 (Mamba-2); Schlag, Irie and Schmidhuber 2021 and Yang et al. 2024b (the delta rule);
Yang, Kautz and Hatamizadeh 2025 (gated delta); Beck et al. 2024 (mLSTM).
"""

from typing import NamedTuple

import numpy as np

from course_pkg._validation import require_array, require_choice
from course_pkg.activations import Array


class MemoryTape(NamedTuple):
    """Kept by `memory`."""

    q: Array
    k: Array
    v: Array
    keep: Array  # (B, T, K) or (B, T, 1)
    write: Array  # (B, T)
    erase: Array  # (B, T)
    S: Array  # (B, T + 1, V, K), the states from S_0 to S_T


class MemoryGradients(NamedTuple):
    """The gradient of each argument of `memory`, in its shape."""

    q: Array
    k: Array
    v: Array
    keep: Array
    write: Array
    erase: Array
    S_0: Array


def memory(
    q: Array,
    k: Array,
    v: Array,
    *,
    keep: Array | None = None,
    write: Array | None = None,
    erase: Array | None = None,
    S_0: Array | None = None,
) -> tuple[Array, Array, MemoryTape]:
    """Run a matrix memory over T steps: returns (y (B, T, V), S_T (B, V, K), MemoryTape).

    keep is f, write w and erase e of the module's text; None stands for 1, 1 and 0, and S_0 = None for zeros.
    """
    q, k, v, keep, write, erase, S = _check(q, k, v, keep, write, erase, S_0)
    T = q.shape[1]
    states, y = [S], np.empty_like(v)
    for t in range(T):
        S = step(S, k[:, t], v[:, t], keep[:, t], write[:, t], erase[:, t])
        states.append(S)
        y[:, t] = read(S, q[:, t])
    states = np.stack(states, axis=1)
    return y, states[:, -1].copy(), MemoryTape(q, k, v, keep, write, erase, states)


def step(S: Array, k_t: Array, v_t: Array, f_t: Array, w_t: Array, e_t: Array) -> Array:
    """One step of the memory, S (B, V, K) to S (B, V, K); k_t (B, K), v_t (B, V), f_t (B, K or 1), w_t, e_t (B,)."""
    P = S * f_t[:, None, :]
    u = w_t[:, None] * v_t - e_t[:, None] * read(P, k_t)  # (B, V)
    return P + u[:, :, None] * k_t[:, None, :]


def read(S: Array, q_t: Array) -> Array:
    """S q for each sequence: S (B, V, K), q_t (B, K), returns (B, V)."""
    return np.einsum("bvk,bk->bv", S, q_t)


def memory_backward(dy: Array | None, dS_T: Array | None, tape: MemoryTape) -> MemoryGradients:
    """Gradients of `memory`: dy (B, T, V) and dS_T (B, V, K), each None for zeros. Returns MemoryGradients."""
    q, k, v, keep, write, erase, S = tape
    dy = np.zeros_like(v) if dy is None else dy
    require_array("dy", dy, v.shape, v.dtype)
    dS = np.zeros_like(S[:, -1]) if dS_T is None else dS_T
    require_array("dS_T", dS, S[:, -1].shape, v.dtype)
    into = [np.empty_like(x) for x in (q, k, v, keep, write, erase)]
    for t in reversed(range(q.shape[1])):
        dS = dS + dy[:, t, :, None] * q[:, t, None, :]
        into[0][:, t] = np.einsum("bv,bvk->bk", dy[:, t], S[:, t + 1])
        dS, *rest = step_backward(dS, S[:, t], k[:, t], v[:, t], keep[:, t], write[:, t], erase[:, t])
        for whole, part in zip(into[1:], rest):
            whole[:, t] = part
    return MemoryGradients(*into, dS)


def step_backward(
    dS: Array, S_prev: Array, k_t: Array, v_t: Array, f_t: Array, w_t: Array, e_t: Array
) -> tuple[Array, Array, Array, Array, Array, Array]:
    """Gradients of one `step`: dS (B, V, K), returns (dS_prev, dk_t, dv_t, df_t, dw_t, de_t)."""
    P = S_prev * f_t[:, None, :]
    r = read(P, k_t)
    u = w_t[:, None] * v_t - e_t[:, None] * r
    du = read(dS, k_t)  # (B, V)
    dr = -e_t[:, None] * du
    dP = dS + dr[:, :, None] * k_t[:, None, :]
    # the key has three paths: what is written goes in at it, and what stands at it is looked up and erased
    dk = np.einsum("bvk,bv->bk", dS, u) + np.einsum("bvk,bv->bk", P, dr)
    df = (dP * S_prev).sum(axis=1)
    if f_t.shape[1] == 1:
        df = df.sum(axis=1, keepdims=True)
    dw, de = (du * v_t).sum(axis=1), -(du * r).sum(axis=1)
    return dP * f_t[:, None, :], dk, w_t[:, None] * du, df, dw, de


KINDS = {
    "linear attention": {},
    "RetNet": {"keep": "constant"},
    "Mamba-2": {"keep": "one"},
    "GLA": {"keep": "each"},
    "DeltaNet": {"erase": "write"},
    "gated DeltaNet": {"keep": "one", "erase": "write"},
    "KDA": {"keep": "each", "erase": "write"},
}


def by_kind(
    kind: str,
    q: Array,
    k: Array,
    v: Array,
    *,
    keep: Array | float | None = None,
    write: Array | None = None,
    S_0: Array | None = None,
) -> tuple[Array, Array, MemoryTape]:
    """Run the line `kind` of the table `KINDS`; returns what `memory` returns.

    keep: what the kind calls for. For "constant" one number from 0 to 1, for "one" an array (B, T, 1), for "each" one
    of (B, T, K), and None where the kind does not forget. write (B, T) or None for 1: where the kind erases, it erases
    the same share of what stood there. Raises ValueError for a kind or a keep that does not belong to it.
    """
    require_choice("kind", kind, KINDS)
    forgets = KINDS[kind].get("keep")
    if (keep is None) != (forgets is None):
        raise ValueError(f"keep: got {'None' if keep is None else 'a value'}, wanted {forgets or 'None'} for {kind}")
    require_array("q", q, ("B", "T", "K"))
    B, T, K = q.shape
    if forgets == "constant":
        keep = np.full((B, T, 1), keep, q.dtype)
    elif forgets is not None:
        require_array("keep", keep, (B, T, 1 if forgets == "one" else K), q.dtype)
    if write is None:
        write = np.ones((B, T), q.dtype)
    erase = write if KINDS[kind].get("erase") == "write" else None
    return memory(q, k, v, keep=keep, write=write, erase=erase, S_0=S_0)


def _check(q, k, v, keep, write, erase, S_0):
    """All arguments as arrays of their full meaning, copied, since the tape keeps them."""
    require_array("q", q, ("B", "T", "K"))
    B, T, K = q.shape
    require_array("k", k, (B, T, K), q.dtype)
    require_array("v", v, (B, T, "V"), q.dtype)
    V = v.shape[2]
    keep = np.ones((B, T, 1), q.dtype) if keep is None else keep
    require_array("keep", keep, (B, T, 1 if np.shape(keep)[-1:] == (1,) else K), q.dtype)
    write = np.ones((B, T), q.dtype) if write is None else write
    erase = np.zeros((B, T), q.dtype) if erase is None else erase
    S_0 = np.zeros((B, V, K), q.dtype) if S_0 is None else S_0
    for name, a, shape in (("write", write, (B, T)), ("erase", erase, (B, T)), ("S_0", S_0, (B, V, K))):
        require_array(name, a, shape, q.dtype)
    return tuple(a.copy() for a in (q, k, v, keep, write, erase, S_0))
