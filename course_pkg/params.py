"""Starting values, counts and bytes. Weights to and from PyTorch and Keras are in `interchange`, and reached from here.

Layout and names follow torch.nn.LSTM, GRU and RNN. PyTorch adds two biases where one is enough;
here the two are one, except the GRU's b_hn, which stands inside the product with r.
Sources: Glorot and Bengio 2010; He et al. 2015; Saxe et al. 2014 (orthogonal); Le, Jaitly and Hinton
2015 (identity); Jaeger 2001 (spectral radius); Gers et al. 2000 and Jozefowicz et al. 2015 (forget bias);
Tallec and Ollivier 2018 (chrono).
"""

import numpy as np

from course_pkg.cells import GRUParams, LSTMParams, RNNParams
from course_pkg.interchange import flip_update_gate, from_keras, from_torch, to_keras, to_torch  # noqa: F401
from course_pkg.layers import LayerNormParams
from course_pkg.stacks import LayerParams
from course_pkg.trees import tree_leaves
from course_pkg.validation import FLOATS, require_array, require_choice, require_number, require_rng

GATES = {RNNParams: 1, LSTMParams: 4, GRUParams: 3}
CELLS = {"rnn": RNNParams, "lstm": LSTMParams, "gru": GRUParams}


def glorot(shape, rng, dtype=np.float64):
    """Uniform in +-sqrt(6 / (rows + columns)), for a (rows, columns) weight matrix."""
    limit = np.sqrt(6.0 / sum(shape))
    return rng.uniform(-limit, limit, shape).astype(dtype)


def he(shape, rng, dtype=np.float64):
    """Normal with deviation sqrt(2 / columns), for a (rows, columns) weight matrix in front of a relu."""
    return (rng.normal(size=shape) * np.sqrt(2.0 / shape[1])).astype(dtype)


def orthogonal(n, rng, dtype=np.float64):
    """A random n x n orthogonal matrix, uniform over all of them (QR of a normal matrix, signs fixed)."""
    q, r = np.linalg.qr(rng.normal(size=(n, n)))
    return (q * np.sign(np.diag(r))).astype(dtype)


def identity(n, rng=None, dtype=np.float64):
    """The n x n identity; `rng` is ignored, so that it can stand where `orthogonal` does."""
    return np.eye(n, dtype=dtype)


def spectral_radius(W):
    """The largest absolute value among the eigenvalues of W (n, n): the growth of W^k v per step in the long run."""
    require_array("W", W, (len(W), len(W)) if np.ndim(W) == 2 else ("n", "n"))
    return float(np.abs(np.linalg.eigvals(W)).max())


def scale_to_radius(W, radius):
    """W (n, n) times the one number that gives it the spectral radius `radius` (Jaeger 2001).

    Raises ValueError for a triangular W with zeros on the diagonal, which has radius 0 at every scale. (Rounding
    gives other matrices of radius 0 a small positive one, so those are not noticed.)
    """
    require_number("radius", radius, 0)
    now = spectral_radius(W)
    if now == 0:
        raise ValueError("W: got a matrix of spectral radius 0, wanted one that can be scaled to a radius")
    return W * W.dtype.type(radius / now)


def chrono(n, longest, rng, dtype=np.float64):
    """n biases for a gate that keeps: log of a uniform number in 1..longest-1.

    A gate with bias log(k) forgets a share 1 / (k + 1) at each step, so memories of about k steps.
    """
    return np.log(rng.uniform(1.0, longest - 1.0, n)).astype(dtype)


INPUT = {"glorot": glorot, "he": he}
RECURRENT = {
    "orthogonal": orthogonal,
    "glorot": lambda n, rng, dtype: glorot((n, n), rng, dtype),
    "he": lambda n, rng, dtype: he((n, n), rng, dtype),
    "identity": identity,
}


def init(cell, D, H, rng, *, inputs="glorot", recurrent="orthogonal", forget_bias=1.0, longest=None, dtype=np.float64):
    """Starting parameters of one layer of `cell` ("rnn", "lstm" or "gru"), D inputs and H units.

    Input weights are `inputs` ("glorot" or "he") per gate; recurrent weights are `recurrent` ("orthogonal",
    "glorot", "he" or "identity") per gate. Biases are zero, but the LSTM's forget gate starts at
    `forget_bias`. With `longest`, a number of steps, an LSTM or GRU gets the chrono start for memories of
    up to that length instead: the gate that keeps gets `chrono` biases, the LSTM's input gate their negatives.
    """
    require_choice("cell", cell, CELLS)
    require_choice("inputs", inputs, INPUT)
    require_choice("recurrent", recurrent, RECURRENT)
    require_number("D", D, 1, integer=True)
    require_number("H", H, 1, integer=True)
    require_rng(rng)
    if np.dtype(dtype) not in FLOATS:
        raise ValueError(f"dtype: got {np.dtype(dtype)}, wanted float32 or float64")
    gates = GATES[CELLS[cell]]
    W_ih = np.concatenate([INPUT[inputs]((H, D), rng, dtype) for _ in range(gates)])
    W_hh = np.concatenate([RECURRENT[recurrent](H, rng, dtype) for _ in range(gates)])
    b = np.zeros(gates * H, dtype)
    if cell == "lstm":
        b[H : 2 * H] = forget_bias
    if longest is not None:
        require_number("longest", longest, 3)
        if cell == "rnn":
            raise ValueError("longest: got a number, wanted None for an rnn, which has no gate that keeps")
        b[H : 2 * H] = chrono(H, longest, rng, dtype)  # the second gate of both: f, and z
        if cell == "lstm":
            b[:H] = -b[H : 2 * H]
    extra = (np.zeros(H, dtype),) if cell == "gru" else ()
    return CELLS[cell](W_ih, W_hh, b, *extra)


def init_stack(cell, D, H, rng, *, depth=1, bidirectional=False, norm=False, dtype=np.float64, **start):
    """Starting parameters of a stack (see `stacks`): `depth` layers of H units, in one direction or both.

    norm: layer norm in front of every layer, gain 1 and bias 0. start: keywords of `init`.
    """
    require_number("depth", depth, 1, integer=True)

    def layer(D):
        return LayerParams(
            forward=init(cell, D, H, rng, dtype=dtype, **start),
            reverse=init(cell, D, H, rng, dtype=dtype, **start) if bidirectional else None,
            norm=LayerNormParams(np.ones(D, dtype), np.zeros(D, dtype)) if norm else None,
        )

    wide = 2 * H if bidirectional else H
    return tuple(layer(D if n == 0 else wide) for n in range(depth))


def count(params):
    """How many numbers the arrays of `params`, a tree, hold."""
    return sum(a.size for a in tree_leaves(params).values())


def cell_count(cell, D, H):
    """Parameters of one layer here, by formula: gates * H * (D + H + 1), and H more for the GRU's b_hn."""
    require_choice("cell", cell, CELLS)
    return GATES[CELLS[cell]] * H * (D + H + 1) + (H if cell == "gru" else 0)


def torch_count(cell, D, H, *, depth=1, bidirectional=False):
    """Parameters of torch.nn.RNN, LSTM or GRU, by formula: gates * H * (D + H + 2) a layer, two biases per gate."""
    require_choice("cell", cell, CELLS)
    directions = 2 if bidirectional else 1
    widths = [D] + [directions * H] * (depth - 1)
    return sum(directions * GATES[CELLS[cell]] * H * (width + H + 2) for width in widths)


def width_for(cell, D, budget):
    """The largest H for which one layer has at most `budget` parameters (`cell_count`)."""
    require_number("budget", budget, cell_count(cell, D, 1), integer=True)
    a, b = GATES[CELLS[cell]], cell_count(cell, D, 1) - GATES[CELLS[cell]]  # cell_count = a H^2 + b H
    H = int((np.sqrt(b * b + 4 * a * budget) - b) / (2 * a))
    while cell_count(cell, D, H) > budget:  # the square root is rounded
        H -= 1
    while cell_count(cell, D, H + 1) <= budget:
        H += 1
    return H


def kept_count(cell, B, T, D, H, *, reset="after"):
    """How many numbers one layer of `fused` keeps from its forward pass for its backward, by formula.

    At each step and sequence: h, x and 1 for every cell; an LSTM adds its four gates, c and tanh(c); a
    GRU its two gates, its candidate, and with reset="after" a_hn. And once, the weights.
    """
    require_choice("cell", cell, CELLS)
    weights = GATES[CELLS[cell]] * H * (H + D + 1)
    inputs = (T + 1) * (H + D + 1) * B
    gates = {
        "rnn": 0,
        "lstm": (T + 1) * 5 * H * B + T * H * B,
        "gru": T * (4 if reset == "after" else 3) * H * B,
    }
    return inputs + gates[cell] + weights


def nbytes(kept):
    """Bytes of all arrays in a tree, a tape, or a list of them, by measurement; shared memory counts once."""
    buffers, waiting = {}, [kept]
    while waiting:
        node = waiting.pop()
        if isinstance(node, np.ndarray):
            while isinstance(node.base, np.ndarray):
                node = node.base
            buffers[node.__array_interface__["data"][0]] = node.nbytes
        elif isinstance(node, (tuple, list)):
            waiting.extend(node)
    return sum(buffers.values())
