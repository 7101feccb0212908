"""The figure with sliders, as Python sees it: what it accepts, what it packs, how it answers."""

import json
import re

import ipywidgets
import numpy as np
import pytest
import traitlets
from packed import read

from course_pkg.widgets import (
    Explorer,
    Ground,
    Line,
    bars,
    choice,
    diagram,
    figure,
    folded,
    grid,
    gru_cell,
    heatmap,
    in_a_row,
    lines,
    lstm_cell,
    slider,
    stacked,
    through_time,
    unrolled,
)
from course_pkg.widgets import number as one_number
from course_pkg.widgets import numbers as number_row
from course_pkg.widgets.tables import CAP_KB


def wave(a, k):
    x = np.linspace(0, 1, 30)
    return [
        lines(x, [Line("wave", a * np.sin(k * x), "cell")], x_label="x", y_label="y"),
        number_row(one_number("a squared", a**2)),
    ]


def explorer(fn=wave, **controls):
    controls = controls or {"a": slider(-1.0, 1.0, 0.5, value=0.5), "k": slider(1, 4, 1, value=2)}
    return Explorer(fn, title="Waves", alt="A wave.", **controls)


def table_of(figure):
    """The JSON that the page carries."""
    return json.loads(re.search(r"<script[^>]*>(.*)</script>", figure.static_html(), re.S).group(1))


def test_what_does_not_change_is_stored_once():
    shapes = [slot["shape"] for slot in table_of(explorer())["table"]]
    assert shapes == [[1, 1, 30], [5, 4, 30], [5, 1, 1]]  # x, wave, a squared


def test_only_a_slider_that_plays_says_so():
    """The page's script puts a button beside it."""
    controls = explorer(a=slider(-1.0, 1.0, 0.5, value=0.5, play=True), k=slider(1, 4, 1, value=2)).spec["controls"]
    assert [c.get("play") for c in controls] == [True, None]


def test_a_table_over_the_cap_is_refused_with_a_way_out():
    big = explorer(a=slider(-1.0, 1.0, 0.01, value=0.0), k=slider(1, 40, 1, value=1))
    with pytest.raises(
        ValueError, match=rf"'Waves'.* kB, wanted at most {CAP_KB} kB.*a \(201 values\), k \(40 values\)"
    ):
        big.static_html()


def test_words_that_change_with_a_control_are_refused():
    def f(a):
        return lines([0, 1], [Line(f"a = {a}", [0, a])], x_label="x", y_label="y")

    with pytest.raises(ValueError, match="words or ranges change"):
        explorer(f, a=slider(0, 2, 1, value=0)).static_html()


def test_only_the_books_build_makes_the_table(monkeypatch):
    """In Jupyter a table would make every display slow."""
    monkeypatch.delenv("COURSE_STATIC_FIGURES", raising=False)
    shown = explorer()._repr_mimebundle_()
    bundle = shown[0] if isinstance(shown, tuple) else shown
    assert "text/html" not in bundle
    assert "application/vnd.jupyter.widget-view+json" in bundle
    monkeypatch.setenv("COURSE_STATIC_FIGURES", "1")
    shown = explorer()._repr_mimebundle_()
    bundle = shown[0] if isinstance(shown, tuple) else shown
    assert "course-explorer" in bundle["text/html"]


def test_moving_a_slider_calls_the_function():
    live = explorer()
    live.values = {"a": 1.0, "k": 4}
    x = np.linspace(0, 1, 30)
    np.testing.assert_array_equal(live.frame[1], np.sin(4 * x))
    assert live.frame[2] == [1.0]


def test_an_error_in_the_function_is_shown_and_passes():
    def f(a):
        if a == 2:
            raise RuntimeError("no answer at 2")
        return number_row(one_number("a", a))

    live = explorer(f, a=slider(0, 3, 1, value=0))
    live.values = {"a": 2}
    assert live.error == "RuntimeError: no answer at 2"
    live.values = {"a": 3}
    assert (live.error, live.frame) == ("", [[3.0]])


def test_values_that_no_control_has_are_refused():
    live = explorer()
    with pytest.raises(traitlets.TraitError, match=r"got a=0\.3, wanted one of"):
        live.values = {"a": 0.3, "k": 1}
    with pytest.raises(traitlets.TraitError, match=r"wanted \['a', 'k'\]"):
        live.values = {"a": 0.5}


def test_it_is_an_ipywidget_among_others():
    box = ipywidgets.VBox([explorer(), ipywidgets.IntSlider()])
    assert isinstance(box.children[0], ipywidgets.DOMWidget)


def test_a_figure_without_controls():
    still = figure([bars(["a", "b"], [1, 2], value_label="v", points=[[1, 1], [2, 3]])], title="t", alt="a")
    data = table_of(still)
    np.testing.assert_array_equal(read(data["table"][0], ()), [1, 1])
    assert data["controls"] == []


def test_a_curve_may_have_its_own_x():
    """A path in a plane: its own x travels beside its y, and the panel's x stays what it was."""
    panel = lines([0, 1], [Line("path", [3, 2, 1], x=[5, 6, 5]), Line("y", [0, 1])], x_label="a", y_label="b")
    path, plain = panel["curves"]
    np.testing.assert_array_equal(path["x"], [5, 6, 5])
    assert "x" not in plain
    np.testing.assert_array_equal(panel["x"], [0, 1])


def test_a_surface_may_lie_under_curves():
    """Its numbers travel row after row, once for all positions of the controls, beside the curve that moves."""

    def f(a):
        hill = Ground("height", [[1, 2, 3], [4, 5, 6]], (0, 6))
        return lines([0, 1], [Line("path", [0, a], x=[0, 1])], x_label="w", y_label="b", ground=hill)

    data = table_of(explorer(f, a=slider(0, 1, 1, value=0)))
    ground = data["panels"][0]["ground"]
    assert (ground["rows"], ground["columns"], ground["range"]) == (2, 3, [0.0, 6.0])
    slot = data["table"][ground["z"]["slot"]]
    assert slot["shape"] == [1, 6]
    np.testing.assert_allclose(read(slot, (0,)), [1, 2, 3, 4, 5, 6], atol=6e-4)


@pytest.mark.parametrize("steps", [1, 4, 9])
def test_an_unrolled_network_has_each_part_once_a_step(steps):
    """Every box and weight can be lit and numbered by itself, and lies within the picture."""
    layout = unrolled(steps)
    parts = ("x", "h", "y", "W_ih", "W_hh", "W_hy")
    wanted = {"h0"} | {f"{name}{t}" for name in parts for t in range(1, steps + 1)}
    assert set(layout["ids"]) == wanted
    assert len(layout["ids"]) == len(wanted)
    for box in layout["boxes"]:
        assert box["w"] / 2 <= box["x"] <= layout["width"] - box["w"] / 2
        assert box["h"] / 2 <= box["y"] <= layout["height"] - box["h"] / 2
    panel = diagram(layout, {"W_hh1": 0.5}, {"h0", "W_hh1"})
    at = layout["ids"].index("W_hh1")
    assert (panel["values"][at], panel["lit"].sum()) == (0.5, 2)


@pytest.mark.parametrize(
    "layout",
    [lstm_cell(), gru_cell(), folded(), stacked(2, 2), stacked(4, 6)],
    ids=["lstm", "gru", "folded", "small stack", "large stack"],
)
def test_a_cell_fits_its_picture_and_its_wires_end_at_its_parts(layout):
    """No part leaves the picture or touches another; an arrow ends at the edge of a box or an operation."""
    parts = [(b["x"], b["y"], b["w"] / 2, b["h"] / 2) for b in layout["boxes"]]
    parts += [(o["x"], o["y"], o["r"], o["r"]) for o in layout["operations"]]
    for k, (x, y, w, h) in enumerate(parts):
        assert w <= x <= layout["width"] - w
        assert h <= y <= layout["height"] - h
        for other in parts[:k]:
            assert abs(x - other[0]) >= w + other[2] or abs(y - other[1]) >= h + other[3]
    for wire in layout["wires"]:
        x, y = wire["points"][-1]
        near = [max(abs(x - a) - w, abs(y - b) - h) for a, b, w, h in parts]
        assert not wire["arrow"] or min(map(abs, near)) == 0


def test_a_gru_has_two_gates_one_candidate_and_one_state():
    layout = gru_cell()
    assert {b["id"] for b in layout["boxes"]} == {"x", "h_prev", "z", "r", "n", "h"}
    assert {o["id"] for o in layout["operations"]} == {"keep", "flip", "write", "add", "reset"}
    carried = {w["id"] for w in layout["wires"]} - {"inputs", "past", "present"}
    assert carried <= {part["id"] for part in (*layout["boxes"], *layout["operations"])}


def test_a_stack_has_a_state_for_each_layer_and_step():
    layout = stacked(3, 2)
    states = {f"h{layer}{step}" for layer in (1, 2, 3) for step in (1, 2)}
    assert {b["id"] for b in layout["boxes"]} == states | {"x1", "x2"}
    up, on = {f"up{s[1:]}" for s in states}, {f"on{layer}2" for layer in (1, 2, 3)}
    assert {w["id"] for w in layout["wires"]} == up | on
    with pytest.raises(ValueError, match="got 5, 2, wanted 1 to 4 and 1 to 6"):
        stacked(5, 2)


def test_boxes_in_a_row_stand_clear_of_one_another():
    """One box for each label, in order, inside the picture; any of them can be lit."""
    layout = in_a_row(("A", "B", "C"), ("rnn", "lstm", "gru"))
    assert layout["ids"] == ["A", "B", "C"]
    assert [b["role"] for b in layout["boxes"]] == ["rnn", "lstm", "gru"]
    edges = [edge for b in layout["boxes"] for edge in (b["x"] - b["w"] / 2, b["x"] + b["w"] / 2)]
    assert edges == sorted(edges)
    assert edges[0] >= 0
    assert edges[-1] <= layout["width"]
    assert list(diagram(layout, {"A": 1.0}, {"B"})["lit"]) == [0, 1, 0]


def test_three_steps_forward_and_back_fit_their_picture():
    """Each state, gradient and use of the weight is a box of its own, inside the picture and clear of the others."""
    layout = through_time()
    boxes = layout["boxes"]
    parts = {f"{name}{t}" for name in ("x", "h", "a", "dh", "da", "use") for t in (1, 2, 3)}
    assert {b["id"] for b in boxes} == parts | {"h0", "dh0", "error"}
    assert {w["id"] for w in layout["wires"]} <= {b["id"] for b in boxes}
    for box in boxes:
        assert box["w"] / 2 <= box["x"] <= layout["width"] - box["w"] / 2
        assert box["h"] / 2 <= box["y"] <= layout["height"] - box["h"] / 2
        for other in boxes:
            apart = abs(box["x"] - other["x"]) >= box["w"] or abs(box["y"] - other["y"]) >= box["h"]
            assert apart or other is box


def test_a_heat_map_may_write_its_numbers():
    """How many decimals is part of the figure; without them nothing is written."""
    words = {"x_label": "", "y_label": "", "z_label": "", "z_range": (0, 1)}
    assert heatmap([[0.5]], **words, decimals=2)["decimals"] == 2
    assert heatmap([[0.5]], **words)["decimals"] is None


def test_gaps_travel_to_a_live_figure_as_null():
    x = [0, 1, 2]
    live = explorer(
        lambda a: lines(x, [Line("y", [a, np.nan, 1])], x_label="x", y_label="y"), a=slider(0, 1, 1, value=0)
    )
    assert live.frame[1] == [0.0, None, 1.0]


def test_html_cannot_break_out_of_its_script():
    def f(a):
        return lines([0, 1], [Line("</script><b>", [a, 1])], x_label="x", y_label="y")

    assert explorer(f, a=slider(0, 1, 1, value=0)).static_html().count("</script") == 1


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: slider(1, 0, 0.1, value=1), r"start=1, stop=0.*wanted start < stop"),
        (lambda: slider(0, 1, 0.1, value=0.55), r"value: got 0\.55, wanted one of the 11 values, such as 0\.[56]"),
        (lambda: grid([1, 1], value=1), "wanted at least two, all different"),
        (lambda: choice("one"), "wanted at least two"),
        (
            lambda: explorer(a=slider(0, 1, 1, value=0)),
            r"got \['a'\], wanted one for each argument of fn: \['a', 'k'\]",
        ),
        (lambda: explorer(lambda a: 3, a=slider(0, 1, 1, value=0)), "got int at .*wanted a panel"),
        (lambda: explorer(lambda a: [], a=3), "a: got int, wanted a slider"),
        (lambda: lines([0, 1], [Line("y", [1, 2, 3])], x_label="", y_label=""), "y: got 3 values, wanted 2"),
        (lambda: lines([0, 1], [Line("y", [1, 2], "pink")], x_label="", y_label=""), "role: got 'pink', wanted"),
        (
            lambda: lines([0, 1], [], x_label="", y_label="", y_range=(1, 0)),
            r"y_range: got \(1, 0\), wanted low < high",
        ),
        (lambda: bars(["a"], [1, 2], value_label=""), "values: got 2, wanted 1"),
        (lambda: bars(["a"], [1], value_label="", points=[1, 2]), r"points: got shape \(2,\), wanted \(1, S\)"),
        (lambda: heatmap([1, 2], x_label="", y_label="", z_label="", z_range=(0, 1)), r"z: got shape \(2,\)"),
        (lambda: diagram(lstm_cell(), {"q": 1}), "got q, wanted ids of the diagram: c_prev"),
        (
            lambda: lines([0, 1], [Line("y", [1, 2], x=[1, 2, 3])], x_label="", y_label=""),
            "y: got 2 values, wanted 3 as x has",
        ),
        (
            lambda: lines([0, 1], [Line("y", [1, 2], style="wavy")], x_label="", y_label=""),
            "style: got 'wavy', wanted one of solid",
        ),
        (
            lambda: lines([0, 1], [], x_label="", y_label="", ground=Ground("z", [1, 2], (0, 1))),
            r"z: got shape \(2,\), wanted \(rows, columns\)",
        ),
        (lambda: unrolled(0), "steps: got 0, wanted 1 to 9"),
    ],
)
def test_bad_input_says_what_was_wrong_and_what_was_wanted(make, message):
    with pytest.raises(ValueError, match=message):
        make()
