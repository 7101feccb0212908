"""Every answer of a figure, packed small enough to travel in the page.

The values of a slot (see `slots`) over the whole grid of controls become one block in base64; an axis along which a
slot does not change is stored once.

What the page prints is what the function returned: a block may only be stored in a form in which every digit that the
page prints of it is right, and what is drawn of it is right to a ten-thousandth of its frame at that position of the
controls. `uses` says what is printed and drawn. Of the forms that keep this rule the smallest is taken:
whole numbers of some step (u8, u16), 16 bits over the range of what is drawn, with a list of the values for which
that is too coarse, and floats of 32 or 64 bits. tests/book/test_printed.py holds every figure against the function.
"""

import base64
import itertools

import numpy as np

from course_pkg.widgets.uses import uses

CAP_KB = 150
DRAWN = 1e-4  # of the frame: what a drawn value may be off
GAPS = {"u8": 255, "u16": 65535}  # stands for "no value" among the whole numbers


def pack(blocks, spec, controls, name):
    """The blocks of `answers` as one dict for each slot. Raises ValueError when they are over the cap."""
    packed = []
    for block, use in zip(blocks, uses(spec, blocks)):
        block = _drop_constant_axes(block)
        packed.append(_pack_block(block, use._replace(frame=_narrowest(use.frame, block))))
    size = sum(map(_size, packed)) / 1000
    if size > CAP_KB:
        grids = ", ".join(f"{k} ({len(c.values)} values)" for k, c in controls.items())
        raise ValueError(
            f"{name}: its table is {size:.0f} kB, wanted at most {CAP_KB} kB. Thin the grid of {grids} "
            f"or draw fewer points: {size / CAP_KB:.1f} times fewer in all"
        )
    return packed


def _drop_constant_axes(block):
    for axis, n in itertools.islice(enumerate(block.shape), block.ndim - 1):
        first = block.take([0], axis=axis)
        if n > 1 and np.array_equal(np.broadcast_to(first, block.shape), block, equal_nan=True):
            block = first
    return block


def _pack_block(block, use):
    forms = [_whole(block) or _form("f64", block, block.astype("<f8"))]
    if use.frame is not None and forms[0]["type"] != "u8":
        forms.append(_codes(block, use))
    if min(_size(form) for form in forms if form) > 4 / 3 * 4 * block.size:
        forms.append(_float32(block, use))
    return min((form for form in forms if form), key=_size)


def _form(kind, block, stored, **more):
    return {"type": kind, "shape": list(block.shape), **more, "data": _base64(stored)}


def _size(form):
    return len(form["data"]) + sum(len(v) for v in form.get("fix", {}).values())


def _base64(a):
    return base64.b64encode(a.tobytes()).decode("ascii")


def _whole(block):
    """Whole numbers of a step that is 1 or a small power of a half: exact. None where the values are no such thing."""
    known = np.isfinite(block)
    low = float(block[known].min()) if known.any() else 0.0
    for step in (1.0, 0.5, 0.25, 0.125, 0.0625):
        steps = (np.where(known, block, low) - low) / step
        if (steps == np.round(steps)).all() and (low + steps * step == np.where(known, block, low)).all():
            break
    else:
        return None
    for kind, gap in GAPS.items():
        if steps.max() < gap:
            stored = np.where(known, steps, gap).astype(f"<u{1 if kind == 'u8' else 2}")
            return _form(kind, block, stored, low=low, step=step)
    return None


def _float32(block, use):
    """Floats of 32 bits, each moved by one unit in the last place where only that prints its digits right."""
    with np.errstate(over="ignore", under="ignore"):
        stored = block.astype("<f4")
    if use.exact:
        return _form("f32", block, stored) if np.array_equal(stored, block, equal_nan=True) else None
    wrong = _wrong(stored.astype(float), block, use)
    for way in (np.float32(np.inf), np.float32(-np.inf)):
        moved = np.where(wrong, np.nextafter(stored, way, dtype=np.float32), stored)
        stored = np.where(_wrong(moved.astype(float), block, use, wrong), stored, moved).astype("<f4")
        wrong = _wrong(stored.astype(float), block, use, wrong)
    return None if wrong.any() else _form("f32", block, stored)


def _codes(block, use):
    """16 bits over the range of the block, or of its logarithm, and the values for which that is too coarse."""
    known = np.isfinite(block)
    heights = np.log10(block, out=np.full(block.shape, np.nan), where=known & (block > 0)) if use.log else block
    low, high = (float(heights[known].min()), float(heights[known].max())) if known.any() else (0.0, 0.0)
    gap = GAPS["u16"]
    step = (high - low) / (gap - 1) or 1.0

    def values(codes):
        back = low + codes * step
        return np.where(codes == gap, np.nan, 10.0**back if use.log else back)

    codes = np.where(known, np.round((np.where(known, heights, low) - low) / step), gap)
    wrong = _wrong(values(codes), block, use)
    for way in (1, -1):
        moved = np.where(wrong, np.clip(codes + way, 0, gap - 1), codes)
        codes = np.where(_wrong(values(moved), block, use, wrong), codes, moved)
        wrong = _wrong(values(codes), block, use, wrong)
    more = {"low": low, "step": step} | ({"log": True} if use.log else {})
    if wrong.any():
        fixed = _float32(block[wrong], use._replace(frame=np.broadcast_to(use.frame, block.shape)[wrong]))
        if fixed is None:
            return None
        more["fix"] = {"at": _base64(np.flatnonzero(wrong).astype("<u4")), "to": fixed["data"]}
    return _form("u16", block, codes.astype("<u2"), **more)


def _wrong(stored, block, use, among=None):
    """Where a stored value would be printed otherwise than the block's, or drawn too far from it."""
    among = np.isfinite(block) if among is None else among
    wrong = np.zeros(block.shape, dtype=bool)
    for index in map(tuple, np.argwhere(among)):
        got, wanted = float(stored[index]), float(block[index])
        wrong[index] = got != wanted and any(text(got) != text(wanted) for text in use.texts)
    if use.frame is not None:
        wrong |= among & ~(_apart(stored, block, use.log) <= DRAWN * use.frame)
    return wrong


def _apart(stored, block, log):
    known = np.isfinite(block)
    a, b = np.where(known, stored, 1.0), np.where(known, block, 1.0)
    with np.errstate(divide="ignore", invalid="ignore"):  # 32 bits take what is tiny for 0
        return np.abs(np.log10(a) - np.log10(b)) if log else np.abs(a - b)


def _narrowest(frame, block):
    """The frame at the block's positions: the smallest where the block was stored once for many."""
    if frame is None or frame.ndim == 1:
        return frame
    for axis, n in enumerate(block.shape[:-1]):
        if n == 1:
            frame = frame.min(axis=axis, keepdims=True)
    return frame
