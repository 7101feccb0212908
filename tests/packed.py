"""An independent reader of a figure's table, in Python. The page's own is widgets/table.js."""

import base64

import numpy as np

KINDS = {"u8": "<u1", "u16": "<u2", "f32": "<f4", "f64": "<f8"}
GAPS = {"u8": 255, "u16": 65535}


def block(slot):
    """A slot's numbers over the whole grid of controls, an axis of 1 where they do not change."""
    stored = np.frombuffer(base64.b64decode(slot["data"]), KINDS[slot["type"]])
    values = stored.astype(float)
    if slot["type"] in GAPS:
        values = slot["low"] + values * slot["step"]
        values = 10.0**values if slot.get("log") else values
        values[stored == GAPS[slot["type"]]] = np.nan
    if "fix" in slot:
        at, to = (np.frombuffer(base64.b64decode(slot["fix"][k]), kind) for k, kind in (("at", "<u4"), ("to", "<f4")))
        values[at] = to
    return values.reshape(slot["shape"])


def read(slot, index):
    """A slot's numbers at a position of the controls."""
    return block(slot)[tuple(0 if n == 1 else i for i, n in zip(index, slot["shape"][:-1]))]
