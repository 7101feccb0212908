"""The reference: what autodoc reads from course_pkg, said in the book's way, and the way there from each listing.

The package's docstrings are plain sentences: `name` is code, an indented block is a table or a formula, and a star
or a bar is itself. So they are made safe for reStructuredText rather than written in it. Signatures are those of the
source. A record (NamedTuple) lists its fields, with what the source says beside each.

A literalinclude of a function in course_pkg gets a link to its entry, or to its module's where it has none of its own.
"""

import ast
import functools
import inspect
import re
import sys
from pathlib import Path

from docutils import nodes
from sphinx import addnodes
from sphinx.directives.code import LiteralInclude
from sphinx.transforms import SphinxTransform

from course_site.execution import ROOT

PACKAGE = ROOT / "course_pkg"


def plain(text):
    """One line of a docstring as reStructuredText that means the same characters; `name` becomes code."""
    parts = re.split(r"`([^`]+)`", text)
    return "".join(f"``{part}``\\ " if k % 2 else re.sub(r"([^\w\s]|_)", r"\\\1", part) for k, part in enumerate(parts))


def as_restructured(lines):
    """A docstring's lines with paragraphs kept and each indented block as it stands."""
    found, block = [], False
    for line in lines:
        if not line.strip():
            found.append("")
        elif line.startswith(" "):
            if not block:
                found += ["", "::", ""]
            block = True
            found.append("   " + line)
        else:
            if block:
                found.append("")
            block = False
            found.append(plain(line))
    return [*found, ""]


@functools.cache
def _tree(module):
    source = inspect.getsource(sys.modules[module])
    return ast.parse(source), source.splitlines()


def _node(module, qualname):
    """The syntax of a function or class, None where the module has none of that name."""
    body, node = _tree(module)[0].body, None
    for name in qualname.split("."):
        kinds = (ast.FunctionDef, ast.ClassDef)
        node = next((n for n in body if isinstance(n, kinds) and n.name == name), None)
        body = node.body if node else []
    return node


def fields(record):
    """[(name, annotation, what the comment beside it says)] of a NamedTuple, in order."""
    node, lines = _node(record.__module__, record.__qualname__), _tree(record.__module__)[1]
    found = []
    for field in node.body if node else []:
        if isinstance(field, ast.AnnAssign):
            after = lines[field.end_lineno - 1][field.end_col_offset :]
            found.append((field.target.id, ast.unparse(field.annotation), after.partition("#")[2].strip()))
    return found


def _docstring(app, what, name, obj, options, lines):
    generated = what == "class" and hasattr(obj, "_fields") and lines and lines[0].startswith(f"{obj.__name__}(")
    lines[:] = [] if generated else as_restructured(lines)
    if what == "class" and hasattr(obj, "_fields"):
        for field, annotation, comment in fields(obj):
            said = f", {plain(comment)}" if comment else ""
            lines += [f"- `{field}`: {plain(annotation)}{said}"]
        lines.append("")


def _signature(app, what, name, obj, options, signature, returned):
    """The arguments and annotations as the source has them: `Array` and not what NumPy makes of it."""
    if what == "class" and hasattr(obj, "_fields"):
        return f"({', '.join(obj._fields)})", None
    if what not in ("function", "method"):
        return None
    node = _node(obj.__module__, obj.__qualname__)
    if node is None:
        return None
    return f"({ast.unparse(node.args)})", ast.unparse(node.returns) if node.returns else None


def _skip(app, what, name, obj, skip, options):
    """The fields of a record are listed with it, and what a NamedTuple inherits is not ours."""
    return True if type(obj).__name__ == "_tuplegetter" else None


def _missing(app, env, node, contnode):
    """A name in an annotation, as its module knows it: `HState` in linear_cells is records.HState."""
    module, target = node.get("py:module"), node.get("reftarget", "")
    if node.get("refdomain") != "py" or module not in sys.modules:
        return None
    obj = sys.modules[module]
    for part in target.split("."):
        obj = getattr(obj, part, None)
    where = getattr(obj, "__module__", ""), getattr(obj, "__qualname__", "")
    full = ".".join(where) if all(where) else ""
    if target == "Array":
        full = "course_pkg.activations.Array"
    if full not in env.get_domain("py").objects:
        return None
    entry = env.get_domain("py").objects[full]
    return _link(app, node["refdoc"], entry, contnode)


def _link(app, docname, entry, content):
    address = app.builder.get_relative_uri(docname, entry.docname) + "#" + entry.node_id
    return nodes.reference("", "", content, refuri=address, internal=True)


def entry_of(objects, path, name):
    """(title, entry) in the reference for the function `name` of a file of the package, None where there is none."""
    parts = ["course_pkg", *path.relative_to(PACKAGE).with_suffix("").parts]
    rooms = [".".join(parts[:n]) for n in range(len(parts), 1, -1)]  # the module, then the room that offers its names
    for full in (*(f"{room}.{name}" for room in rooms), *rooms):
        if full in objects:
            return full.removeprefix("course_pkg."), objects[full]
    return None


class Listing(LiteralInclude):
    """literalinclude that remembers which function of the package it shows."""

    def run(self):
        """The listing, marked where it is of the package."""
        found = super().run()
        path = Path(self.env.relfn2path(self.arguments[0])[1]).resolve()
        if path.is_relative_to(PACKAGE) and self.options.get("pyobject"):
            for node in found:
                for listing in node.findall(nodes.literal_block):
                    listing["course_object"] = (str(path), self.options["pyobject"])
        return found


def _link_listings(app, doctree, docname):
    if app.builder.format != "html":
        return
    objects = app.env.get_domain("py").objects
    for listing in list(doctree.findall(nodes.literal_block)):
        path, name = listing.get("course_object", (None, None))
        found = entry_of(objects, Path(path), name) if path else None
        if found:
            title, entry = found
            link = _link(app, docname, entry, nodes.literal(title, title))
            line = nodes.paragraph("", "", link, classes=["listing-reference", "site-only"])
            line.insert(0, nodes.Text("In the reference: "))
            listing.parent.insert(listing.parent.index(listing) + 1, line)


class OutOfTheIndex(SphinxTransform):
    """The index is of terms; hundreds of names of functions would bury them. Search finds those."""

    default_priority = 800  # before the index reads the page, at 850

    def apply(self):
        """Take the entries of a page of the reference away."""
        if self.env.docname.startswith("api"):
            for entry in list(self.document.findall(addnodes.index)):
                entry.parent.remove(entry)


def connect(app):
    """Read docstrings in the book's way, and link listings to them."""
    app.setup_extension("sphinx.ext.autodoc")
    app.add_transform(OutOfTheIndex)
    app.add_directive("literalinclude", Listing, override=True)
    app.connect("autodoc-process-docstring", _docstring)
    app.connect("autodoc-process-signature", _signature)
    app.connect("autodoc-skip-member", _skip)
    app.connect("missing-reference", _missing)
    app.connect("doctree-resolved", _link_listings)
