"""Proof before the class: an assignment is graded as three people would hand it in, and what surprises is said.

The solution must get all points and the released notebook none. Each wrong version that a check knows must lose points
in it. And two versions that a check may overlook are tried: one that returns arrays of no elements, of which
everything is true, and one that sets its inputs to zero before it computes.
"""

import hashlib
import json
import os
import time
from pathlib import Path
from typing import NamedTuple

from course_pkg.checks.text import say
from course_pkg.grading import intake, walls
from course_pkg.grading.course import MEMORY, write
from course_pkg.grading.engine import Engine
from course_pkg.grading.run import Run
from course_pkg.grading.status import UNREADABLE

PROOFS = "COURSE_PROOFS"  # names a folder in which several courses remember what was proven
EARNS = {"wrong": "wrong earns", "empty": "empty arrays earns", "zeroed": "zeroed inputs earns"}
SECONDS = 300.0  # for all wrong versions of one notebook; the rest is not tried, and that is said
PARTS = ("checks", "tasks", "_validation.py", "grading")  # of the package: what a proof hangs on


class Proof(NamedTuple):
    """What was found: sentences. With `stops`, no class is to be graded."""

    stops: list
    hints: list


class _Proving(Run):
    """The solution's run. After each test, the wrong versions run in it, too."""

    def __init__(self, *given):
        super().__init__(*given)
        self.stops, self.hints, self._since, self._end = [], [], [], time.monotonic() + SECONDS
        self.talk.left, self._holds = float("inf"), lambda name: None

    def _cell(self, cell, want):
        super()._cell(cell, want)
        self._since += self.source.functions.get(want.name, ())

    def _test(self, cell, want):
        super()._test(cell, want)
        mine, self._since = self._since, []
        score = self.scores[want.name]
        if score != want.points:
            error = (self.reports.get(want.name) or {}).get("error")
            why = f" ({': '.join(error)})" if error else ""
            told = {"cell": want.name, "score": say("no points") if score is None else f"{score:g}"}
            self.stops.append(say("solution loses", points=want.points, why=why, **told))
            return
        self.talk.send_checker({"do": "versions", "mine": mine})
        for index, (kind, name, message) in enumerate(self.talk.hear_checker() or ()):
            if time.monotonic() > self._end:
                self.hints.append(say("versions not tried", cell=want.name))
                return
            self._try(cell, want, index, kind, name, message)

    def _try(self, cell, want, index, kind, name, message):
        question = {"do": "version", "index": index, "source": cell.source}
        self.talk.send_checker({**question, "wanted": self._wanted, "theirs": self._theirs})
        told = self.talk.hear_checker()
        if told is None:
            self._renew_checker(want.name)
            self.hints.append(say("version stuck", cell=want.name, version=name))
            return
        score = 0.0 if told["error"] else want.points if told["full"] else told["score"] or 0.0
        diagnosis = (told["report"] or {}).get("diagnosis")
        if score >= want.points and told["differs"]:
            found = self.stops if kind == "wrong" else self.hints
            found.append(say(EARNS[kind], cell=want.name, version=name, points=want.points))
        elif kind == "wrong" and diagnosis is None:
            self.hints.append(say("wrong not named", cell=want.name, version=name, message=message))


def prove(course, assignment, walled=True, fixed=False, on_start=lambda: None):
    """The Proof of an assignment. What was proven fit before, and has not changed, is remembered.

    fixed     whether the seed was asked for; else every run draws another, and the proof counts for all of them
    on_start  is called before anything is tried
    """
    path = _folder(course) / f"{_key(course, assignment, walled, fixed)}.json"
    try:
        return Proof([], json.loads(path.read_text(encoding="utf-8"))["hints"])
    except (OSError, ValueError, KeyError, TypeError):
        pass
    on_start()
    trusted = [c.source for n in assignment.notebooks for c in n.cells if c.test or c.shared]
    engine = Engine(assignment.preload, walled, trusted=trusted)
    proof = Proof([], [])
    try:
        for source in assignment.notebooks:
            _solution(engine, assignment, source, proof)
            _released(engine, course, assignment, source, proof)
    finally:
        engine.close()
    if not proof.stops:  # what stops is looked at again: it could have been this machine's trouble
        write(path, json.dumps({"assignment": assignment.name, "hints": proof.hints}, indent=1))
    return proof


def _folder(course):
    """Where proofs are remembered, each under the digest of all that it hangs on."""
    return Path(os.environ.get(PROOFS) or course.root / MEMORY / "proofs")


def _solution(engine, assignment, source, proof):
    if source.solved is None:
        proof.hints.append(say("no solution", notebook=source.name))
        return
    taken = intake.take(source, assignment, {f"{source.name}.ipynb": source.solved.encode()}, {})
    if taken.status == UNREADABLE:
        proof.stops.append(taken.reasons[0][1])
        return
    run = engine.run(_Proving, assignment, source, taken)
    troubles = [text for _, text in run.trouble]
    proof.stops.extend(run.stops or troubles)
    proof.hints.extend(run.hints)


def _released(engine, course, assignment, source, proof):
    path = course.path("release", ".", assignment.name) / f"{source.name}.ipynb"
    if not path.exists():
        return
    made = engine.grade(assignment, source, {path.name: path.read_bytes()})
    for cell, score in made.scores.items():
        if score:
            proof.stops.append(say("empty earns", cell=cell, score=f"{score:g}"))


def _key(course, assignment, walled, fixed):
    """Changes when anything changes that the proof hangs on."""
    digest = hashlib.sha256(assignment._replace(seed=assignment.seed if fixed else "").digest.encode())
    digest.update(b"walls" if walled else b"no walls")
    for source in assignment.notebooks:
        digest.update((source.solved or "").encode())
        path = course.path("release", ".", assignment.name) / f"{source.name}.ipynb"
        digest.update(path.read_bytes() if path.exists() else b"")
    for part in PARTS:
        folder = walls.PACKAGE / part
        for path in sorted(folder.rglob("*.py")) if folder.is_dir() else [folder]:
            digest.update(Path(path).read_bytes())
    return digest.hexdigest()
