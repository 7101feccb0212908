"""Predictions that are made: the forms of a *Predict, then move* box.

The box is an admonition, and stays one on paper and without JavaScript. A `predictions` block at its end says in YAML
how each of its questions is answered, in the order of the questions:

    - at: {w: 2}                      where the figure's controls are led; the others stay where the figure starts
      number: now("weight at the end")[0]      a number, with `unit` and `within` where they are needed
    - choose:                         options, each with a condition; exactly one holds
        at 0.5: when({w:0.5})("reach")[0] > when({w:2})("reach")[0]
        at 2: otherwise
    - choose: [0.5, 0.8]              or options, and the place of the one that is right
      which: largest(grid("w").map((w) => when({w})("uses")[0]))
    - draw: state                     the curve of that name, drawn by the reader
    - why: true                       words, to be compared with the answer

The figure is the one above the box; `{predictions} next` takes the one below. `item` names the question that a form
belongs to where the order does not; `ask` says what is asked where a question asks for more than one thing.

What is right is an expression in JavaScript over the figure's table, so it is never typed: now(name) is what the
figure calls so at `at`, as a list of numbers, when({w:0.5})(name) the same elsewhere, and book/_page/values.js has
the other words. The scripts that ask are in book/_page; they are written into the page after those of the figures.
"""

import json
import re

import yaml
from docutils import nodes
from sphinx.errors import ExtensionError
from sphinx.util.docutils import SphinxDirective

KINDS = {"choose": list | dict, "number": str, "draw": str, "why": bool}
MORE = {"at": dict, "item": int, "ask": str, "unit": str, "within": float | int, "which": str, "panel": int}
# A MathJax macro of the book, or a sign of its own, as plain text.
PLAIN = ((r"\\v(\w)\{([^}]*)\}", r"\1_\2"), (r"\\(?:mathrm|text)\{([^}]*)\}", r"\1"), (r"\\([a-zA-Z]+)", r"\1"))


class Loader(yaml.SafeLoader):
    """YAML in which Yes and No are words, as options of a question are."""


Loader.yaml_implicit_resolvers = {
    first: [(tag, found) for tag, found in known if tag != "tag:yaml.org,2002:bool" or first in "tTfF"]
    for first, known in yaml.SafeLoader.yaml_implicit_resolvers.items()
}


class Bad(ValueError):
    """A block that says something else than it may."""


def questions(text):
    """The questions of a block as a list of dicts. Raises Bad with what is wrong."""
    try:
        given = yaml.load(text, Loader)
    except yaml.YAMLError as error:
        raise Bad(f"no YAML: {error}") from error
    if not isinstance(given, list) or not given:
        raise Bad("wanted a list of questions")
    return [_question(k, one) for k, one in enumerate(given, 1)]


def _question(k, one):
    kinds = [kind for kind in KINDS if isinstance(one, dict) and kind in one]
    if len(kinds) != 1:
        raise Bad(f"question {k}: got {kinds}, wanted one of {', '.join(KINDS)}")
    for name, value in one.items():
        wanted = {**KINDS, **MORE}.get(name)
        if wanted is None or not isinstance(value, wanted):
            raise Bad(f"question {k}: {name} is {value!r}, wanted {wanted or 'no such thing'}")
    kind = kinds[0]
    if kind == "choose" and (isinstance(one["choose"], list) != ("which" in one) or not 2 <= len(one["choose"]) <= 8):
        raise Bad(f"question {k}: choose wants two to eight options: a list with `which`, or conditions")
    return one


def _function(expression):
    # The words of book/_page/values.js that the expression uses, so that the page names them where they come from.
    words = ("when", "now", "grid", "last", "max", "min", "largest", "smallest", "count", "median", "apart")
    used = [word for word in words if re.search(rf"(?<![\w.\"]){word}\(", expression)]
    return f"({{ {', '.join(used)} }}) => ({expression})"


def as_script(question, asked):
    """A question as a JavaScript object."""
    (kind,) = (kind for kind in KINDS if kind in question)
    plain = {"kind": kind, "asked": asked, "at": question.get("at", {})}
    plain |= {name: question[name] for name in ("item", "ask", "unit", "within", "panel") if name in question}
    code = {}
    if kind == "number":
        code["value"] = _function(question["number"])
    elif kind == "draw":
        plain["curve"] = question["draw"]
    elif kind == "choose":
        plain["options"] = [str(option) for option in question["choose"]]
        if "which" in question:
            code["which"] = _function(question["which"])
        else:
            code["holds"] = f"[{', '.join(_conditions(question['choose'].values()))}]"
    body = json.dumps(plain, ensure_ascii=False)[1:-1]
    return "{" + ", ".join([body, *(f"{name}: {text}" for name, text in code.items())]) + "}"


def _conditions(given):
    given = [str(condition) for condition in given]
    others = " || ".join(f"({condition})" for condition in given if condition != "otherwise")
    return [_function(f"!({others})" if condition == "otherwise" else condition) for condition in given]


def plain(text):
    """A question's text without TeX, in one line: what is kept with an answer, and what it belongs to."""
    for pattern, by in PLAIN:
        text = re.sub(pattern, by, text)
    return " ".join(re.sub(r"[{}]", "", text).split())


class Predictions(SphinxDirective):
    """The block in a box; see above."""

    has_content = True
    optional_arguments = 1  # next: the figure that follows

    def run(self):
        """A mark at which the page's script puts the forms, with the questions for whoever writes the page."""
        try:
            asked = questions("\n".join(self.content))
        except Bad as bad:
            raise self.error(f"predictions: {bad}") from bad
        mark = nodes.raw("", '<div class="predictions" hidden></div>', format="html")
        mark["predictions"], mark["after"] = asked, self.arguments == ["next"]
        return [mark]


def boxes(doctree, body, pagename):
    """For each block of a page, as JavaScript: which of the live figures stands before it, and its questions."""
    marks = [node for node in doctree.findall(nodes.raw) if "predictions" in node]
    found, figures, made = re.finditer(r'class="(course-explorer|predictions)"', body), -1, []
    for mark in found:
        if mark[1] == "course-explorer":
            figures += 1
            continue
        node = marks[len(made)]
        figure = figures + node["after"]
        if not 0 <= figure < body.count('class="course-explorer"'):
            raise ExtensionError(f"{pagename}: a prediction without a figure")
        items = [plain(item.astext()) for item in _items(node)]
        given = node["predictions"]
        texts = [items[q.get("item", k) - 1 if len(items) > 1 else 0] for k, q in enumerate(given, 1)]
        asked = ",\n    ".join(as_script(q, text) for q, text in zip(given, texts))
        made.append(f"  {{figure: {figure}, questions: [\n    {asked}]}}")
    return "[\n" + ",\n".join(made) + "\n]"


def _items(node):
    """The questions of a box: the items of its list, or its first paragraph."""
    box = node.parent
    lists = [child for child in box.children if isinstance(child, nodes.enumerated_list)]
    return lists[0].children if lists else [next(c for c in box.children if isinstance(c, nodes.paragraph))]


def connect(app):
    """Make the directive known to Sphinx; `asking` writes the script."""
    app.add_directive("predictions", Predictions)
