"""WCAG 2.2 AA, as far as axe-core can tell: no violation on any page, in either theme, also when the page runs."""

import pytest
import yaml
from course_site.execution import ROOT

pytestmark = [pytest.mark.browser, pytest.mark.slow]

TAGS = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa"]
SCHEMES = ["light", "dark"]
RUN = """async (tags) => {
  const found = await axe.run(document, {runOnly: {type: 'tag', values: tags}, resultTypes: ['violations']});
  return found.violations.flatMap(v => v.nodes.map(n => `${v.id}: ${n.target.join(' ')}: ${n.failureSummary}`));
}"""


def pages():
    """The names of all pages: those of the table of contents and those that Sphinx makes."""
    toc = yaml.safe_load((ROOT / "book" / "_toc.yml").read_text())
    files = [entry["file"] for part in toc["parts"] for entry in part["chapters"]]
    return [toc["root"], *files, "genindex", "search"]


@pytest.fixture
def violations(browser, npm_packages):
    """Opens a page and gives what axe-core has against it; `act(page)` is what the reader does first."""
    contexts = []

    def violations(url, scheme, act=None, **options):
        context = browser.new_context(color_scheme=scheme, **options)
        contexts.append(context)
        page = context.new_page()
        page.goto(url, wait_until="networkidle")
        assert page.evaluate("document.documentElement.dataset.theme") == scheme
        page.evaluate("window.MathJax?.startup?.promise")
        if act:
            act(page)
        page.add_script_tag(path=npm_packages / "axe-core" / "axe.min.js")
        return page.evaluate(RUN, TAGS)

    yield violations
    for context in contexts:
        context.close()


@pytest.mark.parametrize("scheme", SCHEMES)
@pytest.mark.parametrize("name", pages())
def test_a_page_has_no_violation(violations, site_url, name, scheme):
    """With every box open, so that what hides behind it is looked at too."""

    def open_boxes(page):
        page.evaluate("document.querySelectorAll('article details').forEach(d => { d.open = true })")

    assert violations(f"{site_url}/{name}.html", scheme, open_boxes) == []
