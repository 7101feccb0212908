"""Chapters are called by numbers that the page carries, and every call is a link whose text reads in its sentence."""

import re

import pytest
from contents import chapters, moved, prose
from course_site.execution import ROOT
from course_site.numbering import chapter_number

BOOK = ROOT / "book"
PAGES = sorted(BOOK.glob("*.md"))
LINK = re.compile(r"\[([^\]]*)\]\(<?([\w./#-]*)>?\)")


def link_numbers(text):
    """(the numbers in a link's text, the number of the chapter that it leads to), for links to chapters."""
    for words, target in LINK.findall(text):
        number = chapter_number(target)
        if number is not None:
            yield words, [int(n) for n in re.findall(r"\b\d+\b", words)], number


@pytest.mark.parametrize("page", PAGES, ids=lambda p: p.stem)
def test_a_link_has_a_text_of_its_own(page):
    """A bare link takes a whole title, "LSTM: how do you protect a memory?", into the middle of a sentence."""
    assert not re.findall(r"\[\]\([^)]*\)", prose(page.read_text(encoding="utf-8")))


@pytest.mark.parametrize("page", PAGES, ids=lambda p: p.stem)
def test_a_chapter_that_is_named_by_number_is_linked(page):
    """ "Chapter 5 unrolled it" helps a reader who can go there."""
    text = prose(page.read_text(encoding="utf-8"))
    text = re.sub(r"chapters?[^.\n]{0,30}of the book by|\{cite\}`[^`]*`", "", text)
    unlinked = re.sub(LINK, "", text)
    assert not re.findall(r"[Cc]hapters? \d+", unlinked)


@pytest.mark.parametrize("page", PAGES, ids=lambda p: p.stem)
def test_the_number_in_a_link_is_that_of_the_chapter(page):
    """A number that is typed can be wrong after the next renumbering."""
    text = prose(page.read_text(encoding="utf-8"))
    wrong = [words for words, numbers, number in link_numbers(text) if numbers and number not in numbers]
    assert not wrong
    assert not re.search(r"\[[Cc]hapter 0\d\]", text), "on the page it is chapter 5, not chapter 05"


def test_a_wrong_number_would_be_found():
    assert list(link_numbers("see [chapter 8](07-lstm.md#a) and [it](glossary.md)")) == [("chapter 8", [8], 7)]


def test_chapters_are_numbered_without_a_gap_from_one_part_to_the_next():
    """The number on the page is the number in the file's name, and the names count up."""
    numbers = [chapter_number(name) for name in chapters()]
    assert numbers == sorted(set(numbers))
    assert numbers[0] == 1


def test_the_page_carries_its_number(site):
    """In its title, its heading and the sidebar of every page; and equations count within the chapter."""
    for name in chapters():
        number = chapter_number(name)
        page = (site / f"{name}.html").read_text(encoding="utf-8")
        assert re.search(rf"<title>\s*{number}\. ", page), name
        assert f'<h1><span class="section-number">{number}. </span>' in page, name
        figures = re.findall(r'class="course-explorer"[^>]*>', page)
        assert figures == [f'class="course-explorer" data-number="{number}.{k}">' for k in range(1, len(figures) + 1)]
        equations = re.findall(r'class="eqno">\(([\d.]+)\)', page)
        assert equations == [f"{number}.{k}" for k in range(1, len(equations) + 1)], name
    index = (site / "index.html").read_text(encoding="utf-8")
    assert all(f'href="{name}.html">{chapter_number(name)}. ' in index for name in chapters())


def test_old_addresses_lead_to_the_new_pages(site):
    """A link from elsewhere must go on working."""
    assert len(moved()) >= 11
    for old, new in moved().items():
        page = (site / f"{old}.html").read_text(encoding="utf-8")
        assert f'location.replace("{new}" + location.hash)' in page
        assert f'content="0; url={new}"' in page
        assert (site / new).is_file()
        assert old not in chapters()


def test_the_table_on_the_first_page_numbers_every_chapter():
    table = dict(re.findall(r"^\| (\d+) \| \[[^\]]+\]\((\d\d-[\w-]+)\.md\) \|", (BOOK / "index.md").read_text(), re.M))
    assert {int(n): name for n, name in table.items()} == {chapter_number(name): name for name in chapters()}
