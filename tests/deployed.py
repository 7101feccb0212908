"""Open a published site as a stranger would, and run one cell with NumPy and Matplotlib in it.

    python tests/deployed.py https://owner.github.io/course/

Needs Playwright with its Chromium (or the machine's) and the internet. Python comes from wherever the site says.
"""

import argparse
import shutil
import time

from lite_notebook import START, Notebook
from playwright.sync_api import sync_playwright

EXERCISE = "exercises/01-feedforward/01-feedforward.ipynb"
CELL = """import matplotlib.pyplot as plt
import numpy as np

import course_pkg

plt.plot(np.arange(5))
plt.show()
print("sum", np.arange(5).sum(), course_pkg.__version__)"""


def run_a_cell(page, url, code=CELL, path=EXERCISE):
    """Open the notebook at `path`, write `code` into its first cell that can be changed, and run it."""
    notebook = Notebook(page, url, path)
    notebook.write("# YOUR CODE HERE", code)
    said = notebook.run(code.splitlines()[-1][:20])
    return said, notebook.cell(code.splitlines()[-1][:20]).locator("img").count()


def main():
    """Exit with an error unless the cell ran and drew."""
    parser = argparse.ArgumentParser(description=main.__doc__)
    parser.add_argument("url")
    url = parser.parse_args().url.rstrip("/")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=shutil.which("chromium"), args=["--no-sandbox"])
        page = browser.new_page(viewport={"width": 1280, "height": 900})
        page.set_default_timeout(START)
        began = time.monotonic()
        said, pictures = run_a_cell(page, url)
        print(f"{url}: after {time.monotonic() - began:.1f} s the cell said {said!r} and drew {pictures} picture(s)")
        browser.close()
    if "sum 10" not in said or pictures != 1:
        raise SystemExit("wanted 'sum 10' and one picture")


if __name__ == "__main__":
    main()
