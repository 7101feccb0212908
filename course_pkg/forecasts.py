"""Forecasting by rules that cost nothing or little, and how a forecast is scored: errors, intervals, chance.

A series x is (T,), float64 inside. An origin is the index of the last number that a forecast may see, and its horizon
how many numbers are said from there: forecasts are (N, horizon), one row for each of N origins.
Sources: Holt 1957 and Winters 1960 (exponential smoothing), Tashman 2000 (rolling origins), Hyndman and Koehler 2006
(the mean absolute scaled error), Newey and West 1987 (the error of a mean of dependent numbers).
"""

import itertools
from collections.abc import Callable, Iterable
from typing import NamedTuple

import numpy as np

from course_pkg._validation import require_number, require_unmasked
from course_pkg.activations import Array


def rolling_origins(first: int, T: int, horizon: int, every: int = 1) -> np.ndarray:
    """The origins `first`, `first` + `every`, ... in a series of T numbers, with `horizon` more behind each: (N,)."""
    require_number("first", first, 0, integer=True)
    require_number("horizon", horizon, 1, integer=True)
    require_number("every", every, 1, integer=True)
    require_number("T", T, first + horizon + 1, integer=True)
    return np.arange(first, T - horizon, every)


def ahead(x: Array, origins: np.ndarray, horizon: int) -> Array:
    """What came after each origin (N,): (N, horizon)."""
    x, origins = _series("x", x), _origins(origins, x, 0)
    require_number("horizon", horizon, 1, len(x) - 1 - int(origins.max()), integer=True)
    return x[origins[:, None] + 1 + np.arange(horizon)]


def seasonal_naive(x: Array, origins: np.ndarray, horizon: int, period: int = 1) -> Array:
    """At each origin: the next `horizon` numbers are those of the last whole period, said again. (N, horizon).

    A period of 1 is persistence, the last number.
    """
    require_number("period", period, 1, integer=True)
    require_number("horizon", horizon, 1, integer=True)
    x = _series("x", x)
    return x[_origins(origins, x, period - 1)[:, None] - period + 1 + np.arange(horizon) % period]


def moving_mean(x: Array, k: int) -> Array:
    """The mean of the last k numbers at each step, of as many as there are before the k-th: (T,)."""
    require_number("k", k, 1, integer=True)
    x = _series("x", x)
    total, steps = np.append(0.0, np.cumsum(x)), np.arange(1, len(x) + 1)
    return (total[steps] - total[np.maximum(steps - k, 0)]) / np.minimum(steps, k)


def exponential_mean(x: Array, weight: float) -> Array:
    """Exponential smoothing: m_t = weight x_t + (1 - weight) m_{t-1}, m_0 = x_0. (T,): m_t is said of the next."""
    require_number("weight", weight, 0, 1)
    x = _series("x", x)
    found = x.copy()
    for t in range(1, len(x)):
        found[t] = weight * x[t] + (1 - weight) * found[t - 1]
    return found


class Smoothed(NamedTuple):
    """levels (T,): the level at each step. seasons (T + period,): seasons[t + period] is what step t left for the next

    step of its phase. Both start from the first period: the level is its mean, the seasons its distances from that.
    """

    levels: Array
    seasons: Array

    def forecast(self, origins: np.ndarray, horizon: int) -> Array:
        """The level at each origin (N,) plus the last season of the phase: (N, horizon)."""
        period = len(self.seasons) - len(self.levels)
        origins = _origins(origins, self.levels, 0)
        phases = origins[:, None] + 1 + np.arange(horizon) % period
        return self.levels[origins][:, None] + self.seasons[phases]


def smooth_season(x: Array, period: int, weight: float, season_weight: float) -> Smoothed:
    """Exponential smoothing of a level and of a season that is added to it (Holt and Winters, without a trend).

    level_t = weight (x_t - season_{t-period}) + (1 - weight) level_{t-1}
    season_t = season_weight (x_t - level_{t-1}) + (1 - season_weight) season_{t-period}

    With the weights 0 and 1 the forecast is `seasonal_naive` from the second period on.
    """
    x = _series("x", x)
    require_number("period", period, 1, len(x), integer=True)
    require_number("weight", weight, 0, 1)
    require_number("season_weight", season_weight, 0, 1)
    levels, seasons = np.empty(len(x)), np.empty(len(x) + period)
    level = x[:period].mean()
    seasons[:period] = x[:period] - level
    for t in range(len(x)):
        before = seasons[t]
        seasons[t + period] = season_weight * (x[t] - level) + (1 - season_weight) * before
        levels[t] = level = weight * (x[t] - before) + (1 - weight) * level
    return Smoothed(levels, seasons)


def best_of(forecaster: Callable[..., Array], truth: Array, *choices: Iterable) -> tuple:
    """The one of all combinations of `choices` whose forecasts have the least mean absolute error against `truth`.

    forecaster(*one of each) -> an array of truth's shape. The first of equals. Raises ValueError where there is none.
    """
    tried = {c: float(np.abs(forecaster(*c) - truth).mean()) for c in itertools.product(*choices)}
    if not tried:
        raise ValueError("choices: got none, wanted at least one of each")
    return min(tried, key=tried.get)


def seasonal_scale(x: Array, period: int = 1) -> float:
    """The mean absolute difference of the training part x (T,) from itself a period before: what `mase` divides by."""
    x = _series("x", x)
    require_number("period", period, 1, len(x) - 1, integer=True)
    scale = float(np.abs(x[period:] - x[:-period]).mean())
    if scale == 0:
        raise ValueError(f"x: got a series that repeats itself with period {period}, wanted one that does not")
    return scale


def mase(said: Array, truth: Array, scale: float) -> float:
    """Mean absolute error in units of `seasonal_scale`: 1 is as good as the seasonal rule was in training, one step
    after another (Hyndman and Koehler 2006). said and truth have one shape."""
    said, truth = np.asarray(said, float), np.asarray(truth, float)
    if said.shape != truth.shape:
        raise ValueError(f"said: got shape {said.shape}, wanted {truth.shape} as truth has")
    require_number("scale", scale, np.nextafter(0, 1))
    return float(np.abs(said - truth).mean() / scale)


def interval_of(errors: Array, share: float) -> tuple[Array, Array]:
    """(low, high), each (horizon,): between which the middle `share` of the errors (N, horizon) lie, truth minus said.

    Added to a new forecast they are its prediction interval, if errors to come are like those.
    """
    require_number("share", share, 0, 1, open_high=True)
    low, high = np.quantile(np.asarray(errors, float), [(1 - share) / 2, (1 + share) / 2], axis=0)
    return low, high


def coverage(said: Array, truth: Array, low: Array, high: Array) -> float:
    """The share of `truth` (N, horizon) that lies from said + low to said + high."""
    off = np.asarray(truth, float) - said
    return float(np.mean((low <= off) & (off <= high)))


def newey_west(d: Array, lags: int) -> float:
    """The standard error of the mean of d (T,), each of which may depend on the `lags` before it (Newey and West 1987).

    With 0 lags it is the deviation over the root of T, that of independent numbers. Lag k counts 1 - k / (lags + 1).
    """
    d = _series("d", d)
    require_number("lags", lags, 0, len(d) - 1, integer=True)
    off = d - d.mean()
    both = [off[k:] @ off[: len(off) - k] / len(off) for k in range(lags + 1)]
    total = both[0] + 2 * sum((1 - k / (lags + 1)) * both[k] for k in range(1, lags + 1))
    return float(np.sqrt(max(total, 0.0) / len(off)))


def _series(name, x):
    """x as float64, if it is a series of finite numbers."""
    require_unmasked(name, x)
    found = np.asarray(x, dtype=np.float64)
    if found.ndim != 1 or not len(found):
        raise ValueError(f"{name}: got shape {found.shape}, wanted (T,) with T at least 1")
    if not np.isfinite(found).all():
        raise ValueError(f"{name}: got NaN or infinity, wanted finite numbers")
    return found


def _origins(origins, x, first):
    found = np.asarray(origins)
    if found.ndim != 1 or not len(found) or found.dtype.kind not in "iu":
        raise ValueError(f"origins: got shape {found.shape} of {found.dtype}, wanted (N,) integers, N at least 1")
    if found.min() < first or found.max() >= len(x):
        raise ValueError(f"origins: got {found.min()} to {found.max()}, wanted {first} to {len(x) - 1}")
    return found
