"""Submissions from where students put them into `submitted/STUDENT/ASSIGNMENT`.

Three sources: a folder of one's own making (FOLDER/STUDENT/... or FOLDER/STUDENT.ipynb), the zip file or folder that
Moodle and Canvas give out, and nbgrader's exchange (`nbgrader collect`).
"""

import datetime
import io
import re
import shutil
import zipfile
from pathlib import Path, PurePosixPath

from course_pkg.checks.text import say
from course_pkg.grading.course import write
from course_pkg.grading.reading import safe_name

LIMIT = 4 << 30  # bytes that one archive may hold
# Moodle: "Full Name_123456_assignsubmission_file_/file" or the same as one name. Canvas: "name_late_123_456_file".
MOODLE = re.compile(r"^(?P<student>[^/]+?)_(?P<number>\d+)_assignsubmission_file_?/?(?P<file>.*)$")
CANVAS = re.compile(r"^(?P<student>[^_/]+)_(?:late_|LATE_)?(?P<number>\d+)_\d+_(?P<file>[^/]+)$")


def entries(source):
    """(relative name, bytes reader, time or None) of everything in a folder or zip file."""
    source = Path(source)
    if source.is_dir():
        for path in sorted(source.rglob("*")):
            if path.is_file() and not path.is_symlink() and not path.name.startswith("."):
                when = datetime.datetime.fromtimestamp(path.stat().st_mtime, datetime.UTC)
                yield path.relative_to(source).as_posix(), path.read_bytes, when
        return
    with zipfile.ZipFile(source) as archive:
        members = [m for m in archive.infolist() if not m.is_dir() and "__MACOSX" not in m.filename]
        if sum(m.file_size for m in members) > LIMIT:
            raise ValueError(say("archive size", limit=LIMIT >> 30))
        for member in members:
            yield safe_name(member.filename), lambda m=member: archive.read(m), None


def whose(name):
    """(student, file) from a relative name in an archive of submissions; None where it names nobody."""
    path = PurePosixPath(name)
    for pattern in (MOODLE, CANVAS):
        for start in range(len(path.parts)):
            rest = "/".join(path.parts[start:])
            if found := pattern.match(rest):
                return _student(found["student"]), found["file"] or path.name
    if len(path.parts) == 1:
        return (_student(path.stem), path.name) if path.suffix == ".ipynb" else None
    return _student(path.parts[0]), "/".join(path.parts[1:])


def _student(text):
    """A name that can be a folder."""
    return re.sub(r"[^\w.@+-]+", "-", text.strip()).strip("-.") or "unknown"


def collect(course, name, source, overwrite=False):
    """Copy submissions in; returns ({student: number of files}, who was there already and was kept)."""
    taken, kept, fresh = {}, set(), set()
    for inside, read, when in entries(source):
        found = whose(inside)
        if found is None:
            continue
        student, file = found
        parts = PurePosixPath(file).parts
        if len(parts) > 1 and parts[0] == name:  # STUDENT/ASSIGNMENT/file, as nbgrader has it
            file = "/".join(parts[1:])
        folder = course.path("submitted", student, name)
        if student not in fresh and folder.exists():
            if not overwrite:
                kept.add(student)
            else:
                shutil.rmtree(folder)
        if student in kept:
            continue
        fresh.add(student)
        data = read() if callable(read) else io.BytesIO(read).read()
        write(folder / safe_name(file), data)
        if when is not None and not (folder / "timestamp.txt").exists():
            write(folder / "timestamp.txt", when.strftime("%Y-%m-%d %H:%M:%S UTC"))
        taken[student] = taken.get(student, 0) + 1
    return taken, sorted(kept)
