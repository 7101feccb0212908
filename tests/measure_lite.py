"""How long JupyterLite takes from the click to the first cell with NumPy: the median of five visits.

    PYODIDE_DIST=<folder with Pyodide 0.29.3 and NumPy> PYTHONPATH=book/_ext python tests/measure_lite.py

Each visit is in a new browser with nothing in its cache, from a server on this machine, in Chromium without a
window. "Interface" is the time until the notebook is there, "first cell" until `import numpy` and the course have
run in it. The site must have been built (`nox -s book`).
"""

import os
import pathlib
import shutil
import statistics
import time

from course_site.execution import ROOT
from course_site.local import serving
from lite_notebook import START
from playwright.sync_api import sync_playwright

RUNS = 5
NOTEBOOK = "exercises/01-feedforward/01-feedforward.ipynb"
CELL = "import numpy as np, course_pkg.checks; print('sum', np.arange(7).sum())"


def visit(playwright, address):
    """One visit: seconds until the interface is there, and until the first cell has run."""
    browser = playwright.chromium.launch(
        executable_path=shutil.which("chromium"), args=["--no-sandbox", "--disable-gpu"]
    )
    page = browser.new_page(viewport={"width": 1280, "height": 900})
    page.set_default_timeout(START)
    began = time.perf_counter()
    page.goto(f"{address}/lite/notebooks/index.html?path={NOTEBOOK}")
    cell = page.locator(".jp-Notebook .jp-CodeCell", has_text="# YOUR CODE HERE").first
    cell.locator(".cm-content").click()
    interface = time.perf_counter() - began
    page.keyboard.press("Control+a")
    page.keyboard.insert_text(CELL)
    page.locator('.jp-Notebook-ExecutionIndicator[data-status="idle"]').wait_for()  # what is run before is forgotten
    page.keyboard.press("Control+Enter")
    page.locator(".jp-OutputArea-output", has_text="sum 21").wait_for()
    first = time.perf_counter() - began
    browser.close()
    return interface, first


def main():
    """Measure and print."""
    distribution = os.environ.get("PYODIDE_DIST")
    if not distribution:
        raise SystemExit("measure_lite: wanted PYODIDE_DIST, a folder with Pyodide and NumPy")
    with sync_playwright() as playwright, serving(ROOT / "_build" / "html", pathlib.Path(distribution)) as address:
        visits = []
        for k in range(RUNS):
            visits.append(visit(playwright, address))
            print(f"visit {k + 1}: interface {visits[-1][0]:.1f} s, first cell {visits[-1][1]:.1f} s", flush=True)
    interface, first = (statistics.median(times) for times in zip(*visits))
    print(f"median of {RUNS}: interface {interface:.1f} s, first cell {first:.1f} s")


if __name__ == "__main__":
    main()
