"""Matplotlib pictures in the course's colours: arrays in, Axes out. No maths here.

The colours mirror ../widgets/explorer.css, where each is explained; a test holds the two together.
"""

import matplotlib.pyplot as plt
import numpy as np

COLOURS = {
    "forget": "#b84a00",
    "input-gate": "#8a5f00",
    "candidate": "#00775a",
    "output-gate": "#a8457e",
    "cell": "#004f94",
    "hidden": "#197cab",
    "input": "#5c6470",
    "gradient": "#6f6a00",
    "muted": "#6b7280",
}
COLOURS |= {
    "update": COLOURS["forget"],
    "reset": COLOURS["output-gate"],
    "rnn": COLOURS["muted"],
    "lstm": COLOURS["cell"],
    "gru": COLOURS["candidate"],
}


def curves(x, named, *, x_label, y_label, title="", ax=None):
    """Draw curves with their names at their ends. `named` maps a name to (y, role), y (n,) as x.

    Raises ValueError when a curve does not have the length of x or its role is unknown.
    """
    ax = plt.subplots(figsize=(7, 3), layout="constrained")[1] if ax is None else ax
    for name, (y, role) in named.items():
        if np.shape(y) != np.shape(x):
            raise ValueError(f"{name}: got shape {np.shape(y)}, wanted {np.shape(x)} as x has")
        if role not in COLOURS:
            raise ValueError(f"{name}: got role {role!r}, wanted one of {', '.join(COLOURS)}")
        ax.plot(x, y, color=COLOURS[role], linewidth=2)
        ax.annotate(name, (x[-1], y[-1]), (6, 0), textcoords="offset points", color=COLOURS[role], va="center")
    ax.set(xlabel=x_label, ylabel=y_label, title=title)
    ax.spines[["top", "right"]].set_visible(False)
    return ax
