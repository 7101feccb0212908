"""What Python in the browser may load: the lock file, the wheels beside it, and where they are taken from."""

import ast
import base64
import csv
import hashlib
import io
import json
import re
import sys
import zipfile

import nbformat
import pytest
from contents import chapters
from course_site import lock, wheels
from course_site.execution import ROOT, package_sources
from myst_nb.core.read import read_myst_markdown_notebook
from packaging.utils import canonicalize_name
from skips import IN_CI


@pytest.fixture(scope="module")
def live(tmp_path_factory):
    """The folder `live/` of the site, made anew; the downloads are those of the site's own build."""
    folder = tmp_path_factory.mktemp("site") / "live"
    try:
        lock.write(folder, ROOT / "_build" / ".live")
    except lock.Unavailable as reason:
        (pytest.fail if IN_CI else pytest.skip)(f"the lock cannot be made here: {reason}")
    return folder


def packages(live):
    return json.loads((live / lock.LOCK).read_text())["packages"]


def closure(entries, *names):
    """All that loading these packages loads."""
    seen, left = set(), list(names)
    while left:
        name = canonicalize_name(left.pop())
        if name not in seen:
            seen.add(name)
            left += entries[name]["depends"]
    return seen


def test_equal_contents_make_equal_wheels(tmp_path):
    """A wheel that differs from build to build would be fetched anew by every reader."""
    for name in ("a", "b"):
        (tmp_path / name).mkdir()
        wheels.make_wheel(tmp_path / name, "two-words", "1.2", {"two_words/__init__.py": b"x = 1\n"}, ["numpy"])
    first, second = (tmp_path / name / "two_words-1.2-py3-none-any.whl" for name in "ab")
    assert first.read_bytes() == second.read_bytes()


def test_a_wheel_of_ours_is_a_wheel(tmp_path, monkeypatch):
    """Its record holds every file with its hash, and Python imports from it."""
    path = wheels.make_wheel(tmp_path, "two-words", "1.2", {"two_words/__init__.py": b"x = 41 + 1\n"}, ["numpy"])
    with zipfile.ZipFile(path) as wheel:
        rows = csv.reader(io.StringIO(wheel.read("two_words-1.2.dist-info/RECORD").decode()))
        record = {name: digest for name, digest, _ in rows}
        assert set(record) == set(wheel.namelist())
        for name, digest in record.items():
            got = base64.urlsafe_b64encode(hashlib.sha256(wheel.read(name)).digest()).rstrip(b"=").decode()
            assert digest == f"sha256={got}" or name.endswith("RECORD")
    monkeypatch.syspath_prepend(str(path))
    import two_words

    assert two_words.x == 42
    del sys.modules["two_words"]


def test_a_wheel_tells_what_it_needs_in_the_browser(tmp_path):
    """Requirements for other systems and for extras do not count; names are written in one way."""
    needs = [
        "Prompt_Toolkit<4",
        "pexpect; sys_platform != 'emscripten'",
        "old; python_version < '3.12'",
        "x; extra=='y'",
    ]
    path = wheels.make_wheel(tmp_path, "one", "1", {"one.py": b"", "pack/a.py": b"", "pack/b.txt": b""}, needs)
    found = wheels.describe_wheel(path)
    assert found == {"name": "one", "version": "1", "requires": ["prompt-toolkit"], "imports": ["one", "pack"]}


def test_every_package_has_an_address_and_a_hash(live):
    """From the site: a file that is there and has this hash. From Pyodide: its own address, pinned."""
    source = lock.official()
    for name, package in packages(live).items():
        assert name == canonicalize_name(package["name"]) == canonicalize_name(name)
        if package["file_name"].startswith("wheels/"):
            assert wheels.sha256(live / package["file_name"]) == package["sha256"]
        else:
            assert package["file_name"].startswith("https://cdn.jsdelivr.net/pyodide/v0.29.3/full/")
            pinned = source["packages"][canonicalize_name(name).removesuffix("-official")]
            assert package["sha256"] == pinned["sha256"]
            assert re.fullmatch("[0-9a-f]{64}", package["sha256"])


def test_nothing_lies_beside_the_lock_unnamed(live):
    """A wheel that no entry names would be dead weight."""
    named = {p["file_name"] for p in packages(live).values()}
    assert {f"wheels/{p.name}" for p in (live / "wheels").iterdir()} <= named


def test_the_runtime_is_data(live):
    """One file says where Pyodide is."""
    found = json.loads((live / "runtime.json").read_text())
    address = found.pop("pyodide")
    assert address == "https://cdn.jsdelivr.net/pyodide/v0.29.3/full/"
    assert found == {"lock": "pyodide-lock.json", "stdlib": "stdlib.zip"}


def test_importing_the_course_loads_all_that_it_imports(live):
    """Whatever course_pkg imports anywhere comes with it; torch is never there, Matplotlib when a cell imports it."""
    entries = packages(live)
    loaded = closure(entries, "course-pkg", "pyodide-kernel")
    have = {i for name in loaded for i in entries[name]["imports"]} | set(sys.stdlib_module_names) | {"course_pkg"}
    imported = set()
    for path in package_sources():
        if path.suffix == ".py":
            for node in ast.walk(ast.parse(path.read_text())):
                names = [a.name for a in node.names] if isinstance(node, ast.Import) else []
                names += [node.module] if isinstance(node, ast.ImportFrom) and not node.level else []
                imported |= {n.split(".")[0] for n in names}
    # `bench` compares with PyTorch and looks at the machine, an experiment reads a series out of pmdarima; neither is a
    # part of what pages run.
    assert imported - have <= {"torch", "matplotlib", "threadpoolctl", "pmdarima"}
    assert "matplotlib" not in loaded
    assert "pydoc-data" in loaded


def test_the_packages_wheel_is_the_package(live):
    """All of it but grading, which needs nbgrader."""
    (path,) = (live / "wheels").glob("course_pkg-*.whl")
    with zipfile.ZipFile(path) as wheel:
        names = set(wheel.namelist())
        assert wheel.read("course_pkg/cells.py") == (ROOT / "course_pkg" / "cells.py").read_bytes()
    assert {"course_pkg/widgets/explorer.js", "course_pkg/checks/__init__.py", "course_pkg/tools/bench.json"} <= names
    assert not any(name.startswith("course_pkg/grading") for name in names)


def code_of(path):
    if path.suffix == ".ipynb":
        cells = nbformat.read(path, 4).cells
    else:
        cells = read_myst_markdown_notebook(path.read_text(encoding="utf-8")).cells
    return [c.source for c in cells if c.cell_type == "code"]


@pytest.mark.parametrize(
    "path",
    [*(ROOT / "book" / f"{n}.md" for n in chapters()), *sorted((ROOT / "exercises").glob("*/*.ipynb"))],
    ids=lambda p: f"{p.parent.name}/{p.name}",
)
def test_matplotlib_is_named_by_the_cell_that_first_needs_it(path):
    """In the browser a package is fetched when a cell names it: `tools.plots` alone would not fetch Matplotlib."""
    for source in code_of(path):
        if re.search(r"^\s*(import|from) matplotlib", source, re.MULTILINE):
            return
        assert not re.search(r"course_pkg\.tools(\.| import .*)plots", source), source


def test_a_lock_that_lacks_something_is_an_error():
    entries = {"a": {"depends": ["B_c"]}}
    with pytest.raises(ValueError, match="a depends on b-c"):
        lock.check(entries)
    lock.check({**entries, "b-c": {"depends": []}})


@pytest.fixture
def elsewhere(live, tmp_path):
    """A copy of the folder, and a distribution that has its own builds of NumPy and contourpy and no more."""
    import shutil

    shutil.copytree(live, tmp_path / "live")
    theirs, there = {}, tmp_path / "dist"
    there.mkdir()
    for name in ("numpy", "contourpy", "pillow"):
        theirs[name] = {"file_name": f"{name}-built.whl", "sha256": "wrong"}
    for name in ("numpy", "contourpy"):
        (there / f"{name}-built.whl").write_bytes(name.encode())
    (there / lock.LOCK).write_text(json.dumps({"packages": theirs}))
    return tmp_path / "live", there


def test_the_runtime_can_be_moved_after_the_build(elsewhere):
    live, _ = elsewhere
    before = (live / lock.LOCK).read_bytes()
    assert lock.point_at(live, "../pyodide/") == []
    found = json.loads((live / lock.RUNTIME).read_text())
    assert found == {"pyodide": "../pyodide/", "lock": "pyodide-lock.json", "stdlib": "stdlib.zip"}
    assert (live / lock.LOCK).read_bytes() == before


def test_the_packages_can_be_taken_from_another_distribution(elsewhere):
    """Its own builds with their own hashes; what it lacks is gone, and nothing still asks for it."""
    live, there = elsewhere
    dropped = lock.point_at(live, "https://example.org/py/", there)
    entries = packages(live)
    assert entries["numpy"]["file_name"] == "https://example.org/py/numpy-built.whl"
    assert entries["numpy"]["sha256"] == hashlib.sha256(b"numpy").hexdigest()
    assert {"matplotlib", "pillow", "sqlite3-official", "pydoc-data"} <= set(dropped)
    assert not {"numpy", "contourpy", "sqlite3", "course-pkg", "ipython"} & set(dropped)
    assert not set(dropped) & set(entries)
    assert "pydoc-data" not in entries["course-pkg"]["depends"]
    lock.check(entries)


def test_downloads_that_fail_say_so(tmp_path, monkeypatch):
    """And leave nothing behind that a later build would take for the whole."""
    for name, value in {"PIP_NO_INDEX": "1", "PIP_FIND_LINKS": str(tmp_path), "PIP_CONFIG_FILE": "/dev/null"}.items():
        monkeypatch.setenv(name, value)
    with pytest.raises(lock.Unavailable, match=r"pip could not download .* ERROR"):
        lock.write(tmp_path / "live", tmp_path / "cache")
    assert not list((tmp_path / "cache").glob("*/*.whl"))
    assert not (tmp_path / "live").exists()
