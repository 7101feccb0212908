"""What a cell is, as one value, and the arrays of the book's three cells by name and shape.

Shapes: B sequences in the batch, D input features, H hidden units. Parameter layout: torch.nn.LSTM, torch.nn.GRU
and torch.nn.RNN, with PyTorch's two biases added into one. `cells` has the steps, and the three records.
"""

import functools
from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import NamedTuple

from course_pkg import bptt
from course_pkg.activations import Array


class HState(NamedTuple):
    """State of an RNN or a GRU."""

    h: Array  # (B, H)


class LSTMState(NamedTuple):
    """State of an LSTM: the hidden state it shows and the cell state it keeps."""

    h: Array  # (B, H)
    c: Array  # (B, H)


class RNNParams(NamedTuple):
    W_ih: Array  # (H, D)
    W_hh: Array  # (H, H)
    b: Array  # (H,)


class LSTMParams(NamedTuple):
    W_ih: Array  # (4H, D), rows i, f, g, o
    W_hh: Array  # (4H, H)
    b: Array  # (4H,)


class GRUParams(NamedTuple):
    W_ih: Array  # (3H, D), rows r, z, n
    W_hh: Array  # (3H, H)
    b: Array  # (3H,)
    b_hn: Array  # (H,), added to W_hn h: inside the product with r when reset="after"


NOTHING = MappingProxyType({})


class _Fields(NamedTuple):
    name: str
    params: type  # a NamedTuple with W_ih (n H, D), W_hh (n H, H), b (n H,), and what `extra` names
    state: type  # a NamedTuple of arrays (B, H), one of them h
    gates: tuple  # the names of the n blocks of H rows: ("i", "f", "g", "o")
    step: Callable  # (x_t, state, params, **options) -> (state, cache); a cache keeps x_t and state_prev
    step_backward: Callable  # (dstate, cache, params) -> (dx_t, dstate_prev, dparams)
    run: Callable | None = None  # (x, state, params, **options) -> (h, state_T, tape): a whole sequence
    run_backward: Callable | None = None  # (dh, dstate, tape) -> (dx, dstate_0, dparams)
    options: Mapping = NOTHING  # keywords of step and run, each with what it may be, the default first
    extra: Mapping = NOTHING  # further parameters, vectors of k H numbers that start at 0: {"b_hn": 1}


class Cell(_Fields):
    """One recurrent cell: what `bptt`, `stacks`, `weights`, `models` and the benchmark need to know of it.

    `run` and `run_backward` default to `bptt`'s loop over the steps, so a cell needs no more than a step and its
    backward. Who gives a `run` gives both, and they compute what the steps compute. Gates that are named f, i and
    z get the start that `weights.init` has for a forget gate, an input gate and an update gate.
    """

    __slots__ = ()

    def __new__(cls, *values, **named):
        """Raises ValueError for types that are no records, and for a `run` without its backward."""
        self = super().__new__(cls, *values, **named)
        for what, kind, wanted in (("params", self.params, ("W_ih", "W_hh", "b")), ("state", self.state, ("h",))):
            fields = getattr(kind, "_fields", ())
            if not set(wanted) <= set(fields):
                raise ValueError(f"{what}: got fields {fields}, wanted a NamedTuple with {', '.join(wanted)}")
        if (self[6] is None) != (self[7] is None):
            raise ValueError("run: got one of run and run_backward, wanted both or none")
        return self

    @property
    def run(self) -> Callable:
        """The whole sequence at once; step by step where the cell has no other way."""
        return self[6] or functools.partial(bptt.run, self)

    @property
    def run_backward(self) -> Callable:
        """The backward of `run`."""
        return self[7] or functools.partial(bptt.run_backward, self)
