"""A site whose Python comes from this machine, and a page of it that runs."""

import contextlib
import os
import pathlib

import pytest
from course_site import npm
from course_site.execution import ROOT
from course_site.local import serving
from course_site.lock import Unavailable
from course_site.runtime import IN_CI

MINUTES = 60_000
NOT_RUN = "not run: PYODIDE_DIST names no folder with Pyodide and NumPy's wheel"


@pytest.fixture(scope="session")
def npm_packages():
    """The folder of the pinned npm packages, with those that only tests use (axe-core, the core of Pyodide)."""
    work = ROOT / "_build" / ".live" / "tests"
    work.mkdir(parents=True, exist_ok=True)
    try:
        npm.install(work)
    except Unavailable as unavailable:
        (pytest.fail if IN_CI else pytest.skip)(str(unavailable))
    return work / "node_modules"


@pytest.fixture
def visit(browser, site_url):
    """Opens a page of the static site with options of a browser's context; fonts are there, equations typeset."""
    contexts = []

    def visit(name, **options):
        context = browser.new_context(**options)
        contexts.append(context)
        page = context.new_page()
        page.goto(f"{site_url}/{name}.html", wait_until="networkidle")
        page.evaluate("window.MathJax?.startup?.promise")
        page.evaluate("document.fonts.ready")
        return page

    yield visit
    for context in contexts:
        context.close()


@pytest.fixture(scope="session")
def distribution():
    """The folder that PYODIDE_DIST names, or None."""
    named = os.environ.get("PYODIDE_DIST")
    return pathlib.Path(named) if named else None


@pytest.fixture(scope="session")
def with_numpy(distribution):
    """Skips a test, by name, that needs NumPy in the browser."""
    if distribution is None:
        pytest.skip(NOT_RUN)


@pytest.fixture(scope="session")
def live_url(site, distribution, request):
    """The address of the site with Pyodide served beside it: the folder PYODIDE_DIST, or the core alone."""
    if not (site / "live" / "page.js").is_file():
        (pytest.fail if IN_CI else pytest.skip)("the book was built without live cells")
    pyodide = distribution or request.getfixturevalue("npm_packages") / "pyodide"
    with serving(site, pyodide) as address:
        yield address


class LivePage:
    """A page of the site, in the hands of a reader."""

    def __init__(self, page):
        self.page = page
        self.bar = page.locator(".live-bar")

    def start(self):
        """Press the button and wait until Python is there."""
        self.page.get_by_role("button", name="Run this page").click()
        self.wait("ready", "failed")
        return self

    def wait(self, *states, timeout=20 * MINUTES):
        """Wait until the page is in one of these states."""
        asked = "s => s.includes(document.querySelector('.live-bar').dataset.state)"
        self.page.wait_for_function(asked, arg=list(states), timeout=timeout)

    def status(self):
        """What the page says of itself."""
        return self.page.locator(".live-status").inner_text()

    def cell(self, number):
        """The cell of this number, counted from 1."""
        return self.page.locator("article div.cell:has(.live-cell-bar)").nth(number - 1)

    def write(self, number, code):
        """Put code into a cell's editor, as pasting does."""
        cell = self.cell(number)
        cell.scroll_into_view_if_needed()
        closed = cell.locator("details:not([open]) > summary")
        if closed.count():
            closed.first.click()
        cell.locator(".cm-content").click()
        self.page.keyboard.press("Control+A")
        self.page.keyboard.insert_text(code)

    def run(self, number, code=None, timeout=20 * MINUTES):
        """Run a cell, after writing `code` into it where given. Returns how it ended and what it shows."""
        if code is not None:
            self.write(number, code)
        cell = self.cell(number)
        cell.evaluate("c => { c.dataset.live = 'asked' }")
        cell.get_by_role("button", name=f"Run cell {number}", exact=True).click()
        done = "c => ['done', 'failed', 'left-out'].includes(c.dataset.live)"
        self.page.wait_for_function(done, arg=cell.element_handle(), timeout=timeout)
        shown = cell.locator(".cell_output").inner_text().splitlines()
        return cell.get_attribute("data-live"), "\n".join(line for line in shown if line.strip())

    def note(self, number):
        """What stands beside a cell's buttons."""
        return self.cell(number).locator(".live-note").inner_text()


@contextlib.contextmanager
def opening(browser, live_url):
    """Gives a function that opens pages; requests and the console's errors are in `page.asked`, `page.trouble`."""
    contexts = []

    def open_live(name="07-lstm.html", prepare=None, **options):
        context = browser.new_context(**options)
        contexts.append(context)
        page = context.new_page()
        page.asked, page.trouble = [], []
        page.on("request", lambda r: page.asked.append(r.url))
        page.on("console", lambda m: page.trouble.append(m.text) if m.type == "error" else None)
        page.on("pageerror", lambda e: page.trouble.append(str(e)))
        if prepare:
            prepare(page)
        page.goto(f"{live_url}/{name}", wait_until="networkidle")
        return LivePage(page)

    yield open_live
    for context in contexts:
        context.close()


@pytest.fixture
def open_live(browser, live_url):
    """Opens a page of the live site for one test."""
    with opening(browser, live_url) as open_live:
        yield open_live


@pytest.fixture(scope="module")
def live_page(browser, live_url):
    """A page on which Python runs, for all tests of a module."""
    with opening(browser, live_url) as open_live:
        yield open_live().start()
