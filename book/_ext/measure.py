"""How light and how quick the site is. Prints the table of CONTRIBUTING.md.

    nox -s measure

Medians over five runs, from a server on this machine, in Chromium without a window. "Page" is all that a page
loads by itself, each file gzipped; "figure" the time from the navigation until a figure has answered a slider; "cell"
from the click on "Run this page" until the first cell that uses NumPy has run; "slider" from a slider's move through
Python to the redraw. The last two need PYODIDE_DIST, a folder with Pyodide 0.29.3 and NumPy's wheel.
"""

import gzip
import os
import pathlib
import shutil
import statistics
import urllib.parse

from course_site.execution import ROOT
from course_site.local import serving
from playwright.sync_api import sync_playwright

RUNS = 5
CHAPTERS = ("01-feedforward", "03-rnn", "07-lstm")
FLAGS = ["--no-sandbox", "--disable-gpu", "--disable-background-networking", "--disable-component-update"]

# Moves the first figure's first slider as soon as there is one; gives the milliseconds since the navigation.
FIGURE = """() => {
  const look = () => {
    const figure = document.querySelector('.course-explorer.explorer-drawn');
    const slider = figure?.querySelector('input[type=range]');
    if (!slider || window.answered) return requestAnimationFrame(look);
    const before = figure.querySelector('svg').innerHTML;
    slider.value = +slider.value ? +slider.value - 1 : 1;
    slider.dispatchEvent(new Event('input', {bubbles: true}));
    if (figure.querySelector('svg').innerHTML !== before) window.answered = performance.now();
    else requestAnimationFrame(look);
  };
  look();
}"""

# Starts Python, runs the first cell, and gives the milliseconds from the click to its end.
CELL = """async () => {
  const done = (test) => new Promise(ok => { const look = () => test() ? ok() : setTimeout(look, 5); look(); });
  const began = performance.now();
  document.querySelector('.live-start').click();
  const ready = () => document.querySelector('.live-bar').dataset.state === 'ready';
  await done(() => ready() && document.querySelector('.live-cell-bar'));
  document.querySelector('.live-cell-bar button').click();
  await done(() => ['done', 'failed'].includes(document.querySelector('div.cell').dataset.live));
  if (document.querySelector('div.cell').dataset.live === 'failed') throw new Error('the first cell failed');
  return performance.now() - began;
}"""

# Moves the live figure's first slider twenty times and gives the median milliseconds until the figure is redrawn.
SLIDER = """async () => {
  const figure = document.querySelector('.cell_output .course-explorer'), svg = figure.querySelector('svg');
  const slider = figure.querySelector('input[type=range]'), times = [];
  for (let k = 0; k < 20; k++) {
    slider.value = +slider.value > +slider.min ? +slider.value - 1 : +slider.max;
    const began = performance.now();
    await new Promise(ok => {
      const watch = new MutationObserver(() => { watch.disconnect(); times.push(performance.now() - began); ok(); });
      watch.observe(svg, {childList: true});
      slider.dispatchEvent(new Event('input', {bubbles: true}));
    });
    await new Promise(ok => setTimeout(ok, 50));
  }
  return times.sort((a, b) => a - b)[10];
}"""


def once(browser, address, site, name, live):
    """One visit to one page, with nothing in the browser's cache."""
    context = browser.new_context(viewport={"width": 1280, "height": 900})
    page = context.new_page()
    page.set_default_timeout(180_000)
    fetched = {}
    page.on("response", lambda r: fetched.setdefault(urllib.parse.urlsplit(r.url).path, r.status))
    page.goto(f"{address}/{name}.html", wait_until="commit")
    page.evaluate(FIGURE)
    figure = page.wait_for_function("window.answered").json_value()
    page.wait_for_load_state("networkidle")
    files = [pathlib.Path(site, p.lstrip("/")) for p, status in fetched.items() if status == 200]
    weight = sum(len(gzip.compress(f.read_bytes(), 9)) for f in files)
    found = {"page": weight / 1e3, "requests": len(files), "figure": figure / 1e3}
    if live:
        found["cell"] = page.evaluate(CELL) / 1e3
        found["slider"] = page.evaluate(SLIDER)
    context.close()
    return found


def main():
    """Measure and print."""
    site = ROOT / "_build" / "html"
    named = os.environ.get("PYODIDE_DIST")
    with sync_playwright() as playwright, serving(site, pathlib.Path(named) if named else None) as address:
        chromium = shutil.which("chromium") or shutil.which("google-chrome")
        print("| chapter | page, kB | requests | figure, s | cell, s | slider, ms |")
        print("| --- | ---: | ---: | ---: | ---: | ---: |")
        for name in CHAPTERS:
            runs = []
            for _ in range(RUNS):
                browser = playwright.chromium.launch(executable_path=chromium, args=FLAGS)
                runs.append(once(browser, address, site, name, bool(named)))
                browser.close()
            median = {key: statistics.median(run[key] for run in runs) for key in runs[0]}
            cell, slider = (f"{median[k]:.1f}" if k in median else "not run" for k in ("cell", "slider"))
            row = f"{median['page']:.0f} | {median['requests']:.0f} | {median['figure']:.2f} | {cell} | {slider}"
            print(f"| {name} | {row} |", flush=True)


if __name__ == "__main__":
    main()
