"""Layers of linear recurrences and matrix memories: every derivative proved by algebra. See `algebra` and `rational`.

The LRU is not here: its state is complex, and the Numbers of `algebra` are real. The stabiliser of the mLSTM is a
maximum, and so is the floor of its denominator: what is proved for it holds where those come out as at the drawn point.
"""

from contextlib import ExitStack
from unittest import mock

import numpy as np
import pytest
from proof import algebra
from proof.algebra import numbers, prove, sigmoid
from proof.rational import exact

from course_pkg import linear_cells, memory, mlstm, scan, state_space
from course_pkg.cells import HState


@pytest.fixture(autouse=True)
def _symbols_pass():
    with ExitStack() as stack:
        for module in (linear_cells, memory, mlstm, state_space):
            stack.enter_context(mock.patch.object(module, "require_array"))
        stack.enter_context(mock.patch.object(scan, "_require"))
        stack.enter_context(mock.patch.object(linear_cells, "sigmoid", sigmoid))
        yield


def parameters(kind, D, H):
    gates = {linear_cells.MinGRUParams: 2, linear_cells.MinLSTMParams: 3}[kind]
    return kind(numbers("W", gates * H, D), numbers("b", gates * H))


def prove_min_gru_step(change=lambda *gradients: gradients):
    """The number of derivatives of one step; `change` may spoil them."""

    def f(x_t, state, params):
        new, cache = linear_cells.min_gru_step(x_t, state, params)
        return new, (cache, params)

    arguments = numbers("x", 2, 2), HState(numbers("h", 2, 2)), parameters(linear_cells.MinGRUParams, 2, 2)
    return prove(f, lambda d, tape: change(*linear_cells.min_gru_step_backward(d, *tape)), arguments)


def test_a_step_of_the_min_gru():
    assert prove_min_gru_step() == 4 + 4 + 8 + 4


LAYERS = {
    "minGRU": (linear_cells.min_gru, linear_cells.min_gru_backward, linear_cells.MinGRUParams),
    "minLSTM": (linear_cells.min_lstm, linear_cells.min_lstm_backward, linear_cells.MinLSTMParams),
}


def prove_layer(name, how="sequential", change=lambda *gradients: gradients):
    """Three steps of a layer; chunks of two, so that one chunk begins where another ends."""
    layer, backward, kind = LAYERS[name]

    def f(x, state, params):
        h, last, tape = layer(x, state, params, how=how, chunk=2)
        return (h, last), tape

    arguments = numbers("x", 1, 3, 1), HState(numbers("h", 1, 1)), parameters(kind, 1, 1)
    return prove(f, lambda d, tape: change(*backward(*d, tape)), arguments)


@pytest.mark.parametrize("how", scan.WAYS)
@pytest.mark.parametrize("name", LAYERS)
def test_three_steps_of_a_layer(name, how):
    assert prove_layer(name, how) == 3 + 1 + {"minGRU": 4, "minLSTM": 6}[name]


def selective_parameters(D=1, N=2):
    shapes = {"W_delta": (D, D), "b_delta": (D,), "W_B": (N, D), "W_C": (N, D), "A_log": (D, N), "D": (D,)}
    return state_space.SelectiveParams(**{name: numbers(name, *shape) for name, shape in shapes.items()})


def softplus(a):
    """The atom softplus(u), whose slope (1 + tanh(u / 2)) / 2 `algebra` knows."""
    found = np.empty(a.shape, object)
    for index in np.ndindex(a.shape):
        found[index] = algebra.Number(algebra._atom("softplus", a[index].expression))
    return found


def prove_selective(change=lambda dx, ds, dp: (dx, ds, dp)):
    def f(x, s_0, params):
        y, last, tape = state_space.selective(x, s_0, params, how="sequential")
        return (y, last), tape

    arguments = numbers("x", 1, 2, 1), numbers("s", 1, 1, 2), selective_parameters()

    def backward(d, tape):
        dx, ds, dparams = state_space.selective_backward(*d, tape)
        return change(dx, ds.reshape(1, 1, 2), dparams)

    with mock.patch.object(state_space, "softplus", softplus):
        return prove(f, backward, arguments)


def test_two_steps_of_the_selective_layer():
    assert prove_selective() == 2 + 2 + 1 + 1 + 2 + 2 + 2 + 1


MEMORIES = {  # the arguments that are symbols; the others are as `by_kind` sets them
    "linear attention": (),
    "Mamba-2": ("keep",),
    "GLA": ("keep",),
    "DeltaNet": ("write",),
    "gated DeltaNet": ("keep", "write"),
    "KDA": ("keep", "write"),
}


def prove_memory(kind, change=lambda gradients: gradients):
    """Two steps, keys of two places. Where a kind erases what it writes, both gradients meet at `write`."""
    T, K, V = 2, 2, 1
    named = MEMORIES[kind]
    wide = K if memory.KINDS[kind].get("keep") == "each" else 1
    shapes = {"keep": (1, T, wide), "write": (1, T)}

    def f(q, k, v, S_0, *more):
        y, last, tape = memory.by_kind(kind, q, k, v, S_0=S_0, **dict(zip(named, more)))
        return (y, last), tape

    def backward(d, tape):
        g = change(memory.memory_backward(*d, tape))
        erases = memory.KINDS[kind].get("erase") == "write"
        at = {"keep": g.keep, "write": g.write + g.erase if erases else g.write}
        return (g.q, g.k, g.v, g.S_0, *(at[name] for name in named))

    arguments = numbers("q", 1, T, K), numbers("k", 1, T, K), numbers("v", 1, T, V), numbers("S", 1, V, K)
    return prove(f, backward, (*arguments, *(numbers(name, *shapes[name]) for name in named)))


@pytest.mark.parametrize("kind", MEMORIES)
def test_two_steps_of_a_memory(kind):
    extra = {"Mamba-2": 2, "GLA": 4, "DeltaNet": 2, "gated DeltaNet": 4, "KDA": 6}
    assert prove_memory(kind) == 4 + 4 + 2 + 2 + extra.get(kind, 0)


def prove_mlstm(seed, change=lambda gradients: gradients):
    """Two steps; keys of four places, so that the root by which they are divided is a whole number."""
    q, k, v, a_i, a_f = (numbers(n, *s) for n, s in zip("qkvif", [(1, 2, 4), (1, 2, 4), (1, 2, 1), (1, 2), (1, 2)]))
    with exact(mlstm):
        return prove(
            mlstm.mlstm, lambda dh, tape: tuple(change(mlstm.mlstm_backward(dh, tape))), (q, k, v, a_i, a_f), seed
        )


@pytest.mark.parametrize("seed", range(3))
def test_two_steps_of_the_mlstm(seed):
    assert prove_mlstm(seed) == 8 + 8 + 2 + 2 + 2


WRONG = {
    "minGRU step: nothing goes back to the state": lambda: prove_min_gru_step(
        lambda dx, ds, dp: (dx, HState(0 * ds.h), dp)
    ),
    "minGRU: sign of dx": lambda: prove_layer("minGRU", change=lambda dx, ds, dp: (-dx, ds, dp)),
    "minLSTM: the rows of i and f exchanged": lambda: prove_layer(
        "minLSTM", change=lambda dx, ds, dp: (dx, ds, dp._replace(b=dp.b[[1, 0, 2]]))
    ),
    "selective: A_log with a factor of two": lambda: prove_selective(
        lambda dx, ds, dp: (dx, ds, dp._replace(A_log=dp.A_log * 2))
    ),
    "delta: the key's erasing path is forgotten": lambda: prove_memory(
        "DeltaNet", lambda g: g._replace(erase=0 * g.erase)
    ),
    "gated delta: what is kept": lambda: prove_memory("gated DeltaNet", lambda g: g._replace(keep=g.keep + g.keep)),
    "linear attention: values and what they get": lambda: prove_memory(
        "linear attention", lambda g: g._replace(v=g.v[:, ::-1])
    ),
    "mLSTM: the forget gate's slope": lambda: prove_mlstm(0, lambda g: g._replace(a_f=g.a_f[:, ::-1])),
}


@pytest.mark.parametrize("name", WRONG)
def test_a_wrong_backward_is_refused(name):
    """The opposite control."""
    with pytest.raises(ValueError, match="derivatives are wrong"):
        WRONG[name]()
