"""A page, as Sphinx has resolved it, written as plain Markdown.

By this time listings are expanded, citations and cross-references have their text, and equations their
numbers. What is left is to write each kind of node. A kind that is not known here is an error, so that
nothing disappears from a notebook unseen.
"""

import html
import re
from types import SimpleNamespace

from docutils import nodes
from sphinx.util.math import get_node_equation_number

from course_site.tex import expand

NOTHING = {
    *("comment", "index", "meta", "substitution_definition", "target", "toctree", "tabular_col_spec", "colspec"),
    *("label", "pending", "sd_tab_input", "ExecutionStatsNode"),
}
TRANSPARENT = {
    *("compound", "container", "div", "document", "glossary", "legend", "only", "tbody", "thead", "HideCodeCellNode"),
    *("sd_tab_set", "sd_tab_item", "header", "line_block"),
}
INLINE = {
    *(
        "abbreviation",
        "caption",
        "classifier",
        "compact_paragraph",
        "download_reference",
        "dropdown_title",
        "generated",
    ),
    *("inline", "line", "number_reference", "paragraph", "PassthroughTextElement", "rubric", "sd_badge"),
    *("sd_line_break", "sd_tab_label", "term", "title", "title_reference"),
}
NOT_A_LANGUAGE = {"default", "none", "myst-ansi"}
WRAPPED = {"emphasis": "*{}*", "strong": "**{}**", "subscript": "<sub>{}</sub>", "superscript": "<sup>{}</sup>"}
ADMONITIONS = {
    *("admonition", "attention", "caution", "danger", "error", "hint", "important", "note", "seealso", "sidebar"),
    *("tip", "topic", "warning"),
}


class UnknownNode(Exception):
    """A kind of node that this module cannot write."""


def escape(text):
    """Text that Markdown would take for markup, made literal."""
    text = re.sub(r"([\\`*$<])", r"\\\1", text)
    return re.sub(r"(?<![A-Za-z0-9])_|_(?![A-Za-z0-9])", r"\\_", text)


def indent(text, first, rest):
    """`text` with `first` before its first line and `rest` before every further one."""
    head, *tail = text.split("\n")
    return "\n".join([first + head, *(rest + line if line else rest.rstrip() for line in tail)])


class Writer:
    """Writes nodes as Markdown. `read_image(uri)` gives a picture's bytes, kept in `images` by file name."""

    def __init__(self, builder, docname, read_image):
        self.builder, self.docname, self.read_image = builder, docname, read_image
        self.macros = ((builder.config.mathjax3_config or {}).get("tex") or {}).get("macros", {})
        self.images = {}

    def blocks(self, children, depth=1):
        """Several nodes, a blank line between each two."""
        return "\n\n".join(filter(None, (self.block(child, depth) for child in children)))

    def inline(self, node):
        """A node within a line."""
        kind = type(node).__name__
        inside = lambda: "".join(map(self.inline, node.children))  # noqa: E731
        if isinstance(node, nodes.Text):
            return escape(str(node).replace("\n", " "))
        if kind in NOTHING:
            return ""
        if kind in WRAPPED:
            return WRAPPED[kind].format(inside())
        if kind == "literal":
            fence = "``" if "`" in node.astext() else "`"
            return f"{fence}{node.astext()}{fence}"
        if kind == "math":
            return f"${expand(node.astext(), self.macros)}$"
        if kind == "math_block":  # between dollar signs within a paragraph
            return f"\n\n{self._math_block(node, 0)}\n\n"
        if kind == "reference":
            url = node.get("refuri", "")
            return f"[{inside()}]({url})" if url.startswith(("http:", "https:", "mailto:")) else inside()
        if kind == "footnote_reference":
            return f"<sup>{inside()}</sup>"
        if kind == "image":
            return self._picture(node)
        if kind == "raw" and "predictions" in node:
            return ""  # the mark of a form that only the page has
        if kind == "raw":
            return node.astext() if node.get("format") == "html" and "<svg" not in node.astext() else ""
        if kind in INLINE:
            return inside()
        raise UnknownNode(kind)

    def block(self, node, depth=1):
        """A node that stands by itself; headings inside it are at level `depth`."""
        kind = type(node).__name__
        if kind in NOTHING or "site-only" in node.get("classes", ()):
            return ""
        if kind in TRANSPARENT:
            return self.blocks(node.children, depth)
        write = getattr(self, f"_{kind}", None)
        if write:
            return write(node, depth)
        if kind in ADMONITIONS:
            return self._admonition(node, depth)
        return self.inline(node)

    def _section(self, node, depth):
        title, *rest = node.children if isinstance(node.children[0], nodes.title) else [None, *node.children]
        heading = f"{'#' * depth} {self.inline(title)}" if title is not None else ""
        return "\n\n".join(filter(None, [heading, self.blocks(rest, depth + 1)]))

    def _paragraph(self, node, depth):
        text = self.inline(node).strip()
        return re.sub(r"^(\d+)([.)]\s)|^([#>+-]\s)", r"\1\\\2\3", text)

    def _rubric(self, node, depth):
        return f"**{self.inline(node)}**"

    _sd_tab_label = _rubric

    def _transition(self, node, depth):
        return "---"

    def _literal_block(self, node, depth):
        language = node.get("language", "")
        if "python" in language:
            language = "python"
        elif language in NOT_A_LANGUAGE:
            language = ""
        fence = "~~~" if "```" in node.astext() else "```"
        return f"{fence}{language}\n{node.astext().rstrip()}\n{fence}"

    _doctest_block = _literal_block

    def _math_block(self, node, depth):
        tex = expand(node.astext().strip(), self.macros)
        if r"\\" in tex and r"\begin{" not in tex:
            tex = f"\\begin{{split}}{tex}\\end{{split}}"
        if node.get("number"):
            number = get_node_equation_number(SimpleNamespace(builder=self.builder), node)
            tex += f" \\tag{{{number}}}"
        return f"$$\n{tex}\n$$"

    def _block_quote(self, node, depth):
        return indent(self.blocks(node.children, depth), "> ", "> ")

    def _admonition(self, node, depth):
        title, rest = type(node).__name__.capitalize(), node.children
        if rest and isinstance(rest[0], nodes.title):
            title, rest = self.inline(rest[0]), rest[1:]
        return indent(f"**{title}**\n\n{self.blocks(rest, depth)}", "> ", "> ")

    def _dropdown_main(self, node, depth):
        # Closed until asked for, in a notebook as in the page: the answer must not stand beside the question.
        title, *body = node.children
        text = self.blocks(body, depth)
        return f"<details>\n<summary>{self._summary(title).strip()}</summary>\n\n{text}\n\n</details>"

    def _summary(self, node):
        """A line inside HTML, where Markdown does not reach."""
        if isinstance(node, nodes.Text):
            return html.escape(str(node).replace("\n", " "), quote=False)
        kind = type(node).__name__
        if kind == "math" or kind == "raw":
            return self.inline(node)
        tag = {"emphasis": "em", "strong": "strong", "literal": "code"}.get(kind)
        inside = "".join(map(self._summary, node.children))
        return f"<{tag}>{inside}</{tag}>" if tag else inside

    def _bullet_list(self, node, depth):
        return "\n".join(indent(self.blocks(item.children, depth), "- ", "  ") for item in node.children)

    def _enumerated_list(self, node, depth):
        start, lines = node.get("start", 1), []
        for number, item in enumerate(node.children, start):
            mark = f"{number}. "
            lines.append(indent(self.blocks(item.children, depth), mark, " " * len(mark)))
        return "\n".join(lines)

    def _definition_list(self, node, depth):
        entries = []
        for item in node.children:
            terms = [self.inline(n) for n in item.children if isinstance(n, nodes.term)]
            meaning = [n for n in item.children if isinstance(n, nodes.definition)]
            body = self.blocks([c for n in meaning for c in n.children], depth)
            entries.append(f"**{', '.join(terms)}**: {body}")
        return "\n\n".join(entries)

    def _figure(self, node, depth):
        numbers = self.builder.env.toc_fignumbers.get(self.docname, {}).get("figure", {})
        number = next((numbers[i] for i in node["ids"] if i in numbers), None)
        parts = []
        for child in node.children:
            text = self.block(child, depth)
            if isinstance(child, nodes.caption):
                name = self.builder.config.numfig_format["figure"] % ".".join(map(str, number)) + ": " if number else ""
                text = f"*{name}{text}*"
            parts.append(text)
        return "\n\n".join(filter(None, parts))

    def _footnote(self, node, depth):
        label, *rest = node.children
        return f"[{label.astext()}] {self.blocks(rest, depth)}"

    def _table(self, node, depth):
        title = [f"**{self.inline(n)}**\n\n" for n in node.children if isinstance(n, nodes.title)]
        rows = [[self._cell(entry) for entry in row.children] for row in node.findall(nodes.row)]
        head, *body = [f"| {' | '.join(row)} |" for row in rows]
        return "".join(title) + "\n".join([head, "|" + " --- |" * len(rows[0]), *body])

    def _cell(self, entry):
        """One entry of a table, on one line."""
        text = self.blocks(entry.children)
        return re.sub(r"\s*\n\s*", " ", text).replace("|", r"\|")

    def _picture(self, node):
        """A picture, carried inside the notebook."""
        uri = node["uri"]
        if uri.startswith(("http:", "https:", "data:")):
            return f"![{node.get('alt', '')}]({uri})"
        name = uri.rsplit("/", 1)[-1]
        self.images[name] = self.read_image(uri)
        return f"![{node.get('alt', '')}](attachment:{name})"

    def _image(self, node, depth):
        return self._picture(node)
