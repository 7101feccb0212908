"""Bytes to a notebook in format 4. What can be repaired is repaired and said; what cannot is named."""

import io
import json
import secrets
import zipfile
from pathlib import PurePosixPath

import nbformat

from course_pkg.checks.text import say
from course_pkg.grading.outputs import PICTURES, clean, is_safe

FILE_LIMIT, ZIP_LIMIT, ZIP_COUNT = 20 << 20, 60 << 20, 500  # bytes, bytes, files
ENCODINGS = ("utf-8", "cp1252", "latin-1")
MARKS = {b"\xff\xfe": "utf-16", b"\xfe\xff": "utf-16", b"\xef\xbb\xbf": "utf-8-sig"}
CELL_LIMIT = 2000
LABEL_KEYS, PLAIN = ("grade_id", "points", "solution", "grade", "locked", "checksum"), (str, int, float, bool)


class Unreadable(ValueError):
    """There is no notebook in these bytes; the text says why."""


def unzip(files):
    """(files with those in zip archives beside them, notes). Archives that hold notebooks only."""
    found, notes, room = dict(files), [], ZIP_LIMIT
    for name, data in files.items():
        if name.lower().endswith(".ipynb") or data[:4] != b"PK\x03\x04":
            archive = data[:4] == b"PK\x03\x04"
        else:
            archive = name.lower().endswith(".zip")
        if archive:
            inside = _members(data, room, ZIP_COUNT - len(found))
            if any(member.lower().endswith(".ipynb") for member in inside):
                del found[name]
                room -= sum(map(len, inside.values()))
                found.update({m: d for m, d in inside.items() if m not in found})
                notes.append(say("from zip", file=name))
    return found, notes


def _members(data, room, count):
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            members = [m for m in archive.infolist() if not m.is_dir() and "__MACOSX" not in m.filename]
            if len(members) > count or sum(m.file_size for m in members) > room:
                return {}
            return {safe_name(m.filename): archive.read(m) for m in members}
    except (zipfile.BadZipFile, RuntimeError, OSError, NotImplementedError, EOFError, ValueError):
        return {}


def safe_name(name):
    """A relative path that stays inside its folder."""
    parts = [p for p in PurePosixPath(name.replace("\\", "/")).parts if p not in ("..", "/", ".") and ":" not in p]
    return "/".join(parts) or "file"


def read(file, data):
    """(notebook, notes) from the bytes of a file. Raises Unreadable."""
    if not data.strip(b"\x00 \r\n\t"):
        raise Unreadable(say("empty file", file=file))
    if len(data) > FILE_LIMIT:
        raise Unreadable(say("too large", file=file, size=len(data) / 2**20, limit=FILE_LIMIT / 2**20))
    text, notes = _decode(data)
    found = _parse(file, text)
    if isinstance(found, str):
        found = _parse(file, found)
        notes.append(say("twice"))
    if not isinstance(found, dict) or not isinstance(found.get("cells", found.get("worksheets")), list):
        raise Unreadable(say("not a notebook", file=file))
    return _convert(file, found, notes)


def _decode(data):
    for mark, encoding in MARKS.items():
        if data.startswith(mark):
            try:
                return data.decode(encoding), [] if encoding == "utf-8-sig" else [say("encoding", encoding=encoding)]
            except UnicodeDecodeError:
                break
    if data[1:2] == b"\x00" and data[3:4] == b"\x00":
        return data.decode("utf-16-le", "replace"), [say("encoding", encoding="utf-16-le")]
    for encoding in ENCODINGS:
        try:
            return data.decode(encoding), [] if encoding == "utf-8" else [say("encoding", encoding=encoding)]
        except UnicodeDecodeError:
            continue
    raise AssertionError(ENCODINGS)


def _parse(file, text):
    text = text.strip().strip("\x00")
    try:
        return json.loads(text, strict=False, parse_constant=lambda name: None)
    except RecursionError:
        raise Unreadable(say("nested", file=file)) from None
    except ValueError as error:
        start = text[:2000].lstrip().lower()
        if "<<<<<<<" in text and ">>>>>>>" in text:
            raise Unreadable(say("conflict", file=file)) from None
        if start.startswith(("<!doctype", "<html", "<head", "<?xml")):
            raise Unreadable(say("html", file=file)) from None
        if not start.startswith(("{", "[", '"')):
            raise Unreadable(say("script", file=file)) from None
        if isinstance(error, json.JSONDecodeError):
            if error.pos >= len(text) - 1 or error.msg.startswith("Unterminated"):
                raise Unreadable(say("cut off", file=file, at=error.pos, size=len(text))) from None
            raise Unreadable(say("not json", file=file, why=error.msg, line=error.lineno)) from None
        raise Unreadable(say("not json", file=file, why=str(error)[:200], line=1)) from None


def _convert(file, found, notes):
    version = found.get("nbformat")
    if "cells" not in found:
        try:
            old = {"metadata": {}, **found, "nbformat": 3, "nbformat_minor": 0}
            found = nbformat.reads(json.dumps(old), as_version=4)
            notes.append(say("old format", version=version))
        except Exception as error:  # nbformat raises whatever the broken file makes it meet
            raise Unreadable(say("not json", file=file, why=f"{type(error).__name__}: {error}", line=1)) from None
    elif version != 4:
        notes.append(say("new format", version=str(version)[:20]))
    if len(found["cells"]) > CELL_LIMIT:
        raise Unreadable(say("too many cells", file=file, count=len(found["cells"]), limit=CELL_LIMIT))
    cells, mended, ids = [], 0, set()
    for raw in found["cells"]:
        cell, was_broken = _cell(raw, ids)
        mended += was_broken
        if cell is not None:
            cells.append(cell)
    if mended:
        notes.append(say("cells mended", count=mended))
    made = nbformat.from_dict({"metadata": {"kernelspec": _kernelspec(found.get("metadata"))}, "cells": []})
    made.update(nbformat=4, nbformat_minor=5, cells=cells)
    return made, notes


def _kernelspec(metadata):
    """Which kernel the notebook asks for. Of its metadata nothing else counts."""
    spec = metadata.get("kernelspec") if isinstance(metadata, dict) else None
    spec = spec if isinstance(spec, dict) else {}
    return {key: str(spec[key])[:80] for key in ("name", "language") if key in spec}


def new_cell(kind, source, metadata=None):
    """A cell in notebook format, as nbformat's own functions make it, but for the check of each against the format."""
    made = {"cell_type": kind, "id": secrets.token_hex(4), "metadata": metadata or {}, "source": source}
    return nbformat.from_dict(made | ({"outputs": [], "execution_count": None} if kind == "code" else {}))


def _cell(raw, ids):
    """(cell or None, whether it had to be mended) from what should be a cell."""
    if not isinstance(raw, dict):
        return None, True
    source, broken = raw.get("source", raw.get("input")), False
    if isinstance(source, list) and all(isinstance(line, str) for line in source):
        source = "".join(source)
    elif not isinstance(source, str):
        source, broken = "" if source is None else str(source), True
    source = source.replace("\r\n", "\n").replace("\r", "\n")  # an editor's choice, not the student's
    text = clean(source.replace("\x00", ""))
    broken |= text != source
    kind = raw.get("cell_type")
    if kind not in ("code", "markdown", "raw"):
        kind, broken = "code" if "outputs" in raw else "markdown", True
    metadata = raw.get("metadata")
    if not isinstance(metadata, dict):
        metadata, broken = {}, True
    label = metadata.get("nbgrader")
    broken |= label is not None and not isinstance(label, dict)
    label = {k: label[k] for k in LABEL_KEYS if type(label.get(k)) in PLAIN} if isinstance(label, dict) else None
    metadata = {} if label is None else {"nbgrader": label}
    cell = new_cell(kind, text, metadata)
    own = raw.get("id")
    if (
        isinstance(own, str)
        and own not in ids
        and 0 < len(own) <= 64
        and own.replace("-", "").replace("_", "").isalnum()
    ):
        cell.id = own
    ids.add(cell.id)
    if kind == "markdown" and isinstance(raw.get("attachments"), dict):
        cell.attachments = nbformat.from_dict(_pictures(raw["attachments"]))
    return cell, broken


def _pictures(attachments):
    """Those of a cell's attachments that are pictures."""
    found = {}
    for name, data in attachments.items():
        data = data if isinstance(data, dict) else {}
        safe = {k: v for k, v in data.items() if k in PICTURES and isinstance(v, str) and is_safe(k, v)}
        if safe:
            found[clean(name)] = safe
    return found
