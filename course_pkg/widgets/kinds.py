"""The five kinds of sequence task as small diagrams of one size, to be set side by side.

After the drawing that Karpathy made known (The Unreasonable Effectiveness of Recurrent Neural Networks, 2015), with
one thing added: an arrow from an output to the next input where a network reads what it has written.
"""

from typing import NamedTuple

from course_pkg.widgets.diagrams import SUBSCRIPTS, _box, _layout, _wire

WIDTH, PITCH, SIZE = 180, 37, (27, 26)
TOP, MIDDLE, BOTTOM = 16, 66, 116  # outputs, states, inputs


class Kind(NamedTuple):
    """The steps, counted from 1 on, at which something is read, written, and read back after it was written."""

    reads: tuple
    writes: tuple
    feeds: tuple = ()  # the output of each of these steps is the input of the next


KINDS = {
    "one to one": Kind((1,), (1,)),
    "one to many": Kind((1,), (1, 2, 3, 4), (1, 2, 3)),
    "many to one": Kind((1, 2, 3, 4), (4,)),
    "many to many, aligned": Kind((1, 2, 3, 4), (1, 2, 3, 4)),
    "many to many, unaligned": Kind((1, 2), (3, 4, 5), (3, 4)),
}


def kind_of_task(kind):
    """The layout of one of `KINDS`. Boxes for step t: h1 (state), and x1 (input), y1 (output) where the kind has
    them; an input that is an output of the step before is there too. Wires: up1, out1, on2 (from h1) and back1 (from
    y1 to x2). Raises ValueError that names the kinds.
    """
    if kind not in KINDS:
        raise ValueError(f"kind: got {kind!r}, wanted one of {', '.join(KINDS)}")
    reads, writes, feeds = KINDS[kind]
    inputs = {*reads, *(t + 1 for t in feeds)}
    last = max(*reads, *writes)
    left = (WIDTH - PITCH * (last - 1)) / 2  # in the middle of the picture
    boxes, wires = [], []
    for t in range(1, last + 1):
        x = left + PITCH * (t - 1)
        boxes.append(_box(f"h{t}", x, MIDDLE, "h" + SUBSCRIPTS[t], "", "hidden", SIZE))
        if t > 1:
            wires.append(_wire(f"on{t}", "hidden", (x - PITCH + SIZE[0] / 2, MIDDLE), (x - SIZE[0] / 2, MIDDLE)))
        if t in inputs:
            boxes.append(_box(f"x{t}", x, BOTTOM, "x" + SUBSCRIPTS[t], "", "input", SIZE))
            wires.append(_wire(f"up{t}", "input", (x, BOTTOM - SIZE[1] / 2), (x, MIDDLE + SIZE[1] / 2)))
        if t in writes:
            boxes.append(_box(f"y{t}", x, TOP, "y" + SUBSCRIPTS[t], "", "muted", SIZE))
            wires.append(_wire(f"out{t}", "muted", (x, MIDDLE - SIZE[1] / 2), (x, TOP + SIZE[1] / 2)))
        if t in feeds:
            between, below = x + PITCH / 2, BOTTOM + SIZE[1] / 2 + 14
            around = ((between, TOP), (between, below), (x + PITCH, below), (x + PITCH, BOTTOM + SIZE[1] / 2))
            wires.append(_wire(f"back{t}", "muted", (x + SIZE[0] / 2, TOP), *around))
    return _layout(WIDTH, BOTTOM + SIZE[1] / 2 + 18, boxes, [], wires)
