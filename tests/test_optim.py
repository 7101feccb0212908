"""Optimisers and schedules: step for step the numbers of torch.optim; clipping does what its formula says."""

from typing import Any, NamedTuple

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from course_pkg import optim
from course_pkg.gradcheck import max_error
from course_pkg.trees import tree_leaves, tree_map


class Pair(NamedTuple):
    W: Any
    rest: Any


def tree(rng, dtype=np.float64):
    return Pair(rng.normal(size=(3, 4)).astype(dtype), (rng.normal(size=5).astype(dtype), None))


OPTIMISERS = {
    "sgd": (optim.sgd(), lambda p: torch.optim.SGD(p, lr=0.1)),
    "momentum": (optim.momentum(0.8), lambda p: torch.optim.SGD(p, lr=0.1, momentum=0.8)),
    "rmsprop": (optim.rmsprop(0.9), lambda p: torch.optim.RMSprop(p, lr=0.1, alpha=0.9)),
    "adam": (optim.adam(0.8, 0.95), lambda p: torch.optim.Adam(p, lr=0.1, betas=(0.8, 0.95))),
}


@pytest.mark.parametrize("name", OPTIMISERS)
def test_updates_are_torchs(name):
    """Twelve updates with gradients of very different sizes; the memory is carried from one to the next."""
    rng = np.random.default_rng(0)
    ours, make = OPTIMISERS[name]
    params = tree(rng)
    theirs = [torch.tensor(a) for a in tree_leaves(params).values()]
    torchs = make(theirs)
    memory = ours.start(params)
    for k in range(12):
        dparams = tree_map(lambda a, k=k: rng.normal(size=a.shape) * 10.0 ** (k % 5 - 3), params)
        params, memory = ours.update(params, dparams, memory, 0.1)
        for p, d in zip(theirs, tree_leaves(dparams).values()):
            p.grad = torch.tensor(d)
        torchs.step()
        for a, b in zip(tree_leaves(params).values(), theirs):
            assert max_error(a, b.numpy()) <= 1e-12


@pytest.mark.parametrize("name", OPTIMISERS)
def test_float32_stays_float32_and_nothing_passed_in_is_changed(name):
    """A rate that is a float64 scalar of NumPy would turn all parameters to float64 if it were not taken care of."""
    ours, _ = OPTIMISERS[name]
    params, dparams = tree(np.random.default_rng(0), np.float32), tree(np.random.default_rng(1), np.float32)
    for a in (*tree_leaves(params).values(), *tree_leaves(dparams).values()):
        a.setflags(write=False)
    memory = ours.start(params)
    before = [a.copy() for a in tree_leaves(memory).values() if isinstance(a, np.ndarray)]
    moved, later = ours.update(params, dparams, memory, np.float64(0.1))
    moved, later = ours.update(moved, dparams, later, 0.1)
    assert {a.dtype for a in tree_leaves(moved).values()} == {np.dtype(np.float32)}
    assert {a.dtype for a in tree_leaves(later).values() if isinstance(a, np.ndarray)} <= {np.dtype(np.float32)}
    after = [a for a in tree_leaves(memory).values() if isinstance(a, np.ndarray)]
    assert all(np.array_equal(a, b) for a, b in zip(before, after))


@settings(deadline=None)
@given(seed=st.integers(0, 999), limit=st.floats(1e-3, 1e3))
def test_clipping_by_the_norm_keeps_the_direction(seed, limit):
    dparams = tree(np.random.default_rng(seed))
    clipped, norm = optim.clip_by_global_norm(dparams, limit)
    flat, flat_clipped = (np.concatenate([a.ravel() for a in tree_leaves(t).values()]) for t in (dparams, clipped))
    assert norm == pytest.approx(np.linalg.norm(flat), rel=1e-12)
    assert np.linalg.norm(flat_clipped) == pytest.approx(min(norm, limit), rel=1e-12)
    assert np.dot(flat, flat_clipped) == pytest.approx(norm * min(norm, limit), rel=1e-12)


def test_clipping_by_the_norm_is_torchs_to_its_1e_6():
    dparams = tree(np.random.default_rng(0))
    clipped, norm = optim.clip_by_global_norm(dparams, 0.5)
    theirs = [torch.zeros(a.shape, dtype=torch.float64) for a in tree_leaves(dparams).values()]
    for p, d in zip(theirs, tree_leaves(dparams).values()):
        p.grad = torch.tensor(d)
    assert norm == pytest.approx(float(torch.nn.utils.clip_grad_norm_(theirs, 0.5)), rel=1e-12)
    for a, p in zip(tree_leaves(clipped).values(), theirs):
        assert max_error(a, p.grad.numpy()) <= 1e-6


def test_the_norm_of_large_float32_gradients_does_not_overflow():
    assert optim.global_norm((np.full(4, 1e30, np.float32),)) == pytest.approx(2e30)


@pytest.mark.parametrize("size", [1e200, 1e308, 1e-200, 1e-310])
def test_the_norm_of_numbers_whose_squares_leave_the_range(size):
    """Finite numbers have a finite norm, and a clipped gradient keeps its direction."""
    assert optim.global_norm((np.array([0.6 * size, 0.0]), np.array([-0.8 * size]))) == pytest.approx(size, rel=1e-9)
    clipped, norm = optim.clip_by_global_norm((np.array([size, size / 2]),), 1e-3)
    if size > 1:
        assert norm / size == pytest.approx(np.sqrt(1.25))
        assert clipped[0] == pytest.approx(1e-3 * np.array([2, 1]) / np.sqrt(5))
    else:
        assert clipped[0].tolist() == [size, size / 2]


@pytest.mark.parametrize("bad", [np.inf, -np.inf, np.nan])
def test_a_gradient_that_is_not_finite_has_no_finite_norm_and_stays(bad):
    dparams = (np.array([bad, 1.0]), np.array([2.0]))
    clipped, norm = optim.clip_by_global_norm(dparams, 1.0)
    assert norm == pytest.approx(abs(bad), nan_ok=True)
    assert np.array_equal(clipped[0], dparams[0], equal_nan=True)
    assert optim.global_norm(()) == optim.global_norm((np.zeros(2),)) == 0


def test_clipping_by_value():
    clipped = optim.clip_by_value((np.array([-3.0, 0.2, 5.0]),), 1.0)
    assert clipped[0].tolist() == [-1.0, 0.2, 1.0]


def torch_rates(make, n):
    optimiser = torch.optim.SGD([torch.zeros(1)], lr=0.3)
    schedule, rates = make(optimiser), []
    for _ in range(n):
        rates.append(schedule.get_last_lr()[0])
        optimiser.step()
        schedule.step()
    return rates


def test_schedules_are_torchs():
    half = torch_rates(lambda o: torch.optim.lr_scheduler.ExponentialLR(o, 0.5 ** (1 / 7)), 20)
    assert [optim.exponential(0.3, 7)(k) for k in range(20)] == pytest.approx(half, rel=1e-12)
    wave = torch_rates(lambda o: torch.optim.lr_scheduler.CosineAnnealingLR(o, 20), 20)
    assert [optim.cosine(0.3, 20)(k) for k in range(20)] == pytest.approx(wave, rel=1e-9)
    assert {optim.constant(0.3)(k) for k in range(5)} == {0.3}


def test_cosine_warms_up_and_ends_at_zero():
    rates = [optim.cosine(1.0, 30, warmup=10)(k) for k in range(31)]
    assert rates[:11] == pytest.approx([*np.arange(1, 11) / 10, 1.0])
    assert np.all(np.diff(rates[10:]) < 0)
    assert rates[30] == pytest.approx(0, abs=1e-15)


BAD = {
    "keep: got 1": lambda: optim.momentum(1.0),
    "keep_square": lambda: optim.adam(0.9, -0.1),
    "eps": lambda: optim.rmsprop(eps=-1),
    "limit": lambda: optim.clip_by_global_norm((np.ones(2),), -1),
    "limit: got None": lambda: optim.clip_by_value((np.ones(2),), None),
    "rate": lambda: optim.constant("fast"),
    "half_life": lambda: optim.exponential(0.1, 0),
    "warmup: got 10": lambda: optim.cosine(0.1, 10, warmup=10),
    "got 2 parts, wanted 1": lambda: optim.sgd().update((np.ones(2),), (np.ones(2), np.ones(2)), None, 0.1),
}


@pytest.mark.parametrize("message", BAD)
def test_bad_input_is_named(message):
    with pytest.raises(ValueError, match=message):
        BAD[message]()
