"""Submissions from where students put them into `submitted/STUDENT/ASSIGNMENT`.

Three sources: a folder of one's own making (FOLDER/STUDENT/... or FOLDER/STUDENT.ipynb), the zip file or folder that
Moodle and Canvas give out, and nbgrader's exchange (`nbgrader collect`).

A student's files are written beside their place first and moved there together, so a command that was stopped leaves
a whole submission or none.
"""

import contextlib
import errno
import hashlib
import shutil
import zipfile
import zlib
from pathlib import Path, PurePosixPath
from typing import NamedTuple

from course_pkg.checks.text import say
from course_pkg.grading.course import write
from course_pkg.grading.names import OWN, unwrap, whose
from course_pkg.grading.people import People
from course_pkg.grading.reading import safe_name

LIMIT = 4 << 30  # bytes that one archive may hold
TIME = "timestamp.txt"
# What is wrong with a file's name, not with the disk: too long, or a file where another wants a folder.
OF_A_NAME = (errno.ENAMETOOLONG, errno.ENOTDIR, errno.EISDIR, errno.EEXIST, errno.EINVAL, errno.EILSEQ)
UNREAD = (OSError, zipfile.BadZipFile, RuntimeError, NotImplementedError, EOFError, zlib.error)


class Collected(NamedTuple):
    """What became of a source. People are counted, each by their folder in `submitted`."""

    taken: dict  # {student: number of files} that are new
    replaced: list  # students whose newer work took the place of the older
    kept: list  # students who were there already
    differ: list  # of those, whose work is not the same as what is there
    late: list  # students whom the learning system calls late
    unread: dict  # {student: why their files could not be read}
    nobody: list  # files that name nobody
    apart: list  # folders that carry a number, since several people have one name


@contextlib.contextmanager
def entries(source):
    """[(relative name, bytes reader)] of everything in a folder or zip file, while it is open."""
    source = Path(source)
    if source.is_dir():
        paths = [p for p in sorted(source.rglob("*")) if not _hidden(p.name) and not p.is_symlink()]
        yield [(p.relative_to(source).as_posix(), p.read_bytes) for p in paths if p.is_file()]
        return
    with zipfile.ZipFile(source) as archive:
        members = [m for m in archive.infolist() if not m.is_dir() and "__MACOSX" not in m.filename]
        if sum(m.file_size for m in members) > LIMIT:
            raise ValueError(say("archive size", limit=LIMIT >> 30))
        members = [m for m in members if not _hidden(PurePosixPath(_name(m)).name)]
        yield [(_inside(_name(m)), lambda m=m: archive.read(m)) for m in members]


def _hidden(name):
    """Whether a file is hidden. The name of a person may begin with a dot."""
    who = whose(name)
    return name.startswith(".") and (who is None or who[0].system == OWN)


def _inside(name):
    """A relative path that leads nowhere else; what a person's name may hold stays in it."""
    return "/".join(part for part in name.replace("\\", "/").split("/") if part not in ("", ".", ".."))


def _name(member):
    """A member's name. Without the mark for UTF-8 zipfile reads code page 437; most who leave it out wrote UTF-8."""
    if member.flag_bits & 0x800:
        return member.filename
    try:
        return member.filename.encode("cp437").decode("utf-8")
    except UnicodeError:
        return member.filename


def collect(course, name, source, overwrite=False):
    """Copy submissions in; returns ({student: number of files}, who was there already and was kept)."""
    done = gather(course, name, source, overwrite)
    return {**done.taken, **dict.fromkeys(done.replaced, 0)}, done.kept


def gather(course, name, source, overwrite=False):
    """Copy submissions in; returns Collected. Raises TwoPeople before anything is written."""
    with entries(source) as found:
        return _gather(course, name, found, Path(source).stem, overwrite)


def _gather(course, name, found, archive, overwrite):
    books = {p.stem for p in course.path("release", ".", name).glob("*.ipynb")} | {name}
    around = unwrap([path for path, _ in found], books, archive)
    work, nobody, late = {}, [], set()
    for path, read in found:
        who = whose(path[len(around) :]) if path.startswith(around) else None
        if who is None:
            nobody.append(path)
            continue
        person, file, is_late = who
        work.setdefault(person, []).append((file, read))
        late.update({person} if is_late else ())
    people = People(course)
    folders = people.folders(work, name)
    people.save()
    done = Collected({}, [], [], [], sorted({folders[p] for p in late}), {}, nobody, [])
    mine = {}
    for person, files in work.items():
        mine.setdefault(folders[person], []).extend(_placed(files, name, person.system == OWN))
        if person.number and folders[person].endswith(f"-{person.number}"):
            done.apart.append(folders[person])
    for student in sorted(mine):
        _take(course, name, student, mine[student], overwrite, done)
    times = {s: when for s, when in times_of(people, name).items() if s in mine}
    for student, when in times.items():
        write(course.path("submitted", student, name) / TIME, when)
    return done


def times_of(people, name):
    """{student: when they handed in}, where the learning system's worksheet told it."""
    return {s: told["times"][name] for s, told in people.roster.items() if name in told.get("times", {})}


def _placed(files, name, own):
    """(file, reader) with the names that they get. Only nbgrader's own layout brings a time with it."""
    used, placed = set(), []
    for file, read in files:
        parts = PurePosixPath(file).parts
        as_nbgrader = own and len(parts) > 1 and parts[0] == name  # STUDENT/ASSIGNMENT/file
        file = safe_name("/".join(parts[1:]) if as_nbgrader else file)
        if file == TIME and not as_nbgrader:  # anyone can write such a file
            continue
        path, count = PurePosixPath(file), 1
        while file in used:
            count += 1
            file = path.with_name(f"{path.stem}-{count}{path.suffix}").as_posix()
        used.add(file)
        placed.append((file, read))
    return placed


def _take(course, name, student, files, overwrite, done):
    folder = course.path("submitted", student, name)
    new, old = folder.with_name(f".{name}.new"), folder.with_name(f".{name}.old")
    shutil.rmtree(new, ignore_errors=True)
    if old.exists() and not folder.exists():  # stopped between two moves
        old.replace(folder)
    shutil.rmtree(old, ignore_errors=True)
    try:
        data = {file: read() for file, read in files}
    except UNREAD as problem:
        done.unread[student] = str(problem)
        return
    there = folder.exists() and any(folder.iterdir())
    if there:
        same = _digest(data) == _digest(_there(folder))
        if same or not overwrite:
            done.kept.append(student)
            done.differ.extend([] if same else [student])
            return
    new.mkdir(parents=True)
    try:
        for file, content in data.items():
            write(new / file, content)
    except OSError as problem:
        shutil.rmtree(new, ignore_errors=True)
        if problem.errno not in OF_A_NAME:
            raise
        done.unread[student] = str(problem.strerror)
        return
    if there:
        folder.replace(old)
    elif folder.exists():
        folder.rmdir()
    new.replace(folder)
    shutil.rmtree(old, ignore_errors=True)
    if there:
        done.replaced.append(student)
    else:
        done.taken[student] = len(data)


def _there(folder):
    return {p.relative_to(folder).as_posix(): p.read_bytes() for p in sorted(folder.rglob("*")) if p.is_file()}


def _digest(files):
    return {file: hashlib.sha256(data).digest() for file, data in files.items() if file != TIME}
