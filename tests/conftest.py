"""Settings and fixtures shared by all tests."""

import importlib.util
import os
import shutil
import subprocess
import sys

import pytest
from course_site.execution import ROOT, fingerprint
from course_site.local import serving
from course_site.result import read_result, site_sources
from hypothesis import settings
from sharing import pytest_addoption, pytest_collection_modifyitems
from skips import IN_CI, pytest_make_collect_report, pytest_runtest_makereport

__all__ = [  # hooks, which pytest finds here
    "pytest_addoption",
    "pytest_collection_modifyitems",
    "pytest_make_collect_report",
    "pytest_runtest_makereport",
]

# No deadline: the first call of PyTorch takes half a second, and machines that run tests are busy.
settings.register_profile("course", deadline=None, max_examples=40, print_blob=True)
settings.load_profile("course")

CHROMIUM_FLAGS = [
    *("--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run"),
    *("--disable-background-networking", "--disable-component-update", "--disable-sync"),
]
# How long a page may take to do what is asked of it. It ends a test that hangs; it judges no speed. Playwright's own
# limit of 30 s was met by a machine that had fifteen processes for two cores.
PATIENCE = 300_000  # ms


def patient(browser):
    """The browser, whose pages wait as long as PATIENCE says where a test says nothing."""

    def waits(make):
        def made(*arguments, **options):
            page = make(*arguments, **options)
            page.set_default_timeout(PATIENCE)
            return page

        return made

    browser.new_context, browser.new_page = waits(browser.new_context), waits(browser.new_page)
    return browser


def pytest_configure(config):
    """In CI nothing may be left out for want of PyTorch."""
    if IN_CI and importlib.util.find_spec("torch") is None:
        raise pytest.UsageError("torch is not installed: in CI its tests must not be skipped")


@pytest.fixture(scope="session")
def site():
    """The built site's folder; built when it is missing or older than its sources."""
    build = ROOT / "_build"
    if read_result(build).get("sources") != fingerprint(site_sources()):
        command = [sys.executable, ROOT / "book" / "_ext" / "build.py"]
        done = subprocess.run(command, capture_output=True, text=True, errors="replace")
        assert done.returncode == 0, f"the book does not build:\n{done.stdout[-3000:]}\n{done.stderr[-6000:]}"
    return build / "html"


@pytest.fixture(scope="session")
def site_url(site):
    """The address of the built site on this machine, without a slash at its end."""
    with serving(site) as address:
        yield address


@pytest.fixture(scope="session")
def browser():
    """Chromium, as the machine has it. Where it is missing, tests are skipped, in CI they fail.

    COURSE_BROWSER=firefox or webkit takes Playwright's own instead: see .github/workflows/pages.yml.
    """
    from playwright.sync_api import sync_playwright

    name = os.environ.get("COURSE_BROWSER", "chromium")
    if name != "chromium":
        with sync_playwright() as playwright:
            other = getattr(playwright, name).launch()
            yield patient(other)
            other.close()
        return
    path = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
    if path is None:
        (pytest.fail if IN_CI else pytest.skip)("Chromium is not installed (Debian: apt-get install chromium)")
    with sync_playwright() as playwright:
        chromium = playwright.chromium.launch(executable_path=path, args=CHROMIUM_FLAGS)
        yield patient(chromium)
        chromium.close()
