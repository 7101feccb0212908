"""One quantity, everywhere: its symbol in equations, its names in listings and its marks in figures are one on a page.

`quantities.json` beside this file says which quantities a page speaks of, how each is written in TeX, which names it
has in the package's code and how figures label it. Its shape is read from the notation page, so that it stands in one
place. Here symbols and names get a class, `q-f` for the forget gate; book/_page/quantities.js lights what has the same.

In `tex`, \\vf is the macro with its index, `a_*` a letter with any index, W_{x*} an index that begins so, and a `d`
before it the gradient, as the book writes it: \\mathrm{d}a_t.
"""

import functools
import json
import pathlib
import re

from course_site.execution import ROOT

DATA = pathlib.Path(__file__).with_name("quantities.json")
NOTATION = ROOT / "book" / "notation.md"
MATHS = re.compile(r'<(span|div) class="math notranslate nohighlight".*?</\1>', re.DOTALL)
TEX = re.compile(r"(?<!\\)\\[(\[].*?(?<!\\)\\[)\]]", re.DOTALL)  # beside it stands the number of an equation
LISTING = re.compile(r'<div class="highlight-python.*?</pre>', re.DOTALL)  # of the package's files, not a page's cells
NAME = re.compile(r'<span class="n">(\w+)</span>')
INDEX = r"\{(?:[^{}]|\{[^{}]*\})*\}"
# TeX that is no symbol: words, names of environments, and what has a class already.
SKIPPED = r"\\(?:text|operatorname|label|tag|begin|end|class|mathsf|mathrm)\{(?!d\})[^{}]*\}"


@functools.cache
def known():
    """The data file: which quantities stand on which page, and what each is."""
    return json.loads(DATA.read_text(encoding="utf-8"))


@functools.cache
def shapes():
    """The notation page's rows as {TeX of the symbol: shape}; a row of several symbols gives each its shape."""
    found = {}
    for line in NOTATION.read_text(encoding="utf-8").splitlines():
        cells = re.split(r"\s*\|\s*", line.strip().strip("|").strip())
        if not line.startswith("|") or len(cells) != 4:
            continue
        symbols = re.findall(r"\$([^$]+)\$", cells[0])
        # One table of symbols has a column for the code before that for the shape, the other has none.
        shape = cells[1] if cells[1].startswith("(") else cells[2]
        apart = re.findall(r"\([^()]*\)", shape)
        for k, symbol in enumerate(symbols):
            own = apart[k] if len(apart) == len(symbols) > 1 else shape
            found.setdefault(symbol, own if own.startswith("(") else "")
    return found


def shape_of(quantity):
    """The shape of a quantity: a gradient has that of what it is the gradient of."""
    like = quantity.get("like")
    return shape_of(known()["quantities"][like]) if like else shapes()[quantity["notation"]]


def _pattern(tex):
    before, lead = r"(?<![A-Za-z\\_{])", ""
    if tex.startswith("d"):
        before, lead, tex = "", r"\\mathrm\{d\}", tex[1:]
    if tex.startswith("\\"):
        return before.replace(r"\\", "") + lead + re.escape(tex) + rf"(?:{INDEX})"
    letter, _, index = tex.partition("_")
    if not index:
        return rf"{before}{lead}{letter}(?![A-Za-z_])"
    if index == "*":
        return rf"{before}{lead}{letter}_(?:[A-Za-z0-9]|{INDEX})"
    return before + lead + re.escape(f"{letter}_{index}").replace(r"\*", "[^{}]*")


@functools.cache
def _symbols(page):
    """One pattern for all symbols of a page, and the quantity of each of its groups. Longer forms come first."""
    forms = [(tex, name) for name in known()["pages"][page] for tex in known()["quantities"][name]["tex"]]
    forms.sort(key=lambda form: (not form[0].startswith("d"), "*" in form[0], -len(form[0])))
    parts = [f"({_pattern(tex)})" for tex, _ in forms]
    return re.compile("|".join([SKIPPED, *parts])), [name for _, name in forms]


def mark(body, page):
    """A page's HTML with the classes of its quantities in equations and listings."""
    pattern, owners = _symbols(page)
    names = {name: q for q in known()["pages"][page] for name in known()["quantities"][q]["names"]}

    def symbol(found):
        if found.lastindex is None:
            return found[0]
        return rf"\class{{q-{owners[found.lastindex - 1]}}}{{{found[0]}}}"

    def maths(found):
        return TEX.sub(lambda tex: pattern.sub(symbol, tex[0]), found[0])

    def name(found):
        own = names.get(found[1])
        return f'<span class="n q-{own}">{found[1]}</span>' if own else found[0]

    return LISTING.sub(lambda found: NAME.sub(name, found[0]), MATHS.sub(maths, body))


def told(page):
    """What the page's script knows of each quantity: how it is written, what it is, and how figures label it."""
    found = {}
    for name in known()["pages"][page]:
        quantity = known()["quantities"][name]
        shape = shape_of(quantity)
        said = quantity["what"] + (f"; shape {shape}" if shape else "")
        code = ", ".join(quantity["names"])
        found[name] = {k: quantity[k] for k in ("symbol", "role", "labels")} | {"said": said, "code": code}
    return found


def _mark(app, pagename, templatename, context, doctree):
    if doctree is not None and pagename in known()["pages"]:
        context["body"] = mark(context["body"], pagename)


def connect(app):
    """Mark a page after its notebook is made from the same equations and before its script is chosen."""
    app.connect("html-page-context", _mark, priority=390)
