"""The numbers that chapter 02 states in words are the numbers that its code gives."""

import copy

import numpy as np
import pytest
import torch
from chapter_cells import pick
from course_site.execution import ROOT

from course_pkg import experiments, gradcheck, layers, tasks, trees
from course_pkg.experiments import coding, padding
from course_pkg.widgets import KINDS

TEXT = (ROOT / "book" / "02-sequences.md").read_text(encoding="utf-8")


def test_the_three_means_by_hand():
    loss, mask = np.array([[1.0, 2, 3], [4, 9, 9]]), np.array([[1, 1, 1], [1, 0, 0]])
    block, real = loss.mean(), (loss * mask).sum() / mask.sum()
    each = ((loss * mask).sum(1) / mask.sum(1)).mean()
    for words, value in (("28 / 6 = 4.67", block), ("10 / 4 = 2.5", real), ("6 / 2 = 3", each)):
        assert words in TEXT
        assert float(words.split("=")[1]) == pytest.approx(value, abs=5e-3)


def test_the_masked_means_gradient_three_ways():
    """m / sum(m), exactly 0 at padding: by finite differences, by the package, by PyTorch."""
    rng = np.random.default_rng(0)
    mask = np.arange(4) < np.array([4, 1, 3])[:, None]
    y, target = rng.normal(size=(3, 4, 1)), rng.normal(size=(3, 4, 1))
    _, tape = layers.mean_squared_error(y, target, mask)
    dy = layers.mean_squared_error_backward(1.0, tape)
    gradcheck.gradcheck(lambda y: layers.mean_squared_error(y, target, mask)[0], y, dy)
    yt = torch.tensor(y, requires_grad=True)
    square = ((yt - torch.tensor(target)) ** 2)[..., 0]
    (square * torch.tensor(mask)).sum().div(mask.sum()).backward()
    assert gradcheck.max_error(dy, yt.grad.numpy()) < 1e-12
    assert (dy[~mask] == 0).all()


def test_the_look_up_is_a_product():
    table = np.array([[0.2, -1], [0.5, 0.3], [-0.4, 0.9]])
    assert (np.array([0, 1, 0]) @ table == [0.5, 0.3]).all()
    assert r"\begin{pmatrix} 0.5 & 0.3 \end{pmatrix}" in TEXT


def test_a_symbol_that_occurs_twice_gets_both_gradients():
    params = layers.EmbeddingParams(np.zeros((3, 2)))
    _, tape = layers.embedding(np.array([1, 1, 0]), params)
    gradient = layers.embedding_backward(np.array([[1.0, 2], [10, 20], [5, 5]]), tape)
    assert gradient.table.tolist() == [[5, 5], [11, 22], [0, 0]]


def test_what_the_words_and_the_price_do():
    assert set("storm") & set("fog") == {"o"}
    raw = np.tanh(0.5 * np.linspace(60, 140, 9))
    assert (raw == 1).all()  # "stuck at 1, and its slope is 0"


def test_the_answers_of_the_questions():
    assert 1000 * 50 == 50_000
    loss = np.array([[6, 6, 6], [6, 0, 0]])
    assert loss.mean() == 4


def test_the_tasks_named_for_each_kind_have_that_shape():
    rng = np.random.default_rng(0)
    one = tasks.reviews(4, rng)
    assert (one.x.ndim, one.y.ndim) == (2, 1)  # many to one
    each = tasks.tagged_sentences(4, rng)
    assert each.x.shape == each.y.shape  # many to many, aligned
    other = tasks.dates(4, rng)
    assert other.x.shape[1] != other.y.shape[1]  # many to many, unaligned


# The stored results


def altered(stored, change):
    """A copy of a stored result with change(row) as the values of each row of the comparison."""
    new = copy.deepcopy(stored)
    for row in new["results"]:
        if row["stage"] == "compare":
            row["values"] = change(row)
    return new


def learns(row, at):
    """A curve that reaches 1 at the look number `at`."""
    return [0.3 if k < at else 1.0 for k in range(len(row["updates"]))]


def test_the_sentence_on_codings_follows_from_the_rows():
    stored, say = experiments.load("coding"), pick("02-sequences", "on_codings")["on_codings"]
    slow = altered(stored, lambda row: learns(row, 2 if row["coding"] == "one-hot" else 8))
    assert "**Holds.**" in say(slow).data
    other = altered(stored, lambda row: learns(row, 8 if row["coding"] == "one-hot" else 2))
    assert "**Does not hold.**" in say(other).data
    none = altered(stored, lambda row: [0.25] * len(row["updates"]))
    assert "**Cannot tell:**" in say(none).data
    assert "one-hot: 0 of 5 runs;" in say(none).data


def test_the_codings_differ_in_scale_and_in_form():
    ids = np.arange(8)[None]
    number, standard = coding.code(ids, "number / 7")[0, :, 0], coding.code(ids, "standardised number")[0, :, 0]
    assert (number.min(), number.max()) == (0, 1)
    assert (standard.mean(), standard.std()) == pytest.approx((0, 1), abs=1e-6)
    assert (coding.code(ids, "one-hot")[0] == np.eye(8)).all()
    assert coding.code(ids, "embedding") is ids


@pytest.mark.parametrize("kind", coding.SETTINGS["codings"])
def test_the_gradient_of_the_coded_network_three_ways(kind):
    """The experiment's own network: finite differences, our backward, PyTorch."""
    rng = np.random.default_rng(0)
    net = trees.tree_map(lambda a: a.astype(np.float64), coding.start(coding.SETTINGS, kind, 5, rng))
    ids, y = rng.integers(8, size=(3, 5)), np.array([0, 3, 1])
    x = coding.code(ids, kind)
    x = x if kind == "embedding" else x.astype(np.float64)
    _, ours, _ = coding.loss(net, (x, y), None, rng)
    gradcheck.gradcheck(lambda net: coding.loss(net, (x, y), None, rng)[0], net, ours)
    leaves = {name: torch.tensor(a, requires_grad=True) for name, a in trees.tree_leaves(net).items()}
    v = leaves["embedding.table"][torch.tensor(ids)] if kind == "embedding" else torch.tensor(x)
    h = torch.tanh(v.reshape(3, -1) @ leaves["hidden.W"].T + leaves["hidden.b"])
    scores = h @ leaves["readout.W"].T + leaves["readout.b"]
    torch.nn.functional.cross_entropy(scores, torch.tensor(y)).backward()
    for name, gradient in trees.tree_leaves(ours).items():
        assert gradcheck.max_error(gradient, leaves[name].grad.numpy()) < 1e-12


def test_the_sentence_on_padding_follows_from_the_rows():
    stored, say = experiments.load("padding"), pick("02-sequences", "on_padding")["on_padding"]
    slow = altered(stored, lambda row: learns(row, 8 if row["padding"] == "end" else 2))
    assert "**Holds when:** padding at the end." in say(slow).data
    never = altered(stored, lambda row: learns(row, 99 if row["padding"] == "end" else 2))
    assert "or more than were made" in say(never).data
    assert "0 of 5 networks" in say(never).data
    none = altered(stored, lambda row: [0.5] * len(row["updates"]))
    assert "**Cannot tell:**" in say(none).data


def test_the_three_ways_hold_the_same_words():
    x, y, lengths = padding.reviews(padding.SETTINGS, np.random.default_rng(0), 8)
    start = padding.block(x, y, lengths, "start")[0]
    for row, moved, n in zip(x, start, lengths):
        assert (row[:n] == moved[len(row) - n :]).all()
        assert len(set(moved[: len(row) - n]) | set(row[n:])) <= 1  # padding alone
    assert padding.block(x, y, lengths, "true")[3] is lengths
    assert padding.block(x, y, lengths, "end")[3] is None


def test_every_use_in_the_figure_stands_with_its_kind_in_the_answer_and_the_table():
    names = pick("02-sequences", "USES", "five_kinds")
    kinds = [kind for kind in names["USES"].values() if kind]
    assert set(kinds) == set(KINDS)
    for kind in KINDS:
        assert f"\n| {kind} | x (B, " in TEXT
    for use, kind in names["USES"].items():
        *drawn, row = names["five_kinds"](use)
        lit = [panel["title"] for panel in drawn if panel["lit"].all()]
        assert lit == (list(KINDS) if kind is None else [kind])
        if kind:
            assert [item["value"][0] for item in row["items"]] == [len(steps) for steps in KINDS[kind]]


def test_buckets_keep_every_sequence_and_the_sentence_follows():
    names = pick("02-sequences", "BATCH", "many", "in_buckets", "on_buckets")
    share = {}
    for pool in (1, 2, 4, 8, 16, 32):
        batches = names["in_buckets"](pool)
        assert batches.shape == (32, 16)
        assert (np.sort(batches.ravel()) == np.sort(names["many"])).all()
        share[pool] = 1 - batches.sum() / (16 * batches.max(axis=1).sum())
    assert list(share.values()) == sorted(share.values(), reverse=True)
    said = names["on_buckets"]().data
    assert f"Without sorting, {share[1]:.0%}" in said
    assert share[1] > 0.5  # the answer to the first question
    assert "No pool brings it" in names["on_buckets"]((1, 32)).data or share[32] < 0.2
