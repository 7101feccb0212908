"""What runs in the reader's browser, in the Python that runs there: Pyodide under Node, with the pages' own shell."""

import json
import re
import shutil
import subprocess
import sys

import page_script
import pytest
from contents import cells_of, chapters
from course_site import lock, npm
from course_site.execution import ROOT
from skips import IN_CI

sys.path.insert(0, str(npm.SOURCES))  # what runs in the browser, run here
from torchless import split

CACHE = ROOT / "_build" / ".live"
SCRIPT = ROOT / "tests" / "pyodide.mjs"


@pytest.fixture(scope="module")
def ask(tmp_path_factory):
    """A function that starts Python as a page does, asks it for operations of glue.py and gives their answers."""
    live = tmp_path_factory.mktemp("live")
    try:
        core = npm.packages(CACHE) / "pyodide"
        lock.write(live, CACHE)
    except lock.Unavailable as reason:
        (pytest.fail if IN_CI else pytest.skip)(f"not run: {reason}")
    contents = json.loads((live / lock.LOCK).read_text())
    for package in contents["packages"].values():  # what Pyodide publishes is out of reach
        if not package["file_name"].startswith(lock.WHEELS):
            package["file_name"] = "nowhere/" + package["file_name"].rsplit("/")[-1]
    (live / lock.LOCK).write_text(json.dumps(contents))
    for path in npm.SOURCES.glob("*.py"):
        shutil.copy2(path, live)

    def asked(*steps):
        sent = json.dumps([{"operation": name, "arguments": values} for name, *values in steps])
        command = [page_script.node(), SCRIPT, core, live]
        done = subprocess.run(command, input=sent, capture_output=True, encoding="utf-8", timeout=900)
        assert done.returncode == 0, done.stderr[-3000:]
        return json.loads(done.stdout)

    return asked


@pytest.fixture(scope="module")
def ran(ask):
    """A function that gives what became of each of some cells, run one after the other: (good, outputs)."""

    def run(*cells):
        answers = ask(("warm",), *(("run", cell, f"cell {k}") for k, cell in enumerate(cells)))
        assert not [a["error"] for a in answers if "error" in a]
        for k, answer in enumerate(answers[1:]):
            assert {m["parent"] for m in answer["published"]} <= {f"cell {k}"}  # nothing of another cell's
        return [(a["value"], [m for m in a["published"] if m["type"] != "loading"]) for a in answers[1:]]

    return run


def test_each_chapter_has_the_plan_that_it_has_here(ask):
    """Which cells run is worked out in the browser's Python; another Python must not find another answer."""
    pages = {name: cells_of(name) for name in chapters()}
    answers = ask(*(("plan", json.dumps(cells)) for cells in pages.values()))
    for (name, cells), answer in zip(pages.items(), answers, strict=True):
        assert json.loads(answer["value"]) == split(cells), name


def test_what_a_page_cannot_do_ends_in_one_sentence(ran):
    """Installing, other programs, questions, ending Python: a sentence without a traceback, and Python goes on."""
    cells = ["%pip install six", "!pip install six", "names = !ls", "%%bash\nls", "!!ls", "input('name? ')"]
    cells += ["import getpass\ngetpass.getpass()", "exit()", "quit()"]
    for (good, outputs), cell in zip(ran(*cells, "6 * 7"), [*cells, None], strict=True):
        if cell is None:
            assert good
            assert outputs[0]["content"]["data"] == {"text/plain": "42"}
            continue
        assert not good, cell
        (error,) = [m["content"] for m in outputs if m["type"] == "error"]
        assert error["traceback"] == [error["evalue"]], cell
        assert error["ename"] == "NotHere"


def test_every_output_is_as_large_as_a_page_can_bear(ran):
    """Text that is printed, a value, an error, a picture, many outputs: each is cut, and says so."""
    cells = ["print('z' * 300_000); print('more')", "'x' * 3_000_000", "raise ValueError('y' * 1_000_000)"]
    cells += ["display({'text/html': 'h' * 30_000_000, 'text/plain': 'small'}, raw=True)"]
    cells += ["display({'text/html': 'h' * 30_000_000}, raw=True)", "for k in range(1_500): display(k)", "1"]
    results = ran(*cells)
    assert [good for good, _ in results] == [True, True, False, True, True, True, True]
    assert all(len(json.dumps(outputs)) < 700_000 for _, outputs in results)
    said = ["".join(json.dumps(m["content"], ensure_ascii=False) for m in outputs) for _, outputs in results]
    assert all("is left out" in text for k, text in enumerate(said) if k not in (3, 6))
    assert results[3][1][0]["content"]["data"] == {"text/plain": "small"}
    assert len(results[5][1]) == 1_000


def test_a_display_keeps_its_id_when_another_cell_changes_it(ran):
    first, second = ran("h = display('old', display_id=True)", "h.update('new')")
    (shown,), (changed,) = first[1], second[1]
    assert changed["type"] == "update_display_data"
    assert changed["content"]["data"] == {"text/plain": "'new'"}
    assert changed["content"]["transient"] == shown["content"]["transient"]


def test_a_progress_bar_does_not_warn(ran):
    """There are no threads in a browser, which tqdm would say in red above each bar."""
    (_, (bar,)) = ran("import tqdm\nfor k in tqdm.tqdm(range(3)): pass")[0]
    assert "3/3" in bar["content"]["text"]
    assert "Warning" not in bar["content"]["text"]


def test_what_could_not_be_fetched_is_named(ran):
    """Also where a magic or a part of the course needs it, and not the cell's own import."""
    results = ran("import numpy", "%matplotlib inline", "from course_pkg import plots", "1")
    assert [good for good, _ in results] == [False, False, False, True]
    for _, (error,) in results[:3]:
        assert re.search(r"(numpy|more packages) could not be fetched: the network", error["content"]["evalue"])
