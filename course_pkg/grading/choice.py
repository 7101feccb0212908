"""Which of a submission's files holds the notebook."""

from course_pkg.checks.text import say
from course_pkg.grading import reading
from course_pkg.grading.assignment import CLOSED, defined
from course_pkg.grading.reading import Unreadable


def choose(source, assignment, files, sizes):
    """(file, notebook, notes, doubts): the file that holds this notebook. Raises Unreadable."""
    wanted = f"{source.name}.ipynb"
    if closed := sorted(name for name, size in sizes.items() if size == CLOSED):
        raise Unreadable(say("closed", files=", ".join(closed[:10])))
    if sizes.get(wanted) and wanted not in files:
        limit = reading.FILE_LIMIT / 2**20
        raise Unreadable(say("too large", file=wanted, size=sizes[wanted] / 2**20, limit=limit))
    others = {f"{n.name}.ipynb" for n in assignment.notebooks} - {wanted}
    candidates = {n: d for n, d in files.items() if n.lower().endswith(".ipynb") and n not in others}
    if not candidates:
        candidates = {n: d for n, d in files.items() if d.lstrip()[:1] == b"{" and b'"cells"' in d and n not in others}
    if not candidates:
        held = ", ".join(sorted({*files, *sizes} - {"timestamp.txt"})[:10])
        raise Unreadable(say("no notebook", files=held) if held else say("empty"))
    read, problems = {}, {}
    for name, data in candidates.items():
        try:
            read[name] = reading.read(name, data)
        except Unreadable as problem:
            problems[name] = problem
    if wanted in problems and not read:
        raise problems[wanted]
    if not read:
        raise next(iter(problems.values()))
    ranked = sorted(read, key=lambda n: (_belongs(source, read[n][0]), n == wanted, -len(n), n), reverse=True)
    best = wanted if wanted in read and _belongs(source, read[wanted][0])[0] else ranked[0]
    if not _belongs(source, read[best][0])[0]:
        raise Unreadable(say("other", file=best, assignment=assignment.name))
    notebook, notes = read[best]
    if best in problems or wanted in problems:
        notes = [*notes, str(problems.get(wanted, ""))]
    if best != wanted:
        notes = [*notes, say("renamed", file=best, name=wanted)]
    rivals = [n for n in ranked if n != best and _belongs(source, read[n][0])[0]]
    if not rivals:
        return best, notebook, notes, []
    if best == wanted or all(_answers(source, read[n][0]) == _answers(source, notebook) for n in rivals):
        return best, notebook, [*notes, say("several", count=len(rivals) + 1, file=best, others=", ".join(rivals))], []
    return best, notebook, notes, [say("ambiguous", file=best, others=", ".join(sorted([best, *rivals])))]


def _belongs(source, notebook):
    """(how many cells of the assignment a notebook holds, how many of them were worked on)."""
    names = {c.name: c for c in source.cells}
    labels = {label_of(c) for c in notebook.cells} | {c.get("id") for c in notebook.cells}
    functions = {name for c in notebook.cells if c.cell_type == "code" for name in defined(c.source)}
    wanted = {f for found in source.functions.values() for f in found}
    worked = sum(
        label_of(c) in names and names[label_of(c)].solution and c.source != names[label_of(c)].source
        for c in notebook.cells
    )
    return max(len(labels & set(names)), len(functions & wanted)), worked


def _answers(source, notebook):
    solutions = {c.name for c in source.cells if c.solution}
    return {label_of(c): c.source for c in notebook.cells if label_of(c) in solutions}


def label_of(cell):
    """The grade id of a cell, or None."""
    label = cell.metadata.get("nbgrader")
    name = label.get("grade_id") if isinstance(label, dict) else None
    return name if isinstance(name, str) else None
