"""What a published site has beside its pages: previews for links, a picture for them, and a sitemap.

Both need the site's address: `baseurl` in `_config.yml`, or the environment variable COURSE_SITE_URL, which
the workflow that publishes sets. COURSE_REPOSITORY does the same for `course_repository`.
"""

import os
import pathlib
from html import escape
from xml.sax.saxutils import escape as escape_xml

import numpy as np

from course_site.pages import description

PREVIEW = "_static/preview.png"
PREVIEW_ALT = "Curves of a number in memory over forty steps, for three values of the forget gate: 0.5, 0.9 and 0.99."
UNLISTED = {"search", "genindex", "execution-times", "licences"}


def _take_addresses(app, config):
    config.html_baseurl = os.environ.get("COURSE_SITE_URL") or config.html_baseurl or ""
    if config.html_baseurl and not config.html_baseurl.endswith("/"):
        config.html_baseurl += "/"
    config.course_repository = os.environ.get("COURSE_REPOSITORY") or config.course_repository


def preview_tags(title, text, site_name, baseurl, page):
    """The `meta` tags that a link preview is made from; a picture and an address must be absolute."""
    tags = {"og:type": "article", "og:site_name": site_name, "og:title": title, "og:description": text}
    if baseurl:
        tags |= {"og:url": f"{baseurl}{page}.html", "og:image": baseurl + PREVIEW, "og:image:alt": PREVIEW_ALT}
        tags |= {"og:image:width": "1200", "og:image:height": "630"}
    lines = [f'<meta property="{name}" content="{escape(value)}" />' for name, value in tags.items()]
    return "\n".join(["", *lines, '<meta name="twitter:card" content="summary_large_image" />'])


def _add_tags(app, pagename, templatename, context, doctree):
    title = app.env.titles[pagename].astext() if pagename in app.env.titles else context.get("title", pagename)
    text = description(app, pagename, context, doctree)
    context["metatags"] = context.get("metatags", "") + preview_tags(
        title, text, app.config.html_title, app.config.html_baseurl, pagename
    )


def draw_preview(path, title):
    """The picture that a link to the site shows: how long an LSTM keeps a number, by its forget gate."""
    from matplotlib.figure import Figure

    from course_pkg import cells

    steps = 40
    figure = Figure(figsize=(12, 6.3), dpi=100, facecolor="white")
    figure.text(0.06, 0.88, title, fontsize=40, weight="bold", va="top")
    figure.text(0.06, 0.74, "What does a network remember, and for how long?", fontsize=23, va="top")
    axes = figure.add_axes((0.06, 0.13, 0.88, 0.5))
    for keep, colour, named_at in [(0.99, "#0072b2", 30), (0.9, "#009e73", 13), (0.5, "#d55e00", 3)]:
        c = memory(cells, keep, steps)
        axes.plot(c, color=colour, linewidth=5)
        axes.annotate(f"f = {keep}", (named_at, c[named_at]), (14, 10), textcoords="offset points", fontsize=21)
    axes.set(xlim=(0, steps - 1), ylim=(-0.04, 1.08), yticks=[0, 1])
    axes.set_xlabel("steps since the number was written", fontsize=20)
    axes.tick_params(labelsize=17)
    axes.spines[["top", "right"]].set_visible(False)
    path.parent.mkdir(parents=True, exist_ok=True)
    figure.savefig(path, metadata={"Software": None})


def memory(cells, keep, steps):
    """The cell state of an LSTM of one unit whose forget gate stays at `keep`, from 1 on: shape (steps,)."""
    bias = np.array([-1e3, np.log(keep / (1 - keep)), 0.0, 0.0])  # write nothing; keep a share; the rest is idle
    params = cells.LSTMParams(np.zeros((4, 1)), np.zeros((4, 1)), bias)
    state = cells.LSTMState(np.zeros((1, 1)), np.ones((1, 1)))
    values = []
    for _ in range(steps):
        values.append(state.c.item())
        state, _ = cells.lstm_step(np.zeros((1, 1)), state, params)
    return np.array(values)


def sitemap(baseurl, pages):
    """The sitemap's text for the pages of these names."""
    urls = [f"  <url><loc>{escape_xml(f'{baseurl}{page}.html')}</loc></url>" for page in sorted(pages)]
    head = '<?xml version="1.0" encoding="utf-8"?>\n<urlset xmlns="http://www.sitemaps.org/schemas/sitemap/0.9">'
    return "\n".join([head, *urls, "</urlset>", ""])


def _write(app, exception):
    if exception is not None or app.builder.name != "html":
        return
    site = pathlib.Path(app.outdir)
    draw_preview(site / PREVIEW, app.config.html_title)
    (site / "sitemap.xml").unlink(missing_ok=True)
    if app.config.html_baseurl:
        (site / "sitemap.xml").write_text(sitemap(app.config.html_baseurl, set(app.env.found_docs) - UNLISTED))


def connect(app):
    """Take the addresses before Sphinx compares its configuration with the last build's."""
    app.connect("config-inited", _take_addresses)
    app.connect("html-page-context", _add_tags, priority=520)
    app.connect("build-finished", _write)
