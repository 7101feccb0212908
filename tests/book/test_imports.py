"""What a chapter depends on: its imports, followed through the package without running it."""

import ast
import subprocess
import sys
import tomllib

import pytest
from chapter_cells import cells
from course_site.execution import ROOT, package_sources
from course_site.imports import DATA, Package, read

FILES = {
    "pkg/__init__.py": "",
    "pkg/a.py": "from pkg import b",
    "pkg/b.py": "def later():\n    from . import c\n",
    "pkg/c.py": "import numpy",
    "pkg/d.py": "import importlib\nimportlib.import_module('pkg.lazy')",
    "pkg/lazy.py": "from pkg.a import missing",
    "pkg/room/__init__.py": "from .door import knock",
    "pkg/room/door.py": "from ..c import x\n",
    "pkg/room/window.py": "",
    "pkg/room/door.json": "{}",
    "pkg/room/window.json": "{}",
    "pkg/room/nobody.json": "{}",
}


@pytest.fixture
def package(tmp_path):
    """A package whose modules import each other in every way there is."""
    for name, text in FILES.items():
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    return Package(tmp_path / "pkg")


def reach(package, code):
    """The files that `code` depends on, as names inside the package, and what it imports from outside."""
    found = package.reach(ast.parse(code))
    return {p.relative_to(package.folder).as_posix() for p in found.files}, found.outside


@pytest.mark.parametrize(
    ("code", "wanted"),
    [
        ("from pkg.c import x", {"__init__.py", "c.py"}),
        ("import pkg.b as name", {"__init__.py", "b.py", "c.py"}),
        ("def f():\n    from pkg import a", {"__init__.py", "a.py", "b.py", "c.py"}),
        ("from pkg import d", {"__init__.py", "d.py", "lazy.py", "a.py", "b.py", "c.py"}),
        ("print(1)", set()),
    ],
)
def test_imports_are_followed(package, code, wanted):
    """Lazy, relative and through other modules; a package's own file counts on the way."""
    assert reach(package, code)[0] == wanted


def test_a_module_brings_its_own_data_and_what_is_named(package):
    """Data of a module that is not imported counts only where its name stands in the code."""
    room = {"__init__.py", "c.py", "room/__init__.py", "room/door.py", "room/door.json", "room/nobody.json"}
    assert reach(package, "from pkg import room")[0] == room
    assert reach(package, "from pkg import room\nroom.load('window')")[0] == room | {"room/window.json"}


def test_what_is_imported_from_elsewhere_is_noted(package):
    """Its version decides too."""
    assert reach(package, "import torch.nn as nn\nfrom pkg import c")[1] == {"torch", "numpy"}
    assert reach(package, "from pkg import room")[1] == {"numpy"}


def test_what_python_loads_is_reached():
    """The real package: what the imports of a chapter load is among the files that were found."""
    imports = [n for cell in cells("10-bidirectional") for n in ast.parse(cell).body if isinstance(n, ast.ImportFrom)]
    code = ast.unparse(ast.Module([n for n in imports if n.module.startswith("course_pkg")], []))
    code += "\nimport sys\nprint(*(m.__file__ for n, m in sys.modules.items() if n.split('.')[0] == 'course_pkg'))"
    loaded = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout.split()
    reached = Package(ROOT / "course_pkg").reach(ast.parse(code)).files
    assert len(loaded) > 5
    assert set(loaded) <= set(map(str, reached))


def test_no_chapter_imports_by_a_name_made_at_run_time():
    """Such an import cannot be followed. The package has it where an experiment is run, which no page does."""
    dynamic = set()
    for path in package_sources():
        if path.suffix == ".py":
            for node in ast.walk(ast.parse(path.read_bytes())):
                if isinstance(node, ast.Call) and ast.unparse(node.func).endswith(("import_module", "__import__")):
                    dynamic |= set() if isinstance(node.args[0], ast.Constant) else {path.relative_to(ROOT).as_posix()}
    assert dynamic == {"course_pkg/experiments/__init__.py"}
    for chapter in sorted((ROOT / "book").glob("*.md")):
        for cell in cells(chapter.stem):
            called = {ast.unparse(n.func) for n in ast.walk(ast.parse(cell)) if isinstance(n, ast.Call)}
            assert not called & {"experiments.run", "experiments.names", "importlib.import_module", "__import__"}


def test_no_other_kind_of_data_is_in_the_package():
    """What modules read beside JSON would have to be followed as well; scripts and styles are the page's.

    `py.typed` is for editors and is read by no module.
    """
    kinds = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["setuptools"]["package-data"]
    outside_grading = {k for name, files in kinds.items() if "grading" not in name for k in files}
    assert {kind.rpartition(".")[2] for kind in outside_grading} == {DATA[1:], "js", "css", "typed"}


def test_relative_imports_start_where_python_starts_them():
    """One dot is the package itself, each further dot the one above."""
    assert "a.b.c" in read(ast.parse("from .c import d"), "a.b").names
    assert "a.c" in read(ast.parse("from ..c import d"), "a.b").names
    assert "a.b.d" in read(ast.parse("from . import d"), "a.b").names
