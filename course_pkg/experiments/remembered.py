"""What the stored results of `remember` and `ablation` say: numbers for the figures of chapter 7, and its sentences.

Every sentence is made from the rows, so it changes with them.
"""

import math

import numpy as np

from course_pkg.experiments import trials
from course_pkg.experiments.remember import ANSWERS, after, trained, verdict
from course_pkg.experiments.verdicts import worse

RIGHT, LOST = 0.9, 0.4  # accuracy from which a memory is still there, and up to which it is gone; guessing has 0.25
COLUMNS = {"whole": "nothing", "h": "h silent", "c": "c silent", "c once": "c wiped once", "h once": "h wiped once"}
COLUMNS |= {"gates": "gates fixed"}


def curves(stored, **case):
    """(updates (looks,), accuracy (runs, looks)) of one case of the comparison."""
    rows = trials.compared(stored, **case)
    return np.array(rows[0]["updates"]), trials.curves(rows)


def having_learned(stored):
    """The starts from which at least one network had learned the task at the end."""
    return [start for start in stored["settings"]["starts"] if trained(stored, start)]


def gradients(stored, start):
    """(lags, whole (runs, lags), direct (runs, lags)) of the networks from a start that learned."""
    rows = trained(stored, start)
    whole, direct = (np.array([row["gradient"][way] for row in rows]) for way in ("whole", "direct"))
    return np.array(stored["settings"]["lags"]), whole, direct


def factors(stored, start):
    """(runs,): whole over direct gradient at the largest lag."""
    _, whole, direct = gradients(stored, start)
    return whole[:, -1] / direct[:, -1]


def listed(words):
    """ "a, b and c"; "none" of no words."""
    words = list(words)
    return " and ".join(filter(None, [", ".join(words[:-1]), words[-1]])) if words else "none"


def power(x):
    """A number in words: 0.031, 12, or with a power of ten, such as 2 · 10⁻⁶."""
    if not 0 < x < math.inf:
        return str(x)
    if 0.01 <= x < 999.5:
        return f"{x:.2g}" if x < 99.5 else f"{x:.0f}"
    digits, n = f"{x:.0e}".split("e")
    return f"{digits} · 10" + str(int(n)).translate(str.maketrans("-0123456789", "⁻⁰¹²³⁴⁵⁶⁷⁸⁹"))


def learning(stored, name="start", against="chrono"):
    """How many runs of each case learned, how fast, at which rate; and which were slower than `against`."""
    settings = stored["settings"]
    took = {row[name]: trials.took(stored, **{name: row[name]}) for row in trials.compared(stored)}
    table = [f"| {name} | rate | learned | updates |", "| --- | --- | --- | --- |"]
    for case, updates in took.items():
        rate = trials.compared(stored, **{name: case})[0]["rate"]
        there = updates[np.isfinite(updates)]
        when = f"{np.median(there):.0f} ({there.min():.0f} to {there.max():.0f})" if there.size else "–"
        table.append(f"| {case} | {rate:g} | {there.size} of {updates.size} | {when} |")
    cases = worse({case: (updates, took[against]) for case, updates in took.items() if case != against}, 25).cases
    words = {"slower": True, "not slower": False, "too close to tell": None}
    sides = {word: [case for case, held in cases.items() if held is side] for word, side in words.items()}
    return (
        "\n".join(table)
        + f"\n\nA network has learned the task at the first look at which it answers {settings['learned']:.0%} of new "
        f"sequences right; the last column is the median of those that did within {settings['updates'][-1]:,} updates, "
        f"and their range. Measured against {against}, all seeds counted, "
        + "; ".join(f"{word}: {listed(side)}" for word, side in sides.items() if side)
        + "."
    )


def searched_only(stored):
    """What the search found for the starts that were not compared."""
    settings, said = stored["settings"], []
    for start in settings["search_only"]:
        rows = [row for row in stored["results"] if row["stage"] == "search" and row["start"] == start]
        there = sum(trials.needed(row, settings) < math.inf for row in rows)
        said.append(
            f"Of {len(rows)} networks that the search trained from {start}, at {len(settings['rates'])} rates, {there} "
            f"learned the task within {settings['search']['updates'][-1]} updates. That is no rate to compare it at, "
            "so it is left out from here on."
        )
    return " ".join(said)


def knives(stored):
    """A table of what is left after each knife, and what it means for each start."""
    heads = ["start", "networks", *COLUMNS.values()]
    table = [f"| {' | '.join(heads)} |", "| --- " * len(heads) + "|"]
    for start in having_learned(stored):
        found = [_range(after(stored, start, knife)) for knife in COLUMNS]
        table.append(f"| {start} | {len(trained(stored, start))} | {' | '.join(found)} |")
    said = [f"**From {start}:** {way(stored, start)}." for start in having_learned(stored)]
    return "\n".join(table) + "\n\n" + " ".join(said) + " " + judged(stored)


def _range(seeds):
    low, high = (f"{v:.2f}" for v in (seeds.min(), seeds.max()))
    return f"{np.median(seeds):.2f} ({low} to {high})"


def way(stored, start):
    """What the answers of the networks from a start need, by the medians after the knives."""
    h, wiped, once, fixed = (np.median(after(stored, start, knife)) for knife in ("h", "c once", "h once", "gates"))
    if h >= RIGHT:
        how = "they answer when h is silent, so c alone carries the mark"
        how += ", and they get it back when c is wiped, so h holds it too" if wiped >= RIGHT else ""
    elif h <= LOST:
        how = "they guess when h is silent, so c alone does not carry the mark"
        if wiped >= RIGHT:
            how += "; they answer after c is wiped, so it comes back out of h"
        elif wiped <= LOST:
            how += "; they guess after c is wiped once"
            how += ", and not after h is wiped once: c holds the mark and needs h to hold it" if once >= RIGHT else ""
        else:
            how += f"; after c is wiped {wiped:.0%} are right, so a part comes back out of h"
        how += (
            ". With the gates fixed they still answer, so what h does, it does in the candidate"
            if fixed >= RIGHT
            else ""
        )
    else:
        how = f"with h silent {h:.0%} of the answers are right, so a part needs h"
    return how


def judged(stored):
    """The verdict on the claim of `remember`, as a sentence."""
    cases, ready = dict(verdict(stored).cases), after(stored, "chrono", "h")
    first = {True: "**holds**", False: "**does not hold**", None: "cannot be judged"}[cases.pop(ANSWERS)]
    sides = {side: listed(s for s, held in cases.items() if held is side) for side in (True, False, None)}
    said = {True: "**holds** against", False: "**does not hold** against", None: "we cannot tell against"}
    second = "; ".join(f"{said[side]} {starts}" for side, starts in sides.items() if starts != "none")
    return (
        "The claim, written before the runs, had two halves. That networks from chrono answer with h silent "
        f"{first}: {sum(ready >= RIGHT)} of {len(ready)} do. That they then answer better than those from a fixed "
        f"bias: {second}."
    )


def paths(stored):
    """Forget gates, what they keep, and the factor between whole gradient and direct path, for each start."""
    lag = stored["settings"]["lags"][-1]
    heads = ["start", "mean forget gate", "best unit keeps", "direct path", "whole", "whole over direct"]
    table = [f"| {' | '.join(heads)} |", "| --- " * len(heads) + "|"]
    for start in having_learned(stored):
        rows, (_, whole, direct) = trained(stored, start), gradients(stored, start)
        middle = [
            np.median([row["gates"]["mean f"] for row in rows]),
            np.median([row["kept"]["best"] for row in rows]),
            np.median(direct[:, -1]),
            np.median(whole[:, -1]),
            np.median(factors(stored, start)),
        ]
        table.append(f"| {start} | {' | '.join(map(power, middle))} |")
    return (
        "\n".join(table)
        + f'\n\nMedians over the networks that learned; gradients {lag} steps before the end. "Best unit '
        'keeps" is the product of forget gates from the first wait to the end, of the unit in which it is largest. '
        + gap(stored)
    )


def gap(stored):
    """What the factor between whole and direct is, in words, for the starts where it is large and where it is small."""
    lag = stored["settings"]["lags"][-1]
    middle = {start: np.median(factors(stored, start)) for start in having_learned(stored)}
    far = [f"{start} ({power(v)})" for start, v in middle.items() if v > 10]
    near = [f"{start} ({power(v)})" for start, v in middle.items() if 0.1 <= v <= 10]
    said = []
    if far:
        said.append(
            f"From {listed(far)} the whole gradient is so many times as long as the direct path, {lag} steps back: "
            "nearly all that arrives has come by other ways"
        )
    if near:
        said.append(f"From {listed(near)} the two are within a factor of ten")
    return ". ".join(said) + "."


def gates(stored):
    """Shares of gate values near 0 and near 1, for each start and gate: medians over the networks that learned."""
    heads = ["start", *(f"{g} {end}" for g in "ifo" for end in ("below 0.05", "above 0.95"))]
    table = [f"| {' | '.join(heads)} |", "| --- " * len(heads) + "|"]
    for start in having_learned(stored):
        rows = trained(stored, start)
        cells = []
        for gate in "ifo":
            for end in ("below", "above"):
                seeds = [row["gates"][gate][end] for row in rows]
                cells.append(f"{np.median(seeds):.0%} ({min(seeds):.0%} to {max(seeds):.0%})")
        table.append(f"| {start} | {' | '.join(cells)} |")
    shares = {start: between(stored, start) for start in having_learned(stored)}
    said = ", ".join(f"{np.median(seeds):.0%} from {start}" for start, seeds in shares.items())
    return "\n".join(table) + f"\n\nOf all values of all three gates, these lie between 0.05 and 0.95: {said}."


def between(stored, start):
    """(runs,): the share of all gate values of a network that lies between 0.05 and 0.95."""
    ends = [[sum(row["gates"][gate].values()) for gate in "ifo"] for row in trained(stored, start)]
    return 1 - np.mean(ends, axis=1)


def knives_figure(stored):
    """The alternative text of the figure of the knives: its first view in numbers."""
    found = {start: np.median(after(stored, start, "h")) for start in having_learned(stored)}
    said = ", ".join(f"{value:.2f} from {start}" for start, value in found.items())
    return (
        "Bars of the accuracy of trained networks after a part of them says nothing in the waits, one bar for each "
        f"start of the gates, with a ring for each network. With h silent the medians are {said}."
    )


def paths_figure(stored):
    """The alternative text of the figure of the two gradients."""
    lag = stored["settings"]["lags"][-1]
    said = ", ".join(f"{power(np.median(factors(stored, start)))} from {start}" for start in having_learned(stored))
    return (
        "The gradient at the cell state against the steps before the end, on a logarithmic scale: the whole and the "
        "direct path, as medians of the networks from one start, with their range. The whole over the direct path "
        f"{lag} steps back is {said}."
    )
