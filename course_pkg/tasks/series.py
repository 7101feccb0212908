"""Series of numbers to forecast: one that can be, one that cannot, one in between.

In each, x (n, T, 1) is the series and y (n, T, 1) the same one step later. chance is the mean squared
error of the best guess that does not look at x; the docstrings say what looking can reach.
"""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import DTypeLike

from course_pkg._validation import require_choice, require_float, require_number, require_rng
from course_pkg.tasks.encoding import Data, require_counts

BURN_IN = 500  # steps thrown away, so that the series starts in its long-run state
DAY, WEEK = 24, 168  # hours


def _ask_next(series, chance, dtype):
    series = series[:, :, None].astype(require_float("dtype", dtype))
    return Data(series[:, :-1].copy(), series[:, 1:].copy(), float(chance))


def sine_mixture(
    n: int, T: int, rng: np.random.Generator, *, waves: int = 3, noise: float = 0.05, dtype: DTypeLike = np.float32
) -> Data:
    """The sum of `waves` sines of drawn phase and period (8 to 40 steps), scaled to variance 1, plus noise.

    noise is a standard deviation. chance is 1 + noise^2, from saying 0; no forecast can beat noise^2.
    Made for this course; sums of sines are the usual first test of forecasters.
    """
    require_counts(n=n, T=T, waves=waves)
    require_number("noise", noise, 0)
    require_rng(rng)
    period, phase = rng.uniform(8, 40, (n, waves, 1)), rng.uniform(0, 2 * np.pi, (n, waves, 1))
    sines = np.sin(2 * np.pi * np.arange(T + 1) / period + phase).sum(axis=1) * np.sqrt(2 / waves)
    return _ask_next(sines + noise * rng.normal(size=sines.shape), 1 + noise**2, dtype)


def random_walk(n: int, T: int, rng: np.random.Generator, *, dtype: DTypeLike = np.float32) -> Data:
    """Each number is the one before plus a standard normal draw; every walk starts with a draw.

    chance is that of saying 0, which grows with time: (T + 3) / 2 on average over steps 2 to T + 1.
    Saying the last number again scores 1, and nothing can do better.
    Source: Bachelier 1900, who put it forward for prices.
    """
    require_counts(n=n, T=T)
    require_rng(rng)
    return _ask_next(rng.normal(size=(n, T + 1)).cumsum(axis=1), (T + 3) / 2, dtype)


def arma(
    n: int,
    T: int,
    rng: np.random.Generator,
    *,
    ar: Sequence[float] = (0.75, -0.25),
    ma: Sequence[float] = (0.65,),
    dtype: DTypeLike = np.float32,
) -> Data:
    """x_t = sum_k ar[k] x_{t-1-k} + e_t + sum_k ma[k] e_{t-1-k}, with e_t standard normal, in its long-run state.

    The polynomial of `ar` must be stable (no values that grow) or ValueError. chance is the variance
    of x_t, from saying 0; the best forecast scores 1, the variance of e_t.
    Source: Box and Jenkins 1970. The default numbers are those of an often used ARMA(2, 1) example.
    """
    require_counts(n=n, T=T)
    require_rng(rng)
    ar, ma = np.asarray(ar, float), np.asarray(ma, float)
    roots = np.roots([1.0, *-ar])
    if roots.size and np.abs(roots).max() >= 0.99:
        raise ValueError(f"ar: got {tuple(ar)}, whose largest root is {np.abs(roots).max():.3f}, wanted less than 0.99")
    steps = T + 1 + BURN_IN
    drive = _filter(rng.normal(size=(n, steps)), ar, ma)
    # psi_k, the answer to a single e of 1: the variance of x is the sum of its squares.
    psi = _filter(np.eye(1, 2000), ar, ma)
    return _ask_next(drive[:, -(T + 1) :], np.square(psi).sum(), dtype)


class Seasonal(NamedTuple):
    """x (T,), the series, and what made it: season (T,), of period WEEK; mood (T,); gain (T,), how the mood enters."""

    x: np.ndarray
    season: np.ndarray
    gain: np.ndarray
    mood: np.ndarray


def seasonal(
    T: int, rng: np.random.Generator, *, mood: str = "added", stay: float = 0.97, noise: float = 0.3
) -> Seasonal:
    """Hours of weeks: a season that repeats, a mood that drifts, noise. One series, float64.

    x_t = 20 + season_t + gain_t mood_t + noise e_t. The mood is an autoregression of one step, of variance 1, of which
    the share `stay` stays from hour to hour; e is standard normal. Added, its gain is 1, and all best forecasts are
    lines. Multiplied, its gain is 0.4 season_t: it stretches the day, and the best forecast is a product of what is
    seen and of the hour. Saturday and Sunday, the last two days of a week, are flatter. Made for this course.
    """
    require_counts(T=T)
    require_choice("mood", mood, ("added", "multiplied"))
    require_number("stay", stay, 0, 1, open_high=True)
    require_number("noise", noise, 0)
    require_rng(rng)
    hour, day = np.arange(T) % DAY, np.arange(T) % WEEK // DAY
    shape = -4 * np.cos(2 * np.pi * (hour - 2) / DAY) - 2 * np.cos(4 * np.pi * (hour - 2) / DAY)
    season = np.where(day < 5, 1.0, 0.5) * shape
    drift = np.sqrt(1 - stay**2) * rng.normal(size=T)
    drift[0] = rng.normal()
    found = _filter(drift[None], np.array([stay]), np.empty(0))[0]
    gain = np.ones(T) if mood == "added" else 0.4 * season
    return Seasonal(20 + season + gain * found + noise * rng.normal(size=T), season, gain, found)


def _filter(e, ar, ma):
    """Run the ARMA recursion over e (n, T) from zeros."""
    x = e.copy()
    for k, weight in enumerate(ma, start=1):
        x[:, k:] += weight * e[:, :-k]
    for t in range(x.shape[1]):
        for k, weight in enumerate(ar[:t], start=1):
            x[:, t] += weight * x[:, t - k]
    return x
