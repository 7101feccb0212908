"""What students wrote and what their code showed, made safe to look at: it may have been written to do harm.

Formgrader and nbgrader's feedback put outputs and Markdown into pages as they are, so a script in them would run as the
instructor. Of outputs text and pictures are kept; what can be shown as HTML, SVG or JavaScript has a text beside it.
In Markdown, HTML is shown and not followed; `submitted/` has it as it came.
"""

import json
import re

import nbformat

from course_pkg.checks.text import say
from course_pkg.grading.inside.codec import NODES

PICTURES = ("image/png", "image/jpeg")
BASE64 = re.compile(r"[A-Za-z0-9+/=\s]*")
COUNT, LINES, LINE = 520, 200, 4000  # outputs of a cell; lines of a traceback; characters of one
ROOM = 24 << 20  # characters of all outputs of a notebook


def clean(value):
    """Plain values without lone surrogates, which no file and no database takes."""
    if isinstance(value, str):
        return value.encode("utf-8", "replace").decode()
    if isinstance(value, (list, tuple)):
        return type(value)(map(clean, value))
    if isinstance(value, dict):
        return {clean(k): clean(v) for k, v in value.items()}
    return value


def kept(text, room=ROOM):
    """(outputs in notebook format, characters in them) from their JSON. Raises ValueError when it is not that."""
    try:
        if sum(map(text.count, "[{,")) > NODES:
            raise ValueError(say("nodes", limit=NODES))
        found = json.loads(text, parse_constant=lambda name: None)
    except (RecursionError, AttributeError) as error:
        raise ValueError(str(error)) from None
    if not isinstance(found, list):
        raise ValueError(type(found).__name__)
    made, used = [], 0
    for raw in found[:COUNT]:
        output = _output(raw) if isinstance(raw, dict) else None
        size = len(str(output))
        if output is not None and used + size <= room:
            made.append(nbformat.from_dict(output))
            used += size
    return made, used


def bare(markdown):
    """Markdown without HTML. A blank after "<" changes no formula, but a tag must not begin with one."""
    text = re.sub(r"<(?=[A-Za-z/!?])", "< ", markdown)
    text = re.sub(r"&(?=#?\w{1,31};)", "& ", text)  # letters of the words below could be written as entities
    return re.sub(r"(javascript|vbscript|data)(?=\s*:)", r"\1 ", text, flags=re.I)


def _output(raw):
    kind = raw.get("output_type")
    if kind == "stream" and raw.get("name") in ("stdout", "stderr") and isinstance(raw.get("text"), str):
        return {"output_type": kind, "name": raw["name"], "text": clean(raw["text"])}
    if kind == "error" and isinstance(raw.get("traceback"), list):
        lines = [clean(str(line)[:LINE]) for line in raw["traceback"][:LINES]]
        name, value = (clean(str(raw.get(key))[:LINE]) for key in ("ename", "evalue"))
        return {"output_type": kind, "ename": name, "evalue": value, "traceback": lines}
    if kind in ("display_data", "execute_result") and isinstance(raw.get("data"), dict):
        data = {k: clean(v) for k, v in raw["data"].items() if isinstance(v, str) and is_safe(k, v)}
        number = raw.get("execution_count")
        more = {"execution_count": number if type(number) is int else None} if kind == "execute_result" else {}
        return {"output_type": kind, "data": data, "metadata": {}, **more} if data else None
    return None


def is_safe(kind, data):
    """Whether this is plain text, or a picture and nothing else."""
    return kind == "text/plain" or (kind in PICTURES and BASE64.fullmatch(data) is not None)
