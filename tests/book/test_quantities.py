"""One data file for a quantity's symbols, its names in the code and its marks in figures: none of a page is missing."""

import re

import page_script
import pytest
from course_site import quantities
from course_site.execution import ROOT

PAGES = quantities.known()["pages"]
# Names in the package's listings that are no quantity of the course: sizes and places, functions, what holds others.
OTHER = {
    *(
        "Any",
        "Array",
        "H",
        "T",
        "_",
        "axis",
        "cache",
        "caches",
        "cell",
        "copy",
        "dtype",
        "empty",
        "now",
        "np",
        "params",
    ),
    *(
        "shape",
        "state",
        "dstate",
        "sum",
        "t",
        "tanh",
        "sigmoid",
        "split",
        "concatenate",
        "zeros",
        "zeros_like",
        "total",
    ),
    *("HState", "LSTMState", "LSTMParams", "LSTMCache", "RNNParams", "RNNCache", "GRUParams", "GRUCache", "_make"),
    *("NONLINEARITIES", "nonlinearity", "phi", "phi_derivative", "sigmoid_derivative", "tanh_derivative", "_replace"),
    *("reset", "step_backward", "truncated_bptt", "window"),
    *("dx", "dr", "drh", "h_into_n", "tanh_c"),  # steps on the way from one quantity to another
}


@pytest.mark.parametrize("name", quantities.known()["quantities"])
def test_a_quantity_is_on_the_notation_page(name):
    """What it is called there, and its shape, which is written nowhere else."""
    quantity = quantities.known()["quantities"][name]
    assert quantity["notation"] in quantities.shapes(), quantity["notation"]
    assert set(quantity) <= {"symbol", "role", "notation", "what", "like", "tex", "names", "labels"}
    if name not in ("w", "loss", "dW"):
        assert quantities.shape_of(quantity).startswith("("), name


@pytest.mark.parametrize("page", PAGES)
def test_every_coloured_symbol_of_a_page_is_a_quantity(page):
    text = (ROOT / "book" / f"{page}.md").read_text(encoding="utf-8")
    used = set(re.findall(r"\\v[a-z]+(?=\{)", text)) - {r"\varphi", r"\varepsilon"}
    written = {tex for name in PAGES[page] for tex in quantities.known()["quantities"][name]["tex"]}
    assert used - written == set()


@pytest.mark.parametrize("page", PAGES)
def test_every_listed_name_of_a_page_is_a_quantity_or_known_as_none(site, page):
    body = (site / f"{page}.html").read_text(encoding="utf-8")
    listed = "".join(quantities.LISTING.findall(body))
    assert set(quantities.NAME.findall(listed)) - OTHER == set()
    assert len(set(re.findall(r'class="n q-([\w-]+)"', listed))) >= 8


def test_every_label_of_the_data_is_a_label_of_a_figure(site):
    shown = set()
    for page in PAGES:
        for figure in page_script.figures_in((site / f"{page}.html").read_text(encoding="utf-8")):
            shown |= {control["label"] for control in figure["controls"]}
            for panel in figure["panels"]:
                shown |= {part["name"] for part in panel.get("curves", []) + panel.get("items", [])}
                for box in panel.get("layout", {}).get("boxes", []):
                    shown.add(re.sub("[₀-₉]", "", f"{box['label']} {box.get('symbol', '')}").strip())
    known = {label for one in quantities.known()["quantities"].values() for label in one["labels"]}
    assert known - shown == set()


def test_symbols_are_marked_and_words_are_not():
    def marked(tex):
        body = f'<div class="math notranslate nohighlight"><a>a</a>\\[{tex}\\]</div>'
        return quantities.mark(body, "08-gru").partition("\\[")[2].removesuffix("\\]</div>")

    assert quantities.mark("<a>\\vh{t} a</a>", "08-gru") == "<a>\\vh{t} a</a>"
    assert quantities.mark('<div class="math notranslate nohighlight"><a>a</a>', "08-gru").count("q-") == 0
    assert marked(r"\vh{t-1}") == r"\class{q-h}{\vh{t-1}}"
    assert marked(r"\mathrm{d}\vh{t}") == r"\class{q-dh}{\mathrm{d}\vh{t}}"
    assert marked(r"\frac{\mathrm{d} L}{\mathrm{d} x}") == r"\frac{\mathrm{d} \class{q-loss}{L}}{\mathrm{d} x}"
    assert marked(r"W_{hn}^{\mathsf T}") == r"\class{q-W-hh}{W_{hn}}^{\mathsf T}"
    assert marked("a_{hn} + a_n + b_{hn} + b_n") == (
        r"\class{q-a-hn}{a_{hn}} + \class{q-a}{a_n} + \class{q-b-hn}{b_{hn}} + \class{q-b}{b_n}"
    )
    assert marked(r"\text{a b} \begin{aligned} \odot \alpha") == r"\text{a b} \begin{aligned} \odot \alpha"


def test_names_are_marked_in_listings_of_the_package_alone():
    span = '<span class="n">z</span>'
    listing = f'<div class="highlight-python notranslate"><pre>{span}</pre></div>'
    assert 'class="n q-z"' in quantities.mark(listing, "08-gru")
    assert quantities.mark(listing, "07-lstm") == listing
    assert quantities.mark(f'<div class="highlight-ipython3"><pre>{span}</pre></div>', "08-gru").count("q-") == 0


CELLS = {"RNN": "rnn", "plain RNN": "rnn", "LSTM": "lstm", "GRU": "gru"}


def named(panel):
    """(name, role) of what a panel draws."""
    found = [(curve["name"], curve["role"]) for curve in panel.get("curves", [])]
    found += [(item["name"], item["role"]) for item in panel.get("items", [])]
    found += [(track["name"], track["role"]) for track in panel.get("tracks", [])]
    return found + list(zip(panel["names"], panel["roles"], strict=True) if panel["kind"] == "bars" else [])


def colour(role):
    """The colour variable of a role: two roles may share one."""
    css = (ROOT / "course_pkg" / "widgets" / "explorer.css").read_text(encoding="utf-8")
    return re.search(rf"\.role-{role}(?![\w-])[^{{]*\{{ color: var\(--role-([a-z-]+)\)", css)[1]


def test_what_has_a_colour_of_its_own_has_it_in_every_figure(site):
    """A cell on all pages, a quantity on the pages that speak of it, under the name that the figure gives it."""
    known, seen = quantities.known(), set()
    for path in sorted(site.glob("*.html")):
        own = [known["quantities"][name] for name in known["pages"].get(path.stem, [])]
        wanted = CELLS | {label: one["role"] for one in own for label in one["labels"]}
        for figure in page_script.figures_in(path.read_text(encoding="utf-8")):
            for name, role in (pair for panel in figure["panels"] for pair in named(panel)):
                if name in wanted:
                    seen.add(name)
                    assert colour(role) == colour(wanted[name]), (path.stem, figure["title"], name)
    assert set(CELLS) <= seen
    assert len(seen) > 12
