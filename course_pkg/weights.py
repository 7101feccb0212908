"""Starting values, counts and bytes of the weights of any cell. PyTorch's and Keras's are in `interchange`.

Layout and names follow torch.nn.LSTM, GRU and RNN. PyTorch adds two biases where one is enough;
here the two are one, except the GRU's b_hn, which stands inside the product with r.
Sources: Glorot and Bengio 2010; He et al. 2015; Saxe et al. 2014 (orthogonal); Le, Jaitly and Hinton
2015 (identity); Jaeger 2001 (spectral radius); Gers et al. 2000 and Jozefowicz et al. 2015 (forget bias);
Tallec and Ollivier 2018 (chrono).

`cell` is a `Cell`, such as `cells.LSTM`, or the name of one. The dtype is float32 unless another is asked for, here
as in `models`, `tasks` and PyTorch: it is what networks are trained in. Comparisons to many digits ask for float64.
"""

from typing import Any

import numpy as np
from numpy.typing import DTypeLike

from course_pkg._validation import (
    require_array,
    require_choice,
    require_dtype,
    require_number,
    require_options,
    require_rng,
)
from course_pkg.activations import Array
from course_pkg.cells import CELLS, Cell, by_name
from course_pkg.layers import LayerNormParams
from course_pkg.stacks import LayerParams
from course_pkg.trees import tree_leaves


def glorot(shape: tuple[int, int], rng: np.random.Generator, dtype: DTypeLike = np.float32) -> Array:
    """Uniform in +-sqrt(6 / (rows + columns)), for a (rows, columns) weight matrix."""
    _require_draw(rng, dtype, rows=shape[0], columns=shape[1])
    limit = np.sqrt(6.0 / sum(shape))
    return rng.uniform(-limit, limit, shape).astype(dtype)


def he(shape: tuple[int, int], rng: np.random.Generator, dtype: DTypeLike = np.float32) -> Array:
    """Normal with deviation sqrt(2 / columns), for a (rows, columns) weight matrix in front of a relu."""
    _require_draw(rng, dtype, rows=shape[0], columns=shape[1])
    return (rng.normal(size=shape) * np.sqrt(2.0 / shape[1])).astype(dtype)


def orthogonal(n: int, rng: np.random.Generator, dtype: DTypeLike = np.float32) -> Array:
    """A random n x n orthogonal matrix, uniform over all of them (QR of a normal matrix, signs fixed)."""
    _require_draw(rng, dtype, n=n)
    q, r = np.linalg.qr(rng.normal(size=(n, n)))
    return (q * np.sign(np.diag(r))).astype(dtype)


def identity(n: int, rng: np.random.Generator | None = None, dtype: DTypeLike = np.float32) -> Array:
    """The n x n identity; `rng` is ignored, so that it can stand where `orthogonal` does."""
    _require_sizes(n=n)
    return np.eye(n, dtype=require_dtype(dtype))


def spectral_radius(W: Array) -> float:
    """The largest absolute value among the eigenvalues of W (n, n): the growth of W^k v per step in the long run."""
    require_array("W", W, (len(W), len(W)) if np.ndim(W) == 2 else ("n", "n"))
    return float(np.abs(np.linalg.eigvals(W)).max())


def scale_to_radius(W: Array, radius: float) -> Array:
    """W (n, n) times the one number that gives it the spectral radius `radius` (Jaeger 2001).

    Raises ValueError for a triangular W with zeros on the diagonal, which has radius 0 at every scale. (Rounding
    gives other matrices of radius 0 a small positive one, so those are not noticed.)
    """
    require_number("radius", radius, 0)
    now = spectral_radius(W)
    if now == 0:
        raise ValueError("W: got a matrix of spectral radius 0, wanted one that can be scaled to a radius")
    return W * W.dtype.type(radius / now)


def chrono(n: int, longest: int, rng: np.random.Generator, dtype: DTypeLike = np.float32) -> Array:
    """n biases for a gate that keeps: log of a uniform number in 1..longest-1.

    A gate with bias log(k) forgets a share 1 / (k + 1) at each step, so memories of about k steps.
    """
    _require_draw(rng, dtype, n=n)
    require_number("longest", longest, 3)
    return np.log(rng.uniform(1.0, longest - 1.0, n)).astype(dtype)


INPUT = {"glorot": glorot, "he": he}
RECURRENT = {
    "orthogonal": orthogonal,
    "glorot": lambda n, rng, dtype: glorot((n, n), rng, dtype),
    "he": lambda n, rng, dtype: he((n, n), rng, dtype),
    "identity": identity,
}


def init(
    cell: str | Cell,
    D: int,
    H: int,
    rng: np.random.Generator,
    *,
    input_weights: str = "glorot",
    recurrent: str = "orthogonal",
    forget_bias: float | None = None,
    longest: int | None = None,
    dtype: DTypeLike = np.float32,
) -> tuple:
    """Starting parameters of one layer of `cell`, D inputs and H units.

    W_ih is `input_weights` ("glorot" or "he") per gate; W_hh is `recurrent` ("orthogonal", "glorot", "he" or
    "identity") per gate. Biases and extra parameters are zero, but a forget gate, f, starts at `forget_bias`,
    1 by default. With `longest`, a number of steps, the gate that keeps, f or z, gets the chrono start for
    memories of up to that length instead, and an input gate, i, beside it the negatives.
    """
    cell = by_name(cell)
    unknown = set(cell.params._fields) - {"W_ih", "W_hh", "b", *cell.extra}
    if unknown:
        raise ValueError(f"cell: got {cell.name} with {sorted(unknown)}, wanted their sizes in its `extra`")
    require_choice("input_weights", input_weights, INPUT)
    require_choice("recurrent", recurrent, RECURRENT)
    _require_draw(rng, dtype, D=D, H=H)
    W_ih = np.concatenate([INPUT[input_weights]((H, D), rng, dtype) for _ in cell.gates])
    W_hh = np.concatenate([RECURRENT[recurrent](H, rng, dtype) for _ in cell.gates])
    b = _biases(cell, H, rng, forget_bias, longest, dtype)
    extra = {name: np.zeros(k * H, dtype) for name, k in cell.extra.items()}
    return cell.params(W_ih=W_ih, W_hh=W_hh, b=b, **extra)


def _biases(cell, H, rng, forget_bias, longest, dtype):
    """The biases (n H,) that `init` starts with."""
    keeps = next((gate for gate in ("f", "z") if gate in cell.gates), None)
    if forget_bias is not None:
        if keeps != "f":
            raise ValueError(f"forget_bias: got {forget_bias!r}, wanted None for {cell.name}, which has no forget gate")
        if longest is not None:
            raise ValueError("forget_bias: got it together with longest, wanted one of them: both start one gate")
        require_number("forget_bias", forget_bias, -np.inf)
    if longest is not None and keeps is None:
        raise ValueError(f"longest: got {longest!r}, wanted None for {cell.name}, which has no gate that keeps")
    starts = {gate: np.zeros(H, dtype) for gate in cell.gates}
    if longest is not None:
        starts[keeps] = chrono(H, longest, rng, dtype)
        if keeps == "f" and "i" in starts:
            starts["i"] = -starts["f"]
    elif keeps == "f":
        starts["f"] = np.full(H, 1.0 if forget_bias is None else forget_bias, dtype)
    return np.concatenate([starts[gate] for gate in cell.gates])


def init_stack(
    cell: str | Cell,
    D: int,
    H: int,
    rng: np.random.Generator,
    *,
    depth: int = 1,
    bidirectional: bool = False,
    norm: bool = False,
    dtype: DTypeLike = np.float32,
    **start: Any,
) -> tuple[LayerParams, ...]:
    """Starting parameters of a stack (see `stacks`): `depth` layers of H units, in one direction or both.

    norm: layer norm in front of every layer, gain 1 and bias 0. start: keywords of `init`.
    """
    _require_sizes(depth=depth)

    def layer(D):
        return LayerParams(
            forward=init(cell, D, H, rng, dtype=dtype, **start),
            reverse=init(cell, D, H, rng, dtype=dtype, **start) if bidirectional else None,
            norm=LayerNormParams(np.ones(D, dtype), np.zeros(D, dtype)) if norm else None,
        )

    wide = 2 * H if bidirectional else H
    return tuple(layer(D if n == 0 else wide) for n in range(depth))


def count(params: Any) -> int:
    """How many numbers the arrays of `params`, a tree, hold."""
    return sum(a.size for a in tree_leaves(params).values())


def cell_count(cell: str | Cell, D: int, H: int) -> int:
    """Parameters of one layer here, by formula: gates * H * (D + H + 1), and the extra ones, as the GRU's b_hn."""
    cell = by_name(cell)
    _require_sizes(D=D, H=H)
    return len(cell.gates) * H * (D + H + 1) + H * sum(cell.extra.values())


def torch_count(cell: str | Cell, D: int, H: int, *, depth: int = 1, bidirectional: bool = False) -> int:
    """Parameters of torch.nn.RNN, LSTM or GRU, by formula: gates * H * (D + H + 2) a layer, two biases per gate."""
    cell = by_name(cell)
    _require_sizes(D=D, H=H, depth=depth)
    if cell not in CELLS:
        raise ValueError(f"cell: got {cell.name}, wanted one that torch.nn has: RNN, LSTM or GRU")
    directions = 2 if bidirectional else 1
    widths = [D] + [directions * H] * (depth - 1)
    return sum(directions * len(cell.gates) * H * (width + H + 2) for width in widths)


def width_for(cell: str | Cell, D: int, budget: int) -> int:
    """The largest H for which one layer has at most `budget` parameters (`cell_count`)."""
    cell, least = by_name(cell), cell_count(cell, D, 1)
    require_number("budget", budget, least, integer=True)
    a, b = len(cell.gates), least - len(cell.gates)  # cell_count = a H^2 + b H
    H = int((np.sqrt(b * b + 4 * a * budget) - b) / (2 * a))
    while cell_count(cell, D, H) > budget:  # the square root is rounded
        H -= 1
    while cell_count(cell, D, H + 1) <= budget:
        H += 1
    return H


# What `fused` keeps beside h, x and 1 for T steps, as multiples of H numbers a sequence.
KEPT = {
    "rnn": lambda T: 0,
    "lstm": lambda T: 5 * (T + 1) + T,  # four gates and c, and tanh(c)
    "gru": lambda T, reset="after": {"after": 4, "before": 3}[reset] * T,  # two gates, the candidate, and a_hn
}


def kept_count(cell: str | Cell, B: int, T: int, D: int, H: int, **options: Any) -> int:
    """How many numbers one layer of `fused` keeps from its forward pass for its backward, by formula.

    At each step and sequence: h, x and 1 for every cell; an LSTM adds its four gates, c and tanh(c); a
    GRU its two gates, its candidate, and with reset="after" a_hn. And once, the weights.
    """
    cell = by_name(cell)
    _require_sizes(B=B, T=T, D=D, H=H)
    require_options(cell.options, options)
    if cell not in CELLS:
        raise ValueError(f"cell: got {cell.name}, wanted one that fused has")
    weights = len(cell.gates) * H * (H + D + 1)
    inputs = (T + 1) * (H + D + 1) * B
    options.pop("nonlinearity", None)  # none keeps more than another
    return inputs + KEPT[cell.name](T, **options) * H * B + weights


def nbytes(kept: Any) -> int:
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


def _require_sizes(**sizes):
    for name, size in sizes.items():
        require_number(name, size, 1, integer=True)


def _require_draw(rng, dtype, **sizes):
    _require_sizes(**sizes)
    require_rng(rng)
    require_dtype(dtype)
