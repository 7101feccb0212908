"""The numbers that chapter 02 states in words are the numbers that its code gives."""

import numpy as np
import pytest
import torch
from course_site.execution import ROOT

from course_pkg import gradcheck, layers, tasks

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
