"""How fair the points are: what a slip costs where it is not, and whether a score hangs on the seed.

    python solutions/fairness.py slips [NAME ...]             each wrong version beside all the other functions, solved
    python solutions/fairness.py seeds [--seeds N] [NAME ...] each wrong version under N seeds (20)
    python solutions/fairness.py own [NAME ...]               what each wrong version loses in its own function

`slips` puts a known wrong version in the place of one function and grades all others of its notebook, which are right.
They should lose nothing. `seeds` grades every wrong version under many seeds. All scores should be equal. The exit
code is 1 where that is not so.
"""

import argparse
import os
import sys
from collections import Counter
from unittest import mock

import author

from course_pkg.checks import Report
from course_pkg.checks.report import SEED_VARIABLE

DIAGNOSES = ("_diagnose", lambda report: [])  # they cost time and no points


def _cells(name):
    return [cell for cell in author.read_cells(name) if cell.kind == "check" and cell.points]


def slips(name, most=None):
    """[(function, version, {other function: points lost there})] of an assignment's known wrong versions.

    most  how many versions of a function to try, evenly taken from all; None for all
    """
    namespace, graded = author.play(name)
    cells, found = _cells(name), []
    with mock.patch.object(Report, *DIAGNOSES):
        for cell in cells:
            right = namespace[cell.name]
            others = [other for other in cells if other is not cell and cell.name in _reached(namespace, other.name)]
            versions = graded[cell.name].report.wrong_versions if others else []
            for wrong in versions[:: max(1, len(versions) // most)][:most] if most else versions:
                namespace[cell.name] = wrong.function
                author.check(cell, namespace)  # the grader, too, comes by here first
                losses = {other.name: other.points - author.check(other, namespace).score for other in others}
                found.append((cell.name, wrong.name, {other: loss for other, loss in losses.items() if loss}))
            namespace[cell.name] = right
            author.check(cell, namespace)
    return found


def _reached(namespace, name):
    """The names of the notebook's functions that a function calls, at once or by way of others."""
    found, left = set(), [name]
    while left:
        code = getattr(namespace[left.pop()], "__code__", None)
        new = {n for n in _names(code) if n not in found and hasattr(namespace.get(n), "__code__")} if code else set()
        found |= new
        left += new
    return found


def _names(code):
    """The names that a function's code looks up, those of the functions inside it too."""
    inner = (constant for constant in code.co_consts if hasattr(constant, "co_names"))
    return set(code.co_names).union(*map(_names, inner))


def scores(name, seed):
    """{(function, version): (points, the parts that are lost)} of an assignment under a seed."""
    with mock.patch.dict(os.environ, {SEED_VARIABLE: seed}), mock.patch.object(Report, *DIAGNOSES):
        found = {}
        for cell, namespace, wrong in author.wrong_versions(name):
            graded = author.check(cell, namespace)
            found[cell.name, wrong.name] = graded.score, tuple(graded.report.failures)
    return found


def uneven(name, seeds):
    """{(function, version): Counter of (points, lost parts)} of those whose points are not the same under all seeds."""
    found = {}
    for seed in seeds:
        for key, score in scores(name, seed).items():
            found.setdefault(key, Counter())[score] += 1
    return {key: counted for key, counted in found.items() if len({points for points, _ in counted}) > 1}


def _print_slips(names):
    rows, wrong = ["| assignment | versions of called functions | cost elsewhere | points elsewhere |"], []
    rows.append("| --- | --: | --: | --: |")
    total = Counter()
    for name in names:
        found = slips(name)
        costly = [(name, *entry) for entry in found if entry[2]]
        told = Counter(tried=len(found), costly=len(costly), points=sum(sum(entry[3].values()) for entry in costly))
        rows.append(f"| {name} | {told['tried']} | {told['costly']} | {told['points']:g} |")
        total.update(told)
        wrong += costly
    print("\n".join([*rows, f"| all | {total['tried']} | {total['costly']} | {total['points']:g} |", ""]))
    for name, function, version, losses in wrong:
        print(f"{name} {function}/{version}: " + ", ".join(f"{other} -{loss:g}" for other, loss in losses.items()))
    return bool(wrong)


def _print_seeds(names, count):
    wrong = False
    for name in names:
        found = uneven(name, [f"seed {k}" for k in range(count)])
        print(f"{name}: {len(found)} of the wrong versions earn other points with another seed", flush=True)
        for (function, version), counted in found.items():
            for (points, lost), times in sorted(counted.items()):
                print(f"    {function}/{version}: {points:g} points, {times} times; lost: {', '.join(lost)}")
        wrong |= bool(found)
    return wrong


def _print_own(names):
    for name in names:
        points = {cell.name: cell.points for cell in _cells(name)}
        for (function, version), (score, lost) in scores(name, "0").items():
            print(
                f"{name} {function}/{version}: -{points[function] - score:g} of {points[function]:g}: {', '.join(lost)}"
            )
    return False


def main():
    """Print what is asked for."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("what", choices=["slips", "seeds", "own"])
    parser.add_argument("assignments", nargs="*", help="which (default: all)")
    parser.add_argument("--seeds", type=int, default=20)
    options = parser.parse_intermixed_args()
    names = options.assignments or author.assignments()
    if options.what == "seeds":
        return int(_print_seeds(names, options.seeds))
    return int(_print_slips(names) if options.what == "slips" else _print_own(names))


if __name__ == "__main__":
    sys.exit(main())
