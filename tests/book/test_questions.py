"""The questions of the chapters: right options in all places, and the page of mixed questions drawn from them."""

import re

import pytest
from bs4 import BeautifulSoup
from contents import chapters
from course_site.execution import ROOT
from course_site.questions import Question, as_text, at_home, mixed, questions


def of(name):
    return questions(ROOT / "book" / f"{name}.md")


def places(asked):
    """How often the right option of a question stands first, second, and so on."""
    right = [[re.match(r"Right\b", said) is not None for _, said in one.options].index(True) for one in asked]
    return [right.count(k) for k in range(max(len(one.options) for one in asked))]


@pytest.mark.parametrize("name", chapters())
def test_right_options_are_spread_over_all_places(name):
    """Whoever always opens the same place must not be right in more than half, nor ever know that a place is wrong."""
    count = places(of(name))
    assert min(count) >= 1
    assert max(count) <= max(2, len(of(name)) // 2)


def test_right_options_are_spread_over_the_book():
    total = [sum(column) for column in zip(*(places(of(name)) for name in chapters()))]
    assert min(total) > 0.2 * sum(total)
    assert max(total) < 0.5 * sum(total)


def test_one_place_alone_would_be_noticed():
    same = [Question("x", "t", (("a", "No."), ("b", "Right."), ("c", "No.")))] * 4
    assert places(same) == [0, 4, 0]


def test_the_mixture_draws_from_every_chapter_and_is_the_same_each_time():
    drawn = mixed([of(name) for name in chapters()], 40)
    assert len(set(drawn)) == 40
    counts = [sum(one.chapter == name for one in drawn) for name in chapters()]
    assert max(counts) - min(counts) <= 1
    assert drawn == mixed([of(name) for name in chapters()], 40)
    order = [one.chapter for one in drawn]
    assert order != sorted(order)
    with pytest.raises(ValueError, match="count: got 999, wanted at most"):
        mixed([of(name) for name in chapters()], 999)


def test_a_question_without_one_right_option_is_named(tmp_path):
    page = tmp_path / "01-x.md"
    option = ":::{dropdown} a\nNo.\n:::\n"
    page.write_text(f"# X\n\n## Check yourself\n\n**1. Why?**\n\n{option * 3}\n## Practise\n")
    with pytest.raises(ValueError, match=r"01-x\.md: got 0 right of 3 options, wanted 1 of 3"):
        questions(page)


def test_links_within_a_chapter_lead_back_to_it():
    assert at_home("see [below](#here) and [x](y.md#z)", "07-lstm") == "see [below](07-lstm.md#here) and [x](y.md#z)"
    one = Question("07-lstm", "**Why?**", (("a", "Right. [So](#so)."), ("b", "No."), ("c", "No.")))
    text = as_text(3, one)
    assert text.startswith("**3. Why?**\n\n:::{dropdown} a\nRight. [So](07-lstm.md#so).\n:::")
    assert text.endswith("*From [chapter 7](07-lstm.md#check-yourself).*")


def test_every_question_is_read_whole():
    """As many as the chapter numbers, from 1 on, and nothing between the options is lost."""
    for name in chapters():
        text = (ROOT / "book" / f"{name}.md").read_text(encoding="utf-8")
        section = text.partition("\n## Check yourself\n")[2].partition("\n## ")[0]
        numbers = [int(n) for n in re.findall(r"^\*\*(\d+)\. ", section, re.MULTILINE)]
        assert numbers == list(range(1, len(of(name)) + 1))
        assert section.count(":::{dropdown}") == sum(len(one.options) for one in of(name))


def test_the_page_has_forty_questions_with_their_options(site):
    page = BeautifulSoup((site / "mixed-questions.html").read_text(encoding="utf-8"), "html.parser").find("article")
    asked = [p.get_text() for p in page.select("p > strong") if re.match(r"\d+\. ", p.get_text())]
    assert [int(a.split(".")[0]) for a in asked] == list(range(1, 41))
    assert len(page.find_all("details")) >= 120
    assert len(re.findall(r"From chapter \d+\.", page.get_text())) == 40
