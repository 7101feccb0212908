"""Grades many submissions: in worker processes on this machine, or on a Dask cluster. One process writes the gradebook.

What was graded before and has not changed is left alone, so a run that was stopped goes on where it was, with the seed
that it had. A worker that dies is replaced and its submission tried again; one that kills workers every time is named
and left for a person.
"""

import contextlib
import math
import os
import queue
import threading
from pathlib import Path
from typing import NamedTuple

from course_pkg.checks.text import say
from course_pkg.grading.record import Recorder
from course_pkg.grading.regrade import altered, key_of
from course_pkg.grading.status import ATTENTION
from course_pkg.grading.worker import TRIES, Died, Worker, failed


class Task(NamedTuple):
    """One submission to grade."""

    student: str
    key: str


def cores():
    """How many processes can work at once: as many as this one may use, and as its control group gives time for."""
    found = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    return max(1, math.ceil(min(found, _quota(Path("/sys/fs/cgroup")))))


def _quota(top, mine="/proc/self/cgroup"):
    """Processors that the control groups above this process give; infinity where none says.

    https://docs.kernel.org/admin-guide/cgroup-v2.html#cpu-interface-files and, for version 1, scheduler/sched-bwc.html
    """
    least = math.inf
    try:
        lines = Path(mine).read_text(encoding="utf-8").splitlines()
    except OSError:
        return least
    for line in lines:
        _, kinds, path = line.split(":", 2)
        base = top if not kinds else top / "cpu"
        for folder in (base / path.strip("/"), *(base / path.strip("/")).parents):
            if not folder.is_relative_to(base) or (kinds and "cpu" not in kinds.split(",")):
                break
            with contextlib.suppress(OSError, ValueError):
                if kinds:
                    given = [(folder / f"cpu.cfs_{name}_us").read_text() for name in ("quota", "period")]
                else:
                    given = (folder / "cpu.max").read_text().split()
                amount, period = map(float, given)
                least = min(least, amount / period) if amount > 0 else least
    return least


def pending(course, assignment, again=False, students=None, fixed=False):
    """The Tasks that are new or have changed, and what is left of a run that was stopped.

    again  all of them
    fixed  also those that were graded with another seed than the assignment's, which someone has asked for
    """
    base, found = assignment._replace(seed="").digest, []
    left = {*course.stopped(assignment.name)[1], *altered(course, assignment.name)}
    for student in course.students(assignment.name):
        if students and student not in students:
            continue
        _, _, digest = course.files(student, assignment.name)
        key = key_of(base, digest)
        known = course.remembered(student, assignment.name)
        changed = known is None or known["key"] != key
        if again or changed or student in left or (fixed and known.get("seed") != assignment.seed):
            found.append(Task(student, key))
    return found


def run(course, assignment, tasks, work, on_done=lambda student, told: None):
    """Grade `tasks` with `work`, a function of (tasks, load) that yields (task, files, {notebook: Outcome})."""

    def load(task):
        files, sizes, _ = course.files(task.student, assignment.name)
        return files, sizes

    students = [task.student for task in tasks]
    with course.running(assignment.name, assignment.seed, students), Recorder(course, assignment) as recorder:
        for task, files, outcomes in work(tasks, load):
            on_done(task.student, _record(recorder, assignment, task, files, outcomes))


def _record(recorder, assignment, task, files, outcomes):
    """What is remembered. What cannot be written down is tried again in the next run, and stops nobody else."""
    try:
        # Where the grader failed, the next run is to try again: no submission has this key.
        key = task.key if all(outcome.final for outcome in outcomes.values()) else ""
        return recorder.record(task.student, outcomes, files, key)
    except Exception as error:
        why = f"{type(error).__name__}: {error}"
    try:
        recorder.undo()
        return recorder.record(task.student, failed(assignment, why), {}, "")
    except Exception:
        recorder.undo()
        return {"status": ATTENTION, "reasons": [["", say("grader", times=1, why=why)]]}


def here(assignment, jobs, walled=True, limits=None, on_start=lambda workers: None, ready=None):
    """`work` for `run`: so many worker processes on this machine. `ready`: Workers to use, and to leave running."""

    def work(tasks, load):
        workers = ready or [Worker(assignment, walled, limits) for _ in range(min(jobs, max(1, len(tasks))))]
        on_start(workers)
        todo, done = queue.SimpleQueue(), queue.Queue(maxsize=2 * len(workers))
        for task in tasks:
            todo.put(task)

        def labour(worker):
            while True:
                try:
                    task = todo.get_nowait()
                except queue.Empty:
                    break
                try:
                    files, sizes = load(task)
                    done.put((task, files, _try(assignment, worker, files, sizes)))
                except Exception as error:  # one submission never stops another
                    done.put((task, {}, failed(assignment, f"{type(error).__name__}: {error}")))

        threads = [threading.Thread(target=labour, args=(worker,), daemon=True) for worker in workers]
        for thread in threads:
            thread.start()
        whole = False
        try:
            for _ in tasks:
                yield done.get()
            whole = True
        finally:
            for worker in [] if ready else workers:
                worker.close(now=not whole)

    return work


def _try(assignment, worker, files, sizes):
    for _ in range(TRIES):
        try:
            return worker.grade(files, sizes)
        except Died as died:
            why = str(died)
    return failed(assignment, why, TRIES)
