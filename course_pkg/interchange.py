"""Weights to and from other libraries, which write the same networks down differently.

torch.nn.RNN, LSTM and GRU have our rows (i, f, g, o and r, z, n) and two biases where we have one. Keras
has the same gates in columns, the GRU's in the order z, r, n. Some texts write the GRU's update gate with
the other sign. Each converter gives the same function; what the other side cannot express raises
ValueError with the reason.
Sources: the documentation of torch.nn.LSTM and torch.nn.GRU; keras.layers.LSTM, GRU and SimpleRNN, whose
layout was checked against Keras 3.15.
"""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from course_pkg._validation import require_choice
from course_pkg.activations import Array
from course_pkg.cells import CELLS, Cell, GRUParams, by_name
from course_pkg.stacks import LayerParams

KINDS = {cell.params: cell for cell in CELLS}  # which cell some parameters are of


def to_torch(params: Any, layer: int | str | None = 0, *, reset: str = "after", nonlinearity: str = "tanh") -> dict:
    """A state dict (torch tensors, dtype kept) that torch.nn.RNN, LSTM or GRU loads.

    params: a cell's, which become those of `layer`; or a whole stack, a tuple of LayerParams. All of the
    bias goes into bias_ih; bias_hh is zero, except the GRU's b_hn. `reset` and `nonlinearity` are what the
    parameters were trained with. `from_torch` gives back the same bits.
    """
    import torch

    if reset != "after":
        raise ValueError(
            f"reset: got {reset!r}, which torch.nn.GRU cannot express: its r multiplies W_hn h + b_hn, "
            "after the product; wanted 'after'"
        )
    if nonlinearity not in ("tanh", "relu"):
        raise ValueError(f"nonlinearity: got {nonlinearity!r}, wanted 'tanh' or 'relu', all that torch.nn.RNN has")
    cells = {f"_l{layer}": params} if type(params) in KINDS else _suffixed(params)
    arrays = {}
    for suffix, p in cells.items():
        b_hh = np.zeros_like(p.b)
        if isinstance(p, GRUParams):
            b_hh[-len(p.b_hn) :] = p.b_hn
        named = {"weight_ih": p.W_ih, "weight_hh": p.W_hh, "bias_ih": p.b, "bias_hh": b_hh}
        arrays.update({name + suffix: a for name, a in named.items()})
    return {name: torch.from_numpy(np.array(a)) for name, a in arrays.items()}


def _suffixed(stack):
    """{"_l0": params, "_l0_reverse": ...} of a stack. Raises where torch.nn's networks are less general."""
    if not isinstance(stack, tuple) or not stack or not all(type(layer) is LayerParams for layer in stack):
        raise ValueError(f"params: got {type(stack).__name__}, wanted a cell's parameters or a tuple of LayerParams")
    first, cells = stack[0], {}
    for n, layer in enumerate(stack):
        if layer.norm is not None:
            raise ValueError(f"params[{n}].norm: got a layer norm, which torch.nn.RNN, LSTM and GRU do not have")
        if (layer.reverse is None) != (first.reverse is None):
            raise ValueError(f"params[{n}].reverse: torch.nn has all layers in both directions, or none")
        directions = {"": layer.forward} if layer.reverse is None else {"": layer.forward, "_reverse": layer.reverse}
        for name, p in directions.items():
            if type(p) not in KINDS:
                raise ValueError(f"params[{n}]: got {type(p).__name__}, a cell that torch.nn does not have")
            if type(p) is not type(first.forward) or p.W_hh.shape != first.forward.W_hh.shape:
                raise ValueError(f"params[{n}]: torch.nn has the same cell and as many units in every layer")
            cells[f"_l{n}{name}"] = p
    return cells


def from_torch(state_dict: Mapping, cell: str | Cell, layer: int | str | None = 0) -> Any:
    """The parameters of `layer` of a torch.nn.RNN, LSTM or GRU, or with layer=None the whole stack.

    Two biases become one: the same function with fewer numbers. A network without biases gets zeros.
    A name such as "0_reverse" for `layer` gives the reverse direction of a layer.
    """
    cell = _theirs(cell)
    if layer is not None:
        return _one_from_torch(state_dict, cell, f"_l{layer}")
    depth = sum(name.startswith("weight_ih_l") and not name.endswith("_reverse") for name in state_dict)
    bidirectional = "weight_ih_l0_reverse" in state_dict
    return tuple(
        LayerParams(
            forward=_one_from_torch(state_dict, cell, f"_l{n}"),
            reverse=_one_from_torch(state_dict, cell, f"_l{n}_reverse") if bidirectional else None,
        )
        for n in range(max(depth, 1))
    )


def _one_from_torch(state_dict, cell, suffix):
    if f"weight_hr{suffix}" in state_dict:
        raise ValueError(
            f"state_dict: got weight_hr{suffix}, a projection (proj_size), wanted none: cells here have none"
        )
    without = not any(name.startswith("bias_") for name in state_dict)
    names = [name + suffix for name in ("weight_ih", "weight_hh", *(() if without else ("bias_ih", "bias_hh")))]
    missing = [name for name in names if name not in state_dict]
    if missing:
        raise ValueError(f"state_dict: got no {', '.join(missing)}, wanted the names of torch.nn.{cell.name.upper()}")
    tensors = [state_dict[name].detach().cpu() for name in names]
    for name, tensor in zip(names, tensors):
        if str(tensor.dtype) not in ("torch.float32", "torch.float64"):
            raise ValueError(f"state_dict: got {name} of dtype {tensor.dtype}, wanted float32 or float64")
    arrays = [np.array(tensor.numpy()) for tensor in tensors]
    W_ih, W_hh = arrays[:2]
    rows, H = W_hh.shape
    n = len(cell.gates)
    if rows != n * H:
        raise ValueError(f"state_dict: got weight_hh{suffix} of shape {W_hh.shape}, wanted ({n} H, H) for {cell.name}")
    b_ih, b_hh = arrays[2:] or np.zeros((2, rows), W_hh.dtype)
    extra = (b_hh[2 * H :].copy(),) if cell.params is GRUParams else ()
    if extra:
        b_hh[2 * H :] = 0
    # Where there is nothing to add nothing is added: -0.0 + 0.0 would be 0.0, and the bits not the same.
    return cell.params(W_ih, W_hh, np.where(b_hh == 0, b_ih, b_ih + b_hh), *extra)


def _theirs(cell):
    """The record of a cell that PyTorch and Keras have too."""
    cell = by_name(cell)
    if cell.params not in KINDS:
        raise ValueError(f"cell: got {cell.name}, wanted one that PyTorch and Keras have: rnn, lstm or gru")
    return cell


def flip_update_gate(params: GRUParams) -> GRUParams:
    """GRUParams for the other sign of z, or back from it.

    There h_t = z n + (1 - z) h_{t-1} (Chung et al. 2014). sigmoid(-a) = 1 - sigmoid(a),
    so the rows of z change sign. The function stays the same.
    """
    if type(params) is not GRUParams:
        raise ValueError(f"params: got {type(params).__name__}, wanted GRUParams")
    H = len(params.b_hn)
    W_ih, W_hh, b = (a.copy() for a in params[:3])
    for a in (W_ih, W_hh, b):
        a[H : 2 * H] *= -1
    return GRUParams(W_ih, W_hh, b, params.b_hn.copy())


def _swap_r_z(a):
    """The rows r, z, n as z, r, n, or back."""
    r, z, n = np.split(a, 3)
    return np.concatenate([z, r, n])


def to_keras(params: tuple, *, reset: str = "after") -> list[Array]:
    """The list of arrays that `set_weights` of keras.layers.SimpleRNN, LSTM or GRU takes.

    [kernel (D, n H), recurrent_kernel (H, n H), bias]. bias is (n H,), but (2, 3H) for a GRU with
    reset="after" (Keras's reset_after=True, its default). The layer's activations must be those of `cells`.
    """
    require_choice("reset", reset, ("after", "before"))
    if type(params) not in KINDS:
        raise ValueError(f"params: got {type(params).__name__}, wanted RNNParams, LSTMParams or GRUParams")
    W_ih, W_hh, b, *b_hn = params
    if b_hn:
        b_hh = np.concatenate([np.zeros_like(b[: -len(b_hn[0])]), b_hn[0]])
        W_ih, W_hh, b, b_hh = map(_swap_r_z, (W_ih, W_hh, b, b_hh))
        b = np.stack([b, b_hh]) if reset == "after" else b + b_hh
    return [W_ih.T.copy(), W_hh.T.copy(), b.copy()]


def from_keras(weights: Sequence, cell: str | Cell) -> tuple:
    """Parameters from `get_weights()` of keras.layers.SimpleRNN, LSTM or GRU.

    A GRU whose bias is (2, 3H) is one with reset="after"; where it is (3H,), the parameters are for
    reset="before". A layer without a bias gets zeros.
    """
    cell = _theirs(cell)
    if len(weights) not in (2, 3):
        raise ValueError(f"weights: got {len(weights)} arrays, wanted kernel, recurrent_kernel and bias")
    W_ih, W_hh = (np.array(a).T.copy() for a in weights[:2])
    rows, H = W_hh.shape
    b = np.array(weights[2]) if len(weights) == 3 else np.zeros(rows, W_hh.dtype)
    n, gru = len(cell.gates), cell.params is GRUParams
    if rows != n * H or len(W_ih) != rows or b.shape[-1] != rows or b.ndim > 1 + gru:
        shapes = [np.shape(a) for a in weights]
        raise ValueError(f"weights: got shapes {shapes}, wanted (D, n H), (H, n H), (n H,) with n = {n}")
    if not gru:
        return cell.params(W_ih, W_hh, b)
    b_ih, b_hh = b if b.ndim == 2 else (b, np.zeros_like(b))
    W_ih, W_hh, b_ih, b_hh = map(_swap_r_z, (W_ih, W_hh, b_ih, b_hh))
    b_hn = b_hh[2 * H :].copy()
    b_hh[2 * H :] = 0
    return GRUParams(W_ih, W_hh, b_ih + b_hh, b_hn)
