"""What chapter 15 states is what its code gives, and the gradients that it prints are right three ways."""

import re
import types

import numpy as np
import pytest
import torch
from chapter_cells import cells, pick, said
from course_site.execution import ROOT
from matplotlib.cbook import get_sample_data

from course_pkg import interchange, layers, models, tasks
from course_pkg.gradcheck import max_error, numerical_gradient
from course_pkg.trees import tree_leaves

NAME = "15-forecasting"
TEXT = (ROOT / "book" / f"{NAME}.md").read_text(encoding="utf-8")
PLACES = ("GOOGLE", "CUT", "PIECE", "changes", "say_next", "price_network", "STEP", "UNIT")
SERIES = ("T", "MADE", "BOUND", "trained", "fit_values", "fit_changes", "say_values", "say_changes", "KINDS", "miss")
LEAKS = ("LATER", "scaled", "skill_after", "DAYS", "WEEKS", "parts", "split_skill", "walk_of_prices")


@pytest.fixture(scope="module")
def chapter():
    """The chapter's functions and data, with nothing trained."""
    names = (*PLACES, *SERIES, *LEAKS, "free_run", "free_run_backward", "asked", "judged", "gains")
    return pick(NAME, *names, "LESSONS", "FRESH", "LINE", "STILL", "line_on", "AHEAD", "KNOWN", "WHOLE")


def test_no_backslash_was_lost():
    r"""A \v or \f that Python read as one character would leave an equation without its macro."""
    assert not re.search(r"[\x00-\x09\x0b-\x1f]", TEXT)


# By hand


def test_the_best_skill_by_hand():
    """x_t = 0.5 x_{t-1} + e: the variance is 4/3, persistence misses by 4/3, the errors grow to 4/3."""
    weights = 0.5 ** np.arange(200)  # of e now, e one step before, ...
    variance = np.square(weights).sum()
    assert variance == pytest.approx(4 / 3)
    assert 1 + 0.25 * variance == pytest.approx(4 / 3)  # of x_{t+1} - x_t
    assert 1 - 1 / variance == pytest.approx(0.25)
    np.testing.assert_allclose(np.square(weights).cumsum()[:3], [1, 1.25, 1.3125])
    for words in ("$v = 4/3$", "$1 - 1/(4/3) = 0.25$", "after two $1 + 0.25 = 1.25$, after three 1.3125"):
        assert words in TEXT


def test_the_free_run_by_hand():
    def loss(w, fed=None):
        first = w * 2
        return (w * (first if fed is None else fed) - 1) ** 2

    slope = lambda f: (f(0.5 + 1e-6) - f(0.5 - 1e-6)) / 2e-6  # noqa: E731
    assert slope(loss) == pytest.approx(-2)
    assert slope(lambda w: loss(w, fed=1.0)) == pytest.approx(-1)  # as if the first forecast had been measured
    assert "$\\mathrm{d}w = -1 \\cdot \\hat x_1 - 0.5 \\cdot x = -1 - 1 = -2$" in TEXT


# The gradients, three ways


@pytest.mark.parametrize("seed", range(3))
def test_the_gradient_of_the_loss_three_ways(seed):
    """The printed gradient of the mean squared error, over N series of T steps."""
    rng = np.random.default_rng(seed)
    out, y = rng.normal(size=(2, 3, 5, 1))
    printed = 2 * (out - y) / (3 * 5)
    _, tape = layers.mean_squared_error(out, y)
    leaf = torch.tensor(out, requires_grad=True)
    torch.nn.functional.mse_loss(leaf, torch.tensor(y)).backward()
    near = numerical_gradient(lambda a: np.mean((a - y) ** 2), out)
    assert max_error(printed, layers.mean_squared_error_backward(1.0, tape)) < 1e-12
    assert max_error(printed, leaf.grad.numpy()) < 1e-12
    assert max_error(printed, near) < 1e-7


@pytest.mark.parametrize("seed", range(3))
def test_the_gradient_of_a_free_run_three_ways(chapter, seed):
    """Every parameter, against finite differences and PyTorch; the forecasts are those of models.forecast."""
    rng = np.random.default_rng(seed)
    p = models.init("gru", 1, 3, 1, rng, dtype=np.float64)
    x, y = rng.normal(size=(2, 5, 1)), rng.normal(size=(2, 4, 1))
    told, tapes = chapter["free_run"](x, p, 4)
    assert max_error(told, models.forecast(x, p, 4)) == 0
    ours = tree_leaves(chapter["free_run_backward"](2 * (told - y) / y.size, tapes, 5))
    near = tree_leaves(numerical_gradient(lambda p: np.mean((models.forecast(x, p, 4) - y) ** 2), p))
    assert ours.keys() == near.keys()
    assert max(max_error(ours[k], near[k]) for k in near) < 1e-8

    gru, out = torch.nn.GRU(1, 3, batch_first=True).double(), torch.nn.Linear(3, 1).double()
    gru.load_state_dict(interchange.to_torch(p.stack))
    out.load_state_dict({"weight": torch.tensor(p.readout.W), "bias": torch.tensor(p.readout.b)})
    h, state = gru(torch.tensor(x))
    theirs = [out(h[:, -1:])]
    for _ in range(3):
        h, state = gru(theirs[-1], state)
        theirs.append(out(h))
    ((torch.cat(theirs, dim=1) - torch.tensor(y)) ** 2).mean().backward()
    for name, grad in (
        ("stack.0.forward.W_ih", gru.weight_ih_l0.grad),
        ("stack.0.forward.W_hh", gru.weight_hh_l0.grad),
        ("stack.0.forward.b", gru.bias_ih_l0.grad),
        ("readout.W", out.weight.grad),
        ("readout.b", out.bias.grad),
    ):
        assert max_error(ours[name], grad.numpy()) < 1e-12


# What the text says of data and baselines


def test_what_no_forecast_can_know(chapter):
    """The bounds, from many series: the walk's by persistence, ARMA's and the sines' not beaten by the line."""
    for s, bound in chapter["BOUND"].items():
        assert line_miss(chapter, s) > 0.97 * bound
    assert chapter["STILL"]["walk"] == pytest.approx(1, abs=0.02)


def line_miss(chapter, s):
    new = chapter["FRESH"][s]
    return chapter["miss"](chapter["baselines"].follow_line(new.x, chapter["LINE"][s]), new)


def test_errors_of_many_steps(chapter):
    """On the walk persistence has error h after h steps; what goes on by itself is what was asked for."""
    whole, known = chapter["WHOLE"]["walk"], chapter["KNOWN"]
    truth, x = whole[:, known : known + chapter["AHEAD"]], whole[:, :known]
    error = np.mean((truth - x[:, -1:]) ** 2, axis=(0, 2))
    np.testing.assert_allclose(error / np.arange(1, chapter["AHEAD"] + 1), 1, atol=0.2)
    # A line that says the last value again goes on with it.
    weights = np.zeros((11, 1), np.float32)
    weights[9] = 1
    np.testing.assert_array_equal(chapter["line_on"](x, weights), np.repeat(x[:, -1:], chapter["AHEAD"], axis=1))


def test_the_rule_alone_explains_the_price(chapter):
    price, today = chapter["GOOGLE"][chapter["CUT"] + 1 :], chapter["GOOGLE"][chapter["CUT"] : -1]
    assert 1 - np.mean((price - today) ** 2) / price.var() > 0.95


def test_the_table_of_prices_is_as_described():
    table = get_sample_data("Stocks.csv", asfileobj=False)
    for column in ("IBM", "AAPL", "MSFT"):
        found = tasks.prices_csv(table, column)
        assert found.prices[-1] == found.prices[-2]  # "repeats the month before it under a later date"
        assert found.dates[0] == np.datetime64("1990-01-01")
        assert set(np.diff(found.dates[:-1]).astype(int)) <= {28, 29, 30, 31}
    dates = get_sample_data("goog.npz")["price_data"]["date"]
    assert (dates[-1] - dates[0]).astype(int) == pytest.approx(4 * 365, abs=80)


# No leak where none is meant


def test_the_past_alone_scales(chapter):
    """Changing what comes after step 40 changes no input, unless the whole series scales."""
    data = chapter["FRESH"]["walk"]
    later = data._replace(x=data.x.copy())
    later.x[:, -chapter["LATER"] :] += 5
    for whole, same in ((False, True), (True, False)):
        assert np.array_equal(chapter["scaled"](data, whole)[0], chapter["scaled"](later, whole)[0]) == same


def test_scaling_by_all_tells_the_sum_of_the_future(chapter):
    read, to_come, _ = chapter["scaled"](chapter["FRESH"]["walk"], True)
    future = to_come + read[:, -1]
    np.testing.assert_allclose(future.sum(axis=1), -read.sum(axis=(1, 2)), atol=1e-3)


def test_windows_split_by_time_share_no_day(chapter):
    rng, count = np.random.default_rng(0), 1000
    train, test = chapter["parts"](count, False, rng)
    assert train.max() + max(chapter["WEEKS"]) < test.min()
    train, test = chapter["parts"](count, True, rng)
    assert len(np.intersect1d(train, test)) == 0
    assert np.isin(test + 1, train).mean() > 0.5  # shuffled: the next window was learned


def with_names(function, **names):
    """The chapter's function, with others in place of some that it calls."""
    return types.FunctionType(function.__code__, function.__globals__ | names)


def test_forecasts_of_prices_look_at_the_past(chapter):
    """A jump on a day of the test changes no forecast for that day or an earlier one."""
    z = np.random.default_rng(0).normal(size=300).astype(np.float32)
    untrained = lambda z, cut, seed: models.init("gru", 1, 4, 1, np.random.default_rng(seed))  # noqa: E731
    judged = with_names(chapter["judged"], price_network=untrained)
    other = z.copy()
    other[250] += 10
    for name, told in judged(z, 200).items():
        moved = judged(other, 200)[name]
        assert told.shape == (5, 100)
        np.testing.assert_array_equal(told[:, :51], moved[:, :51])
        if name != "mean of the past":
            assert np.all(told[:, 51] != moved[:, 51])


def test_a_perfect_forecast_has_skill_one(chapter):
    z = np.random.default_rng(0).normal(size=300).astype(np.float32)
    two = lambda z, cut: {"truth": np.tile(z[cut:], (5, 1)), "zero": np.zeros((5, len(z) - cut))}  # noqa: E731
    skill, ends = with_names(chapter["gains"], judged=two)(z, 200)
    np.testing.assert_allclose(skill, [[1] * 5, [0] * 5], atol=1e-6)
    assert ends[0, 0] < 1 < ends[0, 1]


# Check yourself


def test_the_answers():
    walk = tasks.random_walk(4000, 60, np.random.default_rng(0)).x[:, :, 0]
    assert np.mean((walk[:, 9:] - walk[:, :-9]) ** 2) == pytest.approx(9, rel=0.05)
    assert 1 - 0.5 / 2 == 0.75
    second = lambda w: w * (w * 4)  # noqa: E731
    assert second(0.5 + 1e-6) - second(0.5 - 1e-6) == pytest.approx(4 * 2e-6)


# What is said of the measurements follows from them


def rows(line, value, change, bound):
    return {"line": [line] * 5, "says the value": value, "says the change": change, "bound": [bound] * 5}


def test_the_verdict_on_one_step():
    good = rows(0.6, [0.7, 0.8], [0.75, 0.8], 0.9)
    even = rows(0.0, [-0.01, -0.02], [0.0, 0.0], 0.0)
    tell = lambda **s: said(NAME, "best_walk = max", SKILL=s, KINDS=dict.fromkeys(list(good)[1:3]))  # noqa: E731
    assert "with every seed on: sines." in tell(sines=good, ARMA=even, walk=even)
    assert "**On the walk no network beats" in tell(sines=good, ARMA=even, walk=even)
    assert "which cannot be: look for a leak" in tell(sines=good, ARMA=even, walk=good)
    mixed = rows(0.6, [0.5, 0.8], [0.75, 0.8], 0.9)
    assert "On no series are the networks ahead" in tell(sines=mixed, ARMA=even, walk=even)
    assert "| line | 0.600 | 0.000 | 0.000 |" in tell(sines=good, ARMA=even, walk=even)


def grown(steps):
    """The errors of a network that is worth something for so many of 30 steps."""
    error = np.where(np.arange(30) < steps, 0.5, 1.0)
    return {"mean": np.ones(30), "GRU": np.tile(error, (5, 1))}


def test_the_verdict_on_many_steps():
    walk = {"mean": np.ones(30), "GRU": np.tile(np.arange(1, 31.0), (5, 1))}

    def tell(sines, arma):
        table = {("sines", 30): grown(sines), ("sines", 10): grown(1), ("ARMA", 30): grown(arma), ("walk", 30): walk}
        return said(NAME, "slope = np.polyfit", GROWTH=table, AHEAD=30)

    assert "for all 30 steps on the sines" in tell(30, 2)
    assert "for 2 steps on ARMA. **The sines can be forecast for longer" in tell(22, 2)
    assert "for 1 step when it has read 10" in tell(22, 2)
    assert "were not forecast for longer" in tell(2, 2)
    assert "grows by 1.00 with each step" in tell(2, 2)


def test_the_verdict_on_leaks():
    def tell(whole=0.7, past=-0.1, shuffled=0.3, in_time=-1.0):
        scaling = np.array([np.full((5, 20), past), np.full((5, 20), whole)])
        split = np.array([np.full((5, 4), in_time), np.full((5, 4), shuffled)])
        spread = lambda v: f"{min(v):.3f}"  # noqa: E731
        return said(
            NAME, "past, all_of_it = SCALING", SCALING=scaling, SPLITS={"walks": split, "Google": split}, spread=spread
        )

    assert "**Both leaks make a skill out of nothing" in tell()
    assert "no run has a skill above 0.05" in tell()
    assert "Not every leaked run" in tell(whole=0.0)
    assert "Not every leaked run" in tell(shuffled=0.0)
    assert "by luck of one series" in tell(in_time=0.1)


def test_the_verdict_on_prices(chapter):
    shares = {"A": (np.exp(np.arange(20.0) ** 2), 10), "B": (np.exp(np.arange(20.0) ** 2), 10)}

    def tell(way, far, mean=-1):
        table = {}
        for share in shares:
            for question, low in (("which way", way), ("how far", far)):
                ends = np.array([[mean, 1], [low, 1], [low, 1]], float)
                table[share, question] = np.zeros((3, 5)), ends
        return said(NAME, "won, far_line, far_gru", GAINS=table, SHARES=shares, asked=chapter["asked"])

    assert "on none of the four shares is the network better" in tell(-1, 0.1)
    assert "it is not the price." in tell(-1, 0.1)
    assert "on A, B of four" in tell(0.1, 0.1)
    assert "it is not the price." not in tell(0.1, 0.1)
    assert "not easier than its direction" in tell(-1, -1)
    assert "the line on none, the network on none" in tell(-1, -1)
    assert "than chance explains on: none." in tell(-1, -1)
    assert "than chance explains on: A, B." in tell(-1, -1, mean=0.1)


# What is trained


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(5))
def test_each_network_reaches_what_the_text_says(chapter, seed):
    """Ahead of the line on the sines, near the bound on ARMA, at persistence on the walk; the leaks; the price."""
    skill = {}
    for s, data in chapter["FRESH"].items():
        for kind, (fit, say) in chapter["KINDS"].items():
            told = say(data.x, *fit(seed, chapter["LESSONS"][s]))
            skill[s, kind] = 1 - chapter["miss"](told, data) / chapter["STILL"][s]
    line = line_miss(chapter, "sines")
    value, change = chapter["KINDS"]
    assert min(skill["sines", value], skill["sines", change]) > 1 - line / chapter["STILL"]["sines"] + 0.01
    assert min(skill["ARMA", value], skill["ARMA", change]) > 0.38
    assert -0.05 < skill["walk", value] < 0.0
    assert skill["walk", value] < skill["walk", change] < 0.01  # "falls short of it a little", "stands on it"

    for whole, low, high in ((False, -0.5, 0.05), (True, 0.5, 0.9)):
        x, y, _ = chapter["scaled"](chapter["LESSONS"]["walk"], whole)
        reader = chapter["trained"](seed, x, y, models.regressor_loss)
        x, y, deviation = chapter["scaled"](chapter["FRESH"]["walk"], whole)
        found = chapter["skill_after"](models.many_to_one(x, reader)[0], y, deviation)
        assert low < found[-1] < high
        if whole:  # "largest around ten steps ahead", "least at the next step"
            assert 6 <= found.argmax() <= 14
            assert found.argmin() == 0

    for prices in (chapter["walk_of_prices"](seed), chapter["GOOGLE"]):
        mixed = chapter["split_skill"](prices, True, seed)
        assert mixed[-1] > 0.05
        assert mixed[0] < min(0.1, mixed[-1])  # "little of the skill is left"

    for question, least in (("which way", -0.1), ("how far", 0.0)):
        z, cut = chapter["asked"](chapter["GOOGLE"], chapter["CUT"], question), chapter["CUT"]
        net = chapter["price_network"](z, cut, seed)
        told, truth = chapter["say_next"](z[:-1], net)[cut - 1 :], z[cut:]
        assert least < 1 - np.mean((told - truth) ** 2) / np.mean(truth**2) < 0.1


def test_every_experiment_has_five_seeds():
    experiments = [cell for cell in cells(NAME) if "tqdm(" in cell]
    assert len(experiments) == 4
    assert all("range(5)" in cell or "gains(" in cell for cell in experiments)
