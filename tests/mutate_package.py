"""How sharp the package's tests are: its numerics are changed in many small ways, and each change should fail a test.

    python tests/mutate_package.py                     every mutant of every module below; takes days
    python tests/mutate_package.py optim trees         these
    python tests/mutate_package.py --sample 30         30 mutants of each module, drawn at random with a fixed seed
    python tests/mutate_package.py --keep FILE         write the rows into this Markdown table of all, with the date

The changes are those of `solutions/changes.py`. For each one, a forked process puts the changed source in the place
of the module and runs the module's own test files until the first failure. Survivors are printed with their line:
each is a test that is missing, or a change that changes nothing. One that never ends is cut off and counts as neither.
This needs Linux or macOS. What tests import is imported once, before the forking: then a mutant of `trees` costs half a
second of processor time, and 764 of them some seven minutes.
"""

import argparse
import ast
import contextlib
import datetime
import importlib
import importlib.abc
import io
import os
import signal
import sys
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pytest

ROOT = Path(__file__).resolve().parents[1]
sys.path[:0] = [str(ROOT / "solutions"), str(ROOT / "tests"), str(ROOT / "book" / "_ext")]
import changes  # noqa: E402

TESTS = {  # module: the files that test it, the quickest first
    "cells": ["test_cells.py", "test_bptt.py"],
    "bptt": ["test_bptt.py"],
    "layers": ["test_layers.py"],
    "attention": ["test_attention.py"],
    "optim": ["test_optim.py"],
    "encoder_decoder": ["test_encoder_decoder.py"],
    "models": ["test_models.py"],
    "padded": ["test_stacks.py", "test_models.py"],
    "gradcheck": ["test_gradcheck.py"],
    "trees": ["test_trees.py"],
    "train": ["test_train.py"],
    "baselines": ["test_baselines.py"],
    "forecasts": ["test_forecasts.py"],
    "activations": ["test_activations.py"],
    "tasks.memory": ["test_tasks.py"],
    "tasks.series": ["test_tasks.py"],
    "experiments.verdicts": ["test_verdicts.py"],
}
SECONDS = 300  # of waiting for one mutant
COLUMNS = ("module", "mutants tried", "caught", "survive", "endless", "percent", "measured")


class Mutant(NamedTuple):
    """One change of a module: what it is, in which line, and the whole source with it."""

    kind: str
    where: str
    was: str
    now: str
    source: str


class Said(ast.NodeTransformer):
    """Takes out what is said to readers and never run: docstrings and the types of arguments and results."""

    def visit_FunctionDef(self, node):
        """A function without them."""
        self.generic_visit(node)
        node.returns = None
        if ast.get_docstring(node, clean=False) is not None:
            node.body = node.body[1:] or [ast.Pass()]
        return node

    def visit_arg(self, node):
        """An argument without its type."""
        node.annotation = None
        return node


def run_part(source):
    """What of a source is run, as text. A change outside of it is none; `pass` in a docstring's place is outside."""
    tree = Said().visit(ast.parse(source))
    for node in ast.walk(tree):
        if isinstance(node, ast.FunctionDef) and len(node.body) > 1:
            node.body = [part for part in node.body if not isinstance(part, ast.Pass)] or [ast.Pass()]
    return ast.dump(tree)


def mutants(module):
    """Every Mutant of a module's functions and constants that changes what is run."""
    path = ROOT / "course_pkg" / f"{module.replace('.', '/')}.py"
    source = path.read_text(encoding="utf-8")
    lines, found = source.splitlines(keepends=True), []
    namespace = vars(importlib.import_module(f"course_pkg.{module}"))
    for node in ast.parse(source).body:
        if not isinstance(node, (ast.FunctionDef, ast.Assign)):
            continue
        first = min([node.lineno, *(d.lineno for d in getattr(node, "decorator_list", []))]) - 1
        piece = "".join(lines[first : node.end_lineno])
        as_it_is = run_part(piece)
        # The markers between which `changes` looks, as in a solution.
        for change in changes.mutants(f"### BEGIN\n{piece}\n### END\n", namespace):
            whole = "".join([*lines[:first], change.source + "\n", *lines[node.end_lineno :]])
            name = getattr(node, "name", "constants")
            with contextlib.suppress(SyntaxError):  # some changes are no Python, and are none
                if run_part(change.source) != as_it_is:
                    found.append(Mutant(change.kind, f"{name} (line {node.lineno})", change.was, change.now, whole))
    return found


class Changed(importlib.abc.MetaPathFinder, importlib.abc.SourceLoader):
    """Loads one module of the package from a changed source."""

    def __init__(self, module, source):
        self.name, self.source = f"course_pkg.{module}", source
        self.path = str(ROOT / "course_pkg" / f"{module.replace('.', '/')}.py")

    def find_spec(self, fullname, path=None, target=None):
        if fullname == self.name:
            return importlib.util.spec_from_loader(fullname, self, origin=self.path)
        return None

    def get_filename(self, fullname):
        return self.path

    def get_data(self, path):
        return self.source.encode()


def forget_ours():
    """Let the package and its tests be imported anew; a test that is remembered would go on with what it had."""
    ours = [str(ROOT / folder) + os.sep for folder in ("course_pkg", "tests")]
    for name, module in list(sys.modules.items()):
        if name != "__main__" and str(getattr(module, "__file__", None)).startswith(tuple(ours)):
            del sys.modules[name]


def caught(module, source):
    """True if a test fails with this source of the module, False if all pass, None if they do not end."""
    child = os.fork()
    if child == 0:
        code = 1
        with contextlib.suppress(BaseException):
            signal.alarm(SECONDS)
            silence = os.open(os.devnull, os.O_WRONLY)
            os.dup2(silence, 1)
            os.dup2(silence, 2)
            forget_ours()
            sys.meta_path.insert(0, Changed(module, source))
            files = [str(ROOT / "tests" / name) for name in TESTS[module]]
            code = int(pytest.main(["-q", "-x", "-p", "no:cacheprovider", "--no-header", *files]))
        os._exit(code)
    status = os.waitpid(child, 0)[1]
    if os.WIFSIGNALED(status) and os.WTERMSIG(status) == signal.SIGALRM:
        return None
    return status != 0


def warm(module):
    """Import here what the module's tests import, which a forked process then has."""
    files = [str(ROOT / "tests" / name) for name in TESTS[module]]
    with contextlib.redirect_stdout(io.StringIO()):
        pytest.main(["-q", "--collect-only", "-p", "no:cacheprovider", *files])


def try_module(module, sample=None, report=print):
    """[(mutant, caught)] for every mutant of a module, or for a sample; survivors are reported as they are found."""
    source = (ROOT / "course_pkg" / f"{module.replace('.', '/')}.py").read_text(encoding="utf-8")
    warm(module)
    if caught(module, source) is not False:
        raise SystemExit(f"{module}: its tests fail or do not end as it stands, so they can tell nothing")
    if caught(module, source + "\nraise RuntimeError\n") is not True:
        raise SystemExit(f"{module}: its tests do not see that its source was changed")
    found = mutants(module)
    if sample and sample < len(found):
        rng = np.random.default_rng(0)
        found = [found[k] for k in sorted(rng.choice(len(found), sample, replace=False))]
    outcomes = []
    for mutant in found:
        outcomes.append((mutant, caught(module, mutant.source)))
        if not outcomes[-1][1]:
            how = "survives" if outcomes[-1][1] is False else "does not end"
            report(f"{how}: {module}.{mutant.where}: {mutant.kind}\n    {mutant.was}\n    {mutant.now}", flush=True)
    return outcomes


def row(module, outcomes):
    """The cells of a module's line in the table."""
    dead, alive, endless = (sum(o is which for _, o in outcomes) for which in (True, False, None))
    share = f"{dead / max(dead + alive, 1):.1%}"
    return [module, *map(str, (len(outcomes), dead, alive, endless)), share, datetime.date.today().isoformat()]


def keep(rows, path):
    """Put rows into the Markdown table at `path`; those of other modules stay."""
    lines = path.read_text(encoding="utf-8").splitlines()[2:] if path.exists() else []
    table = {cells[0]: cells for cells in (line.strip("| ").split(" | ") for line in lines)}
    table |= {cells[0]: cells for cells in rows}
    rule = ["---", *["--:"] * (len(COLUMNS) - 1)]
    wanted = [COLUMNS, rule, *(table[name] for name in TESTS if name in table)]
    path.write_text("".join(f"| {' | '.join(cells)} |\n" for cells in wanted), encoding="utf-8", newline="\n")


def main():
    """Print the survivors and the table. The exit code is 1 where there are survivors."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("modules", nargs="*", help=f"which (default: all): {', '.join(TESTS)}")
    parser.add_argument("--sample", type=int, help="so many mutants of each, drawn at random (default: all mutants)")
    parser.add_argument("--keep", type=Path, metavar="FILE", help="put the rows into this Markdown table")
    options = parser.parse_args()
    for module in options.modules:
        if module not in TESTS:
            parser.error(f"no module {module}; there are {', '.join(TESTS)}")
    with contextlib.suppress(ImportError):
        import torch  # noqa: F401  (once here, and not in every forked process)
    rows = []
    for module in options.modules or TESTS:
        rows.append(row(module, try_module(module, options.sample)))
        print(" | ".join(rows[-1]), flush=True)
        if options.keep:
            keep(rows[-1:], options.keep)
    return int(any(cells[3] != "0" for cells in rows))


if __name__ == "__main__":
    sys.exit(main())
