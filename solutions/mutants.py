"""How sharp the hidden tests are: every solution is changed in many small ways, and each change should cost points.

    python solutions/mutants.py                  all assignments (as `nox -s mutants` does)
    python solutions/mutants.py 07-lstm          one
    python solutions/mutants.py --sample 40      40 mutants of each assignment, drawn at random
    python solutions/mutants.py --keep FILE      write the rows of these assignments into a table of all, with the date

Of a mutant's behaviour we ask two things. Does it differ from the solution on one of 200 drawn inputs that the hidden
tests do not use (other numbers, and other mixtures of their sizes)? If so, does it lose points in its own check? The
survivors, which differ and lose nothing, are printed with their line. A mutant that stops with an error on every
input is caught by any test at all, so the bar is held without those; so is one that never ends, which is not counted
either way. Every mutant runs in a forked process of its own with little time and memory, so this needs Linux or macOS.
"""

import argparse
import contextlib
import datetime
import os
import pickle
import resource
import signal
import sys
import types
import warnings
from pathlib import Path
from typing import NamedTuple
from unittest import mock

import author
import changes
import numpy as np

from course_pkg.checks import Report, generator
from course_pkg.checks.compare import call, map_arrays, quiet, same_call, zeroed
from course_pkg.checks.report import SEED_VARIABLE

BAR = 0.95  # of the mutants that behave differently, and do not only stop, must lose points
INPUTS = 200
SECONDS, MEMORY = 5, 1 << 30  # CPU time of a mutant, and what it may take beyond what the process holds, in bytes


class Target(NamedTuple):
    """One graded function, solved, and what it answers."""

    assignment: str
    name: str
    source: str  # of the student's cell, with the solution
    check: author.Cell
    namespace: dict  # everything solved
    report: Report
    asked: list  # what the hidden tests draw: dicts of `zero`, `scale` and `sizes`


class Outcome(NamedTuple):
    """What became of one mutant."""

    target: Target
    mutant: changes.Mutant
    # "same", "differs", "stops" (an error on every input), "endless" (out of time), or "unclear" (out of memory)
    behaviour: str
    caught: bool | None  # None where the behaviour is the same, endless or unclear


def targets(assignment):
    """The graded functions of an assignment. One that trains is left out: other numbers of its are as right."""
    asked, trained, cases = {}, set(), Report.cases

    def noted(report, zero=(), scale=1.0, sizes=None):
        asked.setdefault(report.name, []).append({"zero": zero, "scale": scale, "sizes": sizes or report._sizes})
        return cases(report, zero, scale, sizes)

    with (
        mock.patch.object(Report, "cases", noted),
        mock.patch.object(Report, "reaches", lambda report, bars, runs: trained.add(report.name)),
    ):
        namespace, graded = author.play(assignment)
    cells = author.read_cells(assignment)
    solved = {cell.name: cell.source for cell in cells if cell.kind == "solve"}
    return [
        Target(assignment, cell.name, solved[cell.name], cell, namespace, graded[cell.name].report, asked[cell.name])
        for cell in cells
        if cell.kind == "check" and cell.points and cell.name not in trained
    ]


def tested_function(target, namespace):
    """What the check of `target` tests when it runs in `namespace`."""
    return types.FunctionType(target.report._function.__code__, namespace)()


def drawn(target, count):
    """[(arguments, the solution's Call)], from a seed and from mixtures of sizes that the hidden tests do not use.

    Left out are arguments that the mixture of sizes makes senseless: the solution and the reference must agree.
    """
    with mock.patch.dict(os.environ, {SEED_VARIABLE: "mutants"}):
        rng = generator(target.name)
    solution, report, found = tested_function(target, target.namespace), target.report, []
    for k in range(20 * count):
        asked = target.asked[k % len(target.asked)]
        of_one_length = [s for s in asked["sizes"] if len(s) == len(asked["sizes"][0])]
        size = [column[rng.integers(len(column))] for column in zip(*of_one_length)]
        with quiet(), contextlib.suppress(Exception):
            case = map_arrays(lambda a, by=asked["scale"]: a * by, report._draw(rng, *size))
            for path in asked["zero"]:
                case = zeroed(case, path)
            made = call(solution, case)
            if not made.error and same_call(made, call(report._right, case)):
                found.append((case, made))
        if len(found) == count:
            return found
    raise ValueError(f"{target.name}: got {len(found)} inputs on which solution and reference agree, wanted {count}")


def limited(work):
    """What `work()` returns in a forked process; "endless" if its time ran out; None if anything else stopped it."""
    reading, writing = os.pipe()
    child = os.fork()
    if child == 0:
        with contextlib.suppress(BaseException):
            _limit()
            warnings.simplefilter("ignore")
            os.write(writing, pickle.dumps(work()))
        os._exit(0)
    os.close(writing)
    with os.fdopen(reading, "rb") as pipe:
        answer = pipe.read()
    status = os.waitpid(child, 0)[1]
    if answer:
        return pickle.loads(answer)
    return "endless" if os.WIFSIGNALED(status) and os.WTERMSIG(status) == signal.SIGXCPU else None


def _limit():
    signal.signal(signal.SIGALRM, signal.SIG_DFL)
    signal.alarm(40 * SECONDS)  # for one that waits
    resource.setrlimit(resource.RLIMIT_CPU, (SECONDS, SECONDS + 1))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    with contextlib.suppress(OSError, ValueError):  # only Linux tells what is held, and keeps to the limit
        with open("/proc/self/statm") as f:
            most = int(f.read().split()[0]) * resource.getpagesize() + MEMORY
        resource.setrlimit(resource.RLIMIT_AS, (most, most))


def mutated(target, mutant):
    """The namespace in which all is solved but `target`, which is the mutant."""
    namespace = dict(target.namespace)
    author.run_cell(mutant.source, namespace, f"<{target.name}>")
    return namespace


def behaviour(target, mutant, inputs):
    """How the mutant behaves on `inputs` from `drawn`: see Outcome."""
    function = tested_function(target, mutated(target, mutant))
    stopped = 0
    for case, made in inputs:
        theirs = call(function, case)
        stopped += theirs.error is not None
        if theirs.error is None and (stopped or not same_call(made, theirs)):
            return "differs"
    return "stops" if stopped == len(inputs) else "differs" if stopped else "same"


def loses_points(target, mutant):
    """Whether the mutant's own check gives it less than full marks. (Diagnoses are left out: they cost time only.)"""
    with (
        mock.patch.object(Report, "wrong", return_value=None),
        mock.patch.object(Report, "_diagnose", return_value=[]),
    ):
        graded = author.check(target.check, mutated(target, mutant))
    return not graded.score >= graded.points


def try_mutants(assignment, sample=None, inputs=INPUTS):
    """An Outcome for each mutant of an assignment, or for `sample` of them."""
    found = []
    for target in targets(assignment):
        found += [(target, mutant) for mutant in changes.mutants(target.source, target.namespace)]
    if sample and sample < len(found):
        rng = np.random.default_rng(0)
        found = [found[k] for k in sorted(rng.choice(len(found), sample, replace=False))]
    outcomes, name, cases = [], None, None
    for target, mutant in found:
        if target.name != name:
            name, cases = target.name, drawn(target, inputs)
        seen, caught = limited(lambda t=target, m=mutant, c=cases: behaviour(t, m, c)), None
        if seen in ("differs", "stops"):
            caught = limited(lambda t=target, m=mutant: loses_points(t, m))
        if "endless" in (seen, caught):
            seen, caught = "endless", None
        elif seen != "same" and caught is None:
            seen = "unclear"  # a fault of the machine would look the same, so it is not counted as caught
        outcomes.append(Outcome(target, mutant, seen, caught))
    return outcomes


def survivors(outcomes):
    """Those that behave differently and lose nothing."""
    return [outcome for outcome in outcomes if outcome.caught is False]


def share(outcomes, behaviours=("differs",)):
    """Of the mutants with such behaviours, how many are caught: a number from 0 to 1."""
    of = [outcome.caught for outcome in outcomes if outcome.behaviour in behaviours]
    return sum(of) / len(of) if of else 1.0


def table(outcomes):
    """A Markdown table: a row for each function, one for each assignment, and the total; then the survivors."""
    rows = [
        "| assignment | function | mutants | change behaviour | caught | percent | without stops | endless | unclear |",
        "| --- | --- | --: | --: | --: | --: | --: | --: | --: |",
    ]
    for assignment in dict.fromkeys(o.target.assignment for o in outcomes):
        here = [o for o in outcomes if o.target.assignment == assignment]
        for name in dict.fromkeys(o.target.name for o in here):
            rows.append(_row(assignment, name, [o for o in here if o.target.name == name]))
        rows.append(_row(assignment, "all", here))
    rows += [_row("total", "", outcomes), ""]
    for target, mutant, *_ in survivors(outcomes):
        rows.append(f"survives: {target.assignment} {target.name}: {mutant.kind}\n    {mutant.was}\n    {mutant.now}")
    return "\n".join(rows)


def _row(assignment, name, outcomes):
    changed = [o for o in outcomes if o.caught is not None]
    both, strict = share(outcomes, ("differs", "stops")), share(outcomes)
    endless, unclear = (sum(o.behaviour == which for o in outcomes) for which in ("endless", "unclear"))
    columns = (assignment, name, len(outcomes), len(changed), sum(o.caught for o in changed))
    return f"| {' | '.join(map(str, columns))} | {both:.1%} | {strict:.1%} | {endless} | {unclear} |"


KEPT = ("assignment", "mutants", "without an error", "of these lose points", "percent", "measured")


def keep(found, path):
    """Write a row for each assignment in `found` {name: outcomes} into the Markdown table at `path`, and the total."""
    lines = path.read_text(encoding="utf-8").splitlines() if path.exists() else []
    rows = {cells[0]: cells for cells in (line.strip("| ").split(" | ") for line in lines) if cells[0][:2].isdigit()}
    today = datetime.date.today().isoformat()
    for name, outcomes in found.items():
        differ = [o.caught for o in outcomes if o.behaviour == "differs"]
        rows[name] = [name, str(len(outcomes)), str(len(differ)), str(sum(differ)), f"{share(outcomes):.1%}", today]
    rows = [rows[name] for name in sorted(rows) if name in author.assignments()]
    sums = [sum(int(row[k]) for row in rows) for k in (1, 2, 3)]
    rows.append(["all", *map(str, sums), f"{sums[2] / max(sums[1], 1):.1%}", ""])
    rule = ["---", *["--:"] * (len(KEPT) - 1)]
    path.parent.mkdir(exist_ok=True)
    path.write_text("\n".join(f"| {' | '.join(row)} |" for row in (KEPT, rule, *rows)) + "\n", encoding="utf-8")


def main():
    """Print the table. The exit code is 1 where an assignment stays below the bar."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("assignments", nargs="*", help="which (default: all)")
    parser.add_argument("--sample", type=int, help="so many mutants of each, drawn at random (default: all mutants)")
    parser.add_argument("--keep", type=Path, metavar="FILE", help="put the result into this Markdown table")
    options = parser.parse_args()
    if options.sample and options.keep:
        parser.error("a sample is not kept")
    names = options.assignments or author.assignments()
    found = {name: try_mutants(name, options.sample) for name in names}
    print(table([outcome for outcomes in found.values() for outcome in outcomes]))
    if options.keep:
        keep(found, options.keep)
    return int(any(share(outcomes) < BAR for outcomes in found.values()))


if __name__ == "__main__":
    sys.exit(main())
