"""What chapter 12 says in words and numbers, its code does; its gradients are right three ways."""

import itertools
import re
import types
from datetime import date

import numpy as np
import pytest
import torch
from chapter_cells import TRAINED_AGAIN, pick, said
from course_site.execution import ROOT

from course_pkg import attention, encoder_decoder, experiments, tasks
from course_pkg.activations import softmax
from course_pkg.experiments import bottleneck, trials
from course_pkg.gradcheck import max_error, numerical_gradient
from course_pkg.tasks.translation import FIRST, LAST

NAME = "12-encoder-decoder"
TEXT = (ROOT / "book" / f"{NAME}.md").read_text(encoding="utf-8")
MADE = ("START", "STOP", "learn", "LOOK", "BLIND", "FORMS", "DAYS", "LONGEST", "translated", "NEW", "EACH", "BEFORE")
ASKED = ("text_of", "LETTERS", "hide_brightest", "ASKED", "write_on", "after_first_mistake", "DIGITS", "AT", "SEEN")


@pytest.fixture(scope="module")
def chapter():
    """The chapter's functions and data, with nothing trained."""
    return pick(NAME, *MADE, *ASKED, "planted", "PAIRS", "tree", "ask", "search")


def untrained(attend=True, seed=0):
    rng = np.random.default_rng(seed)
    sizes = len(tasks.translation.SOURCE_SYMBOLS), len(tasks.translation.TARGET_SYMBOLS), 4, 5
    return encoder_decoder.init("gru", *sizes, rng, attend=attend, bidirectional=attend)


def with_names(function, **names):
    """The chapter's function, with others in place of some that it calls."""
    again = types.FunctionType(function.__code__, function.__globals__ | names)
    again.__defaults__ = function.__defaults__
    return again


def test_no_backslash_was_lost():
    r"""A \v or \f that Python read as one character would leave an equation without its macro."""
    assert not re.search(r"[\x00-\x09\x0b-\x1f]", TEXT)


# By hand


def test_how_much_a_date_is_worth():
    days = (LAST - FIRST).days + 1
    assert days == 73_049
    assert round(np.log2(days), 1) == 16.2
    assert round(3 * np.log2(days), 1) == 48.5
    assert r"$\log_2 73{,}049 = 16.2$ bits. Three dates are 48.5 bits." in TEXT
    assert 32 * 32 > 1000


def test_attention_by_hand_three_ways():
    """Weights, sum and derivative of the example; the variance, finite differences, our backward, PyTorch."""
    m = np.array([-1.0, 0.0, 2.0])
    weights = softmax(m)
    assert [round(w, 3) for w in weights] == [0.042, 0.114, 0.844]
    assert [round(e, 3) for e in np.exp(m)] == [0.368, 1, 7.389]
    assert round(np.exp(m).sum(), 3) == 8.757
    mean = weights @ m
    assert (round(2 * weights[2], 3), round(mean, 3)) == (1.688, 1.646)
    terms = weights * (m - mean) * m
    assert [round(abs(t), 3) for t in terms] == [0.111, 0, 0.598]
    assert round(terms.sum(), 3) == 0.709
    assert "$0.111 + 0 + 0.598 = 0.709$" in TEXT
    assert terms.sum() == pytest.approx(weights @ (m - mean) ** 2)

    query, memory = np.ones((1, 1, 1)), m.reshape(1, 3, 1)
    context, tape = attention.dot_attention(query, memory, memory)
    dquery, _, _ = attention.dot_attention_backward(np.ones((1, 1, 1)), tape)
    near = numerical_gradient(lambda q: attention.dot_attention(q, memory, memory)[0].item(), query)
    h, t = torch.tensor(1.0, dtype=torch.float64, requires_grad=True), torch.tensor(m)
    (torch.softmax(h * t, 0) @ t).backward()
    assert context.item() == pytest.approx(mean)
    for found in (dquery.item(), near.item(), h.grad.item()):
        assert found == pytest.approx(terms.sum(), abs=1e-9)


def test_the_figure_of_three_memories(chapter):
    def shown(h, last=2.0):
        return [item["value"].item() for item in chapter["ask"](h, last)[1]["items"]]

    assert shown(0)[0] == pytest.approx(1 / 3)
    slopes = {h: shown(h)[1] for h in range(-4, 5)}
    assert min(slopes, key=slopes.get) == 4
    assert (round(slopes[-4], 3), round(slopes[4], 3)) == (0.018, 0.001)
    assert "0.018 against 0.001" in TEXT


@pytest.mark.parametrize("seed", range(3))
def test_the_printed_gradient_of_attention_three_ways(seed):
    """The equations as they stand on the page, against our backward, finite differences and PyTorch."""
    rng = np.random.default_rng(seed)
    h, m, d = (rng.normal(size=s) for s in ((2, 4, 3), (2, 5, 6), (2, 4, 6)))
    W_q, W_k, v = rng.normal(size=(7, 3)), rng.normal(size=(7, 6)), rng.normal(size=7)

    bent = np.tanh((h @ W_q.T)[:, :, None] + (m @ W_k.T)[:, None])
    alpha = softmax(bent @ v)
    context = np.einsum("buj,bje->bue", alpha, m)
    de = alpha * np.einsum("buje,bue->buj", m[:, None] - context[:, :, None], d)
    da = de[..., None] * v * (1 - bent**2)
    printed = {
        "h": np.einsum("buja,ah->buh", da, W_q),
        "m": np.einsum("buj,bue->bje", alpha, d) + np.einsum("buja,ae->bje", da, W_k),
        "W_q": np.einsum("buja,buh->ah", da, h),
        "W_k": np.einsum("buja,bje->ae", da, m),
        "v": np.einsum("buj,buja->a", de, bent),
    }

    ours_out, tape = attention.additive_attention(h, m, m, attention.AdditiveParams(W_q, W_k, v))
    dh, dkeys, dvalues, dp = attention.additive_attention_backward(d, tape)
    ours = {"h": dh, "m": dkeys + dvalues, **dp._asdict()}
    assert max_error(context, ours_out) < 1e-12

    given = {"h": h, "m": m, "W_q": W_q, "W_k": W_k, "v": v}

    def loss(name, value):
        a = given | {name: value}
        p = attention.AdditiveParams(a["W_q"], a["W_k"], a["v"])
        return np.sum(attention.additive_attention(a["h"], a["m"], a["m"], p)[0] * d)

    t = {name: torch.tensor(value, requires_grad=True) for name, value in given.items()}
    score = torch.tanh((t["h"] @ t["W_q"].T)[:, :, None] + (t["m"] @ t["W_k"].T)[:, None]) @ t["v"]
    ((score.softmax(-1) @ t["m"]) * torch.tensor(d)).sum().backward()
    for name, value in given.items():
        near = numerical_gradient(lambda a, name=name: loss(name, a), value)
        assert max_error(printed[name], ours[name]) < 1e-12
        assert max_error(printed[name], t[name].grad.numpy()) < 1e-12
        assert max_error(printed[name], near) < 1e-7


def test_the_tree_by_hand(chapter):
    """Greedy and the best of four targets, by looking at all of them."""

    def by_hand(first, after_b):
        p = {"a": first, "b": 1 - first}
        then = {"a": {"x": 0.55, "y": 0.45}, "b": {"x": after_b, "y": 1 - after_b}}
        one = max(p, key=p.get)
        greedy = p[one] * max(then[one].values())
        return greedy, max(p[s] * then[s][t] for s, t in itertools.product("ab", "xy"))

    greedy, best = by_hand(0.6, 0.9)
    assert (greedy, best) == (pytest.approx(0.33), pytest.approx(0.36))
    tries = [round(p, 2) for p in np.arange(0.5, 0.91, 0.05)]
    for first, after_b in itertools.product(tries, (0.5, 0.6, 0.9, 1.0)):
        shown = [item["value"].item() for item in chapter["tree"](first, after_b)[-1]["items"]]
        assert shown == pytest.approx(by_hand(first, after_b))
    fails = {b: [p for p in tries if by_hand(p, b)[0] < by_hand(p, b)[1] - 1e-12] for b in (0.5, 0.9)}
    assert max(fails[0.9]) == 0.6
    assert fails[0.5] == []
    assert round(0.9 / 1.45, 2) == 0.62
    assert round(0.5 / 1.05, 3) == 0.476
    assert "$p = 0.9 / 1.45 = 0.62$" in TEXT
    assert "$p = 0.476$" in TEXT


# What the functions of the page measure


def test_the_first_figure_reads_what_stands_there(chapter):
    """Every form and month of it is a date of the task, and fits; how many examples it was taught."""
    assert 32 * chapter["LOOK"]["updates"] == 7040 < 8000
    assert "7,040 examples, in 220 updates" in TEXT
    seen = set()
    for month, (day, year) in enumerate(chapter["DAYS"], start=1):
        for form in chapter["FORMS"].values():
            text = form(date(year, month, day))
            assert len(text) <= chapter["LONGEST"]
            tasks.encode(text, tasks.translation.SOURCE_SYMBOLS)
            seen.add(text)
    assert len(seen) == 96
    assert len("Wednesday, 30 September 2099") == chapter["LONGEST"]


def test_the_brightest_place_alone_is_hidden(chapter):
    """The largest weight is that of the map, and hiding changes nothing where the network does not look there."""
    net = untrained()
    _, tape = encoder_decoder.translate(chapter["NEW"].x, chapter["BEFORE"], net, lengths=chapter["NEW"].lengths)
    largest, right = chapter["hide_brightest"](net, 3)
    np.testing.assert_allclose(largest, tape.attention.weights[:, 3].max(axis=1))
    seen = []

    def decode(given, state, memory, params):
        seen.append(memory.mask)
        return encoder_decoder.decode(given, state, memory, params)

    spy = types.SimpleNamespace(encode=encoder_decoder.encode, decode=decode)
    _, again = with_names(chapter["hide_brightest"], encoder_decoder=spy)(net, 3)
    np.testing.assert_array_equal(right, again)
    lost = seen[0] & ~seen[1]
    np.testing.assert_array_equal(lost.sum(axis=1), 1)
    np.testing.assert_array_equal(lost.argmax(axis=1), tape.attention.weights[:, 3].argmax(axis=1))
    assert not (seen[1] & ~seen[0]).any()


@pytest.mark.parametrize("attend", [True, False])
def test_writing_on_alone_is_greedy(chapter, attend):
    net, new = untrained(attend), chapter["NEW"]
    free = chapter["write_on"](chapter["BEFORE"][:, :1], net)
    texts, _ = encoder_decoder.greedy(
        new.x, net, start=chapter["START"], stop=chapter["STOP"], steps=11, lengths=new.lengths
    )
    for row, text in zip(free, texts):
        np.testing.assert_array_equal(row[: len(text)], text)
        assert np.all(row[len(text) :] == chapter["STOP"])


def test_before_the_first_mistake_nothing_differs(chapter):
    """Given the right symbols or its own, a target is wholly right under both or under neither."""
    net, new = chapter["learn"](0, False, 16, 40), chapter["NEW"]
    scores, _ = encoder_decoder.translate(new.x, chapter["BEFORE"], net, lengths=new.lengths)
    taught, free = scores.argmax(axis=2), chapter["write_on"](chapter["BEFORE"][:, :1], net)
    for a, b, y in zip(taught, free, new.y):
        first = next((u for u in range(11) if a[u] != y[u]), 11)
        np.testing.assert_array_equal(a[: first + 1], b[: first + 1])
    given_right, given_own = chapter["after_first_mistake"](net)
    later = [(a[u], b[u], y[u]) for a, b, y in zip(taught, free, new.y) for u in range(11) if (a[:u] != y[:u]).any()]
    assert given_right == pytest.approx(np.mean([a == y for a, _, y in later]))
    assert given_own == pytest.approx(np.mean([b == y for _, b, y in later]))


def test_what_no_year_or_month_begins_with(chapter):
    digits = {u: {tasks.translation.TARGET_SYMBOLS[k] for k in seen} for u, seen in chapter["SEEN"].items()}
    assert digits[0] == set("12")
    assert digits[5] == set("01")
    assert digits[3] == set("0123456789")
    assert "no year began with 7, no month with 3" in TEXT
    assert np.isnan(chapter["planted"](untrained(), 3, False))


@pytest.mark.parametrize("seen", [True, False])
def test_a_planted_digit_is_wrong_and_of_its_kind(chapter, seen):
    caught = []

    def write_on(given, net):
        caught.append(given)
        return chapter["NEW"].y[:, given.shape[1] - 1 :]

    assert with_names(chapter["planted"], write_on=write_on)(None, 5, seen) == 1
    (given,) = caught
    np.testing.assert_array_equal(given[:, :6], chapter["BEFORE"][:, :6])
    assert np.all(given[:, 6] != chapter["NEW"].y[:, 5])
    assert np.isin(given[:, 6], chapter["SEEN"][5]).all() == seen
    assert np.isin(given[:, 6], chapter["DIGITS"]).all()


def test_attention_does_not_know_order():
    rng = np.random.default_rng(1)
    q, m = rng.normal(size=(1, 1, 4)), rng.normal(size=(1, 6, 4))
    turned = m[:, ::-1]
    assert max_error(attention.dot_attention(q, m, m)[0], attention.dot_attention(q, turned, turned)[0]) < 1e-12


# Check yourself


def test_the_variance_of_question_2():
    weights, m = np.array([0.5, 0.5, 0]), np.array([0, 1, 4])
    assert weights @ m == 0.5
    assert weights @ (m - weights @ m) ** 2 == 0.25


# What is said of the measurements follows from them


def test_the_verdict_on_the_map():
    def tell(year, day, month):
        hidden = np.array([np.tile([[0.9], [share]], (1, 5)) for share in (year, day, month)])
        return said(NAME, "year, day, month = HIDDEN", HIDDEN=hidden, MARCH="March", LOOKED=list("aMarc"))

    assert "The letter mostly was not" in tell(0.1, 0.15, 0.8)
    assert "the five networks look most at a, M, a, r, c." in tell(0.1, 0.15, 0.8)
    assert "last digit of the year is right in 10% of the cases, that of the day in 15%" in tell(0.1, 0.15, 0.8)
    assert "about as much needed" in tell(0.1, 0.15, 0.3)


def test_the_verdict_on_the_first_mistake():
    tell = lambda taught, own: said(NAME, "After its first", AFTER=np.tile([taught, own], (5, 1)), WHOLE=[0.98, 1.0])  # noqa: E731
    assert "has 70% of the rest right (from 70% to 70% over five seeds). Given its own it has 60%" in tell(0.7, 0.6)
    assert "With attention, 98% to 100% of the dates are wholly right." in tell(0.7, 0.6)
    assert "One mistake brings others, with every seed." in tell(0.7, 0.6)
    assert "did not bring others" in tell(0.7, 0.7)


def test_the_verdict_on_a_wrong_digit():
    def tell(unseen, seen, last):
        known, never = np.full((5, 8), np.nan), np.full((5, 8), np.nan)
        never[:, 0], known[:, 0], known[:, 3] = unseen, seen, last
        return said(NAME, "unseen, seen, last = HARM", HARM={True: known, False: never})

    words = "66% of the rest is right; after a 1 for a 2 or a 2 for a 1, 90%; after a wrong last digit, 99.9%"
    assert words in tell(0.66, 0.9, 0.999)
    assert "what was never seen does more harm with every seed" in tell(0.66, 0.9, 0.999)
    assert "do not differ with every seed" in tell(0.88, 0.9, 0.999)


def test_the_answer_about_the_stored_result():
    """Which dates are lost, turned or not, and who gets all three; the table says the numbers itself."""
    stored = experiments.load("bottleneck")

    def share(network, place, count=3, updates=3000, turned=False):
        found = bottleneck.share(stored, network, place, count, turned)
        return found[:, stored["settings"]["updates"].index(updates)]

    state, one, both = bottleneck.STATE, bottleneck.ONE_WAY, bottleneck.BOTH_WAYS
    for turned in (False, True):
        first, *later = (share(state, place, updates=900, turned=turned) for place in (1, 2, 3))
        assert min(first) > max(map(max, later))  # "in both orders"
    assert max(share(state, 3)) < 0.1
    assert max(share(one, 3)) > 0.8 > np.median(share(one, 3)) > np.median(share(one, 3, updates=900))
    assert min(min(share(both, place, updates=1600)) for place in (1, 2, 3)) > 0.9
    assert min(share(both, 1, count=4)) > 0.9
    assert np.median(share(both, 2, count=4)) < 0.5
    parts = {row["network"]: row["parameters"] for row in stored["results"]}
    assert parts[both] < parts[state] / 5
    turned = np.median(trials.curves(trials.compared(stored, network=state, turned=True)), axis=0)
    assert max(turned) > turned[-1] + 0.1  # "first rises and then falls"


def test_the_verdict_on_beams():
    """Made-up searches of two dates: greedy's target, that of wider beams, and which are right."""

    def tell(greedy, beam, gain=1.0):
        rows = [[encoder_decoder.Hypothesis((2,), lp) for lp in (-2.0, *[-2.0 + gain] * 3)]] * 2
        done = np.tile(np.array([greedy, beam, beam, beam]).T, (5, 1, 1)).astype(bool)
        counts = {
            "put_right": np.argwhere(~done[:, :, 0] & done[:, :, -1]),
            "spoilt": np.argwhere(done[:, :, 0] & ~done[:, :, -1]),
        }
        return said(NAME, "likelier, correct =", FOUND=[rows] * 5, DONE=done, **counts)

    helped = tell((0, 0), (1, 1))
    assert "Over five networks and 2 dates each" in helped
    assert "in 100% of the cases" in helped
    assert (
        "Wholly right are 0% with greedy and 100% with the beam. It puts 10 dates right and spoils 0. It helps"
        in helped
    )
    assert "It puts 5 dates right and spoils 5. It hardly helps" in tell((1, 0), (0, 1))
    assert "in 0% of the cases" in tell((1, 1), (1, 1), gain=0.0)


# The stored experiment


def test_how_dates_are_counted():
    """By their place, each wholly right or not; a missing one is wrong."""
    target = tasks.translation.TARGET_SYMBOLS

    def ids(text):
        return tasks.encode(text, target)

    truth = np.stack([ids("1987-03-29;2001-01-01>"), ids("1900-01-01;1950-05-05>")])
    written = [ids("1987-03-29;2001-01-02"), ids("1900-01-01")]
    assert bottleneck.dates_right(written, truth) == [1.0, 0.0]
    assert bottleneck.dates_right([row[:-1] for row in truth], truth) == [1, 1]
    assert bottleneck.dates_right([ids("198-03-29;2001-01-01"), ids("")], truth) == [0, 0.5]


def test_a_turned_source_holds_the_same_dates_in_the_opposite_order():
    """The target stays; one date stays as it is."""
    plain, turned = (bottleneck.sequences(20, np.random.default_rng(0), 3, how) for how in (False, True))
    np.testing.assert_array_equal(plain[1], turned[1])
    for row, other, n, m in zip(plain[0], turned[0], plain[2], turned[2], strict=True):
        there, here = ("".join(tasks.translation.SOURCE_SYMBOLS[k] for k in ids) for ids in (row[:n], other[:m]))
        assert here.split(";") == there.split(";")[::-1]
    one = [bottleneck.sequences(5, np.random.default_rng(0), 1, how)[0] for how in (False, True)]
    np.testing.assert_array_equal(*one)


def test_the_verdict_on_the_bottleneck():
    """Made-up curves of five seeds: whether the state is behind, as good, or nobody can tell."""

    def told(state, one, both):
        ends = {bottleneck.STATE: state, bottleneck.ONE_WAY: one, bottleneck.BOTH_WAYS: both}
        rows = [
            {"stage": "compare", "network": name, "turned": False, "seed": seed, "values": [0, end + seed / 1000]}
            for name, end in ends.items()
            for seed in range(5)
        ]
        return bottleneck.verdict({"results": rows, "settings": {}}).cases

    one, both = f"*{bottleneck.ONE_WAY}*", f"*{bottleneck.BOTH_WAYS}*"
    assert told(0.3, 0.5, 0.9) == {one: True, both: True}
    assert told(0.5, 0.3, 0.9) == {one: False, both: True}
    assert told(0.5, 0.5, 0.9)[one] is False  # shown to be no different, within the margin
    assert told(0.99, 0.99, 0.99) == {one: None, both: None}  # all at the floor


@pytest.mark.slow
@pytest.mark.parametrize("seed", TRAINED_AGAIN)
def test_each_network_reaches_what_the_text_says(chapter, seed):
    """Attention translates nearly all dates; letters can be hidden and digits not; mistakes bring mistakes."""
    new, before = chapter["NEW"], chapter["BEFORE"]
    net = chapter["learn"](seed, **chapter["LOOK"])
    free = chapter["write_on"](before[:, :1], net)
    assert (free == new.y).all(axis=1).mean() > 0.9
    pairs = [[chapter["search"](net, n, k).log_probability for k in (1, 8)] for n in range(60)]
    assert np.mean([wide > narrow + 1e-6 for narrow, wide in pairs]) < 0.05  # "finds next to nothing"
    right = {}
    for name, (u, who) in chapter["ASKED"].items():
        weight, still = chapter["hide_brightest"](net, u)
        right[name.split(",")[0]] = still[who].mean()
        assert weight[who].mean() > 0.5
    assert right["month"] > max(right["year"], right["day"]) + 0.2
    assert max(right["year"], right["day"]) < 0.3
    unseen, seen = chapter["planted"](net, 0, False), chapter["planted"](net, 0, True)
    assert unseen < seen - 0.05
    assert chapter["planted"](net, 3, True) > 0.98

    if seed == 0:  # "A single letter gets most of the weight", in the first figure
        _, weights = chapter["translated"]("the 29th of March 1987", net)
        assert weights[6].max() > 0.5

    blind = chapter["learn"](seed, **chapter["BLIND"])
    given_right, given_own = chapter["after_first_mistake"](blind)
    assert given_own < given_right - 0.02
    scores, _ = encoder_decoder.translate(new.x, before, blind, lengths=new.lengths)
    assert (scores.argmax(axis=2) == new.y).mean() > 0.8
    searched = [[chapter["search"](blind, n, k).log_probability for k in (1, 8)] for n in range(60)]
    likelier = np.mean([wide > narrow + 1e-6 for narrow, wide in searched])
    assert likelier > 0.03
