"""What a reader moves. A control is a finite list of values, so that a page can hold an answer for each."""

from typing import NamedTuple

import numpy as np


class Control(NamedTuple):
    """One slider or switch: the values it may take, where it starts, and how it is called on the page."""

    values: tuple
    value: object
    label: str
    unit: str
    kind: str  # "slider" or "choice"
    play: bool = False  # whether a button moves it, a step at a time


def spoken(name, control):
    """What the page's script is told of a control: its fields, and its name in the call."""
    fields = control._asdict() | {"name": name, "label": control.label or name}
    return fields if control.play else {k: v for k, v in fields.items() if k != "play"}


def slider(start, stop, step, *, value, label="", unit="", play=False):
    """A slider over start, start + step, … up to and including stop. `value` is where it starts.

    With `play` a button beside it goes on from there, three steps a second: for time, and for what grows.
    """
    if not (step > 0 and stop > start):
        raise ValueError(f"slider: got start={start}, stop={stop}, step={step}, wanted start < stop and step > 0")
    count = int(np.floor((stop - start) / step + 1e-9)) + 1
    whole = all(isinstance(v, int) for v in (start, step))
    values = [start + k * step if whole else float(np.round(start + k * step, 10)) for k in range(count)]
    return grid(values, value=value, label=label, unit=unit)._replace(play=play)


def grid(values, *, value, label="", unit=""):
    """A slider over the given numbers, for steps that are not even."""
    return _control(values, value, label, unit, "slider")


def choice(*values, value=None, label=""):
    """A switch between a few words; the function gets the word. Starts at the first when `value` is None."""
    return _control(values, values[0] if values and value is None else value, label, "", "choice")


def _control(values, value, label, unit, kind):
    # Numbers of NumPy become Python's own, which JSON knows.
    values = tuple(v.item() if isinstance(v, np.generic) else v for v in values)
    value = value.item() if isinstance(value, np.generic) else value
    if len(values) < 2 or len(set(values)) != len(values):
        raise ValueError(f"values: got {values}, wanted at least two, all different")
    if value not in values:
        near = min(values, key=lambda v: abs(v - value)) if kind == "slider" else values[0]
        raise ValueError(f"value: got {value!r}, wanted one of the {len(values)} values, such as {near!r}")
    return Control(values, value, label, unit, kind)
