"""A measured number in prose is made by a cell: no number that a cell prints is typed into the text beside it.

A heuristic that can work: the numbers of the text that a cell of the page also prints, without those that stand in
its code, which are settings. What is left is either typed after a measurement, or worked by hand and then checked by
a cell; the second kind stands in ALLOWED, by chapter, with the reason.
"""

import re

import pytest
from bs4 import BeautifulSoup
from contents import chapters
from course_site.execution import ROOT

# Numbers of some precision: 0.73, 1,024, 97%; not 7, 20 or 0.5, which say too little to be recognised.
NUMBER = re.compile(
    r"(?<![\w.,$])(?:\d{1,3}(?:,\d{3})+|\d+\.\d{2,}|\d{3,}|\d+(?:\.\d+)?(?=\s?%|\s?percent\b))(?![\w,]*\d)"
)
HAND = "worked by hand; the chapter's tests compute it"
COUNT = "follows from a formula; the chapter's tests compute it"
SETTING = "a setting of the stored experiment, not a result"
OTHERS = "said by others, in the box of wrong beliefs"
ALLOWED = {  # chapter: {number: reason}
    "01-feedforward": dict.fromkeys(("0.052", "0.208"), HAND),
    "03-rnn": {"24222": COUNT, "12000": SETTING},
    "04-language-model": {"4800": SETTING},
    "05-bptt": {"0.538": HAND, "0.001": SETTING},
    "07-lstm": {"0.53": HAND},
    "08-gru": {"0.731": HAND},
    "10-bidirectional": dict.fromkeys(("0.031", "0.182", "0.363", "0.746", "1.311"), HAND)
    | dict.fromkeys(("4224", "6272"), COUNT),
    "11-deep": {"300": SETTING} | dict.fromkeys(("1.51", "1.72", "2.04"), "owed: typed from the stored result"),
    "12-encoder-decoder": {"0.001": HAND, "99": "in an option of a question, about another network"},
    "14-generation": {"2000": SETTING, "99": OTHERS}
    | dict.fromkeys(("85", "90"), "owed: typed from the stored result; a test holds it against that"),
    "15-forecasting": {"0.26": HAND, "1.33": HAND, "3000": SETTING, "0.97": OTHERS},
    "16-speech": dict.fromkeys(("0.024", "0.057", "0.068", "0.36", "0.64", "0.828", "0.896"), HAND),
    "19-scan": {"0.86": HAND},
    "20-matrix-memory": dict.fromkeys(("0.04", "0.731", "1.24", "800"), HAND),
}


def numbers(text):
    """The numbers of a text, as they are written, without commas."""
    return {found.replace(",", "") for found in NUMBER.findall(text)}


def prose(text):
    """The text of a chapter without code, figures, equations, tables and links."""
    text = re.sub(r"\A---.*?^---$", "", text, flags=re.DOTALL | re.MULTILINE)
    text = re.sub(r"^```.*?^```", "", text, flags=re.DOTALL | re.MULTILINE)
    text = re.sub(r"\$\$.*?\$\$|\$[^$\n]*\$", "", text, flags=re.DOTALL)
    text = re.sub(r"^\|.*$", "", text, flags=re.MULTILINE)
    return re.sub(r"\{\w+\}`[^`]*`|`[^`]*`|\]\([^)]*\)", "", text)


def printed(page):
    """What the cells of a built page print or say in words; figures apart."""
    soup = BeautifulSoup(page, "html.parser")
    for figure in soup.select("script, style, .explorer, img, svg"):
        figure.decompose()
    return "\n".join(output.get_text(" ") for output in soup.select(".cell_output"))


def typed(text, page):
    """The numbers of the prose that a cell of the page prints, and that are no setting of its code."""
    code = "\n".join(re.findall(r"^```\{code-cell\}.*?^```", text, re.DOTALL | re.MULTILINE))
    settings = {number.replace("_", "") for number in re.findall(r"\d[\d_]*(?:\.\d+)?", code)}
    percent = {f"{float(s) * 100:g}" for s in settings if s.startswith("0.")}
    return (numbers(prose(text)) & numbers(printed(page))) - settings - percent


@pytest.mark.parametrize("name", chapters())
def test_no_measured_number_is_typed(name, site):
    text = (ROOT / "book" / f"{name}.md").read_text(encoding="utf-8")
    page = (site / f"{name}.html").read_text(encoding="utf-8")
    assert printed(page).strip(), "the page has no output to compare with"
    assert typed(text, page) <= ALLOWED.get(name, {}).keys()
    assert ALLOWED.get(name, {}).keys() <= numbers(prose(text)), "a number is allowed that is no longer there"


def page_with(output):
    return f'<div class="cell_output"><pre>{output}</pre><div class="explorer"><p>0.731 in a figure</p></div></div>'


@pytest.mark.parametrize(
    ("text", "output", "found"),
    [
        ("The error ends at 0.731.", "error 0.731", {"0.731"}),
        ("It is right in 97% of cases.", "97% right", {"97"}),
        ("It has 1,312 weights.", "1,312 weights", {"1312"}),
        ("It makes 800 updates.\n```{code-cell} ipython3\nsteps = 800\n```\n", "800 updates", set()),
        ("The error ends at 0.731.", "error 0.7312", set()),
        ("The error ends at 0.731.", "nothing", set()),
        ("```{code-cell} ipython3\n0.731\n```\n", "0.731", set()),
        ("| 0.731 |", "0.731", set()),
        ("After 7 steps", "7", set()),
    ],
)
def test_a_typed_number_is_found(text, output, found):
    assert typed(text, page_with(output)) == found


# Alternative texts


# Words with which an alternative text states what was found, rather than what is drawn.
FINDING = re.compile(
    r"\b(falls?|rises?|fell|rose|grows?|shrinks?|stays?|reach(?:es)?|fails?|learns?|below|above|near|between|"
    r"level|flat|worse|better|highest|lowest|more|less|faster|slower|first|last|only|never|always)\b"
)


def alternatives(text):
    """(title, alternative text) of the figures of a chapter, where both are plain strings."""
    found = []
    for call in re.findall(r"title=((?:f?\"[^\"]*\"\s*)+),\s*alt=((?:f?\"[^\"]*\"\s*)+)", text):
        found.append(tuple("".join(re.findall(r'"([^"]*)"', part)) for part in call))
    return found


# In the tests of a chapter: ALT_FINDINGS = {"title": function of the names of the chapter, ...}, each run by a test.
TITLE = re.compile(r'^ {4}"(.*?)": ', re.MULTILINE)


def held_against(name):
    """The titles of the figures whose alternative texts the tests of the chapter hold against what is drawn."""
    path = ROOT / "tests" / "book" / f"test_{name.replace('-', '_')}.py"
    if not path.exists():
        return []
    _, _, findings = path.read_text(encoding="utf-8").partition("\nALT_FINDINGS = {\n")
    return TITLE.findall(findings.partition("\n}\n")[0])


@pytest.mark.parametrize("name", chapters())
def test_alternative_texts_that_state_findings_are_tested(name):
    """ALT_FINDINGS of the tests of a chapter: title -> a function of its names that asserts what the text says."""
    text = (ROOT / "book" / f"{name}.md").read_text(encoding="utf-8")
    stating = {title for title, alt in alternatives(text) if FINDING.search(alt)}
    held = set(held_against(name))
    assert held <= {title for title, _ in alternatives(text)}, "a figure is named that is not there"
    assert not stating - held


def test_a_finding_in_an_alternative_text_is_told_from_a_description():
    told = alternatives('Explorer(\n    f,\n    title="One",\n    alt="The curve falls to "\n    "zero.",\n)')
    assert told == [("One", "The curve falls to zero.")]
    assert FINDING.search(told[0][1])
    assert not FINDING.search("Accuracy against the updates made, one curve for each of five seeds.")
