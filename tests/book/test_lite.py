"""JupyterLite's files and settings, and the links to where a chapter can be run as a notebook."""

import json
import re
import urllib.parse

import nbformat
import pytest
from bs4 import BeautifulSoup
from contents import chapters
from course_site import launch, lite, lock
from course_site.execution import ROOT


@pytest.fixture(scope="module")
def built(site):
    """The folder of JupyterLite in the built site."""
    if not (site / "lite").is_dir():
        pytest.skip("not run: this site was built without Python in the browser")
    return site / "lite"


def plugin(folder):
    return json.loads((folder / lite.CONFIG).read_text())["jupyter-config-data"]["litePluginSettings"][lite.KERNEL]


def test_jupyterlite_and_the_pages_share_one_lock(site, built):
    """The same runtime, the same lock, and nobody else is asked for a package."""
    runtime = json.loads((site / "live" / "runtime.json").read_text())
    found = plugin(built)
    assert found["pyodideUrl"] == runtime["pyodide"] + "pyodide.js"
    assert (built / found["loadPyodideOptions"]["lockFileURL"]).resolve() == (site / "live" / lock.LOCK).resolve()
    assert found["disablePyPIFallback"]
    entries = json.loads((site / "live" / lock.LOCK).read_text())["packages"]
    assert {name.replace("_", "-") for name in found["loadPyodideOptions"]["packages"]} <= set(entries)


def test_only_the_extensions_that_are_named_come_along(built):
    """Whatever else the builder has installed in Jupyter stays there."""
    found = json.loads((built / lite.CONFIG).read_text())["jupyter-config-data"]["federated_extensions"]
    assert {e["name"] for e in found} == set(lite.EXTENSIONS.values())
    assert {p.name for p in (built / "extensions").iterdir()} == {n.split("/")[0] for n in lite.EXTENSIONS.values()}


def test_every_chapter_and_exercise_is_a_notebook_there(built):
    """And each folder's listing names exactly what lies in it."""
    files = {p.relative_to(built / "files").as_posix() for p in (built / "files").rglob("*.ipynb")}
    assert {f"{name}.ipynb" for name in chapters()} <= files
    assert set(lite.assignments()) <= files
    assert len(lite.assignments()) >= 9
    for index in (built / "api" / "contents").rglob("all.json"):
        folder = index.parent.relative_to(built / "api" / "contents")
        listed = json.loads(index.read_text())
        assert {e["name"] for e in listed["content"]} == {p.name for p in (built / "files" / folder).iterdir()}
        for entry in listed["content"]:
            there = built / "files" / entry["path"]
            assert there.is_dir() if entry["type"] == "directory" else there.is_file()


def test_an_exercise_is_what_students_are_given(built):
    """Byte for byte: what is done in the browser can be handed in."""
    for name, path in lite.assignments().items():
        assert (built / "files" / name).read_bytes() == path.read_bytes()


@pytest.mark.parametrize("name", chapters())
def test_a_chapter_speaks_to_a_reader_in_the_browser(site, built, name):
    """Nothing to install; the cells are those of the download; what needs PyTorch is announced."""
    here = nbformat.read(built / "files" / f"{name}.ipynb", 4)
    nbformat.validate(here)
    download = nbformat.read(site / "_sources" / f"{name}.ipynb", 4)
    assert "pip install" not in here.cells[0].source
    assert "runs in your browser" in here.cells[0].source
    code = [c.source for c in here.cells if c.cell_type == "code"]
    assert code == [c.source for c in download.cells if c.cell_type == "code"]
    for before, cell in zip(here.cells, here.cells[1:]):
        needs = cell.cell_type == "code" and re.search(r"^\s*(import|from) torch", cell.source, re.MULTILINE)
        assert ("needs PyTorch" in before.source) == bool(needs), cell.source
    for cell in here.cells:
        for path in re.findall(r"\]\((exercises/[^)]*)\)", cell.source):
            assert (built / "files" / path).is_file()


def test_pages_lead_to_their_notebook_and_to_the_assignment(site, built):
    """From the button of each chapter, and from where the assignment is named."""
    for name in chapters():
        page = BeautifulSoup((site / f"{name}.html").read_text(encoding="utf-8"), "html.parser")
        links = [a["href"] for a in page.find_all("a", href=re.compile("^lite/"))]
        paths = [urllib.parse.parse_qs(urllib.parse.urlsplit(link).query)["path"][0] for link in links]
        assert f"{name}.ipynb" in paths
        if (ROOT / "exercises" / name).is_dir():
            assert f"exercises/{name}/{name}.ipynb" in paths
        assert all((built / "files" / path).is_file() for path in paths)
        assert not page.find_all("a", href=re.compile("mybinder|colab"))  # no repository is configured


@pytest.mark.parametrize(
    ("address", "wanted"),
    [
        ("https://example.org/py/", "https://example.org/py/pyodide.js"),
        ("/static/py/", "/static/py/pyodide.js"),
        ("../pyodide/", "./../live/../pyodide/pyodide.js"),
        ("pyodide/", "./../live/pyodide/pyodide.js"),
    ],
)
def test_an_address_means_the_same_in_both_files(tmp_path, address, wanted):
    """In live/runtime.json it is relative to that file, in jupyter-lite.json to that one."""
    config = {"jupyter-config-data": {"litePluginSettings": {lite.KERNEL: {"pyodideUrl": "x", "kept": 1}}}}
    (tmp_path / lite.CONFIG).write_text(json.dumps(config))
    lite.point_at(tmp_path, address)
    assert plugin(tmp_path) == {"pyodideUrl": wanted, "kept": 1}


def test_an_assignment_is_linked_only_where_there_is_one():
    code = '<code class="docutils literal notranslate"><span class="pre">exercises/{}</span></code>'
    body = f"{code.format('07-lstm')} and {code.format('99-none')}"
    linked = BeautifulSoup(launch.link_assignments(body, lambda path: f"lite?path={path}"), "html.parser")
    assert [a["href"] for a in linked.find_all("a")] == ["lite?path=exercises/07-lstm/07-lstm.ipynb"]


def test_the_index_opens_every_assignment_with_one_click(site, built):
    """In its table the name of an assignment is a link to the notebook that JupyterLite holds."""
    index = BeautifulSoup((site / "index.html").read_text(encoding="utf-8"), "html.parser")
    opened = {a["href"].partition("?path=")[2] for a in index.select("table a.launch-assignment")}
    assert opened == set(lite.assignments())
    assert all((built / "files" / path).is_file() for path in opened)


def test_binder_and_colab_open_the_branch_of_the_repository():
    found = dict(launch.elsewhere("https://github.com/some-one/a.course.git", "07-lstm.ipynb"))
    assert found == {
        "Binder": "https://mybinder.org/v2/gh/some-one/a.course/notebooks?urlpath=lab/tree/07-lstm.ipynb",
        "Colab": "https://colab.research.google.com/github/some-one/a.course/blob/notebooks/07-lstm.ipynb",
    }


@pytest.mark.parametrize("address", ["https://example.org/a/b", "github.com/a/b", "https://github.com/a"])
def test_another_address_than_a_repositorys_is_refused(address):
    with pytest.raises(ValueError, match=r"course_repository: got .*, wanted https://github.com/<owner>/<name>"):
        launch.repository_path(address)


def test_the_branch_for_binder_and_colab_holds_every_notebook(site, tmp_path):
    """A notebook there installs the course by itself; an exercise is what students are given."""
    launch.branch(site, "https://github.com/a/b", tmp_path / "out")
    package = "recurrent-networks-unrolled[student] @ git+https://github.com/a/b"
    assert (tmp_path / "out" / "requirements.txt").read_text().strip() == package
    for name in chapters():
        notebook = nbformat.read(tmp_path / "out" / f"{name}.ipynb", 4)
        nbformat.validate(notebook)
        assert f'%pip install -q "{package}"' in notebook.cells[1].source
        compile(notebook.cells[1].source.replace("%pip", "pass  #"), name, "exec")
    for name, path in lite.assignments().items():
        assert (tmp_path / "out" / name).read_bytes() == path.read_bytes()
