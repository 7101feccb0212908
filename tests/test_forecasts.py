"""Forecasts by rules and their scores: worked by hand, against slow sums, and each bad input named.

`smooth_season` and `newey_west` are held against formulas written out here, number by number.
"""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from course_pkg import forecasts, tasks

X = np.array([10.0, 14, 11, 16, 13, 15])
RNG = np.random.default_rng(0)


def test_origins_leave_room_for_what_is_asked():
    assert forecasts.rolling_origins(3, 10, 2, 2).tolist() == [3, 5, 7]
    assert forecasts.ahead(np.arange(10), np.array([3, 7]), 2).tolist() == [[4, 5], [8, 9]]


def test_the_seasonal_rule_says_the_last_period_again():
    assert forecasts.seasonal_naive(X, np.array([3]), 5, 2).tolist() == [[11, 16, 11, 16, 11]]
    assert forecasts.seasonal_naive(X, np.array([0, 3]), 2).tolist() == [[10, 10], [16, 16]]


def test_means_by_hand():
    assert forecasts.moving_mean(X, 2).tolist() == [10, 12, 12.5, 13.5, 14.5, 14]
    assert forecasts.exponential_mean(X, 0.5)[:4].tolist() == [10, 12, 11.5, 13.75]
    assert np.array_equal(forecasts.exponential_mean(X, 1), X)


@given(weight=st.floats(0, 1))
def test_an_exponential_mean_weighs_the_past_as_its_name_says(weight):
    """The weights weight (1 - weight)^k, and what is left for the first number."""
    k = np.arange(len(X) - 1)
    left = (1 - weight) ** (len(X) - 1)
    assert forecasts.exponential_mean(X, weight)[-1] == pytest.approx(
        weight * (1 - weight) ** k @ X[:0:-1] + left * X[0]
    )


def test_one_step_of_smoothing_by_hand():
    """Period 2 from 10, 14: the level is 12, the seasons -2 and +2. Half and half, 11 and 16 move them so."""
    found = forecasts.smooth_season(X[:4], 2, 0.5, 0.5)
    # 10: nothing is off. 14: nothing. 11: level (13 + 12) / 2, season (11 - 12 - 2) / 2. 16: with level 12.5.
    np.testing.assert_allclose(found.levels, [12, 12, 12.5, 13.25])
    np.testing.assert_allclose(found.seasons, [-2, 2, -2, 2, -1.5, 2.75])
    np.testing.assert_allclose(found.forecast(np.array([3]), 3), [[11.75, 16, 11.75]])


def test_smoothing_has_the_simpler_rules_in_it():
    x, origins = RNG.normal(size=60).cumsum(), np.arange(20, 40)
    naive = forecasts.smooth_season(x, 6, 0.0, 1.0).forecast(origins, 15)
    np.testing.assert_allclose(naive, forecasts.seasonal_naive(x, origins, 15, 6))
    flat = forecasts.smooth_season(x, 1, 0.3, 0.0)  # a period of one and no season: the exponential mean
    np.testing.assert_allclose(flat.levels, forecasts.exponential_mean(x, 0.3))


def test_smoothing_follows_a_season_and_a_level():
    x = 5 + np.tile([0.0, 3, -1], 60)
    x[90:] += 4  # the level jumps once
    said = forecasts.smooth_season(x, 3, 0.3, 0.1).forecast(np.array([80, 170]), 6)
    np.testing.assert_allclose(said, forecasts.ahead(x, np.array([80, 170]), 6), atol=0.01)


def test_the_scaled_error_by_hand():
    """The example of the chapter: differences of 1 and 2 from two steps before; misses of 2 and 1."""
    scale = forecasts.seasonal_scale(X[:4], 2)
    assert scale == 1.5
    said = forecasts.seasonal_naive(X, np.array([3]), 2, 2)
    assert forecasts.mase(said, X[None, 4:], scale) == 1


def test_the_scaled_error_knows_no_unit():
    x = RNG.normal(size=50).cumsum()
    said = forecasts.mase(x[30:] + 1, x[30:], forecasts.seasonal_scale(x[:30], 5))
    assert forecasts.mase(7 * x[30:] + 7, 7 * x[30:], forecasts.seasonal_scale(7 * x[:30], 5)) == pytest.approx(said)


def test_the_best_of_some_choices():
    truth = np.full(3, 2.5)
    assert forecasts.best_of(lambda a, b: np.full(3, a * b), truth, [1, 2, 3], [1.0, 1.2]) == (2, 1.2)


def test_intervals_hold_what_they_were_made_of_and_what_comes_if_it_is_alike():
    errors, new = RNG.normal(size=(2, 20_000, 2)) * [1, 3]
    low, high = forecasts.interval_of(errors, 0.9)
    np.testing.assert_allclose([-low, high], [[1.645, 4.935]] * 2, rtol=0.05)
    nothing = np.zeros_like(errors)
    assert forecasts.coverage(nothing, errors, low, high) == pytest.approx(0.9, abs=1e-3)
    assert forecasts.coverage(nothing, new, low, high) == pytest.approx(0.9, abs=0.01)
    assert forecasts.coverage(nothing + 1, new + 1, low, high) == pytest.approx(0.9, abs=0.01)
    assert forecasts.coverage(nothing, 2 * new, low, high) < 0.7  # errors that have grown


@given(lags=st.integers(0, 8), seed=st.integers(0, 50))
def test_the_error_of_a_mean_is_the_double_sum(lags, seed):
    """The variance of a mean: all pairs, each weighed by how near they are."""
    d = np.random.default_rng(seed).normal(size=12).cumsum()
    off, n = d - d.mean(), len(d)
    near = np.maximum(1 - np.abs(np.subtract.outer(np.arange(n), np.arange(n))) / (lags + 1), 0)
    assert forecasts.newey_west(d, lags) == pytest.approx(np.sqrt(off @ near @ off) / n)


def test_the_error_of_a_mean_is_right_where_the_plain_one_is_too_small():
    """4,000 means of 400 numbers that depend on the last: how they spread, and what one series says of that."""
    stay, series = 0.6, np.zeros((4000, 400))
    noise = np.random.default_rng(1).normal(size=series.shape)
    series[:, 0] = noise[:, 0] / np.sqrt(1 - stay**2)
    for t in range(1, 400):
        series[:, t] = stay * series[:, t - 1] + noise[:, t]
    spread = series.mean(axis=1).std()
    plain, robust = (np.mean([forecasts.newey_west(d, lags) for d in series[:300]]) for lags in (0, 12))
    assert plain < 0.55 * spread
    assert 0.85 * spread < robust < 1.02 * spread


@pytest.mark.parametrize("mood", ["added", "multiplied"])
def test_the_made_series_is_what_its_docstring_says(mood):
    made = tasks.seasonal(168 * 400, np.random.default_rng(0), mood=mood)
    assert np.array_equal(made.season[168:], made.season[:-168])
    assert np.abs(made.season[:24]).max() == pytest.approx(2 * np.abs(made.season[-24:]).max())
    np.testing.assert_allclose(made.gain, 1 if mood == "added" else 0.4 * made.season)
    assert made.mood.var() == pytest.approx(1, abs=0.1)
    assert np.corrcoef(made.mood[1:], made.mood[:-1])[0, 1] == pytest.approx(0.97, abs=0.01)
    rest = made.x - 20 - made.season - made.gain * made.mood
    assert rest.std() == pytest.approx(0.3, rel=0.02)
    assert abs(np.corrcoef(rest[1:], rest[:-1])[0, 1]) < 0.02


BAD = {
    "T: got 5, wanted an integer of at least 6": lambda: forecasts.rolling_origins(3, 5, 2),
    r"origins: got 0 to 0, wanted 1 to 5": lambda: forecasts.seasonal_naive(X, np.array([0]), 1, 2),
    r"origins: got shape \(1,\) of float64": lambda: forecasts.seasonal_naive(X, np.array([1.0]), 1, 2),
    "horizon: got 3, wanted an integer of at least 1 and at most 2": lambda: forecasts.ahead(X, np.array([3]), 3),
    r"x: got shape \(2, 3\), wanted \(T,\)": lambda: forecasts.moving_mean(X.reshape(2, 3), 2),
    "x: got NaN or infinity": lambda: forecasts.exponential_mean(np.array([1, np.nan]), 0.5),
    "x: got a masked array": lambda: forecasts.moving_mean(np.ma.array(X, mask=X > 15), 2),
    "weight: got 1.5": lambda: forecasts.exponential_mean(X, 1.5),
    "season_weight: got -1": lambda: forecasts.smooth_season(X, 2, 0.5, -1),
    "period: got 7": lambda: forecasts.smooth_season(X, 7, 0.5, 0.5),
    "x: got a series that repeats itself with period 2": lambda: forecasts.seasonal_scale(np.tile([1.0, 2], 4), 2),
    r"said: got shape \(2,\), wanted \(3,\)": lambda: forecasts.mase(X[:2], X[:3], 1.0),
    "scale: got 0": lambda: forecasts.mase(X, X, 0.0),
    "share: got 1": lambda: forecasts.interval_of(X[:, None], 1),
    "choices: got none": lambda: forecasts.best_of(lambda a: X, X, []),
    "lags: got 6": lambda: forecasts.newey_west(X, 6),
    "mood: got 'sad'": lambda: tasks.seasonal(10, RNG, mood="sad"),
}


@pytest.mark.parametrize("message", BAD)
def test_bad_input_is_named(message):
    with pytest.raises(ValueError, match=message):
        BAD[message]()
