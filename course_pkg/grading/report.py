"""One page of a class: what was got and what was not, which mistakes have names, and what waits for a person.

Difficulty is the mean share of an item's points that was earned. Discrimination is the correlation of an item's
points with the points of all other items, over students (the corrected item-total correlation).
"""

import importlib.resources

import jinja2
import numpy as np

from course_pkg.checks.text import TEXT, say
from course_pkg.grading.export import SETTLED, rows
from course_pkg.grading.parts import parts
from course_pkg.grading.status import NOT_SUBMITTED

FEW, SHARE = 3, 0.1  # so many failures without a name, and such a share of the class, are many
GROUPS = 10  # of the figure of totals


def survey(course, assignment):
    """What the page says, as plain values."""
    found, known = parts(course, assignment), rows(course, [assignment.name])
    students = sorted({p.student for p in found})
    emails = {r.student: r.email for r in known}
    handed_in = [r for r in known if r.status != NOT_SUBMITTED]
    return {
        "assignment": assignment.name,
        "listed": len(known),
        "handed_in": len(handed_in),
        "graded": len(students),
        "items": _items(found, students),
        "totals": [(r.score, r.max_score) for r in known if r.score is not None],
        "mistakes": _mistakes(found, emails),
        "unnamed": _unnamed(found, len(students)),
        "waits": [_waiting(r) for r in handed_in if not r.settled],
    }


def _items(found, students):
    """[{cell, part, points, right, of, difficulty, discrimination}]."""
    place, keys = {s: i for i, s in enumerate(students)}, list(dict.fromkeys((p.notebook, p.cell) for p in found))
    order = {k: [] for k in keys}
    for p in found:
        if p.part not in order[p.notebook, p.cell]:
            order[p.notebook, p.cell].append(p.part)
    earned, most = {}, {}
    for p in found:
        item = p.notebook, p.cell, p.part
        earned.setdefault(item, np.full(len(students), np.nan))[place[p.student]] = (
            np.nan if p.score is None else p.score
        )
        most[item] = p.points
    whole = {k: _cell_totals(found, k, place) for k in keys}
    everything = np.nansum(list(whole.values()), axis=0) if whole else np.zeros(0)
    made = []
    for key in keys:
        named = [part for part in order[key] if part]
        points = sum(most[(*key, part)] for part in named) or most.get((*key, ""), 0.0)
        made.append(_item(key[1], "", points, whole[key], everything - np.nan_to_num(whole[key])))
        for part in named:
            values = earned[(*key, part)]
            # Who has no answer at all for the cell has none for its parts.
            values = np.where(np.isnan(values) & (whole[key] == 0), 0.0, values)
            made.append(_item(key[1], part, most[(*key, part)], values, everything - np.nan_to_num(values)))
    return made


def _cell_totals(found, key, place):
    totals = np.full(len(place), np.nan)
    for p in found:
        if (p.notebook, p.cell) == key and p.score is not None:
            totals[place[p.student]] = np.nan_to_num(totals[place[p.student]]) + p.score
    return totals


def _item(cell, part, points, values, rest):
    seen = ~np.isnan(values)
    share = values[seen] / points if points else values[seen]
    return {
        "cell": cell,
        "part": part,
        "points": points,
        "right": int(np.sum(share >= 1 - 1e-9)),
        "of": int(seen.sum()),
        "difficulty": float(share.mean()) if seen.any() else None,
        "discrimination": correlation(values[seen], rest[seen]),
    }


def correlation(a, b):
    """Pearson's correlation of two (n,) arrays; None where one of them is constant or n < 3."""
    if len(a) < 3 or np.ptp(a) == 0 or np.ptp(b) == 0:
        return None
    a, b = a - a.mean(), b - b.mean()
    return float(a @ b / np.sqrt((a @ a) * (b @ b)))


def _mistakes(found, emails):
    """[{cell, text, think, students, emails}], the most frequent first."""
    groups = {}
    for p in found:
        if p.mistake:
            groups.setdefault((p.cell, p.mistake), []).append(p)
    made = [
        {
            "cell": cell.removeprefix("test_"),
            "text": text,
            "think": group[0].think,
            "students": sorted({p.student for p in group}),
            "emails": sorted({emails[p.student] for p in group if emails.get(p.student)}),
        }
        for (cell, text), group in groups.items()
    ]
    return sorted(made, key=lambda m: (-len(m["students"]), m["cell"], m["text"]))


def _unnamed(found, graded):
    """[{cell, part, count, of, students, many}] of parts that were lost without a known mistake."""
    named = {(p.student, p.notebook, p.cell) for p in found if p.mistake}
    groups = {}
    for p in found:
        if p.score is not None and p.score < p.points and (p.student, p.notebook, p.cell) not in named:
            groups.setdefault((p.cell, p.part), []).append(p)
    made = []
    for (cell, part), group in groups.items():
        students = sorted({p.student for p in group})
        many = len(students) >= max(FEW, SHARE * graded)
        kinds = sorted({p.message for p in group if p.message and not p.part})
        made.append(
            {"cell": cell.removeprefix("test_"), "part": part, "students": students, "many": many, "kinds": kinds}
        )
    return sorted(made, key=lambda m: (-len(m["students"]), m["cell"], m["part"]))


def _waiting(row):
    held = say("held", points=row.open_points) if row.status in SETTLED and row.open_points else row.status
    return {"student": row.student, "held": held, "reason": row.reason}


def page(found, names=True):
    """The survey as HTML; without names it can be shown in class."""
    # The student extra, which a machine that only grades can do without.
    from course_pkg.widgets.explorer import HERE, script

    source = importlib.resources.files(__package__).joinpath("report.html.j2").read_text(encoding="utf-8")
    environment = jinja2.Environment(
        autoescape=True, trim_blocks=True, lstrip_blocks=True, undefined=jinja2.StrictUndefined
    )
    environment.globals["say"] = say
    return environment.from_string(source).render(
        **found,
        names=names,
        title=say("report", name=found["assignment"]),
        figures=_figures(found),
        style=(HERE / "explorer.css").read_text(encoding="utf-8"),
        script=script(),
        number=lambda value: "–" if value is None else f"{value:.2f}",
        word=lambda part: say("care") if part == "care" else TEXT.get(part, part) if part.startswith("care") else part,
    )


def _figures(found):
    """The class as the course's own figures, as static HTML."""
    from course_pkg.widgets.explorer import figure
    from course_pkg.widgets.panels import bars

    made = []
    cells = [i for i in found["items"] if not i["part"] and i["difficulty"] is not None]
    if cells:
        shares = [i["difficulty"] for i in cells]
        hardest = min(cells, key=lambda i: i["difficulty"])
        panel = bars(
            [i["cell"].removeprefix("test_") for i in cells], shares, value_label=say("axis share"), value_range=(0, 1)
        )
        alt = say("alt items", cell=hardest["cell"].removeprefix("test_"), share=hardest["difficulty"])
        made.append(figure(panel, title=say("figure items"), alt=alt).static_html())
    if found["totals"]:
        shares = np.array([score / most if most else 0.0 for score, most in found["totals"]])
        counts = np.histogram(np.clip(shares, 0, 1), bins=GROUPS, range=(0, 1))[0]
        labels = [say("tenth", low=100 * i // GROUPS, high=100 * (i + 1) // GROUPS) for i in range(GROUPS)]
        panel = bars(
            labels, counts.astype(float), value_label=say("axis students"), value_range=(0, max(1, counts.max()))
        )
        alt = say("alt totals", mean=100 * shares.mean(), count=len(shares))
        made.append(figure(panel, title=say("figure totals"), alt=alt).static_html())
    return made
