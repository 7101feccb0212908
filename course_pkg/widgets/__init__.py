"""Figures a reader can move: sliders over a function, live in Jupyter and static in the book. No maths here."""

from course_pkg.widgets.controls import choice, grid, slider
from course_pkg.widgets.diagrams import folded, gru_cell, in_a_row, lstm_cell, stacked, through_time, unrolled
from course_pkg.widgets.explorer import Explorer, figure
from course_pkg.widgets.kinds import KINDS, kind_of_task
from course_pkg.widgets.panels import Ground, Line, Mark, bars, diagram, heatmap, lines, number, numbers
from course_pkg.widgets.sequences import Track, roll, spelled, words

__all__ = [
    "KINDS",
    "Explorer",
    "Ground",
    "Line",
    "Mark",
    "Track",
    "bars",
    "choice",
    "diagram",
    "figure",
    "folded",
    "grid",
    "gru_cell",
    "heatmap",
    "in_a_row",
    "kind_of_task",
    "lines",
    "lstm_cell",
    "number",
    "numbers",
    "roll",
    "slider",
    "spelled",
    "stacked",
    "through_time",
    "unrolled",
    "words",
]
