"""Seconds for one submission, against stock `nbgrader autograde` on the same submissions.

    python -m course_pkg.grading.bench [--assignment 07-lstm] [--count 24] [--json FILE]
    python -m course_pkg.grading.bench --class 500 [--json FILE]

The second form grades a whole class, see `trial`. The first works in rounds: stock grades some, then this grader with
one worker, then with two, walls and two kernels throughout. All are warm: stock runs inside this process through
nbgrader's own API, so that it does not pay for starting Python. Stock runs a notebook to its end; this grader stops
after the last graded cell, since nothing after it can earn points. A ratio is the median of the rounds' ratios.
"""

import argparse
import contextlib
import datetime
import io
import json
import logging
import statistics
import tempfile
import time
import warnings
from pathlib import Path

from course_pkg.grading import runner, trial
from course_pkg.grading.trial import make_class
from course_pkg.grading.worker import Worker

ROUNDS = 3


def stock(course, name, student):
    """Seconds that nbgrader takes for one submission."""
    start = time.perf_counter()
    with contextlib.redirect_stderr(io.StringIO()), warnings.catch_warnings():
        warnings.simplefilter("ignore")
        done = course.api.autograde(name, student, force=True)
    if not done["success"]:
        raise RuntimeError(done.get("error"))
    return time.perf_counter() - start


def ours(course, assignment, students, workers):
    """Seconds that this grader takes for these submissions, gradebook and files included."""
    tasks = runner.pending(course, assignment, again=True, students=set(students))
    start = time.perf_counter()
    runner.run(course, assignment, tasks, runner.here(assignment, len(workers), ready=workers))
    return time.perf_counter() - start


def totals(course, name):
    """{student: automatic points}."""
    from nbgrader.api import Gradebook

    with Gradebook(course.directory.db_url, course.directory.course_id) as gradebook:
        return {s.student.id: s.score for s in gradebook.assignment_submissions(name)}


def measure(source, name, count):
    """Seconds, and medians of the rounds' ratios, as a dict that JSON can hold."""
    with tempfile.TemporaryDirectory() as folder:
        course = make_class(Path(folder), source, name, count)
        assignment = course.assignment(name)
        workers = [Worker(assignment) for _ in range(2)]
        students = course.students(name)
        ours(course, assignment, students[:2], workers)  # starts what is kept warm
        times = {"stock nbgrader autograde": [], "course grade, one worker": [], "course grade, two workers": []}
        slow, one, two = times
        grades = {}
        for r in range(ROUNDS):
            mine = students[r::ROUNDS]
            times[slow].append(sum(stock(course, name, student) for student in mine))
            grades.update({s: v for s, v in totals(course, name).items() if s in mine})
            times[one].append(ours(course, assignment, mine, workers[:1]))
            times[two].append(ours(course, assignment, mine, workers))
        same = totals(course, name) == grades
        for worker in workers:
            worker.close()
    ratios = {label: [a / b for a, b in zip(times[slow], times[label])] for label in times}
    return {
        "date": datetime.date.today().isoformat(),
        "command": f"python -m course_pkg.grading.bench --count {count} --assignment {name}",
        "machine": trial.machine(),
        "assignment": name,
        "submissions": count,
        "same_grades": same,
        "seconds_each": {label: round(sum(seconds) / count, 3) for label, seconds in times.items()},
        "times_as_fast": {label: round(statistics.median(found), 1) for label, found in ratios.items()},
    }


KEPT = Path(__file__).with_name("bench.json")  # what `nox -s grading` writes, and the instructor guide shows


def rows(kept):
    """What `main` has kept of a class, as rows of a Markdown table for the guide."""
    whole = kept["class"]
    memory, kills = whole["memory_mb"], whole["killed_after"]
    yield f"| time | {whole['seconds']} s |"
    yield f"| memory of the command: start, middle, end | {memory['start']}, {memory['middle']}, {memory['end']} MB |"
    yield f"| submissions without a result | {whole['lost']} |"
    same = "the same" if whole["same_grades_when_killed"] else "NOT the same"
    when = f"the command was killed after {kills['command']}, then a worker after {kills['worker']}"
    yield f"| grades when {when} | {same} |"


def main():
    """The command line."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--root", type=Path, default=Path(), help="the course's folder")
    parser.add_argument("--assignment", default="07-lstm")
    parser.add_argument("--count", type=int, default=24)
    parser.add_argument("--class", type=int, dest="whole", metavar="N", help="grade a class of so many, and kill it")
    parser.add_argument("--json", type=Path, metavar="FILE", help="keep the numbers in this file too")
    options = parser.parse_args()
    logging.getLogger("traitlets").setLevel(logging.CRITICAL + 1)
    make, count = (trial.measure, options.whole) if options.whole else (measure, options.count)
    found = make(options.root.resolve(), options.assignment, count)
    print(json.dumps(found, indent=1))
    if options.json:
        kept = json.loads(options.json.read_text()) if options.json.exists() else {}
        kept["class" if options.whole else "speed"] = found
        options.json.write_text(json.dumps(kept, indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
