"""The forms of the boxes *Predict, then move*: who has one, and that what is right is what the figure's table has."""

import json
import pathlib
import re
import subprocess

import page_script
import pytest
from course_site import predictions
from course_site.execution import ROOT

BOX = re.compile(r"^:::\{admonition\} Predict, then move\n:class: predict\n(.*?)^:::\n", re.DOTALL | re.MULTILINE)
BLOCK = re.compile(r"^```\{predictions\}(?: next)?\n(.*?)^```\n", re.DOTALL | re.MULTILINE)
# Boxes without a form. These numbers only shrink; a page that is not named here owes nothing.
OWED = {"16-speech": 4, "claims": 2, "own-cell": 1, "pytorch": 1}


def boxes(path):
    """The text of every box of a page, and the block in it or None."""
    found = [(box, BLOCK.search(box)) for box in BOX.findall(path.read_text(encoding="utf-8"))]
    return [(box, block and block[1]) for box, block in found]


PAGES = {path.stem: boxes(path) for path in sorted((ROOT / "book").glob("*.md"))}
ASKING = [name for name, found in PAGES.items() if any(block for _, block in found)]


@pytest.mark.parametrize("name", [name for name, found in PAGES.items() if found])
def test_every_box_takes_an_answer(name):
    assert sum(block is None for _, block in PAGES[name]) == OWED.get(name, 0)


@pytest.mark.parametrize("name", ASKING)
def test_every_question_of_a_box_is_asked(name):
    """A numbered question without a form would be passed over in silence, and the answer opened before it was made."""
    for box, block in PAGES[name]:
        if block:
            asked = predictions.questions(block)
            count = len(re.findall(r"^\d\. ", box, re.MULTILINE)) or 1
            places = {one.get("item", k if count > 1 else 1) for k, one in enumerate(asked, 1)}
            assert places == set(range(1, count + 1)), box
            if len(asked) > count:  # two forms of one question need a name each
                for place in places:
                    named = [
                        q.get("ask") for k, q in enumerate(asked, 1) if q.get("item", k if count > 1 else 1) == place
                    ]
                    assert len(named) == 1 or (None not in named and len(set(named)) == len(named)), box


def judged(site, name, folder):
    """What the page's own script takes for right, from the page's own tables: a list of boxes of questions."""
    page = (site / f"{name}.html").read_text(encoding="utf-8")
    (folder / "page.mjs").write_text(page_script.script_in(page) + "\nexport { PREDICTIONS, truth };\n", "utf-8")
    (folder / "tables.json").write_text(json.dumps(page_script.figures_in(page)), "utf-8")
    program = pathlib.Path(page_script.__file__).with_name("predicted.mjs")
    command = [page_script.node(), program, folder / "page.mjs", folder / "tables.json"]
    done = subprocess.run(command, capture_output=True, text=True, encoding="utf-8")
    assert done.returncode == 0, done.stderr[-2000:]
    return json.loads(done.stdout)


@pytest.mark.parametrize("name", ASKING)
def test_what_is_called_right_is_what_the_figure_shows(site, name, tmp_path):
    """Exactly one option of each choice holds on the figure's table; each number and each curve is there."""
    found = judged(site, name, tmp_path)
    assert len(found) == sum(block is not None for _, block in PAGES[name])
    for question in (question for box in found for question in box):
        assert "error" not in question, question
        if question["kind"] == "choose":
            assert len(question["right"]) == 1, question
        if question["kind"] == "number":
            assert isinstance(question["value"], int | float), question
        if question["kind"] == "draw":
            assert len(question["y"]) >= 10, question


def test_right_options_stand_in_all_places(site, tmp_path):
    """Whoever always takes the first option is wrong more often than right."""
    places = []
    for name in ASKING:
        places += [q["right"][0] for box in judged(site, name, tmp_path) for q in box if q["kind"] == "choose"]
    assert 0.2 < places.count(0) / len(places) < 0.6


@pytest.mark.parametrize(
    ("text", "wrong"),
    [
        ("- a: 1", "wanted one of choose, number, draw, why"),
        ("a: 1", "wanted a list of questions"),
        ("- number: now('x')[0]\n  unti: steps", "unti is 'steps', wanted no such thing"),
        ("- choose: [a, b]", "a list with `which`, or conditions"),
        ("- choose: {a: x > 1}", "two to eight options"),
        ("- number: a ? b : c\n  at: {w: 1", "no YAML"),
    ],
)
def test_a_block_that_says_something_else_is_refused(text, wrong):
    with pytest.raises(predictions.Bad, match=re.escape(wrong)):
        predictions.questions(text)


def test_yes_and_no_are_words_and_numbers_are_numbers():
    (one,) = predictions.questions("- at: {w: 0.5}\n  choose:\n    Yes: now('x')[0] > 1\n    No: otherwise")
    assert list(one["choose"]) == ["Yes", "No"]
    assert one["at"] == {"w": 0.5}
    said = predictions.as_script(one, "Is it?")
    assert "({ now }) => (now('x')[0] > 1)" in said
    assert "({ now }) => (!((now('x')[0] > 1)))" in said


def test_a_question_is_kept_without_its_tex():
    assert predictions.plain(r"How much does \vh{5} change $\vh{3}$ at  \varepsilon?") == (
        "How much does h_5 change $h_3$ at varepsilon?"
    )
