"""Help for authors of assignments: a notebook as plain text and back, and every message in one table.

    python solutions/author.py unpack 07-lstm            print the notebook as text
    python solutions/author.py pack 07-lstm draft.txt    make the notebook from such text
    python solutions/author.py tidy 07-lstm              put ids, metadata and outputs in order after JupyterLab
    python solutions/author.py messages 07-lstm          what an untouched cell and every wrong version are told

In the text a line `%% KIND NAME` begins a cell. Kinds: text; code; locked (code that every kernel needs: imports,
helpers); solve (the student's function NAME); check (its tests; `%% check NAME POINTS`); answer and plot (a written
answer and a figure's code, judged by hand; `%% answer NAME POINTS`). Keep the text out of `solutions/`: the notebook
is the source, and nbgrader hands every file beside it to students.
"""

import ast
import contextlib
import io
import linecache
import sys
from pathlib import Path
from typing import Any, NamedTuple

import nbformat

ROOT = Path(__file__).resolve().parent.parent
SOLUTIONS, EXERCISES = ROOT / "solutions", ROOT / "exercises"
METADATA = {
    "kernelspec": {"display_name": "Python 3", "language": "python", "name": "python3"},
    "language_info": {"name": "python"},
}
# kind: (cell type, nbgrader's grade, locked, solution)
KINDS = {
    "locked": ("code", False, True, False),
    "solve": ("code", False, False, True),
    "check": ("code", True, True, False),
    "answer": ("markdown", True, False, True),
    "plot": ("code", True, False, True),
}
GRADED = tuple(kind for kind, (_, grade, _, _) in KINDS.items() if grade)


class Cell(NamedTuple):
    """One cell of an assignment, in an author's terms."""

    kind: str
    name: str
    points: float | None
    source: str


class Graded(NamedTuple):
    """What one check cell said."""

    score: float
    points: float
    text: str
    report: Any


def assignments():
    """The names of all assignments, in order."""
    return sorted(path.parent.name for path in SOLUTIONS.glob("*/*.ipynb"))


def notebook_path(name, folder=SOLUTIONS):
    """Where the notebook of the assignment `name` is, in `solutions` or `exercises`."""
    return folder / name / f"{name}.ipynb"


def read_cells(name, folder=SOLUTIONS):
    """The cells of an assignment."""
    return [_cell(cell) for cell in nbformat.read(notebook_path(name, folder), as_version=4).cells]


def _cell(cell):
    grader = cell.metadata.get("nbgrader")
    if grader is None:
        return Cell("text" if cell.cell_type == "markdown" else "code", cell.id, None, cell.source)
    flags = (cell.cell_type, grader["grade"], grader["locked"], grader["solution"])
    kind = next(kind for kind, wanted in KINDS.items() if wanted[0] == flags[0] and wanted[1:] == flags[1:])
    name = grader["grade_id"].removeprefix("test_") if kind == "check" else grader["grade_id"]
    return Cell(kind, name, grader.get("points"), cell.source)


def to_notebook(cells):
    """The cells as a notebook, with stable ids and the metadata that nbgrader needs, and nothing else."""
    made = []
    for kind, name, points, source in cells:
        cell_type, *flags = KINDS.get(kind, ("markdown" if kind == "text" else "code",))
        new = nbformat.v4.new_markdown_cell if cell_type == "markdown" else nbformat.v4.new_code_cell
        grade_id = f"test_{name}" if kind == "check" else name
        metadata = {}
        if flags:
            grader = dict(zip(("grade", "locked", "solution"), flags), grade_id=grade_id, schema_version=3, task=False)
            metadata["nbgrader"] = grader if points is None else {**grader, "points": points}
        if kind == "check" and points:
            metadata["jupyter"] = {"source_hidden": True}  # folded: the report is to stand right below the function
        made.append(new(source.strip("\n"), id=grade_id, metadata=metadata))
    return nbformat.v4.new_notebook(cells=made, metadata=METADATA)


def unpack(cells):
    """The cells as text."""
    heads = (f"%% {c.kind} {c.name}" + ("" if c.points is None else f" {c.points:g}") for c in cells)
    return "\n\n".join(f"{head}\n{cell.source}" for head, cell in zip(heads, cells)) + "\n"


def pack(text):
    """The cells that `unpack` printed as `text`."""
    cells = []
    for part in ("\n" + text).split("\n%% ")[1:]:
        head, _, source = part.partition("\n")
        kind, name, *points = head.split()
        if kind not in (*KINDS, "text", "code") or bool(points) != (kind in GRADED):
            raise ValueError(f"cell: got {head!r}, wanted a kind and a name ({', '.join(GRADED)}: and points)")
        cells.append(Cell(kind, name, int(points[0]) if points else None, source.strip("\n")))
    return cells


def run_cell(source, namespace, filename="<cell>"):
    """Run a cell's source as a kernel would. Returns (value of the last expression or None, what was printed)."""
    tree, printed, value = ast.parse(source), io.StringIO(), None
    last = tree.body.pop() if tree.body and isinstance(tree.body[-1], ast.Expr) else None
    linecache.cache[filename] = (len(source), None, source.splitlines(keepends=True), filename)
    with contextlib.redirect_stdout(printed):
        exec(compile(tree, filename, "exec"), namespace)
        if last is not None:
            value = eval(compile(ast.Expression(last.value), filename, "eval"), namespace)
    return value, printed.getvalue()


def play(name, answers=None, folder=SOLUTIONS):
    """Run an assignment's locked cells, solutions and checks in one namespace, in this process.

    `answers` {function: source} stands in for the solution's cells; a cell that raises is passed over, as nbgrader
    does. `folder=EXERCISES` runs what students have. Returns (namespace, {function: Graded}).
    """
    namespace, graded = {"__name__": "__main__"}, {}
    for cell in read_cells(name, folder):
        source = (answers or {}).get(cell.name, cell.source) if cell.kind == "solve" else cell.source
        if cell.kind == "check":
            graded[cell.name] = check(cell, namespace)
        elif cell.kind == "locked":
            run_cell(source, namespace, f"<{cell.name}>")
        elif cell.kind == "solve":
            with contextlib.suppress(Exception):
                run_cell(source, namespace, f"<{cell.name}>")
    return namespace, graded


def check(cell, namespace):
    """Run one check cell."""
    namespace.pop("report", None)
    score, text = run_cell(cell.source, namespace, f"<check {cell.name}>")
    return Graded(score, cell.points, text, namespace.get("report"))


def wrong_versions(name):
    """Yield (check cell, namespace with everything solved but this function, wrong version) for all wrong versions."""
    namespace, graded = play(name)
    for cell in read_cells(name):
        if cell.kind == "check" and cell.points:
            for wrong in graded[cell.name].report.wrong_versions:
                yield cell, {**namespace, cell.name: wrong.function}, wrong


def messages(name):
    """A Markdown table: what untouched cells say, and what every wrong version is told.

    "Before grading" is what the visible check says first, and "graded" what the hidden tests add to that.
    """
    release = {cell.name: cell for cell in read_cells(name, EXERCISES) if cell.kind == "check"}
    rows = ["| function | version | points | before grading | graded |", "| --- | --- | --- | --- | --- |"]
    for function, graded in play(name, folder=EXERCISES)[1].items():
        rows.append(_row(function, "untouched", "", graded.text, ""))
    for cell, namespace, wrong in wrong_versions(name):
        before, after = check(release[cell.name], dict(namespace)), check(cell, dict(namespace))
        said, told = _reason(before.report) or before.text, _reason(after.report)
        told = ("" if told == said else told + "\n") + f"Diagnosis: {after.report.diagnosis}"
        rows.append(_row(cell.name, wrong.name, f"{after.score:g} of {after.points:g}", said, told))
    return "\n".join(rows)


def _reason(report):
    part = report.first_lost()
    return "" if part is None else "{}: {}\nThink: {}".format(part, *report.failures[part])


def _row(*columns):
    return "| " + " | ".join(text.strip().replace("|", "\\|").replace("\n", "<br>") for text in columns) + " |"


def main(command, name, *rest):
    """Run one command of this tool."""
    if command == "unpack":
        print(unpack(read_cells(name)), end="")
    elif command == "messages":
        print(messages(name))
    elif command in ("pack", "tidy"):
        cells = pack(Path(rest[0]).read_text(encoding="utf-8")) if command == "pack" else read_cells(name)
        path = notebook_path(name)
        path.parent.mkdir(parents=True, exist_ok=True)
        nbformat.write(to_notebook(cells), path)
    else:
        raise SystemExit(__doc__)


if __name__ == "__main__":
    main(*sys.argv[1:]) if len(sys.argv) > 2 else print(__doc__)
