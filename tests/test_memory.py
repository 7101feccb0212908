"""Matrix memories: each line of the table is its paper's recurrence, and every gradient is PyTorch's."""

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from course_pkg import memory as memories
from course_pkg.gradcheck import gradcheck, max_error
from course_pkg.memory import KINDS, by_kind, memory, memory_backward
from course_pkg.mlstm import mlstm, mlstm_backward, stabiliser

SIZES = st.tuples(st.integers(1, 3), st.integers(1, 9), st.integers(1, 4), st.integers(1, 4))
SEEDS = st.integers(0, 2**32 - 1)


def draw(sizes, seed):
    """Queries, keys of length 1, values, and gates between 0 and 1."""
    B, T, K, V = sizes
    rng = np.random.default_rng(seed)
    k = rng.normal(size=(B, T, K))
    k /= np.linalg.norm(k, axis=2, keepdims=True)
    return {
        "q": rng.normal(size=(B, T, K)),
        "k": k,
        "v": rng.normal(size=(B, T, V)),
        "one": rng.uniform(0.2, 1, (B, T, 1)),
        "each": rng.uniform(0.2, 1, (B, T, K)),
        "write": rng.uniform(0, 1, (B, T)),
        "S_0": rng.normal(size=(B, V, K)),
        "dy": rng.normal(size=(B, T, V)),
        "dS": rng.normal(size=(B, V, K)),
    }


# One sequence, one step, from the papers' own lines, with S of shape (V, K): y = S q.
def outer(v, k):
    return v[:, None] * k[None]


PAPERS = {
    "linear attention": lambda S, k, v, g, b: S + outer(v, k),
    "RetNet": lambda S, k, v, g, b: g * S + outer(v, k),
    "Mamba-2": lambda S, k, v, g, b: g * S + outer(v, k),
    "GLA": lambda S, k, v, g, b: S @ torch.diag(g) + outer(v, k),
    "DeltaNet": lambda S, k, v, g, b: S @ (torch.eye(len(k)) - b * outer(k, k)) + b * outer(v, k),
    "gated DeltaNet": lambda S, k, v, g, b: g * S @ (torch.eye(len(k)) - b * outer(k, k)) + b * outer(v, k),
    "KDA": lambda S, k, v, g, b: S @ torch.diag(g) @ (torch.eye(len(k)) - b * outer(k, k)) + b * outer(v, k),
}


@pytest.mark.parametrize("kind", list(KINDS))
@given(sizes=SIZES, seed=SEEDS)
def test_every_line_of_the_table_is_its_papers_recurrence(kind, sizes, seed):
    """Values and all gradients, against a loop over single sequences in PyTorch."""
    case, forgets, erases = draw(sizes, seed), KINDS[kind].get("keep"), "erase" in KINDS[kind]
    keep = 0.9 if forgets == "constant" else case.get(forgets)
    write = case["write"] if erases else None
    y, S_T, tape = by_kind(kind, case["q"], case["k"], case["v"], keep=keep, write=write, S_0=case["S_0"])
    ours = memory_backward(case["dy"], case["dS"], tape)

    torch.set_default_dtype(torch.float64)
    try:
        names = [
            "q",
            "k",
            "v",
            "S_0",
            *(["write"] if erases else []),
            *([forgets] if forgets in ("one", "each") else []),
        ]
        leaves = {name: torch.tensor(case[name], requires_grad=True) for name in names}
        loss = 0.0
        for n in range(sizes[0]):
            S, said = leaves["S_0"][n], []
            for t in range(sizes[1]):
                gate = leaves[forgets][n, t] if forgets in leaves else 0.9
                share = leaves["write"][n, t] if erases else 1.0
                S = PAPERS[kind](S, leaves["k"][n, t], leaves["v"][n, t], gate, share)
                said.append(S @ leaves["q"][n, t])
            said = torch.stack(said)
            assert max_error(y[n], said.detach().numpy()) <= 1e-12
            assert max_error(S_T[n], S.detach().numpy()) <= 1e-12
            loss = loss + (said * torch.tensor(case["dy"][n])).sum() + (S * torch.tensor(case["dS"][n])).sum()
        loss.backward()
    finally:
        torch.set_default_dtype(torch.float32)
    mine = ours._asdict() | {"write": ours.write + ours.erase, "one": ours.keep, "each": ours.keep}
    for name, leaf in leaves.items():
        assert max_error(mine[name], leaf.grad.numpy()) <= 1e-12, name


def test_the_delta_rule_is_one_step_of_gradient_descent_on_what_is_recalled():
    case = draw((1, 1, 4, 3), 0)
    S, k, v, rate = case["S_0"], case["k"][0, 0], case["v"][0, 0], 0.3
    _, moved, _ = by_kind("DeltaNet", case["q"], case["k"], case["v"], write=np.full((1, 1), rate), S_0=S)
    leaf = torch.tensor(S[0], requires_grad=True)
    (0.5 * ((leaf @ torch.tensor(k) - torch.tensor(v)) ** 2).sum()).backward()
    assert max_error(moved[0], S[0] - rate * leaf.grad.numpy()) <= 1e-12


def test_a_key_that_is_written_again_holds_the_new_value_only_where_the_memory_erases():
    k = np.zeros((1, 2, 3))
    k[..., 0] = 1
    v = np.array([[[1.0, 2.0], [5.0, 7.0]]])
    for kind, wanted in (("linear attention", [6, 9]), ("DeltaNet", [5, 7])):
        assert by_kind(kind, k, k, v)[0][0, 1].tolist() == wanted


@given(sizes=SIZES, seed=SEEDS)
def test_all_gates_at_once_agree_with_finite_differences(sizes, seed):
    """Where write and erase differ no line of the table applies; the general step still has its gradient."""
    case = draw(sizes, seed)
    erase = np.random.default_rng(seed).uniform(0, 1, case["write"].shape)
    arguments = {"keep": case["each"], "write": case["write"], "erase": erase, "S_0": case["S_0"]}
    _, _, tape = memory(case["q"], case["k"], case["v"], **arguments)
    ours = memory_backward(case["dy"], case["dS"], tape)

    def loss(name):
        def f(moved):
            whole = {"q": case["q"], "k": case["k"], "v": case["v"], **arguments, name: moved}
            y, S, _ = memory(whole.pop("q"), whole.pop("k"), whole.pop("v"), **whole)
            return (y * case["dy"]).sum() + (S * case["dS"]).sum()

        return f

    for name in ("k", "erase", "write", "keep"):
        gradcheck(loss(name), getattr(tape, name), getattr(ours, name), tolerance=1e-6)


def by_definition(q, k, v, a_i, a_f):
    """The mLSTM as its paper writes it, without a stabiliser, in PyTorch; one sequence."""
    S, n, said = torch.zeros(v.shape[1], k.shape[1]), torch.zeros(k.shape[1]), []
    for t in range(len(q)):
        f, i, key = torch.sigmoid(a_f[t]), torch.exp(a_i[t]), k[t] / k.shape[1] ** 0.5
        S, n = f * S + i * outer(v[t], key), f * n + i * key
        said.append(S @ q[t] / torch.clamp((n @ q[t]).abs(), min=1.0))
    return torch.stack(said)


@given(sizes=SIZES, seed=SEEDS)
def test_the_mlstm_is_its_papers_and_the_stabiliser_changes_nothing(sizes, seed):
    case = draw(sizes, seed)
    rng = np.random.default_rng(seed)
    a_i, a_f = rng.normal(0, 3, case["write"].shape), rng.normal(2, 2, case["write"].shape)
    arguments = (case["q"], case["k"], case["v"], a_i, a_f)
    h, tape = mlstm(*arguments)
    ours = mlstm_backward(case["dy"], tape)
    torch.set_default_dtype(torch.float64)
    try:
        leaves = [torch.tensor(a, requires_grad=True) for a in arguments]
        theirs = torch.stack([by_definition(*(leaf[n] for leaf in leaves)) for n in range(sizes[0])])
        theirs.backward(torch.tensor(case["dy"]))
    finally:
        torch.set_default_dtype(torch.float32)
    scale = max(1.0, theirs.detach().abs().max().item())
    assert max_error(h / scale, theirs.detach().numpy() / scale) <= 1e-11
    for name, leaf in zip(ours._fields, leaves):
        wanted = leaf.grad.numpy()
        size = max(1.0, np.abs(wanted).max())
        assert max_error(getattr(ours, name) / size, wanted / size) <= 1e-10, name


def test_exponents_that_overflow_do_not():
    """exp(800) is infinite in double precision; what stands in the fraction is not."""
    case = draw((2, 6, 3, 2), 0)
    a_i = np.full((2, 6), 800.0) + np.arange(6)
    h, tape = mlstm(case["q"], case["k"], case["v"], a_i, np.ones((2, 6)))
    assert np.isfinite(h).all()
    assert all(np.isfinite(a).all() for a in mlstm_backward(case["dy"], tape))
    shifted, _ = mlstm(case["q"], case["k"], case["v"], a_i - 790, np.ones((2, 6)))
    assert max_error(h, shifted) <= 1e-9  # far above the floor only the differences of exponents count


def test_exponents_that_vanish_leave_nothing_and_no_warning():
    """Where exp(a_i) is 0 in double precision the floor is infinite: the answer and every gradient are 0."""
    case = draw((2, 6, 3, 2), 0)
    h, tape = mlstm(case["q"], case["k"], case["v"], np.full((2, 6), -800.0), np.ones((2, 6)))
    assert not h.any()
    assert not any(a.any() for a in mlstm_backward(case["dy"], tape))


def test_the_stabiliser_is_the_largest_exponent_that_is_left():
    m, before = stabiliser(np.array([[1.0, 0.0, 5.0]]), np.array([[-1.0, -0.5, -9.0]]))
    assert m.tolist() == [[1.0, 0.5, 5.0]]
    assert before.tolist() == [[-np.inf, 1.0, 0.5]]


def test_float32_stays_tapes_can_be_used_twice_and_nothing_passed_in_changes():
    case = {name: a.astype(np.float32) for name, a in draw((2, 5, 3, 4), 0).items()}
    for a in case.values():
        a.setflags(write=False)
    y, S, tape = by_kind("KDA", case["q"], case["k"], case["v"], keep=case["each"], write=case["write"])
    first = memory_backward(case["dy"], case["dS"], tape)
    y[:], S[:] = 0, 0
    for a, b in zip(first, memory_backward(case["dy"], case["dS"], tape)):
        assert a.dtype == np.float32
        assert np.array_equal(a, b)
    h, kept = mlstm(case["q"], case["k"], case["v"], case["write"], case["write"])
    assert h.dtype == np.float32
    assert all(a.dtype == np.float32 for a in mlstm_backward(case["dy"], kept))


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"k": np.zeros((2, 5, 4))}, r"k: got shape \(2, 5, 4\), wanted \(2, 5, 3\)"),
        ({"v": np.zeros((2, 5))}, r"v: got shape \(2, 5\), wanted \(2, 5, V\)"),
        ({"keep": np.zeros((2, 5, 2))}, r"keep: got shape \(2, 5, 2\), wanted \(2, 5, 3\)"),
        ({"write": np.zeros((2, 4))}, r"write: got shape \(2, 4\), wanted \(2, 5\)"),
        ({"S_0": np.zeros((2, 3, 4))}, r"S_0: got shape \(2, 3, 4\), wanted \(2, 4, 3\)"),
        ({"v": np.zeros((2, 5, 4), np.float32)}, "v: got dtype float32, wanted float64"),
    ],
)
def test_wrong_arguments_are_named(change, message):
    good = {"q": np.zeros((2, 5, 3)), "k": np.zeros((2, 5, 3)), "v": np.zeros((2, 5, 4))} | change
    with pytest.raises(ValueError, match=message):
        memory(good.pop("q"), good.pop("k"), good.pop("v"), **good)


@pytest.mark.parametrize(
    ("kind", "keep", "message"),
    [
        ("LSTM", None, "kind: got 'LSTM', wanted one of 'linear attention'"),
        ("DeltaNet", 0.9, "keep: got a value, wanted None for DeltaNet"),
        ("GLA", None, "keep: got None, wanted each for GLA"),
        ("GLA", np.zeros((2, 5, 1)), r"keep: got shape \(2, 5, 1\), wanted \(2, 5, 3\)"),
    ],
)
def test_a_gate_that_does_not_belong_to_the_kind_is_refused(kind, keep, message):
    q = np.zeros((2, 5, 3))
    with pytest.raises(ValueError, match=message):
        by_kind(kind, q, q, q, keep=keep)


def test_the_table_has_no_line_that_another_line_has_already():
    lines = [tuple(sorted(line.items())) for line in memories.KINDS.values()]
    assert len(set(lines)) == len(lines)
