"""A figure in two parts: what never changes (the spec) and its arrays (the slots)."""

import numpy as np


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


def answers(evaluate, spec, controls, name):
    """A figure's numbers at every combination of its controls: for each slot a block (*grid, size).

    `evaluate(values)` returns (spec, slots) as `split` does. Raises ValueError when the spec changes with a control.
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
    return blocks
