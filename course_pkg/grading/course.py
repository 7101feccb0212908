"""A course on disk: nbgrader's folders and settings, and what the grader remembers beside them."""

import contextlib
import fcntl
import functools
import hashlib
import json
import os
import secrets
import sys
from pathlib import Path

from nbgrader.apps import NbGraderAPI
from nbgrader.coursedir import CourseDirectory
from nbgrader.utils import parse_utc
from traitlets.config import Config
from traitlets.config.loader import PyFileConfigLoader

from course_pkg.checks import SEED_VARIABLE
from course_pkg.checks.text import say
from course_pkg.grading import assignment
from course_pkg.grading.assignment import CLOSED, SIZE_LIMIT

MEMORY = ".course"  # the grader's own folder in the course's root
VERSION = 3  # raised when grades may come out differently


class Busy(RuntimeError):
    """Another process is at work on the assignment."""


def new_seed():
    """A seed that nobody has seen."""
    return secrets.token_hex(16)


class Course:
    """The course in a folder that holds `nbgrader_config.py`."""

    def __init__(self, root):
        self.root = Path(root).resolve()
        _find_alembic()
        path = self.root / "nbgrader_config.py"
        self.config = PyFileConfigLoader(path.name, path=str(self.root)).load_config() if path.exists() else Config()
        self.config.CourseDirectory.root = str(self.root)
        self.directory = CourseDirectory(config=self.config)

    @functools.cached_property
    def api(self):
        """nbgrader's own Python interface. It complains where there is no exchange, so it is made when needed."""
        return NbGraderAPI(self.directory, config=self.config)

    def path(self, step, student=".", name="."):
        """One of nbgrader's folders, such as `submitted/STUDENT/ASSIGNMENT`."""
        return Path(self.directory.format_path(getattr(self.directory, f"{step}_directory"), student, name))

    def students(self, name):
        """Who has handed in something for an assignment."""
        folder = self.path("submitted")
        if not folder.exists():
            return []
        return sorted(p.name for p in folder.iterdir() if not p.name.startswith(".") and _is_folder(p, name))

    def files(self, student, name):
        """({relative name: bytes}, {relative name: bytes of those that are too large}, digest) of a submission."""
        folder, files, sizes = self.path("submitted", student, name), {}, {}
        digest = hashlib.sha256()

        def no_entry(problem):
            """What may not be read is there all the same, and is named."""
            inside = os.fsencode(os.path.relpath(problem.filename, folder)).decode("utf-8", "replace")
            sizes[inside] = CLOSED
            digest.update(f"{inside}\0closed\0".encode())

        for base, folders, names in os.walk(folder, onerror=no_entry):
            folders[:] = sorted(f for f in folders if f not in (".ipynb_checkpoints", "__pycache__", ".git"))
            for file in sorted(names):
                path = Path(base) / file
                # A name that is not UTF-8 is kept by the file system, but neither by JSON nor by a database.
                inside = os.fsencode(path.relative_to(folder).as_posix()).decode("utf-8", "replace")
                try:
                    # A link could lead to someone else's work. The time has a place of its own in the gradebook.
                    if path.is_symlink() or not path.is_file() or path == folder / "timestamp.txt":
                        continue
                    size = path.stat().st_size
                    digest.update(f"{inside}\0{size}\0".encode())
                    if size > SIZE_LIMIT or sum(map(len, files.values())) + size > 2 * SIZE_LIMIT or len(files) > 500:
                        sizes[inside] = size
                    else:
                        files[inside] = path.read_bytes()
                        digest.update(files[inside])
                except OSError as problem:  # one student's trouble
                    problem.filename = path
                    no_entry(problem)
        return files, sizes, digest.hexdigest()

    def timestamp(self, student, name):
        """When it was handed in (UTC), or None. An unreadable time is no time."""
        path = self.path("submitted", student, name) / "timestamp.txt"
        with contextlib.suppress(OSError, ValueError, OverflowError):
            if path.is_symlink() or not path.is_file() or path.stat().st_size > 1000:
                return None
            text = path.read_text(encoding="utf-8").strip()
            return parse_utc(text) if text else None
        return None

    def assignment(self, name, seed=None):
        """An assignment, with its time limit and the seed that its hidden tests draw from in the next run.

        Without `seed`: the environment's, else that of the run that was stopped, else a new one.
        """
        timeout = self.config.Execute.timeout if "timeout" in self.config.Execute else 60
        seed = seed or os.environ.get(SEED_VARIABLE) or self.stopped(name)[0] or new_seed()
        return assignment.load(self.directory, name, seed, float(timeout))

    # A run is what one command grades. While it lasts, its seed and its students stand in a file.

    def _run(self, name):
        return self.root / MEMORY / name / "run.json"

    def stopped(self, name):
        """(seed, students that it has not graded) of a run that did not come to its end, else (None, [])."""
        try:
            run = json.loads(self._run(name).read_text())
        except (OSError, ValueError):
            return None, []
        known = {student: self.remembered(student, name) for student in set(run["students"]) & set(self.students(name))}
        left = sorted(s for s, told in known.items() if told is None or told.get("seed") != run["seed"])
        return (run["seed"], left) if left else (None, [])

    @contextlib.contextmanager
    def locked(self, name):
        """While one process alone grades an assignment. Raises Busy when another one does."""
        self._run(name).parent.mkdir(parents=True, exist_ok=True)
        with self._run(name).with_name("lock").open("w") as lock:
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except OSError:
                raise Busy(say("busy", name=name, folder=self.root)) from None
            yield

    @contextlib.contextmanager
    def running(self, name, seed, students):
        """While a run lasts. Raises Busy when another process grades this assignment."""
        with self.locked(name):
            if set(self.stopped(name)[1]) <= set(students):  # else the run that was stopped is still to be finished
                write(self._run(name), json.dumps({"seed": seed, "students": students}))
            yield
            if not self.stopped(name)[1]:
                self._run(name).unlink()

    # What the grader remembers of each submission.

    def _memory(self, student, name):
        return self.root / MEMORY / name / "students" / f"{student}.json"

    def remember(self, student, name, what):
        """Keep what grading gave; whole or not at all."""
        write(self._memory(student, name), json.dumps(what, indent=1, sort_keys=True))

    def remembered(self, student, name):
        """What grading gave, or None if it was not graded, or graded again by another tool."""
        try:
            what = json.loads(self._memory(student, name).read_text())
        except (OSError, ValueError):
            return None
        return what if what["written"] == self.written(student, name) else None

    def forget(self, student, name):
        """Before the gradebook is changed: what was remembered no longer holds."""
        self._memory(student, name).unlink(missing_ok=True)

    def written(self, student, name):
        """A digest of the notebooks in `autograded`, by which another tool's work is noticed."""
        digest = hashlib.sha256()
        for path in sorted(self.path("autograded", student, name).glob("*.ipynb")):
            digest.update(path.name.encode() + path.read_bytes())
        return digest.hexdigest()


def _is_folder(student, name):
    try:
        return (student / name).is_dir()
    except PermissionError:  # someone's folder that may not be looked into is still someone's
        return True


def _find_alembic():
    """nbgrader starts `alembic` by its name, which stands beside Python even where the environment is not active."""
    here = str(Path(sys.executable).parent)
    if here not in os.environ.get("PATH", "").split(os.pathsep):
        os.environ["PATH"] = os.pathsep.join([here, os.environ.get("PATH", "")])


def write(path, text):
    """Write a file so that it is there whole or not at all."""
    path.parent.mkdir(parents=True, exist_ok=True)
    half = path.with_name(f".{os.getpid()}.part")
    data = text if isinstance(text, bytes) else text.encode("utf-8", "replace")
    with half.open("wb") as file:
        file.write(data)
        file.flush()
        os.fsync(file.fileno())
    half.replace(path)
