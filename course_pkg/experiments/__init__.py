"""Experiments that take too long for the build of the book, and their stored results.

    python -m course_pkg.experiments [NAME ...]

runs the named ones, or all, and writes NAME.json beside the module NAME of this package: date, machine,
command, settings, minutes of processor time, results. `load` reads it. Such a module has

    SETTINGS                                 a dict that JSON can hold
    plan(settings) -> [key, ...]             one dict for each row of the results, in order
    measure(settings, rows, **key) -> dict   what was found; rows: those that came before
    TEXTS                                    optional: names of texts in `tasks` that come with Python

and a row is key | found, with the processor time in `seconds`. Rows are kept as they come, so a run
that was stopped goes on where it was. One that trains networks is written in the common way of `trials`
instead, which gives it its plan, a search of rates for every contender, and curves over updates.
"""

import datetime
import functools
import importlib
import json
import pathlib
import pkgutil
import platform
import time

import numpy as np

from course_pkg import tasks
from course_pkg.experiments import trials
from course_pkg.tools.machine import processor

FOLDER = pathlib.Path(__file__).parent


def names():
    """The experiments that can be run."""
    modules = (m.name for m in pkgutil.iter_modules(__path__) if m.name != "__main__")
    return sorted(name for name in modules if hasattr(module(name), "SETTINGS"))


def module(name):
    """The module of experiment `name`."""
    return importlib.import_module(f"{__name__}.{name}")


def plan(name, settings):
    """The keys of the rows of experiment `name`, in order."""
    found = module(name)
    return found.plan(settings) if hasattr(found, "plan") else trials.plan(found, settings)


def load(name, folder=FOLDER):
    """The stored result of experiment `name`, as `record` wrote it. Raises ValueError, and says what is there."""
    path = pathlib.Path(folder) / f"{name}.json"
    if not path.is_file():
        there = ", ".join(sorted(p.stem for p in pathlib.Path(folder).glob("*.json"))) or "none"
        raise ValueError(f"name: got {name!r}, wanted one of the stored results: {there}")
    return json.loads(path.read_text(encoding="utf-8"))


def fingerprints(found):
    """{name: fingerprint} of the texts that the module of an experiment reads from the Python that runs now."""
    return {name: tasks.fingerprint(getattr(tasks, name)()) for name in getattr(found, "TEXTS", ())}


def texts_note(name, stored):
    """One sentence for a page: whether this Python has the texts that the stored result of `name` was made of."""
    now, then = fingerprints(module(name)), stored["fingerprints"]
    python = ".".join(platform.python_version_tuple()[:2])
    made = f"the stored result was made with, that of Python {stored['machine']['python']} ({', '.join(then.values())})"
    if now == then:
        return f"The text that Python {python} brings along here is the one that {made}."
    return (
        f"The text that Python {python} brings along here ({', '.join(now.values())}) is not the one that {made}: "
        "what is computed here differs from what is stored."
    )


def record(name, settings, results, folder=FOLDER, **more):
    """Write NAME.json: one line for each row of `results`, a list of dicts; `more` goes to its head. Returns its path.

    It names no host, user or path. Raises ValueError where JSON has no word for a number (NaN, infinity).
    """
    head = {
        "date": datetime.date.today().isoformat(),
        "machine": {"processor": processor(), "python": platform.python_version(), "numpy": np.__version__},
        "command": f"python -m course_pkg.experiments {name}",
        "minutes": round(sum(row.get("seconds", 0) for row in results) / 60, 1),
        "settings": settings,
        **more,
    }
    try:
        lines = ",\n  ".join(json.dumps(row, allow_nan=False) for row in results)
        text = json.dumps(head, indent=1, allow_nan=False)[:-2] + f',\n "results": [\n  {lines}\n ]\n}}\n'
    except ValueError as error:
        raise ValueError("results: got NaN or infinity, wanted finite numbers or None") from error
    path = pathlib.Path(folder) / f"{name}.json"
    path.write_text(text, encoding="utf-8", newline="\n")
    return path


def run(name, settings=None, folder=FOLDER, progress=iter):
    """Measure every row of experiment `name` that is not there yet, then `record`. Returns the path.

    settings: the module's own by default. progress: wraps the rows still to come, as tqdm does. Rows wait in
    NAME.part.jsonl, under the settings they were measured with; other settings start anew.
    """
    if name not in names():
        raise ValueError(f"name: got {name!r}, wanted one of the experiments: {', '.join(names())}")
    found = module(name)
    settings = settings or found.SETTINGS
    measure = getattr(found, "measure", functools.partial(trials.measure, found))
    more = {"texts": trials.described(*found.texts(settings))} if hasattr(found, "texts") else {}
    more |= {"fingerprints": fingerprints(found)} if hasattr(found, "TEXTS") else {}
    part = pathlib.Path(folder) / f"{name}.part.jsonl"
    first, *rows = map(json.loads, part.read_text(encoding="utf-8").splitlines()) if part.exists() else [None]
    if first != json.loads(json.dumps(settings)):
        part.write_text(json.dumps(settings) + "\n", encoding="utf-8")
        rows = []
    with part.open("a", encoding="utf-8", buffering=1) as file:
        for key in progress(plan(name, settings)[len(rows) :]):
            start = time.process_time()
            row = key | measure(settings, rows, **key)
            rows.append(row | {"seconds": round(time.process_time() - start, 2)})
            file.write(json.dumps(rows[-1]) + "\n")
    path = record(name, settings, rows, folder, **more)
    part.unlink()
    return path
