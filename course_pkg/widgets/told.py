"""What a figure says in words and numbers, as tell.js says it on the page, from the arrays that `fn` returned.

The book's build keeps a fingerprint of it for every position of a figure's controls, beside the page and not in it.
tests/book/test_printed.py compares it with what the page's own script makes of the page's table.
"""

import hashlib
import json
import math

import numpy as np

from course_pkg.widgets.digits import fixed, significant
from course_pkg.widgets.uses import told

NAMES = ("C", "C♯", "D", "D♯", "E", "F", "F♯", "G", "G♯", "A", "A♯", "B")
SEEN = {"\n": "↵", " ": "␣"}


def fingerprints(panels, blocks, grid):
    """One short hash for each position of the controls, the last control moving fastest."""
    return [_fingerprint(panels, [block[index].tolist() for block in blocks]) for index in np.ndindex(grid)]


def _fingerprint(panels, numbers):
    said = [says(panel, lambda ref: numbers[ref["slot"]]) for panel in panels]
    text = json.dumps(said, ensure_ascii=False, separators=(",", ":"))
    return hashlib.sha256(text.encode()).hexdigest()[:16]


def says(panel, at):
    """[all that is told, what is said aloud, what is written into the picture] of one panel.

    at(ref) gives the numbers of a slot. The first two are lists of [name, texts].
    """
    whole, aloud, written = KINDS[panel["kind"]](panel, at)
    return [[[name, list(texts)] for name, texts in whole], [[name, list(texts)] for name, texts in aloud], written]


def _all(values):
    return [told(v) for v in values]


def _numbers(p, at):
    pairs = [(i["name"], [f"{significant(at(i['value'])[0], i['digits'])} {i['unit']}".strip()]) for i in p["items"]]
    return pairs, pairs, [text for _, (text,) in pairs]


def _bars(p, at):
    rows = [at(row) for row in p["points"]] or [[]] * len(p["names"])
    values = at(p["values"])
    pairs = [
        (name, [significant(v, p["digits"]) for v in (value, *row)])
        for name, value, row in zip(p["names"], values, rows)
    ]
    return pairs, pairs, [significant(v, p["digits"]) for v in values]


def _diagram(p, at):
    layout, values = p["layout"], at(p["values"])
    value = dict(zip(layout["ids"], values))
    parts = [*layout["boxes"], *(o for o in layout["operations"] if math.isfinite(value[o["id"]]))]
    pairs = [(f"{part['label']} {part.get('symbol', '')}".strip(), [told(value[part["id"]])]) for part in parts]
    return pairs, pairs, [fixed(v, 2) for v in values]


def _heatmap(p, at):
    z, columns = at(p["z"]), p["columns"]
    names = _spelled(p["y_ticks"], at) if p["y_ticks"] else []
    names += [""] * (p["rows"] - len(names))
    rows = [(names[r] or f"{p['y_label']} {r}", _all(z[r * columns :][:columns])) for r in range(p["rows"])]
    return rows, [], [] if p["decimals"] is None else [fixed(v, p["decimals"]) for v in z]


def _words(p, at):
    tokens, name = _spelled(p["text"], at), p["title"] or "text"
    tracks = [(t["name"] or p["z_label"], _all(at(t["values"]))) for t in p["tracks"]]
    aloud = [(name, [("" if p["letters"] else " ").join(tokens)])]
    return [(name, [SEEN.get(token, token) for token in tokens]), *tracks], aloud, []


def _roll(p, at):
    played = zip(*(at(p[part]) for part in ("start", "beats", "pitch")))
    notes = sorted((n for n in played if all(map(math.isfinite, n))), key=lambda n: n[0])
    end = told(notes[-1][0] + notes[-1][1] if notes else 0)
    names = [f"{NAMES[_whole(pitch) % 12]}{_whole(pitch) // 12 - 1}" for _, _, pitch in notes]
    whole = [("note", names), ("from beat", _all(n[0] for n in notes)), ("beats", _all(n[1] for n in notes))]
    return whole, [(p["title"] or "melody", [f"{len(notes)} notes, {end} beats"])], []


def _lines(p, at):
    curves = []
    for c in p["curves"]:
        if "x" in c:
            curves += [(f"{c['name']}: {p['x_label']}", at(c["x"])), (f"{c['name']}: {p['y_label']}", at(c["y"]))]
        else:
            curves.append((c["name"], at(c["y"])))
    whole = [(p["x_label"], _all(at(p["x"]))), *((name, _all(values)) for name, values in curves)]
    return whole, [(name, [_ends(values)]) for name, values in curves], []


def _ends(values):
    known = [v for v in values if math.isfinite(v)]
    return f"{told(known[0])} to {told(known[-1])}" if known else "no values"


def _whole(v):
    return math.floor(v + 0.5)


def _spelled(names, at):
    if isinstance(names, list):
        return list(names)
    return [names["vocabulary"][_whole(k)] if math.isfinite(k) else "" for k in at(names["ids"])]


KINDS = {
    "lines": _lines,
    "bars": _bars,
    "heatmap": _heatmap,
    "diagram": _diagram,
    "numbers": _numbers,
    "words": _words,
    "roll": _roll,
}
