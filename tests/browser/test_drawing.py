"""Kinds of drawing that no page of today need use, in a real browser: what is asked for is what is drawn."""

import numpy as np
import pytest

from course_pkg.widgets import Ground, Line, diagram, explorer, figure, lines, unrolled

pytestmark = pytest.mark.browser


@pytest.fixture
def draw(browser):
    """Draws one panel as the book does and gives the page."""
    context = browser.new_context(viewport={"width": 800, "height": 600})
    trouble = []

    def draw(panel):
        page = context.new_page()
        page.on("pageerror", lambda e: trouble.append(str(e)))
        page.on("console", lambda m: trouble.append(m.text) if m.type == "error" else None)
        page.set_content(figure(panel, title="t", alt="a").static_html())
        page.add_script_tag(content=explorer.script(), type="module")
        page.wait_for_selector(".explorer-drawn svg")
        return page

    yield draw
    context.close()
    assert not trouble


def test_every_stroke_of_arrows_ends_in_a_head(draw):
    """Two strokes with a gap between them, one of them so short that it has no direction."""
    paths = Line("flow", [0, 1, np.nan, 0.5, 0.5], "hidden", "arrows", x=[0, 1, np.nan, 0.2, 0.2])
    page = draw(lines([0, 1], [paths], x_label="a", y_label="b", x_range=(0, 1), y_range=(0, 1)))
    heads = page.locator("svg path[transform]")
    assert heads.count() == 1
    turn = float(heads.first.get_attribute("transform").split("rotate(")[1].rstrip(")"))
    assert -90 < turn < 0  # up and to the right, where the screen's y runs down


def test_a_curve_is_drawn_over_its_own_x(draw):
    """A path that goes back and forth has as many points as it was given, within the frame."""
    path = Line("path", [0, 1, 0], x=[-1, 0, 1])
    page = draw(lines([0, 1], [path, Line("line", [0, 1])], x_label="a", y_label="b", x_range=(-1, 1)))
    drawn = page.locator("svg path[stroke-width='2.2']").first.get_attribute("d")
    xs = [float(p.split(",")[0]) for p in drawn[1:].split("L")]
    assert len(xs) == 3
    np.testing.assert_allclose(np.diff(xs), (xs[2] - xs[0]) / 2, atol=0.2)
    page.get_by_text("Numbers in this figure").click()
    page.locator("tr", has_text="path: a").wait_for()


def test_a_spread_that_is_not_known_is_not_drawn(draw):
    """A curve of gaps has no band either; half of a band would be an error of the browser's."""
    gaps, known = [np.nan, np.nan], [1.0, 2.0]
    curves = [Line("gone", gaps, low=gaps, high=gaps), Line("there", known, low=known, high=known)]
    page = draw(lines([0, 1], curves, x_label="a", y_label="b"))
    assert page.locator("svg path[fill-opacity='.16']").count() == 1


def test_a_surface_lies_under_the_curves_and_fills_the_frame(draw):
    """More colour where it is higher, row 0 on top, drawn before a path with an edge to stand out from it."""
    hill = Ground("height", [[0, 1], [2, 4]], (0, 4))
    curve = Line("path", [0, 1], x=[0, 1])
    page = draw(lines([0, 1], [curve], x_label="w", y_label="b", x_range=(0, 1), y_range=(0, 1), ground=hill))
    cells = page.locator("svg rect").evaluate_all(
        "r => r.map(e => ['fill-opacity', 'x', 'y', 'width'].map(k => +e.getAttribute(k)))"
    )
    opacity, xs, ys, widths = np.array(cells).T
    np.testing.assert_allclose(opacity, [0, 0.25, 0.5, 1])
    assert xs[0] == xs[2] < xs[1] == xs[3]
    assert ys[0] == ys[1] < ys[2] == ys[3]
    path = page.locator("svg path[stroke-width='2.2']")
    ends = [float(p.split(",")[0]) for p in path.get_attribute("d")[1:].split("L")]
    np.testing.assert_allclose(ends, [xs[0], xs[1] + widths[1]], atol=0.2)
    order = page.locator("svg *").evaluate_all("a => a.map(e => e.tagName + (e.getAttribute('class') || ''))")
    assert max(k for k, e in enumerate(order) if e.startswith("rect")) < order.index("pathcasing")
    assert page.locator("svg text", has_text="height").count() == 1


def test_a_weight_in_a_diagram_bears_its_number(draw):
    """An operation with a value shows it and tells it; one without shows its name alone."""
    page = draw(diagram(unrolled(2), {"W_hh1": -0.5, "h1": 0.25}))
    assert page.locator("svg text", has_text="W_hh").count() == 2
    assert page.locator("svg text", has_text="−0.50").count() == 1
    page.get_by_text("Numbers in this figure").click()
    page.locator("tr", has_text="W_hh").wait_for()
    assert page.locator("tr", has_text="W_").count() == 1
