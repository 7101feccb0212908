"""One quantity, everywhere: pointed at, tapped or reached by the keyboard, it lights up in all its places."""

import pytest

pytestmark = pytest.mark.browser

LIT = """() => [...new Set([...document.querySelectorAll('.q-lit')].map(
    (e) => e.closest('pre') ? 'listing' : e.closest('mjx-container') ? 'equation' : 'elsewhere'))].sort()"""
STROKE = "e => getComputedStyle(e.querySelector('rect')).strokeWidth"


def test_pointing_at_a_symbol_lights_equations_listings_and_figures(visit):
    """The line says what it is; pointing elsewhere ends it. A click keeps it, also when a figure is drawn anew."""
    page = visit("07-lstm")
    box, line = page.locator("svg [data-of='forget f']").first, page.locator(".quantity-line")
    plain = box.evaluate(STROKE)
    page.locator("article .math mjx-container .q-f").first.hover()
    assert page.evaluate(LIT) == ["equation", "listing"]
    assert "forget gate of an LSTM" in line.inner_text()
    assert "shape (B, H). In the code: f." in line.inner_text()
    assert box.evaluate(STROKE) != plain
    page.locator("article h1").hover()
    assert page.evaluate(LIT) == []
    assert not line.is_visible()
    page.locator("article .math mjx-container .q-f").first.click()
    page.locator("[data-number='7.2'] input[data-name=t]").fill("4")
    assert box.evaluate(STROKE) != plain
    page.keyboard.press("Escape")
    assert box.evaluate(STROKE) == plain
    page.locator(".highlight-python .q-dc").first.hover()
    assert "gradient of the loss at the cell state" in line.inner_text()


def test_a_tap_keeps_a_quantity_lit(visit):
    page = visit("08-gru", viewport={"width": 390, "height": 844}, has_touch=True, is_mobile=True)
    line = page.locator(".quantity-line")
    page.locator(".highlight-python .q-z").first.tap()
    line.get_by_text("update gate of a GRU").wait_for()
    assert page.evaluate("document.documentElement.scrollWidth") <= 390
    page.locator(".highlight-python .q-r").first.tap()
    line.get_by_text("reset gate of a GRU").wait_for()
    line.get_by_role("button", name="Close").tap()
    line.wait_for(state="hidden")
    assert page.evaluate(LIT) == []


def test_the_keyboard_reaches_symbols_when_the_reader_asks_for_it(visit):
    """Formulas are not in the tab order before; the wish is kept; arrows go on, Enter keeps, Escape ends."""
    page = visit("05-bptt")
    formulas = "document.querySelectorAll('mjx-container[tabindex]').length"
    assert page.evaluate(formulas) == 0
    page.get_by_role("button", name="Let Tab reach the symbols").press("Enter")
    assert page.evaluate(formulas) > 20
    page.reload(wait_until="networkidle")
    page.wait_for_function(f"{formulas} > 20")
    line = page.locator(".quantity-line")
    page.locator("div.math mjx-container:has(.q-W-ih)").first.focus()
    first = line.inner_text()
    page.keyboard.press("ArrowRight")
    assert line.inner_text() != first
    page.keyboard.press("Enter")
    page.keyboard.press("Tab")
    assert line.get_by_role("button", name="Close").is_visible() or line.is_visible()
    page.keyboard.press("Escape")
    assert not line.is_visible()
    page.get_by_role("button", name="Let Tab reach the symbols").press("Enter")
    assert page.evaluate(formulas) == 0
