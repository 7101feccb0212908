"""Review cards: questions of one line with a short answer, for the page and for Anki.

    :::{flashcard} What does ... ?
    The answer.
    :::

Each section of the page is a chapter. Without a script a card is its question over a closed answer. The deck is read
from the finished page, so that both say the same: one note for each card, in a deck of each chapter. A note keeps its
identity as long as its question does, and whoever takes a newer deck keeps the dates of what they have learned.
"""

import hashlib
import importlib.util
import re
from pathlib import Path

from docutils import nodes
from sphinx.util import logging
from sphinx.util.docutils import SphinxDirective

PAGE, DECK, NAME = "cards", "recurrent-networks-unrolled.apkg", "Recurrent Networks, Unrolled"
STYLE = ".card { font: 20px/1.5 sans-serif; max-width: 34em; margin: 0 auto; text-align: left; }"
LOGGER = logging.getLogger(__name__)


def can_make_decks():
    """Whether Anki's own library, of the extra `cards`, is there."""
    return importlib.util.find_spec("anki") is not None


class Flashcard(SphinxDirective):
    """A card: the question is the argument, the answer the content."""

    required_arguments, final_argument_whitespace, has_content = 1, True, True

    def run(self):
        """The question as a paragraph, the answer in `details`."""
        self.assert_has_content()
        asked, messages = self.parse_inline(self.arguments[0])
        answer = nodes.container(classes=["flashcard-answer"])
        answer += self.parse_content_to_nodes()
        card = nodes.container(classes=["flashcard"], ids=[identity(self.arguments[0])])
        card += nodes.paragraph("", "", *asked, classes=["flashcard-question"])
        card += nodes.raw("", "<details><summary>Answer</summary>", format="html")
        card += answer
        card += nodes.raw("", "</details>", format="html")
        return [card, *messages]


class DeckLink(SphinxDirective):
    """Where the deck can be downloaded, or that this copy of the site has none."""

    def run(self):
        """One paragraph."""
        if not can_make_decks():
            why = "This copy of the site was built without Anki's library, so it has no deck to download."
            return [nodes.paragraph("", why)]
        link = f'<a class="flashcard-deck" href="{DECK}" download>Download the deck for Anki</a>'
        return [nodes.paragraph("", "", nodes.raw("", link, format="html"))]


def plain_tex(text, macros):
    """Formulas without the site's own macros, which Anki does not know: \\vh{t} becomes {h_{t}}."""
    one = r"\{((?:[^{}]|\{[^{}]*\})*)\}"
    for name, macro in macros.items():
        body, count = (macro, 0) if isinstance(macro, str) else macro
        body = re.sub(r"\\class\{[^}]*\}", "", body)

        def put(match, body=body):
            for k, argument in enumerate(match.groups(), 1):
                body = body.replace(f"#{k}", argument)
            return body

        text = re.sub(rf"\\{name}(?![A-Za-z])" + r"\s*" * bool(count) + one * count, put, text)
    return text


def read_cards(html, macros):
    """The cards of a built page: (identity, deck, question, answer) of each. Raises ValueError without a deck."""
    from bs4 import BeautifulSoup

    found = []
    for card in BeautifulSoup(html, "html.parser").select(".flashcard"):
        section = card.find_parent("section")
        heading = section and section.find(["h2"], recursive=False)
        if heading is None:
            raise ValueError(f"a card stands under no chapter: {card.get_text()[:60]}")
        for link in (*heading.select(".headerlink"), *card.select(".headerlink")):
            link.decompose()
        for link in card.select("a"):
            link.unwrap()  # an address within the site leads nowhere in Anki
        sides = [card.select_one(f".flashcard-{side}").decode_contents().strip() for side in ("question", "answer")]
        deck = re.sub(r"^\d+", lambda m: m[0].zfill(2), heading.get_text().strip())  # Anki sorts by letters
        found.append((card["id"], deck, *(plain_tex(side, macros) for side in sides)))
    return found


def identity(question):
    """The name of a card, on the page and in Anki: the same as long as its question is."""
    return "card-" + hashlib.sha256(" ".join(question.split()).encode()).hexdigest()[:12]


def write_deck(cards, path):
    """Write cards as a package for Anki: a note each. Anki's library does it, so that every Anki can read it."""
    import tempfile

    from anki.collection import Collection, DeckIdLimit, ExportAnkiPackageOptions

    with tempfile.TemporaryDirectory() as folder:
        collection = Collection(str(Path(folder) / "collection.anki2"))
        try:
            kind = _note_type(collection)
            for name, deck, question, answer in cards:
                note = collection.new_note(kind)
                note["Question"], note["Answer"], note.guid = question, answer, name
                collection.add_note(note, collection.decks.id(f"{NAME}::{deck}"))
            whole = DeckIdLimit(collection.decks.id(NAME))
            how = ExportAnkiPackageOptions(
                with_scheduling=False, with_deck_configs=False, with_media=False, legacy=True
            )
            collection.export_anki_package(out_path=str(path), options=how, limit=whole)
        finally:
            collection.close()


def _note_type(collection):
    models = collection.models
    kind = models.new(NAME)
    for field in ("Question", "Answer"):
        models.add_field(kind, models.new_field(field))
    side = models.new_template("Card")
    side["qfmt"], side["afmt"] = "{{Question}}", "{{FrontSide}}<hr id=answer>{{Answer}}"
    models.add_template(kind, side)
    kind["css"] = STYLE
    models.add_dict(kind)
    return models.by_name(NAME)


def _write(app, exception):
    page = Path(app.outdir) / f"{PAGE}.html"
    if exception is not None or app.builder.format != "html" or not page.exists() or not can_make_decks():
        return
    macros = app.config.mathjax3_config["tex"]["macros"]
    cards = read_cards(page.read_text(encoding="utf-8"), macros)
    deck = Path(app.outdir) / DECK
    write_deck(cards, deck)
    deck.chmod(0o644)  # Anki makes it the user's own, and a server may be somebody else
    LOGGER.info("%d review cards in %s", len(cards), DECK)


def connect(app):
    """Make the directives known to Sphinx, and write the deck beside the finished pages."""
    app.add_directive("flashcard", Flashcard)
    app.add_directive("flashcard-deck", DeckLink)
    app.connect("build-finished", _write)
