"""The chapters of the book, for tests that look at each."""

import re

import yaml
from course_site.execution import ROOT
from myst_nb.core.read import read_myst_markdown_notebook


def chapters():
    """The names of the chapters in the table of contents, such as "07-lstm"."""
    toc = yaml.safe_load((ROOT / "book" / "_toc.yml").read_text())
    files = [entry["file"] for part in toc["parts"] for entry in part["chapters"]]
    return [name for name in files if re.match(r"\d\d-", name)]


def moved():
    """Pages that stood at another address: {old name: new file}."""
    return yaml.safe_load((ROOT / "_config.yml").read_text())["sphinx"]["config"]["redirects"]


def prose(text):
    """A chapter's text without front matter, fenced blocks and equations."""
    text = re.sub(r"^---.*?^---", "", text, count=1, flags=re.DOTALL | re.MULTILINE)
    text = re.sub(r"^```.*?^```", "", text, flags=re.DOTALL | re.MULTILINE)
    return re.sub(r"\$\$.*?\$\$", "", text, flags=re.DOTALL)


def cells_of(name):
    """The code of a page's cells."""
    text = (ROOT / "book" / f"{name}.md").read_text(encoding="utf-8")
    return [c.source for c in read_myst_markdown_notebook(text).cells if c.cell_type == "code"]
