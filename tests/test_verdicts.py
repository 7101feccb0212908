"""A verdict follows from the data: other data, another word."""

import itertools
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


GOOD, BAD = [0.01, 0.02, 0.03, 0.01, 0.02], [0.5, 0.6, 0.7, 0.5, 0.6]


def test_worse_needs_every_seed_and_a_gap_that_matters():
    near = [0.05, 0.06, 0.07, 0.05, 0.06]
    assert verdicts.worse({"a": (BAD, GOOD)}, 0.05).word == "holds"
    assert verdicts.worse({"a": (near, GOOD)}, 0.02).word == "holds"
    assert verdicts.worse({"a": (BAD, GOOD), "b": (GOOD, BAD)}, 0.05).cases == {"a": True, "b": False}


def test_worse_does_not_hold_only_by_a_counterexample_or_a_difference_shown_to_be_small():
    assert verdicts.worse({"a": (GOOD, BAD)}, 0.05).word == "does not hold"
    assert verdicts.worse({"a": (GOOD, [e + 0.001 for e in GOOD])}, 0.05).word == "does not hold"
    wide = [0.01, 0.7, 0.02, 0.6, 0.3], [0.02, 0.5, 0.6, 0.1, 0.02]
    assert verdicts.worse({"a": wide}, 0.05).word == "cannot tell"
    assert "the runs overlap" in str(verdicts.worse({"a": wide}, 0.05))
    assert verdicts.worse({"a": ([*BAD[:4], 0.02], GOOD)}, 0.05).word == "cannot tell"  # of five, none may do well
    assert verdicts.worse({"a": ([*BAD, *BAD[:4], 0.02], GOOD * 2)}, 0.05).word == "holds"  # of ten, one may


def test_nobody_can_tell_at_the_floor_at_chance_and_from_few_runs():
    floor, chance = [0.0, 0.001, 0.0, 0.002, 0.001], [0.74, 0.76, 0.75, 0.77, 0.75]
    found = verdicts.worse({"a": (floor, floor), "b": (chance, chance)}, 0.05, floor=0.01, chance=0.7)
    assert found.word == "cannot tell"
    assert found.why == {"a": "both at the floor", "b": "both at chance"}
    assert verdicts.worse({"a": (chance, floor)}, 0.05, floor=0.01, chance=0.7).word == "holds"
    assert verdicts.worse({"a": (BAD[:4], GOOD)}, 0.05).why == {"a": "fewer than 5 runs"}
    assert verdicts.worse({"a": ([*BAD[:4], np.nan], GOOD)}, 0.05).why == {"a": "a run has no value"}


def test_runs_that_never_got_there_took_for_ever():
    took, never = [100, 200, 100, 300, 200], [np.inf] * 5
    assert verdicts.worse({"a": (never, took)}, 0).word == "holds"
    assert verdicts.worse({"a": (took, never)}, 0).word == "does not hold"
    assert verdicts.worse({"a": (never, never)}, 0).why == {"a": "no run got there"}
    assert verdicts.worse({"a": (took, took)}, 0).word == "cannot tell"


def test_the_chance_of_the_ranks_is_exact():
    """By counting all orders of five and four."""
    values = np.arange(9.0)
    won = []
    for chosen in itertools.combinations(range(9), 5):
        rest = np.delete(values, chosen)
        won.append((values[list(chosen)][:, None] > rest).sum())
    for at_least in (20, 18, 12):
        a = values[list(next(c for c, w in zip(itertools.combinations(range(9), 5), won) if w == at_least))]
        b = np.setdiff1d(values, a)
        assert verdicts.ranks(a, b) == pytest.approx(np.mean(np.array(won) >= at_least))
    assert verdicts.ranks(BAD, GOOD) == 1 / 252
    assert verdicts.ranks(GOOD, GOOD) > 0.4


def test_five_against_five_say_worse_of_equal_cells_less_than_once_in_a_hundred():
    rng = np.random.default_rng(0)
    draws = rng.normal(size=(2000, 2, 5))
    cases = verdicts.worse({k: tuple(draw) for k, draw in enumerate(draws)}, 0.0).cases
    assert 0 < np.mean([held is not None for held in cases.values()]) < 0.02  # on either side


def test_oftener():
    assert verdicts.oftener({"a": ((5, 5), (0, 5))}).word == "holds"
    assert verdicts.oftener({"a": ((0, 5), (5, 5))}).word == "does not hold"
    assert verdicts.oftener({"a": ((5, 5), (2, 5))}).word == "cannot tell"
    assert verdicts.oftener({"a": ((10, 10), (4, 10))}).word == "holds"
    assert verdicts.oftener({"a": ((0, 10), (0, 10)), "b": ((5, 5), (5, 5))}).why == {
        "a": "no run learned",
        "b": "all runs learned",
    }
    assert verdicts.oftener({"a": ((4, 4), (0, 4))}).why == {"a": "fewer than 5 runs"}
    assert verdicts.fisher(3, 4, 1, 4) == pytest.approx(17 / 70)  # the lady who tastes tea


def test_reached():
    assert verdicts.reached({"a": (5, 5)}).word == "holds"
    assert str(verdicts.reached({"a": (3, 5)})) == "**Cannot tell:** a (3 of 5 runs)."
    assert verdicts.reached({"a": (5, 5), "b": (3, 5)}).word == "holds when"


def test_within():
    assert verdicts.within({"a": [0.2, 0.8]}, 0.1, 0.9).word == "holds"
    assert verdicts.within({"a": [0.2, 0.95]}, 0.1, 0.9).word == "does not hold"
    assert verdicts.within({"a": [0.05, 0.8]}, low=0.1).word == "does not hold"
    assert verdicts.within({"a": [0.2], "b": [5]}, high=1).word == "holds when"
    assert verdicts.within({"a": [0.5, np.nan, 0.2]}, high=1).word == "cannot tell"


def test_the_words_name_the_cases():
    both = str(verdicts.smaller({"at equal width": (1, 2), "in PyTorch": (2, 1)}))
    assert both == "**Holds when:** at equal width. *It does not:* in PyTorch."
    assert str(verdicts.smaller({"a": (1, 2), "b": (1, 2)})) == "**Holds.** Measured: a; b."
    assert str(verdicts.smaller({"a": (2, 1)})) == "**Does not hold.** Measured: a."
    many = {f"case {k}": (k + 1, 5) for k in range(14)}  # holds in four
    four = "; ".join(f"case {k}" for k in range(4))
    assert str(verdicts.smaller(many, margin=0)) == f"**Holds when:** {four}. *It does not:* 10 cases."
    three = verdicts.Verdict({"a": True, "b": False, "c": None}, {"c": "few runs"})
    assert (three.word, str(three)) == (
        "holds when",
        "**Holds when:** a. *It does not:* b. *Cannot tell:* c (few runs).",
    )
    assert str(verdicts.Verdict({"a": True, "c": None})) == "**Holds when:** a. *Cannot tell:* c."
    assert verdicts.Verdict({"b": False, "c": None}).word == "does not hold"
    assert verdicts.Verdict({"c": None}).word == "cannot tell"
    with pytest.raises(ValueError, match="got none, wanted at least one"):
        verdicts.smaller({})


def test_a_verdict_is_told_in_sentences():
    """What stands in brackets behind several cases is said once."""
    cases = {"weights (wide)": True, "state (wide)": True, "state (narrow)": True, "time": False, "a": None, "b": None}
    found = verdicts.Verdict(cases, {"a": "both at chance", "b": "both at chance"})
    assert verdicts.told(found) == (
        "It holds for weights (wide); state (wide; narrow). It does not hold for time. "
        "Nobody can tell for a and b: both at chance."
    )
    assert verdicts.told(verdicts.Verdict({"a": True, "b": True, "c": True})) == "It holds for a, b and c."
    assert verdicts.told(verdicts.Verdict({"a": None})) == "Nobody can tell for a."


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
