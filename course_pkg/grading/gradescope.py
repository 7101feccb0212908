"""An autograder for Gradescope: the folder that it runs, and what runs there.

Gradescope puts what was uploaded into /autograder/source, runs setup.sh once and run_autograder for each submission,
which lies in /autograder/submission, and reads /autograder/results/results.json:
https://gradescope-autograders.readthedocs.io/en/latest/specs/

Started there as `python -m course_pkg.grading.gradescope /autograder`.
"""

import argparse
import base64
import importlib.metadata
import json
import re
import shutil
import sys
import zipfile
from pathlib import Path

from course_pkg.checks.text import say
from course_pkg.checks.wording import owed
from course_pkg.grading import walls
from course_pkg.grading.assignment import SIZE_LIMIT, Assignment
from course_pkg.grading.course import new_seed, write

DISTRIBUTION = "recurrent-networks-unrolled"
PYTHON = "3.11"
SETUP = """#!/usr/bin/env bash
set -euo pipefail
apt-get update
apt-get install -y --no-install-recommends bubblewrap python3-pip
python3 -m pip install uv || python3 -m pip install --break-system-packages uv
uv venv --python {python} /autograder/venv
uv pip install --python /autograder/venv/bin/python -r /autograder/source/requirements.txt
"""
RUN = """#!/usr/bin/env bash
cd /autograder/source
export PYTHONPATH=/autograder/source
exec /autograder/venv/bin/python -m course_pkg.grading.gradescope /autograder
"""


def build(course, assignment, folder, walled=True):
    """Write the autograder's folder and, beside it, the zip file to upload; returns the zip file's path.

    Raises ValueError when the folder holds other files.
    """
    if folder.exists() and any(folder.iterdir()) and not (folder / "run_autograder").is_file():
        raise ValueError(say("folder in use", path=folder))
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    ignore = shutil.ignore_patterns("__pycache__", "experiments", "*.pyc")
    shutil.copytree(walls.PACKAGE, folder / "course_pkg", ignore=ignore)
    packed = {**assignment._replace(seed="").pack(), "walled": walled}
    packed["files"] = {name: base64.b64encode(data).decode() for name, data in assignment.files.items()}
    write(folder / "assignment.json", json.dumps(packed))
    write(folder / "requirements.txt", "\n".join(_requirements("torch" in assignment.preload)) + "\n")
    write(folder / "setup.sh", SETUP.format(python=PYTHON))
    write(folder / "run_autograder", RUN)
    for name in ("setup.sh", "run_autograder"):
        (folder / name).chmod(0o755)
    archive = folder.with_name(f"{folder.name}.zip")
    with zipfile.ZipFile(archive, "w", zipfile.ZIP_DEFLATED) as made:
        for path in sorted(p for p in folder.rglob("*") if p.is_file()):
            made.write(path, path.relative_to(folder))
    return archive


def _requirements(torch):
    """What this machine has of what the package asks for, by name and version."""
    extras, found = {"student", "grading", *(["torch"] if torch else [])}, {}
    for line in importlib.metadata.requires(DISTRIBUTION) or []:
        extra = re.search(r"extra == ['\"](\w+)['\"]", line)
        name = re.match(r"[\w.-]+", line)[0]
        if (extra is None or extra[1] in extras) and name != DISTRIBUTION:
            found[name] = f"{name}=={importlib.metadata.version(name).partition('+')[0]}"
    return sorted(found.values())


def load(folder):
    """(Assignment, whether there are to be walls) from the autograder's folder."""
    packed = json.loads((folder / "assignment.json").read_text(encoding="utf-8"))
    walled = packed.pop("walled")
    packed["files"] = {name: base64.b64decode(data) for name, data in packed["files"].items()}
    return Assignment.unpack({**packed, "seed": new_seed()}), walled


def submission(folder):
    """({relative name: bytes}, {relative name: bytes of those that are too large})."""
    files, sizes = {}, {}
    for path in sorted(p for p in folder.rglob("*") if p.is_file() and not p.is_symlink()):
        inside, size = path.relative_to(folder).as_posix(), path.stat().st_size
        if size > SIZE_LIMIT or sum(map(len, files.values())) + size > 2 * SIZE_LIMIT:
            sizes[inside] = size
        else:
            files[inside] = path.read_bytes()
    return files, sizes


def results(assignment, outcomes):
    """What goes into results.json; None where something has no score, since that is not a zero.

    Answers that a person reads are left out: Gradescope has questions of its own for them.
    """
    tests, seconds = [], 0.0
    for notebook in assignment.notebooks:
        made = outcomes[notebook.name]
        seconds += made.seconds
        for cell in notebook.cells:
            if not (cell.points and cell.test):
                continue
            if made.scores.get(cell.name) is None:
                return None
            said = _said(made.reports.get(cell.name) or {})
            test = {"name": cell.name.removeprefix("test_"), "score": made.scores[cell.name], "max_score": cell.points}
            tests.append({**test, "output": said, "output_format": "text", "visibility": "visible"})
    reasons = [text for made in outcomes.values() for _, text in made.reasons]
    return {
        "tests": tests,
        "output": "\n".join(reasons),
        "execution_time": round(seconds),
        "stdout_visibility": "hidden",
    }


def _said(told):
    if told.get("error"):
        return say("test error", kind=told["error"][0], message=told["error"][1])
    report = told.get("report")
    if not report:
        return ""
    lost = set(report["failures"]) if report["answered"] else {part for part, _ in report["parts"]}
    owing = report.get("owed", {})
    lines = [say("no" if part in lost else "ok", part=part) + owed(owing.get(part)) for part, _ in report["parts"]]
    first = next((part for part, _ in report["parts"] if part in report["failures"]), None)
    if first is not None:
        message, think = report["failures"][first]
        lines += [message, say("think", think=think)]
    if report["diagnosis"]:
        lines.append(say("diagnosis", message=report["diagnosis"]))
    return "\n".join(lines)


def main(words=None):
    """Grade the one submission that lies there. Returns the exit code."""
    parser = argparse.ArgumentParser(prog="gradescope")
    parser.add_argument("root", type=Path)
    root = parser.parse_args(words).root
    from course_pkg.grading.worker import Worker

    assignment, walled = load(root / "source")
    if walled:
        try:
            walls.shut_out(root / "source" / "assignment.json")
            walls.test()
        except walls.NoWalls as problem:
            print(say("cannot wall", why=problem))
            return 1
    worker = Worker(assignment, walled)
    try:
        outcomes = worker.grade(*submission(root / "submission"))
    finally:
        worker.close()
    print(say("seed", name=assignment.name, seed=assignment.seed))
    found = results(assignment, outcomes)
    if found is None:
        print("\n".join(f"{made.status}: {text}" for made in outcomes.values() for _, text in made.reasons))
        return 1
    write(root / "results" / "results.json", json.dumps(found, indent=1))
    return 0


if __name__ == "__main__":
    sys.exit(main())
