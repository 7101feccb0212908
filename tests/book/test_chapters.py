"""Every chapter has what a chapter must have, so that none of it is forgotten."""

import re

import pytest
from contents import chapters, prose
from course_site.execution import ROOT

BOOK = ROOT / "book"
OPEN_TASKS = {"12", "14", "15", "16"}  # these chapters have open tasks in place of an assignment


@pytest.fixture(params=chapters())
def chapter(request):
    """(name, text) of each chapter in the table of contents."""
    return request.param, (BOOK / f"{request.param}.md").read_text(encoding="utf-8")


def cells(text):
    return re.findall(r"^```\{code-cell\} ipython3\n(.*?)^```", text, re.DOTALL | re.MULTILINE)


def test_it_opens_with_a_question_and_a_live_figure(chapter):
    _, text = chapter
    title, rest = re.search(r"^# (.*?)\n(.*)", text, re.DOTALL | re.MULTILINE).groups()
    first_screen = rest.split("\n## ")[0]
    assert "?" in title + first_screen
    assert "Explorer(" in first_screen
    for words in ("After this chapter", "You need", "It takes"):
        assert words in first_screen


def test_figures_come_with_questions(chapter):
    _, text = chapter
    assert text.count("Explorer(\n") >= 2
    assert text.count(":class: predict") >= 2
    made = re.findall(r":class: predict\n(?:(?!:::).*\n)+:::\n\n```\{code-cell\}", text)  # a cell answers, from data
    assert text.count("{dropdown} Answer") + len(made) >= text.count(":class: predict")


def test_it_works_an_example_by_hand(chapter):
    assert re.search(r"^(##+ .*|\*\*.*)by hand", chapter[1], re.IGNORECASE | re.MULTILINE)


def test_it_names_wrong_beliefs(chapter):
    assert chapter[1].count(":class: belief") >= 1


def test_it_shows_the_package_from_its_files(chapter):
    assert "{literalinclude} ../course_pkg/" in chapter[1]


def test_it_compares_with_pytorch(chapter):
    assert any("import torch" in cell or "torch." in cell for cell in cells(chapter[1]))


def test_its_questions_explain_every_option(chapter):
    quiz = chapter[1].split("## Check yourself")[1].split("\n## ")[0]
    questions = re.split(r"^\*\*\d\. ", quiz, flags=re.MULTILINE)[1:]
    assert 3 <= len(questions) <= 5
    for question in questions:
        options = re.findall(r"^:::\{dropdown\} (.+)\n(.+(?:\n.+)*?)\n:::", question, re.MULTILINE)
        assert len(options) >= 2, question
        assert sum(why.startswith("Right.") for _, why in options) == 1, question
        assert all(len(why.split()) >= 4 for _, why in options), question


def test_it_cites_and_says_what_to_read(chapter):
    _, text = chapter
    assert len(set(re.findall(r"\{cite\}`([^`]+)`", text))) >= 3
    assert "## Further reading" in text


def test_it_leads_to_practice_that_exists(chapter):
    name, text = chapter
    practice = text.split("## Practise")[1].split("\n## ")[0]
    if name[:2] in OPEN_TASKS:
        assert len(practice.split()) > 50
    else:
        assert f"exercises/{name}" in practice
        assert (ROOT / "exercises" / name / f"{name}.ipynb").exists()


def words(text):
    """How many words a reader reads: no formulas, citations, targets of links or marks of directives."""
    text = re.sub(r"\$[^$]*\$|\{cite\}`[^`]*`|\]\([^)]*\)|^:::.*$|^\([a-z-]+\)=$", "", text, flags=re.MULTILINE)
    return len(re.findall(r"[^\W\d_][\w'’-]*", text))


def test_its_length_is_a_chapters(chapter):
    """What a reader reads who opens no answer is at most 4,000 words."""
    text = prose(chapter[1])
    unopened = re.sub(r"^:::\{dropdown\}.*?^:::$", "", text, flags=re.DOTALL | re.MULTILINE)
    assert words(text) >= 1900
    assert words(unopened) <= 4000


def test_its_code_fits_the_page(chapter):
    """A visible cell is read without scrolling sideways."""
    for cell in cells(chapter[1]):
        if "hide-input" not in cell:
            assert max(map(len, cell.splitlines())) <= 88, cell


def test_it_keeps_its_voice(chapter):
    text = prose(chapter[1])
    assert not re.search(r"(?<!\!)![^\[=]", text), "an exclamation mark"
    for phrase in ("let's", "we will see", "as we can see", "powerful", "elegantly", "simply put", "in a nutshell"):
        assert phrase not in text.lower()
