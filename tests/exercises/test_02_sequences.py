"""The assignment on sequences agrees with the package that the book shows."""

import author
import numpy as np
import pytest

from course_pkg import layers, tasks


@pytest.fixture(scope="module")
def solved():
    """The notebook's own functions, its hidden references, and drawn arguments for both."""
    return author.play("02-sequences")[0]


@pytest.mark.parametrize("name", ["one_hot", "_hot"])
def test_one_hot_rows_pick_the_packages_embedding(solved, name):
    """A one-hot row times a table is the package's look-up."""
    rng = np.random.default_rng(0)
    ids, table = rng.integers(5, size=(3, 4)), rng.normal(size=(5, 2))
    want, _ = layers.embedding(ids, layers.EmbeddingParams(table))
    assert np.array_equal(solved[name](ids, 5) @ table, want)


@pytest.mark.parametrize("name", ["pad_batch", "_blocks"])
def test_blocks_are_the_packages(solved, name):
    """Numbers in one column: the same block and the same lengths as tasks.pad."""
    sequences = [[3, 0, 5], [7], [0, 2]]
    want, lengths = tasks.pad(sequences)
    x, mask = solved[name]([np.array(s, float)[:, None] for s in sequences])
    assert np.array_equal(x[:, :, 0], want)
    assert np.array_equal(mask.sum(axis=1), lengths)
    assert np.array_equal(np.sort(mask, axis=1)[:, ::-1], mask)


def test_masked_mean_is_what_the_package_trains_on(solved):
    """The mean squared error over the real steps, and its gradient by way of each step's own."""
    rng = np.random.default_rng(1)
    error, target = rng.normal(size=(3, 5, 1)), np.zeros((3, 5, 1))
    mask = np.arange(5) < np.array([5, 2, 3])[:, None]
    want, tape = layers.mean_squared_error(error, target, mask)
    for version in ("masked_mean_loss", "_mean_version"):
        function = solved[version] if version == "masked_mean_loss" else solved[version]()
        L, dlosses = function(np.square(error[:, :, 0]), mask)
        assert abs(L - want) < 1e-12
        derror = layers.mean_squared_error_backward(1.0, tape)[:, :, 0]
        assert np.abs(dlosses * 2 * error[:, :, 0] - derror).max() < 1e-12
