"""What a reader does on a page besides reading: search, change the theme, take the chapter along."""

import nbformat
import pytest

pytestmark = pytest.mark.browser


@pytest.fixture
def page(browser, site_url):
    """A new tab with the chapter open."""
    context = browser.new_context(viewport={"width": 1280, "height": 900}, color_scheme="light", accept_downloads=True)
    page = context.new_page()
    page.goto(f"{site_url}/07-lstm.html", wait_until="networkidle")
    yield page
    context.close()


def test_search_finds_a_word_of_the_chapter(page):
    """The search runs in the page, over the site's own index."""
    page.locator(".search-button-field").first.click()
    page.locator("#pst-search-dialog input[name=q]").fill("peephole")
    page.keyboard.press("Enter")
    page.locator("#search-results a", has_text="LSTM").first.wait_for()


def test_the_theme_switch_changes_the_page_and_shows_its_icon(page):
    """The icons come from the web font alone; a switch without one could not be found."""
    switch = page.locator(".theme-switch-button").last
    grounds = set()
    for _ in range(3):
        icon = switch.locator(".theme-switch:visible")
        assert icon.count() == 1
        drawn = icon.evaluate("e => [getComputedStyle(e, '::before').content, getComputedStyle(e).fontFamily]")
        assert drawn[0] not in {"none", "normal", '""'}
        assert "Font Awesome" in drawn[1]
        grounds.add(page.evaluate("getComputedStyle(document.body).backgroundColor"))
        switch.click()
    assert len(grounds) == 2


def test_the_menu_offers_the_chapter_as_a_notebook(page, tmp_path):
    """One click in the menu at the top gives a notebook that Jupyter can open."""
    page.locator(".dropdown-download-buttons > button").hover()
    with page.expect_download() as download:
        page.locator(".btn-download-notebook-button").click()
    download.value.save_as(tmp_path / "chapter.ipynb")
    notebook = nbformat.read(tmp_path / "chapter.ipynb", 4)
    assert notebook.cells[1].source.startswith("# ")
