"""The assignment on language models agrees with the package, with PyTorch, and with what its chapter prints."""

import author
import numpy as np
import pytest
import torch

from course_pkg import cells, fused, gradcheck, layers, writer

NAME = "04-language-model"


@pytest.fixture(scope="module")
def solved():
    """The notebook's own functions, its hidden reference, and drawn arguments for both."""
    return author.play(NAME)[0]


def close(got, want):
    assert gradcheck.max_error(got, want) < 1e-12


def test_no_known_wrong_version_passes_every_visible_check():
    """A student who makes a known mistake sees it at once."""
    release = {cell.name: cell for cell in author.read_cells(NAME, author.EXERCISES) if cell.kind == "check"}
    for cell, namespace, wrong in author.wrong_versions(NAME):
        result = author.check(release[cell.name], namespace)
        assert result.score < result.points, (cell.name, wrong.name)


@pytest.mark.slow
def test_a_score_does_not_hang_on_the_seed(monkeypatch):
    """Every known wrong version earns the same whatever numbers are drawn; `nox -s fair` tries twenty seeds, and all."""
    earned = []
    for seed in range(5):
        monkeypatch.setenv("COURSE_TEST_SEED", f"seed {seed}")
        earned.append(_scores())
    assert all(scores == earned[0] for scores in earned)


def _scores():
    return {
        (cell.name, wrong.name): author.check(cell, names).score for cell, names, wrong in author.wrong_versions(NAME)
    }


def test_chunks_are_the_writers(solved):
    ids = np.random.default_rng(0).integers(9, size=203)
    x, y = solved["batches"](ids, 4, 7)
    theirs = np.stack(list(writer.chunks(ids, 4, 7)))
    assert np.array_equal(x, theirs[:, :, :-1])
    assert np.array_equal(y, theirs[:, :, 1:])


def test_perplexity_is_exp_of_the_packages_loss(solved):
    rng = np.random.default_rng(0)
    scores, targets = rng.normal(size=(1, 50, 6)), rng.integers(6, size=(1, 50))
    nats, _ = layers.softmax_cross_entropy(scores, targets)
    perplexity, bits = solved["perplexity"](solved["softmax"](scores[0]), targets[0])
    close(np.log(perplexity), nats)
    close(bits, nats / np.log(2))


def test_counting_by_hand_and_by_bincount(solved):
    ids = np.random.default_rng(0).integers(4, size=400)
    for context in ([], [2], [1, 3]):
        m = len(context)
        at = [t for t in range(m, 400) if list(ids[t - m : t]) == context]
        counts = np.bincount(ids[at], minlength=5) + 1
        close(solved["ngram_probability"](ids, np.array(context, dtype=int), 5), counts / counts.sum())


def test_a_long_text_has_the_drawn_frequencies(solved):
    """With a network that hears nothing, the darts alone decide: symbols come as often as softmax says."""
    K, H = 4, 3
    b_y = np.log([0.1, 0.2, 0.3, 0.4])
    params, out = (
        solved["RNNParams"](np.zeros((H, K)), np.zeros((H, H)), np.zeros(H)),
        solved["Readout"](np.zeros((K, H)), b_y),
    )
    u = np.random.default_rng(0).uniform(size=20_000)
    symbols = solved["sample_one_to_many"](0, u, np.zeros((1, H)), params, out)
    assert np.abs(np.bincount(symbols, minlength=K) / len(u) - [0.1, 0.2, 0.3, 0.4]).max() < 0.015  # four deviations


def test_a_prefix_warms_up_as_the_package_reads(solved):
    """The state before the first draw is that of `fused.rnn` after the prefix."""
    case = solved["_draw_prefix"](np.random.default_rng(1), 5, 1, 6, 4)
    x = np.eye(4)[case["prefix"]][None]
    h, _, _ = fused.rnn(x, cells.HState(case["h_0"]), cells.RNNParams(*case["params"]))
    p = solved["softmax"](solved["readout"](h[0, -1], *case["out"]))
    for k, end in enumerate(np.cumsum(p)):  # darts on both sides of each end
        for dart, wanted in ((end - 1e-9, k), (min(end + 1e-9, 1 - 1e-12), min(k + 1, 3))):
            (drawn,) = solved["sample"](case["prefix"], np.array([dart]), *list(case.values())[2:])
            assert drawn == wanted


def test_the_derived_gradient_is_pytorchs(solved):
    case = solved["_draw_mixed"](np.random.default_rng(0), 6, 5)
    y = torch.tensor(case["y"], requires_grad=True)
    mixed = case["share"] * torch.softmax(y, dim=1) + (1 - case["share"]) * torch.tensor(case["q"])
    (-torch.log(mixed[range(6), case["targets"]]).mean()).backward()
    close(solved["mixed_gradient"](*case.values()), y.grad.numpy())


@pytest.mark.parametrize("slip", ["most_likely", "state_not_carried", "softmax_forgotten"])
def test_one_slip_in_drawing_does_not_lose_the_prefix(slip):
    """`sample` uses the student's sample_one_to_many; what does not hang on its numbers keeps its points."""
    namespace, graded = author.play(NAME)
    versions = graded["sample_one_to_many"].report.wrong_versions
    namespace["sample_one_to_many"] = next(w.function for w in versions if w.name == slip)
    check = next(cell for cell in author.read_cells(NAME) if cell.kind == "check" and cell.name == "sample")
    result = author.check(check, namespace)
    assert 1 <= result.score < result.points, result.text
