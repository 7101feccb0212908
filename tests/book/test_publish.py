"""What a published site has beside its pages: link previews, their picture, a sitemap, and buttons to other places."""

import os
import re
import shutil
import subprocess
import sys
import xml.etree.ElementTree as ET

import numpy as np
import pytest
from bs4 import BeautifulSoup
from course_site import publish
from course_site.execution import ROOT
from PIL import Image

from course_pkg import cells

CHAPTER = """---
jupytext: {text_representation: {extension: .md, format_name: myst}}
kernelspec: {display_name: Python 3, language: python, name: python3}
description: A page about "gates" & more.
---

# First *page*

Text.

```{code-cell} ipython3
1 + 1
```
"""


@pytest.fixture(scope="module")
def published(tmp_path_factory):
    """A small site, built as the workflow does: the addresses come from the environment."""
    project = tmp_path_factory.mktemp("project")
    config = (ROOT / "_config.yml").read_text()
    (project / "_config.yml").write_text(config.replace("course_live: true", "course_live: false"))
    ignore = shutil.ignore_patterns("__pycache__")
    shutil.copytree(ROOT / "book" / "_ext", project / "book" / "_ext", ignore=ignore)
    shutil.copytree(ROOT / "book" / "_static", project / "book" / "_static")
    shutil.copytree(ROOT / "course_pkg", project / "course_pkg", ignore=ignore)
    (project / "book" / "references.bib").write_text("")
    (project / "book" / "index.md").write_text(CHAPTER)
    (project / "book" / "plain.md").write_text("# Second page\n\nA page without code, which cannot be run.\n")
    (project / "book" / "_toc.yml").write_text("format: jb-book\nroot: index\nchapters: [{file: plain}]\n")
    env = {**os.environ, "COURSE_SITE_URL": "https://example.org/course", "COURSE_REPOSITORY": "https://github.com/a/b"}
    env["PYTHONPATH"] = str(project)
    done = subprocess.run(
        [sys.executable, project / "book" / "_ext" / "build.py"],
        capture_output=True,
        text=True,
        errors="replace",
        env=env,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return project / "_build" / "html"


def tags(page):
    soup = BeautifulSoup(page.read_text(encoding="utf-8"), "html.parser")
    return {m.get("property") or m.get("name"): m["content"] for m in soup.find_all("meta", content=True)}


def test_a_page_says_how_it_is_to_be_previewed(published):
    found = tags(published / "index.html")
    assert found["og:title"] == "First page"
    assert found["og:description"] == found["description"] == 'A page about "gates" & more.'
    assert found["og:url"] == "https://example.org/course/index.html"
    assert found["og:image"] == "https://example.org/course/_static/preview.png"
    assert found["og:site_name"] == "Recurrent Networks, Unrolled"
    assert found["twitter:card"] == "summary_large_image"
    page = (published / "plain.html").read_text()
    assert '<link rel="canonical" href="https://example.org/course/plain.html"' in page


def test_the_sitemap_names_every_page_once(published):
    """By the address that the page itself calls its own."""
    root = ET.fromstring((published / "sitemap.xml").read_text())
    found = [e.text for e in root.iter("{http://www.sitemaps.org/schemas/sitemap/0.9}loc")]
    assert found == ["https://example.org/course/index.html", "https://example.org/course/plain.html"]


def test_a_chapter_can_be_opened_on_binder_and_colab(published):
    """A page without code cannot."""
    links = re.findall(r'href="(https://[^"]*(?:mybinder|colab)[^"]*)"', (published / "index.html").read_text())
    assert links == [
        "https://mybinder.org/v2/gh/a/b/notebooks?urlpath=lab/tree/index.ipynb",
        "https://colab.research.google.com/github/a/b/blob/notebooks/index.ipynb",
    ]
    assert "mybinder" not in (published / "plain.html").read_text()


def test_the_picture_has_the_size_that_is_announced(published):
    with Image.open(published / "_static" / "preview.png") as picture:
        assert picture.size == (1200, 630)
        assert len(picture.convert("RGB").getcolors(100_000)) > 50


def test_the_curves_of_the_picture_are_those_of_the_cell():
    """A forget gate that stays at f leaves f to the power t of what was written."""
    np.testing.assert_allclose(publish.memory(cells, 0.9, 5), 0.9 ** np.arange(5), atol=1e-12)


def test_without_an_address_there_is_no_sitemap_and_no_picture_in_the_preview(site):
    """A relative address would lead nowhere."""
    if os.environ.get("COURSE_SITE_URL"):
        pytest.skip("not run: this build has an address")
    assert not (site / "sitemap.xml").exists()
    found = tags(site / "index.html")
    assert {"og:title", "og:description"} <= set(found)
    assert not {"og:image", "og:url"} & set(found)
