"""A submission's files to a notebook that can be run and scored, with a status and its reasons.

The cells of the assignment are found by their labels, else by their ids, their text or the functions in them. At the
end every cell of the assignment is there once, labelled as it was handed out, in the assignment's order; the student's
own cells stand where they stood, after the cell that they followed.
"""

import difflib
from pathlib import PurePosixPath
from typing import Any, NamedTuple

import nbformat
from nbgrader import utils

from course_pkg.checks.text import say
from course_pkg.grading import reading
from course_pkg.grading.assignment import defined
from course_pkg.grading.choice import choose, label_of
from course_pkg.grading.reading import Unreadable
from course_pkg.grading.status import ATTENTION, GRADED, REPAIRED, UNREADABLE


class Taken(NamedTuple):
    """What came in. `notebook` is None when `status` says unreadable."""

    status: str
    reasons: list  # [(cell name or "", sentence)]
    notebook: Any
    files: dict  # {name: bytes} that the student's code may read


def take(source, assignment, files, sizes=None):
    """Take in a submission for one notebook of an assignment.

    source   an assignment.Notebook
    files    {relative name: bytes}; `sizes` {name: bytes} of those that were too large to be read at all
    """
    try:
        files, notes = reading.unzip(files)
        name, notebook, more, doubt = choose(source, assignment, files, sizes or {})
    except Unreadable as problem:
        return Taken(UNREADABLE, [("", str(problem))], None, {})
    intake = _Intake(source, notebook)
    intake.run()
    reasons = [("", text) for text in notes + more] + intake.repaired
    trouble = [("", text) for text in doubt] + intake.trouble
    status = ATTENTION if trouble else REPAIRED if reasons else GRADED
    beside = {n: d for n, d in files.items() if not n.lower().endswith(".ipynb") and n != name}
    beside.pop("timestamp.txt", None)
    return Taken(status, trouble + reasons, intake.notebook, beside)


class _Intake:
    """Finds, mends and orders the cells of one notebook."""

    def __init__(self, source, notebook):
        self.source, self.notebook = source, notebook
        self.known = {c.name: c for c in source.cells}
        self.repaired, self.trouble = [], []  # [(cell, sentence)]

    def run(self):
        self._kernel()
        self._labels()
        self._identify()
        for cell in self.source.cells:
            self._single(cell)
        self._restore()
        self._order()
        for cell in self.notebook.cells:
            if label_of(cell) in self.known:
                self._reset(cell, self.known[label_of(cell)])
        self.notebook.metadata = nbformat.from_dict({"kernelspec": self.source.kernelspec})
        self.notebook.metadata["language_info"] = {"name": "python"}

    def _note(self, cell, key, **values):
        self.repaired.append((cell, say(key, **values)))

    def _found(self, name):
        return [c for c in self.notebook.cells if label_of(c) == name]

    def _kernel(self):
        spec = self.notebook.metadata.get("kernelspec")
        got = spec.get("name") if isinstance(spec, dict) else None
        want = self.source.kernelspec.get("name")
        language = spec.get("language", "python") if isinstance(spec, dict) else "python"
        if got and want and got != want and language != self.source.kernelspec.get("language", "python"):
            self._note("", "kernel", got=got, want=want)

    def _labels(self):
        """Labels that the assignment does not know mean nothing here, and would stop nbgrader."""
        unknown = 0
        for cell in self.notebook.cells:
            if "nbgrader" in cell.metadata and label_of(cell) not in self.known:
                unknown += label_of(cell) is not None
                del cell.metadata["nbgrader"]
        if unknown:
            self._note("", "unknown label", count=unknown)

    def _identify(self):
        """Give labels back to cells that lost them."""
        for want in self.source.cells:
            if self._found(want.name):
                continue
            free = [c for c in self.notebook.cells if label_of(c) is None]
            functions = set(self.source.functions.get(want.name, ()))
            ways = {
                "by id": lambda c, want=want: c.get("id") == want.name,
                "by text": lambda c, want=want: not want.solution and _alike(c.source, want.released),
                "by function": lambda c, functions=functions: (
                    functions and c.cell_type == "code" and functions <= set(defined(c.source))
                ),
            }
            for how, fits in ways.items():
                cell = next((c for c in reversed(free) if fits(c)), None)
                if cell is not None:
                    cell.metadata["nbgrader"] = nbformat.from_dict({"grade_id": want.name})
                    self._note(want.name, "identified", name=want.name, how=say(how))
                    break
        for want in self.source.cells:
            if want.kind == "markdown" and not self._found(want.name):
                self._identify_by_place(want)

    def _identify_by_place(self, want):
        """A written answer has nothing to know it by but where it stands, if one cell alone stands there."""
        names = [c.name for c in self.source.cells]
        before = set(names[: names.index(want.name)])
        labels = [label_of(c) for c in self.notebook.cells]
        start = max((i + 1 for i, label in enumerate(labels) if label in before), default=0)
        end = next((i for i in range(start, len(labels)) if labels[i] in self.known), len(labels))
        free = [c for c in self.notebook.cells[start:end] if c.cell_type == "markdown"]
        if len(free) == 1:
            free[0].metadata["nbgrader"] = nbformat.from_dict({"grade_id": want.name})
            self._note(want.name, "identified", name=want.name, how=say("by place"))

    def _single(self, want):
        """Leave one cell with this label."""
        found = self._found(want.name)
        if len(found) < 2:
            return
        if not want.solution:
            same = [c for c in found if c.source == want.released]
            kept = (same or found)[0]
            self._drop([c for c in found if c is not kept])
            self._note(want.name, "duplicate locked", name=want.name, count=len(found))
            return
        written = [c for c in found if c.source.strip() != want.source.strip() and c.source.strip()]
        if want.kind == "code":
            self._drop([c for c in found if c not in written and c is not found[-1]] if written else found[:-1])
            if written and found[-1] not in written:
                self._drop([found[-1]])
            functions = set(self.source.functions.get(want.name, ()))
            best = [c for c in written if functions <= set(defined(c.source))] or written or found
            kept = best[-1]
            key = "duplicate" if len({c.source for c in written}) > 1 else "duplicate same"
        else:
            kept = max(written or found, key=lambda c: len(c.source))
            key = "duplicate text"
        self._note(want.name, key, name=want.name, count=len(found))
        for cell in self._found(want.name):
            if cell is not kept:
                del cell.metadata["nbgrader"]

    def _drop(self, cells):
        self.notebook.cells = [c for c in self.notebook.cells if not any(c is d for d in cells)]

    def _restore(self):
        """Put back what is missing, after the cell that it follows in the assignment."""
        everything = {n for c in self.notebook.cells if c.cell_type == "code" for n in defined(c.source)}
        before = None
        for want in self.source.cells:
            found = self._found(want.name)
            if not found:
                cell = reading.new_cell(want.kind, want.source if not want.solution or want.kind == "markdown" else "")
                cell.metadata["nbgrader"] = nbformat.from_dict({"grade_id": want.name})
                place = 0 if before is None else next(i for i, c in enumerate(self.notebook.cells) if c is before) + 1
                self.notebook.cells.insert(place, cell)
                found = [cell]
                self._say_missing(want, everything)
            before = found[0]

    def _say_missing(self, want, everything):
        functions = self.source.functions.get(want.name, ())
        if not want.solution and not want.task:
            self._note(want.name, "restored", name=want.name)
        elif want.kind == "markdown":
            self.trouble.append((want.name, say("missing answer", name=want.name)))
        elif functions and set(functions) <= everything:
            self._note(want.name, "elsewhere", name=want.name)
        else:
            self.trouble.append((want.name, say("missing", name=want.name)))

    def _order(self):
        """The assignment's cells in its order, each with the student's own cells that followed it."""
        names = [c.name for c in self.source.cells]
        groups, head = [], []
        for cell in self.notebook.cells:
            if label_of(cell) in self.known:
                groups.append([cell])
            else:
                (groups[-1] if groups else head).append(cell)
        ordered = sorted(groups, key=lambda g: names.index(label_of(g[0])))
        if ordered != groups:
            self._note("", "moved")
            self.notebook.cells = head + [c for group in ordered for c in group]

    def _reset(self, cell, want):
        """A cell as the assignment labels it; its text too, unless it is the student's to write."""
        if cell.cell_type != want.kind:
            self._note(want.name, "kind changed", name=want.name, got=cell.cell_type, want=want.kind)
            cell.cell_type = want.kind
            for key in ("outputs", "execution_count", "attachments"):
                cell.pop(key, None)
            if want.kind == "code":
                cell.update(outputs=[], execution_count=None)
        label, older = cell.metadata["nbgrader"], _older(cell, want)
        if not older and any(
            key in label and label[key] != getattr(want, key) for key in ("points", "solution", "grade")
        ):
            self._note(want.name, "settings", name=want.name)
        if not want.solution and not want.task:
            if not older and cell.source.strip() not in (want.released.strip(), want.source.strip()):
                self._note(want.name, "edited", name=want.name)
            cell.source = want.source
        fresh = {"grade_id": want.name, "schema_version": 3, "checksum": want.checksum, "cell_type": want.kind}
        fresh |= {"grade": want.grade, "locked": want.locked, "solution": want.solution, "task": want.task}
        if want.points is not None:
            fresh["points"] = want.points
        cell.metadata["nbgrader"] = nbformat.from_dict(fresh)


def _older(cell, want):
    """Whether a cell is as an earlier release of the assignment had it: its checksum fits its own text and points.

    The instructor has changed the assignment since, and nobody is to blame. A student could forge this, for nothing:
    the cell is graded as it is now.
    """
    label = {"locked": want.locked, **cell.metadata["nbgrader"]}
    if "checksum" not in label or not {"grade", "solution"} <= set(label):
        return False
    text = cell.source if not want.solution else want.released
    made = reading.new_cell(cell.cell_type, text, {"nbgrader": label})
    try:
        return utils.compute_checksum(made) == label["checksum"]
    except (KeyError, ValueError, TypeError):
        return False


def _alike(a, b):
    if a.strip() == b.strip():
        return True
    longer = max(len(a), len(b))
    if not a.strip() or not b.strip() or min(len(a), len(b)) < 0.7 * longer or longer > 20_000:
        return False
    return difflib.SequenceMatcher(None, a.splitlines(), b.splitlines()).ratio() > 0.8


def safe_files(files):
    """Names that stay inside the folder they are written to."""
    return {reading.safe_name(str(PurePosixPath(name))): data for name, data in files.items()}
