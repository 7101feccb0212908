"""The common way to write an experiment: which rate is chosen, when a budget will do, what is kept of a run."""

import math
import types

import numpy as np
import pytest

from course_pkg import models, tasks
from course_pkg.experiments import trials

SETTINGS = {
    "contender": ["cell"],
    "rates": [0.001, 0.003, 0.01, 0.03],
    "seeds": [0, 1, 2, 3, 4],
    "updates": [0, 10, 20, 30],
    "search": {"seeds": [100, 101], "updates": [0, 10, 20, 30]},
    "better": "lower",
    "learned": 0.1,
    "guess": 1.0,
    "flat": 0.01,
}
FAST, SLOW, NEVER = [1.0, 0.05, 0.05, 0.05], [1.0, 1.0, 0.5, 0.09], [1.0, 1.0, 1.0, 1.0]
CASE = {"cell": "gru", "T": 5}


def row(stage, values, seed, rate, **case):
    return {"stage": stage, **CASE, **case, "seed": seed, "rate": rate, "updates": [0, 10, 20, 30], "values": values}


def stored(search, compare, rate=0.003, **settings):
    """search: rate to the curves of two seeds; compare: the curves of five."""
    rows = [row("search", v, 100 + k, r) for r, both in search.items() for k, v in enumerate(both)]
    rows += [row("compare", v, k, rate) for k, v in enumerate(compare)]
    return {"settings": SETTINGS | settings, "results": rows}


SEARCH = {0.001: (SLOW, NEVER), 0.003: (FAST, FAST), 0.01: (SLOW, SLOW), 0.03: (NEVER, [1.0, None, None, None])}


def test_the_plan_searches_every_rate_and_then_compares():
    module = types.SimpleNamespace(cases=lambda s: [{"cell": c, "T": T} for c in "ab" for T in (5, 6, 50)])
    settings = SETTINGS | {"search": SETTINGS["search"] | {"by": ["cell"]}}
    keys = trials.plan(module, settings)
    search = [k for k in keys if k["stage"] == "search"]
    assert len(search) == 2 * 4 * 2  # one class of lengths for each cell, at its first length
    assert {k["T"] for k in search} == {5}
    assert len(keys) - len(search) == 6 * 5
    assert keys[: len(search)] == search
    assert len(trials.plan(module, SETTINGS)) == 6 * (4 * 2 + 5)


@pytest.mark.parametrize(
    ("search", "rate"),
    [
        (SEARCH, 0.003),  # both learn, and sooner than at 0.01
        (SEARCH | {0.003: (FAST, NEVER)}, 0.01),  # more runs learned
        (SEARCH | {0.003: (NEVER, NEVER), 0.01: (NEVER, [1.0, 1.0, 0.9, 0.8]), 0.001: (NEVER, NEVER)}, 0.01),
    ],
)
def test_the_rate_is_chosen_among_runs_that_learned(search, rate):
    assert trials.chosen(stored(search, [])["results"], SETTINGS, CASE).rate == rate


def test_a_case_without_a_search_is_named():
    with pytest.raises(ValueError, match=r"got no search for .*lstm"):
        trials.chosen(stored(SEARCH, [])["results"], SETTINGS, CASE | {"cell": "lstm"})


def test_higher_may_be_better():
    settings = SETTINGS | {"better": "higher", "learned": 0.9, "guess": 0.25}
    rows = stored({0.001: ([0.2, 0.3, 0.3, 0.3],) * 2, 0.003: ([0.2, 0.3, 0.95, 0.9],) * 2}, [])["results"]
    found = trials.chosen(rows, settings, CASE)
    assert (found.rate, found.learned, found.value) == (0.003, 2, pytest.approx(0.9))
    assert trials.needed(rows[-1], settings) == 20
    assert trials.needed(rows[0], settings) == math.inf
    assert trials.faults({"settings": settings, "results": rows}) == ["nothing was learned by any contender"]


@pytest.mark.parametrize(
    ("curves", "why"),
    [
        ([FAST] * 5, "reached"),
        ([NEVER] * 5, "flat"),
        ([FAST] * 2 + [[1.0, 0.9, 0.8, 0.5]] * 3, "open"),
        ([FAST] * 2 + [[1.0, 0.9, 0.8, 0.795]] * 3, "flat"),
    ],
)
def test_a_budget_is_reached_flat_or_open(curves, why):
    assert trials.budget(stored(SEARCH, curves), CASE) == why


def test_ten_times_the_first_success_of_any_contender_on_the_task_will_do():
    rows = [row("compare", [1.0, 0.9, 0.8, 0.5], k, 0.003) for k in range(5)]
    rows += [row("compare", [1.0, 0.05, 0.05, 0.05], k, 0.003, cell="rnn") for k in range(5)]
    for one in rows:
        one["updates"] = [0, 10, 70, 100]
    found = {"settings": SETTINGS, "results": rows}
    assert trials.budget(found, CASE) == "ten times"
    found["results"] = [one | {"T": 6} if one["cell"] == "rnn" else one for one in rows]  # another task
    assert trials.budget(found, CASE) == "open"


def test_the_faults_of_a_stored_result():
    assert trials.faults(stored(SEARCH, [FAST] * 5)) == []
    edge = SEARCH | {0.003: (NEVER, NEVER), 0.01: (NEVER, NEVER), 0.03: (FAST, FAST)}
    assert "lies at the edge" in trials.faults(stored(edge, [FAST] * 5, rate=0.03))[0]
    assert "is not the one" in trials.faults(stored(SEARCH, [FAST] * 5, rate=0.01))[0]
    assert "share seeds" in trials.faults(stored(SEARCH, [FAST] * 5, seeds=[0, 1, 2, 3, 100]))[0]
    hopeless = dict.fromkeys(SEARCH, (NEVER, NEVER))
    assert trials.faults(stored(hopeless, [NEVER] * 5, rate=0.001)) == ["nothing was learned by any contender"]
    later_bad = dict.fromkeys(SEARCH, ([1.0, 0.05, 1.0, 2.0],) * 2)  # it learned for a while and was lost
    assert any("no better than guessing" in f for f in trials.faults(stored(later_bad, [FAST] * 5, rate=0.001)))


def test_a_run_is_looked_at_and_may_leave_the_finite_numbers():
    def run(rate, loss=models.regressor_loss):
        rng = np.random.default_rng(0)
        net = models.init("rnn", 2, 4, 1, rng)
        draw = lambda rng: tasks.adding_problem(8, 5, rng).arrays  # noqa: E731
        look = lambda net: {"values": np.linalg.norm(net.readout.W), "second": 1}  # noqa: E731
        return trials.follow(loss, net, draw, rng, rate=rate, updates=[0, 2, 5], look=look)

    found = run(0.01)
    assert found["updates"] == [0, 2, 5]
    assert found["second"] == [1, 1, 1]
    assert len(set(found["values"])) == 3
    assert found == run(0.01)  # the same seed, the same run

    def breaks(net, batch, state, rng):
        value, gradient, _ = models.regressor_loss(net, batch, None, rng)
        return value if len(net.readout.b) and abs(net.readout.b[0]) < 1 else math.nan, gradient, None

    lost = run(0.7, breaks)
    assert lost["values"][0] is not None
    assert lost["values"][-1] is None
    assert lost["second"][-1] is None


def test_a_run_may_stop_once_enough_is_known():
    def run(**how):
        rng = np.random.default_rng(0)
        draw = lambda rng: tasks.adding_problem(8, 5, rng).arrays  # noqa: E731
        look = lambda net: {"values": np.linalg.norm(net.readout.W)}  # noqa: E731
        net = models.init("rnn", 2, 4, 1, rng)
        return trials.follow(models.regressor_loss, net, draw, rng, rate=0.01, updates=[0, 2, 5, 9], look=look, **how)

    whole, stopped = run(), run(enough=lambda made, found: len(found) == 2)
    assert "stopped" not in whole
    assert stopped["stopped"] == 2
    assert stopped["values"] == [*whole["values"][:2], *[whole["values"][1]] * 2]  # the last number stands
    assert run(enough=lambda made, found: False) == whole | {"stopped": 9}


def test_a_run_that_is_hopeless_would_not_have_changed_the_choice():
    """Whatever a run might have shown later than `hopeless` says, the chosen rate is the same."""
    rows = stored({0.003: (FAST, FAST)}, [])["results"]  # both learned after 10
    assert trials.hopeless(rows, SETTINGS, CASE) == 20
    assert trials.hopeless(rows[:1], SETTINGS, CASE) == math.inf  # one of two seeds says nothing yet
    assert trials.hopeless(rows, SETTINGS, CASE | {"cell": "lstm"}) == math.inf
    assert trials.hopeless(stored({0.003: (FAST, NEVER)}, [])["results"], SETTINGS, CASE) == math.inf
    three = SETTINGS | {"search": SETTINGS["search"] | {"seeds": [100, 101, 102]}}
    assert trials.hopeless(rows, three, CASE) == math.inf
    for other in (FAST, SLOW, NEVER):
        for late in ([1.0, 1.0, 1.0, 0.0], NEVER):  # not learned at 20, and then at once or never
            found = stored({0.003: (FAST, FAST), 0.01: (other, late)}, [])["results"]
            assert trials.chosen(found, SETTINGS, CASE).rate == 0.003


def test_overlap_is_the_share_of_windows_that_were_seen():
    train = "the quick brown fox jumps over the lazy dog and runs away " * 3
    assert trials.overlap(train, train[20:120]) == 1
    assert trials.overlap(train, "x" * 100) == 0
    assert trials.overlap("abcdef", "bcdeXX", window=4) == pytest.approx(1 / 3)
    assert trials.described(train, "x" * 100)["overlap"] == 0
    with pytest.raises(ValueError, match="wanted at least 60"):
        trials.overlap(train, "short")
