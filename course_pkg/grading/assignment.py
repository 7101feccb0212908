"""What the grader knows of an assignment: plain values that can be sent to another process or machine."""

import ast
import builtins
import functools
import hashlib
import json
import os
import re
from pathlib import Path
from typing import NamedTuple

import nbformat

from course_pkg.checks.text import say

SOURCE_LIMIT = 300_000  # characters of a cell that is looked into
SIZE_LIMIT = 20 << 20  # bytes of one file of a submission
CLOSED = -1  # the size of a file that may not be read
FILE_LIMIT, FILES_LIMIT = 40 << 20, 80 << 20  # bytes of one file beside an assignment's notebooks; of all
MAGIC = re.compile(r"\s*(%|!|\?)|.*\?\s*$")


class NoAssignment(ValueError):
    """The assignment is not known; the text says what to do."""


class Source(NamedTuple):
    """One labelled cell of the assignment, as the gradebook has it: solutions taken out, hidden tests in."""

    name: str
    kind: str  # "code" or "markdown"
    source: str
    checksum: str
    locked: bool
    grade: bool
    solution: bool
    task: bool
    points: float | None
    released: str  # as students get it: hidden tests taken out

    @property
    def test(self):
        """Whether this is a test cell: locked, graded, run by the checker alone."""
        return self.kind == "code" and self.grade and not self.solution

    @property
    def shared(self):
        """Whether this is locked code that both kernels run."""
        return self.kind == "code" and self.locked and not self.grade and not self.solution


class Notebook(NamedTuple):
    """One notebook of an assignment."""

    name: str
    kernelspec: dict
    cells: list
    solved: str | None = None  # the source notebook, with its solutions, as JSON

    @property
    def functions(self):
        """{cell: names that its solution defines}."""
        return {c.name: defined(c.source) for c in self.cells if c.kind == "code" and c.solution}


class Assignment(NamedTuple):
    """An assignment, and how to grade it."""

    name: str
    notebooks: list
    files: dict  # {relative path: bytes} that stand beside the notebooks
    seed: str
    timeout: float = 60.0  # seconds for one cell
    preload: tuple = ("numpy", "matplotlib.pyplot")

    def pack(self):
        """Plain values."""
        notebooks = [(n.name, n.kernelspec, [tuple(c) for c in n.cells], n.solved) for n in self.notebooks]
        return {**self._asdict(), "notebooks": notebooks, "preload": list(self.preload)}

    @classmethod
    def unpack(cls, packed):
        """An assignment from what `pack` made."""
        notebooks = [Notebook(n, k, [Source(*c) for c in cells], s) for n, k, cells, s in packed["notebooks"]]
        return cls(**{**packed, "notebooks": notebooks, "preload": tuple(packed["preload"])})

    @property
    def digest(self):
        """Changes when anything changes that a grade depends on."""
        packed = self.pack()
        packed["notebooks"] = [notebook[:3] for notebook in packed["notebooks"]]  # nobody's grade hangs on the solution
        packed["files"] = {name: hashlib.sha256(data).hexdigest() for name, data in self.files.items()}
        return hashlib.sha256(json.dumps(packed, sort_keys=True).encode()).hexdigest()


@functools.lru_cache(maxsize=4096)
def defined(source):
    """The names that a cell defines at its top level; none for one that would take gigabytes to parse."""
    if len(source) > SOURCE_LIMIT:
        return ()
    try:
        tree = _parsed(source)
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return ()
    found = []
    for node in tree.body:
        if isinstance(node, (ast.FunctionDef, ast.ClassDef, ast.AsyncFunctionDef)):
            found.append(node.name)
        elif isinstance(node, ast.Assign):
            found += [t.id for t in node.targets if isinstance(t, ast.Name)]
    return tuple(found)


def _parsed(source):
    """The syntax tree of a cell, without IPython's own lines: %magics, !commands, and questions?"""
    try:
        return ast.parse(source)
    except SyntaxError:
        mine = [line for line in source.split("\n") if not MAGIC.match(line)]
        return ast.parse("\n".join(mine))


@functools.lru_cache(maxsize=4096)
def names(source):
    """(names that a cell reads anywhere, names that it gives a value anywhere)."""
    try:
        tree = _parsed(source)
    except SyntaxError:
        return frozenset(), frozenset()
    read, given = set(), set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Name):
            (read if isinstance(node.ctx, ast.Load) else given).add(node.id)
        elif isinstance(node, (ast.FunctionDef, ast.ClassDef, ast.AsyncFunctionDef)):
            given.add(node.name)
        elif isinstance(node, ast.alias):
            given.add((node.asname or node.name).partition(".")[0])
        elif isinstance(node, ast.arg):
            given.add(node.arg)
    return frozenset(read), frozenset(given)


def needed(trusted, theirs):
    """The names that trusted cells take from a student's kernel: what the student is to write, and what no trusted
    cell defines. Never a builtin, nor anything that a trusted cell gives a value: else a student could stand in for it.
    """
    read = set().union(*(names(source)[0] for source in trusted))
    given = set().union(*(names(source)[1] for source in trusted))
    return sorted(set(theirs) | (read - given - set(dir(builtins))))


def load(course, name, seed, timeout):
    """The assignment `name` of a CourseDirectory, from the gradebook. Raises NoAssignment."""
    from nbgrader.api import Gradebook, MissingEntry  # takes a second, which workers need not pay

    folder = Path(course.format_path(course.source_directory, ".", name))
    with Gradebook(course.db_url, course.course_id) as gradebook:
        try:
            entry = gradebook.find_assignment(name)
        except MissingEntry:
            known = ", ".join(sorted(a.name for a in gradebook.assignments)) or say("nobody")
            raise NoAssignment(say("no assignment", name=name, known=known)) from None
        notebooks = [_notebook(n, folder) for n in sorted(entry.notebooks, key=lambda n: n.name)]
    if not notebooks:
        raise NoAssignment(say("no notebooks", name=name))
    text = "\n".join(c.source for n in notebooks for c in n.cells)
    preload = ("numpy", "matplotlib.pyplot") + (("torch",) if "import torch" in text else ())
    return Assignment(name, notebooks, companions(folder, name), seed, timeout, preload)


def _notebook(entry, folder):
    from nbgrader.preprocessors import ClearHiddenTests

    grades = {c.name: c for c in entry.grade_cells}
    tasks = {c.name: c for c in entry.task_cells}
    solutions = {c.name for c in entry.solution_cells}
    clear = ClearHiddenTests()
    cells = []
    for cell in entry.source_cells:
        scored = grades.get(cell.name) or tasks.get(cell.name)
        node = nbformat.v4.new_code_cell(cell.source)
        clear._remove_hidden_test_region(node)
        cells.append(
            Source(
                cell.name,
                cell.cell_type,
                cell.source,
                cell.checksum,
                bool(cell.locked),
                cell.name in grades,
                cell.name in solutions,
                cell.name in tasks,
                None if scored is None else float(scored.max_score),
                node.source,
            )
        )
    order = _order(folder / f"{entry.name}.ipynb")
    cells.sort(key=lambda c: order.get(c.name, len(order)))
    path = folder / f"{entry.name}.ipynb"
    solved = path.read_text(encoding="utf-8") if path.exists() else None
    return Notebook(entry.name, json.loads(entry.kernelspec or "{}"), cells, solved)


def _order(path):
    """{cell: place} in the source notebook; the gradebook does not promise an order."""
    if not path.exists():
        return {}
    cells = nbformat.read(path, as_version=4).cells
    names = [c.metadata.get("nbgrader", {}).get("grade_id") for c in cells]
    return {name: place for place, name in enumerate(names) if name}


def companions(folder, assignment):
    """{relative path: bytes} of the files beside an assignment's notebooks. Raises NoAssignment for too large ones."""
    found, total = {}, 0
    for base, folders, files in os.walk(folder):
        folders[:] = [f for f in folders if not f.startswith((".", "__pycache__"))]
        for file in files:
            path = Path(base) / file
            if path.suffix == ".ipynb" or file.startswith("."):
                continue
            name, size = path.relative_to(folder).as_posix(), path.stat().st_size
            total += size
            if size > FILE_LIMIT or total > FILES_LIMIT:
                limits = {"limit": FILE_LIMIT / 2**20, "total": FILES_LIMIT / 2**20}
                raise NoAssignment(say("companions too large", name=assignment, file=name, size=size / 2**20, **limits))
            found[name] = path.read_bytes()
    return found
