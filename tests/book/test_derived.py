"""Each chapter asks for a gradient to be derived with more than one unit, and PyTorch gives the answer called right."""

import re

import pytest
import torch
from contents import chapters
from course_site.execution import ROOT
from course_site.questions import questions

ELSEWHERE = {  # chapters whose own tests compute it: a phrase of the question
    "01-feedforward": "In the step by hand",
    "03-rnn": "Two units have no bias",
    "04-language-model": "The scores come from two units",
    "07-lstm": "Two units. At step t",
    "12-encoder-decoder": "The weights of three memories",
    "16-speech": "Two frames, the symbols blank and 1",
    "20-matrix-memory": "In the delta rule",
}


def leaf(*values):
    return torch.tensor(values, dtype=torch.float64, requires_grad=True)


def matrix(*rows):
    return torch.tensor(rows, dtype=torch.float64)


def gradient(at, *pairs):
    """The gradient at `at` of the sum of g . out over (out, g)."""
    sum((out * torch.tensor(g, dtype=torch.float64)).sum() for out, g in pairs).backward()
    return at.grad.tolist()


def embedding():
    table = torch.zeros(2, 2, dtype=torch.float64, requires_grad=True)
    return gradient(table, (table[[0, 1, 0]], [[1, 2], [5, 5], [3, -1]]))[0]


def two_units_back():
    h, slopes = leaf(0, 0), torch.tensor([1, 0.5])
    return gradient(h, (slopes * (matrix([0, 1], [0.5, 0]) @ h), [1, 2]))


def through_relu():
    h = leaf(1, -3)  # pre-activations (0.5 - 6 + 7, 1 - 1.5): one positive, one negative
    a = matrix([0.5, 2], [1, 0.5]) @ h + torch.tensor([7, 0])
    assert (a > 0).tolist() == [True, False]
    return gradient(h, (torch.relu(a), [1, 1]))


def through_candidates():
    h = leaf(0.3, 0.4)
    return gradient(h, (torch.tensor([1, 0]) * (matrix([0, 1], [1, 1]) @ h), [2, 3]))


def both_ways():
    x = leaf(1, 2, 3)
    right, left = x[1] + 0.5 * x[0], x[1] + 0.5 * x[2]
    return gradient(x, (right, 1), (left, 1))


def two_layers():
    below = leaf(0.7)
    above = below  # layer 2 at step 1, from a state of zero
    return gradient(below, (0.5 * above + 0.5 * below, [1]))


def mean_of_states():
    h, W = leaf(0.1, 0.2), matrix([0, 1], [1, 0])
    return gradient(h, ((h + W @ h) / 4, [2, -4]))


def at_a_temperature():
    h, W = leaf(0, 0), matrix([1, 0], [2, -1])
    shift = 0.5 * torch.log(torch.tensor([0.75, 0.25], dtype=torch.float64))  # what makes the probabilities so
    return gradient(h, (-torch.log_softmax((W @ h + shift) / 0.5, 0)[1], 1))


def feeds_itself():
    h, u = leaf(0.1, 0.2), torch.ones(2, dtype=torch.float64)
    return gradient(h, (matrix([0.5, 0], [0, 0.2]) @ h + u * (u @ h), [1, 0]))


def mixed_and_kept():
    h, c = leaf(0.1, 0.2), leaf(0.3, 0.4)
    kept = torch.tensor([0.9, 0.5], dtype=torch.float64) * c
    return gradient(h, (matrix([0.5, 1], [0, 0.5]) @ h, [1, 2])) + gradient(c, (kept, [1, 2]))


def through_a_scan():
    x, V = leaf(0.3, -0.2), matrix([1, 2], [0, 1])
    h_1 = matrix([0.5, 0.5])[0] * leaf(0.1, 0.2) + V @ x
    return gradient(x, (matrix([0.5, 0.25])[0] * h_1 + V @ leaf(1, 2), [2, 4]))


DERIVED = {
    "02-sequences": embedding,
    "05-bptt": two_units_back,
    "06-gradients": through_relu,
    "08-gru": through_candidates,
    "09-which-cell": mixed_and_kept,
    "10-bidirectional": both_ways,
    "11-deep": two_layers,
    "13-sentiment": mean_of_states,
    "14-generation": at_a_temperature,
    "15-forecasting": feeds_itself,
    "19-scan": through_a_scan,
}


def test_every_chapter_asks_for_a_derivation_with_more_than_one_unit():
    assert set(DERIVED) | set(ELSEWHERE) == set(chapters())
    for name, phrase in ELSEWHERE.items():
        assert sum(phrase in one.text for one in questions(ROOT / "book" / f"{name}.md")) == 1, name


@pytest.mark.parametrize("name", DERIVED)
def test_the_right_option_is_the_gradient_and_no_other_is(name):
    (asked,) = (
        one for one in questions(ROOT / "book" / f"{name}.md") if "Derive the " in one.text or "Derive w" in one.text
    )
    answer = DERIVED[name]()
    for head, said in asked.options:
        given = [float(n.replace("−", "-")) for n in re.findall(r"[−-]?\d+(?:\.\d+)?", head)]
        assert len(given) == len(answer)
        assert (given == pytest.approx(answer, abs=1e-12)) == said.startswith("Right."), head
