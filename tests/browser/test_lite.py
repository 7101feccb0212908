"""JupyterLite beside the book: a chapter and an exercise open with one click, run, check, and are kept.

`PYODIDE_DIST` names a folder with Pyodide's core, its lock file and builds of NumPy and as much of the rest as
the tester has. Without it only the core is used, the npm package `pyodide`, and tests that need NumPy are
reported as skipped, each by its name.
"""

import re
import shutil

import nbformat
import pytest
from course_site import lock
from course_site.execution import ROOT
from course_site.local import serving
from course_site.vendor import CORE
from lite_notebook import START, Notebook

pytestmark = [pytest.mark.browser, pytest.mark.slow]


@pytest.fixture(scope="module")
def running_site(with_numpy, live_url):
    """The address of the site with the whole distribution."""
    return live_url


@pytest.fixture(scope="module")
def core_site(site, distribution, request, tmp_path_factory):
    """The address of the site with Pyodide's core alone, whatever else the distribution holds."""
    core = distribution or request.getfixturevalue("npm_packages") / "pyodide"
    alone = tmp_path_factory.mktemp("core")
    for name in (*CORE, lock.LOCK):
        shutil.copy(core / name, alone)
    with serving(site, alone) as url:
        yield url


@pytest.fixture
def open_notebook(browser):
    """Opens notebooks of a site in a browser of their own; notes what they ask of anyone else."""
    contexts, outside = [], []

    def open_notebook(url, path, context=None):
        if context is None:
            context = browser.new_context(viewport={"width": 1280, "height": 900}, accept_downloads=True)
            contexts.append(context)
            inside = (url, "data:", "blob:")
            context.on("request", lambda r: outside.append(r.url) if not r.url.startswith(inside) else None)
        return Notebook(context.new_page(), url, path)

    yield open_notebook
    for context in contexts:
        context.close()
    assert not outside


def solution(name):
    """The assignment's cells with their solutions, by nbgrader's name for the cell."""
    notebook = nbformat.read(ROOT / "solutions" / name / f"{name}.ipynb", 4)
    return {c.metadata.nbgrader.grade_id: c.source for c in notebook.cells if "nbgrader" in c.metadata}


STAND_IN = """import sys, types

sys.modules["matplotlib"] = package = types.ModuleType("matplotlib")
sys.modules["matplotlib.pyplot"] = package.pyplot = types.ModuleType("matplotlib.pyplot")
# def forget_gate"""


def test_a_chapter_opens_from_its_page_and_runs(running_site, open_notebook, browser):
    """One click; NumPy and the course are there without an install; a figure is live and its slider calls Python."""
    context = browser.new_context(viewport={"width": 1280, "height": 900})
    page = context.new_page()
    page.goto(f"{running_site}/07-lstm.html")
    page.get_by_role("button", name="Run this chapter as a notebook").click()
    link = page.get_by_role("link", name="JupyterLite").get_attribute("href")
    context.close()
    path = link.rsplit("path=")[-1]
    notebook = open_notebook(running_site, path)
    assert link.endswith("lite/notebooks/index.html?path=07-lstm.ipynb")
    notebook.run_first()
    figure = notebook.page.locator(".course-explorer").first
    figure.locator("svg").first.wait_for(timeout=START)
    before = figure.locator("svg").first.inner_html()
    figure.get_by_role("slider").first.focus()
    notebook.page.keyboard.press("ArrowLeft")
    notebook.page.wait_for_function(
        "([e, was]) => e.isConnected && e.innerHTML !== was",
        arg=[figure.locator("svg").first.element_handle(), before],
        timeout=START,
    )


def test_an_exercise_passes_its_check_is_kept_and_downloads(running_site, distribution, open_notebook, tmp_path):
    """Untouched the check fails and says so; with the solution it passes; the work survives and can be handed in."""
    path = "exercises/07-lstm/07-lstm.ipynb"
    answers = solution("07-lstm")
    notebook = open_notebook(running_site, path)
    if not list(distribution.glob("matplotlib-[0-9]*")):
        # The first cell imports it for a plot at the end. It cannot be changed, so an empty module stands in.
        untouched = notebook.cell("def forget_gate").locator(".cm-content").inner_text()
        notebook.write("def forget_gate", STAND_IN)
        notebook.run("def forget_gate")
        notebook.write("def forget_gate", untouched)
    assert "Error" not in notebook.run("from course_pkg import checks")
    assert "is not written yet" in notebook.check("def forget_gate")
    notebook.write("def forget_gate", answers["forget_gate"])
    said = notebook.check("def forget_gate")
    assert "forget_gate: all 6 parts right" in said
    assert said.endswith("7.0")

    page = notebook.page
    page.wait_for_timeout(12_000)  # it saves by itself every ten seconds
    context = page.context
    page.close()
    again = open_notebook(running_site, path, context)
    wanted = answers["forget_gate"].strip().splitlines()[-1].strip()
    assert again.cell(wanted).is_visible()
    again.page.get_by_role("menuitem", name="File").click()
    with again.page.expect_download() as download:
        again.page.locator(".lm-Menu-itemLabel", has_text=re.compile("^Download$")).click()
    download.value.save_as(tmp_path / "07-lstm.ipynb")
    handed_in = nbformat.read(tmp_path / "07-lstm.ipynb", 4)
    released = nbformat.read(ROOT / path, 4)
    names = [c.metadata.nbgrader.grade_id for c in released.cells if "nbgrader" in c.metadata]
    assert [c.metadata.nbgrader.grade_id for c in handed_in.cells if "nbgrader" in c.metadata] == names
    assert any(wanted in c.source for c in handed_in.cells)


def test_without_numpy_the_kernel_says_what_is_missing(core_site, open_notebook):
    """Python itself starts from the core; a cell that needs NumPy fails with its name."""
    notebook = open_notebook(core_site, "exercises/07-lstm/07-lstm.ipynb")
    notebook.write("def forget_gate", "import numpy as np  # alone")
    said = notebook.run("# alone")
    assert "ModuleNotFoundError" in said
    assert "numpy" in said
    notebook.write("# alone", "import sys\n\nprint(6 * 7, sys.platform)")
    assert notebook.run("6 * 7") == "42 emscripten"


def test_matplotlib_draws_in_a_notebook(running_site, distribution, open_notebook):
    """A figure of Matplotlib is shown under its cell."""
    if not list(distribution.glob("matplotlib-[0-9]*")):
        pytest.skip("not run: PYODIDE_DIST holds no Matplotlib")
    notebook = open_notebook(running_site, "exercises/07-lstm/07-lstm.ipynb")
    notebook.write("def forget_gate", "import matplotlib.pyplot as plt\n\nplt.plot([1, 2])\nplt.show()")
    notebook.run("plt.plot")
    assert notebook.cell("plt.plot").locator("img").count() == 1
