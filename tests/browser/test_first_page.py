"""The first page: it plays, it leads back to where a reader stopped, and it forgets when it is told to."""

import pytest

pytestmark = pytest.mark.browser
LAPTOP = {"width": 1366, "height": 690}


def test_the_first_figure_plays_until_the_last_word(visit):
    """By the button; who takes the slider in hand stops it."""
    page = visit("index", viewport=LAPTOP)
    slider, button = page.get_by_role("slider", name="words read"), page.locator(".explorer-clock")
    assert button.get_attribute("aria-label") == "Play: words read"
    assert page.evaluate("scrollY") == 0
    assert button.bounding_box()["y"] < LAPTOP["height"]
    button.click()
    page.wait_for_function("document.querySelector('.explorer-clock').textContent === 'Stop'")
    page.wait_for_function("document.querySelector('.explorer-controls input').value >= 10")
    slider.press("ArrowRight")
    assert button.inner_text() == "Play"
    slider.fill(str(int(slider.get_attribute("max")) - 1))
    button.click()
    page.wait_for_function("document.querySelector('.explorer-clock').textContent === 'Play'")
    assert slider.input_value() == slider.get_attribute("max")
    page.locator(".course-explorer").first.get_by_text("surely positive").first.wait_for()


def test_the_first_page_leads_back_and_forgets(browser, site_url):
    """What was read is kept by this browser, and only until the reader says so."""
    context = browser.new_context(viewport=LAPTOP)
    page = context.new_page()
    page.goto(f"{site_url}/03-rnn.html")
    heading = page.locator("h2").nth(2)
    heading.scroll_into_view_if_needed()
    page.wait_for_function("localStorage.getItem('course-way')")
    page.goto(f"{site_url}/index.html")
    back = page.locator(".way-last a")
    assert "3. RNN" in back.inner_text()
    assert [t.strip() for t in page.locator(".way-seen").all_inner_texts()] == ["begun"]
    back.click()
    page.wait_for_url("**/03-rnn.html#*")
    page.go_back()
    page.get_by_role("button", name="Forget it").click()
    assert page.locator(".way-last, .way-seen").count() == 0
    assert page.evaluate("localStorage.getItem('course-way')") is None
    context.close()
