"""What each page says of itself: its description, for search engines and link previews."""

from html import escape

from docutils import nodes

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


def _add_description(app, pagename, templatename, context, doctree):
    metadata = app.env.metadata.get(pagename, {})
    if doctree is not None:
        text = describe(metadata, doctree)
    else:
        text = MADE_BY_SPHINX.get(pagename, f"{context.get('title', pagename)}: {app.config.html_title}")
    if 'name="description"' not in context.get("metatags", ""):
        context["metatags"] = context.get("metatags", "") + f'\n<meta name="description" content="{escape(text)}" />'


def connect(app):
    """Describe each page."""
    app.connect("html-page-context", _add_description)
