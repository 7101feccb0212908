"""The kinds of picture an Explorer draws, as plain data.

Every number that may change with a slider is a NumPy array; everything else (names, labels, ranges)
is fixed for the figure. `role` names a colour with a meaning, see explorer.css: "forget",
"input-gate", "candidate", "output-gate", "cell", "hidden", "input", "gradient", "update", "reset",
"rnn", "lstm", "gru", "muted".
"""

from typing import NamedTuple

import numpy as np

ROLES = (
    *("forget", "input-gate", "candidate", "output-gate", "cell", "hidden", "input", "gradient"),
    *("update", "reset", "rnn", "lstm", "gru", "muted"),
)


STYLES = ("solid", "dashed", "dots", "arrows")  # "arrows": every unbroken stroke ends in an arrowhead


class Line(NamedTuple):
    """One named curve. y has the length of x; low and high, where given, shade the spread around it.

    x, where given, takes the place of the panel's x for this curve: for paths in a plane.
    """

    name: str
    y: object
    role: str = "muted"
    style: str = "solid"  # one of STYLES
    low: object = None
    high: object = None
    x: object = None


class Mark(NamedTuple):
    """A named vertical line at x."""

    name: str
    x: float
    role: str = "muted"


class Ground(NamedTuple):
    """A surface under the curves of `lines`, as a grid of colours that fills the frame: more colour is higher.

    z (rows, columns), row 0 on top; z_range (low, high) is drawn from no colour to full colour.
    """

    name: str
    z: object
    z_range: tuple


def lines(
    x,
    curves,
    *,
    x_label,
    y_label,
    title="",
    x_range=None,
    y_range=None,
    log_y=False,
    marks=(),
    ground=None,
    height=240,
):
    """Named curves over one axis. x (n,), each curve a Line with y (n,); gaps where y is not finite.

    With log_y the axis is logarithmic; values that are not positive become gaps. Without x_range the
    axis spans x, so give x_range where curves have an x of their own. `ground` is a Ground.
    """
    x = numbers_of("x", x)

    def check(name, a, own):
        a = numbers_of(name, a)
        if a.shape != own.shape:
            raise ValueError(f"{name}: got {a.size} values, wanted {own.size} as x has")
        return np.where(a > 0, a, np.nan) if log_y else a

    def curve(c):
        if c.style not in STYLES:
            raise ValueError(f"style: got {c.style!r}, wanted one of {', '.join(STYLES)}")
        own = x if c.x is None else numbers_of(f"{c.name}.x", c.x)
        one = {"name": c.name, "role": role_of(c.role), "style": c.style, "y": check(c.name, c.y, own)}
        if c.x is not None:
            one["x"] = own
        if c.low is not None:
            one |= {"low": check(f"{c.name}.low", c.low, own), "high": check(f"{c.name}.high", c.high, own)}
        return one

    return {
        "kind": "lines",
        "title": title,
        "x": x,
        "curves": [curve(c) for c in curves],
        "marks": [{"name": m.name, "role": role_of(m.role), "x": numbers_of(m.name, m.x)} for m in marks],
        "ground": None if ground is None else _ground(ground),
        "x_label": x_label,
        "y_label": y_label,
        "x_range": range_of("x_range", x_range),
        "y_range": range_of("y_range", y_range, log=log_y),
        "log_y": bool(log_y),
        "height": height,
    }


def bars(names, values, *, value_label, roles="muted", title="", value_range=None, digits=3, points=None):
    """Horizontal bars: one value (n,) for each of the n names. `roles` is one role or one for each bar.

    `points` (n, S) draws the S single measurements, such as one for each seed, as rings on their bar.
    """
    values = numbers_of("values", values)
    if values.size != len(names):
        raise ValueError(f"values: got {values.size}, wanted {len(names)} as there are names")
    roles = [roles] * len(names) if isinstance(roles, str) else list(roles)
    points = np.empty((len(names), 0)) if points is None else np.asarray(points, dtype=float)
    if points.ndim != 2 or len(points) != len(names):
        raise ValueError(f"points: got shape {points.shape}, wanted ({len(names)}, S)")
    return {
        "kind": "bars",
        "points": [row for row in points if row.size],
        "title": title,
        "names": list(names),
        "roles": [role_of(r) for r in roles],
        "values": values,
        "value_label": value_label,
        "range": range_of("value_range", value_range),
        "digits": digits,
    }


def heatmap(z, *, x_label, y_label, z_label, z_range, x_ticks=None, y_ticks=None, title="", height=260, decimals=None):
    """A grid of colours. z (rows, columns), row 0 on top. A z_range (low, high) with low < 0 < high is
    drawn in two colours around zero. `x_ticks` and `y_ticks` name the columns and rows; names that change
    with a control come from `spelled`. With `decimals` each number is written on its colour, where there is room.
    """
    z = _plane(z)
    for name, ticks, size in (("x_ticks", x_ticks, z.shape[1]), ("y_ticks", y_ticks, z.shape[0])):
        names = ticks["ids"] if isinstance(ticks, dict) else ticks
        if names is not None and len(names) != size:
            raise ValueError(f"{name}: got {len(names)} names, wanted {size}")
    return {
        "kind": "heatmap",
        "title": title,
        "z": z.ravel(),
        "rows": z.shape[0],
        "columns": z.shape[1],
        "x_label": x_label,
        "y_label": y_label,
        "z_label": z_label,
        "x_ticks": _ticks(x_ticks),
        "y_ticks": _ticks(y_ticks),
        "range": range_of("z_range", z_range),
        "decimals": decimals,
        "height": height,
    }


def number(name, value, *, unit="", role="muted", digits=3):
    """One named number with its unit, for `numbers`. `digits` are significant digits."""
    return {"name": name, "value": numbers_of(name, value), "unit": unit, "role": role_of(role), "digits": digits}


def numbers(*items):
    """A row of named numbers under the figure; a screen reader hears them when they change."""
    return {"kind": "numbers", "items": list(items)}


def diagram(layout, values, lit=None, *, title=""):
    """A diagram with numbers written into it. `layout` comes from `diagrams`; values maps a box's id to its number.

    `lit` is the set of box and wire ids to show in full; the rest is dimmed. None lights all.
    """
    unknown = [k for k in (*values, *(lit or ())) if k not in layout["ids"]]
    if unknown:
        raise ValueError(f"values: got {', '.join(unknown)}, wanted ids of the diagram: {', '.join(layout['ids'])}")
    return {
        "kind": "diagram",
        "title": title,
        "layout": layout,
        "values": np.array([values.get(k, np.nan) for k in layout["ids"]], dtype=float),
        "lit": np.array([1.0 if lit is None or k in lit else 0.0 for k in layout["ids"]]),
    }


def _ground(ground):
    z = _plane(ground.z)
    return {
        "name": ground.name,
        "z": z.ravel(),
        "rows": z.shape[0],
        "columns": z.shape[1],
        "range": range_of("z_range", ground.z_range),
    }


def _ticks(names):
    return names if names is None or isinstance(names, dict) else [str(name) for name in names]


def _plane(z):
    z = np.asarray(z, dtype=float)
    if z.ndim != 2 or z.size == 0:
        raise ValueError(f"z: got shape {z.shape}, wanted (rows, columns)")
    return z


def numbers_of(name, a):
    """A row of numbers (n,), n at least 1, as floats. Raises ValueError that names it otherwise."""
    a = np.atleast_1d(np.asarray(a, dtype=float))
    if a.ndim != 1 or a.size == 0:
        raise ValueError(f"{name}: got shape {a.shape}, wanted one row of numbers")
    return a


def range_of(name, limits, log=False):
    """[low, high] for the page, on a logarithmic scale their powers of ten; None stays None."""
    if limits is None:
        return None
    low, high = (float(v) for v in limits)
    if not low < high or (log and low <= 0):
        raise ValueError(f"{name}: got {limits}, wanted low < high{' and both positive' if log else ''}")
    return [float(np.log10(v)) if log else v for v in (low, high)]


def role_of(role):
    """The role, if it is one. Raises ValueError that names it and lists the others."""
    if role not in ROLES:
        raise ValueError(f"role: got {role!r}, wanted one of {', '.join(ROLES)}")
    return role
