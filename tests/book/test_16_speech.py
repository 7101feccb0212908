"""What chapter 16 states is what its code gives: the tables by hand, the gradient, the decoders, the first figure."""

import itertools
import re

import numpy as np
import pytest
import torch
from chapter_cells import cells as cells_of
from chapter_cells import run
from course_site.execution import ROOT

from course_pkg.ctc import collapse, ctc_backward_variables, ctc_loss, ctc_loss_backward
from course_pkg.decoding import edit_distance, error_rate

TEXT = (ROOT / "book" / "16-speech.md").read_text(encoding="utf-8")
ONE = np.array([0.2, 0.6, 0.9])
Y = np.stack([1 - ONE, ONE], axis=1)


@pytest.fixture(scope="module")
def chapter():
    """The names after the cells up to the sound, and of those on labels; the training of the rest is left out."""
    code = cells_of("16-speech")
    picked = [c for c in code if not re.search(r"learn\(False|wrong\(net|within\(net", c)]
    return run({}, picked)


def test_the_table_of_paths():
    rows = re.findall(r"^\| `([1– ]+)` \| (.+?) \| [\d. ·]+ = ([\d.]+) \|$", TEXT, re.MULTILINE)
    assert len(rows) == 8
    for path, labels, p in rows:
        ids = [int(symbol == "1") for symbol in path.split()]
        assert np.prod(Y[range(3), ids]) == pytest.approx(float(p), abs=1e-12)
        assert " ".join(map(str, collapse(ids))) == labels.replace("nothing", "")
    assert sum(float(p) for _, labels, p in rows if labels == "1") == pytest.approx(0.896)


def test_forward_backward_and_gradient_by_hand():
    loss, tape = ctc_loss(np.log(Y)[None], np.array([[1]]))
    assert loss == pytest.approx(0.110, abs=5e-4)
    assert np.exp(tape.alpha[0]) == pytest.approx(
        np.array([[0.8, 0.2, 0], [0.32, 0.6, 0.08], [0.032, 0.828, 0.068]]), abs=1e-12
    )
    beta = np.exp(ctc_backward_variables(tape)[0])
    assert beta[:, 1] == pytest.approx([0.64, 1, 1])
    assert (np.exp(tape.alpha[0]) * beta).sum(axis=1) == pytest.approx([0.896] * 3)
    gradient = ctc_loss_backward(1.0, tape)[0, :, 1]
    assert gradient == pytest.approx([0.057, -0.070, -0.024], abs=5e-4)
    assert ONE - gradient == pytest.approx([0.143, 0.670, 0.924], abs=5e-4)


def test_the_gradient_that_the_quiz_asks_for():
    leaf = torch.log(torch.tensor([[0.5, 0.5], [0.4, 0.6]], dtype=torch.float64)).requires_grad_()
    log_p = torch.log_softmax(leaf, 1)[:, None]
    torch.nn.functional.ctc_loss(log_p, torch.tensor([[1]]), [2], [1], reduction="sum").backward()
    assert leaf.grad[0].tolist() == pytest.approx([0.125, -0.125])


def test_the_other_answers_of_the_quiz():
    assert collapse([0, 7, 7, 0, 7, 2, 2]) == [7, 7, 2]
    fewest = next(
        T for T in range(1, 8) if any(collapse(p) == [1, 1, 2] for p in itertools.product(range(3), repeat=T))
    )
    assert fewest == 4
    assert (edit_distance([7], [7, 7, 7]), error_rate([[7]], [[7, 7, 7]])) == (2, 2 / 3)


def the_spikes(chapter):
    for row, digits in chapter["ROWS"].items():
        assert chapter["SHOWN"][row, 20][:, 0].mean() > 0.9  # the blank has nearly all
        said = chapter["SHOWN"][row, chapter["LOOKS"][-1]].argmax(axis=1)
        assert collapse(said) == [d + 1 for d in digits]
        assert np.mean(said != 0) < 0.25  # "a spike of a few frames"


def one_falls_first(chapter):
    at = {kind: np.median(chapter["errors"](kind), axis=0) for kind in chapter["KINDS"]}
    early = chapter["stored"]["settings"]["updates"].index(100)
    cuts, both = at.pop("told the cuts")[early], at.pop("both ways")[early]
    assert cuts < both < min(curve[early] for curve in at.values())


ALT_FINDINGS = {
    "Eleven curves over a row of digits": the_spikes,
    "Recorded digits: errors as training goes on": one_falls_first,
}


@pytest.mark.parametrize("title", ALT_FINDINGS)
def test_the_alternative_text_says_what_is_drawn(chapter, title):
    assert title in chapter["FIGURES"]
    ALT_FINDINGS[title](chapter)


def test_greedy_is_beaten_by_the_sum(chapter):
    nothing, once, more = chapter["shares"](2, 0.4)
    assert (nothing, once, more) == pytest.approx((0.36, 0.64, 0))


def test_the_sound_is_small_and_named(chapter):
    (said,) = [s for s in chapter["SAID"] if "<audio" in s]
    assert len(said) < 40_000
    assert 'aria-label="a buzzing voice says three, one, four"' in said
