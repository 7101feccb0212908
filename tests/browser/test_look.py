"""What a reader sees first: the typeface, lines that can be read, a figure to move on the first screen."""

import pytest
from course_site.execution import ROOT

CHAPTERS = sorted(p.stem for p in (ROOT / "book").glob("[0-9][0-9]-*.md"))
LAPTOP = {"width": 1366, "height": 690}  # 1366 by 768 less the browser's bars
PHONE = {"width": 390, "height": 844}
# How many characters the widest of a page's paragraphs has in a line: the letters over the lines they fill.
LONGEST_LINE = """() => Math.max(...[...document.querySelectorAll('.bd-article section > p')]
    .filter((p) => !p.querySelector('mjx-container, code') && p.innerText.length > 300)
    .map((p) => p.innerText.length / Math.round(p.clientHeight / parseFloat(getComputedStyle(p).lineHeight))))"""

pytestmark = pytest.mark.browser


@pytest.mark.parametrize("name", CHAPTERS)
def test_the_first_screen_of_a_laptop_has_a_control_that_moves_something(visit, name):
    """Who opens a chapter can begin without scrolling."""
    page = visit(name, viewport=LAPTOP)
    box = page.locator(".explorer-controls :is(input, select)").first.bounding_box()
    assert box["y"] + box["height"] < LAPTOP["height"]


def test_text_is_set_in_its_typeface_and_in_lines_of_a_book(visit):
    """55 to 78 characters in a line, a figure wider than the text, and both from the same left edge."""
    page = visit("07-lstm", viewport=LAPTOP)
    loaded = page.evaluate("[...document.fonts].filter(f => f.status === 'loaded').map(f => f.family + f.style)")
    assert {name.replace('"', "") for name in loaded} >= {"Source Serif 4normal", "Source Sans 3normal"}
    assert 55 < page.evaluate(LONGEST_LINE) < 78
    text = page.locator(".bd-article section > p").first.bounding_box()
    figure = page.locator(".course-explorer").first.bounding_box()
    assert figure["x"] == pytest.approx(text["x"], abs=1)
    assert figure["width"] > 1.2 * text["width"]


def test_the_sections_of_a_page_are_one_button_away(visit):
    """Between the phone and the wide screen they are a drawer."""
    page = visit("07-lstm", viewport=LAPTOP)
    assert not page.locator("#pst-secondary-sidebar").is_visible()
    page.locator("button.secondary-toggle").click()
    drawer = page.locator("#pst-secondary-sidebar-modal")
    drawer.get_by_role("link", name="Gate by gate").wait_for()
    page.keyboard.press("Escape")
    drawer.wait_for(state="hidden")


def test_a_finger_finds_the_controls(visit):
    """44 px high where the pointer is coarse."""
    page = visit("07-lstm", viewport=PHONE, has_touch=True, is_mobile=True)
    sizes = page.locator(".explorer-controls :is(input, select), .explorer-foot :is(summary, button)").evaluate_all(
        "all => all.filter((e) => e.offsetParent).map((e) => e.getBoundingClientRect().height)"
    )
    assert len(sizes) > 10
    assert min(sizes) >= 44


def test_formulas_do_not_stand_in_the_way_of_the_tab_key(visit):
    """A page has over a hundred of them."""
    page = visit("05-bptt", viewport=LAPTOP)
    page.wait_for_selector("mjx-container")
    assert page.locator("mjx-container").count() > 50
    assert page.locator("mjx-container[tabindex='0']").count() == 0
