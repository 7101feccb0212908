"""For everyone: WCAG 2.2 AA as far as axe-core can tell, a narrow screen, reduced motion, paper."""

import pytest
import yaml
from course_site.execution import ROOT

pytestmark = [pytest.mark.browser, pytest.mark.slow]

TAGS = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa"]
SCHEMES = ["light", "dark"]
WIDGETS = """
import ipywidgets
from IPython.display import Markdown
display(Markdown("| a | b |\\n| - | - |\\n| 1 | 2 |"))
ipywidgets.VBox([ipywidgets.IntSlider(description="n"), ipywidgets.Button(description="Go")])
"""
RUN = """async (tags) => {
  const found = await axe.run(document, {runOnly: {type: 'tag', values: tags}, resultTypes: ['violations']});
  return found.violations.flatMap(v => v.nodes.map(n => `${v.id}: ${n.target.join(' ')}: ${n.failureSummary}`));
}"""


def pages():
    """The names of all pages: those of the table of contents and those that Sphinx makes."""
    toc = yaml.safe_load((ROOT / "book" / "_toc.yml").read_text())
    files = [entry["file"] for part in toc["parts"] for entry in part["chapters"]]
    return [toc["root"], *files, "genindex", "search"]


def violations(page, npm_packages):
    """What axe-core has against a page as it is now."""
    page.add_script_tag(path=npm_packages / "axe-core" / "axe.min.js")
    return page.evaluate(RUN, TAGS)


@pytest.mark.parametrize("scheme", SCHEMES)
@pytest.mark.parametrize("name", pages())
def test_a_page_has_no_violation(visit, npm_packages, name, scheme):
    """With every box open, so that what hides behind it is looked at too."""
    page = visit(name, color_scheme=scheme)
    assert page.evaluate("document.documentElement.dataset.theme") == scheme
    page.evaluate("document.querySelectorAll('article details').forEach(d => { d.open = true })")
    assert violations(page, npm_packages) == []


@pytest.mark.parametrize("scheme", SCHEMES)
def test_what_answers_the_reader_has_no_violation(visit, npm_packages, scheme):
    """A number and a drawn line, their gaps in words, the answers at the chapter's end, and a quantity that is lit."""
    page = visit("07-lstm", color_scheme=scheme)
    forms = page.locator(".admonition.predict >> nth=0 >> form.prediction")
    forms.nth(0).get_by_label("Your number").fill("5")
    forms.nth(0).get_by_role("button").click()
    forms.nth(1).get_by_role("slider").press("ArrowUp")
    forms.nth(1).get_by_role("button").click()
    page.locator(".prediction-summary details").evaluate("e => { e.open = true }")
    page.get_by_role("button", name="Let Tab reach the symbols").press("Enter")
    page.locator(".highlight-python .q-f").first.click()
    assert violations(page, npm_packages) == []


@pytest.mark.parametrize("scheme", SCHEMES)
def test_a_page_that_runs_has_no_violation(open_live, npm_packages, scheme):
    """Loading, then with text, an error, a table and plain widgets."""
    live = open_live(color_scheme=scheme)
    live.page.get_by_role("button", name="Run this page").click()
    live.page.locator("progress").wait_for()
    assert violations(live.page, npm_packages) == []
    live.wait("ready")
    live.run(1, "print('text')\nraise ValueError('wrong')")
    live.run(2, WIDGETS)
    assert violations(live.page, npm_packages) == []


@pytest.mark.parametrize("name", pages())
def test_320_pixels_are_wide_enough(visit, name):
    """What is wider scrolls by itself; the page does not."""
    page = visit(name, viewport={"width": 320, "height": 640})
    page.evaluate("document.querySelectorAll('article details').forEach(d => { d.open = true })")
    assert page.evaluate("document.documentElement.scrollWidth") <= 320


def test_who_wants_less_motion_gets_none(visit):
    page = visit("07-lstm", reduced_motion="reduce")
    moving = """[...document.querySelectorAll('*')].filter(e => {
      const style = getComputedStyle(e);
      return parseFloat(style.transitionDuration) > 0 || parseFloat(style.animationDuration) > 0;
    }).length"""
    assert page.evaluate(moving) == 0


def test_paper_holds_the_chapter_and_nothing_that_must_be_pressed(visit):
    """No sidebar, no buttons; the text as wide as the sheet."""
    page = visit("07-lstm")
    page.emulate_media(media="print")
    for gone in (".bd-sidebar-primary", ".bd-sidebar-secondary", ".bd-header-article", ".live-bar", ".explorer-foot"):
        assert not page.locator(gone).first.is_visible(), gone
    for kept in ("article h2", "article .course-explorer svg", "article mjx-container"):
        assert page.locator(kept).first.is_visible(), kept
    assert page.locator("h1:visible").count() == 1


def test_paper_has_the_answers_and_the_page_folds_them_again(visit):
    """Code that the page hides stays hidden."""
    page = visit("07-lstm")
    closed = "() => document.querySelectorAll('article details.sd-dropdown:not([open])').length"
    before, code = page.evaluate(closed), page.locator("article details.hide[open]").count()
    assert before > 10
    page.evaluate("dispatchEvent(new Event('beforeprint'))")
    assert page.evaluate(closed) == 0
    assert page.locator("article details.hide[open]").count() == code
    page.evaluate("dispatchEvent(new Event('afterprint'))")
    assert page.evaluate(closed) == before


def test_paper_is_white_for_who_reads_in_the_dark(visit):
    page = visit("07-lstm", color_scheme="dark")
    theme = "() => document.documentElement.dataset.theme"
    page.evaluate("dispatchEvent(new Event('beforeprint'))")
    assert page.evaluate(theme) == "light"
    page.evaluate("dispatchEvent(new Event('afterprint'))")
    assert page.evaluate(theme) == "dark"
