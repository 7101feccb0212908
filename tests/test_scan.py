"""The linear recurrence: four ways to one result, PyTorch's gradients, a backward that is the scan turned round."""

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from course_pkg import scan as scans
from course_pkg.gradcheck import max_error
from course_pkg.scan import combine, scan, scan_backward, scan_log_space

WAYS = list(scans.WAYS)
CASES = {
    "sizes": st.tuples(st.integers(1, 3), st.integers(1, 40), st.integers(1, 4)),
    "seed": st.integers(0, 2**32 - 1),
    "dtype": st.sampled_from([np.float64, np.complex128]),
    "how": st.sampled_from(WAYS),
    "chunk": st.integers(1, 12),
    "start": st.booleans(),
}


def draw(sizes, seed, dtype, start=True):
    B, T, H = sizes
    rng = np.random.default_rng(seed)

    def normal(*shape):
        x = rng.normal(size=shape)
        return (x + 1j * rng.normal(size=shape) if dtype == np.complex128 else x).astype(dtype)

    return normal(B, T, H), normal(B, T, H), normal(B, H) if start else None, normal(B, T, H)


def by_torch(a, b, h_0, dh):
    """The loop as anyone would write it, and its gradients by autograd."""
    a, b, h = (torch.tensor(x, requires_grad=True) for x in (a, b, h_0))
    leaves, hs = (a, b, h), []
    for t in range(a.shape[1]):
        h = a[:, t] * h + b[:, t]
        hs.append(h)
    out = torch.stack(hs, 1)
    out.backward(torch.tensor(dh))
    return out.detach().resolve_conj().numpy(), *(x.grad.resolve_conj().numpy() for x in leaves)


@given(**CASES)
def test_every_way_gives_torchs_numbers_and_gradients(sizes, seed, dtype, how, chunk, start):
    a, b, h_0, dh = draw(sizes, seed, dtype, start)
    h, tape = scan(a, b, h_0, how=how, chunk=chunk)
    ours = (h, *scan_backward(dh, tape))
    theirs = by_torch(a, b, np.zeros_like(a[:, 0]) if h_0 is None else h_0, dh)
    for mine, wanted in zip(ours, theirs):
        assert mine.dtype == dtype
        # products of up to forty normal numbers: the sizes differ, so each is measured by its own
        assert max_error(mine / max(1, abs(wanted).max()), wanted / max(1, abs(wanted).max())) <= 1e-12


@pytest.mark.parametrize("how", WAYS)
def test_float32_stays_and_nothing_passed_in_changes(how):
    a, b, h_0, dh = (x.astype(np.float32) for x in draw((2, 37, 3), 0, np.float64))
    for x in (a, b, h_0, dh):
        x.setflags(write=False)
    h, tape = scan(a / 4, b, h_0, how=how)
    first = scan_backward(dh, tape)
    h[:] = 0  # what was returned belongs to the caller
    for x in first:
        assert x.dtype == np.float32
    for x, again in zip(first, scan_backward(dh, tape)):
        assert np.array_equal(x, again)


def test_combining_is_associative_and_not_commutative():
    rng = np.random.default_rng(0)
    f, g, h = ((rng.normal(size=3), rng.normal(size=3)) for _ in range(3))
    left, right = combine(combine(f, g), h), combine(f, combine(g, h))
    assert np.allclose(left, right, rtol=1e-12)
    assert not np.allclose(combine(f, g), combine(g, f))
    x = rng.normal(size=3)
    assert np.allclose(combine(f, g)[0] * x + combine(f, g)[1], g[0] * (f[0] * x + f[1]) + g[1])


def test_rounds_and_products_are_what_the_module_says(monkeypatch):
    """The tree makes at most 2 T products of pairs, doubling T log2 T."""
    made = []
    real = scans.combine
    monkeypatch.setattr(scans, "combine", lambda f, g: made.append(len(g[0])) or real(f, g))
    a, b, _, _ = draw((1, 1024, 1), 0, np.float64)
    for how, rounds, steps in (("doubling", 10, 10 * 1024), ("tree", 10, 1024)):
        made.clear()
        scan(0.5 * np.tanh(a), b, how=how)
        assert len(made) == rounds
        assert sum(made) <= steps


@given(sizes=CASES["sizes"], seed=CASES["seed"])
def test_log_space_is_the_same_recurrence(sizes, seed):
    rng = np.random.default_rng(seed)
    a, b = rng.uniform(0.1, 1, sizes), rng.uniform(0.1, 2, sizes)
    assert max_error(scan_log_space(np.log(a), np.log(b)), scan(a, b)[0]) <= 1e-12


def test_log_space_loses_digits_in_single_precision_and_does_not_overflow():
    rng = np.random.default_rng(0)
    a = (1 / (1 + np.exp(-rng.normal(1, 1, (1, 1000, 8))))).astype(np.float32)
    b = rng.uniform(0.01, 1, a.shape).astype(np.float32)
    true = scan(a.astype(float), b.astype(float))[0]
    error = {how: np.abs(scan(a, b, how=how)[0] - true).max() for how in WAYS}
    in_logs = np.abs(scan_log_space(np.log(a), np.log(b)) - true).max()
    assert max(error.values()) < 1e-5
    assert 10 * max(error.values()) < in_logs < 1e-2


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"a": np.zeros((2, 3))}, r"a: got shape \(2, 3\), wanted \(B, T, H\)"),
        ({"a": np.zeros((2, 0, 3))}, r"a: got shape \(2, 0, 3\), wanted"),
        ({"b": np.zeros((2, 4, 3))}, r"b: got shape \(2, 4, 3\), wanted \(2, 5, 3\)"),
        ({"b": np.zeros((2, 5, 3), np.float32)}, "b: got dtype float32, wanted float64 as the other"),
        ({"a": np.zeros((2, 5, 3), int)}, "a: got dtype int64, wanted an array of float32"),
        ({"a": [1.0]}, "a: got list, wanted an array"),
        ({"h_0": np.zeros((3, 2))}, r"h_0: got shape \(3, 2\), wanted \(2, 3\)"),
        ({"how": "quick"}, "how: got 'quick', wanted one of 'sequential'"),
        ({"chunk": 0}, "chunk: got 0, wanted an integer of at least 1"),
    ],
)
def test_wrong_arguments_are_named(change, message):
    good = {"a": np.zeros((2, 5, 3)), "b": np.zeros((2, 5, 3)), "h_0": None}
    with pytest.raises(ValueError, match=message):
        scan(**(good | change))


def test_a_wrong_gradient_is_named():
    _, tape = scan(np.zeros((2, 5, 3)), np.zeros((2, 5, 3)))
    with pytest.raises(ValueError, match=r"dh: got shape \(2, 5, 4\), wanted \(2, 5, 3\)"):
        scan_backward(np.zeros((2, 5, 4)), tape)
