"""The common way to write an experiment that trains: a search of rates, then a comparison, both as curves over updates.

Such a module of this package says in its docstring what it claims ("Claim:") and what would refute it
("Refuted by:"), and has

    SETTINGS, QUICK                             the settings, and those of a run of seconds for the tests
    cases(settings) -> [case, ...]              one dict for each contender on each task
    train(settings, rate, seed, case) -> dict   one run: its curve, "updates" and "values", and what else it found
    verdict(stored) -> verdicts.Verdict         on the claim; where every run guesses, it cannot tell
    texts(settings) -> (train, test)            only where it learns from text: what is learned, what is held out

SETTINGS holds, beside the module's own:

    contender   the names in a case that make the contender; the others make the task
    rates       at least four, a factor of about three apart
    seeds       of the comparison, at least five
    updates     how many had been made at each look, from 0 to the budget
    search      {"seeds": others than those of the comparison, "updates": the looks of the search, "by": names in a
                case for each of whose values a rate is searched (all, if it is not there), "best": "end" where the
                claim is about the last values: the rate with the best median there, if it is not there as `chosen`}
    better      "lower" or "higher" values
    learned     a run has learned once a value is as good as this
    guess       the value of guessing
    flat        a change of the median over the last third of a curve by at most so much is none

`chosen` picks the rate, `budget` says whether the curves went on for long enough, and one test judges both for
every stored result. A value is None from where a run left the finite numbers.
"""

import hashlib
import math

import numpy as np

from course_pkg import optim

STAGES = "search", "compare"


def plan(module, settings):
    """The keys of the rows: every rate for every searched case on the seeds of the search, then the comparison."""
    search, cases = settings["search"], module.cases(settings)
    firsts = {_searched(case, settings): case for case in reversed(cases)}
    return [
        {"stage": "search", **firsts[by], "rate": rate, "seed": seed}
        for by in dict.fromkeys(_searched(case, settings) for case in cases)
        for rate in settings["rates"]
        for seed in search["seeds"]
    ] + [{"stage": "compare", **case, "seed": seed} for case in cases for seed in settings["seeds"]]


def measure(module, settings, rows, stage, seed, rate=None, **case):
    """One run. In the comparison its rate is the one chosen from `rows`, those of the search."""
    if stage == "search":
        looks = settings["search"]["updates"]
        return module.train(settings | {"updates": looks, "hopeless": hopeless(rows, settings, case)}, rate, seed, case)
    rate = chosen(rows, settings, case).rate
    return {"rate": rate} | module.train(settings, rate, seed, case)


def hopeless(rows, settings, case):
    """The updates after which a run of the search that has not learned cannot make its rate the chosen one.

    With two seeds, a rate whose one run needs more than twice the median of another, all of whose runs learned, has
    a larger median. `rows`: those of the search so far. Infinity where nothing is known yet, or with more seeds.
    """
    done = [row for row in rows if row["stage"] == "search" and agrees(row, case, settings)]
    seeds = settings["search"]["seeds"]
    took = [[needed(row, settings) for row in done if row["rate"] == rate] for rate in settings["rates"]]
    medians = [float(np.median(runs)) for runs in took if len(runs) == len(seeds)]
    return 2 * min(medians, default=math.inf) if len(seeds) <= 2 else math.inf


def follow(loss, net, draw, rng, *, rate, updates, look, clip=1.0, optimiser=None, enough=None):
    """Train `net` on fresh batches with Adam and look at it. Returns {"updates": [...], name: [...] of each look}.

    updates: the numbers of updates at which `look(net)`, a dict of numbers, is taken; the last is the budget. loss
    and draw as in `train.fit`; clip: the largest global norm of a gradient. From where a loss, a gradient or a
    weight is not finite, every number is None. enough(updates made, looks so far), if given, says when to stop: the
    looks after that hold the last numbers, and "stopped" is how many updates had been made.
    """
    optimiser = optimiser or optim.adam()
    memory, found, stopped = optimiser.start(net), [], updates[-1]
    with np.errstate(all="ignore"):
        for made in range(updates[-1] + 1):
            if made in updates:
                found.append({name: _number(value) for name, value in look(net).items()})
                if enough and enough(made, found):
                    stopped = made
                    found += [found[-1]] * (len(updates) - len(found))
                    break
            value, gradient, _ = loss(net, draw(rng), None, rng)
            gradient, norm = optim.clip_by_global_norm(gradient, clip)
            if not (math.isfinite(value) and math.isfinite(norm)):
                found += [dict.fromkeys(found[0])] * (len(updates) - len(found))
                break
            net, memory = optimiser.update(net, gradient, memory, rate)
    said = {"updates": list(updates)} | {name: [one[name] for one in found] for name in found[0]}
    return said | ({"stopped": stopped} if enough else {})


def _number(value):
    return float(f"{value:.4g}") if math.isfinite(value) else None


def _searched(case, settings):
    return tuple(case[name] for name in settings["search"].get("by", case))


def good(value, settings):
    """Whether a run with this value has learned."""
    if value is None:
        return False
    return value <= settings["learned"] if settings["better"] == "lower" else value >= settings["learned"]


def needed(row, settings):
    """The updates after which a run had learned, at the first look that says so; infinity where it never did."""
    return next((n for n, v in zip(row["updates"], row["values"]) if good(v, settings)), math.inf)


def sign(settings):
    """1 where lower values are better, -1 where higher ones are."""
    return {"lower": 1, "higher": -1}[settings["better"]]


def last(row, settings):
    """The last value of a run, turned so that lower is better; infinity where it left the finite numbers."""
    return math.inf if row["values"][-1] is None else sign(settings) * row["values"][-1]


class Chosen:
    """The rate that the search gives a case.

    rate; learned: how many of `tried` runs at this rate learned; value: their median last value (lower is better
    after `sign`); edge: the rate is the smallest or the largest of those tried.
    """

    def __init__(self, rate, runs, settings):
        self.rate, self.tried = rate, len(runs)
        self.learned = sum(needed(row, settings) < math.inf for row in runs)
        self.value = sign(settings) * float(np.median([last(row, settings) for row in runs]))
        self.edge = rate in (min(settings["rates"]), max(settings["rates"]))


def chosen(rows, settings, case):
    """The rate for a case: most runs that learned, then fewest updates for it, then the best median at the end.

    With settings["search"]["best"] = "end" the last of these alone.
    """
    tried = {}
    for row in rows:
        if row["stage"] == "search" and agrees(row, case, settings):
            tried.setdefault(row["rate"], []).append(row)

    def order(rate):
        took = [needed(row, settings) for row in tried[rate]]
        ended = float(np.median([last(row, settings) for row in tried[rate]]))
        if settings["search"].get("best") == "end":
            return (ended,)
        return -sum(t < math.inf for t in took), float(np.median(took)), ended

    if not tried:
        raise ValueError(f"rows: got no search for {case}, wanted the rows of one")
    rate = min(tried, key=order)
    return Chosen(rate, tried[rate], settings)


def agrees(row, case, settings):
    """Whether the search that a row belongs to is the one for a case."""
    return all(row[name] == case[name] for name in settings["search"].get("by", case))


def case_of(row):
    """The case that a row of the comparison belongs to: its key without stage and seed, as `cases` gave it."""
    return {name: row[name] for name in list(row)[1 : list(row).index("seed")]}


def took(stored, **case):
    """The updates after which each run of a case had learned: an array, infinity where one never did."""
    return np.array([needed(row, stored["settings"]) for row in compared(stored, **case)])


def learned(stored, **case):
    """(runs of a case that learned, runs)."""
    found = took(stored, **case)
    return int(np.isfinite(found).sum()), len(found)


def compared(stored, **case):
    """The rows of the comparison, in the order of the seeds, whose key agrees with `case`."""
    return [r for r in stored["results"] if r["stage"] == "compare" and all(r[k] == v for k, v in case.items())]


def curves(rows, what="values"):
    """(runs, looks): one kind of number of some rows; NaN from where a run left the finite numbers."""
    return np.array([row[what] for row in rows], float)


def budget(stored, case):
    """Why the curves of a case may end where they do: "reached", "flat" or "ten times"; else "open".

    reached: every run learned. flat: over the last third of the updates the median changed by at most
    settings["flat"]. ten times: the budget is ten times the updates after which some contender had learned this task.
    """
    settings, rows = stored["settings"], compared(stored, **case)
    if all(needed(row, settings) < math.inf for row in rows):
        return "reached"
    updates = np.array(rows[0]["updates"])
    end = np.nanmedian(curves(rows)[:, updates >= updates[-1] * 2 / 3], axis=0)
    before = np.nanmedian(curves(rows)[:, updates <= updates[-1] * 2 / 3][:, -1])
    if np.ptp([before, *end]) <= settings["flat"]:
        return "flat"
    task = {name: value for name, value in case.items() if name not in settings["contender"]}
    first = min(needed(row, settings) for row in compared(stored, **task))
    return "ten times" if updates[-1] >= 10 * first else "open"


def faults(stored):
    """What a stored result does not meet of the rules for search, seeds and budget: a list of words, empty if none.

    A case of which no run of the search learned at any rate has no best rate; of it one can only say that.
    """
    settings, rows, found = stored["settings"], stored["results"], []
    rates, seeds = sorted(settings["rates"]), settings["seeds"]
    steps = np.divide(rates[1:], rates[:-1])
    if len(rates) < 4:
        found.append("fewer than four rates")
    if np.max(steps) > 4 or np.min(steps) < 2.5:
        found.append("rates that do not lie a factor of about three apart")
    if len(set(seeds)) < 5:
        found.append("fewer than five seeds")
    if set(seeds) & set(settings["search"]["seeds"]):
        found.append("search and comparison share seeds")
    any_learned = False
    for case in {str(c): c for c in map(case_of, (r for r in rows if r["stage"] == "compare"))}.values():
        rate = chosen(rows, settings, case)
        any_learned |= rate.learned > 0
        if rate.learned and rate.edge:
            found.append(f"the rate of {case} lies at the edge of those tried")
        if rate.learned and sign(settings) * (rate.value - settings["guess"]) >= 0:
            found.append(f"the search for {case} does no better than guessing")
        if any(row["rate"] != rate.rate for row in compared(stored, **case)):
            found.append(f"the rate of {case} is not the one that the search chose")
        if budget(stored, case) == "open":
            found.append(f"the budget of {case} ends while its curves move")
    return found if any_learned else [*found, "nothing was learned by any contender"]


def overlap(train, test, window=60):
    """The share of the windows of so many characters of `test` that stand in `train` word for word."""
    seen = {train[k : k + window] for k in range(len(train) - window + 1)}
    windows = [test[k : k + window] for k in range(len(test) - window + 1)]
    if not windows:
        raise ValueError(f"test: got {len(test)} characters, wanted at least {window}")
    return sum(w in seen for w in windows) / len(windows)


def described(train, test):
    """What is stored of the texts of an experiment: their lengths, their hashes, how much of the test was seen."""
    words = {"train": train, "test": test}
    return {
        name: {"characters": len(text), "sha256": hashlib.sha256(text.encode()).hexdigest()}
        for name, text in words.items()
    } | {"overlap": round(overlap(train, test), 5)}
