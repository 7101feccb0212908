"""The scripts of book/_page, which answer the reader: they stand in a page's module, after those of the figures."""

import json

from course_pkg.widgets.explorer import EXPORT, IMPORT
from course_pkg.widgets.explorer import HERE as WIDGETS
from course_site import predictions, quantities
from course_site.execution import ROOT

PAGE = ROOT / "book" / "_page"
CARDS = ("schedule.js", "cards.js")
PREDICTING = ("values.js", "gaps.js", "answers.js", "pad.js", "summary.js", "predict.js")  # each after what it imports


def _joined(names):
    files = [(PAGE / name).read_text(encoding="utf-8") for name in names]
    return "\n".join(EXPORT.sub("", IMPORT.sub("", text)) for text in files)


def on_cards():
    """The module of the page of review cards: it has no figures, and needs one file of theirs."""
    elements = (WIDGETS / "elements.js").read_text(encoding="utf-8")
    return "\n".join([EXPORT.sub("", elements), _joined(CARDS)])


def on_page(pagename, doctree, body):
    """What a page's module says after the figures' script: only what the page has a use for."""
    said = []
    if doctree is not None and 'class="predictions"' in body:
        boxes = predictions.boxes(doctree, body, pagename)
        said += [_joined(PREDICTING), f"const PREDICTIONS = {boxes};", f"predict({json.dumps(pagename)}, PREDICTIONS);"]
    if doctree is not None and pagename in quantities.known()["pages"]:
        known = json.dumps(quantities.told(pagename), ensure_ascii=False)
        said += [_joined(["quantities.js"]), f"const QUANTITIES = {known};", "quantities(QUANTITIES);"]
    return "\n".join(["", *said, ""]) if said else ""
