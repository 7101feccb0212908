"""Naming a known mistake by what it answers.

`known/NN-name.json` holds, for each function of an assignment, what its known wrong versions answer on a few telling
cases (as fingerprints: see `fingerprints`), in which places they are wrong, and the sentence that names the mistake.
`python solutions/mistakes.py` writes it. No code is in it, and no hidden case: all cases follow from the visible check.
Where a wrong version is right, its fingerprint is that of the right answer. From an array of up to four numbers it can
be worked out, from a larger one not. Grading draws its own numbers, so that knowing these earns nothing.
"""

import functools
import json
from pathlib import Path
from typing import NamedTuple

from course_pkg.checks.compare import arrays
from course_pkg.checks.fingerprints import CARE, alike, fingerprint, numbers_of, telling_cases
from course_pkg.checks.text import TEXT

STOPS = "stops"  # the place of a mistake that shows as an error alone
FOLDER = Path(__file__).with_name("known")


class Mistake(NamedTuple):
    """A known mistake, as it is recognised."""

    says: str  # what to tell the student
    wrong: list  # the places in which its answers are wrong
    answers: list  # its fingerprint on each of the telling cases


@functools.cache
def assignments():
    """What is known of every assignment: [{"yours": names, "given": names, "functions": {name: ...}}]."""
    return [json.loads(path.read_text(encoding="utf-8")) for path in sorted(FOLDER.glob("*.json"))]


@functools.cache
def given(name):
    """The functions and classes that assignments with a function `name` give to students."""
    return {inner for a in assignments() if name in a["functions"] for inner in a["given"]}


def inputs_of(case):
    """A few numbers that stand for the arguments of a case."""
    return [[name, list(a.shape), *numbers_of(a)] for name, a in arrays(case).items() if a.dtype.kind in "biuf"]


def telling(name, visible):
    """([(case, its place)], [Mistake]) of the function `name`, if its visible cases are those of an assignment."""
    cases = telling_cases(visible)
    for assignment in assignments():
        entry = assignment["functions"].get(name)
        if entry and all(k < len(cases) and _same_inputs(wanted, cases[k]) for k, wanted in entry["cases"]):
            return [cases[k] for k, _ in entry["cases"]], [Mistake(**version) for version in entry["versions"]]
    return [], []


def _same_inputs(wanted, case):
    got = inputs_of(case)
    return len(got) == len(wanted) and all(a[0] == b[0] and alike(a[1:], b[1:]) for a, b in zip(wanted, got))


def name_mistakes(answers, mistakes):
    """The sentences of the mistakes that explain what a function answered on the telling cases.

    A mistake is recognised where all the arrays that it makes wrong are what the function returned. So two mistakes
    in two arrays are both named. Those that make more arrays wrong come first, and one that explains nothing more is
    left out. Mistakes that give the same answers in all cases cannot be told apart; then all of them are returned.
    Where other arrays are wrong as well and nothing explains them, one unknown mistake may have made them all; so
    what is named is only said to be possible.

    Returns a list with a list of sentences for each mistake: more than one where they cannot be told apart.
    """
    fits = [m for m in mistakes if m.wrong and _explains(m, answers)]
    fits.sort(key=lambda m: (-(m.answers == answers), -len(m.wrong)))
    named, found, explained = [], [], set()
    for mistake in fits:
        if not explained & set(mistake.wrong):
            same = [m for m in fits if m.wrong == mistake.wrong and _alike_everywhere(m, mistake)]
            named.append([m.says for m in same])
            found.append(mistake)
            explained |= set(mistake.wrong)
    if any(_differs_elsewhere(mistake, explained, answers) for mistake in found):
        named = [[TEXT["partly"].format(message=first), *others] for first, *others in named]
    return named


def _differs_elsewhere(mistake, explained, answers):
    """Whether the answers differ from those of `mistake` in a place that is not explained: it is right there."""
    for theirs, ours in zip(mistake.answers, answers):
        if "error" not in theirs and "error" not in ours:
            places = {**theirs, **ours}.keys() - explained
            if any(p not in theirs or p not in ours or not _same_at(p, theirs, ours) for p in places):
                return True
    return False


def _explains(mistake, answers):
    if STOPS in mistake.wrong:  # it answers nothing, so all else must agree
        return any("error" not in a for a in answers) and all(map(same, mistake.answers, answers))
    seen = False
    for theirs, ours in zip(mistake.answers, answers):
        if "error" in theirs or "error" in ours:
            if theirs.get("error") != ours.get("error"):
                return False
            continue
        if not all(_same_at(place, theirs, ours) for place in mistake.wrong):
            return False
        seen = True
    return seen


def _same_at(place, one, other):
    a, b = one.get(place), other.get(place)
    return a == b if place == CARE or a is None or b is None else alike(a, b)


def _alike_everywhere(one, other):
    return all(map(same, one.answers, other.answers))


def same(one, other):
    """Whether two fingerprints cannot be told apart."""
    if "error" in one or "error" in other:
        return one.get("error") == other.get("error")
    return one.keys() == other.keys() and all(_same_at(place, one, other) for place in one)


def wrong_places(answers, right):
    """The places in which a function's answers differ from the right ones, in order."""
    places = {}
    for ours, theirs in zip(answers, right):
        if "error" in ours or "error" in theirs:
            places |= {STOPS: None} if ours.get("error") != theirs.get("error") else {}
        else:
            places |= {p: None for p in {**ours, **theirs} if not _same_at(p, ours, theirs)}
    found = list(places)
    return [p for p in found if p != STOPS] or found


def answers_of(function, cases, returns):
    """The fingerprints of a function on the telling cases."""
    return [fingerprint(function, case, returns) for case in cases]
