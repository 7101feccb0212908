"""Baselines: counting as its formula says, a line that finds the autoregression it was drawn from."""

import itertools
from collections import Counter

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from course_pkg import baselines, tasks


def slow(ids, K, context, symbol):
    """The formula, word by word, for one context."""
    if context is None:
        return 1 / K
    after = [
        ids[t + len(context)] for t in range(len(ids) - len(context)) if tuple(ids[t : t + len(context)]) == context
    ]
    shorter = slow(ids, K, context[1:] if context else None, symbol)
    counts = Counter(after)
    if not after:
        return shorter
    return (counts[symbol] + len(counts) * shorter) / (len(after) + len(counts))


@given(ids=st.lists(st.integers(0, 2), min_size=3, max_size=30), order=st.integers(1, 3))
def test_counting_is_the_formula(ids, order):
    p = baselines.ngram(np.array(ids), 3, order)
    for *context, symbol in itertools.product(range(3), repeat=order):
        assert p[(*context, symbol)] == pytest.approx(slow(ids, 3, tuple(context), symbol))
    assert np.allclose(p.sum(axis=-1), 1)
    some = np.array([0, 1, 2, 1, 0])
    nats = [-np.log(p[tuple(some[t : t + order])]) for t in range(6 - order)]
    assert baselines.ngram_loss(p, some) == pytest.approx(np.mean(nats))


def test_longer_contexts_help_on_english():
    text = tasks.help_text(120_000)
    symbols = sorted(set(text))
    ids = tasks.encode(text, symbols)
    losses = [baselines.ngram_loss(baselines.ngram(ids[:100_000], len(symbols), n), ids[100_000:]) for n in (1, 2, 3)]
    assert np.log(len(symbols)) > losses[0] > losses[1] + 0.3 > losses[2] + 0.6


def test_the_line_reaches_the_floor_of_an_autoregression():
    data = tasks.arma(300, 100, np.random.default_rng(0), ar=(0.75, -0.25), ma=(), dtype=np.float64)
    weights = baselines.fit_line(data.x, data.y, 2)
    assert np.allclose(weights[:, 0], [-0.25, 0.75, 0], atol=0.02)
    error = baselines.follow_line(data.x, weights) - data.y[:, 1:]
    assert np.square(error).mean() == pytest.approx(1, rel=0.02)


BAD = {
    "order: got 0": lambda: baselines.ngram(np.zeros(5, int), 3, 0),
    "order: got 9": lambda: baselines.ngram(np.zeros(20, int), 30, 9),
    "ids: got shape": lambda: baselines.ngram(np.zeros(2, int), 3, 3),
    "ids: got values": lambda: baselines.ngram(np.full(9, 3), 3, 3),
    "window: got 6": lambda: baselines.fit_line(np.zeros((2, 5, 1)), np.zeros((2, 5, 1)), 6),
    "y: got shape": lambda: baselines.fit_line(np.zeros((2, 5, 1)), np.zeros((2, 4, 1)), 2),
}


@pytest.mark.parametrize("message", BAD)
def test_bad_input_is_named(message):
    with pytest.raises(ValueError, match=message):
        BAD[message]()


@given(
    ids=st.lists(st.integers(0, 2), min_size=4, max_size=30),
    new=st.lists(st.integers(0, 2), min_size=4, max_size=12),
    order=st.integers(1, 4),
)
def test_probabilities_without_a_table_are_those_of_the_table(ids, new, order):
    ids, new = np.array(ids), np.array(new)
    p = baselines.ngram_probabilities(ids, 3, order, new)
    assert p.shape == (len(new) - order + 1,)
    np.testing.assert_allclose(-np.log(p).mean(), baselines.ngram_loss(baselines.ngram(ids, 3, order), new))


def test_long_counts_know_a_text_by_heart():
    ids = np.random.default_rng(0).integers(90, size=5000)
    assert baselines.ngram_probabilities(ids, 90, 9, ids).min() > 0.5
    with pytest.raises(ValueError, match="order: got 10, whose contexts have no number"):
        baselines.ngram_probabilities(ids, 90, 10, ids)
    with pytest.raises(ValueError, match=r"new: got shape \(2,\), wanted \(T,\) with T at least 3"):
        baselines.ngram_probabilities(ids, 90, 3, ids[:2])


def test_what_counts_write_is_as_frequent_as_counted():
    ids = np.random.default_rng(0).permutation(np.repeat([0, 1, 2], [500, 300, 200]))
    p = baselines.ngram(ids, 3, 2)
    (text,) = baselines.ngram_sample(np.zeros((1, 1), int), p, 20_000, np.random.default_rng(1))
    pairs = np.bincount(3 * text[:-1] + text[1:], minlength=9).reshape(3, 3)
    np.testing.assert_allclose(pairs / pairs.sum(axis=1, keepdims=True), p, atol=0.02)
    cold = baselines.ngram_sample(np.zeros((2, 1), int), p, 30, np.random.default_rng(1), temperature=0)
    for text in cold:
        assert all(b == p[a].argmax() for a, b in itertools.pairwise([0, *text]))


def test_what_counts_write_ends_at_stop():
    p = np.zeros((3, 3, 3)) + 1e-12
    p[:, :, 1] = p[:, 1, 2] = 1  # whatever was: 1; after 1: 1 or 2
    texts = baselines.ngram_sample(np.zeros((50, 2), int), p, 40, np.random.default_rng(0), stop=2)
    assert all(set(text) <= {1} for text in texts)
    assert len({len(text) for text in texts}) > 2
    with pytest.raises(ValueError, match=r"prompt: got shape \(2, 1\), wanted \(B, P\) with P at least 2"):
        baselines.ngram_sample(np.zeros((2, 1), int), p, 5, np.random.default_rng(0))
