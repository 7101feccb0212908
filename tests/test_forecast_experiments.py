"""The experiments of chapter 15: nothing that comes later reaches what is said, chosen or read."""

import sys

import numpy as np
import pytest

from course_pkg import forecasts, models
from course_pkg.experiments import prices, seasonal_rules, seasons, shuffled

SMALL = seasons.SETTINGS | {"weights": [0.1, 0.3], "ridges": [1, 10]}


def altered(s, start):
    """The same split of a series that is another from `start` on."""
    x = s.x.copy()
    x[start:] += 5 + np.random.default_rng(1).normal(size=len(x) - start)
    return s._replace(x=x)


@pytest.fixture(scope="module")
def parts():
    return seasonal_rules.split("multiplied", 0, SMALL)


def test_the_parts_of_a_series_come_in_order_and_do_not_touch(parts):
    s, (learn, choose) = parts, np.cumsum(SMALL["weeks"][:2]) * 168
    assert s.learn[0] - s.window >= s.week - 1  # the line looks back so far
    assert s.learn[-1] + s.horizon < learn
    assert s.choose[0] + 1 == learn
    assert s.choose[-1] + s.horizon < choose
    assert s.test[0] + 1 == choose
    assert s.test[-1] + s.horizon < len(s.x)
    assert s.scale == forecasts.seasonal_scale(s.x[:choose], 168)


def test_the_test_chooses_nothing(parts):
    """Another test: the same rules, the same choices, and the same forecasts from an origin before it."""
    other = altered(parts, parts.test[0] + 1)
    before, after = (seasonal_rules.free(s, SMALL) | seasonal_rules.lines(s, SMALL) for s in (parts, other))
    for name, (forecaster, chosen) in before.items():
        assert after[name][1] == chosen, name
        np.testing.assert_array_equal(forecaster(parts.test[:1]), after[name][0](parts.test[:1]))


def test_no_rule_sees_what_it_is_asked_for(parts):
    """From one origin on the series is another; what is said from there stays."""
    origin = parts.test[40:41]
    other = altered(parts, int(origin[0]) + 1)
    before, after = (seasonal_rules.free(s, SMALL) | seasonal_rules.lines(s, SMALL) for s in (parts, other))
    for name, (forecaster, _) in before.items():
        np.testing.assert_array_equal(forecaster(origin), after[name][0](origin), err_msg=name)
    assert not np.array_equal(before["a week ago"][0](origin + 168), after["a week ago"][0](origin + 168))


@pytest.mark.parametrize("network", SMALL["networks"])
def test_no_network_reads_what_it_is_asked_for(parts, network):
    origin = parts.test[40:41]
    other, read = altered(parts, int(origin[0]) + 1), []
    for s in (parts, other):
        reads, _, say = seasons.sides(s, seasonal_rules.smoothing(s, SMALL)[1], network)
        net = models.init("gru", 8 if network != "alone" else 5, 3, s.horizon, np.random.default_rng(0))
        read.append((reads(origin), say(origin, net)))
    np.testing.assert_array_equal(read[0][0], read[1][0])
    np.testing.assert_array_equal(read[0][1], read[1][1])


@pytest.mark.parametrize("network", SMALL["networks"])
def test_what_a_network_learns_to_say_gives_the_truth_back(parts, network, monkeypatch):
    """A network that says its answers without a miss would have an error of 0."""
    _, answers, say = seasons.sides(parts, seasonal_rules.smoothing(parts, SMALL)[1], network)
    at = parts.learn[:3]
    monkeypatch.setattr(seasons.models, "many_to_one", lambda x, net: (answers(at), None, None))
    np.testing.assert_allclose(say(at, None), forecasts.ahead(parts.x, at, parts.horizon), atol=1e-4)


def test_knowing_how_a_series_was_made_cannot_be_beaten_by_much():
    """Kalman's filter against all rules, on both kinds of series; on average over three draws."""
    for mood in ("added", "multiplied"):
        errors = {}
        for seed in (0, 1, 2):
            s = seasonal_rules.split(mood, seed, SMALL)
            truth = forecasts.ahead(s.x, s.test, s.horizon)
            for name, (forecaster, _) in seasonal_rules.rules(s, SMALL).items():
                errors.setdefault(name, []).append(forecasts.mase(forecaster(s.test), truth, s.scale))
        known = np.mean(errors.pop("knows how it was made"))
        assert known < min(map(np.mean, errors.values())) - 0.05


def test_the_filter_is_the_best_linear_guess():
    """The last mood that the filter has, against least squares on all that was seen (a Gaussian's mean)."""
    s = seasonal_rules.split("multiplied", 3, SMALL)
    n, stay, noise = 40, 0.97, 0.3
    gain, off = s.made.gain[:n], s.x[:n] - 20 - s.made.season[:n]
    moods = stay ** np.abs(np.subtract.outer(np.arange(n), np.arange(n)))
    seen = gain[:, None] * moods * gain + noise**2 * np.eye(n)
    guess = moods[-1] * gain @ np.linalg.solve(seen, off)
    said = seasonal_rules.knowing(s)(np.array([n - 1]))[0]
    expected = 20 + s.made.season[n : n + 24] + s.made.gain[n : n + 24] * stay ** np.arange(1, 25) * guess
    np.testing.assert_allclose(said, expected, atol=1e-10)


def test_without_the_package_it_says_what_to_install(monkeypatch):
    monkeypatch.setitem(sys.modules, "pmdarima.datasets", None)
    monkeypatch.setitem(sys.modules, "pmdarima", None)
    with pytest.raises(ImportError, match=r'not installed: pip install "recurrent-networks-unrolled\[demand\]"'):
        seasonal_rules.demand()


# Prices and windows


@pytest.mark.parametrize("question", ["which way", "how far"])
def test_what_is_asked_of_a_price_is_scaled_by_its_past(question):
    z = prices.asked("IBM", question, 260)
    assert len(z) == len(prices.prices("IBM")) - 1
    if question == "how far":
        assert z[:260].mean() == pytest.approx(0, abs=1e-12)
        assert z[:260].std() == pytest.approx(1)
    else:
        assert np.array_equal(np.sign(z), np.sign(np.diff(prices.prices("IBM"))))


def test_the_rule_for_sizes_is_chosen_on_the_past_and_looks_at_the_past():
    z = np.random.default_rng(0).normal(size=200)
    other = z.copy()
    other[150:] += 3
    weights = prices.SETTINGS["weights"]
    (w, said), (v, moved) = (prices.rule(a, 150, weights) for a in (z, other))
    assert w == v
    np.testing.assert_array_equal(said[:150], moved[:150])  # said[149] is said of z[150]
    assert said[150] != moved[150]


def test_the_last_month_is_told_twice_in_the_table_and_once_here():
    from matplotlib.cbook import get_sample_data

    from course_pkg import tasks

    table = tasks.prices_csv(get_sample_data("Stocks.csv", asfileobj=False), "IBM")
    assert table.prices[-1] == table.prices[-2]
    assert np.array_equal(prices.prices("IBM"), table.prices[:-1])


@pytest.mark.parametrize("read", shuffled.SETTINGS["reads"])
def test_windows_hold_what_they_say(read):
    price = np.exp(np.arange(100.0) / 10)
    x, y = shuffled.windows(price, read, shuffled.SETTINGS)
    assert x.shape == (100 - 30 + 1 - 20, 30, 1)
    np.testing.assert_allclose(x[0, -1], 2.9 if read == "levels" else 0)
    np.testing.assert_allclose(np.diff(x[:, :, 0]), 0.1)
    np.testing.assert_allclose(y, np.tile(np.sqrt([1, 5, 10, 20]) / 10, (len(x), 1)))


def test_windows_split_by_time_share_no_day():
    rng = np.random.default_rng(0)
    learn, score = shuffled.parts(1000, "by time", rng, 20)
    assert learn.max() + 20 < score.min()
    learn, score = shuffled.parts(1000, "shuffled", rng, 20)
    assert len(np.intersect1d(learn, score)) == 0
    assert np.isin(score + 1, learn).mean() > 0.5  # shuffled: the next window was learned
