"""Who a file is from: the names that learning systems give to files, and the folder that belongs to a person."""

import hashlib
import re
import unicodedata
from pathlib import PurePosixPath
from typing import NamedTuple

MOODLE, CANVAS, OWN = "moodle", "canvas", "own"
# Moodle: "Full Name_123456_assignsubmission_file_/file", or the same as one name; "onlinetext" for what was typed.
_MOODLE = re.compile(r"^(?P<name>[^/]+?)_(?P<number>\d+)_assignsubmission_[a-z]+(?:_/?|/|$)(?P<file>.*)$", re.DOTALL)
# Canvas: "name_LATE_123_456_file", with the user's number and the file's; what was typed has no number of its own.
_CANVAS = re.compile(
    r"^(?P<name>[^_/]+)_(?P<late>late_|LATE_)?(?P<number>\d+)_(?P<file>\d+_[^/]+|text\.html|link\.html)$", re.DOTALL
)
_BLIND = re.compile(r"^anon_(?P<number>[A-Za-z0-9]+)_(?P<late>LATE_)?(?P<file>\d+_[^/]+)$", re.DOTALL)
NOBODY = ("participant", "anon")  # names that learning systems give to all who are not to be known
KEPT, LENGTH = "_.@+-", 120  # characters of a folder's name beside letters, marks and numbers; bytes of it


class Person(NamedTuple):
    """One who handed in: the name as it was written, and the number that the learning system gives, or ""."""

    system: str
    name: str
    number: str


def whose(path):
    """(Person, file, late) from a relative name; None where it names nobody.

    A learning system's name is looked for at the head of the path only: what stands deeper is the student's own.
    """
    path = unicodedata.normalize("NFC", path)
    if found := _MOODLE.match(path):
        person = Person(MOODLE, found["name"].strip(), found["number"])
        return person, found["file"].strip("/") or PurePosixPath(path).name, False
    for pattern in (_CANVAS, _BLIND):
        if found := pattern.match(path):
            name = found["name"] if "name" in pattern.groupindex else "anon"
            head, _, rest = found["file"].partition("_")
            return Person(CANVAS, name, found["number"]), rest if head.isdigit() else found["file"], bool(found["late"])
    parts = PurePosixPath(path).parts
    if len(parts) > 1:
        return Person(OWN, parts[0], ""), "/".join(parts[1:]), False
    if path.lower().endswith((".ipynb", ".zip")):
        return Person(OWN, PurePosixPath(path).stem, ""), path, False
    return None


def folder_name(text):
    """A name as a folder: letters of every script with their marks; NFC and NFD are one name."""
    text = unicodedata.normalize("NFC", text.strip())
    kept = "".join(
        c if unicodedata.category(c)[0] in "LMN" or c in KEPT else "" if unicodedata.category(c) == "Cf" else "-"
        for c in text
    )
    kept = re.sub("-+", "-", kept).strip("-.") or "unknown"
    data = kept.encode("utf-8", "replace")
    if len(data) <= LENGTH:
        return kept
    return data[:LENGTH].decode("utf-8", "ignore") + "-" + hashlib.sha256(data).hexdigest()[:8]


def unwrap(paths, notebooks, archive=""):
    """The folders around all submissions, such as "submissions/", which name nobody; "" where there are none.

    paths      relative names of everything
    notebooks  what the assignment's notebooks are called: a folder that holds one of them is a student's
    archive    what the archive or folder itself is called
    """
    around = ""
    while inside := _around([p[len(around) :] for p in paths if p.startswith(around)], notebooks, archive):
        around += inside
    return around


def _around(paths, notebooks, archive):
    tops = {PurePosixPath(p).parts[0] for p in paths if "/" in p}
    if len(tops) != 1 or any("/" not in p and whose(p) for p in paths):
        return ""
    top = tops.pop()
    if _MOODLE.match(top):
        return ""
    inner = [p[len(top) + 1 :] for p in paths if "/" in p]
    here = [p for p in inner if "/" not in p]
    if _of_a_system(inner):
        return f"{top}/"
    books = [p for p in here if p.lower().endswith((".ipynb", ".zip"))]
    if books:
        several = len(books) > 1 and not {PurePosixPath(b).stem for b in books} & set(notebooks)
        return f"{top}/" if several else ""
    holders = {PurePosixPath(p).parts[0] for p in inner if p.lower().endswith((".ipynb", ".zip"))}
    named = top.casefold() in {"submissions", "submitted", archive.casefold(), *(n.casefold() for n in notebooks)}
    return f"{top}/" if len(holders) > 1 or (named and holders) else ""


def _of_a_system(paths):
    """Whether names that a learning system gives begin here, or in the one folder that everything here lies in."""
    while True:
        if any(_MOODLE.match(p) for p in paths):
            return True
        here = [p for p in paths if "/" not in p]
        if here:  # a file of a student's own may be named as Canvas names files: all files must be
            return all((found := whose(p)) and found[0].system == CANVAS for p in here)
        tops = {PurePosixPath(p).parts[0] for p in paths}
        if len(tops) != 1:
            return False
        paths = [p.partition("/")[2] for p in paths]
