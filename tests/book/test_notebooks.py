"""Chapters as notebooks: a made-up chapter with every construct, then the real ones."""

import os
import re
import shutil
import subprocess
import sys

import nbclient
import nbformat
import pytest
from contents import chapters
from course_site.execution import ROOT

# Any of these in a text cell is markup that was not turned into Markdown.
RAW = re.compile(
    r"^\s*(`{3,}|~{3,}|:{3,})\s*\{|^:::|^\s*:[a-z-]+: |^\([\w-]+\)=\s*$"  # directives, options, targets
    r"|\{[a-zA-Z:_-]+\}`|\\class\{|\\v[a-z]\{|<[a-z]+ class=",  # roles, the book's macros, HTML of the site
    re.MULTILINE,
)
CHAPTER = """---
jupytext: {text_representation: {extension: .md, format_name: myst}}
kernelspec: {display_name: Python 3, language: python, name: python3}
---

(start)=
# A chapter with everything

Text with *emphasis*, **weight**, `code`, a term {term}`gate`, maths $\\vf{t} < 1$, a price of \\$5 and 2 \\* 3,
a [link](https://example.org/x), a [page](glossary.md), {ref}`the listing <listing>`, equation {eq}`eq-one`,
{numref}`fig-dot`, {cite}`hochreiter1997long` and a note[^n].

```{code-cell} ipython3
:tags: [remove-cell]
secret = 1
```

```{code-cell} ipython3
:tags: [hide-input]
print(secret + 1)
```

$$
\\vc{t} = \\vf{t} \\odot \\vc{t-1}
$$ (eq-one)

(listing)=
## The listing

```{literalinclude} listing.py
:pyobject: double
:language: python
```

```{figure} dot.png
:name: fig-dot
:alt: A dot.

The caption.
```

| a | b |
| --- | --- |
| 1 \\| 2 | $x$ |

:::{admonition} Predict
:class: predict
What will it be?

- one
- two with `code`

1. first
2. second
:::

:::{note}
A plain note.
:::

::::{dropdown} Is it *so*, or `not`?
No.
::::

````{tab-set}
```{tab-item} One
First.
```
````

> A quotation.

Word
: Its meaning.

---

```python
not_run = True
```

```{glossary}
gate
    A number between 0 and 1.
```

[^n]: The note's text.

```{code-cell} ipython3
:tags: [raises-exception]
1 / 0
```
"""


@pytest.fixture(scope="module")
def made_up(tmp_path_factory):
    """The notebook of a made-up chapter, built with the real configuration and extension."""
    project = tmp_path_factory.mktemp("project")
    config = (ROOT / "_config.yml").read_text()
    assert "course_live: true" in config
    (project / "_config.yml").write_text(config.replace("course_live: true", "course_live: false"))
    for name in ("_ext", "_static"):
        shutil.copytree(ROOT / "book" / name, project / "book" / name, ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copytree(ROOT / "course_pkg", project / "course_pkg", ignore=shutil.ignore_patterns("__pycache__"))
    book = project / "book"
    (book / "_toc.yml").write_text("format: jb-book\nroot: index\nchapters: [{file: glossary}]\n")
    (book / "index.md").write_text(CHAPTER)
    (book / "glossary.md").write_text("# Words\n\nA second page.\n\n```{bibliography}\n```\n")
    shutil.copy(ROOT / "book" / "references.bib", book)
    (book / "listing.py").write_text("def double(x):\n    return 2 * x\n\n\ndef other():\n    pass\n")
    from PIL import Image

    Image.new("RGB", (2, 2)).save(book / "dot.png")
    done = subprocess.run(
        [sys.executable, book / "_ext" / "build.py"], capture_output=True, text=True, errors="replace"
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert "WITHOUT Python in the browser (switched off by course_live" in done.stdout
    assert not (project / "_build" / "html" / "live").exists()
    return nbformat.read(project / "_build" / "html" / "_sources" / "index.ipynb", 4)


def texts(notebook):
    """All text cells in one."""
    return "\n\n".join(cell.source for cell in notebook.cells if cell.cell_type == "markdown")


def test_no_markup_is_left_raw(made_up):
    """A reader of a notebook must not meet the markup of the book."""
    assert not RAW.findall(texts(made_up))


@pytest.mark.parametrize(
    "wanted",
    [
        "*emphasis*, **weight**, `code`, a term gate",
        r"maths $f_{t} < 1$, a price of \$5 and 2 \* 3",
        "[link](https://example.org/x), a page, the listing, equation (1)",
        "Fig. 1",
        "[Hochreiter and Schmidhuber, 1997]",
        "c_{t} = f_{t} \\odot c_{t-1} \\tag{1}",
        "## The listing",
        "```python\ndef double(x):\n    return 2 * x\n```",
        "![A dot.](attachment:dot.png)",
        "*Fig. 1: The caption.*",
        "| a | b |\n| --- | --- |\n| 1 \\| 2 | $x$ |",
        "> **Predict**\n>\n> What will it be?\n>\n> - one\n> - two with `code`\n>\n> 1. first\n> 2. second",
        "> **Note**\n>\n> A plain note.",
        "<summary>Is it <em>so</em>, or <code>not</code>?</summary>",
        "**One**\n\nFirst.",
        "> A quotation.",
        "**Word**: Its meaning.",
        "```python\nnot_run = True\n```",
        "**gate**: A number between 0 and 1.",
        "The note’s text.",
        "## References\n\n- Sepp Hochreiter and Jürgen Schmidhuber. Long short-term memory.",
    ],
)
def test_each_construct_becomes_plain_markdown(made_up, wanted):
    """Listings, citations, references, boxes and the rest, as a reader of plain Markdown can read them."""
    assert wanted in texts(made_up)


def test_the_first_cell_says_what_to_install(made_up):
    """A notebook far from the course must say how to run it."""
    first = made_up.cells[0]
    assert first.cell_type == "markdown"
    assert 'pip install ".[student]"' in first.source
    assert "Python 3.11" in first.source


def test_code_cells_keep_their_order_and_tags(made_up):
    """Cells that the page hides or leaves out still run, in their order; nothing has an output."""
    code = [cell for cell in made_up.cells if cell.cell_type == "code"]
    assert [c.source for c in code] == ["secret = 1", "print(secret + 1)", "1 / 0"]
    assert [c.metadata.tags for c in code] == [["remove-cell"], ["hide-input"], ["raises-exception"]]
    assert code[1].metadata.jupyter == {"source_hidden": True}
    assert all(not c.outputs and c.execution_count is None for c in code)
    kinds = [c.cell_type for c in made_up.cells]
    assert kinds[:4] == ["markdown", "markdown", "code", "code"]


def test_pictures_travel_in_the_notebook(made_up):
    """A downloaded notebook has no folder of pictures beside it."""
    attached = [cell.attachments for cell in made_up.cells if "attachments" in cell]
    assert [list(a) for a in attached] == [["dot.png"]]


@pytest.mark.parametrize("name", chapters())
def test_a_chapter_can_be_downloaded_as_a_notebook(site, name):
    """Its page links the notebook, which is valid and holds plain Markdown and no outputs."""
    page = (site / f"{name}.html").read_text(encoding="utf-8")
    assert f'href="_sources/{name}.ipynb"' in page
    notebook = nbformat.read(site / "_sources" / f"{name}.ipynb", 4)
    nbformat.validate(notebook)
    assert not RAW.findall(texts(notebook))
    assert all(not c.outputs for c in notebook.cells if c.cell_type == "code")
    assert "## References" in texts(notebook)


# Every figure still answers as it did when all cells have run, at its start and at the first and last of its values.
MOVE_FIGURES = """
import gc
from course_pkg.widgets import Explorer as _Explorer

_figures = [thing for thing in gc.get_objects() if isinstance(thing, _Explorer)]
assert _figures
for _figure in _figures:
    _start, _frame = _figure.values, _figure.frame
    for _end in (0, -1):
        _figure.values = {name: control.values[_end] for name, control in _figure._controls.items()}
        assert _figure.error == "", (_figure.spec["title"], _figure.error)
    _figure.values = _start
    assert _figure.frame == _frame, (_figure.spec["title"], "answers differently now")
"""


# What training leads to is seen where the book is built, from the same cells. Here it ends after a few updates.
SHORT_TRAINING = """
import functools as _functools
import inspect as _inspect
from course_pkg import train as _train

_whole = _train.fit

@_functools.wraps(_whole)
def _short(*given, **how):
    bound = _inspect.signature(_whole).bind(*given, **how)
    bound.arguments["steps"] = min(bound.arguments["steps"], {most})
    return _whole(*bound.args, **bound.kwargs)

_train.fit = _short
"""
UPDATES = {"12-encoder-decoder": 100, "16-speech": 500}  # with fewer their figures have too little to show


@pytest.mark.slow
@pytest.mark.parametrize("name", chapters())
def test_a_chapter_runs_as_a_notebook(site, name, tmp_path, monkeypatch):
    """A reader who downloads a chapter and has the package can run every cell, wherever the file lies.

    In a live notebook a figure calls its function again, so no later cell may overwrite a name that it reads.
    """
    monkeypatch.delenv("COURSE_STATIC_FIGURES", raising=False)
    notebook = nbformat.read(site / "_sources" / f"{name}.ipynb", 4)
    short = SHORT_TRAINING.replace("{most}", str(UPDATES.get(name, 3)))
    notebook.cells.insert(0, nbformat.v4.new_code_cell(short))
    notebook.cells.append(nbformat.v4.new_code_cell(MOVE_FIGURES))
    client = nbclient.NotebookClient(notebook, timeout=3600, resources={"metadata": {"path": str(tmp_path)}})
    client.execute(env={**os.environ, "OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1"})
    counts = [c.execution_count for c in notebook.cells if c.cell_type == "code"]
    assert all(counts)
    assert not list(tmp_path.iterdir()), "a chapter must not write files where it runs"
