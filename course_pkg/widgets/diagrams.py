"""Layouts of cell diagrams: boxes that hold a number, small circles for operations, wires between them.

A layout is fixed; `panels.diagram` writes numbers into it. Coordinates are in units of the viewBox.
"""

GATE = (78, 48)
STATE = (76, 48)


def _box(id, x, y, label, symbol, role, size=GATE):
    return {"id": id, "x": x, "y": y, "w": size[0], "h": size[1], "label": label, "symbol": symbol, "role": role}


def _operation(id, x, y, label, role):
    return {"id": id, "x": x, "y": y, "r": 15, "label": label, "role": role}


def _wire(id, role, *points, arrow=True):
    return {"id": id, "role": role, "points": [list(p) for p in points], "arrow": arrow}


def _layout(width, height, boxes, operations, wires):
    ids = [part["id"] for part in (*boxes, *operations)]
    ids += [w["id"] for w in wires if w["id"] not in ids]
    return {"width": width, "height": height, "boxes": boxes, "operations": operations, "wires": wires, "ids": ids}


def lstm_cell():
    """One LSTM step. Boxes: x h_prev c_prev f i g o c h; operations: keep (f * c_prev), write (i * g), add,
    tanh and show (o * tanh c). A wire bears the id of what it carries, or "inputs" before the gates.
    """
    boxes = [
        _box("c_prev", 38, 34, "before", "c", "cell", STATE),
        _box("h_prev", 38, 196, "before", "h", "hidden", STATE),
        _box("x", 38, 256, "input", "x", "input", STATE),
        _box("f", 128, 154, "forget", "f", "forget"),
        _box("i", 212, 154, "input gate", "i", "input-gate"),
        _box("g", 296, 154, "candidate", "g", "candidate"),
        _box("o", 380, 154, "output", "o", "output-gate"),
        _box("c", 492, 34, "now", "c", "cell", STATE),
        _box("h", 492, 210, "now", "h", "hidden", STATE),
    ]
    operations = [
        _operation("keep", 128, 34, "×", "forget"),
        _operation("write", 254, 92, "×", "input-gate"),
        _operation("add", 254, 34, "+", "cell"),
        _operation("tanh", 432, 92, "tanh", "cell") | {"r": 19},
        _operation("show", 432, 210, "×", "output-gate"),
    ]
    wires = [
        _wire("c_prev", "cell", (76, 34), (113, 34)),
        _wire("keep", "cell", (143, 34), (239, 34)),
        _wire("add", "cell", (269, 34), (454, 34)),
        _wire("f", "forget", (128, 130), (128, 49)),
        _wire("i", "input-gate", (212, 130), (212, 92), (239, 92)),
        _wire("g", "candidate", (296, 130), (296, 92), (269, 92)),
        _wire("write", "cell", (254, 77), (254, 49)),
        _wire("tanh", "cell", (432, 34), (432, 73)),
        _wire("show", "cell", (432, 111), (432, 195)),
        _wire("o", "output-gate", (395, 178), (395, 210), (417, 210)),
        _wire("h", "hidden", (447, 210), (454, 210)),
        _wire("inputs", "hidden", (76, 196), (84, 196), (84, 226), (365, 226), arrow=False),
        _wire("inputs", "input", (76, 256), (84, 256), (84, 226), arrow=False),
        *(_wire("inputs", "hidden", (x, 226), (x, 178)) for x in (128, 212, 296, 365)),
    ]
    return _layout(530, 286, boxes, operations, wires)


def gru_cell():
    """One GRU step. Boxes: x h_prev z r n h; operations: keep (z * h_prev), flip (1 - z), write ((1 - z) * n), add
    and reset (r times what n sees of the past). A wire bears the id of what it carries, or "inputs" before the
    gates, "past" and "present" before the candidate.
    """
    boxes = [
        _box("h_prev", 38, 34, "before", "h", "hidden", STATE),
        _box("x", 38, 256, "input", "x", "input", STATE),
        _box("z", 138, 154, "update", "z", "update"),
        _box("r", 238, 154, "reset", "r", "reset"),
        _box("n", 392, 154, "candidate", "n", "candidate"),
        _box("h", 492, 34, "now", "h", "hidden", STATE),
    ]
    operations = [
        _operation("keep", 138, 34, "×", "update"),
        _operation("flip", 238, 92, "1 −", "update") | {"r": 18},
        _operation("write", 316, 92, "×", "candidate"),
        _operation("add", 316, 34, "+", "hidden"),
        _operation("reset", 316, 154, "×", "reset"),
    ]
    wires = [
        _wire("h_prev", "hidden", (76, 34), (123, 34)),
        _wire("keep", "hidden", (153, 34), (301, 34)),
        _wire("h", "hidden", (331, 34), (454, 34)),
        _wire("z", "update", (138, 130), (138, 49)),
        _wire("z", "update", (138, 92), (220, 92)),
        _wire("flip", "update", (256, 92), (301, 92)),
        _wire("n", "candidate", (392, 130), (392, 92), (331, 92)),
        _wire("write", "candidate", (316, 77), (316, 49)),
        _wire("r", "reset", (277, 154), (301, 154)),
        _wire("reset", "reset", (331, 154), (353, 154)),
        _wire("inputs", "hidden", (38, 58), (38, 212), (238, 212), arrow=False),
        _wire("inputs", "input", (76, 256), (100, 256), (100, 212), arrow=False),
        *(_wire("inputs", "hidden", (x, 212), (x, 178)) for x in (138, 238)),
        _wire("past", "hidden", (238, 212), (316, 212), (316, 169)),
        _wire("present", "input", (100, 256), (392, 256), (392, 178)),
    ]
    return _layout(530, 286, boxes, operations, wires)


SUBSCRIPTS = "₀₁₂₃₄₅₆₇₈₉"


def folded():
    """A network with one recurrent layer as a loop: the state goes back into itself, one step late.

    Boxes: x (input), h (state), y (output), before (the state of the step before). Operations: W_ih, W_hh, W_hy,
    which may bear a number too; the wires into and out of a weight bear its id.
    """
    size, x, turn, late = (62, 44), 150, 222, 302  # as wide as `unrolled(3)`, so that both have one scale
    boxes = [
        _box("x", x, 266, "input", "x", "input", size),
        _box("h", x, 146, "state", "h", "hidden", size),
        _box("y", x, 26, "output", "y", "muted", size),
        _box("before", late, 66, "before", "h", "hidden", size),
    ]
    weights = [
        _operation("W_ih", x, 206, "W_ih", "input") | {"r": 24},
        _operation("W_hh", late, 146, "W_hh", "hidden") | {"r": 24},
        _operation("W_hy", x, 86, "W_hy", "muted") | {"r": 24},
    ]
    wires = [
        _wire("W_ih", "input", (x, 244), (x, 230), arrow=False),
        _wire("W_ih", "input", (x, 182), (x, 168)),
        _wire("W_hy", "muted", (x, 124), (x, 110), arrow=False),
        _wire("W_hy", "muted", (x, 62), (x, 48)),
        _wire("before", "hidden", (x + 31, 136), (turn, 136), (turn, 66), (late - 31, 66)),
        _wire("W_hh", "hidden", (late, 88), (late, 122), arrow=False),
        _wire("W_hh", "hidden", (late, 170), (late, 206), (turn, 206), (turn, 156), (x + 31, 156)),
    ]
    return _layout(452, 292, boxes, weights, wires)


def unrolled(steps):
    """A network with one recurrent layer, drawn once for each of 1 to 9 steps, time from left to right.

    Boxes for t = 1 to steps: x1 (input), h1 (state), y1 (output), and h0. Operations: W_ih1, W_hh1, W_hy1,
    which may bear a number too; the wires into and out of a weight bear its id.
    """
    if not 1 <= steps <= 9:
        raise ValueError(f"steps: got {steps}, wanted 1 to 9")
    top, middle, bottom, pitch, size = 26, 146, 266, 128, (62, 44)
    boxes, weights, wires = [_box("h0", 34, middle, "h₀", "", "hidden", size)], [], []
    for t in range(1, steps + 1):
        x, before = 34 + pitch * t, 34 + pitch * (t - 1)
        for name, y, role in (("x", bottom, "input"), ("h", middle, "hidden"), ("y", top, "muted")):
            boxes.append(_box(f"{name}{t}", x, y, name + SUBSCRIPTS[t], "", role, size))
        for name, places, role in (
            ("W_ih", ((x, bottom - 22), (x, (bottom + middle) / 2), (x, middle + 22)), "input"),
            ("W_hh", ((before + 31, middle), (x - pitch / 2, middle), (x - 31, middle)), "hidden"),
            ("W_hy", ((x, middle - 22), (x, (middle + top) / 2), (x, top + 22)), "muted"),
        ):
            start, (cx, cy), end = places
            weights.append(_operation(f"{name}{t}", cx, cy, name, role) | {"r": 24})
            across = start[1] == cy  # W_hh is passed from left to right, the others from below
            into = (cx - 24, cy) if across else (cx, cy + 24)
            out = (cx + 24, cy) if across else (cx, cy - 24)
            wires += [_wire(f"{name}{t}", role, start, into, arrow=False), _wire(f"{name}{t}", role, out, end)]
    return _layout(68 + pitch * steps, bottom + 26, boxes, weights, wires)


SUPERSCRIPTS = "⁰¹²³⁴⁵⁶⁷⁸⁹"


def stacked(layers, steps):
    """A stack of 1 to 4 layers over 1 to 6 steps, time from left to right, depth upwards.

    Boxes for layer l and step t: h21 (layer 2, step 1), and x1. Wires: up21 leads to h21 from below, on22 to h22
    from the step before.
    """
    if not 1 <= layers <= 4 or not 1 <= steps <= 6:
        raise ValueError(f"layers, steps: got {layers}, {steps}, wanted 1 to 4 and 1 to 6")
    across, upwards, size = max(150, 420 // steps), 84, (76, 46)
    bottom = 26 + upwards * layers
    boxes, wires = [], []
    for t in range(1, steps + 1):
        x = across / 2 + across * (t - 1)  # few steps stand further apart, so that the boxes keep their size
        boxes.append(_box(f"x{t}", x, bottom, "x" + SUBSCRIPTS[t], "", "input", size))
        for n in range(1, layers + 1):
            y = bottom - upwards * n
            boxes.append(_box(f"h{n}{t}", x, y, f"h{SUPERSCRIPTS[n]}{SUBSCRIPTS[t]}", "", "hidden", size))
            role = "input" if n == 1 else "hidden"
            wires.append(_wire(f"up{n}{t}", role, (x, y + upwards - 23), (x, y + 23)))
            if t > 1:
                wires.append(_wire(f"on{n}{t}", "hidden", (x - across + 38, y), (x - 38, y)))
    return _layout(across * steps, bottom + 26, boxes, [], wires)


def through_time():
    """Three steps of a plain RNN of one unit: forward on top, backward below.

    Boxes: h0 to h3 (states); for each step x1 (input), a1 (pre-activation), da1 and dh1 (gradients at a1 and h1),
    use1 (what this use of the recurrent weight adds to its gradient); dh0; error. Wires bear the id of the box
    they lead to.
    """
    inputs, forward, backward, uses, pitch, size = 26, 104, 194, 272, 148, (60, 44)
    h = [32 + pitch * t for t in range(4)]
    a = [x - pitch / 2 for x in h]
    end = h[3] + 78
    boxes = [_box("error", end, forward, "error", "", "muted", size)]
    wires = [
        _wire("error", "muted", (h[3] + 30, forward), (end - 30, forward)),
        _wire("dh3", "gradient", (end, forward + 22), (end, backward), (h[3] + 30, backward)),
    ]
    for t in range(4):
        boxes.append(_box(f"h{t}", h[t], forward, "h" + SUBSCRIPTS[t], "", "hidden", size))
        boxes.append(_box(f"dh{t}", h[t], backward, "dh" + SUBSCRIPTS[t], "", "gradient", size))
    for t in (1, 2, 3):
        boxes += [
            _box(f"x{t}", a[t], inputs, "x" + SUBSCRIPTS[t], "", "input", size),
            _box(f"a{t}", a[t], forward, "a" + SUBSCRIPTS[t], "", "muted", size),
            _box(f"da{t}", a[t], backward, "da" + SUBSCRIPTS[t], "", "gradient", size),
            _box(f"use{t}", a[t], uses, f"use {t}", "", "gradient", size),
        ]
        wires += [
            _wire(f"a{t}", "hidden", (h[t - 1] + 30, forward), (a[t] - 30, forward)),
            _wire(f"a{t}", "input", (a[t], inputs + 22), (a[t], forward - 22)),
            _wire(f"h{t}", "hidden", (a[t] + 30, forward), (h[t] - 30, forward)),
            _wire(f"da{t}", "gradient", (h[t] - 30, backward), (a[t] + 30, backward)),
            _wire(f"dh{t - 1}", "gradient", (a[t] - 30, backward), (h[t - 1] + 30, backward)),
            _wire(f"use{t}", "gradient", (a[t], backward + 22), (a[t], uses - 22)),
        ]
    return _layout(end + 34, uses + 26, boxes, [], wires)


def in_a_row(labels, roles):
    """Boxes beside one another, without wires. Each label is the id of its box."""
    size, pitch = (98, 48), 106
    boxes = [
        _box(label, 53 + pitch * k, 28, label, "", role, size) for k, (label, role) in enumerate(zip(labels, roles))
    ]
    return _layout(pitch * len(boxes), 56, boxes, [], [])
