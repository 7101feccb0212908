"""Chapters whose cells run in the reader's browser, with Pyodide from this machine.

With PYODIDE_DIST all of it; without, what the core of Pyodide (from npm) carries, and the rest is named as not run.
"""

import re

import pytest

pytestmark = [pytest.mark.browser, pytest.mark.slow]

MINUTES = 60_000
FIRST, PLAIN = 1, 3  # a cell with an Explorer behind a closed box, and one that shows its code
FIGURE = """
from course_pkg.widgets import Explorer, Line, lines, number, numbers, slider
calls = []
def line(a):
    calls.append(a)
    if a == 5:
        raise RuntimeError("no line for 5")
    curve = Line("line", [0, a], "cell")
    return [lines([0, 1], [curve], x_label="x", y_label="y", y_range=(0, 5)), numbers(number("a", a))]
figure = Explorer(line, title="A line", alt="A line whose end rises with a.", a=slider(0, 5, 1, value=1))
"""


def has_number(page, number):
    """Wait until the figure of the plain cell shows this number."""
    shown = "n => [...document.querySelectorAll('.explorer-numbers strong')].some(e => e.textContent.trim() === n)"
    page.page.wait_for_function(shown, arg=str(number))


# --- before and at the start


def test_nothing_is_fetched_before_the_button_is_pressed(open_live):
    live = open_live()
    assert live.page.get_by_role("button", name="Run this page").is_visible()
    assert not [a for a in live.page.asked if "/live/" in a or "/pyodide/" in a]


def test_a_chapter_from_button_to_figure_with_numpy(with_numpy, open_live):
    """The keyboard alone: start, run the first cell as it is written, move its figure through Python."""
    live = open_live()
    page = live.page
    page.get_by_role("button", name="Run this page").focus()
    page.keyboard.press("Enter")
    live.wait("ready")
    assert "ready" in live.status()
    figure = live.cell(FIRST).locator(".course-explorer")
    figure.evaluate("f => { f.dataset.from = 'table' }")
    run = live.cell(FIRST).get_by_role("button", name="Run cell 1", exact=True)
    run.focus()
    page.keyboard.press("Enter")
    page.wait_for_function("document.querySelector('.cell').dataset.live === 'done'")
    assert figure.get_attribute("data-from") is None  # drawn anew, by Python
    before = figure.locator("svg").first.inner_html()
    figure.locator("input[type=range]").first.focus()
    page.keyboard.press("ArrowLeft")
    page.wait_for_function(
        "([f, was]) => f.querySelector('svg').innerHTML !== was", arg=[figure.element_handle(), before]
    )
    assert not page.trouble


def test_a_network_that_is_blocked_ends_in_one_sentence(open_live):
    """And the static page goes on: its figures still move, and the button can be pressed again."""
    live = open_live(prepare=lambda page: page.context.route("**/pyodide/**", lambda r: r.abort()))
    live.start()
    assert re.fullmatch(r"Python could not be fetched from [\w.:]+: [^.]*\. The page works without it\.", live.status())
    drawn = live.page.locator(".course-explorer svg").first
    before = drawn.inner_html()
    live.page.locator(".course-explorer input[type=range]").first.focus()
    live.page.keyboard.press("ArrowLeft")
    assert drawn.inner_html() != before
    live.page.context.unroute("**/pyodide/**")
    live.start()
    assert "ready" in live.status()


def test_a_browser_that_is_too_old_is_told_so(open_live):
    old = "WebAssembly.validate = () => false"
    live = open_live(prepare=lambda page: page.add_init_script(old)).start()
    assert "too old" in live.status()
    assert not [a for a in live.page.asked if "/pyodide/" in a]


def test_too_little_memory_is_told_so(open_live):
    """What Chromium says when WebAssembly's memory cannot be had."""
    said = "WebAssembly.Memory(): could not allocate memory"
    poor = f"WebAssembly.Memory = function () {{ throw new RangeError('{said}') }};"

    def prepare(page):
        def answer(route):
            route.fulfill(body=poor + route.fetch().text(), content_type="text/javascript")

        page.context.route("**/live/worker.js", answer)

    assert "too little free memory" in open_live(prepare=prepare).start().status()


def test_numpy_that_cannot_be_fetched_is_named(open_live):
    """Python starts all the same, and a cell without NumPy runs."""
    live = open_live(prepare=lambda page: page.context.route("**/numpy*.whl", lambda r: r.abort())).start()
    assert "numpy could not be fetched" in live.status()
    assert live.run(PLAIN, "6 * 7") == ("done", "42")
    state, shown = live.run(PLAIN, "import numpy")
    assert state == "failed"
    assert "ModuleNotFoundError" in shown


# --- cells


def test_text_results_and_what_was_named_before(live_page):
    assert live_page.run(PLAIN, "x = 20\nprint('one')\nprint('two')\nx + 1") == ("done", "one\ntwo\n21")
    assert live_page.run(PLAIN, "x * 2") == ("done", "40")
    assert "ran in" in live_page.note(PLAIN)


def test_code_is_edited_with_the_keyboard(live_page):
    """Typing indents by itself; Shift-Enter runs; Escape, then Tab leaves the editor."""
    page = live_page.page
    live_page.write(PLAIN, "")
    page.keyboard.type("for k in range(3):\nprint(k)")
    page.keyboard.press("Shift+Enter")
    page.wait_for_function("c => /^0\\s+1\\s+2$/.test(c.innerText.trim())", arg=output_of(live_page, PLAIN))
    page.keyboard.press("Escape")
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.textContent") == "Run"


def output_of(live, number):
    """The handle of a cell's outputs."""
    return live.cell(number).locator(".cell_output").element_handle()


def test_an_error_is_shown_in_colours_and_stops_what_comes_after(live_page):
    page = live_page.page
    live_page.write(PLAIN, "after = 1")
    state, shown = live_page.run(FIRST, "def half(x):\n    return x / 0\n\nhalf(1)")
    assert state == "failed"
    assert "ZeroDivisionError: division by zero" in shown
    assert "half(1)" in shown
    coloured = live_page.cell(FIRST).locator(".traceback [class*=ansi-]")
    assert coloured.count() > 3
    colours = coloured.evaluate_all("e => new Set(e.map(x => getComputedStyle(x).color)).size")
    assert colours > 1
    page.get_by_role("button", name="Run all", exact=True).click()
    page.wait_for_function("document.querySelector('.cell').dataset.live === 'failed'")
    live_page.wait("ready")
    assert "Cell 1 ended with ZeroDivisionError" in live_page.status()
    assert live_page.run(PLAIN, "'after' in globals()") == ("done", "False")


def test_a_missing_name_sends_the_reader_to_the_cells_above(live_page):
    live_page.run(FIRST, "1/0")
    assert live_page.run(PLAIN, "never_named")[0] == "failed"
    assert "Run up to here" in live_page.note(PLAIN)
    live_page.write(FIRST, "never_named = 5")
    live_page.write(PLAIN - 1, "never_named += 1")
    live_page.cell(PLAIN).get_by_role("button", name="Run up to here").click()
    live_page.page.wait_for_function("c => c.innerText.trim() === '6'", arg=output_of(live_page, PLAIN))


def test_rich_output(live_page):
    """HTML, Markdown with maths, LaTeX, SVG and PNG, each as itself; an output can be changed and cleared."""
    png = "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg=="
    code = f"""
import base64
from IPython.display import HTML, SVG, Image, Latex, Markdown, clear_output, display
print("gone")
clear_output()
handle = display(HTML("<b class='mine'>old</b>"), display_id=True)
display(Markdown("| gate | value |\\n| --- | --- |\\n| **f** | $\\\\vf{{t}} = \\\\sigma(a_t)$ |"))
display(Latex(r"$$\\vh{{t}} = \\tanh(\\vc{{t}})$$"))
display(SVG("<svg xmlns='http://www.w3.org/2000/svg' width='9' height='9'><circle r='4'/></svg>"))
display(Image(base64.b64decode("{png}")))
handle.update(HTML("<b class='mine'>new</b>"))
"""
    state, shown = live_page.run(PLAIN, code)
    assert state == "done"
    assert "gone" not in shown
    outputs = live_page.cell(PLAIN).locator(".cell_output")
    assert outputs.locator("b.mine").all_inner_texts() == ["new"]
    assert outputs.locator("table strong").inner_text() == "f"
    outputs.locator("table mjx-container .role-forget").first.wait_for()
    outputs.locator(".text_latex mjx-container .role-hidden").first.wait_for()
    assert outputs.locator("circle").count() == 1
    assert outputs.locator("img").evaluate("i => i.naturalWidth") == 1
    assert outputs.locator("img").get_attribute("alt")


def test_magics_await_and_progress(live_page):
    code = "import asyncio\nawait asyncio.sleep(0.01)\nprint('50%', end='\\r')\nprint('100%')"
    assert live_page.run(PLAIN, code) == ("done", "100%")
    state, shown = live_page.run(PLAIN, "%%time\nprint('timed')")
    assert state == "done"
    assert "Wall time" in shown


def test_a_cell_that_needs_pytorch_keeps_its_stored_output(live_page):
    torch = live_page.page.locator("article div.cell", has_text="import torch").first
    assert "needs PyTorch" in torch.locator(".live-note").inner_text()
    stored = torch.locator(".cell_output").inner_text()
    torch.get_by_role("button", name=re.compile(r"^Run cell \d+$")).click()
    live_page.page.wait_for_function("c => c.dataset.live === 'left-out'", arg=torch.element_handle())
    assert "needs PyTorch" in torch.locator(".live-note").inner_text()
    assert torch.locator(".cell_output").inner_text() == stored
    assert stored


def test_what_such_a_cell_makes_without_pytorch_is_there(with_numpy, live_page):
    """The cells after it find their names."""
    torch = live_page.page.locator("article div.cell", has_text="import torch").first
    before = "import numpy as np\nglobals().pop('max_error', None)\n'max_error' in globals()"
    assert live_page.run(FIRST, before) == ("done", "False")
    torch.get_by_role("button", name=re.compile(r"^Run cell \d+$")).click()
    live_page.page.wait_for_function("c => c.dataset.live === 'left-out'", arg=torch.element_handle())
    assert live_page.run(FIRST, "'max_error' in globals(), 'torch' in globals()") == ("done", "(True, False)")


def test_a_runaway_cell_is_stopped_and_python_starts_afresh(live_page):
    """Also one that prints without end, which must not choke the page."""
    live_page.run(PLAIN, "kept = 1")
    for code in ("while True: pass", "while True: print('again')"):
        live_page.write(PLAIN, code)
        live_page.page.keyboard.press("Shift+Enter")
        live_page.wait("running")
        live_page.page.wait_for_timeout(1000)
        live_page.page.get_by_role("button", name="Stop", exact=True).click()
        live_page.page.locator(".live-status", has_text="Python started afresh").wait_for(timeout=5 * MINUTES)
        live_page.wait("ready")
    state, shown = live_page.run(PLAIN, "kept")
    assert state == "failed"
    assert "NameError" in shown
    assert live_page.run(PLAIN, "1 + 1") == ("done", "2")


@pytest.mark.parametrize(
    "code",
    [
        "import json\na = []\nfor _ in range(100_000): a = [a]\njson.dumps(a)",
        "import os\nos._exit(1)",
        "import asyncio, js\njs.self.close()\nawait asyncio.sleep(9)",
    ],
    ids=["its stack is full", "it is made to exit", "its worker ends without a word"],
)
def test_python_that_breaks_starts_afresh_and_says_so(open_live, code):
    live = open_live().start()
    live.write(PLAIN, code)
    live.page.keyboard.press("Shift+Enter")
    live.page.locator(".live-status", has_text="Python broke down in cell 3. Python started afresh").wait_for()
    live.wait("ready")
    assert live.run(PLAIN, "1 + 1") == ("done", "2")


def test_after_stop_the_figure_is_the_books_again(open_live):
    """And Stop stays in sight, wherever on the page the reader is."""
    live = open_live().start()
    page = live.page
    assert live.run(FIRST, "import ipywidgets\nipywidgets.IntSlider(description='mine')")[0] == "done"
    figure = live.cell(FIRST).locator(".course-explorer")
    assert figure.count() == 0
    live.write(PLAIN, "while True: pass")
    page.keyboard.press("Shift+Enter")
    live.wait("running")
    page.evaluate("scrollTo(0, document.body.scrollHeight / 2)")
    stop = page.get_by_role("button", name="Stop", exact=True)
    assert 0 < stop.bounding_box()["y"] < 200
    stop.click()
    live.wait("ready")
    assert "the figure is the book's" in live.note(FIRST)
    before = figure.locator("svg").first.inner_html()
    figure.locator("input[type=range]").first.focus()
    page.keyboard.press("ArrowLeft")
    assert figure.locator("svg").first.inner_html() != before


def test_what_a_reader_wrote_survives_a_reload_and_can_be_put_back(open_live):
    live = open_live().start()
    live.run(PLAIN, "'mine'")
    live.page.reload(wait_until="networkidle")
    live.start()
    assert "Your changes are back in one cell." in live.status()
    assert live.run(PLAIN) == ("done", "'mine'")
    live.cell(PLAIN).get_by_role("button", name=re.compile("^Start over")).click()
    assert "mine" not in live.cell(PLAIN).locator(".cm-content").inner_text()
    assert "'mine'" not in live.cell(PLAIN).locator(".cell_output").inner_text()
    live.page.reload(wait_until="networkidle")
    assert "changes" not in live.start().status()


def test_python_that_cannot_come_back_comes_back_later(open_live):
    """The network goes away, Python breaks: a sentence; the next cell that is run tries again."""
    live = open_live().start()
    live.page.context.route("**/pyodide/**", lambda r: r.abort())
    live.write(PLAIN, "import os\nos._exit(1)")
    live.page.keyboard.press("Shift+Enter")
    live.wait("failed")
    assert "could not be fetched" in live.status()
    live.page.context.unroute("**/pyodide/**")
    assert live.run(PLAIN, "1 + 2") == ("done", "3")


def test_what_draws_a_widget_and_cannot_be_fetched_is_named(open_live):
    live = open_live(prepare=lambda page: page.context.route("**/ipywidgets.js", lambda r: r.abort())).start()
    state, shown = live.run(PLAIN, "import ipywidgets\nipywidgets.IntSlider()")
    assert state == "done"
    assert "could not be fetched" in shown


def test_a_display_is_changed_from_another_cell_and_a_formula_is_set(live_page):
    assert live_page.run(FIRST, "h = display('old', display_id=True)")[1] == "'old'"
    code = "from IPython.display import Math\nh.update('new')\ndisplay(Math(r'\\frac12'))"
    assert live_page.run(PLAIN, code)[0] == "done"
    assert live_page.cell(FIRST).locator(".cell_output").inner_text().strip() == "'new'"
    live_page.cell(PLAIN).locator(".cell_output mjx-container").wait_for()


# --- widgets, which need NumPy only where a figure is drawn


def test_an_explorer_calls_python(with_numpy, live_page):
    page = live_page.page
    assert live_page.run(PLAIN, FIGURE + "figure")[0] == "done"
    has_number(live_page, 1)
    figure = live_page.cell(PLAIN).locator(".course-explorer")
    figure.get_by_role("slider", name="a").focus()
    page.keyboard.press("ArrowRight")
    has_number(live_page, 2)
    page.keyboard.press("End")  # where the function raises: the figure says so, and goes on
    figure.locator(".explorer-error", has_text="RuntimeError: no line for 5").wait_for()
    page.keyboard.press("ArrowLeft")
    has_number(live_page, 4)
    assert not figure.locator(".explorer-error").is_visible()
    assert live_page.run(FIRST, "calls") == ("done", "[1, 2, 5, 4]")
    assert not [a for a in page.asked if "ipywidgets.js" in a]  # a figure needs none of it


def test_plain_widgets_speak_with_python_both_ways(live_page):
    page = live_page.page
    code = """
import ipywidgets
slider = ipywidgets.IntSlider(value=3, max=9, description="width")
twice = ipywidgets.Label()
ipywidgets.dlink((slider, "value"), (twice, "value"), lambda v: f"twice is {2 * v}")
ipywidgets.VBox([slider, twice])
"""
    assert live_page.run(PLAIN, code)[0] == "done"
    assert [a for a in page.asked if "ipywidgets.js" in a]
    cell = live_page.cell(PLAIN)
    cell.get_by_text("twice is 6").wait_for()
    cell.locator(".noUi-handle").focus()
    page.keyboard.press("ArrowRight")
    cell.get_by_text("twice is 8").wait_for()
    assert live_page.run(FIRST, "slider.value = 9; slider.value") == ("done", "9")
    cell.get_by_text("twice is 18").wait_for()


def test_what_happens_within_an_output_widget_stays_there(live_page):
    """Text, results and even an error; what comes after it is the cell's own."""
    code = """
import ipywidgets
from IPython.display import HTML, display
out = ipywidgets.Output()
display(ipywidgets.VBox([ipywidgets.Label("above"), out]))
with out:
    print("within")
    display(HTML("<i>rich</i>"))
with out:
    1 / 0
print("af" + "ter")
"""
    state, shown = live_page.run(PLAIN, code)
    assert state == "done"
    cell = live_page.cell(PLAIN)
    within = cell.locator(".widget-output")
    within.get_by_text("ZeroDivisionError").first.wait_for()
    assert re.match(r"within\s+rich\s", within.inner_text())
    assert "after" not in within.inner_text()
    assert shown.rstrip().endswith("after")
    assert live_page.run(FIRST, "[o['output_type'] for o in out.outputs]") == (
        "done",
        "['stream', 'display_data', 'error']",
    )


def test_interact(live_page):
    page = live_page.page
    code = "from ipywidgets import interact\n@interact(n=(1, 5))\ndef row(n=2):\n    print('*' * n)"
    assert live_page.run(PLAIN, code)[0] == "done"
    cell = live_page.cell(PLAIN)
    cell.locator(".widget-output", has_text=re.compile(r"^\*\*\s*$")).wait_for()
    cell.locator(".noUi-handle").focus()
    page.keyboard.press("ArrowRight")
    cell.locator(".widget-output", has_text=re.compile(r"^\*\*\*\s*$")).wait_for()


def test_an_explorer_among_plain_widgets(with_numpy, live_page):
    code = FIGURE + "import ipywidgets\nipywidgets.VBox([figure, ipywidgets.Label('beside it, a label')])"
    assert live_page.run(PLAIN, code)[0] == "done"
    cell = live_page.cell(PLAIN)
    cell.get_by_text("beside it, a label", exact=True).wait_for()
    cell.get_by_role("slider", name="a").focus()
    live_page.page.keyboard.press("ArrowRight")
    has_number(live_page, 2)


def test_nothing_went_wrong_in_the_console(live_page):
    """The last of this module: all of the above, without an error in the browser's console."""
    assert not live_page.page.trouble
