"""Starting values, counts, and weights to and from PyTorch.

Layout and names follow torch.nn.LSTM, GRU and RNN. PyTorch adds two biases where one is enough;
here the two are one, except the GRU's b_hn, which stands inside the product with r.
Sources: Glorot and Bengio 2010; Saxe et al. 2014 (orthogonal); Le, Jaitly and Hinton 2015
(identity); Gers et al. 2000 and Jozefowicz et al. 2015 (forget bias).
"""

import numpy as np

from course_pkg.cells import GRUParams, LSTMParams, RNNParams
from course_pkg.validation import require_choice

GATES = {RNNParams: 1, LSTMParams: 4, GRUParams: 3}
CELLS = {"rnn": RNNParams, "lstm": LSTMParams, "gru": GRUParams}


def glorot(shape, rng, dtype=np.float64):
    """Uniform in +-sqrt(6 / (rows + columns)), for a (rows, columns) weight matrix."""
    limit = np.sqrt(6.0 / sum(shape))
    return rng.uniform(-limit, limit, shape).astype(dtype)


def orthogonal(n, rng, dtype=np.float64):
    """A random n x n orthogonal matrix, uniform over all of them (QR of a normal matrix, signs fixed)."""
    q, r = np.linalg.qr(rng.normal(size=(n, n)))
    return (q * np.sign(np.diag(r))).astype(dtype)


def identity(n, rng=None, dtype=np.float64):
    """The n x n identity; `rng` is ignored, so that it can stand where `orthogonal` does."""
    return np.eye(n, dtype=dtype)


def _square_glorot(n, rng, dtype):
    return glorot((n, n), rng, dtype)


RECURRENT = {"orthogonal": orthogonal, "glorot": _square_glorot, "identity": identity}


def init(cell, D, H, rng, *, recurrent="orthogonal", forget_bias=1.0, dtype=np.float64):
    """Starting parameters of one layer of `cell` ("rnn", "lstm" or "gru"), D inputs and H units.

    Input weights are Glorot per gate; recurrent weights are `recurrent` ("orthogonal", "glorot" or
    "identity") per gate; biases are zero, but the LSTM's forget gate starts at `forget_bias`.
    """
    require_choice("cell", cell, CELLS)
    require_choice("recurrent", recurrent, RECURRENT)
    for name, size in (("D", D), ("H", H)):
        if size < 1:
            raise ValueError(f"{name}: got {size}, wanted at least 1")
    gates = GATES[CELLS[cell]]
    W_ih = np.concatenate([glorot((H, D), rng, dtype) for _ in range(gates)])
    W_hh = np.concatenate([RECURRENT[recurrent](H, rng, dtype) for _ in range(gates)])
    b = np.zeros(gates * H, dtype)
    if cell == "lstm":
        b[H : 2 * H] = forget_bias
    extra = (np.zeros(H, dtype),) if cell == "gru" else ()
    return CELLS[cell](W_ih, W_hh, b, *extra)


def count(params):
    """How many numbers the arrays of `params` hold."""
    return sum(a.size for a in params)


def torch_count(cell, D, H):
    """Parameters of one PyTorch layer, by formula: gates * H * (D + H + 2), two biases per gate."""
    require_choice("cell", cell, CELLS)
    return GATES[CELLS[cell]] * H * (D + H + 2)


def to_torch(params, layer=0):
    """A state dict (torch tensors, float dtype kept) that torch.nn.RNN, LSTM or GRU loads for `layer`.

    All of the bias goes into bias_ih; bias_hh is zero, except the GRU's b_hn.
    """
    import torch

    if type(params) not in GATES:
        raise ValueError(f"params: got {type(params).__name__}, wanted RNNParams, LSTMParams or GRUParams")
    b_hh = np.zeros_like(params.b)
    if isinstance(params, GRUParams):
        b_hh[-len(params.b_hn) :] = params.b_hn
    arrays = {"weight_ih": params.W_ih, "weight_hh": params.W_hh, "bias_ih": params.b, "bias_hh": b_hh}
    return {f"{name}_l{layer}": torch.from_numpy(np.array(a)) for name, a in arrays.items()}


def from_torch(state_dict, cell, layer=0):
    """The params of `layer` of a torch.nn.RNN, LSTM or GRU; the two biases become one."""
    require_choice("cell", cell, CELLS)
    names = [f"{name}_l{layer}" for name in ("weight_ih", "weight_hh", "bias_ih", "bias_hh")]
    missing = [name for name in names if name not in state_dict]
    if missing:
        raise ValueError(
            f"state_dict: got no {', '.join(missing)}, wanted the weights and both biases of layer {layer}"
        )
    W_ih, W_hh, b_ih, b_hh = (np.array(state_dict[name].detach().cpu().numpy()) for name in names)
    rows, H = W_hh.shape
    if rows != GATES[CELLS[cell]] * H:
        raise ValueError(
            f"state_dict: got weight_hh of shape {W_hh.shape}, wanted ({GATES[CELLS[cell]]} H, H) for {cell}"
        )
    if cell == "gru":
        b = b_ih + np.concatenate([b_hh[: 2 * H], np.zeros(H, b_hh.dtype)])
        return GRUParams(W_ih, W_hh, b, b_hh[2 * H :])
    return CELLS[cell](W_ih, W_hh, b_ih + b_hh)
