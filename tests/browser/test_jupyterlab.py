"""The same Explorer, live in JupyterLab: a slider's move goes to Python in a real kernel and comes back drawn."""

import json
import os
import re
import subprocess
import sys
import time

import nbformat
import pytest
from playwright.sync_api import TimeoutError

pytestmark = [pytest.mark.browser, pytest.mark.slow]

CELL = """
import ipywidgets, numpy as np
from course_pkg.widgets import Explorer, Line, lines, number, numbers, slider

calls = []

def line(a):
    calls.append(a)
    if a == 5:
        raise RuntimeError("no line for 5")
    curve = Line("line", [0, a], "cell")
    return [lines([0, 1], [curve], x_label="x", y_label="y", y_range=(0, 5)), numbers(number("a", a))]

figure = Explorer(line, title="A line", alt="A line whose end rises with a.", a=slider(0, 5, 1, value=1))
ipywidgets.VBox([figure, ipywidgets.Label("beside it, a label")])
"""
# Settings under which JupyterLab asks nothing: neither for news and updates nor, where a cell is run before the kernel
# is there, which kernel it should be.
SETTINGS = {
    "apputils-extension/notification": {"checkForUpdates": False, "fetchNews": "false"},
    "notebook-extension/tracker": {"autoStartDefaultKernel": True},
}
STARTS = 300  # seconds; it took 40 with fifteen other processes on two cores


def write_settings(folder):
    """Write SETTINGS where JUPYTERLAB_SETTINGS_DIR lets JupyterLab look for them."""
    for name, values in SETTINGS.items():
        path = folder / "@jupyterlab" / f"{name}.jupyterlab-settings"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(json.dumps(values))
    return str(folder)


def answer_dialogs(page, asked):
    """Accept every dialog that stands before what the test clicks, and note in the list `asked` what it said."""

    def accept(dialog):
        asked.append(dialog.inner_text())
        dialog.locator(".jp-mod-accept").click()

    page.add_locator_handler(page.locator(".jp-Dialog").last, accept)


@pytest.fixture
def lab(tmp_path):
    """JupyterLab on loopback with one notebook; gives the notebook's address."""
    notebook = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(CELL)])
    notebook.metadata["kernelspec"] = {"name": "python3", "display_name": "Python 3", "language": "python"}
    nbformat.write(notebook, tmp_path / "figure.ipynb")
    options = ["--no-browser", "--ip=127.0.0.1", "--port=0", "--allow-root", "--IdentityProvider.token=test"]
    options += [
        f"--ServerApp.root_dir={tmp_path}",
        "--LabApp.news_url=None",
        "--LabApp.check_for_updates_class=jupyterlab.NeverCheckForUpdate",
    ]
    env = os.environ | {"JUPYTER_CONFIG_DIR": str(tmp_path / "config"), "JUPYTER_RUNTIME_DIR": str(tmp_path / "run")}
    env["JUPYTERLAB_SETTINGS_DIR"] = write_settings(tmp_path / "settings")
    env.pop("COURSE_STATIC_FIGURES", None)
    log = tmp_path / "lab.log"  # a file: a pipe that nobody empties would stop the server
    with log.open("w") as stderr:
        process = subprocess.Popen([sys.executable, "-m", "jupyterlab", *options], env=env, stderr=stderr)
    for _ in range(10 * STARTS):
        if found := re.search(r"http://127\.0\.0\.1:\d+", log.read_text()):
            break
        time.sleep(0.1)
    else:
        process.kill()
        pytest.fail("JupyterLab did not start:\n" + log.read_text())
    yield f"{found.group()}/lab/tree/figure.ipynb?token=test&reset"
    process.terminate()
    process.wait()


def test_a_slider_moves_python(lab, browser):
    context = browser.new_context(viewport={"width": 1280, "height": 900})
    context.set_default_timeout(1000 * STARTS)
    page, asked = context.new_page(), []
    answer_dialogs(page, asked)
    page.goto(lab)
    page.locator(".jp-Notebook .jp-CodeCell").first.wait_for()
    page.locator('.jp-Notebook-ExecutionIndicator[data-status="idle"]').wait_for()  # the kernel is up
    slider = page.get_by_role("slider", name="a")
    for _ in range(STARTS // 10):  # JupyterLab forgets a cell that is run just before its kernel is connected
        page.locator(".jp-Notebook .cm-content").first.click()
        page.keyboard.press("Shift+Enter")
        try:
            slider.wait_for(timeout=10_000)
            break
        except TimeoutError:
            continue
    assert slider.is_visible(), f"the cell did not run; JupyterLab asked: {asked}"
    number = page.locator(".course-explorer .explorer-numbers strong")
    drawn = page.locator(".course-explorer svg")
    assert page.get_by_text("beside it, a label", exact=True).is_visible()  # it nests in a VBox
    before = drawn.inner_html()
    slider.focus()
    page.keyboard.press("ArrowRight")
    page.wait_for_function("document.querySelector('.explorer-numbers strong').textContent.trim() === '2'")
    assert drawn.inner_html() != before

    page.keyboard.press("End")  # where the function raises: the figure says so, and goes on
    page.locator(".explorer-error", has_text="RuntimeError: no line for 5").wait_for()
    page.keyboard.press("ArrowLeft")
    page.wait_for_function("document.querySelector('.explorer-numbers strong').textContent.trim() === '4'")
    assert not page.locator(".explorer-error").is_visible()
    assert number.inner_text().strip() == "4"
    context.close()
