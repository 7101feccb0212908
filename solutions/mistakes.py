"""What the known wrong versions answer, written for the notebooks: `course_pkg/checks/known/NN-name.json`.

    python solutions/mistakes.py                 all assignments
    python solutions/mistakes.py 07-lstm         one

A notebook names a known mistake when its check fails for the second time. It knows it by what it answers on a few
telling cases: of a wrong version the file holds fingerprints of its answers, the places in which they are wrong, and
the sentence. It holds no code and no hidden case: where a wrong version's numbers are right, only their fingerprint
is there, on cases that follow from the visible check. More than four numbers cannot be read from it.
"""

import ast
import json
import sys
from pathlib import Path

import author

from course_pkg.checks import known
from course_pkg.checks.compare import quiet
from course_pkg.checks.fingerprints import telling_cases


def names_in(source):
    """The functions and classes that a cell defines at its top level."""
    return [node.name for node in ast.parse(source).body if isinstance(node, (ast.FunctionDef, ast.ClassDef))]


def known_of(assignment):
    """What the file of an assignment holds."""
    cells = author.read_cells(assignment)
    _, graded = author.play(assignment)
    functions = {}
    for cell in cells:
        if cell.kind == "check" and cell.points:
            entry = _entry(graded[cell.name].report)
            if entry["versions"]:
                functions[cell.name] = entry
    yours = [name for cell in cells if cell.kind == "solve" for name in names_in(cell.source)]
    given = [name for cell in cells if cell.kind == "locked" for name in names_in(cell.source)]
    return {"yours": yours, "given": given, "functions": functions}


def _entry(report):
    """The telling cases of one function, and its wrong versions' answers."""
    cases = telling_cases(report.visible)
    with quiet():
        right = known.answers_of(report._right, cases, report.returns)
        versions = [(w, known.answers_of(w.function, cases, report.returns)) for w in report.wrong_versions]
    chosen = _telling([right, *(answers for _, answers in versions)])
    told = []
    for wrong, answers in versions:
        answers = [answers[k] for k in chosen]
        places = known.wrong_places(answers, [right[k] for k in chosen])
        if places:
            told.append({"says": wrong.message, "wrong": places, "answers": answers})
    return {"cases": [[k, known.inputs_of(cases[k])] for k in chosen], "versions": told}


def _telling(answers):
    """The places of the cases that tell apart all that can be told apart, each chosen for what it adds.

    answers  [[fingerprint for each case] for each function], the right one first. A case on which it stops is no case.
    """
    pairs = {(i, j) for i in range(len(answers)) for j in range(i)}
    left = [k for k in range(len(answers[0])) if "error" not in answers[0][k]]
    chosen = []
    while left:
        gains = {k: {(i, j) for i, j in pairs if not known.same(answers[i][k], answers[j][k])} for k in left}
        best = max(left, key=lambda k: (len(gains[k]), -k))
        if not gains[best] and chosen:
            break
        chosen.append(best)
        left.remove(best)
        pairs -= gains[best]
    return chosen


def text_of(found):
    """The file's text: a line for each wrong version, so that a change shows as a change of few lines."""

    def line(value):
        return json.dumps(value, ensure_ascii=False)

    made = [f'{{"yours": {line(found["yours"])},', f'"given": {line(found["given"])},', '"functions": {']
    for k, (name, entry) in enumerate(found["functions"].items()):
        made.append(f'{"," if k else ""}"{name}": {{"cases": {line(entry["cases"])}, "versions": [')
        made.append(",\n".join(line(version) for version in entry["versions"]))
        made.append("]}")
    return "\n".join([*made, "}}"]) + "\n"


def path_of(assignment):
    """Where the file of an assignment is."""
    return Path(known.FOLDER) / f"{assignment}.json"


def write(assignment):
    """Write the file of an assignment."""
    known.FOLDER.mkdir(exist_ok=True)
    path_of(assignment).write_text(text_of(known_of(assignment)), encoding="utf-8")


if __name__ == "__main__":
    for given in sys.argv[1:] or author.assignments():
        write(given)
