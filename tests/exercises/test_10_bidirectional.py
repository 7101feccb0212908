"""The assignment on two directions agrees with the package that the book shows."""

import author
import numpy as np
import pytest

from course_pkg import cells, gradcheck, padded, stacks
from course_pkg.checks import helpers

CASES = [(1, 5, 3, 2, True), (4, 6, 2, 3, True), (3, 4, 3, 5, False)]


@pytest.fixture(scope="module")
def solved():
    """The notebook's own functions, its hidden references, and drawn arguments for both."""
    return author.play("10-bidirectional")[0]


def close(got, want):
    assert gradcheck.max_error(got, want) < 1e-12


def packages(case):
    """The states of the package's layer with two directions."""
    params = stacks.LayerParams(*(cells.RNNParams(*p) for p in case["params"]))
    state = stacks.LayerState(*(cells.HState(h) for h in case["h_0"]))
    return stacks.stack(case["x"], (state,), (params,), lengths=case["lengths"])[0]


@pytest.mark.parametrize("name", ["reverse_padded", "_turn"])
def test_sequences_turn_as_in_the_package(solved, name):
    """The solution, and the reference that the hidden tests compare with; filling included."""
    for size in CASES:
        case = solved["_draw_two"](np.random.default_rng(1), *size)
        want = padded.reverse(case["x"], case["lengths"])
        assert np.array_equal(solved[name](case["x"], case["lengths"]), want)


@pytest.mark.parametrize("name", ["bidirectional", "_two"])
@pytest.mark.parametrize("size", CASES)
def test_both_directions_are_the_packages(solved, name, size):
    case = solved["_draw_two"](np.random.default_rng(2), *size)
    close(solved[name](*case.values()), packages(case))


@pytest.mark.parametrize("size", CASES)
def test_tags_are_read_from_the_packages_states(solved, size):
    case = solved["_draw_tag"](np.random.default_rng(3), *size[:4], 5, size[4])
    scores = packages(case) @ case["out"].W_hy.T + case["out"].b_y
    want = np.where(padded.mask(case["lengths"], size[1]), scores.argmax(axis=2), -1)
    assert np.array_equal(solved["tag"](*case.values()), want)


@pytest.mark.parametrize(
    ("name", "slip", "uses"),
    [
        ("reverse_padded", "whole_rows", ("bidirectional", "tag")),
        ("reverse_padded", "filling_lost", ()),
        ("bidirectional", "halves_exchanged", ("tag",)),
        ("bidirectional", "both_forward", ("tag",)),
    ],
)
def test_one_slip_does_not_lose_what_uses_it(name, slip, uses):
    """What uses a wrong function keeps half of its points or more; a slip in the filling alone costs nothing later."""
    namespace, graded = author.play("10-bidirectional")
    namespace[name] = next(w.function for w in graded[name].report.wrong_versions if w.name == slip)
    checks = {cell.name: cell for cell in author.read_cells("10-bidirectional") if cell.kind == "check"}
    for user in {"bidirectional", "tag"} - {name}:
        helpers.forget()  # no right helper stands in: what the parts themselves leave
        result = author.check(checks[user], namespace)
        assert result.points / 2 <= result.score <= result.points
        assert (result.score < result.points) == (user in uses), (user, result.text)


def test_the_sentences_at_the_end_need_both_directions(solved):
    """One direction cannot do better than three in four but by luck; both are nearly always right."""
    source = next(cell.source for cell in author.read_cells("10-bidirectional") if cell.name == "finish-tagging")
    namespace = dict(solved)
    author.run_cell(source.replace("plt.show()", "plt.close(figure)"), namespace)
    shares = namespace["shares"]
    deviation = (0.75 * 0.25 / 500) ** 0.5
    assert max(shares["left to right"], shares["right to left"]) < 0.75 + 4 * deviation
    assert shares["both"] > 0.95
