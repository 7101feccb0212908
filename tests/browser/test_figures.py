"""The published figures in a real browser, without a kernel: they move, fast, for everyone, and ask nobody else."""

import statistics

import pytest
from contents import chapters

pytestmark = pytest.mark.browser

PAGES = ["index.html", *(f"{name}.html" for name in chapters())]

# Moves every control through all its values; says which figure did not change and how long redraws took.
MOVE_ALL = """() => {
  const dead = [], times = [];
  let figures = 0;
  for (const root of document.querySelectorAll('.course-explorer')) {
    figures++;
    const look = () => [...root.querySelectorAll('svg, .explorer-numbers')].map(e => e.innerHTML).join();
    const inputs = [...root.querySelectorAll('input[type=range], select')];
    const last = (input) => input.tagName === 'SELECT' ? input.options.length - 1 : +input.max;
    const set = (input, value) => { input.value = value; input.dispatchEvent(new Event('input', {bubbles: true})); };
    const pictures = (input) => {
      const seen = new Set(), start = input.value;
      for (let k = 0; k <= last(input); k++) {
        const before = performance.now();
        set(input, k);
        root.getBoundingClientRect();  // the browser has laid out what was drawn
        times.push(performance.now() - before);
        seen.add(look());
      }
      set(input, start);
      return seen.size;
    };
    for (const input of inputs) {
      let found = pictures(input);
      if (found < 2) {  // a word that has not been heard yet changes nothing: try with the others at their ends
        const others = inputs.filter((i) => i !== input), starts = others.map((i) => i.value);
        others.forEach((i) => set(i, last(i)));
        found = pictures(input);
        others.forEach((i, k) => set(i, starts[k]));
      }
      if (found < 2) dead.push(root.getAttribute('aria-label') + ': ' + input.dataset.name);
    }
  }
  return {figures, dead, times};
}"""


@pytest.fixture
def open_page(browser, site_url):
    """Opens a page of the site; fails the test if the page logs an error, misses a file or asks anyone else."""
    trouble, contexts = [], []

    def open_page(name, **options):
        context = browser.new_context(**options)
        contexts.append(context)

        def route(r):
            if r.request.url.startswith((site_url, "data:", "blob:")):
                return r.continue_()
            trouble.append(f"asked for {r.request.url}")
            return r.abort()

        context.route("**/*", route)
        page = context.new_page()
        page.on("console", lambda m: trouble.append(f"console: {m.text}") if m.type == "error" else None)
        page.on("pageerror", lambda e: trouble.append(f"error: {e}"))
        page.on("response", lambda r: trouble.append(f"{r.status} {r.url}") if r.status >= 400 else None)
        page.goto(f"{site_url}/{name}", wait_until="networkidle")
        return page

    yield open_page
    for context in contexts:
        context.close()
    assert not trouble


@pytest.mark.parametrize("name", PAGES)
def test_every_control_moves_its_figure_at_once(open_page, name, capsys):
    """All values of all controls, no kernel, nothing asked from anywhere. The bound is ten times the aim of 8 ms."""
    result = open_page(name).evaluate(MOVE_ALL)
    assert result["figures"] >= 1
    assert result["dead"] == []
    median = statistics.median(result["times"])
    with capsys.disabled():
        print(
            f"\n{name}: {len(result['times'])} redraws, median {median:.2f} ms, slowest {max(result['times']):.1f} ms"
        )
    assert median < 80


def test_a_slider_answers_the_keyboard_and_says_so(open_page):
    page = open_page("index.html")
    slider = page.get_by_role("slider", name="weight to itself w")
    figure = page.locator(".course-explorer").nth(1)
    drawn = figure.locator("svg")
    before, value = drawn.inner_html(), slider.get_attribute("aria-valuetext")
    slider.focus()
    page.keyboard.press("ArrowRight")
    assert drawn.inner_html() != before
    assert slider.get_attribute("aria-valuetext") != value
    figure.locator(".explorer-status", has_text="what it says:").wait_for(state="attached")


def test_reset_puts_everything_back(open_page):
    page = open_page("index.html")
    figure = page.locator(".course-explorer").nth(1)
    drawn = figure.locator("svg")
    start = drawn.inner_html()
    page.get_by_role("slider", name="weight to itself w").fill("0")
    assert drawn.inner_html() != start
    figure.get_by_role("button", name="Reset").click()
    assert drawn.inner_html() == start


def test_the_numbers_of_a_figure_can_be_read(open_page):
    """The table under a figure follows the slider."""
    page = open_page("index.html")
    page.get_by_text("Numbers in this figure").nth(1).click()
    row = page.locator(".course-explorer tr", has_text="what it says")
    row.wait_for()
    assert row.locator("td").count() == 40
    before = row.inner_text()
    page.get_by_role("slider", name="weight to itself w").fill("0")
    assert row.inner_text() != before


@pytest.mark.parametrize("name", PAGES)
def test_every_figure_says_what_is_to_be_seen(open_page, name):
    """Each picture has a text alternative, each control a name, each figure a title."""
    page = open_page(name)
    for picture in page.locator(".course-explorer svg").all():
        assert len(picture.get_attribute("aria-label")) > 20
    controls = "[...document.querySelectorAll('.course-explorer :is(input, select)')]"
    unnamed = f"{controls}.filter(e => !e.labels[0]?.innerText.trim()).length"
    assert page.evaluate(unnamed) == 0
    assert page.locator(".course-explorer:not([aria-label])").count() == 0


@pytest.mark.parametrize("name", PAGES)
def test_a_phone_is_wide_enough(open_page, name):
    page = open_page(name, viewport={"width": 390, "height": 844})
    assert page.evaluate("document.documentElement.scrollWidth <= document.documentElement.clientWidth")
    wide = "[...document.querySelectorAll('.course-explorer')].filter(e => e.scrollWidth > e.clientWidth + 1).length"
    assert page.evaluate(wide) == 0


def test_colours_follow_the_theme(open_page):
    """The same role has its dark value in the dark theme, in figures and in equations."""
    colour = "s => getComputedStyle(document.querySelector(s)).color"
    seen = {}
    for scheme in ("light", "dark"):
        page = open_page("07-lstm.html", color_scheme=scheme)
        page.wait_for_selector("mjx-container .role-cell")
        seen[scheme] = [
            page.evaluate(colour, s) for s in (".course-explorer svg .role-cell", "mjx-container .role-cell")
        ]
    assert seen["light"][0] == seen["light"][1] == "rgb(0, 79, 148)"
    assert seen["dark"][0] == seen["dark"][1] == "rgb(74, 163, 234)"


def test_without_scripts_the_page_still_says_what_the_figure_shows(open_page):
    page = open_page("index.html", java_script_enabled=False)
    assert "output of one recurrent neuron" in page.locator(".explorer-alt").nth(1).inner_text()
