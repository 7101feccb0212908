"""What forecasts a series with a season without a network: a split by time, and rules whose choices the past makes.

Three parts of a series, in order: learned from; chosen on (rates, weights, windows, intervals); the test.
"""

from typing import NamedTuple

import numpy as np

from course_pkg import forecasts, tasks


class Split(NamedTuple):
    """A series and how it is cut. x (T,); made: what it is made of, or None; day, week: periods; window: steps read.

    learn, choose, test: the origins in each part. No forecast of one part reaches into the next.
    scale: what `forecasts.mase` divides by, from all before the test.
    """

    x: np.ndarray
    made: tasks.series.Seasonal | None
    day: int
    week: int
    horizon: int
    window: int
    learn: np.ndarray
    choose: np.ndarray
    test: np.ndarray
    scale: float


def demand():
    """Half-hourly electricity demand of England and Wales, 5 June to 27 August 2000, in megawatts: (4032,).

    Taylor 2003. It is read from the installed package pmdarima (the extra `demand`), and is no part of this project.
    """
    try:
        from pmdarima.datasets import load_taylor
    except ImportError:
        raise ImportError(
            "the demand of England and Wales comes with the package pmdarima, which is not installed: "
            'pip install "recurrent-networks-unrolled[demand]"'
        ) from None
    return np.asarray(load_taylor(), float)


def split(name, seed, settings):
    """The series `name`: "demand", or a made one whose mood is "added" or "multiplied", drawn with `seed`."""
    made = None
    if name != "demand":
        T = sum(settings["weeks"]) * tasks.series.WEEK
        made = tasks.seasonal(T, np.random.default_rng([seed, settings["drawn"]]), mood=name)
    x, day = (demand(), 48) if made is None else (made.x, tasks.series.DAY)
    week, horizon, window = 7 * day, day, 2 * day
    learn, choose, _ = np.cumsum(settings["weeks"]) * week
    return Split(
        x, made, day, week, horizon, window,
        forecasts.rolling_origins(week + window, learn, horizon),
        forecasts.rolling_origins(learn - 1, choose, horizon),
        forecasts.rolling_origins(choose - 1, len(x), horizon, settings["every"]),
        forecasts.seasonal_scale(x[:choose], week),
    )  # fmt: skip


def smoothing(s, settings):
    """(weights of level and season, `forecasts.Smoothed`) with the least error on the part for choosing."""
    weights = [0.0, *settings["weights"]]
    tried = {(a, b): forecasts.smooth_season(s.x, s.week, a, b) for a in weights for b in weights}
    truth = forecasts.ahead(s.x, s.choose, s.horizon)
    (pair,) = forecasts.best_of(lambda pair: tried[pair].forecast(s.choose, s.horizon), truth, tried)
    return pair, tried[pair]


def free(s, settings):
    """{name: (forecaster of origins (N, horizon), what was chosen for it)}, from the simplest on."""
    x, H = s.x, s.horizon
    truth, weights = forecasts.ahead(x, s.choose, H), settings["weights"]
    pair, seasons = smoothing(s, settings)
    means = {k: forecasts.moving_mean(x, k) for k in (1, s.day // 4, s.day, 2 * s.day, s.week)}
    smooth = {w: forecasts.exponential_mean(x, w) for w in weights}
    flat = lambda level: lambda origins: np.repeat(level[origins][:, None], H, axis=1)  # noqa: E731
    (k,) = forecasts.best_of(lambda k: flat(means[k])(s.choose), truth, means)
    (w,) = forecasts.best_of(lambda w: flat(smooth[w])(s.choose), truth, smooth)
    return {
        "last value": (lambda o: forecasts.seasonal_naive(x, o, H), None),
        "mean of the last k": (flat(means[k]), k),
        "exponential smoothing": (flat(smooth[w]), w),
        "a day ago": (lambda o: forecasts.seasonal_naive(x, o, H, s.day), None),
        "a week ago": (lambda o: forecasts.seasonal_naive(x, o, H, s.week), None),
        "smoothing with a season": (lambda o: seasons.forecast(o, H), list(pair)),
    }


def lines(s, settings):
    """{name: (forecaster, ridge)}: least squares from the window, alone and with the same hours a week ago.

    The ridge, a penalty on the weights, is chosen. Direct: a line for each step ahead. Fed back: one line for the next
    number, which reads its own forecasts as if they had been measured.
    """
    x, H, W = s.x, s.horizon, s.window
    mean, size = x[s.learn[0] : s.learn[-1]].mean(), x[s.learn[0] : s.learn[-1]].std()
    u = (x - mean) / size
    truth = forecasts.ahead(x, s.choose, H)

    def read(origins, last_week, reach=H):
        past = u[origins[:, None] + np.arange(1 - W, 1)]
        parts = [past, np.ones((len(origins), 1))]
        return np.hstack([*parts, forecasts.ahead(u, origins - s.week, reach)] if last_week else parts)

    def fit(ridge, last_week, reach=H):
        a, y = read(s.learn, last_week, reach), forecasts.ahead(u, s.learn, reach)
        return np.linalg.solve(a.T @ a + ridge * np.eye(a.shape[1]), a.T @ y)

    def direct(weights, last_week):
        return lambda origins: read(origins, last_week) @ weights * size + mean

    def fed_back(weights):
        def says(origins):
            past = u[origins[:, None] + np.arange(1 - W, 1)]
            week_ago = forecasts.ahead(u, origins - s.week, H)
            for k in range(H):
                seen = np.hstack([past[:, -W:], np.ones((len(past), 1)), week_ago[:, k : k + 1]])
                past = np.hstack([past, seen @ weights])
            return past[:, W:] * size + mean

        return says

    makers = {
        "line, two days": lambda r: direct(fit(r, False), False),
        "line, and last week": lambda r: direct(fit(r, True), True),
        "that line, fed back": lambda r: fed_back(fit(r, True, 1)),
    }
    found = {}
    for name, make in makers.items():
        (ridge,) = forecasts.best_of(lambda r, make=make: make(r)(s.choose), truth, settings["ridges"])
        found[name] = make(ridge), ridge
    return found


def knowing(s, noise=0.3, stay=0.97):
    """A forecaster that knows how a made series was made and follows its mood by Kalman's filter (Kalman 1960)."""
    made = s.made
    mood, spread, moods = 0.0, 1.0, np.empty(len(s.x))
    for t, (x, season, gain) in enumerate(zip(made.x, made.season, made.gain)):
        mood, spread = stay * mood, stay**2 * spread + 1 - stay**2
        trust = spread * gain / (gain**2 * spread + noise**2)
        mood += trust * (x - 20 - season - gain * mood)
        spread -= trust * gain * spread
        moods[t] = mood
    steps = np.arange(1, s.horizon + 1)

    def says(origins):
        hours = origins[:, None] + steps
        return 20 + made.season[hours] + made.gain[hours] * stay**steps * moods[origins][:, None]

    return says


def rules(s, settings):
    """All of them: {name: (forecaster, what was chosen)}."""
    known = {"knows how it was made": (knowing(s), None)} if s.made else {}
    return free(s, settings) | lines(s, settings) | known
