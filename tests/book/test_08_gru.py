"""What chapter 08 states is what its code gives, and every gradient that it prints is right three ways."""

import re
from functools import partial

import numpy as np
import pytest
import torch
from chapter_cells import cells as cells_of
from chapter_cells import run
from course_site.execution import ROOT
from hypothesis import given
from hypothesis import strategies as st

from course_pkg import bptt, cells, interchange, weights
from course_pkg.activations import sigmoid
from course_pkg.gradcheck import gradcheck, max_error, numerical_gradient

TEXT = (ROOT / "book" / "08-gru.md").read_text(encoding="utf-8")
CODE = cells_of("08-gru")
LONG = re.compile(r"\b(fits|needed|related)\b")  # cells that train, or need what was trained


@pytest.fixture(scope="module")
def chapter():
    """The names that the chapter's cells define, without those of the training."""
    return run({}, [cell for cell in CODE if not LONG.search(cell)])


def said(names, word, **data):
    """The sentence of the cell that holds `word`, for other data."""
    cell = next(c for c in CODE if word in c and "Markdown(" in c)
    return run({**names, "SAID": [], **data}, [cell])["SAID"][-1]


def numbers_of(panels):
    return {item["name"]: float(item["value"][0]) for p in panels for item in p.get("items", ())}


def curve(panel, name):
    return next(c["y"] for c in panel["curves"] if c["name"] == name)


def drawn(rng, D, H):
    return cells.GRUParams(*(rng.normal(size=shape) for shape in ((3 * H, D), (3 * H, H), 3 * H, H)))


def steps(p, x, start=None, reset="after"):
    """(h (B, T, H), caches) by the book's own step."""
    start = np.zeros((len(x), len(p.b_hn))) if start is None else start
    h, _, caches = bptt.unroll(partial(cells.gru_step, reset=reset), x, cells.HState(start), p)
    return h, caches


def test_no_backslash_was_lost():
    assert not re.search(r"[\x00-\x09\x0b-\x1f]", TEXT)


# One gate at a time


def test_the_first_figure(chapter):
    move = chapter["FIGURES"]["One number decides what is kept and what is written"]._fn
    assert numbers_of(move(0.9, 0.9))["stored at step 5"] == pytest.approx(0.1)  # "A tenth"
    kept = numbers_of(move(0.0, 1.0))
    assert kept == {"stored at step 5": 1, "left at step 59": 1}
    both = [(a, b) for a in (0.0, 0.25, 0.5, 0.75, 0.9, 1.0) for b in (0.5, 0.9, 0.99, 1.0)]
    assert [pair for pair in both if numbers_of(move(*pair))["left at step 59"] == 1] == [(0.0, 1.0)]
    lines = move(0.0, 0.9)[0]  # taking all of the pulse is what an open input gate does
    np.testing.assert_allclose(curve(lines, "GRU's state h"), curve(lines, "LSTM's cell state"))


def test_the_half_life():
    assert "At z = 0.9931 it is a hundred steps, and a bias of 4.97" in TEXT
    assert (round(float(sigmoid(4.97)), 4), round(2 ** (-1 / 100), 4)) == (0.9931, 0.9931)


def test_a_shut_reset_gate_hides_the_past_and_forgets_nothing(chapter):
    move = chapter["FIGURES"]["The reset gate: how much of the past the candidate sees"]._fn
    curves = [curve(move(0.0, h), "candidate") for h in (-0.8, -0.4, 0.0, 0.4, 0.8)]
    assert all(np.array_equal(c, curves[0]) for c in curves)
    assert not np.array_equal(curve(move(0.25, 0.8), "candidate"), curve(move(0.25, -0.8), "candidate"))
    shut = cells.GRUParams(np.zeros((3, 1)), np.array([[0], [0], [1.0]]), np.array([-40, 40, 0.0]), np.zeros(1))
    h, _ = steps(shut, np.ones((1, 50, 1)), np.array([[0.7]]))  # z = 1, r = 0: the first question of the quiz
    np.testing.assert_array_equal(h, np.full((1, 50, 1), 0.7))


def test_the_candidate_alone_is_one_of_two_old_networks(chapter):
    move = chapter["FIGURES"]["The candidate alone: z = 0 at every step"]._fn
    for u in (0.0, 0.9, 2.0):
        np.testing.assert_allclose(curve(move(u, 0.0)[0], "state = candidate"), np.tanh(chapter["kicks"]))
    came_in = np.tanh(1.0)
    for u in (0.5, 0.9, 1.0):  # it fades ...
        assert (np.diff(curve(move(u, 1.0)[0], "state = candidate")[3:15]) < 0).all()
        assert numbers_of(move(u, 1.0))["state at step 14"] < came_in / 2
    for first in (0.2, 1.0, 3.0):  # ... or goes to a height that u sets
        h = np.tanh(first)
        for _ in range(60):
            h = np.tanh(2 * h)
        assert h == pytest.approx(0.9575, abs=1e-4)
    assert numbers_of(move(2.0, 1.0))["state at step 14"] == pytest.approx(0.9575, abs=1e-3)
    last = {u: curve(move(u, 1.0)[0], "state = candidate")[-1] for u in (1.2, 2.0)}
    assert last[1.2] < -0.6  # "it stays up until kicked down"
    assert last[2.0] > 0.95  # "too weak to turn that"
    rng = np.random.default_rng(0)
    p = drawn(rng, 2, 3)
    p.W_ih[:6], p.W_hh[:6], p.b[:6] = 0, 0, np.repeat([40.0, -40.0], 3)  # r = 1, z = 0
    x = rng.normal(size=(2, 6, 2))
    rnn = cells.RNNParams(p.W_ih[6:], p.W_hh[6:], p.b[6:] + p.b_hn)
    h, _, _ = bptt.unroll(cells.rnn_step, x, cells.HState(np.zeros((2, 3))), rnn)
    assert max_error(steps(p, x)[0], h) < 1e-12


def test_what_the_notepad_holds(chapter):
    walked, h = chapter["walked"], chapter["noted"][0, :, 0]
    gates = {t: (walked[t].z.item(), walked[t].r.item()) for t in (4, 6)}
    assert gates[4] == pytest.approx((0.02, 0.98), abs=0.005)
    assert gates[6] == pytest.approx((0.02, 0.02), abs=0.005)
    for words, value in (
        ("the memory of 0.64", h[3]),
        ("the state becomes 0.81", h[4]),
        ("the state becomes −0.50", h[6]),
        ("rises to 0.65 at step 1", h[1]),
    ):
        assert words in TEXT.replace('"\n    "', "")
        number = re.search(r"−?\d\.\d+", words)[0].replace("−", "-")
        assert float(number) == pytest.approx(value, abs=5e-3)


# One step, and four ways back


def test_the_step_by_hand(chapter):
    k, state = chapter["cache"], chapter["state"]
    stated = {
        "| σ(0) = 0.5": k.r,
        "| σ(1) = 0.731": k.z,
        "| tanh 1 = 0.762": k.n,
        r"$a_{hn} = 2 \cdot 0.5 = 1$": k.a_hn,
        r"$0.731 \cdot 0.5 = 0.366$": k.z * 0.5,
        r"$0.269 \cdot 0.762 = 0.205$": (1 - k.z) * k.n,
        r"$\vh{t} = 0.570$": state.h,
    }
    for words, value in stated.items():
        assert words in TEXT
        assert float(words.rstrip("$").split("=")[-1]) == pytest.approx(value.item(), abs=6e-4)


def test_the_four_terms_by_hand(chapter):
    z, r = (chapter["cache"].z.item(), chapter["cache"].r.item())
    terms, whole = chapter["four_terms"](z, r)
    for words, value in (
        ("the first term is 0.731", terms[0]),
        (r"\cdot 0.731 \cdot 0.269 \cdot 2 = -0.103", terms[1]),
        (r"0.113 \cdot 0.5 \cdot 2 = 0.113", terms[2]),
        (r"0.113 \cdot 1 \cdot 0.25 \cdot 2 = 0.056", terms[3]),
        ("Together they make 0.798", whole),
    ):
        assert words in TEXT
        assert float(re.findall(r"-?\d\.\d+", words)[-1]) == pytest.approx(value, abs=6e-4)


@pytest.mark.parametrize("z", [0.0, 0.25, 0.75, 0.97, 1.0])
@pytest.mark.parametrize("r", [0.0, 0.5, 1.0])
def test_the_four_terms_are_the_derivative_three_ways(chapter, z, r):
    """The printed equation, the backward pass, finite differences and PyTorch, at every kind of corner."""
    terms, whole = chapter["four_terms"](z, r)
    assert terms.sum() == pytest.approx(whole, abs=1e-12)
    b_r, b_z = chapter["bias_for"](r), chapter["bias_for"](z) - 1
    k = chapter["hand"]._replace(b=np.array([b_r, b_z, 0]))
    after = lambda h: cells.gru_step(np.ones((1, 1)), cells.HState(h), k)[0].h.item()  # noqa: E731
    assert whole == pytest.approx(numerical_gradient(after, np.array([[0.5]])).item(), abs=1e-8)
    h = torch.tensor(0.5, dtype=torch.float64, requires_grad=True)
    gate_r, gate_z = torch.sigmoid(2 * h - 1 + b_r), torch.sigmoid(2 * h + b_z)
    (gate_z * h + (1 - gate_z) * torch.tanh(0.5 + gate_r * 2 * h)).backward()
    assert whole == pytest.approx(h.grad.item(), abs=1e-12)


def test_the_three_cases(chapter):
    one, cut, plain = (chapter["four_terms"](*case)[1] for case in ((1.0, 0.5), (0.0, 0.0), (0.0, 1.0)))
    assert (one, cut) == (1, 0)
    assert plain == pytest.approx((1 - np.tanh(1.5) ** 2) * 2)
    assert all(chapter["four_terms"](1.0, r)[0][1:].tolist() == [0, 0, 0] for r in (0.0, 0.5, 1.0))
    for r in (0.0, 0.5, 1.0):
        np.testing.assert_allclose(chapter["held"](1.0, r)[0], 1)
    assert not chapter["held"](0.0, 0.0)[0][1:].any()
    np.testing.assert_allclose(*chapter["held"](0.0, 1.0), rtol=1e-9)
    gru, rnn = chapter["held"](0.9, 1.0)
    above = gru[1:] > 0.9 ** np.arange(1, 41)  # the third answer
    assert np.flatnonzero(above)[0] + 1 == 9
    assert above[8:].all()
    assert (round(gru[40], 2), round(0.9**40, 3)) == (0.21, 0.015)
    assert (gru[10:] > rnn[10:]).all()
    assert "the same as the plain RNN" in chapter["SAID"][0]


def test_at_z_0_9_some_directions_add_up_and_others_cancel():
    """The third answer: eigenvalues of the step's Jacobian lie on both sides of 0.9."""
    W = weights.init("gru", 4, 16, np.random.default_rng(0), dtype=np.float64).W_hh[32:]
    n = np.tanh(0.5 * np.random.default_rng(1).normal(size=16))
    size = np.abs(np.linalg.eigvals(0.9 * np.eye(16) + 0.1 * np.diag(1 - n**2) @ W))
    assert size.min() < 0.87
    assert size.max() > 0.93


def test_the_sentence_about_the_cases_follows_the_measurement(chapter):
    other = lambda z, r: [np.linspace(1, 0.5, 41), np.linspace(1, 0.2, 41)]  # noqa: E731
    words = said(chapter, "Measured {LAGS} steps", held=other)
    assert "not the same as" in words
    assert "0.50" in words


def test_the_printed_jacobian_three_ways():
    rng = np.random.default_rng(2)
    D, H = 3, 4
    p, x, h = drawn(rng, D, H), rng.normal(size=(1, D)), rng.normal(size=(1, H))
    _, k = cells.gru_step(x, cells.HState(h), p)
    W_hr, W_hz, W_hn = np.split(p.W_hh, 3)
    z, r, n, a_hn = (a[0] for a in (k.z, k.r, k.n, k.a_hn))
    s = (1 - z) * (1 - n**2)
    printed = (
        np.diag(z)
        + np.diag((h[0] - n) * z * (1 - z)) @ W_hz
        + np.diag(s * r) @ W_hn
        + np.diag(s * a_hn * r * (1 - r)) @ W_hr
    )
    for j in range(H):
        row = cells.HState(np.eye(H)[[j]])
        assert max_error(cells.gru_step_backward(row, k, p)[1].h[0], printed[j]) < 1e-12
        measured = numerical_gradient(lambda h, j=j: cells.gru_step(x, cells.HState(h), p)[0].h[0, j], h)
        assert max_error(printed[j], measured[0]) < 1e-8
    net = torch.nn.GRUCell(D, H, dtype=torch.float64)
    net.load_state_dict({name[:-3]: a for name, a in interchange.to_torch(p).items()})
    theirs = torch.autograd.functional.jacobian(lambda h: net(torch.tensor(x), h[None])[0], torch.tensor(h[0]))
    assert max_error(printed, theirs.numpy()) < 1e-12


@pytest.mark.parametrize("reset", ["after", "before"])
def test_the_whole_backward_three_ways(chapter, reset):
    """Weights, input and start; the chapter's own cell prints the errors of the weights."""
    rng = np.random.default_rng(1)
    p, x, dh, h_0 = drawn(rng, 3, 4), *(rng.normal(size=s) for s in ((2, 5, 3), (2, 5, 4), (2, 4)))

    def loss(p=p, x=x, h_0=h_0):
        return np.sum(dh * steps(p, x, h_0, reset)[0])

    _, caches = steps(p, x, h_0, reset)
    dx, dstart, dp = bptt.bptt(cells.gru_step_backward, dh, None, caches, p)
    gradcheck(lambda p: loss(p=p), p, dp)
    gradcheck(lambda x: loss(x=x), x, dx)
    gradcheck(lambda h: loss(h_0=h), h_0, dstart.h)
    leaves = [torch.tensor(a, requires_grad=True) for a in p]
    names = {**chapter, "x": x, "dh": dh, "start": cells.HState(h_0)}
    exec(next(c for c in CODE if "def torch_loss" in c).split("def torch_loss")[0].split("rng = ")[0], names)
    written = "def torch_loss" + next(c for c in CODE if "def torch_loss" in c).split("def torch_loss")[1]
    exec(written.split("\n\n\n")[0], names)
    names["torch_loss"](leaves, reset).backward()
    for ours, leaf in zip(dp, leaves):
        assert max_error(ours, leaf.grad.numpy()) < 1e-12


# Four functions with one name


@given(seed=st.integers(0, 10**6), H=st.integers(1, 5), reset=st.sampled_from(["after", "before"]))
def test_the_sign_of_z_is_a_new_name(chapter, seed, H, reset):
    rng = np.random.default_rng(seed)
    p, x = drawn(rng, 2, H), rng.normal(size=(2, 12, 2))
    kept = chapter["any_gru"](x, p, "kept", reset)
    assert max_error(kept, steps(p, x, reset=reset)[0]) < 1e-12
    flipped = interchange.flip_update_gate(p)
    assert max_error(chapter["any_gru"](x, flipped, "written", reset), kept) < 1e-11


@given(seed=st.integers(0, 10**6), H=st.integers(1, 5))
def test_the_place_of_the_reset_shows_not_where_the_text_says(chapter, seed, H):
    """Without an inner bias a diagonal matrix hides it, one unit among them; a full matrix or a bias does not."""
    rng = np.random.default_rng(seed)
    p, x = drawn(rng, 2, H), rng.normal(size=(2, 12, 2))
    p.W_hh[2 * H :] = np.diag(rng.normal(size=H))
    hidden = p._replace(b_hn=np.zeros(H))
    run = chapter["any_gru"]
    assert max_error(run(x, hidden, "kept", "before"), run(x, hidden, "kept", "after")) < 1e-11
    assert max_error(run(x, p, "kept", "before"), run(x, p, "kept", "after")) > 1e-6


def test_the_figure_of_four(chapter):
    move = chapter["FIGURES"]["The same numbers in four GRUs"]._fn
    names = list(chapter["VARIANTS"])
    apart = lambda *at: dict(zip(names, move(names[0], *at)[1]["values"]))  # noqa: E731
    four, one = "4 units", "1 unit, b_hn = 0"
    as_they_are, flipped = chapter["SENT"]
    plain, sent = apart(as_they_are, four), apart(flipped, four)
    assert [name for name in names if plain[name] > 0.1] == names[1:]
    assert [name for name in names if sent[name] == 0] == ["z kept, reset after", "z written, reset after"]
    assert sent["z written, reset before"] == sent["z kept, reset before"] > 0.1  # "agree with each other"
    assert set(apart(flipped, one).values()) == {0}
    assert apart(as_they_are, one)["z written, reset after"] > 0.1


def test_the_two_units_that_separate_the_places():
    """W_hn swaps, h = (1, 0), r = (1, 0): a candidate that sees nothing, and one that sees all."""
    p = cells.GRUParams(np.zeros((6, 1)), np.zeros((6, 2)), np.zeros(6), np.zeros(2))
    p.W_hh[4:] = [[0, 1], [1, 0]]
    p.b[:4] = [40, -40, -40, -40]  # r = (1, 0), z = 0
    h = cells.HState(np.array([[1.0, 0.0]]))
    for reset, past in (("after", [0.0, 0.0]), ("before", [0.0, 1.0])):
        state, k = cells.gru_step(np.zeros((1, 1)), h, p, reset=reset)
        np.testing.assert_array_equal(k.r, [[1, 0]])
        np.testing.assert_allclose(state.h, np.tanh([past]))


def test_the_proof_that_no_weights_convert():
    """The ratio that it starts from, and that a GRU with the reset after the product has one ratio for all x."""

    def by(p, x, k, reset):
        """The derivative of unit 1 by unit k at h = 0."""
        unit = lambda h: cells.gru_step(np.array([[x]]), cells.HState(h), p, reset=reset)[0].h[0, 0]  # noqa: E731
        return numerical_gradient(unit, np.zeros((1, 3)))[0, k - 1]

    rng, places = np.random.default_rng(0), (-2.0, 0.0, 1.5)
    target = cells.GRUParams(np.zeros((9, 1)), np.zeros((9, 3)), np.zeros(9), np.zeros(3))
    target.W_ih[1:3, 0] = [1, -1]
    target.W_hh[6, 1:] = 1
    for x in places:
        assert by(target, x, 2, "before") / by(target, x, 3, "before") == pytest.approx(np.exp(x))
    plain = drawn(rng, 1, 3)
    plain.W_ih[6:], plain.b[6:], plain.b_hn[:] = 0, 0, 0  # the candidate is 0 at h = 0
    for x in places:
        _, k = cells.gru_step(np.array([[x]]), cells.HState(np.zeros((1, 3))), plain)
        for unit in (2, 3):
            formula = (1 - k.z[0, 0]) * k.r[0, 0] * plain.W_hh[6, unit - 1]
            assert by(plain, x, unit, "after") == pytest.approx(formula, abs=1e-8)
    inner = drawn(rng, 1, 3)
    inner.W_ih[:3], inner.W_ih[6:] = 0, 0  # r does not depend on x, and so b_n can take b_hn away
    inner.b[6:] = -sigmoid(inner.b[:3]) * inner.b_hn
    ratios = [by(inner, x, 2, "after") / by(inner, x, 3, "after") for x in places]
    assert ratios == pytest.approx([ratios[0]] * 3, rel=1e-6)


def test_to_torch_refuses_the_reset_before():
    with pytest.raises(ValueError, match=r"torch\.nn\.GRU cannot express"):
        interchange.to_torch(weights.init("gru", 2, 3, np.random.default_rng(0), dtype=np.float64), reset="before")


# What is said about the training, for other results


def results(after, before, lstm):
    names = ("GRU, after, b_z = 0", "GRU, before, b_z = 0", "GRU, after, b_z = 1", "GRU, before, b_z = 1")
    return {**dict(zip(names, (after, before, after, before))), "LSTM, b_f = 1": lstm}


def test_verdicts_about_the_training_follow_the_data(chapter):
    verdict = lambda **data: said(chapter, "def apart", UPDATES=300, **data)  # noqa: E731
    words = verdict(needed=results([50, 60], [90, 300], [200, 210]))
    assert words.count("**the place makes a difference.**") == 2
    assert "**the GRU is faster here.**" in words
    assert "2 never got there" in words
    words = verdict(needed=results([50, 95], [60, 90], [20, 30]))
    assert words.count("**the seeds differ more than the places.**") == 2
    assert "**the LSTM is faster here.**" in words
    assert "cannot be told apart" in verdict(needed=results([50, 95], [60, 90], [55, 300]))


def test_verdicts_about_the_gates_follow_the_data(chapter):
    verdict = lambda **data: said(chapter, "opposite =", **data)  # noqa: E731
    words = verdict(related=[0.1, -0.3], below=[0.4, 0.5])
    assert "**are not opposites.**" in words
    assert "**is not a gate.**" in words
    words = verdict(related=[-0.95, -0.99], below=[0.0, 0.1])
    assert "**are opposites.**" in words
    assert "**could be taken for a gate.**" in words


def test_updates_needed_finds_the_first_ten_below_half_of_guessing():
    names = {"np": np, "UPDATES": 300}
    cell = next(c for c in CODE if "def updates_needed" in c)
    exec("def updates_needed" + cell.split("def updates_needed")[1].split("\n\n\n")[0], names)
    losses = np.full(300, np.log(4))
    assert names["updates_needed"](losses) == 300
    losses[100:] = 0
    assert names["updates_needed"](losses) == 106  # six zeros among the last ten are the first below half


# What less costs, and the quiz


@given(seed=st.integers(0, 10**6), size=st.floats(0.1, 20), reset=st.sampled_from(["after", "before"]))
def test_a_gru_never_leaves_its_range_and_the_lstm_counts(chapter, seed, size, reset):
    p = cells.GRUParams(*(size * a for a in drawn(np.random.default_rng(seed), 1, 3)))
    assert np.abs(chapter["any_gru"](np.ones((1, 50, 1)), p, "kept", reset)).max() <= 1
    assert chapter["last"].c.item() == pytest.approx(50)
    assert chapter["largest"] <= 1


def test_the_derivative_in_the_quiz():
    p = cells.GRUParams(np.zeros((3, 1)), np.array([[0], [0], [2.0]]), np.array([40, -40, 0.0]), np.zeros(1))
    h = cells.HState(np.array([[np.arctanh(0.5) / 2]]))
    state, k = cells.gru_step(np.zeros((1, 1)), h, p)
    assert state.h.item() == pytest.approx(0.5)
    _, before, _ = cells.gru_step_backward(cells.HState(np.ones((1, 1))), k, p)
    assert before.h.item() == pytest.approx(1.5)


# Alternative texts that state what was found


def a_tenth(move):
    panel = move(0.9, 0.9)[0]
    h, c = curve(panel, "GRU's state h"), curve(panel, "LSTM's cell state")
    assert (c[5], h[5]) == pytest.approx((1, 0.1))  # "takes all of it", "stores only a tenth"
    assert (np.diff(h[5:]) < 0).all()  # "decays"


def flat_or_up(move):
    flat, up = (curve(move(*at)[0], "state = candidate") for at in ((0.9, 0.0), (1.2, 1.0)))
    assert set(np.flatnonzero(flat)) == {3, 15}
    assert (up[3:15] > 0.5).all()
    assert (up[15:] < 0).all()


def written_added_replaced(move):
    h = curve(move(1, "all")[2], "state h")
    assert (h[1], h[6]) == pytest.approx((0.65, -0.50), abs=5e-3)
    np.testing.assert_allclose(h[2:4], h[1], atol=0.02)  # "keeps it"
    assert h[4] > h[3] + 0.1


def one_of_three_comes_to_0(move):
    bars = move("z written, reset after", "z written: flipped", "4 units")[1]
    apart = dict(zip(bars["names"], bars["values"]))
    assert apart.pop("z kept, reset after") == apart.pop("z written, reset after") == 0
    assert min(apart.values()) > 0.1


ALT_FINDINGS = {
    "One number decides what is kept and what is written": a_tenth,
    "The candidate alone: z = 0 at every step": flat_or_up,
    "One GRU unit: write, add, start over": written_added_replaced,
    "The same numbers in four GRUs": one_of_three_comes_to_0,
}


@pytest.mark.parametrize("title", ALT_FINDINGS)
def test_the_alternative_text_says_what_is_drawn(chapter, title):
    ALT_FINDINGS[title](chapter["FIGURES"][title]._fn)
