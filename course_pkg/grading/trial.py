"""A class graded twice: once undisturbed and measured, once killed in the middle and taken up again.

    python -m course_pkg.grading.bench --class 500

The second time the command gets SIGKILL after a quarter of the class. It is started again, and after half of the class
one of its workers gets SIGKILL. In the end both classes must have the same grades, and nobody may be missing.
"""

import contextlib
import datetime
import os
import platform
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import nbformat
import psutil

from course_pkg.grading import runner
from course_pkg.grading.course import Course, new_seed
from course_pkg.grading.export import SETTLED


def make_class(root, source, name, count):
    """A course in `root` with `count` submissions: some right, some with functions unwritten, some untouched."""
    shutil.copy(source / "nbgrader_config.py", root)
    shutil.copytree(source / "solutions" / name, root / "solutions" / name)
    course = Course(root)
    made = course.api.generate_assignment(name, force=True)
    if not made["success"]:
        raise RuntimeError(made.get("error"))
    path = course.path("source", ".", name) / f"{name}.ipynb"
    solved = {c.id: c.source for c in nbformat.read(path, as_version=4).cells if "### BEGIN SOLUTION" in c.source}
    names = list(solved)
    for n in range(count):
        left = {0: [], 1: [names[n % len(names)]], 2: names[::2], 3: []}[n % 4] if n % 12 != 11 else names
        notebook = nbformat.read(course.path("release", ".", name) / f"{name}.ipynb", as_version=4)
        for cell in notebook.cells:
            if cell.id in solved and cell.id not in left:
                lines = [x for x in solved[cell.id].split("\n") if "### BEGIN SOL" not in x and "### END SOL" not in x]
                cell.source = "\n".join(lines)
        folder = course.path("submitted", f"s{n:03}", name)
        folder.mkdir(parents=True)
        nbformat.write(notebook, folder / f"{name}.ipynb")
    return course


def grades(course, name):
    """{student: (status, {cell: points})} of everyone who is graded."""
    found = {}
    for student in course.students(name):
        told = course.remembered(student, name)
        if told is not None:
            found[student] = told["status"], {k: v for n in told["notebooks"].values() for k, v in n["scores"].items()}
    return found


def done_so_far(course, name):
    """How many are graded."""
    return len(list((course.root / ".course" / name / "students").glob("*.json")))


def wait_until(course, name, count, process):
    """Wait until so many are graded by this process. Raises RuntimeError when it ends before."""
    while done_so_far(course, name) < count:
        if process.poll() is not None:
            raise RuntimeError(f"the command ended with status {process.returncode}, {count} were not graded")
        time.sleep(0.02)


def command(course, name, *words):
    """`course grade`, as a process."""
    words = [sys.executable, "-m", "course_pkg.grading.cli", "--root", str(course.root), "grade", name, *words]
    quiet = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
    return subprocess.Popen(words, env=os.environ | {"PYTHONPATH": os.pathsep.join(filter(None, sys.path))}, **quiet)


def workers_of(process):
    """Process ids of a command's workers."""
    found = []
    for child in psutil.Process(process.pid).children(recursive=True):
        # A notebook's process may have ended since it was listed.
        with contextlib.suppress(psutil.NoSuchProcess):
            if "course_pkg.grading.worker" in child.cmdline():
                found.append(child.pid)
    return found


def disturbed(course, name, seed, *words):
    """Grade a class with two kills. Returns how many were graded at each."""
    count, kills = len(course.students(name)), []
    first = command(course, name, "--seed", seed, *words)
    wait_until(course, name, max(1, count // 4), first)
    first.kill()
    first.wait()
    kills.append(done_so_far(course, name))
    second = command(course, name, *words)
    wait_until(course, name, count // 2, second)
    os.kill(workers_of(second)[0], signal.SIGKILL)
    kills.append(done_so_far(course, name))
    if second.wait() != 0:
        raise RuntimeError(f"the command ended with status {second.returncode}")
    return kills


def undisturbed(course, name, seed, jobs, walled=True):
    """(seconds, megabytes of this process after each submission)."""
    assignment, seen = course.assignment(name, seed), []
    tasks, start = runner.pending(course, assignment), time.perf_counter()
    work = runner.here(assignment, jobs, walled)
    runner.run(course, assignment, tasks, work, lambda *told: seen.append(psutil.Process().memory_info().rss / 1e6))
    return time.perf_counter() - start, seen


def measure(source, name, count, jobs=2):
    """Both runs, as a dict that JSON can hold."""
    seed = new_seed()
    with tempfile.TemporaryDirectory() as folder:
        roots = [Path(folder) / "calm", Path(folder) / "disturbed"]
        roots[0].mkdir()
        calm = make_class(roots[0], source, name, count)
        shutil.copytree(*roots)
        other = Course(roots[1])
        seconds, seen = undisturbed(calm, name, seed, jobs)
        kills = disturbed(other, name, seed, "--jobs", str(jobs))
        want, got = grades(calm, name), grades(other, name)
    settled = sum(status in SETTLED for status, _ in want.values())
    return {
        "date": datetime.date.today().isoformat(),
        "command": f"python -m course_pkg.grading.bench --class {count} --assignment {name}",
        "machine": machine(),
        "assignment": name,
        "submissions": count,
        "workers": jobs,
        "seconds": round(seconds),
        "seconds_each": round(seconds / count, 3),
        "memory_mb": {k: round(seen[i]) for k, i in (("start", count // 20), ("middle", count // 2), ("end", -1))},
        "lost": count - settled,
        "killed_after": dict(zip(("command", "worker"), kills)),
        "lost_when_killed": count - len(got),
        "same_grades_when_killed": got == want,
    }


def machine():
    """What times depend on."""
    cpu, info = platform.processor(), Path("/proc/cpuinfo")
    if info.exists():
        cpu = next((x.split(":", 1)[1].strip() for x in info.read_text().splitlines() if "model name" in x), cpu)
    return {"processor": cpu, "cores": os.cpu_count(), "python": platform.python_version()}
