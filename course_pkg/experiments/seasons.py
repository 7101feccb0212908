"""Chapter 15: a season. Networks that say values, networks that say what a rule misses, and rules.

Claim: a GRU that says what a seasonal rule misses forecasts better than one that reads the same and says values.
Refuted by: a series on which the interval of the gain, over runs of the same seed, lies below `margin`.

Series of twelve weeks: two kinds of made ones, whose mood is added or multiplied (`tasks.seasonal`), drawn anew with
every seed, and the half-hourly electricity demand of England and Wales, read from the installed package pmdarima. From
every origin a day is said at once. Six weeks are learned from; on the next two the rates of the networks and when they
stop, the weights of the rules and the prediction intervals are chosen; the last four are the test, from an origin every
fifth step. A run of the search never sees the test. A value is the mean absolute error over that of the same hours a
week ago: 1 is that rule. The joining of smoothing and a recurrent network is that of Smyl 2020, in its simplest form.

"alone" reads the values of two days and the hour and the weekday, and says the values. "told" reads beside them the
same hours a week before those, those a week before what is to be said, and the values without level and season as
smoothing has them. "week" and "smoothing" read what "told" reads and say what that rule misses. So from "told" to
these only what is said changes, and from "alone" to "told" only what is read.
"""

import functools
import json
import sys

import numpy as np

from course_pkg import forecasts, models
from course_pkg.experiments import seasonal_rules, trials, verdicts

SETTINGS = {
    "series": ["added", "multiplied", "demand"],
    "networks": ["alone", "told", "week", "smoothing"],
    "rules": [
        "last value",
        "mean of the last k",
        "exponential smoothing",
        "a day ago",
        "a week ago",
        "smoothing with a season",
        "line, two days",
        "line, and last week",
        "that line, fed back",
        "knows how it was made",
    ],
    "contender": ["network"],
    "rates": [0.003, 0.01, 0.001, 0.03, 0.0003, 0.1, 0.0001],
    "seeds": [0, 1, 2, 3, 4],
    "updates": [0, 25, 50, 100, 150, 200, 300, 400, 600, 800, 1000, 1200, 1400, 1600],
    "search": {"seeds": [100, 101], "updates": [0, 50, 100, 200, 400, 600, 800], "best": "end"},
    "better": "lower",
    "learned": 0.95,
    "guess": 1.0,
    "flat": 0.05,
    "margin": 0.02,
    "units": 32,
    "batch": 32,
    "weeks": [6, 2, 4],
    "every": 5,
    "drawn": 7,
    "weights": [0.01, 0.03, 0.1, 0.3, 0.6, 1.0],
    "ridges": [0.0, 0.0001, 0.001, 0.01, 0.1, 1, 10, 100, 1000],
    "shares": [0.8, 0.95],
}
QUICK = SETTINGS | {
    "series": ["added"],
    "seeds": [0],
    "rates": [0.003],
    "updates": [0, 1],
    "search": SETTINGS["search"] | {"seeds": [100], "updates": [0, 1]},
    "units": 4,
    "every": 50,
    "weights": [0.1],
    "ridges": [1],
}


def cases(settings):
    """Every network on every series."""
    return [{"series": series, "network": network} for series in settings["series"] for network in settings["networks"]]


def plan(settings):
    """The rules on every series, then what every experiment does that trains."""
    rules = [
        {"stage": "rule", "series": series, "rule": rule, "seed": seed}
        for series in settings["series"]
        for seed in (settings["seeds"][:1] if series == "demand" else settings["seeds"])
        for rule in settings["rules"]
        if series != "demand" or rule != "knows how it was made"
    ]
    return rules + trials.plan(sys.modules[__name__], settings)


def measure(settings, rows, stage, seed, **case):
    """One row: a rule, or a run of a network."""
    if stage != "rule":
        return trials.measure(sys.modules[__name__], settings, rows, stage, seed, **case)
    s, rules, _ = ready(case["series"], seed, settings)
    forecaster, chosen = rules[case["rule"]]
    found = {"rate": None, "updates": [0], "values": [relative(s, forecaster, s.test)], "chosen": chosen}
    return found | scores(s, forecaster, settings)


def train(settings, rate, seed, case):
    """One network. Of those looked at so far, the best on the weeks for choosing is kept; a value is its error.

    In a search the error is that on the weeks for choosing, in the comparison that in the test.
    """
    s, _, smoothed = ready(case["series"], seed, settings)
    searching = "hopeless" in settings
    read, answers, say = sides(s, smoothed, case["network"])
    x, y, rng = read(s.learn), answers(s.learn), np.random.default_rng(seed)
    net = models.init("gru", x.shape[2], settings["units"], s.horizon, rng)
    kept = {"choose": np.inf}

    def draw(rng):
        some = rng.choice(len(x), size=settings["batch"])
        return x[some], y[some]

    def look(net):
        error = relative(s, lambda origins: say(origins, net), s.choose)
        if error < kept["choose"]:
            kept.update(choose=error, net=net, values=error)
            if not searching:
                kept["values"] = relative(s, lambda origins: say(origins, net), s.test)
        return {"values": kept["values"]}

    how = {"rate": rate, "updates": settings["updates"], "look": look}
    found = trials.follow(models.regressor_loss, net, draw, rng, **how)
    return found if searching else found | scores(s, lambda origins: say(origins, kept["net"]), settings)


def sides(s, smoothed, network):
    """(what a network reads, what it learns to say, its forecasts): functions of origins, the last of a net too."""
    x, weeks = s.x, s.week
    part = x[: s.learn[-1] + 1]
    mean, size = part.mean(), part.std()
    bare = x - smoothed.seasons[: len(x)]
    turn = 2 * np.pi * np.arange(len(x))
    hour = np.stack([f(turn / period) for period in (s.day, weeks) for f in (np.sin, np.cos)], axis=1)

    def read(origins):
        steps = origins[:, None] + np.arange(1 - s.window, 1)
        values = [x[steps] - mean]
        if network != "alone":
            level = smoothed.levels[origins][:, None]
            values += [x[steps - weeks] - mean, x[steps + s.horizon - weeks] - mean, bare[steps] - level]
        return np.concatenate([np.stack(values, axis=2) / size, hour[steps]], axis=2).astype(np.float32)

    base = {
        "week": lambda o: forecasts.seasonal_naive(x, o, s.horizon, weeks),
        "smoothing": lambda o: smoothed.forecast(o, s.horizon),
    }.get(network, lambda o: forecasts.seasonal_naive(x, o, s.horizon))
    missed = lambda o: forecasts.ahead(x, o, s.horizon) - base(o)  # noqa: E731
    unit = missed(s.learn).std()
    say = lambda o, net: base(o) + unit * models.many_to_one(read(o), net)[0]  # noqa: E731
    return read, lambda o: (missed(o) / unit).astype(np.float32), say


def scores(s, forecaster, settings):
    """What is kept of a forecaster in the test: MASE of all, by step and by origin; how often its intervals hold.

    covered: for each share, how much of the test lies in the interval made from the errors on the weeks for choosing,
    and in that from the errors on the weeks learned from. wide: the mean width of the two, in the unit of the MASE.
    By origin only where there is one series, so that its errors depend on one another.
    """
    said, truth = forecaster(s.test), forecasts.ahead(s.x, s.test, s.horizon)
    off = np.abs(said - truth) / s.scale
    covered, wide = [], []
    for share in settings["shares"]:
        ends = [
            forecasts.interval_of(forecasts.ahead(s.x, part, s.horizon) - forecaster(part), share)
            for part in (s.choose, s.learn)
        ]
        covered.append([_short(forecasts.coverage(said, truth, *end)) for end in ends])
        wide.append([_short(np.mean(high - low) / s.scale) for low, high in ends])
    by_step, by_origin = ([_short(v) for v in off.mean(axis=axis)] for axis in (0, 1))
    found = {"mase": _short(off.mean()), "by_step": by_step, "covered": covered, "wide": wide}
    return found if s.made else found | {"by_origin": by_origin}


def verdict(stored):
    """The claim for each series and rule that was joined, from pairs of runs of one seed: they share a series.

    It holds where the 95 % interval of the mean gain lies above 0; it does not where all of it lies below `margin`.
    """
    settings, cases, why = stored["settings"], {}, {}
    for series in settings["series"]:
        told, *joined = (
            [trials.last(row, settings) for row in trials.compared(stored, series=series, network=network)]
            for network in ("told", "week", "smoothing")
        )
        for rule, errors in zip(("a week ago", "smoothing"), joined):
            _, low, high = verdicts.interval(np.subtract(told, errors))
            held = True if low > 0 else False if high < settings["margin"] else None
            case = f"joined to {rule}, on {series}"
            if min(*told, *errors) >= settings["guess"]:
                held, why[case] = None, "no network is better than a week ago"
            elif held is None:
                why[case] = "the interval of the gain holds 0"
            cases[case] = held
    return verdicts.Verdict(cases, why)


def relative(s, forecaster, origins):
    """The mean absolute error over that of the same hours a week ago."""
    truth = forecasts.ahead(s.x, origins, s.horizon)
    rule = forecasts.seasonal_naive(s.x, origins, s.horizon, s.week)
    return float(f"{np.abs(forecaster(origins) - truth).mean() / np.abs(rule - truth).mean():.4g}")


def _short(value):
    return float(f"{value:.3g}")


@functools.lru_cache(maxsize=8)
def _ready(series, seed, text):
    settings = json.loads(text)
    s = seasonal_rules.split(series, seed, settings)
    return s, seasonal_rules.rules(s, settings), seasonal_rules.smoothing(s, settings)[1]


def ready(series, seed, settings):
    """(split, rules, `forecasts.Smoothed`) of a series; those of one seed are made once. Demand is there only once."""
    mine = {name: settings[name] for name in ("weeks", "every", "drawn", "weights", "ridges")}
    return _ready(series, 0 if series == "demand" else seed, json.dumps(mine))
