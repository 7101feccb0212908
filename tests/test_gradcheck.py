"""Finite differences: right on functions whose gradient is known, and a check that lets nothing wrong through."""

from typing import NamedTuple

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from references import SEEDS, assert_same

from course_pkg.gradcheck import gradcheck, max_error, numerical_gradient


class Pair(NamedTuple):
    a: np.ndarray
    b: np.ndarray | None


@given(shape=st.lists(st.integers(1, 3), max_size=3), seed=SEEDS)
def test_gradient_of_a_known_function(shape, seed):
    """d/dx sum(sin(x) w) = cos(x) w, for arrays of any rank, a single number included."""
    x, w = np.random.default_rng(seed).normal(size=(2, *shape))
    assert max_error(numerical_gradient(lambda a: (np.sin(a) * w).sum(), x), np.cos(x) * w) <= 1e-8


def test_gradient_of_a_tree_has_its_structure():
    """Nested, with an absent part, as parameters of a stack are."""
    x = (Pair(np.array([1.0, 2.0]), None), Pair(np.array([[3.0]]), np.array(4.0)))
    gradient = numerical_gradient(lambda t: (t[0].a ** 2).sum() * t[1].b + t[1].a[0, 0] ** 3, x)
    assert isinstance(gradient[0], Pair)
    assert gradient[0].b is None
    assert max_error(gradient[0].a, np.array([8.0, 16.0])) <= 1e-8
    assert max_error(gradient[1].a, np.array([[27.0]])) <= 1e-8
    assert max_error(gradient[1].b, np.array(5.0)) <= 1e-8


def test_x_is_never_changed_and_a_function_may_keep_what_it_is_given():
    x = np.array([1.0, 2.0])
    x.setflags(write=False)
    seen = []
    numerical_gradient(lambda a: seen.append(a) or 0.0, x)
    assert_same(x, np.array([1.0, 2.0]))
    assert [tuple(a) for a in seen] == [(1.00001, 2), (0.99999, 2), (1, 2.00001), (1, 1.99999)]


def test_a_right_gradient_passes_and_its_error_is_returned():
    x = np.array([0.3, -0.2])
    assert 0 <= gradcheck(lambda a: (a**2).sum(), x, 2 * x) <= 1e-8


@pytest.mark.parametrize("part", ["a", "b"])
@pytest.mark.parametrize("wrong", [1e-4, np.nan, np.inf])
def test_a_wrong_part_is_named(part, wrong):
    """Also when it is not a number, which compares as neither larger nor smaller."""
    x = Pair(np.ones(2), np.ones(3))
    gradient = Pair(2 * np.ones(2), 2 * np.ones(3))
    getattr(gradient, part)[1] += wrong
    with pytest.raises(ValueError, match=f"^{part}: got an error of"):
        gradcheck(lambda t: (t.a**2).sum() + (t.b**2).sum(), x, gradient)


@pytest.mark.parametrize("scale", [1e-7, 1e-3, 1.0, 1e6])
def test_a_gradient_is_judged_by_its_own_size(scale):
    """Zeros, half of it and one number off by a thousandth: refused whatever its size. max_error lets them pass."""
    x = np.array([0.3, -0.2, 0.5])
    right = 2 * scale * x
    assert gradcheck(lambda a: scale * (a**2).sum(), x, right) <= 1e-8
    for wrong in (0 * right, right / 2, right * [1, 1, 1.001], -right):
        with pytest.raises(ValueError, match="gradient: got an error"):
            gradcheck(lambda a: scale * (a**2).sum(), x, wrong)
    assert max_error(np.zeros(3), 1e-7 * x) < 1e-6


def test_a_small_gradient_beside_a_large_loss_is_judged_as_far_as_differences_see_it():
    """Beside a loss of 1, the differences know three digits of a gradient of 1e-7."""
    f = lambda a: 1.0 + 1e-7 * np.sin(a).sum()  # noqa: E731
    x = np.linspace(0, 1, 7)
    gradcheck(f, x, 1e-7 * np.cos(x))
    for wrong in (np.zeros(7), 0.9 * 1e-7 * np.cos(x)):
        with pytest.raises(ValueError, match="gradient: got an error"):
            gradcheck(f, x, wrong)


def test_a_missing_part_or_another_shape_does_not_pass():
    x = Pair(np.ones(2), np.ones(3))
    with pytest.raises(ValueError, match="gradient: got the parts"):
        gradcheck(lambda t: 0.0, x, (np.zeros(2),))
    with pytest.raises(ValueError, match=r"got shape \(1,\), wanted \(2,\)"):
        gradcheck(lambda a: 0.0, np.ones(2), np.zeros(1))


@pytest.mark.parametrize("x", [np.ones(2, np.float32), np.array([1, 2]), (np.ones(2, np.float32),)])
def test_only_float64_is_accepted(x):
    with pytest.raises(ValueError, match="wanted an array of float64"):
        numerical_gradient(lambda a: 0.0, x)


def test_max_error_is_relative_above_one_and_absolute_below():
    assert max_error(np.array([1.0]), np.array([0.5])) == 0.5
    assert max_error(np.array([100.0, 1.0]), np.array([200.0, 1.0])) == 0.5
    assert np.isnan(max_error(np.array([np.nan]), np.array([1.0])))
    with pytest.raises(ValueError, match="a: got shape"):
        max_error(np.ones(2), np.ones(3))
