"""Each chapter as a notebook that can be downloaded from its page.

The text comes from the page as Sphinx resolved it (see `markdown`), the code from the chapter's own
cells. The theme offers `_sources/<page>.ipynb` in its download menu once a page names it.
"""

import base64
import mimetypes
import pathlib
import urllib.parse

import nbformat
from docutils import nodes
from myst_nb.core.read import read_myst_markdown_notebook
from pybtex.backends.markdown import Backend
from pybtex.plugin import find_plugin
from sphinx.util import logging

from course_site.markdown import UnknownNode, Writer, escape

LOG = logging.getLogger(__name__)
# What a tag of the book means for the same cell in Jupyter.
HIDES_SOURCE = {"hide-input", "hide-cell", "remove-input", "remove-cell"}
HIDES_OUTPUT = {"hide-output", "hide-cell"}


def parts_of(node, depth=0):
    """The page from top to bottom, as (kind, part, heading level): "heading", "text", or "code" and its index."""
    for child in node.children:
        if isinstance(child, nodes.section):
            yield from parts_of(child, depth + 1)
        elif isinstance(child, nodes.title):
            yield "heading", child, depth
        else:
            yield from part_of(child, depth + 1)


def part_of(node, depth):
    """One node below a section: the code cells in it, or its text."""
    cells = [n["cell_index"] for n in node.findall(nodes.container) if n.get("nb_element") == "cell_code"]
    if cells:
        yield from (("code", index, None) for index in cells)
    else:
        yield "text", node, depth


def code_cell(cell, number):
    """A chapter's code cell with its tags, and what they mean for Jupyter."""
    new = nbformat.v4.new_code_cell(cell.source, id=f"code-{number}")
    tags = cell.metadata.get("tags", [])
    if tags:
        new.metadata["tags"] = list(tags)
    hidden = {}
    if HIDES_SOURCE & set(tags):
        hidden["source_hidden"] = True
    if HIDES_OUTPUT & set(tags):
        hidden["outputs_hidden"] = True
    if hidden:
        new.metadata["jupyter"] = hidden
    return new


def markdown_cell(text, number, images):
    """A text cell, with the pictures that it shows attached to it."""
    new = nbformat.v4.new_markdown_cell(text, id=f"text-{number}")
    shown = {name: data for name, data in images.items() if f"(attachment:{name})" in text}
    if shown:
        new.attachments = {
            name: {mimetypes.guess_type(name)[0] or "image/png": base64.b64encode(data).decode()}
            for name, data in shown.items()
        }
    return new


def install_note(title, code):
    """What a reader must install to run the notebook."""
    extras = "student,torch" if any("torch" in source for source in code) else "student"
    return (
        f"*“{title}”, from the course Recurrent Networks, Unrolled, as a notebook.*\n\n"
        "To run it you need Python 3.11 or newer and a copy of the course. In the folder of the course, "
        f'in a virtual environment:\n\n```\npip install ".[{extras}]"\njupyter lab\n```\n\n'
        "Then open this notebook and run its cells from the top. Text: CC BY 4.0. Code: MIT."
    )


class Plain(Backend):
    """pybtex's Markdown with only those signs escaped that need it."""

    def format_str(self, text):
        """Text as Markdown."""
        return escape(text)


def cited(app, docname):
    """The works that a page cites, as Markdown lines in the style of the bibliography."""
    domain = app.env.get_domain("cite")
    keys = {t.key for ref in domain.citation_refs if ref.docname == docname for t in ref.targets}
    entries = [e for key, e in domain.bibdata.data.entries.items() if key in keys]
    style = find_plugin("pybtex.style.formatting", app.config.bibtex_default_style)()
    lines = [e.text.render(Plain()).replace("\n", " ") for e in style.format_entries(entries)]
    return "\n".join(f"- {line}" for line in lines)


def read_picture(app, uri):
    """A picture's bytes. By now Sphinx has given it the address that it will have in the site."""
    sources = {name: source for source, name in app.builder.images.items()}
    name = urllib.parse.unquote(uri.rsplit("/", 1)[-1])
    return (pathlib.Path(app.srcdir) / sources.get(name, uri)).read_bytes()


def convert(app, docname, doctree):
    """A page as a notebook without outputs, or None where it has no code."""
    source = pathlib.Path(app.env.doc2path(docname))
    cells = read_myst_markdown_notebook(source.read_text(encoding="utf-8")).cells
    left = [k for k, cell in enumerate(cells) if cell.cell_type == "code"]
    if not left:
        return None
    writer = Writer(app.builder, docname, lambda uri: read_picture(app, uri))
    notebook, text = nbformat.v4.new_notebook(), []
    notebook.metadata.kernelspec = {"display_name": "Python 3", "language": "python", "name": "python3"}
    notebook.metadata.language_info = {"name": "python"}
    title = app.env.titles[docname].astext()
    text.append(install_note(title, [cells[k].source for k in left]))

    def flush():
        if text:
            number = len(notebook.cells)
            notebook.cells.append(markdown_cell("\n\n".join(text), number, writer.images))
            text.clear()

    for kind, part, depth in parts_of(doctree):
        if kind == "code":
            flush()
            # A cell that the page leaves out altogether still runs before the next one.
            while left and left[0] <= part:
                notebook.cells.append(code_cell(cells[left.pop(0)], len(notebook.cells)))
            continue
        if kind == "heading":
            flush()
        written = writer.block(part, depth) if kind == "text" else f"{'#' * depth} {writer.inline(part)}"
        if written.strip():
            text.append(written)
    flush()
    for k in left:
        notebook.cells.append(code_cell(cells[k], len(notebook.cells)))
    references = cited(app, docname)
    if references:
        text.append(f"## References\n\n{references}")
        flush()
    nbformat.validate(notebook)
    return notebook


def _offer(app, pagename, templatename, context, doctree):
    if doctree is None or app.builder.format != "html" or not app.env.doc2path(pagename).endswith(".md"):
        return
    try:
        notebook = convert(app, pagename, doctree)
    except UnknownNode as unknown:
        LOG.warning("%s: the notebook cannot show a node of kind %s; see course_site/markdown.py", pagename, unknown)
        return
    if notebook is not None:
        context["ipynb_source"] = f"{pagename}.ipynb"
        path = pathlib.Path(app.outdir, "_sources", context["ipynb_source"])
        path.parent.mkdir(parents=True, exist_ok=True)
        nbformat.write(notebook, path)


def connect(app):
    """Write the notebook when the page is written, before the theme builds its download menu."""
    app.connect("html-page-context", _offer, priority=400)
