"""The assignment on gradients agrees with the package that the book shows."""

import author
import numpy as np
import pytest

from course_pkg import bptt, cells, gradcheck, optim, weights


@pytest.fixture(scope="module")
def solved():
    """The notebook's own functions, its hidden references, and drawn arguments for both."""
    return author.play("06-gradients")[0]


def close(got, want):
    assert gradcheck.max_error(got, want) < 1e-12


def test_radius_and_scaling_are_the_packages(solved):
    W = np.random.default_rng(1).normal(size=(7, 7))
    close(solved["spectral_radius"](W), weights.spectral_radius(W))
    close(solved["_radius"](W), weights.spectral_radius(W))
    close(solved["scale_to_radius"](W, 0.9), weights.scale_to_radius(W, 0.9))


def test_orthogonal_is_the_packages(solved):
    """The package draws its own normal matrix; the same seed gives the same one here."""
    want = weights.orthogonal(6, np.random.default_rng(2), dtype=np.float64)
    close(solved["orthogonal"](np.random.default_rng(2).normal(size=(6, 6))), want)


@pytest.mark.parametrize("limit", [0.5, 100.0])
@pytest.mark.parametrize("version", ["solution", "reference"])
def test_clipping_is_the_packages(solved, version, limit):
    clip = solved["clip_by_global_norm"] if version == "solution" else solved["_clip_version"]()
    gradient = solved["_draw_gradient"](np.random.default_rng(3), 1.0, (3, 2), (4,))["gradient"]
    clipped, norm = clip(gradient, limit)
    want, want_norm = optim.clip_by_global_norm(gradient, limit)
    close(norm, want_norm)
    for g, w in zip(clipped, want):
        close(g, w)


@pytest.mark.parametrize("version", ["solution", "reference"])
def test_lengths_are_those_of_the_packages_gradients(solved, version):
    lengths = solved["gradient_norm_by_lag"] if version == "solution" else solved["_lag_version"]()
    rng = np.random.default_rng(4)
    p = weights.init("rnn", 2, 5, rng, dtype=np.float64)
    h, _, caches = bptt.unroll(cells.rnn_step, rng.normal(size=(3, 8, 2)), cells.HState(np.zeros((3, 5))), p)
    dh_T = rng.normal(size=(3, 5))
    back = bptt.state_gradients(cells.rnn_step_backward, cells.HState(dh_T), caches, p)[::-1]
    close(lengths(dh_T, h, p.W_hh), np.stack([np.linalg.norm(g.h, axis=1) for g in back], axis=1))


def test_a_wrong_radius_does_not_lose_the_scaling():
    """With the singular value for the radius, what does not hang on the number is kept."""
    namespace, graded = author.play("06-gradients")
    slips = graded["spectral_radius"].report.wrong_versions
    namespace["spectral_radius"] = next(w.function for w in slips if w.name == "largest_singular_value")
    cell = next(c for c in author.read_cells("06-gradients") if (c.kind, c.name) == ("check", "scale_to_radius"))
    result = author.check(cell, namespace)
    assert result.points / 3 < result.score < result.points, result.text


def test_the_model_answer_stays_with_the_instructor():
    """Students see what is asked and an empty place; the answer and the notes for its reader stay in the source."""
    released = {cell.name: cell for cell in author.read_cells("06-gradients", author.EXERCISES)}
    source = {cell.name: cell for cell in author.read_cells("06-gradients")}
    assert source["why_clipping"].points == released["why_clipping"].points == 6
    assert "For the reader of answers" in source["why_clipping"].source
    assert released["why_clipping"].source == "YOUR ANSWER HERE"
