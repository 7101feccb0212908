"""Small parts of the site's extension."""

from types import SimpleNamespace

import pytest
from course_site.markdown import UnknownNode, Writer, escape
from course_site.pages import LONGEST, describe, mend
from docutils import nodes


def page(*texts):
    """A document of paragraphs."""
    root = nodes.section()
    root.extend(nodes.paragraph(text, text) for text in texts)
    return root


def test_a_page_is_described_by_its_front_matter_first():
    """An author's own description wins over the first paragraph."""
    assert describe({"description": "By hand."}, page("First.")) == "By hand."


def test_a_page_without_a_description_takes_its_first_paragraph():
    """Cut at a word, since search engines show only so much."""
    assert describe({}, page("First\nline.", "Second.")) == "First line."
    long = describe({}, page("word " * 60))
    assert len(long) <= LONGEST
    assert long.endswith("word …")


@pytest.mark.parametrize(
    ("text", "wanted"),
    [("5 * 3", r"5 \* 3"), ("$5", r"\$5"), ("a_b _c_", r"a_b \_c\_"), ("`x` < y", r"\`x\` \< y"), ("(a, b]", "(a, b]")],
)
def test_text_that_looks_like_markup_stays_text(text, wanted):
    """Prices, products and underscores must not become maths or emphasis."""
    assert escape(text) == wanted


@pytest.mark.parametrize(
    ("before", "after"),
    [
        (
            '<button class="btn search-button-field x" title="Search" aria-label="Search" data-a="b">',
            '<button class="btn search-button-field x" title="Search" data-a="b">',
        ),
        ('<summary aria-label="Toggle hidden content">', "<summary>"),
        ('<div role="list" class="citation-list">', '<div class="citation-list">'),
        ('<div class="citation" id="id4" role="doc-biblioentry">', '<div class="citation" id="id4">'),
        ('<button aria-label="Search"><div role="list">', '<button aria-label="Search"><div role="list">'),
    ],
)
def test_what_is_said_wrongly_of_an_element_is_taken_away(before, after):
    """And nothing else is."""
    assert mend(before) == after


def test_a_kind_of_node_that_is_not_known_is_an_error():
    """What cannot be written must stop the build rather than be missing from the notebook."""
    writer = Writer(SimpleNamespace(config=SimpleNamespace(mathjax3_config={})), "page", None)

    class Novelty(nodes.General, nodes.Element):
        """A node of an extension that came later."""

    with pytest.raises(UnknownNode, match="Novelty"):
        writer.blocks([Novelty()])
