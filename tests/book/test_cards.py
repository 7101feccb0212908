"""Review cards: every chapter has some, a name belongs to one card, and Anki itself reads the deck."""

import re

import pytest
from contents import chapters
from course_site import cards
from course_site.execution import ROOT

TEXT = (ROOT / "book" / "cards.md").read_text(encoding="utf-8")
CARD = re.compile(r"^:::\{flashcard\} (.+)\n((?:(?!:::).*\n)+):::$", re.MULTILINE)
MACROS = {"vh": [r"\class{role-hidden}{h_{#1}}", 1], "vhs": [r"\class{role-hidden}{h^{(#1)}_{#2}}", 2], "half": "0.5"}
HTML = """<section><h1>Review cards</h1>
<section><h2>3. <a href="03-rnn.html">RNN</a><a class="headerlink" href="#x">#</a></h2>
<div class="flashcard docutils container" id="card-1"><p class="flashcard-question">What is \\(\\vh{t-1}\\)?</p>
<details><summary>Answer</summary><div class="flashcard-answer docutils container"><p>A <a href="g.html">state</a>.</p>
</div></details></div></section>
<section><h2>5. BPTT</h2>
<div class="flashcard docutils container" id="card-2"><p class="flashcard-question">Why?</p>
<details><summary>Answer</summary><div class="flashcard-answer docutils container"><p>So.</p></div></details></div>
</section></section>"""


def test_every_chapter_has_cards_and_no_question_stands_twice():
    found = CARD.findall(TEXT)
    assert len(found) == TEXT.count("{flashcard} ") >= 80
    assert len({cards.identity(question) for question, _ in found}) == len(found)
    for name in chapters():
        section = re.search(rf"^## {int(name[:2])}\. \[.*?\]\({name}\.md\)$(.*?)(?=^## |\Z)", TEXT, re.M | re.S)
        assert section, f"{name} has no cards"
        assert len(CARD.findall(section[1])) >= 5, name


def test_macros_are_written_out_for_anki():
    plain = cards.plain_tex(r"\vh{t-1}, \vhs{l}{t}, \vh{\max(a_{1})}, \half\,\vhx", MACROS)
    assert plain == r"{h_{t-1}}, {h^{(l)}_{t}}, {h_{\max(a_{1})}}, 0.5\,\vhx"


def test_a_card_under_no_chapter_is_refused():
    with pytest.raises(ValueError, match="under no chapter: Why"):
        cards.read_cards(HTML.replace("<h2>5. BPTT</h2>", ""), MACROS)


def test_anki_reads_the_deck_and_a_newer_one_doubles_nothing(tmp_path):
    collection = pytest.importorskip("anki.collection")
    read = cards.read_cards(HTML, MACROS)
    assert [card[:2] for card in read] == [("card-1", "03. RNN"), ("card-2", "05. BPTT")]
    changed = [(*card[:3], "<p>Another answer.</p>") for card in read]
    mine = collection.Collection(str(tmp_path / "mine.anki2"))
    try:
        for k, some in enumerate((read, changed)):
            cards.write_deck(some, tmp_path / f"{k}.apkg")
            how = collection.ImportAnkiPackageOptions()
            package = str(tmp_path / f"{k}.apkg")
            mine.import_anki_package(collection.ImportAnkiPackageRequest(package_path=package, options=how))
            assert mine.note_count() == mine.card_count() == 2
        names = {deck.name for deck in mine.decks.all_names_and_ids()}
        assert names >= {f"{cards.NAME}::03. RNN", f"{cards.NAME}::05. BPTT"}
        (note,) = (mine.get_note(n) for n in mine.find_notes('deck:"*03*"'))
        assert note.guid == "card-1"
        assert note["Question"] == r"What is \({h_{t-1}}\)?"
        assert "<a" not in note.cards()[0].answer()
    finally:
        mine.close()
