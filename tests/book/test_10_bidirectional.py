"""What chapter 10 states is what its code gives, and every gradient that it prints is right three ways."""

import re
from collections import Counter, defaultdict

import numpy as np
import pytest
import torch
from chapter_cells import TRAINED_AGAIN, cells, pick, said
from course_site.execution import ROOT
from torch.nn.utils.rnn import pack_padded_sequence, pad_packed_sequence

from course_pkg import interchange, models, stacks, tasks, weights
from course_pkg.cells import RNNParams
from course_pkg.gradcheck import gradcheck, max_error

NAME = "10-bidirectional"
TEXT = (ROOT / "book" / f"{NAME}.md").read_text(encoding="utf-8")


@pytest.fixture(scope="module")
def chapter():
    """The chapter's functions and data, with nothing trained."""
    functions = ("trained", "turned", "right", "delayed", "cut_off", "next_right", "best", "encoded")
    return pick(NAME, *functions, "lessons", "WORDS", "new", "place", "READERS", "BETWEEN", "strings", "fresh")


def test_no_backslash_was_lost():
    r"""A \v or \f that Python read as one character would leave an equation without its macro."""
    assert not re.search(r"[\x00-\x09\x0b-\x1f]", TEXT)


# By hand


def by_hand():
    unit = lambda w: RNNParams(np.array([[1.0]]), np.array([[w]]), np.zeros(1))  # noqa: E731
    layer = (stacks.LayerParams(forward=unit(0.5), reverse=unit(-1.0)),)
    return stacks.stack(np.array([[[1.0], [0.0], [2.0]]]), None, layer)


def test_two_readings_by_hand():
    h, _, _ = by_hand()
    block = TEXT.split("## Two readings by hand")[1].split("$$")[1]
    inner, stated = zip(*re.findall(r"\\tanh\((.*?)\) = (-?[\d.]+)", block))
    right = [*h[0, :, 0], *h[0, ::-1, 1]]
    np.testing.assert_allclose([float(v) for v in stated], right, atol=5e-4)
    np.testing.assert_allclose(np.tanh([eval(a) for a in inner]), right, atol=6e-4)


def test_the_backward_by_hand():
    h, _, tape = by_hand()
    at_2 = np.zeros((1, 3, 2))
    at_2[0, 1] = 1
    dx, _, _ = stacks.stack_backward(at_2, None, tape)
    a, b = 1 - h[0, :, 0] ** 2, 1 - h[0, :, 1] ** 2
    stated = {
        "0.363^2 = 0.868": a[1],
        "0.762^2) = 0.182": 0.5 * a[1] * a[0],
        "0.746^2 = 0.443": b[1],
        "0.964^2) = -0.031": -b[1] * b[2],
        "0.868 + 0.443 = 1.311": dx[0, 1, 0],
    }
    for words, value in stated.items():
        assert words in TEXT
        assert float(words.split("=")[-1]) == pytest.approx(value, abs=6e-4)
    np.testing.assert_allclose(dx[0, :, 0], [0.182, 1.311, -0.031], atol=6e-4)


# The gradient, three ways


def printed_backward(x, h, dh, ends, layer):
    """The chapter's equations for the plain RNN, word for word: dx, and dW_hh of both directions."""
    dx, H = np.zeros_like(x), h.shape[2] // 2
    dW = [np.zeros((H, H)), np.zeros((H, H))]
    for n, T in enumerate(ends):
        for way, p, order, step in ((0, layer.forward, range(T)[::-1], 1), (1, layer.reverse, range(T), -1)):
            part, da = slice(way * H, way * H + H), np.zeros(H)
            for t in order:
                d = dh[n, t, part] + p.W_hh.T @ da
                da = d * (1 - h[n, t, part] ** 2)
                dx[n, t] += p.W_ih.T @ da
                if 0 <= t - step < T:
                    dW[way] += np.outer(da, h[n, t - step, part])
    return dx, *dW


@pytest.mark.parametrize("seed", range(3))
def test_the_printed_gradient_three_ways(seed):
    """The equations against finite differences, the package and PyTorch, with a padded sequence."""
    rng = np.random.default_rng(seed)
    p = weights.init_stack("rnn", 3, 4, rng, bidirectional=True, dtype=np.float64)
    x, dh, ends = rng.normal(size=(2, 5, 3)), rng.normal(size=(2, 5, 8)), np.array([5, 3])
    h, _, tape = stacks.stack(x, None, p, lengths=ends)
    dx, _, (ours,) = stacks.stack_backward(dh, None, tape)
    printed = printed_backward(x, h, dh, ends, p[0])
    for a, b in zip(printed, (dx, ours.forward.W_hh, ours.reverse.W_hh)):
        assert max_error(a, b) < 1e-12

    def loss(x, p):
        return np.sum(dh * stacks.stack(x, None, p, lengths=ends)[0])

    gradcheck(lambda x: loss(x, p), x, printed[0])
    gradcheck(lambda q: loss(x, q), p, (ours,))

    net = torch.nn.RNN(3, 4, batch_first=True, bidirectional=True).double()
    net.load_state_dict(interchange.to_torch(p))
    leaf = torch.tensor(x, requires_grad=True)
    out, _ = pad_packed_sequence(net(pack_padded_sequence(leaf, ends, batch_first=True))[0], batch_first=True)
    (out * torch.tensor(dh)).sum().backward()
    theirs = leaf.grad, net.weight_hh_l0.grad, net.weight_hh_l0_reverse.grad
    assert all(max_error(a, b.numpy()) < 1e-12 for a, b in zip(printed, theirs))


# What can be known


def best_reader(data, seen):
    """The accuracy of the most frequent tag after what is `seen` of each sentence: no reader can do better."""
    tags = defaultdict(Counter)
    place = (data.y > 0).argmax(axis=1)
    for x, y, t, n in zip(data.x, data.y, place, data.lengths):
        tags[seen(x[:n], t)][y[t]] += 1
    return sum(max(c.values()) for c in tags.values()) / len(data.x)


@pytest.mark.parametrize("gap", [0, 1, 4])
def test_the_bounds_are_what_counting_gives(chapter, gap):
    """3/4 in one direction, 3/4 + s/4 with waiting: over many sentences, for a reader that knows them all by heart.

    What tells nothing of the meaning (which adjective, which adverb) is left out, so that the count is of
    what is known and not of rare sentences. Knowing which of the two words decides is what remains.
    """
    data = tasks.tagged_sentences(40000, np.random.default_rng(0), gap=gap)
    telling = {
        chapter["WORDS"].index(w)
        for part in (tasks.sentences.SENSES, tasks.sentences.OWNERS)
        for ws in part.values()
        for w in ws
    }
    told = lambda words: tuple(w for w in words if w in telling)  # noqa: E731
    assert best_reader(data, lambda x, t: told(x[t:])) == pytest.approx(0.75, abs=0.01)  # right to left
    for wait in range(7):
        found = best_reader(data, lambda x, t, wait=wait: told(x[: t + 1 + wait]))
        assert found == pytest.approx(chapter["best"](wait, gap), abs=0.01)


def test_words_in_between_are_counted_right(chapter):
    """From the words themselves: between the word with two meanings and the one that settles it."""
    new, settle = chapter["new"], (*tasks.sentences.SENSES.values(), *tasks.sentences.OWNERS.values())
    settle = {word for words in settle for word in words}
    for x, t, between in zip(new.x[:200], chapter["place"], chapter["BETWEEN"]):
        (other,) = [k for k, w in enumerate(x) if chapter["WORDS"][w] in settle]
        apart = other - t - 1 if other > t else t - other - 3  # "has" and "a" always follow the owner
        assert apart == between
    assert new.x.shape[1] == 9  # "its longest sentence of nine words"


# Padding


def test_a_sentence_alone_and_in_company(chapter):
    """The test that the chapter recommends passes with lengths and fails without."""
    net = models.init("lstm", len(chapter["WORDS"]), 16, 3, np.random.default_rng(0), embedding=16, bidirectional=True)
    alone = chapter["encoded"]("the crane rusted")
    wide = np.pad(alone, ((0, 0), (0, 4)))
    y, _, _ = models.many_to_many(alone, net)
    with_lengths, _, _ = models.many_to_many(wide, net, lengths=np.array([3]))
    without, _, _ = models.many_to_many(wide, net)
    assert max_error(with_lengths[:, :3], y) < 1e-6
    assert max_error(without[:, :3], y) > 1e-3


# Check yourself


def test_the_first_answer():
    """The reverse half of the last state hears the last step alone; that of the first step hears all."""
    rng = np.random.default_rng(0)
    p = weights.init_stack("lstm", 3, 4, rng, bidirectional=True, dtype=np.float64)
    x = rng.normal(size=(1, 6, 3))
    other = x.copy()
    other[:, :-1] += 1
    h, g = (stacks.stack(a, None, p)[0] for a in (x, other))
    np.testing.assert_array_equal(h[:, -1, 4:], g[:, -1, 4:])
    assert not np.allclose(h[:, -1, :4], g[:, -1, :4])
    other = x.copy()
    other[:, -1] += 1
    assert not np.allclose(h[:, 0, 4:], stacks.stack(other, None, p)[0][:, 0, 4:])


def test_the_third_answer(chapter):
    rng, D = np.random.default_rng(0), 16
    one = weights.count(weights.init_stack("lstm", D, 32, rng))
    two = weights.count(weights.init_stack("lstm", D, 16, rng, bidirectional=True))
    assert (one, two) == (6272, 4224)
    assert "6,272 against 4,224" in TEXT
    assert one == 4 * 32 * (D + 32 + 1)
    assert two == 2 * 4 * 16 * (D + 16 + 1)


def test_the_fourth_answer(chapter):
    assert chapter["best"](2, 3) == 0.875
    assert chapter["best"](0, 3) == 0.75


# What is said of the measurements follows from them


def test_the_verdict_on_directions():
    small, large = np.zeros(3), np.zeros(5)
    nets = {
        (name, 0): models.Network(None, (large if "32" in name else small,), None)
        for name in ("forward", "backward", "forward, 32 units", "both ways")
    }
    way = {"forward": [0.74, 0.76], "backward": [0.75, 0.75], "forward, 32 units": [0.75, 0.76], "both ways": [0.99, 1]}
    tell = lambda **new: said(NAME, "gain = np.mean", scores=way | new, nets=nets, READERS=way, np=np)  # noqa: E731
    assert "**With every seed, both ways is ahead" in tell()
    assert "no more than seeds differ" in tell()
    assert "ranges overlap" in tell(**{"both ways": [0.7, 1.0]})
    assert "more than seeds differ" in tell(**{"forward, 32 units": [0.9, 0.9]})
    assert "no more than" not in tell(**{"forward, 32 units": [0.9, 0.9]})


def test_the_verdict_on_padding():
    cases = np.ones((3, 7, 5, 500), bool)
    tell = lambda c, alone: said(  # noqa: E731
        NAME,
        "used, forgot, never = PADDED",
        PADDED=c.mean(axis=3),
        right_cases=c,
        alone=alone,
        EXTRA=[0, 1, 2, 5, 10, 20, 50],
        np=np,
    )
    calm = tell(cases, [1.0] * 5)
    assert "no answer changes" in calm
    assert "All five networks still hold" in calm
    assert "do not need it" in calm
    cases[0, 3, 0, 0] = False
    cases[1, 5, :, :250] = False
    cases[2, 6, 4, :400] = False
    bad = tell(cases, [1, 1, 1, 1, 0.5])
    assert "which must not be" in bad
    assert "is right in 50% of the sentences" in bad
    assert "1 of 5 networks fell below 0.99, the lowest to 0.200" in bad
    assert "1 of 5 have come to need it" in bad


def test_the_verdict_on_waiting(chapter):
    waits, hits = np.arange(7), np.ones((7, 5, 20), bool)
    tell = lambda late, cut: said(NAME, "behind = best(", best=chapter["best"], WAITS=waits, late=late, cut=cut, np=np)  # noqa: E731
    assert "worth the same" in tell(hits, hits)
    assert "Saying it later does better" in tell(hits, hits & False)
    assert "Cutting off does better" in tell(hits & False, hits)


def test_the_verdict_on_reading_the_answer(chapter):
    tell = lambda both: said(  # noqa: E731
        NAME,
        "possible = np.mean",
        fresh=chapter["fresh"],
        tasks=tasks,
        np=np,
        told_next={"forward": [(0.57, 0.57)] * 5, "both ways": [both] * 5},
    )
    assert "**which no honest predictor can**" in tell((1.0, 0.5))
    assert "it is worse than the forward network" in tell((1.0, 0.5))
    assert "not score clearly more" in tell((0.58, 0.58))
    assert "no worse than the forward network" in tell((0.58, 0.58))
    assert 0.5 < float(re.search(r"is right ([\d.]+) of the time", tell((1, 1)))[1]) < 0.65


# What is trained


@pytest.mark.slow
@pytest.mark.parametrize("seed", TRAINED_AGAIN)
def test_each_network_reaches_what_the_text_says(chapter, seed):
    """One way stays at 3/4; both ways, or five steps of waiting, settle every meaning; the next letter is copied."""
    trained, right, lessons, new = (chapter[k] for k in ("trained", "right", "lessons", "new"))
    score = {}
    for name, (seen, size) in chapter["READERS"].items():
        net = trained(seed, seen(lessons.arrays), **size)
        score[name] = right(net, seen(new.arrays)).mean()
    earlier = right(trained(seed, lessons.arrays), new.arrays)[chapter["place"] != 1]
    assert earlier.mean() > 0.99  # "the forward network is right there already"
    assert score.pop("both ways") > 0.99
    assert all(value == pytest.approx(0.75, abs=0.03) for value in score.values())
    for wait in (1, 3):
        assert right(net, chapter["cut_off"](new.arrays, wait)).mean() == pytest.approx(0.75 + 0.05 * wait, abs=0.03)

    later = trained(seed, chapter["delayed"](lessons.arrays, 5))
    assert right(later, chapter["delayed"](new.arrays, 5)).mean() > 0.97

    fresh = chapter["fresh"]
    spy = trained(seed, chapter["strings"].arrays, 7, 7, bidirectional=True)
    out, _, _ = models.many_to_many(fresh.x, spy, lengths=fresh.lengths)
    assert models.accuracy(out, fresh.y, fresh.mask) > 0.99
    in_use = np.concatenate([chapter["next_right"](spy, k) for k in range(fresh.lengths.max())])
    assert in_use.mean() < 0.6  # whoever does not know the future is right 0.574 of the time


@pytest.mark.slow
def test_the_two_figures_of_a_trained_network_show_what_the_answers_say():
    names = pick(
        NAME,
        "WORDS",
        "lessons",
        "trained",
        "onward",
        "bothways",
        "encoded",
        "leaning",
        "listen",
        "SENTENCES",
        "DIRECTIONS",
        "merged",
        "moved_by",
        "HALVES",
        "H_OF",
        "MOVED",
        "FAR",
        "WEIGH",
        "START",
        "inspect",
    )
    for last, sign in (("rusted", 1), ("melted", 1), ("ate", -1), ("slept", -1)):
        forward, both = names["listen"](5, last)["z"].reshape(2, 4)
        assert np.ptp(forward) == 0
        assert abs(forward[0]) < 0.5
        assert sign * both[-1] > 0.9
    for moved in names["MOVED"].values():
        swapped, step = np.indices((5, 5))
        assert moved[swapped > step, 0].max() < 1e-5  # rounding: batches of two sizes
        assert moved[swapped < step, 1].max() < 1e-5
        assert moved[swapped <= step, 0].min() > 1e-3
        assert moved[swapped >= step, 1].min() > 1e-3
        assert moved[..., 2].min() > 1e-3
    for sentence, word, decides, sign in ((0, 2, 1, 1), (1, 2, 1, -1), (2, 5, 0, 1), (3, 5, 0, -1)):
        says = names["inspect"](list(names["SENTENCES"])[sentence], word)[2]["values"]
        assert sign * says[decides] > 3 * abs(says[1 - decides])
        assert sign * says[2] > 0


def test_every_experiment_has_five_seeds():
    experiments = [cell for cell in cells(NAME) if "tqdm(" in cell]
    assert len(experiments) == 4
    assert all("range(5)" in cell for cell in experiments)
