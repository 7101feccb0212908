"""Which cells can run in a browser, and what a page carries for it."""

import json
import re

import pytest
from bs4 import BeautifulSoup
from contents import chapters
from course_site import live
from course_site.execution import ROOT


def test_a_cell_needs_pytorch_when_it_imports_it_or_reads_what_such_a_cell_made():
    """What is left out in the browser is left out with all that follows from it, and no more."""
    cells = ["import numpy as np", "import torch\nnet = torch.nn.RNN(1, 1)", "net(1)", "np.zeros(3)", "net = 2", "net"]
    assert live.needs_torch(cells) == [False, True, True, False, False, False]


@pytest.mark.parametrize("source", ["from torch import nn", "import torch.nn as nn", "def f():\n    import torch"])
def test_every_way_to_import_pytorch_is_seen(source):
    assert live.needs_torch([source]) == [True]


def test_magics_and_await_are_read_like_python():
    assert live.needs_torch(["%time x = 1", "await f()", "!ls", "x?"]) == [False] * 4


def test_no_cell_of_a_chapter_is_missing_from_its_page():
    """A cell that the page leaves out could not be run there, and those after it would fail."""
    for name in chapters():
        text = (ROOT / "book" / f"{name}.md").read_text(encoding="utf-8")
        tags = {t.strip() for group in re.findall(r"^:tags: *\[(.*)\]", text, re.MULTILINE) for t in group.split(",")}
        assert not {"remove-cell", "remove-input", "hide-cell"} & tags


def test_a_page_with_code_has_the_button_and_no_other_has_it(site):
    """Without npm no page has it; then the whole of live/ is missing, and CI does not build at all."""
    if not (site / "live" / "page.js").is_file():
        pytest.skip("the book was built without npm: live cells are left out")
    for path in site.glob("*.html"):
        soup = BeautifulSoup(path.read_text(encoding="utf-8"), "html.parser")
        scripts = [s for s in soup.find_all("script", type="module") if "live/page.js" in s.get_text()]
        assert len(scripts) == bool(soup.select("div.cell")), path.name


def test_cells_that_need_pytorch_are_marked_in_the_page(site):
    """The LSTM chapter ends with a comparison with PyTorch, and begins without."""
    soup = BeautifulSoup((site / "06-lstm.html").read_text(encoding="utf-8"), "html.parser")
    cells = soup.select("div.cell")
    marked = ["needs-torch" in c["class"] for c in cells]
    assert any(marked)
    assert not marked[0]
    for cell, mark in zip(cells, marked):
        assert mark or "import torch" not in cell.select_one(".cell_input").get_text()


def test_the_pinned_packages_name_no_host():
    """The lock must work with any npm registry, and pin each package by its hash."""
    lock = json.loads((live.SOURCES / "package-lock.json").read_text(encoding="utf-8"))
    packages = {name: p for name, p in lock["packages"].items() if name}
    assert packages
    assert not any("resolved" in p for p in packages.values())
    assert all(p["integrity"].startswith("sha512-") for p in packages.values())
    asked = json.loads((live.SOURCES / "package.json").read_text(encoding="utf-8"))
    versions = [*asked["dependencies"].values(), *asked["devDependencies"].values()]
    assert all(re.fullmatch(r"\d+\.\d+\.\d+", v) for v in versions)
