"""A small book, built again and again: what runs, what is read, what fails."""

import os
import re
import shutil
import subprocess
import sys

import pytest
from course_site.execution import ROOT

CHAPTER = """---
file_format: mystnb
kernelspec: {{name: python3}}
---
# The page {name}

```{{code-cell}} ipython3
import pathlib

from course_pkg import {name}

with pathlib.Path("{name}.log").open("a") as log:
    log.write("ran\\n")
print("the value of {name} is", {name}.VALUE)
```
"""
LISTING = "# A listing\n\n```{literalinclude} ../course_pkg/one.py\n```\n"
TOC = "format: jb-book\nroot: index\nchapters:\n- file: one\n- file: two\n- file: listing\n"
SAID = "the value of {} is {}"


class Project:
    """A book of the pages one, two and listing, with a package of the modules one and two."""

    def __init__(self, root):
        self.root = root
        config = (ROOT / "_config.yml").read_text()
        self.write("_config.yml", config.replace("course_live: true", "course_live: false"))
        ignore = shutil.ignore_patterns("__pycache__")
        for name in ("book/_ext", "book/_static", "course_pkg"):
            shutil.copytree(ROOT / name, root / name, ignore=ignore)
        self.write(
            "book/_toc.yml", "format: jb-book\nroot: index\nchapters:\n- file: one\n- file: two\n- file: listing\n"
        )
        self.write("book/references.bib", "")
        self.write("book/index.md", "# Start\n\nA page without code.\n")
        self.write("book/listing.md", LISTING)
        for name in ("one", "two"):
            self.write(f"course_pkg/{name}.py", "VALUE = 1\n")
            self.write(f"book/{name}.md", CHAPTER.format(name=name))

    def write(self, name, text):
        """Write a file of the project."""
        (self.root / name).parent.mkdir(parents=True, exist_ok=True)
        (self.root / name).write_text(text)

    def build(self):
        """Build: (exit status, all that was said)."""
        env = {**os.environ, "PYTHONPATH": str(self.root)}
        done = subprocess.run(
            [sys.executable, self.root / "book" / "_ext" / "build.py"],
            capture_output=True,
            text=True,
            errors="replace",
            env=env,
        )
        return done.returncode, re.sub(r"\x1b\[[\d;]*m", "", done.stdout + done.stderr)

    def page(self, name):
        """A page's HTML."""
        return (self.root / "_build" / "html" / f"{name}.html").read_text()

    def runs(self, name):
        """How often a page's cells have run."""
        return len((self.root / "book" / f"{name}.log").read_text().splitlines())


@pytest.fixture(scope="module")
def project(tmp_path_factory):
    """A project that was built once."""
    project = Project(tmp_path_factory.mktemp("project"))
    status, said = project.build()
    assert status == 0, said
    return project


def test_only_the_chapters_that_import_a_changed_module_run_again(project):
    """And a page that lists the module is read again."""
    before = project.runs("one"), project.runs("two")
    project.write("course_pkg/one.py", "VALUE = 2\n")
    status, said = project.build()
    assert status == 0, said
    assert (project.runs("one"), project.runs("two")) == (before[0] + 1, before[1])
    assert SAID.format("one", 2) in project.page("one")
    assert SAID.format("two", 1) in project.page("two")
    assert '<span class="mi">2</span>' in project.page("listing")


def test_nothing_runs_when_nothing_has_changed_or_only_text(project):
    """A changed sentence is read, with the outputs that are there."""
    project.build()
    before = project.runs("one"), project.runs("two")
    project.write("book/two.md", CHAPTER.format(name="two") + "\nA new sentence.\n")
    status, said = project.build()
    assert status == 0, said
    assert (project.runs("one"), project.runs("two")) == before
    assert "A new sentence." in project.page("two")
    assert SAID.format("two", 1) in project.page("two")


def test_going_back_to_an_earlier_state_runs_nothing(project):
    """As with a branch that is changed and changed back; the page must follow all the same."""
    project.write("course_pkg/two.py", "VALUE = 3\n")
    project.build()
    assert SAID.format("two", 3) in project.page("two")
    before = project.runs("two")
    project.write("course_pkg/two.py", "VALUE = 1\n")
    status, said = project.build()
    assert status == 0, said
    assert project.runs("two") == before
    assert SAID.format("two", 1) in project.page("two")


def test_a_lost_cache_is_made_again(project):
    """Someone clears a folder and edits a page."""
    shutil.rmtree(project.root / "_build" / ".jupyter_cache")
    project.write("book/two.md", CHAPTER.format(name="two"))
    status, said = project.build()
    assert status == 0, said
    assert SAID.format("two", 1) in project.page("two")


@pytest.mark.parametrize(
    ("code", "wanted"),
    [
        ("1 / 0", "ZeroDivisionError: division by zero"),
        ("import sys; print('a warning', file=sys.stderr)", "stderr was found in the cell outputs"),
        ("import os; os._exit(1)", "DeadKernelError"),
    ],
)
def test_a_chapter_that_fails_fails_the_build(project, code, wanted):
    """With the reason in the log, in every build until it is mended."""
    project.write("book/two.md", CHAPTER.format(name="two").replace("import pathlib", f"import pathlib\n{code}"))
    for _ in range(2):
        status, said = project.build()
        assert status == 1
        assert wanted in said
        assert "two.md" in said
    project.write("book/two.md", CHAPTER.format(name="two"))
    status, said = project.build()
    assert status == 0, said
    assert SAID.format("two", 1) in project.page("two")


def test_a_change_of_the_figures_script_reaches_the_pages_without_running_them(project):
    """The script stands in the pages themselves."""
    before = project.runs("one")
    script = project.root / "course_pkg" / "widgets" / "marks.js"
    code = "from course_pkg.widgets import bars, figure\n"
    code += "figure(bars(['a'], [1], value_label='n'), title='T', alt='A bar.')"
    cell = f"\n```{{code-cell}} ipython3\n{code}\n```\n"
    project.write("book/one.md", CHAPTER.format(name="one") + cell)
    status, said = project.build()
    assert status == 0, said
    assert project.runs("one") == before + 1
    script.write_text(script.read_text() + "// a word that was not there\n")
    status, said = project.build()
    assert status == 0, said
    assert "a word that was not there" in project.page("one")
    assert project.runs("one") == before + 1
