"""The numbers that chapter 07 states in words are the numbers that its code gives, and its words follow its data."""

import copy
import re

import numpy as np
import pytest
import torch
from chapter_cells import cells as cells_of
from chapter_cells import pick, run
from course_site.execution import ROOT

from course_pkg import bptt, cells, experiments, gradcheck, interchange, models, tasks, weights
from course_pkg.activations import sigmoid
from course_pkg.experiments import ablation, remember, remembered, trials

TEXT = (ROOT / "book" / "07-lstm.md").read_text(encoding="utf-8")


def step_by_hand():
    p = cells.LSTMParams(np.array([[-1], [1], [0.5], [0]]), np.array([[2], [2], [0], [2.0]]), np.zeros(4))
    return p, *cells.lstm_step(np.array([[1.0]]), cells.LSTMState(np.array([[0.5]]), np.array([[2.0]])), p)


def test_the_step_by_hand():
    _, state, cache = step_by_hand()
    stated = {
        r"$\sigma(2) = 0.881$": cache.f,
        r"$\sigma(0) = 0.5$": cache.i,
        r"$\tanh(0.5) = 0.462$": cache.g,
        r"$\sigma(1) = 0.731$": cache.o,
        r"\vc{t} = 1.993$": state.c,
        r"0.731 \cdot 0.964 = 0.704$": state.h,
    }
    for words, value in stated.items():
        assert words in TEXT
        assert float(words.rstrip("$").split("=")[-1]) == pytest.approx(value.item(), abs=5e-4)


def test_the_backward_by_hand():
    p, state, cache = step_by_hand()
    one = cells.LSTMState(np.ones((1, 1)), np.zeros((1, 1)))
    _, dprev, dparams = cells.lstm_step_backward(one, cache, p)
    dc = (cache.o * (1 - np.tanh(state.c) ** 2)).item()
    stated = [
        r"0.964^2) = 0.052",
        "0.25 = 0.006",
        "0.119 = 0.011",
        "0.462^2) = 0.021",
        "0.269 = 0.189",
        "0.881 = 0.046",
    ]
    for words, value in zip(stated, [dc, *dparams.b, dprev.c.item()]):
        assert words in TEXT
        assert float(words.split("=")[-1]) == pytest.approx(value, abs=5e-4)


def test_the_printed_gradient_three_ways():
    """The equations of "The whole backward" against finite differences and PyTorch, for weights, input and start."""
    rng = np.random.default_rng(1)
    p = weights.init("lstm", 3, 4, rng, dtype=np.float64)
    x, dh = rng.normal(size=(2, 5, 3)), rng.normal(size=(2, 5, 4))
    start = cells.LSTMState(rng.normal(size=(2, 4)), rng.normal(size=(2, 4)))

    def loss(p=p, x=x, start=start):
        return np.sum(dh * bptt.unroll(cells.lstm_step, x, start, p)[0])

    _, _, caches = bptt.unroll(cells.lstm_step, x, start, p)
    dx, dstart, dp = bptt.bptt(cells.lstm_step_backward, dh, None, caches, p)
    gradcheck.gradcheck(lambda p: loss(p=p), p, dp)
    gradcheck.gradcheck(lambda x: loss(x=x), x, dx)
    gradcheck.gradcheck(lambda s: loss(start=s), start, dstart)

    net = torch.nn.LSTM(3, 4, batch_first=True, dtype=torch.float64)
    net.load_state_dict(interchange.to_torch(p))
    tx = torch.tensor(x, requires_grad=True)
    (net(tx, tuple(torch.tensor(a[None]) for a in start))[0] * torch.tensor(dh)).sum().backward()
    for ours, theirs in ((dx, tx), (dp.W_ih, net.weight_ih_l0), (dp.W_hh, net.weight_hh_l0), (dp.b, net.bias_ih_l0)):
        assert gradcheck.max_error(ours, theirs.grad.numpy()) < 1e-12


def test_answers_about_half_lives():
    assert 0.9**7 < 0.5 < 0.9**6  # "Seven steps"
    assert (round(0.9**6, 2), round(0.9**7, 2)) == (0.53, 0.48)
    f = 2 ** (-1 / 100)
    assert (round(f, 4), round(np.log(f / (1 - f)), 2)) == (0.9931, 4.97)
    f = 2 ** (-1 / 20)
    assert (round(f, 4), round(np.log(f / (1 - f)), 2)) == (0.9659, 3.34)
    assert np.log(0.5) / np.log(sigmoid(0.0)) == pytest.approx(1)  # a bias of 0 holds for one step
    assert np.log(2) / np.log1p(np.exp(-20.0)) > 300e6  # "over 300 million steps"
    assert 0.5**20 < 1e-6


def test_what_the_latch_holds():
    """The unit with weights set by hand, as its answer describes it."""
    latch = cells.LSTMParams(
        np.array([[0, 8, 0], [0, -8, 0], [1.5, 0, 0], [0, 0, 8.0]]), np.zeros((4, 1)), np.array([-4, 4, 0, -4.0])
    )
    value, store, ask = np.array([0.3, 0.8, -0.6, 0.5, -0.9, -0.5, 0.7, 0.4]), np.zeros(8), np.zeros(8)
    store[[1, 5]] = ask[[4, 7]] = 1
    start = cells.LSTMState(np.zeros((1, 1)), np.zeros((1, 1)))
    h, _, caches = bptt.unroll(cells.lstm_step, np.stack([value, store, ask], axis=1)[None], start, latch)
    c = [k.state_prev.c.item() for k in caches][1:]
    assert "about 0.79 at step 3" in TEXT
    assert round(c[3], 2) == 0.79
    assert "shows about 0.01" in TEXT
    assert h[0, 3, 0] == pytest.approx(0.01, abs=0.005)
    assert (caches[3].i.item(), caches[3].f.item()) == pytest.approx((0.02, 0.98), abs=0.005)
    assert caches[1].g.item() == pytest.approx(0.83, abs=0.01)
    assert "Neither gate moves first" in TEXT
    assert (caches[5].i.item(), caches[5].f.item()) == pytest.approx((0.98, 0.02), abs=0.005)
    assert "four weights and three biases that are not zero" in TEXT
    assert [np.count_nonzero(a) for a in latch] == [4, 0, 3]


# The direct path and the whole


@pytest.fixture(scope="module")
def before():
    """The chapter's `reach`: gradients before training."""
    return pick("07-lstm", "LAGS", "UNITS", "EDGE", "reach")["reach"]


def test_the_direct_path_is_the_derivative_with_the_gates_held_still():
    """And the whole is what finite differences measure: with the gates free they differ by the other ways."""
    rng = np.random.default_rng(0)
    p, x = weights.init("lstm", 3, 4, rng, dtype=np.float64), rng.normal(size=(1, 6, 3))
    d, zero = rng.normal(size=(1, 4)), np.zeros((1, 4))
    _, _, caches = bptt.unroll(cells.LSTM, x, None, p)

    def ends(c, held):
        for k, x_t in zip(caches, x[0]):
            if held:
                c, state = k.f * c + k.i * k.g, None
            else:
                h = zero if k is caches[0] else state.h
                state, _ = cells.lstm_step(x_t[None], cells.LSTMState(h, c), p)
                c = state.c
        return float(np.sum(d * c))

    back = bptt.state_gradients(cells.LSTM, cells.LSTMState(zero, d), caches, p)[0].c
    direct = d * np.prod([k.f for k in caches], axis=0)
    for held, ours in ((True, direct), (False, back)):
        theirs = gradcheck.numerical_gradient(lambda c, held=held: ends(c, held), zero)
        assert gradcheck.max_error(ours, theirs) < 1e-8
    assert gradcheck.max_error(direct, back) > 1e-3


def test_what_the_answers_say_of_the_untrained_gradient(before):
    middle = lambda a: np.median(a, axis=1)  # noqa: E731
    whole, direct = (middle(a) for a in before("lstm", 1.0, 0.0))
    rnn = middle(before("rnn", 1.0)[0])
    assert (whole[5:] < rnn[5:]).all()  # 1. the RNN, once the lag is more than a few steps
    factor = {
        (b, size): np.divide(*(middle(a)[60] for a in before("lstm", size, float(b))))
        for b, size in ((0, 1.0), (1, 1.0), (3, 1.0), (5, 1.0), (1, 4.0))
    }
    assert factor[0, 1.0] > factor[1, 1.0] > factor[3, 1.0] > factor[5, 1.0] > 1  # 2. the bias brings them together
    for size in (1.0, 2.0, 4.0, 8.0, 12.0):  # no size does, and "nearly all has come by other ways"
        assert np.divide(*(middle(a)[60] for a in before("lstm", size, 1.0))) > 1e4
    for b in (-1, 0, 1, 3, 5):  # 3. sizes 8 and 12 explode, the direct path shrinks
        whole, direct = (middle(a) for a in before("lstm", 12.0, float(b)))
        assert whole[60] > 1e4
        assert direct[60] < 1
        assert (middle(before("lstm", 8.0, float(b))[0])[60] > 1000) == (b <= 1)
    for b in (3, 5):  # "at size 4 it grows a few times over at the higher biases"
        assert 2 < middle(before("lstm", 4.0, float(b))[0])[60] < 20
    assert middle(before("rnn", 4.0)[0])[60] > 1e4  # "there it is the plain RNN that explodes"
    assert middle(before("lstm", 1.0, -1.0)[0])[60] < middle(before("rnn", 1.0)[0])[60]  # the box


def test_the_trap_of_adding_in_place():
    """No difference in one piece, one in chunks; the test of the chapter's own cell."""
    names = pick("07-lstm", "leaves_a_trace", "difference")
    rng = np.random.default_rng(0)
    p, x = weights.init("lstm", 3, 4, rng, dtype=np.float64), rng.normal(size=(2, 5, 3))
    start = cells.LSTMState(rng.normal(size=(2, 4)), rng.normal(size=(2, 4)))
    names |= {"dh": rng.normal(size=(2, 5, 4)), "p": p, "caches": bptt.unroll(cells.LSTM, x, start, p)[2]}
    for name in ("leaves_a_trace", "difference"):
        names[name].__globals__.update(names)
    assert names["difference"](bptt.bptt) == 0
    assert names["difference"](bptt.truncated_bptt, window=2) > 0.01


def test_the_question_about_two_units():
    """The answer by the code, and the two wrong ones by their mistakes."""
    p = cells.LSTMParams(np.zeros((8, 1)), np.zeros((8, 2)), np.zeros(8))
    p.W_hh[4, 1] = 2  # rows i, f, g, o, two of each: the candidate of the first unit
    logit = lambda f: np.log(f / (1 - f))  # noqa: E731
    p.b[2:4] = logit(0.9), logit(0.5)  # the input gates are at 0.5 already
    # Whatever c was before step t - 1, its step gives c = 0 and the second unit's output gate is 0.5.
    before = cells.LSTMState(np.zeros((1, 2)), np.zeros((1, 2)))
    state, first = cells.lstm_step(np.zeros((1, 1)), before, p)
    assert (state.c == 0).all()
    assert (first.o == 0.5).all()
    _, second = cells.lstm_step(np.zeros((1, 1)), state, p)
    _, back, _ = cells.lstm_step_backward(cells.LSTMState(np.zeros((1, 2)), np.ones((1, 2))), second, p)
    through = back.h * first.o * (1 - first.tanh_c**2)  # what h of step t - 1 hands on to its c
    np.testing.assert_allclose(back.c + through, [[0.9, 1.0]])
    np.testing.assert_allclose(back.c, [[0.9, 0.5]])
    np.testing.assert_allclose(back.c + through[:, ::-1], [[1.4, 0.5]])


# How trained networks remember


@pytest.fixture(scope="module")
def memory():
    return experiments.load("remember")


def test_the_steps_of_the_task_are_those_that_the_text_names():
    x = tasks.temporal_order(4000, 60, np.random.default_rng(0)).x
    places = np.argsort(~np.isin(x, (4, 5)), axis=1, kind="stable")[:, :2]
    assert [(a.min(), a.max()) for a in places.T] == [(6, 11), (30, 35)]
    assert "at one of the steps 6 to 11, the second at one of 30 to 35" in TEXT
    assert "the second mark must last for 24 steps or more, and the first for 48 or more" in TEXT
    waits = remember.waits(60)
    assert not set(places.ravel()) & {t for wait in waits for t in wait}
    assert (waits[0][0], waits[0][-1], waits[1][0], waits[1][-1]) == (12, 29, 36, 59)


def test_the_knives_tell_a_keeper_from_a_rewriter():
    """Two cells by hand hold one sign over a wait: one in c with f = 1, one in h with f = 0."""
    T = 20
    rng = np.random.default_rng(0)
    sign = rng.choice([-1.0, 1.0], size=200)
    x, y = np.zeros((200, T, 1)), (sign > 0).astype(int)
    x[:, 2, 0] = sign  # the first mark of a stream of 20 comes at step 2 or 3
    readout = models.init_linear(1, 2, rng, np.float64)._replace(W=np.array([[-1.0], [1.0]]), b=np.zeros(2))

    def net(W_ih, W_hh, b):
        p = cells.LSTMParams(np.array(W_ih, float)[:, None], np.array(W_hh, float)[:, None], np.array(b, float))
        return models.Network(None, (weights.init_stack("lstm", 1, 1, rng)[0]._replace(forward=p),), readout)

    keeps = net([0, 0, 9, 0], [0, 0, 0, 0], [20, 20, 0, 20])
    rewrites = net([0, 0, 9, 0], [0, 0, 9, 0], [20, -20, 0, 20])
    kept, written = remember.knives(x, y, keeps), remember.knives(x, y, rewrites)
    assert kept["whole"] == written["whole"] == 1
    assert kept["h"] == kept["h once"] == kept["gates"] == 1
    assert kept["c once"] < 0.7
    assert kept["c"] < 0.7
    assert written["c once"] == written["c"] == written["gates"] == 1
    assert written["h"] < 0.7
    assert written["h once"] < 0.7


def test_every_way_of_remembering_has_its_words(memory):
    """The sentence of a start follows the medians after the knives."""

    def said(h, wiped, once=0.3, fixed=0.3):
        stored = copy.deepcopy(memory)
        for row in trials.compared(stored, start="chrono"):
            for knife, value in (("h", h), ("c once", wiped), ("h once", once), ("gates", fixed)):
                row["cut"][knife][-1] = value
        return remembered.way(stored, "chrono")

    assert said(1, 0.3) == "they answer when h is silent, so c alone carries the mark"
    assert "so h holds it too" in said(1, 1)
    assert "so it comes back out of h" in said(0.3, 1)
    assert said(0.3, 0.3).endswith("they guess after c is wiped once")
    assert "c holds the mark and needs h to hold it" in said(0.3, 0.3, 1)
    assert "it does in the candidate" in said(0.3, 0.3, 1, 1)
    assert "after c is wiped 60% are right" in said(0.3, 0.6)
    assert "so a part needs h" in said(0.6, 0.6)


def test_the_verdict_turns_with_the_rows(memory):
    def said(chrono, others):
        stored = copy.deepcopy(memory)
        for row in trials.compared(stored):
            row["values"][-1] = 1.0
            row["cut"]["h"][-1] = (chrono if row["start"] == "chrono" else others) - row["seed"] / 1000
        return remembered.judged(stored)

    assert "**holds**: 10 of 10 do" in said(1.0, 0.3)
    assert "**holds** against bias 1 and bias 3." in said(1.0, 0.3)
    assert "**does not hold**: 0 of 10 do" in said(0.3, 0.99)
    assert "**does not hold** against bias 1 and bias 3." in said(0.3, 0.99)
    assert "we cannot tell against bias 1 and bias 3." in said(0.99, 0.99)


def test_what_is_said_of_the_start_that_is_only_searched(memory):
    rows = [r for r in memory["results"] if r["start"] == "bias 0"]
    assert {r["stage"] for r in rows} == {"search"}
    found = sum(max(r["values"]) >= memory["settings"]["learned"] for r in rows)
    assert f"Of {len(rows)} networks that the search trained from bias 0, at 5 rates, {found} " in (
        remembered.searched_only(memory)
    )
    assert found < len(rows) / 5  # "no rate to compare it at": of the runs at one rate, most fail
    for rate in memory["settings"]["rates"]:
        there = [max(r["values"]) >= memory["settings"]["learned"] for r in rows if r["rate"] == rate]
        assert sum(there) <= len(there) / 3


def test_the_gap_turns_with_the_rows(memory):
    stored = copy.deepcopy(memory)
    for row in trials.compared(stored):
        row["gradient"] = {way: [1.0] * len(stored["settings"]["lags"]) for way in ("whole", "direct")}
    assert "From " not in remembered.gap(stored).split("within a factor of ten")[1]
    assert "other ways" not in remembered.gap(stored)
    for row in trials.compared(stored):
        row["gradient"]["direct"] = [1e-3] * len(stored["settings"]["lags"])
    assert "(1 · 10³)" in remembered.gap(stored)
    assert "other ways" in remembered.gap(stored)


def test_the_stored_gradient_is_that_of_the_trained_network():
    """At lag 0 both are 1; at lag 1 they agree; the whole is what finite differences of c say (a small network)."""
    rng = np.random.default_rng(3)
    net = remember.network(remember.QUICK, "bias 1", rng)
    x, y = remember.draw(6, 12, rng)
    found = remember.gradient(x, y, net, [0, 1, 6])
    assert found["whole"][0] == found["direct"][0] == 1
    assert found["whole"][1] == pytest.approx(found["direct"][1], rel=0.01)
    p = net.stack[0].forward._replace(**{n: a.astype(float) for n, a in net.stack[0].forward._asdict().items()})
    W = net.readout.W[y] - net.readout.W.mean(axis=0)
    start, _ = bptt.unroll(cells.LSTM, x[:, :6].astype(float), None, p)[1:]

    def score(c, n):
        h = bptt.unroll(cells.LSTM, x[n : n + 1, 6:].astype(float), cells.LSTMState(start.h[n : n + 1], c), p)[1].h
        return float(np.sum(W[n] * h))

    slopes = [gradcheck.numerical_gradient(lambda c, n=n: score(c, n), start.c[n : n + 1]) for n in range(6)]
    _, last, caches = bptt.unroll(cells.LSTM, x.astype(float), None, p)
    dc = W * caches[-1].o * (1 - np.tanh(last.c) ** 2)
    shares = [np.linalg.norm(s) / np.linalg.norm(d) for s, d in zip(slopes, dc)]
    assert found["whole"][2] == pytest.approx(np.exp(np.mean(np.log(shares))), rel=0.02)


def test_the_alternative_texts_state_what_is_drawn(memory):
    for text, numbers in (
        (
            remembered.knives_figure(memory),
            [f"{np.median(remember.after(memory, s, 'h')):.2f}" for s in remembered.having_learned(memory)],
        ),
        (
            remembered.paths_figure(memory),
            [remembered.power(np.median(remembered.factors(memory, s))) for s in remembered.having_learned(memory)],
        ),
    ):
        for start, number in zip(remembered.having_learned(memory), numbers):
            assert f"{number} from {start}" in text


@pytest.mark.parametrize(
    ("x", "said"), [(0.5, "0.5"), (0.031, "0.031"), (12.3, "12"), (321, "321"), (2e-6, "2 · 10⁻⁶"), (9.7e3, "1 · 10⁴")]
)
def test_numbers_in_words(x, said):
    assert remembered.power(x) == said


# One part taken away


@pytest.mark.parametrize("change", ablation.CHANGES)
def test_the_backward_of_every_changed_cell(change):
    rng = np.random.default_rng(0)
    cell, p = ablation.changed(change), weights.init("lstm", 3, 4, rng, dtype=np.float64)
    p, x, dh = ablation.start(p, change), rng.normal(size=(2, 5, 3)), rng.normal(size=(2, 5, 4))
    _, _, caches = bptt.unroll(cell, x, None, p)
    _, _, ours = bptt.bptt(cell, dh, None, caches, p)
    gradcheck.gradcheck(lambda p: np.sum(dh * bptt.unroll(cell, x, None, p)[0]), p, ours)


@pytest.mark.parametrize("change", ablation.CHANGES)
def test_what_is_taken_away_stays_away_in_training(change):
    """After five updates: gates at 1, i = 1 - f, no biases, gates that do not see h; and the rest has moved."""
    nets, settings = [], ablation.QUICK | {"updates": [0, 5]}
    rng = np.random.default_rng(0)
    net = models.init("lstm", 8, 3, 4, rng)
    net = ablation.with_layer(net, ablation.start(net.stack[0].forward, change))
    cell = ablation.changed(change)
    trials.follow(
        ablation.loss_of(change),
        net,
        lambda rng: remember.draw(4, settings["T"][0], rng),
        rng,
        rate=0.1,
        updates=settings["updates"],
        look=lambda net: nets.append(net) or {"values": 0},
    )
    p = nets[-1].stack[0].forward
    assert not np.allclose(p.W_ih, net.stack[0].forward.W_ih)
    x, _ = remember.draw(3, 12, np.random.default_rng(1))
    _, _, caches = bptt.unroll(cell, x, None, p)
    k = caches[-1]
    for gate in "ifo":
        away = ablation.OPEN.get(change) == {"i": 0, "f": 1, "o": 3}[gate]
        assert (getattr(k, gate) == 1).all() == away
    assert np.allclose(k.i, 1 - k.f) == (change == "coupled")
    assert (p.b == 0).all() == (change == "no biases")
    blind = all((ablation.rows(p.W_hh, n) == 0).all() for n in (0, 1, 3))
    assert blind == (change == "blind gates")


@pytest.mark.parametrize(
    ("without", "others", "word"),
    [(200, 50, "holds"), (50, 200, "does not hold"), (50, 50, "does not hold"), (None, 50, "holds")],
)
def test_the_verdict_on_the_parts_turns_with_the_rows(without, others, word):
    """None: not one run without a forget gate learns."""
    stored = experiments.load("ablation")
    looks = stored["settings"]["updates"]
    for row in trials.compared(stored):
        when = without if row["change"] == "no forget gate" else others
        row["values"] = [1.0 if when and made >= when else 0.25 for made in looks]
        row["updates"] = looks
    assert ablation.verdict(stored).word == word
    runs, said = len(stored["settings"]["seeds"]), remembered.learning(stored, "change", "whole")
    there, median = (0, "–") if without is None else (runs, f"{without} ({without} to {without})")
    assert f"{there} of {runs} | {median} |" in said
    assert (", slower: no forget gate" in said) == (word == "holds")


def test_a_run_that_has_learned_ends():
    """The curve of a run that learned holds its last two good looks; one that did not goes on to its budget."""
    stored = experiments.load("ablation")
    for row in trials.compared(stored):
        good = [trials.good(v, stored["settings"]) for v in row["values"]]
        twice = [n for n, a, b in zip(row["updates"][1:], good, good[1:]) if a and b]
        assert row["stopped"] == (twice[0] if twice else row["updates"][-1])


def test_the_chapter_runs_on_the_stored_rows():
    """Its figures and sentences about trained networks, as the page makes them."""
    code = cells_of("07-lstm")
    wanted = [c for c in code if re.search(r"experiments\.load|\((?:memory|apart)\b", c)]
    imports = "from course_pkg.widgets import choice\nfrom IPython.display import Markdown"
    names = run({}, [code[0], imports, *wanted])
    names["FIGURES"].pop("A pulse is written, kept and shown")
    assert len(names["FIGURES"]) == 4
    assert len(names["SAID"]) == 5
    for figure in names["FIGURES"].values():
        assert figure.static_html()  # every position of every control
