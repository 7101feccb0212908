"""What each page says of itself: its description for search engines and links, its names for those who listen."""

import pathlib
import re
from html import escape

from docutils import nodes

from course_site.execution import ROOT

LONGEST = 160
MADE_BY_SPHINX = {
    "genindex": "Where each term of the course Recurrent Networks, Unrolled is explained.",
    "search": "Search the pages of the course Recurrent Networks, Unrolled.",
}


def describe(metadata, doctree):
    """A page's `description` from its front matter, else its first paragraph cut at a word."""
    text = metadata.get("description") or next((p.astext() for p in doctree.findall(nodes.paragraph)), "")
    text = " ".join(text.split())
    return text if len(text) <= LONGEST else text[: LONGEST - 2].rsplit(" ", 1)[0].rstrip(",;:") + " …"


def description(app, pagename, context, doctree):
    """What the page says of itself, whether it has a source or is made by Sphinx."""
    if doctree is not None:
        return describe(app.env.metadata.get(pagename, {}), doctree)
    return MADE_BY_SPHINX.get(pagename, f"{context.get('title', pagename)}: {app.config.html_title}")


def _add_description(app, pagename, templatename, context, doctree):
    if 'name="description"' not in context.get("metatags", ""):
        text = description(app, pagename, context, doctree)
        context["metatags"] = context.get("metatags", "") + f'\n<meta name="description" content="{escape(text)}" />'


# What the theme, myst-nb and docutils say of an element that is wrong or no longer said: a name that is not the
# one that is seen, a list with other things than entries in it, a role that was given up.
MISNAMED = (
    re.compile(r'(<button\b[^>]*\bsearch-button-field\b[^>]*?)\s+aria-label="[^"]*"'),
    re.compile(r'(<summary\b[^>]*?)\s+aria-label="Toggle hidden content"'),
    re.compile(r'(<div\b(?=[^>]*\bcitation)[^>]*?)\s+role="(?:list|doc-biblioentry)"'),
)
# Code, a table or an equation that is wider than its box scrolls; the keyboard can only scroll what it can reach.
REACH = """{
  const reach = (part) => {
    for (const wide of part.querySelectorAll("pre, table, div.math")) {
      if (wide.scrollWidth > wide.clientWidth) wide.tabIndex = 0;
    }
  };
  for (const event of ["load", "resize"]) addEventListener(event, () => reach(document));
  addEventListener("toggle", ({ target }) => reach(target), true); // what a reader unfolds
}"""

# Paper is white, also for who reads in the dark, and has the answers on it; hidden code stays hidden.
PAPER = """{
  const page = document.documentElement.dataset;
  let theme, opened = [];
  addEventListener("beforeprint", () => {
    theme = page.theme;
    page.theme = "light";
    opened = [...document.querySelectorAll("article details.sd-dropdown:not([open])")];
    for (const answer of opened) answer.open = true;
  });
  addEventListener("afterprint", () => {
    page.theme = theme;
    for (const answer of opened) answer.open = false;
  });
}"""


# In the list of chapters, the arrow that shows the pages below one has no name.
NAMELESS = '<summary><span class="toctree-toggle" role="presentation">'
NAMED = '<summary aria-label="The pages below this one"><span class="toctree-toggle" role="presentation">'


def mend(page):
    """A page's HTML without what is said wrongly of its elements, and with what is not said of them."""
    for misnamed in MISNAMED:
        page = misnamed.sub(r"\1", page)
    return page.replace(NAMELESS, NAMED)


def _mend_all(app, exception):
    if exception is not None or app.builder.format != "html":
        return
    for path in pathlib.Path(app.outdir).glob("*.html"):
        before = path.read_text(encoding="utf-8")
        after = mend(before)
        if after != before:
            path.write_text(after, encoding="utf-8")


def _reach(app, pagename, templatename, context, doctree):
    if doctree is not None:
        way = ROOT / "book" / "_live" / "way.js"  # a small site may have no such folder
        app.add_js_file(None, body=REACH + PAPER + (way.read_text(encoding="utf-8") if way.exists() else ""))


def connect(app):
    """Describe each page, and let everyone use it."""
    app.connect("html-page-context", _add_description)
    app.connect("html-page-context", _reach)
    app.connect("build-finished", _mend_all)
