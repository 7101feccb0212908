"""Every answer of a figure, packed small enough to travel in the page.

A figure is split into what never changes (the spec) and its arrays (the slots). A slot's values over
the whole grid of controls become one block of 16-bit integers with an offset and a step, in base64;
an axis along which a slot does not change is stored once. A slot with one number keeps 32-bit floats,
because a reader compares such numbers digit by digit.
"""

import base64
import itertools

import numpy as np

CAP_KB = 150
GAP = 65535  # stands for "no value" among the 16-bit integers


def split(panels):
    """Take the arrays out of a list of panels. Returns (spec, slots): spec has {"slot": k} where array k was."""
    slots = []

    def walk(node):
        if isinstance(node, np.ndarray):
            slots.append(node)
            return {"slot": len(slots) - 1}
        if isinstance(node, dict):
            return {k: walk(v) for k, v in node.items()}
        if isinstance(node, (list, tuple)):
            return [walk(v) for v in node]
        return node

    return walk(panels), slots


def pack(evaluate, spec, controls, name):
    """Evaluate a figure at every combination of its controls and pack the slots.

    `evaluate(values)` returns (spec, slots) as `split` does. Returns one dict for each slot. Raises
    ValueError when the spec changes with a control, or when the table is over the cap.
    """
    shape = tuple(len(c.values) for c in controls.values())
    blocks = None
    for index in np.ndindex(shape):
        values = {k: c.values[i] for (k, c), i in zip(controls.items(), index)}
        now, slots = evaluate(values)
        if now != spec:
            raise ValueError(f"{name}: at {values} the figure's words or ranges change, wanted only its numbers to")
        if blocks is None:
            blocks = [np.empty((*shape, a.size)) for a in slots]
        for block, a in zip(blocks, slots):
            if block.shape[-1] != a.size:
                raise ValueError(f"{name}: at {values} got {a.size} numbers, wanted {block.shape[-1]} as elsewhere")
            block[index] = a
    packed = [_pack_block(_drop_constant_axes(block)) for block in blocks]
    size = sum(len(p["data"]) for p in packed) / 1000
    if size > CAP_KB:
        grids = ", ".join(f"{k} ({n} values)" for k, n in zip(controls, shape))
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


def _pack_block(block):
    shape = list(block.shape)
    if shape[-1] == 1:
        return {"type": "f32", "shape": shape, "data": _base64(block.astype("<f4"))}
    finite = np.isfinite(block)
    low, high = (float(block[finite].min()), float(block[finite].max())) if finite.any() else (0.0, 0.0)
    step = (high - low) / (GAP - 1) or 1.0
    whole = np.where(finite, np.round((np.where(finite, block, low) - low) / step), GAP)
    return {"type": "u16", "shape": shape, "low": low, "step": step, "data": _base64(whole.astype("<u2"))}


def _base64(a):
    return base64.b64encode(a.tobytes()).decode("ascii")
