"""Every term that a chapter defines stands in the glossary, and every symbol of its tables on the notation page.

A chapter defines a term in one of three ways: it links it, `{term}`; it sets it in bold within a sentence; or it
says "called *term*". Bold also heads a paragraph and italics also stress a word. What heads a paragraph ends with a
stop, a colon or a question mark, or is one of HEADS; what is only stressed stands in STRESSED, by chapter.
"""

import re

import pytest
from contents import chapters, prose
from course_site.execution import ROOT

BOOK = ROOT / "book"
GLOSSARY = (BOOK / "glossary.md").read_text(encoding="utf-8")
NOTATION = (BOOK / "notation.md").read_text(encoding="utf-8")
HEADWORDS = re.findall(r"^(\w.*)$", GLOSSARY.partition("```{glossary}")[2], re.MULTILINE)
OTHER_FORMS = {"chaotic": "chaos", "standardised": "standardising"}
HEADS = {"after this chapter", "you need", "it takes", "by hand"}
STRESSED = {  # chapter: phrases that are in bold and are no terms, but a result, a case or a word of the sentence
    "03-rnn": {"decay", "hold", "oscillation", "learn", "sum", "step 1", "step 2"},
    "04-language-model": {"write"},
    "05-bptt": {"2", "3", "backward", "forward"},
    "06-gradients": {"identity", "random", "part of it"},
    "07-lstm": {"whole"},
    "08-gru": {"what z stands for", "where r multiplies"},
    "09-which-cell": {"cannot tell", "learned"},
    "13-sentiment": {"distance"},
    "15-forecasting": {"line"},
    "16-speech": {"places"},
    "19-scan": {"complex", "positive", "short form", "signed", "turning", "−1"},
}
BOLD = re.compile(r"(?<!\*)\*\*([^*\n]+)\*\*(?!\*)")
CALLED = re.compile(r"\b(?:called|known as|named)\b (?:an? |the )?(?<!\*)\*([^*\n$]+)\*(?!\*)")


def body(text):
    """A chapter's text up to what it asks the reader to do: open tasks have names in bold."""
    return re.split(r"^## (?:Practise|Open tasks)", prose(text), flags=re.MULTILINE)[0]


def terms(text):
    """The phrases that a chapter defines, in lower case and without an article."""
    found = [phrase for phrase in BOLD.findall(body(text)) if not re.search(r"[.:?,]$|\d\.|\$|`", phrase)]
    found += CALLED.findall(body(text))
    found = [re.sub(r"^(?:an?|the) ", "", phrase.lower()) for phrase in found if len(phrase.split()) <= 4]
    return {phrase for phrase in found if phrase not in HEADS}


def singular(phrase):
    return re.sub(r"(?<=[^s])s$", "", phrase)


def known(phrase):
    return singular(OTHER_FORMS.get(phrase, phrase)) in {singular(word.lower()) for word in HEADWORDS}


@pytest.mark.parametrize("name", chapters())
def test_the_glossary_holds_every_term_that_a_chapter_defines(name):
    missing = {t for t in terms((BOOK / f"{name}.md").read_text(encoding="utf-8")) if not known(t)}
    assert missing == set(STRESSED.get(name, ())), "neither in the glossary nor listed as a stressed word"


def test_a_new_term_would_be_missed():
    """Each of the ways to define one; and neither a heading, a stressed word nor an open task is taken for a term."""
    text = (
        "**By hand.** A **flux gate** is *not* a net, and is called a *flapper*.\n\n## Practise\n\n**Your own** task\n"
    )
    assert terms(text) == {"flux gate", "flapper"}
    assert not any(known(t) for t in terms(text))
    assert known("forget gates")
    assert known("chaotic")


def test_the_glossary_is_in_the_order_of_the_alphabet_and_has_each_term_once():
    letters = [re.sub(r"[^a-z0-9]", "", word.lower()) for word in HEADWORDS]
    entries = [letters[HEADWORDS.index(e)] for e in re.findall(r"\n\n(\w.*)\n", GLOSSARY.partition("```{glossary}")[2])]
    assert entries == sorted(entries)
    assert len(set(letters)) == len(letters)


SHAPE = re.compile(r"\((?:\d?[A-Z]+|\d)(?:, ?(?:\d?[A-Z]+|\d))+,?\)")


def symbols(text):
    """The symbols of a chapter's own tables of symbols, and the letters of the shapes that its text gives."""
    found = set()
    for table in re.findall(r"^\| symbol \|.*\n(?:\|.*\n)+", text, re.MULTILINE):
        for row in table.splitlines()[2:]:
            found |= set(re.findall(r"\$([^$]+)\$", row.split("|")[1]))
    shapes = SHAPE.findall(re.sub(r"`[^`]*`", "", prose(text)))
    return found, {letter for shape in shapes for letter in re.findall(r"[A-Z]", shape)}


@pytest.mark.parametrize("name", chapters())
def test_the_notation_page_holds_every_symbol_of_a_chapters_tables_and_shapes(name):
    found, letters = symbols((BOOK / f"{name}.md").read_text(encoding="utf-8"))
    assert not {s for s in found if s not in NOTATION}
    sizes = set(re.findall(r"^\| ([A-Z](?:, [A-Z])*) \|", NOTATION, re.MULTILINE))
    assert not letters - {letter for size in sizes for letter in size.split(", ")}


# Letters of formulas within the text


GREEK = (
    "alpha beta gamma Gamma delta Delta epsilon varepsilon eta theta kappa lambda Lambda nu pi rho sigma tau varphi ell"
)
LETTER = re.compile(rf"\\(?:{GREEK.replace(' ', '|')})(?![A-Za-z])|(?<![\\A-Za-z])[A-Za-z](?![A-Za-z])")


def letters(text):
    """The letters of the formulas of running text, without their indices, transposes and words in upright type."""
    found = set()
    for formula in re.findall(r"(?<!\$)\$([^$\n]+)\$(?!\$)", text):
        formula = re.sub(r"\\v([a-z])[a-z]*\{", r"\1_{", formula)  # \vhr{t} is a state h
        formula = re.sub(r"\\(?:text|mathrm|mathsf|begin|end) ?(?:\{[^}]*\}|T)", " ", formula)
        formula = re.sub(r"_(?:\{(?:[^{}]|\{[^{}]*\})*\}|\\?\w)", " ", formula)
        found |= set(LETTER.findall(re.sub(r"\\\w+", lambda m: m[0] + " ", formula)))
    return found


def letters_known(chapter):
    """What the notation page gives for a chapter: a line that links to chapters counts for these alone.

    It is the letter that is compared. That it means the same throughout a chapter, only a reader can see.
    """
    found = set()
    for line in NOTATION.partition("## What other")[0].splitlines():
        linked = re.findall(r"\]\((\d\d-[\w-]+)\.md", line)
        if not linked or chapter in linked:
            symbol = line.split("|")[1] if line.startswith("|") else line
            sizes = re.findall(r"(?<![$\w])[A-Z](?=,| \||$)", symbol.strip())
            found |= letters(symbol.replace("ρ", r"$\rho$")) | set(sizes)
    return found


@pytest.mark.parametrize("name", chapters())
def test_the_notation_page_holds_every_letter_of_a_chapters_formulas(name):
    text = re.sub(r"^\|.*$", "", prose((BOOK / f"{name}.md").read_text(encoding="utf-8")), flags=re.MULTILINE)
    missing = letters(text) - letters_known(name)
    assert not missing, "not on the notation page for this chapter"


def test_the_letters_of_formulas_are_found():
    found = letters(r"a $W_{hh}\,\vh{t-1} + \lambda^k x_t$ and $\mathrm{d}q$, $\tanh b$")
    assert found == {*"Whkxqb", r"\lambda"}
    assert letters(r"$\mathsf T$ and $\overrightarrow{W}_{ih}^{\mathsf T}$, $$z$$") == {"W"}
    assert r"\Lambda" in letters_known("06-gradients") - letters_known("05-bptt")
