"""The CTC loss: all paths counted one by one, PyTorch's values and gradients, impossible and empty labels included."""

import itertools

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from course_pkg.ctc import collapse, ctc_loss, ctc_loss_backward, extend
from course_pkg.decoding import beam_labels, edit_distance, error_rate, greedy_labels
from course_pkg.gradcheck import gradcheck, max_error

SEEDS = st.integers(0, 2**32 - 1)


def draw(sizes, seed):
    """Scores, labels with repeats, and lengths, so that some sequences are too short for their labels."""
    B, T, K, L = sizes
    rng = np.random.default_rng(seed)
    labels = rng.integers(1, K, (B, L))
    return rng.normal(size=(B, T, K)), labels, rng.integers(1, T + 1, B), rng.integers(0, L + 1, B)


@given(sizes=st.tuples(st.integers(1, 4), st.integers(1, 9), st.integers(2, 5), st.integers(0, 5)), seed=SEEDS)
def test_it_is_torchs_loss_and_gradient(sizes, seed):
    scores, labels, lengths, label_lengths = draw(sizes, seed)
    loss, tape = ctc_loss(scores, labels, lengths, label_lengths)
    leaf = torch.tensor(scores, requires_grad=True)
    theirs = torch.nn.functional.ctc_loss(
        torch.log_softmax(leaf, 2).transpose(0, 1),
        torch.tensor(np.concatenate([row[:n] for row, n in zip(labels, label_lengths)])),
        torch.tensor(lengths),
        torch.tensor(label_lengths),
        reduction="none",
    )
    finite = torch.isfinite(theirs)
    assert np.array_equal(np.isfinite(tape.log_likelihood), finite.numpy())
    assert np.isinf(loss) == (not finite.all())
    if finite.any():
        assert max_error(-tape.log_likelihood[finite.numpy()], theirs[finite].detach().numpy()) <= 1e-12
        theirs[finite].sum().backward()
        ours = ctc_loss_backward(float(len(scores)), tape)
        assert max_error(ours[finite.numpy()], leaf.grad[finite].numpy()) <= 1e-12
        assert not ours[~finite.numpy()].any()


@given(seed=SEEDS, T=st.integers(1, 5), labels=st.lists(st.integers(1, 2), max_size=3), blank=st.sampled_from([0]))
def test_it_is_the_sum_over_all_paths(seed, T, labels, blank):
    """Every one of the 3^T paths is collapsed, and the probabilities of the right ones are added."""
    scores = np.random.default_rng(seed).normal(size=(1, T, 3))
    p = np.exp(scores[0]) / np.exp(scores[0]).sum(axis=1, keepdims=True)
    paths = [path for path in itertools.product(range(3), repeat=T) if collapse(path, blank) == labels]
    wanted = sum(np.prod([p[t, k] for t, k in enumerate(path)]) for path in paths)
    _, tape = ctc_loss(scores, np.array([labels], int).reshape(1, -1), blank=blank)
    assert np.exp(tape.log_likelihood[0]) == pytest.approx(wanted, abs=1e-14)


@given(sizes=st.tuples(st.just(2), st.integers(5, 8), st.integers(2, 4), st.integers(1, 2)), seed=SEEDS)
def test_the_gradient_agrees_with_finite_differences(sizes, seed):
    scores, labels, _, label_lengths = draw(sizes, seed)
    _, tape = ctc_loss(scores, labels, None, label_lengths)
    f = lambda moved: ctc_loss(moved, labels, None, label_lengths)[0]  # noqa: E731
    gradcheck(f, scores, ctc_loss_backward(1.0, tape))


def test_a_blank_other_than_the_first_symbol():
    scores, labels, lengths, label_lengths = draw((2, 7, 4, 2), 0)
    turned = np.roll(scores, -1, axis=2)  # symbol 0 becomes the last one
    loss, _ = ctc_loss(scores, labels, lengths, label_lengths)
    assert ctc_loss(turned, labels - 1, lengths, label_lengths, blank=3)[0] == pytest.approx(loss, rel=1e-14)


def test_what_stands_in_the_padding_does_not_matter():
    scores, labels, _, _ = draw((2, 7, 4, 3), 0)
    lengths, label_lengths = np.array([7, 5]), np.array([3, 1])
    loss, tape = ctc_loss(scores, labels, lengths, label_lengths)
    other, others = scores.copy(), labels.copy()
    other[1, 5:], others[1, 1:] = 9.0, 0
    loss_2, tape_2 = ctc_loss(other, others, lengths, label_lengths)
    assert loss == loss_2
    assert np.array_equal(ctc_loss_backward(1.0, tape), ctc_loss_backward(1.0, tape_2))
    assert not ctc_loss_backward(1.0, tape)[1, 5:].any()


def test_float32_stays():
    scores, labels, _, _ = draw((2, 7, 4, 2), 0)
    _, tape = ctc_loss(scores.astype(np.float32), labels)
    assert ctc_loss_backward(1.0, tape).dtype == np.float32


@pytest.mark.parametrize(
    ("path", "labels"), [([], []), ([0, 0], []), ([1, 1, 0, 1], [1, 1]), ([0, 2, 2, 1, 0], [2, 1]), ([3], [3])]
)
def test_collapsing(path, labels):
    assert collapse(path) == labels


def test_extending_puts_blanks_around():
    assert extend(np.array([[3, 3]])).tolist() == [[0, 3, 0, 3, 0]]
    assert extend(np.zeros((1, 0), int)).tolist() == [[0]]


@given(seed=SEEDS, T=st.integers(1, 6))
def test_a_wide_beam_finds_the_labels_whose_paths_add_up_to_most(seed, T):
    scores = np.random.default_rng(seed).normal(size=(T, 3))
    p = np.exp(scores) / np.exp(scores).sum(axis=1, keepdims=True)
    sums = {}
    for path in itertools.product(range(3), repeat=T):
        key = tuple(collapse(path))
        sums[key] = sums.get(key, 0.0) + np.prod([p[t, k] for t, k in enumerate(path)])
    found = beam_labels(scores, 1000)
    assert {tuple(labels) for labels, _ in found} == set(sums)
    for labels, log_p in found:
        assert np.exp(log_p) == pytest.approx(sums[tuple(labels)], rel=1e-10)
    assert tuple(found[0][0]) == max(sums, key=sums.get)
    assert len(beam_labels(scores, 2)) <= 2


def test_the_best_path_need_not_be_that_of_the_best_labels():
    """Two steps, blank .6: the best path is empty (.36), but the label's three paths add up to .64."""
    scores = np.log(np.array([[0.6, 0.4], [0.6, 0.4]]))
    assert greedy_labels(scores[None]) == [[]]
    assert beam_labels(scores, 5)[0] == ([1], pytest.approx(np.log(0.64)))


def test_greedy_reads_each_sequence_to_its_own_end():
    scores = np.zeros((2, 3, 3))
    scores[:, 0, 1] = scores[:, 1, 0] = scores[:, 2, 1] = 1
    assert greedy_labels(scores, [3, 2]) == [[1, 1], [1]]


@given(a=st.text("abc", max_size=6), b=st.text("abc", max_size=6), c=st.text("abc", max_size=6))
def test_edit_distance_is_a_distance(a, b, c):
    assert edit_distance(a, b) == edit_distance(b, a)
    assert (edit_distance(a, b) == 0) == (a == b)
    assert edit_distance(a, c) <= edit_distance(a, b) + edit_distance(b, c)
    assert abs(len(a) - len(b)) <= edit_distance(a, b) <= max(len(a), len(b))


@pytest.mark.parametrize(("a", "b", "d"), [("kitten", "sitting", 3), ("", "abc", 3), ("flaw", "lawn", 2)])
def test_known_distances(a, b, d):
    assert edit_distance(a, b) == d


def test_error_rate_counts_edits_for_each_label_wanted():
    assert error_rate([[1, 2], [3]], [[1, 2], [4, 5]]) == pytest.approx(2 / 4)
    with pytest.raises(ValueError, match="said: got 1 sequences for 2"):
        error_rate([[1]], [[1], [2]])


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"scores": np.zeros((2, 5))}, r"scores: got shape \(2, 5\)"),
        ({"labels": np.zeros((2, 2))}, r"labels: got float64 of shape \(2, 2\), wanted integers of shape \(2, L\)"),
        ({"labels": np.array([[1, 9], [1, 1]])}, "labels: got values from 1 to 9, wanted 0 to 3"),
        ({"labels": np.array([[1, 0], [1, 1]])}, "labels: got 0, the blank"),
        ({"lengths": np.array([5, 6])}, "lengths: got 5 to 6, wanted 1 to 5"),
        ({"label_lengths": np.array([0.5, 1])}, "label_lengths: got float64"),
        ({"blank": 4}, "blank: got 4, wanted an integer of at least 0 and at most 3"),
    ],
)
def test_wrong_arguments_are_named(change, message):
    good = {"scores": np.zeros((2, 5, 4)), "labels": np.array([[1, 2], [3, 1]])} | change
    with pytest.raises(ValueError, match=message):
        ctc_loss(good.pop("scores"), good.pop("labels"), **good)
