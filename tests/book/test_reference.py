"""The reference: docstrings as they are read, every public module on a page, a way there from every listing."""

import re

import pytest
from bs4 import BeautifulSoup
from course_site import reference
from course_site.execution import ROOT
from docutils.core import publish_parts
from test_annotations import MODULES, WITHOUT

PAGES = {path.stem: path.read_text(encoding="utf-8") for path in (ROOT / "book").glob("api*.md")}
LISTING = re.compile(r"```\{literalinclude\} \.\./course_pkg/(\S+)\.py\n((?::.*\n)*)")


def listings():
    """(page, module, function) of every listing in the book that shows one function of the package."""
    for path in sorted((ROOT / "book").glob("*.md")):
        for module, options in LISTING.findall(path.read_text(encoding="utf-8")):
            name = re.search(r":pyobject: (\S+)", options)
            if name:
                yield path.stem, f"course_pkg.{module.replace('/', '.')}", name[1]


def shown(lines):
    """A docstring as a reader sees it: HTML without tags."""
    text = "\n".join(reference.as_restructured(lines))
    settings = {"report_level": 2, "halt_level": 2, "default_role": "literal"}
    html = publish_parts(text, writer_name="html5", settings_overrides=settings)["body"]
    return html


@pytest.mark.parametrize(
    "line",
    [
        "h_t = z * h_{t-1} + (1 - z) * n, and |S k - v|^2 / 2",
        "dx (B, T, D), h_ and _h, *args, **options",
        "1. is no list - and this \\ is a backslash",
        "http://example.org is no link, :role: is none, a::",
    ],
)
def test_a_sentence_means_its_own_characters(line):
    """No star, bar or underscore of a docstring may become markup, and none may warn."""
    html = shown([line])
    assert re.sub(r"<[^>]+>", "", html).strip() == line
    assert re.findall(r"<(\w+)", html) == ["p"]


def test_names_are_code_and_blocks_stay():
    html = shown(["See `scan`, of `a * b`.", "", "    sequential   T rounds", "    tree         2 T", "", "End."])
    assert re.findall(r"<(?:tt|span)[^>]*docutils literal[^>]*>(.*?)</(?:tt|span)>\W", html)
    assert "sequential   T rounds\ntree         2 T" in re.sub(r"<[^>]+>", "", html)


def test_every_public_module_has_its_place():
    """A new module must not be forgotten; writer is on a page because a chapter shows it."""
    text = "".join(PAGES.values())
    listed = re.findall(r"automodule:: course_pkg\.(\S+)", text)
    assert len(listed) == len(set(listed))
    assert set(MODULES) - WITHOUT.keys() <= set(listed)


def test_every_page_of_the_reference_is_in_the_contents():
    contents = (ROOT / "book" / "_toc.yml").read_text(encoding="utf-8")
    assert all(re.search(rf"file: {name}$", contents, re.MULTILINE) for name in PAGES)


def test_a_record_lists_its_fields_with_what_the_source_says():
    from course_pkg.records import GRUParams

    assert reference.fields(GRUParams)[:2] == [
        ("W_ih", "Array", "(3H, D), rows r, z, n"),
        ("W_hh", "Array", "(3H, H)"),
    ]


def test_a_listing_without_an_entry_leads_to_its_module():
    objects = {"course_pkg.stacks": "module", "course_pkg.stacks.stack": "function"}
    path = ROOT / "course_pkg" / "stacks.py"
    assert reference.entry_of(objects, path, "stack") == ("stacks.stack", "function")
    assert reference.entry_of(objects, path, "_layer") == ("stacks", "module")
    assert reference.entry_of({}, path, "_layer") is None
    offered = {"course_pkg.tasks": "room", "course_pkg.tasks.reviews": "function"}  # as `tasks` offers it
    path = ROOT / "course_pkg" / "tasks" / "sentences.py"
    assert reference.entry_of(offered, path, "reviews") == (
        "tasks.reviews",
        "function",
    )


def page(site, name):
    return BeautifulSoup((site / f"{name}.html").read_text(encoding="utf-8"), "html.parser")


def test_every_listing_has_a_link_to_its_entry(site):
    """On the built site: as many links as listings, each with the name of what it shows."""
    wanted = {}
    for where, module, function in listings():
        wanted.setdefault(where, []).append((module, function))
    assert wanted
    for name, objects in wanted.items():
        links = page(site, name).select("p.listing-reference a")
        assert len(links) == len(objects), name
        for link, (module, function) in zip(links, objects):
            assert link["href"].startswith("api-")
            said = link.get_text().strip()
            assert function.startswith("_") or said.endswith(function), (name, module, function, said)


def test_every_proved_equation_is_marked(site):
    from course_site.proved import PROVED

    for per_page in PROVED.values():
        for name, labels in per_page.items():
            assert len(page(site, name).select("p.equation-proved a")) == len(labels), name
