"""What chapter 20 states is what its code gives, and every gradient that it prints is right three ways."""

import re

import numpy as np
import pytest
import torch
from chapter_cells import cells as cells_of
from chapter_cells import run
from course_site.execution import ROOT
from hypothesis import given
from hypothesis import strategies as st

from course_pkg import experiments
from course_pkg.experiments import recall_by_state as recall
from course_pkg.experiments import verdicts
from course_pkg.gradcheck import gradcheck, max_error, numerical_gradient
from course_pkg.memory import KINDS, by_kind, step
from course_pkg.mlstm import mlstm, stabiliser

TEXT = (ROOT / "book" / "20-matrix-memory.md").read_text(encoding="utf-8")
FLAT = " ".join(TEXT.replace('"\n    "', "").split())
CODE = cells_of("20-matrix-memory")
ONE = np.ones(1)
S_1, K_2, V_2 = np.array([[[1.0, 0], [1, 0]]]), np.array([[0.6, 0.8]]), np.array([[1.0, -1]])


@pytest.fixture(scope="module")
def chapter():
    """The names that the chapter's cells define."""
    return run({}, CODE)


def numbers_of(panels):
    return {item["name"]: float(item["value"][0]) for p in panels for item in p.get("items", ())}


def curve(panel, name):
    return next(c["y"] for c in panel["curves"] if c["name"] == name)


def stated(*words):
    for each in words:
        assert each in FLAT, each


def test_no_backslash_was_lost():
    assert not re.search(r"[\x00-\x09\x0b-\x1f]", TEXT)


# The telephone book


def test_the_first_figure(chapter):
    move = chapter["FIGURES"]["A telephone book in a 16 by 16 matrix"]._fn
    exact = [numbers_of(move(n, "at right angles")) for n in chapter["COUNTS"] if n <= 16]
    assert all(found["dialled right"] == 1 and found["largest error in a sign"] < 1e-12 for found in exact)
    one_more = numbers_of(move(17, "at right angles"))
    assert one_more["largest error in a sign"] == pytest.approx(2, abs=0.1)  # "by about 2"
    assert 0.95 < one_more["dialled right"] < 1  # "most calls still go through"
    at = {n: numbers_of(move(n, "random directions")) for n in (2, 4, 8, 12, 16)}
    assert at[2]["largest error in a sign"] > 0.1  # "the errors start at once"
    assert at[4]["dialled right"] == 1 > at[8]["dialled right"]  # the text alternative
    assert at[12]["dialled right"] > 0.9 > at[16]["dialled right"]  # "between 12 and 16"


def test_the_curve_does_not_tell_before_it_is_asked(chapter):
    panel, _ = chapter["FIGURES"]["A telephone book in a 16 by 16 matrix"]._fn(4, "at right angles")
    assert np.isfinite(curve(panel, "right")).sum() == chapter["COUNTS"].index(4) + 1


def test_dialling_the_nearest_is_the_largest_product(chapter):
    rng = np.random.default_rng(0)
    _, phones, owner = chapter["town"](30, 16, rng)
    read = rng.normal(size=(30, 16)) + phones[owner]
    nearest = np.square(read[:, None] - phones).sum(axis=2).argmin(axis=1)
    assert chapter["dialled"](read, phones, owner) == np.mean(nearest == owner)


def test_two_pairs_by_hand():
    k, v = np.array([[[1.0, 0], [0.6, 0.8]]]), np.array([[[1.0, 1], [1, -1]]])
    _, S, _ = by_kind("linear attention", k, k, v)
    np.testing.assert_allclose(S[0], [[1.6, 0.8], [0.4, -0.8]])
    stated(r"\begin{pmatrix} 1.6 & 0.8 \\ 0.4 & -0.8 \end{pmatrix}", "the first column, (1.6, 0.4)")
    np.testing.assert_allclose(S[0] @ k[0, 0] - v[0, 0], 0.6 * v[0, 1])
    np.testing.assert_allclose(0.5 * S[0] @ k[0, 0], [0.8, 0.2])
    stated("asking for $k_1$ gives (0.8, 0.2)")


@given(seed=st.integers(0, 10**6), T=st.integers(1, 8))
def test_what_is_read_is_a_weighted_sum_of_values(seed, T):
    rng = np.random.default_rng(seed)
    k, q, v = rng.normal(size=(1, T, 3)), rng.normal(size=(1, T, 3)), rng.normal(size=(1, T, 2))
    y, _, _ = by_kind("linear attention", q, k, v)
    assert max_error(y[0], np.tril(q[0] @ k[0].T) @ v[0]) < 1e-12


def test_crosstalk_on_the_circle(chapter):
    move = chapter["FIGURES"]["Crosstalk: ask for the first key"]._fn
    weights = lambda n, angle: move(n, angle)[1]["values"]  # noqa: E731
    assert weights(2, 90)[1] == pytest.approx(0)
    assert weights(3, 90)[2] == pytest.approx(-1)
    np.testing.assert_allclose(weights(3, 120)[1:3], -0.5)
    assert not weights(2, 45)[2:].any()


# Gates


def test_the_sigmoid_cannot_outweigh_ten(chapter):
    move = chapter["FIGURES"]["Can the last write outweigh all earlier ones?"]._fn
    panel, _ = move(10, 0.0)
    assert curve(panel, "sigmoid").max() < 1 / 6
    assert curve(panel, "exponential").max() > 0.99
    stated("1/(1 + 5) is 0.167", "so a = 2.3")
    assert (round(1 / 6, 3), round(float(np.log(10)), 1)) == (0.167, 2.3)
    q = np.ones((1, 11, 1))  # the figure's share is what the mLSTM does, with values that mark the last write
    last = (np.arange(11) == 10).astype(float)[None, :, None]
    h, _ = mlstm(q, q, last, np.where(last[..., 0] > 0, 2.0, 0.0), np.full((1, 11), 50.0))
    assert h[0, -1, 0] == pytest.approx(numbers_of(move(10, 2.0))["exponential"])


def test_the_stabiliser_by_hand():
    m, before = stabiliser(np.array([[800.0, 801]]), np.zeros((1, 2)))
    assert m.tolist() == [[800, 801]]
    kept = np.exp(before[0, 1] - m[0, 1])
    stated("multiplied by $e^{-1} = 0.368$", "$0.368/1.368 = 0.269$ and 0.731")
    assert [round(float(a), 3) for a in (kept, kept / (1 + kept), 1 / (1 + kept))] == [0.368, 0.269, 0.731]
    with np.errstate(over="ignore"):
        assert np.isinf(np.exp(np.float32([88, 89]))).tolist() == [False, True]
        assert np.isinf(np.exp(800.0))


# The delta rule


def test_the_delta_step_by_hand(chapter):
    S = step(S_1, K_2, V_2, ONE[None], ONE, ONE)
    np.testing.assert_allclose(S[0], [[1.24, 0.32], [0.04, -1.28]])
    stated(r"\begin{pmatrix} 1.24 & 0.32 \\ 0.04 & -1.28 \end{pmatrix}", "The error is (0.4, −1.6)", "(1.24, 0.04)")
    np.testing.assert_allclose(S[0] @ K_2[0], V_2[0])
    np.testing.assert_allclose(S[0] @ [1, 0] - [1, 1], 0.6 * np.array([0.4, -1.6]))
    half = 0.5 * S_1
    np.testing.assert_allclose(half[0] @ K_2[0], [0.3, 0.3])
    np.testing.assert_allclose(V_2[0] - half[0] @ K_2[0], [0.7, -1.3])


def test_the_gradient_by_hand():
    """The printed three terms for the printed step, and the sum of them."""
    dS, k, v, S = np.eye(2), K_2[0], V_2[0], S_1[0]
    g = dS @ k
    terms = dS.T @ v, -dS.T @ (S @ k), -S.T @ g
    np.testing.assert_allclose(terms, [(1, -1), (-0.6, -0.6), (-1.4, 0)])
    np.testing.assert_allclose(sum(terms), (-1, -1.6))
    assert g @ (v - S @ k) == pytest.approx(-1.04)
    stated(r"$\mathrm{d}k = (-1, -1.6)$", r"$\mathrm{d}\beta = 0.6 \cdot 0.4 - 0.8 \cdot 1.6 = -1.04$")


@given(seed=st.integers(0, 10**6), V=st.integers(1, 4), K=st.integers(1, 4))
def test_the_printed_gradients_three_ways(seed, V, K):
    rng = np.random.default_rng(seed)
    S, k, v, dS_t, beta = rng.normal(size=(V, K)), rng.normal(size=K), rng.normal(size=V), rng.normal(size=(V, K)), 0.7
    g = dS_t @ k
    printed = {
        "S": dS_t - beta * np.outer(g, k),
        "k": beta * dS_t.T @ v - beta * dS_t.T @ (S @ k) - beta * S.T @ g,
        "v": beta * g,
        "beta": g @ (v - S @ k),
    }
    given_ = {"S": S, "k": k, "v": v, "beta": np.array(beta)}

    def loss(**new):
        S, k, v, beta = (given_ | new).values()
        return np.sum(dS_t * step(S[None], k[None], v[None], ONE[None], ONE * beta, ONE * beta)[0])

    leaves = {name: torch.tensor(a, requires_grad=True) for name, a in given_.items()}
    S_, k_, v_, b_ = leaves.values()
    (torch.tensor(dS_t) * (S_ + b_ * torch.outer(v_ - S_ @ k_, k_))).sum().backward()
    for name, gradient in printed.items():
        assert max_error(gradient, leaves[name].grad.numpy()) < 1e-12
        measured = numerical_gradient(lambda a, name=name: loss(**{name: a}), given_[name])
        assert max_error(gradient, measured) < 1e-7


def test_at_a_share_of_one_nothing_passes_in_the_direction_of_the_key():
    k = K_2[0]
    printed = np.eye(2) - np.outer(k, k)
    np.testing.assert_allclose(printed @ k, 0, atol=1e-15)
    np.testing.assert_allclose(printed @ [-0.8, 0.6], [-0.8, 0.6])


def test_adding_forgetting_overwriting(chapter):
    move = chapter["FIGURES"]["Adding, forgetting, overwriting"]._fn
    at = lambda kind, *how: dict(zip(chapter["SIZES"], curve(move(*how), kind)))  # noqa: E731
    assert at("linear attention", 1, 1.0, 1)[16] > at("DeltaNet", 1, 1.0, 1)[16] + 0.1
    for n in (4, 8, 16, 32):
        assert at("DeltaNet", 2, 1.0, 1)[n] > at("linear attention", 2, 1.0, 1)[n] + 0.1
    faded = at("RetNet", 2, 1.0, 1)[16]  # "a little ahead of both"
    assert at("DeltaNet", 2, 1.0, 1)[16] < faded < at("DeltaNet", 2, 1.0, 1)[16] + 0.1
    assert at("DeltaNet", 1, 1.0, 20)[16] > 0.95  # "nearly all of the sixteen"
    assert at("DeltaNet", 1, 1.0, 20)[32] - at("DeltaNet", 1, 1.0, 1)[32] < 0.06  # "passes hardly help"
    half, adding = at("DeltaNet", 1, 0.5, 1), at("linear attention", 1, 0.5, 1)
    assert all(abs(half[n] - adding[n]) < 0.05 for n in half)
    assert all(min(half[n], at("DeltaNet", 1, 0.25, 1)[n]) > at("DeltaNet", 1, 1.0, 1)[n] for n in (8, 16, 32))
    assert at("DeltaNet", 1, 0.5, 20)[32] > at("DeltaNet", 1, 0.5, 1)[32] + 0.1  # "while at one half they do"


def test_the_order_of_delta_rule_and_retnet_hangs_on_the_share(chapter):
    """At one half the delta rule is ahead at sixteen names with two numbers each, whatever share RetNet has."""
    at = lambda kind, **how: chapter["on_average"](kind, n=16, times=2, **how)  # noqa: E731
    retnet = {kept: at("RetNet", kept=kept) for kept in (0.8, 0.85, 0.9, 0.93, 0.95, 0.97, 0.99)}
    assert max(retnet, key=retnet.get) not in (0.8, 0.99)  # the best lies inside what was tried
    assert at("DeltaNet", share=0.5) > max(retnet.values()) + 0.05
    assert at("DeltaNet", share=1.0) < retnet[0.97]
    stated("also with each of six other shares for RetNet from 0.8 to 0.99")


def test_the_verdict_on_drawn_keys_follows_the_calls(chapter):
    cell = next(c for c in CODE if "remembers =" in c)
    names = {**chapter, "SAID": []}
    assert "**Holds when:** an old number and a new one" in " ".join(chapter["SAID"])
    swapped = {"linear attention": "DeltaNet", "DeltaNet": "linear attention"}
    exchanged = "written = lambda kind, f=written, **how: f(swapped[kind], **how)\n" + cell
    words = run({**names, "swapped": swapped}, [exchanged])["SAID"][-1]
    assert "**Holds when:** one number each" in words


# The table and what a state holds


def test_the_table_has_every_line_of_the_package_and_the_mlstm():
    table = TEXT.split("from an LSTM's cell by |")[1].split("\n\n")[0]
    assert set(re.findall(r"^\| (.+?) \|", table, re.MULTILINE)) - {"---"} == {*KINDS, "mLSTM", "RWKV-6"}
    gates = {"one": "one number a step", "each": "one a place and step", "constant": "a constant", None: "1"}
    for kind, line in KINDS.items():
        _, _, keeps, writes, erases, _, _ = next(r for r in table.splitlines() if f"| {kind} |" in r).split("|")
        assert keeps.strip() == gates[line.get("keep")]
        assert (writes.strip(), erases.strip()) == (("β", "β") if "erase" in line else ("1", "0"))


def test_every_line_is_its_loop(chapter):
    assert set(chapter["LINES"]) == {*KINDS, "mLSTM", "RWKV-6"}
    for kind in chapter["LINES"]:
        assert max_error(chapter["ours"](kind), chapter["loop"](kind)) < 1e-12


@given(seed=st.integers(0, 10**6), T=st.integers(1, 8), K=st.integers(1, 4), V=st.integers(1, 4))
def test_rwkv_6_is_the_sum_of_its_paper(chapter, seed, T, K, V):
    """Peng et al. 2024: each earlier pair, faded by the shares of the steps between, and the present one by u."""
    rng = np.random.default_rng(seed)
    q, k, v = rng.normal(size=(T, K)), rng.normal(size=(T, K)), rng.normal(size=(T, V))
    f, u = rng.uniform(0, 1, (T, K)), rng.normal(size=K)
    Q, Ks, Vs, F, U = map(torch.tensor, (q, k, v, f, u))
    said = []
    for t in range(T):
        earlier = [torch.outer(Ks[i] * F[i + 1 : t].prod(dim=0), Vs[i]) for i in range(t)]
        said.append(Q[t] @ sum(earlier, torch.outer(U * Ks[t], Vs[t])))
    ours = chapter["rwkv6"](q[None], k[None], v[None], f[None], u)[0]
    assert max_error(ours, torch.stack(said).numpy()) <= 1e-12


def rwkv_7(S, q, k, v, f, removal, a):
    """One sequence from the line of its paper (Peng et al. 2025), S (V, K): (y (T, V), the last S)."""
    said = []
    for t in range(len(q)):
        evolve = torch.diag(f[t]) - torch.outer(removal[t], a[t] * removal[t])
        S = S @ evolve + torch.outer(v[t], k[t])
        said.append(S @ q[t])
    return torch.stack(said), S


def rwkv_7_case(seed, T=6, K=4, V=3):
    rng = np.random.default_rng(seed)
    q, k, removal, v = (rng.normal(size=(T, n)) for n in (K, K, K, V))
    k, removal = (x / np.linalg.norm(x, axis=1, keepdims=True) for x in (k, removal))
    return {"S": rng.normal(size=(V, K)), "q": q, "k": k, "v": v, "removal": removal} | {
        name: rng.uniform(0.1, 1, (T, K)) for name in ("f", "a")
    }


@pytest.mark.parametrize("seed", range(5))
def test_rwkv_7_is_a_delta_net_where_its_additions_are_closed(seed):
    case = rwkv_7_case(seed)
    beta = case["a"][:, 0]
    closed = {"f": np.ones_like(case["f"]), "removal": case["k"], "a": np.repeat(beta[:, None], 4, axis=1)}
    theirs, S_T = rwkv_7(**{n: torch.tensor(x) for n, x in (case | closed | {"v": beta[:, None] * case["v"]}).items()})
    q, k, v = (case[name][None] for name in ("q", "k", "v"))
    ours, last, _ = by_kind("DeltaNet", q, k, v, write=beta[None], S_0=case["S"][None])
    assert max_error(ours[0], theirs.numpy()) <= 1e-12
    assert max_error(last[0], S_T.numpy()) <= 1e-12


@pytest.mark.parametrize("seed", range(5))
def test_rwkv_7_changes_the_memory_in_two_directions_and_a_memory_step_in_one(seed):
    case = {name: torch.tensor(x if name == "S" else x[:1]) for name, x in rwkv_7_case(seed).items()}
    _, S = rwkv_7(**case)
    changed = (S - case["S"] * case["f"]).numpy()
    assert np.linalg.matrix_rank(changed) == 2
    two = np.stack([case["k"][0].numpy(), (case["a"] * case["removal"])[0].numpy()])
    assert np.linalg.matrix_rank(np.concatenate([changed, two])) == 2  # no other directions
    S, k, v, f = (case[name].numpy() for name in "Skvf")
    rng = np.random.default_rng(seed)
    kept = step(S[None], k, v, f, rng.normal(size=1), rng.normal(size=1))[0] - S * f
    assert np.linalg.matrix_rank(kept, tol=1e-12) == 1
    assert np.linalg.matrix_rank(np.concatenate([kept, k]), tol=1e-12) == 1  # the direction of the key


def test_bytes_and_bits(chapter):
    assert chapter["held"](32) == (16_384, 16_384)
    attention, matrix = chapter["held"](100_000)
    assert 3_000 < attention / matrix < 4_000
    assert matrix < 100_000 * 6 // 8  # it cannot repeat what it has read
    stated("256 numbers, 8,192 bits", "with 6 bits each are 96 bits")
    assert (16 * 16 * 32, 16 * 6, 2**6) == (8192, 96, 64)


def test_what_people_say(chapter):
    assert chapter["causal"].word == "holds"
    assert chapter["gated"].word == "does not hold"
    assert chapter["replaces"].cases == {"4 names": True, "16 names": False, "64 names": False}
    found = list(chapter["endless"].cases.values())
    assert found[0] is True
    assert found[-1] is False
    np.testing.assert_allclose(chapter["double"], 8 * chapter["once"])
    sharp = [chapter["by_attention"](64, seed) for seed in range(10)]
    assert min(sharp) == 1  # attention is not at fault


def test_a_memory_with_a_gate_that_bends_would_be_found(chapter):
    """The verdict on linearity looks at the numbers: a step that is not linear in its values shows."""
    names = {**chapter, "ours": lambda kind, v=chapter["v"]: np.tanh(chapter["ours"](kind, v))}
    cell = next(c for c in CODE if "bends =" in c).split("x = rng")[0]
    assert run(names, [cell])["gated"].word == "holds"


# Alternative texts that state what was found


def a_telephone_book(chapter):
    move, counts = chapter["FIGURES"]["A telephone book in a 16 by 16 matrix"]._fn, np.array(chapter["COUNTS"])
    square, free = (curve(move(64, kind)[0], "right") for kind in chapter["KINDS_OF_TOWN"])
    assert (square[counts <= 16] == 1).all()
    assert (square[counts > 16] < 1).all()
    assert [square[counts == n].item() > 0.5 for n in (32, 48)] == [True, False]
    assert (free[counts < 8] == 1).all()
    assert (free[counts >= 8] < 1).all()


def the_cosine_between(chapter):
    move = chapter["FIGURES"]["Crosstalk: ask for the first key"]._fn
    for n in (1, 2, 3, 4):
        for angle in (15, 30, 45, 60, 90, 120, 180):
            drawn = move(n, angle)
            keys = [[float(c["x"][1]), float(c["y"][1])] for c in drawn[0]["curves"][:n]]
            np.testing.assert_allclose(drawn[1]["values"][:n], np.array(keys) @ keys[0], atol=1e-12)
            assert not np.any(drawn[1]["values"][n:])


def levels_off(chapter):
    move = chapter["FIGURES"]["Can the last write outweigh all earlier ones?"]._fn
    panel = move(10, 0.0)[0]
    flat, rising = curve(panel, "sigmoid"), curve(panel, "exponential")
    assert flat[-1] == pytest.approx(1 / 6, abs=1e-3)  # "at one sixth for ten earlier writes"
    for earlier in (1, 2, 5, 10, 50):
        flat, rising = (curve(move(earlier, 0.0)[0], gate) for gate in ("sigmoid", "exponential"))
        assert flat[-1] - flat[-10] < 0.01 < rising[-1] - rising[-31]
        assert rising[-1] > 1 - 1.1 * earlier * np.exp(-8)


def adding_and_the_delta_rule(chapter):
    move = chapter["FIGURES"]["Adding, forgetting, overwriting"]._fn
    one = move(1, 1.0, 1)
    assert (np.array(curve(one, "linear attention")) >= curve(one, "DeltaNet")).all()
    for share in (0.25, 0.5, 0.75, 1.0):
        two = move(2, share, 1)
        assert (np.array(curve(two, "DeltaNet")) > np.array(curve(two, "linear attention")) + 0.15).all()


def memories_rise(chapter):
    move, trained = chapter["FIGURES"]["Recall of sixteen pairs, trained"]._fn, chapter["trained"]
    for times in trained["times"]:
        panel = move(trained["updates"][-1], times)
        assert min(curve(panel, "attention")) > 0.95  # "at or near one at each size"
        for kind in trained["kinds"][:3]:
            assert (np.diff(curve(panel, kind)) > 0.05).all(), kind


ALT_FINDINGS = {
    "A telephone book in a 16 by 16 matrix": a_telephone_book,
    "Crosstalk: ask for the first key": the_cosine_between,
    "Can the last write outweigh all earlier ones?": levels_off,
    "Adding, forgetting, overwriting": adding_and_the_delta_rule,
    "Recall of sixteen pairs, trained": memories_rise,
}


@pytest.mark.parametrize("title", ALT_FINDINGS)
def test_the_alternative_text_says_what_is_drawn(chapter, title):
    assert title in chapter["FIGURES"]
    ALT_FINDINGS[title](chapter)


def test_no_two_telephones_share_a_number(chapter):
    for square in (True, False):
        for seed in chapter["SEEDS"]:
            for n in chapter["COUNTS"]:
                _, phones, _ = chapter["town"](n, 16, np.random.default_rng(seed), square)
                assert len(np.unique(phones, axis=0)) == len(phones) == 64


# The quiz


def test_the_quiz():
    k = np.array([[[1.0, 0], [1, 0]]])
    v = np.array([[[3.0], [5.0]]])
    assert [by_kind(kind, k, k, v)[0][0, 1, 0] for kind in ("linear attention", "DeltaNet")] == [8, 5]
    m, _ = stabiliser(np.array([[10.0, 4]]), np.array([[0.0, -1]]))
    assert (m[0, 1], 4 - m[0, 1]) == (9, -5)
    rng = np.random.default_rng(0)
    S, k, v = rng.normal(size=(1, 2, 3)), rng.normal(size=(1, 3)), rng.normal(size=(1, 2))

    def early(S, f, beta=0.7):  # the error is taken before the decay
        found = np.einsum("bvk,bk->bv", S, k)
        return f * S + beta * (v - found)[:, :, None] * k[:, None, :]

    for memory, f, same in ((S, 1.0, True), (0 * S, 0.5, True), (S, 0.5, False)):
        right = step(memory, k, v, ONE[None] * f, 0.7 * ONE, 0.7 * ONE)
        assert (max_error(early(memory, f), right) < 1e-12) is same


# The stored experiment


@pytest.mark.parametrize("kind", recall.KINDS)
def test_the_experiments_gradient(kind):
    """Every parameter, by finite differences; the memory's own gradient is PyTorch's in tests/test_memory.py."""
    rng, settings = np.random.default_rng(0), recall.SETTINGS | {"keys": 6, "pairs": 3}
    net, batch = recall.start(rng, settings, kind, 3), recall.draw(rng, settings, 2, 2)
    gradcheck(lambda net: recall.loss(net, batch, kind)[0], net, recall.loss(net, batch, kind)[1])


@pytest.mark.parametrize("times", [1, 2])
def test_the_experiments_answers_are_those_of_a_dictionary(times):
    batch = recall.draw(np.random.default_rng(3), recall.SETTINGS, times, 5)
    for keys, values, asked, answers in zip(*batch):
        last = dict(zip(keys, values))
        assert answers.tolist() == [last[a] for a in asked]
        assert len(set(asked)) == len(asked) == recall.SETTINGS["pairs"]
        assert len(keys) == times * len(asked)


def test_the_trained_verdict_follows_the_rows():
    stored = experiments.load("recall_by_state")
    assert isinstance(recall.verdict(stored), verdicts.Verdict)
    for row in stored["results"]:  # the delta rule always right, adding always wrong
        row["values"] = [{"DeltaNet": 1.0, "linear attention": 0.5}.get(row["kind"], 0.9)] * len(row["values"])
    assert recall.verdict(stored).word == "holds"
    for row in stored["results"]:
        row["values"] = [1.5 - v if row["kind"] in recall.CLAIMED else v for v in row["values"]]
    assert recall.verdict(stored).word == "does not hold"
