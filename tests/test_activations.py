"""Activation functions and derivatives: PyTorch's values, PyTorch's choice at the kink, no overflow."""

import warnings

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from references import SEEDS, assert_equal

from course_pkg import activations
from course_pkg.activations import NONLINEARITIES

THEIRS = {
    "tanh": torch.tanh,
    "sigmoid": torch.sigmoid,
    "relu": torch.relu,
    "leaky_relu": torch.nn.functional.leaky_relu,
}


@pytest.mark.parametrize("name", NONLINEARITIES)
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@given(seed=SEEDS)
def test_value_and_derivative_are_torchs(name, dtype, seed):
    """The derivative is taken from the output; the drawn numbers include 0, where relu has its kink."""
    a = np.random.default_rng(seed).normal(0, 3, (3, 4)).astype(dtype)
    a[0] = 0, -0.0, 50, -50
    f, derivative = NONLINEARITIES[name]
    a_ = torch.tensor(a, requires_grad=True)
    y_ = THEIRS[name](a_)
    y_.sum().backward()
    tolerance = 1e-15 if dtype == np.float64 else 1e-6
    assert_equal(f(a), y_.detach().numpy(), tolerance)
    assert_equal(derivative(f(a)), a_.grad.numpy(), tolerance)


@pytest.mark.parametrize("name", NONLINEARITIES)
def test_extreme_input_gives_finite_numbers_without_a_warning(name):
    f, derivative = NONLINEARITIES[name]
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        y = f(np.array([-1e4, -800.0, 800.0, 1e4]))
        assert np.isfinite(derivative(y)).all()
    assert np.isfinite(y).all()


@given(shape=st.lists(st.integers(1, 4), min_size=1, max_size=3), scale=st.floats(0, 1e4), seed=SEEDS)
def test_softmax_and_its_backward_are_torchs(shape, scale, seed):
    rng = np.random.default_rng(seed)
    a, dy = scale * rng.normal(size=shape), rng.normal(size=shape)
    a_ = torch.tensor(a, requires_grad=True)
    y_ = torch.softmax(a_, -1)
    y_.backward(torch.tensor(dy))
    y = activations.softmax(a)
    assert_equal(y, y_.detach().numpy())
    assert_equal(activations.softmax_backward(dy, y), a_.grad.numpy())


def test_nothing_is_modified():
    a = np.linspace(-2, 2, 6).reshape(2, 3)
    a.setflags(write=False)
    for f, derivative in [*NONLINEARITIES.values(), (activations.softmax, activations.softmax)]:
        derivative(f(a))
