"""A verdict follows from the data: other data, another word."""

import math

import numpy as np
import pytest

from course_pkg.experiments import verdicts
from course_pkg.experiments.verdicts import Choice


@pytest.mark.parametrize(
    ("pairs", "word"),
    [
        ({"here": (3, 4), "there": (30, 40)}, "holds"),
        ({"here": (3, 4), "there": (40, 30)}, "holds when"),
        ({"here": (4, 4), "there": (3.9, 4)}, "does not hold"),  # by less than five in a hundred is not smaller
    ],
)
def test_smaller(pairs, word):
    assert verdicts.smaller(pairs).word == word


def test_worse_needs_every_seed_and_a_gap_that_matters():
    good, bad = [0.01, 0.02, 0.03], [0.5, 0.6, 0.7]
    assert verdicts.worse({"a": (bad, good)}, 0.05).word == "holds"
    assert verdicts.worse({"a": (good, bad)}, 0.05).word == "does not hold"
    assert verdicts.worse({"a": ([*bad, 0.02], good)}, 0.05).word == "does not hold"  # one seed did well
    assert verdicts.worse({"a": ([0.05, 0.06, 0.07], good)}, 0.05).word == "does not hold"  # all larger, by little
    assert verdicts.worse({"a": (bad, good), "b": (good, bad)}, 0.05).cases == {"a": True, "b": False}


def test_within():
    assert verdicts.within({"a": [0.2, 0.8]}, 0.1, 0.9).word == "holds"
    assert verdicts.within({"a": [0.2, 0.95]}, 0.1, 0.9).word == "does not hold"
    assert verdicts.within({"a": [0.05, 0.8]}, low=0.1).word == "does not hold"
    assert verdicts.within({"a": [0.2], "b": [5]}, high=1).word == "holds when"
    assert verdicts.within({"a": [0.5, np.nan, 0.2]}, high=1).word == "does not hold"


def test_the_words_name_the_cases():
    both = str(verdicts.smaller({"at equal width": (1, 2), "in PyTorch": (2, 1)}))
    assert both == "**Holds when:** at equal width. *It does not:* in PyTorch."
    assert str(verdicts.smaller({"a": (1, 2), "b": (1, 2)})) == "**Holds.** Measured: a; b."
    assert str(verdicts.smaller({"a": (2, 1)})) == "**Does not hold.** Measured: a."
    many = {f"case {k}": (k + 1, 5) for k in range(14)}  # holds in four
    four = "; ".join(f"case {k}" for k in range(4))
    assert str(verdicts.smaller(many, margin=0)) == f"**Holds when:** {four}. *It does not:* 10 cases."
    with pytest.raises(ValueError, match="got none, wanted at least one"):
        verdicts.smaller({})


def test_the_interval_is_students():
    """For 1 to 5: mean 3, deviation 1.5811, so half its width is 2.776 * 1.5811 / sqrt(5) = 1.963."""
    assert verdicts.interval([1, 2, 3, 4, 5]) == pytest.approx((3, 1.037, 4.963), abs=1e-3)
    with pytest.raises(ValueError, match="number of values"):
        verdicts.interval([1.0])


def test_every_point_of_students_t_leaves_two_and_a_half_in_a_hundred_above():
    """By adding up the density (1 + t^2 / n)^(-(n + 1) / 2) from 0 to the point; half of all lies below 0."""
    for n, point in enumerate(verdicts.STUDENT, start=1):
        t = np.linspace(0, point, 20_001)
        density = (1 + t * t / n) ** (-(n + 1) / 2)
        scale = math.gamma((n + 1) / 2) / (math.sqrt(n * math.pi) * math.gamma(n / 2))
        assert 0.5 + scale * np.trapezoid(density, t) == pytest.approx(0.975, abs=2e-5)
        assert verdicts.interval(range(n + 1))[2] - n / 2 == pytest.approx(
            point * np.std(range(n + 1), ddof=1) / math.sqrt(n + 1)
        )


def test_the_interval_holds_the_mean_95_times_in_100():
    draws = np.random.default_rng(0).normal(size=(4000, 5))
    inside = [low <= 0 <= high for _, low, high in map(verdicts.interval, draws)]
    assert np.mean(inside) == pytest.approx(0.95, abs=0.01)


def test_recommend():
    networks = {
        "small": Choice(1000, 2, cost=1.0),
        "good": Choice(4000, 5, cost=3.0),
        "also good": Choice(3500, 5, cost=4.0),
        "huge": Choice(9000, 5, cost=0.5),
    }
    assert verdicts.recommend(networks, 5000) == "good"  # most runs first, then cost
    assert verdicts.recommend(networks, 3600) == "also good"
    assert verdicts.recommend(networks, 2000) == "small"
    assert verdicts.recommend(networks, 10_000) == "huge"
    assert verdicts.recommend(networks, 500) is None
    assert verdicts.recommend({"small": Choice(1000, 0, 1.0)}, 2000) is None  # it never learned
