"""What every page of the built site must hold to."""

import json
import pathlib
import re
import urllib.parse

import pytest
from bs4 import BeautifulSoup
from contents import moved
from course_site.execution import ROOT
from course_site.result import read_result

from course_pkg.widgets import explorer

OUTSIDE = re.compile(r"^(?:[a-z][a-z0-9+.-]*:)?//", re.IGNORECASE)
LOADED = {
    **{"script": "src", "img": "src", "iframe": "src", "audio": "src", "video": "src", "source": "src"},
    **{"embed": "src", "object": "data", "input": "src"},
}


@pytest.fixture(scope="session")
def pages(site):
    """Each page of the site as parsed HTML, by its path: no templates of the theme, no JupyterLite, no old address."""
    paths = sorted(p for p in site.rglob("*.html") if p.relative_to(site).parts[0] not in {"_static", "lite"})
    paths = [p for p in paths if p.stem not in moved()]
    return {path: BeautifulSoup(path.read_text(encoding="utf-8"), "html.parser") for path in paths}


def loaded_by(soup):
    """The addresses of all that a page asks for when it is opened."""
    for tag, attribute in LOADED.items():
        yield from (element[attribute] for element in soup.find_all(tag) if element.get(attribute))
    for element in soup.find_all("link"):
        if set(element.get("rel", [])) & {"stylesheet", "icon", "preload", "modulepreload", "preconnect", "manifest"}:
            yield element["href"]
    for element in soup.find_all(srcset=True):
        yield from (part.split()[0] for part in element["srcset"].split(","))
    for style in [e.get_text() for e in soup.find_all("style")] + [e["style"] for e in soup.find_all(style=True)]:
        yield from addresses_in_css(style)


def addresses_in_css(text):
    """The addresses that a style sheet asks for."""
    text = re.sub(r"/\*.*?\*/", "", text, flags=re.DOTALL)
    found = re.findall(r"""url\(\s*["']?([^"')]+)|@import\s+["']([^"']+)""", text)
    return [address for pair in found for address in pair if address and not address.startswith("data:")]


def local(site, page, address):
    """The file that an address on a page means, and the anchor in it."""
    parts = urllib.parse.urlsplit(address)
    path = urllib.parse.unquote(parts.path)
    target = page if not path else (site / path.lstrip("/") if path.startswith("/") else page.parent / path)
    return target / "index.html" if target.is_dir() else target, urllib.parse.unquote(parts.fragment)


def test_the_book_built_without_a_warning(site):
    """A warning of Sphinx (a broken reference, a failed cell) must not reach the published site."""
    assert read_result(ROOT / "_build")["warnings"] == 0


def test_every_chapter_in_the_table_of_contents_has_a_page(site):
    """A chapter must not drop out of the site unseen."""
    named = re.findall(r"(?:file|root): *(\S+)", (ROOT / "book" / "_toc.yml").read_text())
    chapters = {p.stem for p in (ROOT / "book").glob("[0-9][0-9]-*.md")}
    assert chapters <= set(named)
    assert all((site / f"{name}.html").is_file() for name in named)


def test_pages_ask_for_nothing_outside_the_site(site, pages):
    """The site must work without the internet and tell nobody who reads it."""
    outside = {(page.name, a) for page, soup in pages.items() for a in loaded_by(soup) if OUTSIDE.match(a)}
    for sheet in site.rglob("*.css"):
        outside |= {(sheet.name, a) for a in addresses_in_css(sheet.read_text(encoding="utf-8")) if OUTSIDE.match(a)}
    assert not outside


def test_what_pages_and_styles_ask_for_is_there(site, pages):
    """A script, style, font or picture that a page names must be in the site."""
    asked = [(page, a) for page, soup in pages.items() for a in loaded_by(soup)]
    asked += [(css, a) for css in site.rglob("*.css") for a in addresses_in_css(css.read_text(encoding="utf-8"))]
    missing = {(p.name, a) for p, a in asked if not a.startswith("data:") and not local(site, p, a)[0].is_file()}
    assert not missing


def test_links_within_the_site_lead_somewhere(site, pages):
    """Each link to a page, a download or an anchor of the site must resolve."""
    anchors = {
        page.resolve(): {e["id"] for e in soup.find_all(id=True)}
        | {e["name"] for e in soup.find_all("a", attrs={"name": True})}
        for page, soup in pages.items()
    }
    broken = set()
    for page, soup in pages.items():
        for link in soup.find_all("a", href=True):
            href = link["href"]
            if re.match(r"^[a-z][a-z0-9+.-]*:", href, re.IGNORECASE) or href in {"#", ""}:
                continue
            target, anchor = local(site, page, href)
            known = anchors.get(target.resolve(), set())
            if not target.is_file() or (anchor and target.suffix == ".html" and anchor not in known):
                broken.add((page.name, href))
    assert not broken


def test_every_picture_has_a_text_alternative(pages):
    """A reader who does not see a picture must be told what it shows."""
    silent = [
        (page.name, image.get("src", "")[:80])
        for page, soup in pages.items()
        for image in soup.find_all("img")
        if not image.get("alt", "").strip() or re.fullmatch(r"[\w./-]+\.(png|svg|jpe?g|gif)", image["alt"].strip())
    ]
    assert not silent


def test_every_figure_that_can_be_moved_has_a_text_alternative(pages):
    """The same for the figures with sliders, before their script has run."""
    figures = [figure for soup in pages.values() for figure in soup.select("div.course-explorer")]
    assert figures
    assert all(f.select_one("p.explorer-alt").get_text(strip=True) for f in figures)
    assert all(json.loads(f.find("script").string)["alt"].strip() for f in figures)


def test_every_page_has_its_own_title_and_description(pages):
    """Search engines and tabs tell pages apart by these."""
    titles, descriptions = [], []
    for page, soup in pages.items():
        titles.append(soup.title.get_text(strip=True))
        found = soup.find_all("meta", attrs={"name": "description"})
        assert len(found) == 1, f"{page.name}: {len(found)} descriptions"
        descriptions.append(found[0]["content"].strip())
        assert 20 <= len(descriptions[-1]) <= 200, f"{page.name}: {descriptions[-1]!r}"
        assert len(soup.find_all("h1")) >= 1, f"{page.name}: no heading"
        assert soup.html.get("lang"), f"{page.name}: no language"
    assert len(set(titles)) == len(titles)
    assert len(set(descriptions)) == len(descriptions)


def test_no_markup_of_the_source_is_left_in_the_text(pages):
    """A directive or role that was not understood would stand in the page as text."""
    for page, soup in pages.items():
        body = soup.find("article")
        for code in body.select("pre, code, script, .math") if body else []:
            code.decompose()
        text = body.get_text() if body else ""
        assert not re.search(r"```|:::|\{[a-z:-]+\}`|^\s*:[a-z-]+: ", text, re.MULTILINE), page.name


def test_figures_bring_their_script_and_other_pages_do_not(pages):
    """The page and Jupyter draw with the same code; it stands where there is a figure, and nowhere else."""
    script = explorer.script()
    for page, soup in pages.items():
        scripts = [s for s in soup.find_all("script", type="module") if "mountStatic" in s.get_text()]
        assert len(scripts) == bool(soup.select(".course-explorer")), page.name
        assert all(s.get_text().strip().startswith(script.strip()) for s in scripts)  # what asks the reader follows
        assert not soup.find_all("script", type="application/vnd.jupyter.widget-state+json"), page.name


def test_every_page_has_the_colours_of_the_parts(site, pages):
    """Equations use them where there is no figure, so the style sheet is on every page."""
    style = (ROOT / "course_pkg" / "widgets" / "explorer.css").read_bytes()
    assert (site / "_static" / "explorer.css").read_bytes() == style
    for page, soup in pages.items():
        assert any("explorer.css" in link["href"] for link in soup.find_all("link", rel="stylesheet")), page.name


def test_search_finds_the_chapters(site):
    """The index of the search must hold every page that has a source."""
    index = (site / "searchindex.js").read_text(encoding="utf-8")
    names = json.loads(index.removeprefix("Search.setIndex(").removesuffix(")"))["docnames"]
    assert {p.stem for p in pathlib.Path(ROOT / "book").glob("*.md")} <= set(names)
