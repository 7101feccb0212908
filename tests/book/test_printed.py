"""What the page prints is what the function returned: every figure of the built book, at every position.

While the book is built, each figure writes down fingerprints of what its function returned, as told.py prints it. They
stay in the executed notebook. Here the script of the built page reads the tables of the built page, and what it has to
say is compared: the table of numbers, the spoken status, the numbers that stand in the picture.
"""

import nbformat
import page_script
import pytest
from course_site.execution import ROOT

from course_pkg.widgets.digits import significant
from course_pkg.widgets.explorer import PRINTED

PAGES = sorted(p.stem for p in (ROOT / "book").glob("*.md") if "code-cell} ipython3" in p.read_text(encoding="utf-8"))


def returned(site, name):
    """The fingerprints of a page's figures, in order, as the build left them."""
    used = max((site.parent / ".jupyter_cache" / name).iterdir(), key=lambda cache: cache.stat().st_mtime)
    (path,) = used.glob("executed/*/base.ipynb")
    notebook = nbformat.read(path, as_version=4)
    outputs = [output for cell in notebook.cells for output in cell.get("outputs", [])]
    return [output["metadata"][PRINTED] for output in outputs if PRINTED in output.get("metadata", {})]


@pytest.mark.parametrize("name", PAGES)
def test_a_page_prints_what_its_functions_returned(site, name, tmp_path, capsys):
    """Bars, heat maps, diagrams, curves, words: no digit differs at any position of any control."""
    page = (site / f"{name}.html").read_text(encoding="utf-8")
    figures, wanted = page_script.figures_in(page), returned(site, name)
    assert page.count('class="course-explorer') == len(figures) == len(wanted)
    got = page_script.printed(page_script.script_in(page), figures, tmp_path) if figures else []
    wrong = {
        figure["title"]: places
        for figure, printed, said in zip(figures, got, wanted)
        if (places := page_script.differing(figure, printed, said))
    }
    with capsys.disabled():
        print(f"\n{name}: {len(figures)} figures at {sum(map(len, wanted)):,} positions", end=" ")
    assert not wrong, {title: f"{len(places)} positions, such as {places[0]}" for title, places in wrong.items()}


@pytest.mark.parametrize("name", PAGES)
def test_a_control_tells_its_values_apart(site, name):
    """A slider says four digits of its value: none of a figure's sliders has two values that read alike."""
    for figure in page_script.figures_in((site / f"{name}.html").read_text(encoding="utf-8")):
        for control in figure["controls"]:
            if control["kind"] == "slider":
                said = [significant(v, 4) for v in control["values"]]
                assert len(set(said)) == len(said), f"{figure['title']}: {control['name']}"


def test_fingerprints_are_no_part_of_the_site(site):
    """They are for the test above; a reader has no use for them."""
    shipped = [*site.glob("*.html"), *site.rglob("*.ipynb")]
    assert len(shipped) > len(PAGES)
    assert not [p.name for p in shipped if PRINTED in p.read_text(encoding="utf-8")]
