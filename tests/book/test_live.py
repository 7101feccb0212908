"""Which cells can run in a browser, and what a page carries for it."""

import ast
import json
import re
import sys

import pytest
from bs4 import BeautifulSoup
from contents import cells_of, chapters
from course_site import npm
from course_site.execution import ROOT

sys.path.insert(0, str(npm.SOURCES))  # what runs in the browser, run here
from torchless import NEEDS, split


def test_only_what_needs_pytorch_is_lost():
    """A cell that compares with PyTorch still makes the names that later cells read."""
    cells = [
        "import numpy as np",
        "import torch\nx = np.ones(3)\nnet = torch.nn.Linear(3, 1)\ny = net(x)",
        "x.sum()",
        "y",
        "def f(net):\n    y = net\n    return y",
        "y = 2",
        "y",
    ]
    assert split(cells) == [None, "x = np.ones(3)", None, "", None, None, None]


@pytest.mark.parametrize(
    "source",
    [
        *("from torch import nn", "import torch.nn as nn", "def f():\n    import torch", "interchange.to_torch(p)"),
        *("net += 1", "[net(k) for k in range(3)]", "for k in range(3):\n    net(k)", "with net as n:\n    pass"),
        *(
            "def f():\n    return net",
            "def f():\n    global net\n    net += 1",
            "rows.append(net)",
            "d['k'] = net",
            "if net:\n    pass",
            "torch.no_grad()",
        ),
    ],
)
def test_every_way_to_need_pytorch_is_seen(source):
    """`net` is what a lost statement made."""
    assert split(["import torch\nnet = torch.nn.Linear(1, 1)", source]) == ["", ""]


@pytest.mark.parametrize(
    "source",
    [
        *("for net in (1, 2):\n    print(net)", "[net for net in range(3)]", "lambda net: net", "net = 1\nnet"),
        *("%time x = 1", "await f()", "!ls", "x?", "a = (", "def f(net):\n    return net"),
        *("def f():\n    net = 1\n    net += 1", "def f():\n    net = []\n    net.append(1)"),
        *("{net: 1 for net in 'ab'}", "{net for net in 'ab'}", "for k in [net for net in 'ab']:\n    print(k)"),
        *("weights.torch_count(1, 2)", "in_torch = 1\nprint(in_torch)", "from a import torch_count"),
    ],
)
def test_a_name_of_its_own_is_not_lost(source):
    """A loop, a function or an assignment that gives a lost name a value of its own; magics and await are read too."""
    assert split(["import torch\nnet = torch.nn.Linear(1, 1)", source]) == ["", None]


def test_the_names_of_a_comprehension_are_not_made():
    """From Python 3.12 on its names are among those of the code around it; here they are its own in any Python."""
    cells = [
        "p = [1]\nk = 2\nx = 3",
        "import torch\nnumbers = [p + 1 for p in torch.ones(3)]\nd = {k: 1 for k, x in torch.ones(3)}",
        "p, k, x",
        "numbers",
        "d",
        "[last := p for p in torch.ones(3)]\nlast",
        "last",
    ]
    assert split(cells) == [None, "", None, "", "", "", ""]


def test_what_of_the_package_imports_pytorch_is_known():
    """Those names are PyTorch too, whoever calls them; the tools and grading are not part of any chapter."""
    found = set()
    for path in (ROOT / "course_pkg").rglob("*.py"):
        if not {"tools", "grading"} & set(path.parts):
            tree = ast.parse(path.read_text(encoding="utf-8"))
            for function in [n for n in ast.walk(tree) if isinstance(n, ast.FunctionDef)]:
                if "torch" in {a.name for n in ast.walk(function) if isinstance(n, ast.Import) for a in n.names}:
                    found.add(function.name)
    assert {"torch", *found} == NEEDS


def test_what_a_lost_statement_changes_is_lost_too():
    """A list that lacks an entry must not be shown as if it were whole."""
    assert split(["rows = []", "rows.append(torch.ones(1))", "rows"]) == [None, "", ""]


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


def test_in_each_chapter_pytorch_is_missed_in_few_cells():
    """What reads PyTorch's results stands in the cell that made them, so that a reader loses nothing else."""
    for name in chapters():
        cells = cells_of(name)
        refused = [cell for cell, rest in zip(cells, split(cells), strict=True) if rest is not None]
        assert len(refused) <= 4, name
        assert all(re.search(r"\btorch\.|\bimport torch\b|\bto_torch\(", cell) for cell in refused), name
        assert cells[0] not in refused, name


def test_the_pinned_packages_name_no_host():
    """The lock must work with any npm registry, and pin each package by its hash."""
    lock = json.loads((npm.SOURCES / "package-lock.json").read_text(encoding="utf-8"))
    packages = {name: p for name, p in lock["packages"].items() if name}
    assert packages
    assert not any("resolved" in p for p in packages.values())
    assert all(p["integrity"].startswith("sha512-") for p in packages.values())
    asked = json.loads((npm.SOURCES / "package.json").read_text(encoding="utf-8"))
    versions = [*asked["dependencies"].values(), *asked["devDependencies"].values()]
    assert all(re.fullmatch(r"\d+\.\d+\.\d+", v) for v in versions)
