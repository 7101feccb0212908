"""What a page costs to open, and that opening it stays within the site."""

import gzip
import pathlib
import urllib.parse

import pytest
from course_site.execution import ROOT

LIMIT = 1_200_000  # bytes, each file gzipped
PAGES = ["index", *sorted(p.stem for p in (ROOT / "book").glob("[0-9][0-9]-*.md"))]


def load(browser, site_url, name):
    """Open a page; returns the paths it fetched, the requests that left the site, and what went wrong."""
    fetched, left, wrong = {}, [], []
    context = browser.new_context(viewport={"width": 1280, "height": 900})
    page = context.new_page()

    def route(route):
        inside = route.request.url.startswith((f"{site_url}/", "data:", "blob:"))
        left.extend([] if inside else [route.request.url])
        route.continue_() if inside else route.abort()

    def response(response):
        fetched[urllib.parse.urlsplit(response.url).path] = response.status
        wrong.extend([f"{response.status} {response.url}"] if response.status >= 400 else [])

    context.route("**/*", route)
    page.on("response", response)
    page.on("console", lambda m: wrong.append(m.text) if m.type == "error" else None)
    page.on("pageerror", lambda error: wrong.append(str(error)))
    page.goto(f"{site_url}/{name}.html", wait_until="networkidle")
    page.evaluate("window.MathJax?.startup?.promise")
    page.evaluate("document.fonts.ready")
    page.wait_for_load_state("networkidle")
    wrong.extend(
        f"maths: {e}" for e in page.locator("mjx-merror").evaluate_all("all => all.map(e => e.title || e.innerText)")
    )
    context.close()
    return fetched, left, wrong


@pytest.mark.browser
@pytest.mark.parametrize("name", PAGES)
def test_a_page_is_light_and_stays_within_the_site(browser, site, site_url, name, capsys):
    """A page loads in under 1.2 MB gzipped, from the site alone, without an error in the console or in an equation."""
    fetched, left, wrong = load(browser, site_url, name)
    weights = {p: len(gzip.compress(pathlib.Path(site, p.lstrip("/")).read_bytes(), 9)) for p in fetched}
    total = sum(weights.values())
    with capsys.disabled():
        heaviest = ", ".join(
            f"{p.rsplit('/')[-1]} {w // 1000}" for p, w in sorted(weights.items(), key=lambda i: -i[1])[:4]
        )
        print(f"\n{name}: {total / 1000:.0f} kB gzipped in {len(weights)} files (heaviest, kB: {heaviest})", end=" ")
    assert not left
    assert not wrong
    assert total < LIMIT


@pytest.mark.browser
def test_equations_are_typeset_in_the_colours_of_their_parts(browser, site_url):
    """MathJax comes from the site, knows the book's macros, and gives a part its colour in both themes."""
    seen = {}
    for scheme in ("light", "dark"):
        context = browser.new_context(color_scheme=scheme)
        page = context.new_page()
        page.goto(f"{site_url}/07-lstm.html", wait_until="networkidle")
        page.evaluate("MathJax.startup.promise")
        part = page.locator("article mjx-container .role-forget").first
        seen[scheme] = part.evaluate("e => getComputedStyle(e).color")
        assert page.locator("mjx-merror").count() == 0
        context.close()
    assert seen["light"] != seen["dark"]


@pytest.mark.browser
def test_figures_move_when_the_page_is_opened_as_a_file(browser, site):
    """`nox -s book` prints the address of a file: what a reader finds there must be alive."""
    context = browser.new_context()
    page = context.new_page()
    page.goto((site / "07-lstm.html").as_uri(), wait_until="load")
    figure = page.locator(".course-explorer").first
    before = figure.locator("svg").first.inner_html()
    figure.locator("input[type=range]").first.focus()
    page.keyboard.press("ArrowLeft")
    page.wait_for_function(
        "([e, was]) => e.innerHTML !== was", arg=[figure.locator("svg").first.element_handle(), before]
    )
    context.close()
