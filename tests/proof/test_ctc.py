"""CTC's forward sum is the sum over all paths, and its gradient is right: proved by algebra, see `rational`."""

import itertools
from contextlib import contextmanager
from unittest import mock

import numpy as np
import pytest
import sympy as sp
from proof import algebra, rational
from proof.algebra import numbers, prove

from course_pkg import ctc

LABELS = {"one label": [1], "two labels": [1, 2], "the same label twice": [1, 1], "none": []}


@contextmanager
def on_symbols():
    rounded = mock.patch.object(ctc, "float", lambda value: value, create=True)  # the loss becomes a float
    with rational.exact(ctc), mock.patch.object(ctc, "require_array"), rounded:
        yield


def labels_of(name):
    return np.array([LABELS[name]], int).reshape(1, -1)


@pytest.mark.parametrize("name", LABELS)
def test_the_forward_sum_is_the_sum_over_all_paths(name):
    """p(labels) by `ctc_loss` equals the sum of the products along every path that `collapse` makes them of."""
    T, K = 3, 3
    algebra.ATOMS.clear()
    algebra.MADE.clear()
    scores = numbers("a", 1, T, K)
    with on_symbols():
        loss, _ = ctc.ctc_loss(scores, labels_of(name))
        p = rational.exp(-algebra._expression(loss))
        e = [[rational.exp(scores[0, t, k].expression) for k in range(K)] for t in range(T)]
    paths = [path for path in itertools.product(range(K), repeat=T) if ctc.collapse(np.array(path)) == LABELS[name]]
    wanted = sum(sp.prod(e[t][k] for t, k in enumerate(path)) for path in paths) / sp.prod(sum(row) for row in e)
    assert len(paths) == {"one label": 6, "two labels": 5, "the same label twice": 1, "none": 1}[name]
    assert rational.is_zero(p - wanted)
    assert not rational.is_zero(p - wanted / 2)


def prove_gradient(name, T=3, K=3, change=lambda d, tape: d):
    with on_symbols():
        return prove(
            lambda a: ctc.ctc_loss(a, labels_of(name)),
            lambda dloss, tape: (change(ctc.ctc_loss_backward(dloss, tape), tape),),
            (numbers("a", 1, T, K),),
        )


@pytest.mark.parametrize("name", LABELS)
def test_the_gradient_of_the_forward_sum(name):
    assert prove_gradient(name) == 9


WRONG = {
    "the other sign": lambda d, tape: -d,
    "the steps in another order": lambda d, tape: d[:, ::-1],
    "the softmax alone": lambda d, tape: rational.Exact.exp(tape.log_p),
}


@pytest.mark.parametrize("how", WRONG)
def test_a_wrong_gradient_is_refused(how):
    """The opposite control."""
    with pytest.raises(ValueError, match="derivatives are wrong"):
        prove_gradient("one label", T=2, K=2, change=WRONG[how])
