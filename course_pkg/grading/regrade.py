"""What a grade depends on, and what a regrade would change, before anyone's grade is changed.

A submission that has a grade and is graded once more, since the assignment changed or someone asked for it, is held
in `.course/ASSIGNMENT/held/` until the instructor has seen who gains and who loses.
"""

import hashlib
import json
from typing import NamedTuple

from nbgrader.api import Gradebook, MissingEntry

from course_pkg.grading.course import MEMORY, VERSION, write
from course_pkg.grading.engine import Outcome
from course_pkg.grading.record import SEVERITY, Recorder, scores_of


def key_of(base, digest):
    """What a grade depends on: the grader and the assignment, then the submission."""
    return hashlib.sha256(f"{VERSION}\0{base}".encode()).hexdigest()[:40] + "-" + digest


def altered(course, name):
    """Students whom the gradebook has lost, or has other automatic scores of than were remembered."""
    found = set()
    with Gradebook(course.directory.db_url, course.directory.course_id) as gradebook:
        try:
            known = {entry.student.id: scores_of(entry) for entry in gradebook.assignment_submissions(name)}
        except MissingEntry:
            known = {}
    for student in course.students(name):
        told = course.remembered(student, name)
        if told is not None and known.get(student) != told.get("auto"):
            found.add(student)
    return found


def split(course, assignment, tasks):
    """(tasks that are new or were handed in anew, tasks that have a grade already)."""
    fresh, again, lost = [], [], altered(course, assignment.name)
    for task in tasks:
        told = course.remembered(task.student, assignment.name)
        same = told is not None and told["key"].rpartition("-")[2] == task.key.rpartition("-")[2]
        (again if same and told["key"] and task.student not in lost else fresh).append(task)
    return fresh, again


class Change(NamedTuple):
    """One student's automatic points before and after; `cells` {cell: (before, after)} of those that differ."""

    student: str
    before: float
    after: float
    cells: dict


class Held:
    """The results of a regrade that nobody has accepted yet."""

    def __init__(self, course, name):
        self._course, self._name = course, name
        self._folder = course.root / MEMORY / name / "held"

    def _read(self, student):
        try:
            return json.loads((self._folder / f"{student}.json").read_text(encoding="utf-8"))
        except (OSError, ValueError):
            return None

    def students(self):
        """Whose results are held."""
        return sorted(p.stem for p in self._folder.glob("[!.]*.json"))

    def seed(self):
        """The seed that they were graded with, or None."""
        return next((told["seed"] for told in map(self._read, self.students()) if told), None)

    def current(self, tasks, seed):
        """Of `tasks`, those whose result is held already; what the grader failed with is not a result."""
        found = {task: self._read(task.student) for task in tasks}
        held = {task: told for task, told in found.items() if told and _outcomes(told)}
        return [task for task, told in held.items() if (told["key"], told["seed"]) == (task.key, seed)]

    def grade(self, assignment, tasks, work, on_done):
        """Grade `tasks` and hold what comes out. Raises Busy."""

        def load(task):
            files, sizes, _ = self._course.files(task.student, self._name)
            return files, sizes

        with self._course.locked(self._name):
            self.drop(set(self.students()) - {t.student for t in self.current(tasks, assignment.seed)})
            todo = [task for task in tasks if task not in self.current(tasks, assignment.seed)]
            for task, _, outcomes in work(todo, load) if todo else ():
                made = {"key": task.key, "seed": assignment.seed, "outcomes": {n: list(o) for n, o in outcomes.items()}}
                write(self._folder / f"{task.student}.json", json.dumps(made))
                status = max((o.status for o in outcomes.values()), key=SEVERITY.index)
                reasons = [list(reason) for o in outcomes.values() for reason in o.reasons]
                on_done(task.student, {"status": status, "reasons": reasons, "key": task.key})

    def changes(self):
        """The Changes that accepting would make."""
        found = []
        for student in self.students():
            told, held = self._course.remembered(student, self._name), self._read(student)
            outcomes = _outcomes(held) if told and held else {}
            if not outcomes:
                continue
            before = {f"{n}/{c}": s for n, known in told["notebooks"].items() for c, s in known["scores"].items()}
            after = {f"{n}/{c}": s for n, made in outcomes.items() for c, s in made.scores.items()}
            cells = {
                key.partition("/")[2]: (before.get(key), after.get(key))
                for key in sorted({*before, *after})
                if _differ(before.get(key), after.get(key))
            }
            status = max((made.status for made in outcomes.values()), key=SEVERITY.index)
            if cells or told["status"] != status:
                found.append(Change(student, _sum(before), _sum(after), cells))
        return found

    def accept(self, assignment, on_done=lambda student, told: None):
        """Write what is held into the gradebook. Whom the grader failed with keeps the grade that was, and is tried
        again in the next run.
        """
        students = self.students()
        with (
            self._course.running(self._name, assignment.seed, students),
            Recorder(self._course, assignment) as recorder,
        ):
            for student in students:
                held = self._read(student)
                if outcomes := _outcomes(held):
                    files, _, _ = self._course.files(student, self._name)
                    on_done(student, recorder.record(student, outcomes, files, held["key"]))
                self.drop([student])

    def drop(self, students=None):
        """Forget what is held, of all or of some."""
        for student in self.students() if students is None else students:
            (self._folder / f"{student}.json").unlink(missing_ok=True)


def _outcomes(held):
    """{notebook: Outcome} of what is held; empty where the grader itself failed."""
    outcomes = {name: Outcome(*made) for name, made in held["outcomes"].items()}
    return outcomes if all(made.final for made in outcomes.values()) else {}


def _differ(a, b):
    return a != b if a is None or b is None else abs(a - b) > 1e-9


def _sum(scores):
    return sum(s for s in scores.values() if s is not None)
