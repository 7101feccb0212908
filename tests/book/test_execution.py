"""When chapters run again, how they run side by side, and the record of a build."""

import json
import os
import signal
import subprocess
import sys

import nbformat
import pytest
from course_site import execution, kernels, result
from course_site.imports import Package
from jupyter_cache import get_cache

TIMEOUT = 600  # seconds for a cell of one line; only a machine that hangs needs them


def notebook(*code, **metadata):
    """A notebook with these cells."""
    kernel = {"name": "python3", "display_name": "Python 3"}
    cells = [nbformat.v4.new_code_cell(source, id=f"c{k}") for k, source in enumerate(code)]
    return nbformat.v4.new_notebook(cells=cells, metadata={"kernelspec": kernel, **metadata})


@pytest.fixture
def tree(tmp_path):
    """A project with a package, a book and a configuration."""
    for name, text in {
        "course_pkg/__init__.py": "",
        "course_pkg/cells.py": "one = 1",
        "course_pkg/train.py": "from course_pkg import cells",
        "course_pkg/music.py": "import os\nos.environ.get('COURSE_TUNES')",
        "course_pkg/cells.json": "{}",
        "course_pkg/widgets/__init__.py": "",
        "course_pkg/widgets/explorer.js": "one",
        "course_pkg/grading/intake.py": "one",
        "book/01.md": "one",
        "_config.yml": "title: one",
    }.items():
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text + "\n")
    return tmp_path


def state(tree, *code, **metadata):
    """The state of a chapter with these cells, of the package as it lies there now."""
    return execution.state(notebook(*code, **metadata), Package(tree / "course_pkg"), tree)


@pytest.mark.parametrize("changed", ["__init__.py", "cells.py", "train.py", "cells.json"])
def test_a_chapter_runs_again_when_what_it_imports_changes(tree, changed):
    """Pages must not keep the numbers of an older package."""
    code = "def later():\n    from course_pkg import train"
    before = state(tree, code)
    (tree / "course_pkg" / changed).write_text("two = 2\n")
    assert state(tree, code) != before


@pytest.mark.parametrize(
    "changed", ["course_pkg/music.py", "course_pkg/new.py", "course_pkg/widgets/explorer.js", "book/01.md"]
)
def test_a_chapter_does_not_run_again_for_what_it_does_not_import(tree, changed):
    """A module of another chapter, the figures' script, the text between the cells."""
    code = "from course_pkg import train"
    before = state(tree, code)
    (tree / changed).write_text("two = 2\n")
    assert state(tree, code) == before


def test_a_chapter_runs_again_when_its_cells_or_its_kernel_change(tree):
    """Cells that run together to the same text are still other cells; what the text says is no matter."""
    states = [state(tree, "a\nb"), state(tree, "a", "b"), state(tree, "a")]
    states.append(state(tree, "a", kernelspec={"name": "b", "display_name": "B"}))
    assert len(set(states)) == 4
    other = notebook("a")
    other.cells.insert(0, nbformat.v4.new_markdown_cell("text"))
    assert execution.state(other, Package(tree / "course_pkg"), tree) == states[2]


def test_a_chapter_runs_again_with_another_library_or_environment(tree, monkeypatch):
    """The version of what it imports, and the variables that its code names."""
    code = "import numpy\nfrom course_pkg import music"
    before = state(tree, code)
    monkeypatch.setenv("COURSE_TUNES", "there")
    with_tunes = state(tree, code)
    monkeypatch.setattr(execution, "version", {"numpy": "0.1"}.get)
    assert len({before, with_tunes, state(tree, code)}) == 3
    monkeypatch.setenv("COURSE_OTHER", "there")
    assert state(tree, "import numpy") == state(tree, "import numpy")


def test_a_cell_that_is_not_python_is_left_to_the_kernel(tree):
    """It fails when it runs, with its place; to ask for its imports must not fail first."""
    assert state(tree, "def", "from course_pkg import cells") != state(tree, "def")


def test_old_caches_are_removed_and_the_one_in_use_never(tmp_path):
    """The folder of a chapter must not grow with every change of the package."""
    caches = [tmp_path / name for name in "abcde"]
    for age, cache in enumerate(reversed(caches)):
        cache.mkdir()
        (cache / "global.db").write_text("")
        os.utime(cache, (1_000_000 - age, 1_000_000 - age))
    execution.prune(caches[0])
    left = {cache.name for cache in caches if cache.exists()}
    assert left == {"a", "d", "e"}


def job(tmp_path, name, *code):
    """What a crew takes: the notebook, where its page lies, where its outputs go."""
    return {"notebook": notebook(*code), "source": str(tmp_path / f"{name}.md"), "cache": str(tmp_path / name)} | {
        "timeout": TIMEOUT
    }


def outputs(tmp_path, name, *code):
    """The text that myst-nb would find for a notebook."""
    _, found = get_cache(tmp_path / name).merge_match_into_notebook(notebook(*code))
    return ["".join(output.text for output in cell.outputs) for cell in found.cells]


@pytest.fixture(scope="module")
def ran(tmp_path_factory):
    """A crew of two that had four chapters: (folder, {name: what it said}, {name: cells})."""
    folder = tmp_path_factory.mktemp("chapters")
    # The first two wait for each other: one after the other they would never end.
    meet = "import pathlib, time\npathlib.Path({0!r}).touch()\nwhile not pathlib.Path({1!r}).exists(): time.sleep(0.01)"
    code = {
        "one": (meet.format("one.here", "two.here"), "print('one')"),
        "two": (meet.format("two.here", "one.here"), "print('two')"),
        "three": ("print('before')", "1 / 0", "print('after')"),
        "four": ("import os; os._exit(3)",),
    }
    crew = kernels.Crew({name: job(folder, name, *cells) for name, cells in code.items()}, 2)
    return folder, {name: future.result() for name, future in crew.results.items()}, code


def test_chapters_run_side_by_side(ran):
    """Two that wait for each other both end, and myst-nb's cache has what they printed."""
    folder, said, code = ran
    assert (said["one"], said["two"]) == (None, None)
    assert outputs(folder, "one", *code["one"]) == ["", "one\n"]
    assert outputs(folder, "two", *code["two"]) == ["", "two\n"]
    assert kernels.seconds(folder) > 0


def test_a_chapter_that_fails_says_where_and_leaves_no_cache(ran):
    """The next build must try again."""
    folder, said, _ = ran
    assert "ZeroDivisionError" in said["three"]
    assert "1 / 0" in said["three"]
    assert "DeadKernelError" in said["four"]
    assert {path.name for path in folder.iterdir() if path.is_dir()} == {"one", "two", "three.failed", "four.failed"}


def test_the_page_of_a_chapter_that_fails_has_what_ran(ran):
    """So an author sees how far it came."""
    folder, _, code = ran
    _, found = get_cache(folder / "three.failed").merge_match_into_notebook(notebook(*code["three"]))
    assert [[o.output_type for o in cell.outputs] for cell in found.cells] == [["stream"], ["error"], []]


def test_how_long_a_chapter_took_is_kept_for_the_page_of_times(ran):
    """The page reads it from the cache's record."""
    folder, _, code = ran
    record = get_cache(folder / "one").match_cache_notebook(notebook(*code["one"]))
    assert record.data["execution_seconds"] == pytest.approx(kernels.seconds(folder), abs=60)
    assert record.data["execution_seconds"] > 0


def test_how_long_each_cell_took_is_kept_beside_the_cache(ran):
    """Of each code cell, in order; the notebook in the cache bears no trace of it, so that pages are the same."""
    folder, _, code = ran
    times = kernels.cell_seconds(folder / "one")
    assert len(times) == len(code["one"])
    assert all(0 <= seconds <= kernels.seconds(folder) + 60 for seconds in times)
    _, found = get_cache(folder / "one").merge_match_into_notebook(notebook(*code["one"]))
    assert not any("execution" in cell.metadata for cell in found.cells)
    assert kernels.cell_seconds(folder / "nowhere") == []


def test_a_build_that_is_stopped_leaves_what_was_done(tmp_path):
    """A process that is killed in the middle of its second chapter: the first is whole, the second not there."""
    jobs = [
        job(tmp_path, "done", "print(1)"),
        job(tmp_path, "half", "open('started', 'w'); import time; time.sleep(999)"),
    ]
    process = kernels._start()
    process.stdin.writelines(json.dumps(j) + "\n" for j in jobs)
    process.stdin.flush()
    assert json.loads(process.stdout.readline()) == {"failed": None}
    while not (tmp_path / "started").exists():
        assert process.poll() is None
    process.send_signal(signal.SIGTERM)
    process.communicate()
    assert outputs(tmp_path, "done", "print(1)") == ["1\n"]
    assert not (tmp_path / "half").exists()


def test_a_process_that_dies_is_reported_and_replaced(tmp_path, monkeypatch):
    """The chapter that it had has failed; the next one runs."""
    here = kernels._start
    dead = [subprocess.Popen([sys.executable, "-c", ""], text=True, stdin=subprocess.PIPE, stdout=subprocess.PIPE)]
    monkeypatch.setattr(kernels, "_start", lambda: dead.pop() if dead else here())
    crew = kernels.Crew({name: job(tmp_path, name, "print(1)") for name in ("one", "two")}, 1)
    assert "one was ended from outside" in crew.results["one"].result()
    assert crew.results["two"].result() is None


def test_a_crew_that_is_closed_starts_nothing_more(tmp_path):
    """A build that needs no more outputs does not wait for them."""
    crew = kernels.Crew({"one": job(tmp_path, "one", "print(1)")}, 0)
    crew.close()
    assert crew.results["one"].cancelled()


def test_the_processors_that_may_be_used(monkeypatch, tmp_path):
    """Affinity and quota bind, and the variable has the last word."""
    monkeypatch.delenv("COURSE_JOBS", raising=False)
    monkeypatch.setattr(os, "sched_getaffinity", lambda pid: {1, 4, 5}, raising=False)
    monkeypatch.setattr(kernels, "quota", lambda: 10**6)
    assert kernels.cores() == 3
    monkeypatch.setattr(kernels, "quota", lambda: 2)
    assert kernels.cores() == 2
    monkeypatch.setenv("COURSE_JOBS", "5")
    assert kernels.cores() == 5
    for wrong in ("0", "two", "-1", ""):
        monkeypatch.setenv("COURSE_JOBS", wrong)
        with pytest.raises(ValueError, match=r"COURSE_JOBS: got .*, wanted a number of processes"):
            kernels.cores()


@pytest.mark.parametrize(("text", "wanted"), [("max 100000", 10**6), ("150000 100000", 2), ("", 10**6)])
def test_the_quota_of_a_container(tmp_path, text, wanted):
    """One and a half processors are two kernels; no quota binds nothing."""
    (tmp_path / "cpu.max").write_text(text)
    assert kernels.quota(tmp_path / "cpu.max") == wanted
    assert kernels.quota(tmp_path / "missing") == 10**6


@pytest.mark.parametrize("changed", ["course_pkg/cells.py", "book/01.md", "_config.yml", "book/02.md"])
def test_a_site_older_than_its_sources_is_noticed(tree, changed):
    """The tests must never pass on yesterday's site."""
    before = execution.fingerprint(result.site_sources(tree), tree)
    (tree / changed).write_text("two\n")
    assert execution.fingerprint(result.site_sources(tree), tree) != before


def test_a_moved_line_changes_the_fingerprint(tree):
    """Two files whose contents run together the same way must still be told apart."""
    files = [tree / "course_pkg/a.py", tree / "course_pkg/b.py"]
    found = set()
    for a, b in [("x", "y"), ("", "xy"), ("xy", "")]:
        files[0].write_text(a)
        files[1].write_text(b)
        found.add(execution.fingerprint(files, tree))
    assert len(found) == 3


def test_a_build_that_broke_leaves_no_result(tmp_path):
    """A missing record must not be taken for a clean build."""
    assert result.read_result(tmp_path) == {}
