"""What becomes of each array of a figure on the page: which of its digits are printed, in what frame it is drawn.

`tables` stores an array so that both come out right.
"""

from typing import NamedTuple

import numpy as np

from course_pkg.widgets.digits import fixed, significant

SIGNIFICANT = 3  # digits in "Numbers in this figure", as `told` in tell.js has them


class Use(NamedTuple):
    """How an array is used.

    texts: functions from a number to what is printed of it. frame: for what is drawn, the extent of the axis or of
    the colours at each position of the controls (..., 1), in powers of ten where `log`; None where the number itself
    is what is shown. exact: whether the value is a place in a list, a switch or a note, so that nothing may be lost.
    """

    texts: tuple = ()
    frame: np.ndarray | None = None
    log: bool = False
    exact: bool = False


def told(v):
    """A number as "Numbers in this figure" gives it."""
    return significant(v, SIGNIFICANT)


def uses(panels, blocks):
    """The Use of every slot. panels: the spec with {"slot": k} in it; blocks: slot k (..., n) at every position."""
    found = {}
    for panel in panels:
        found |= {ref["slot"]: use for ref, use in KINDS[panel["kind"]](panel, blocks) if ref is not None}
    return [found[k] for k in range(len(blocks))]


def _lines(p, blocks):
    log, seen = p["log_y"], {}
    for curve in p["curves"]:
        seen |= {curve[part]["slot"]: 1 for part in ("y", "low", "high") if part in curve}
    heights = [_log10(blocks[k]) if log else blocks[k] for k in seen]
    across = _frame(p["x_range"], [blocks[p["x"]["slot"]]])
    upwards = _frame(p["y_range"], heights)
    yield p["x"], Use((told,), across)
    for mark in p["marks"]:
        yield mark["x"], Use((), across)
    for curve in p["curves"]:
        yield curve["y"], Use((told,), upwards, log)
        yield curve.get("x"), Use((told,), across)
        for edge in ("low", "high"):
            yield curve.get(edge), Use((), upwards, log)
    if p["ground"]:
        yield p["ground"]["z"], Use((), _frame(p["ground"]["range"], []))


def _bars(p, blocks):
    use = Use((lambda v: significant(v, p["digits"]),))
    yield p["values"], use
    for row in p["points"]:
        yield row, use


def _heatmap(p, blocks):
    if p["decimals"] is None:
        yield p["z"], Use((told,), _frame(p["range"], []))
    else:
        yield p["z"], Use((told, lambda v: fixed(v, p["decimals"])))
    for ticks in (p["x_ticks"], p["y_ticks"]):
        yield _ids(ticks), Use(exact=True)


def _diagram(p, blocks):
    yield p["values"], Use((told, lambda v: fixed(v, 2)))
    yield p["lit"], Use(exact=True)


def _numbers(p, blocks):
    for item in p["items"]:
        yield item["value"], Use((lambda v, digits=item["digits"]: significant(v, digits),))


def _words(p, blocks):
    yield _ids(p["text"]), Use(exact=True)
    for track in p["tracks"]:
        yield track["values"], Use((told,), _frame(p["range"], []))


def _roll(p, blocks):
    for part in ("pitch", "start", "beats"):
        yield p[part], Use(exact=True)


KINDS = {
    "lines": _lines,
    "bars": _bars,
    "heatmap": _heatmap,
    "diagram": _diagram,
    "numbers": _numbers,
    "words": _words,
    "roll": _roll,
}


def _ids(names):
    return names["ids"] if isinstance(names, dict) else None


def _log10(block):
    return np.log10(block, out=np.full(block.shape, np.nan), where=block > 0)


def _frame(fixed_range, blocks):
    """The extent of an axis: its fixed range, or what the arrays span at each position. Shape (..., 1).

    Arrays of one value get the room around it that `extent` in marks.js gives them.
    """
    if fixed_range:
        return np.array([fixed_range[1] - fixed_range[0]])
    every = np.concatenate(blocks, axis=-1)
    shown = np.isfinite(every)
    high, low = np.where(shown, every, -np.inf).max(-1), np.where(shown, every, np.inf).min(-1)
    high, low = np.where(shown.any(-1), (high, low), 0.0)
    return np.where(high > low, high - low, np.where(high != 0, 0.2 * np.abs(high), 2.0))[..., None]
