"""Scripts, styles and fonts, all served by the site itself."""

import pathlib
import shutil
from importlib import metadata

from myst_nb.sphinx_ import NbMetadataCollector

from course_pkg.widgets import explorer
from course_site import asking, quantities
from course_site.execution import ROOT, fingerprint

WIDGETS = ROOT / "course_pkg" / "widgets"


def mathjax_folder():
    """MathJax 3 as the PyPI package sphinx-mathjax-offline carries it."""
    package = metadata.distribution("sphinx-mathjax-offline")
    folder = pathlib.Path(package.locate_file("sphinx-mathjax-offline/static/mathjax"))
    if not folder.is_dir():
        raise FileNotFoundError(f"sphinx-mathjax-offline: no folder {folder.name} where it was expected")
    return folder


def figure_script(more=""):
    """The script that draws the figures, and `more` after it, safe to stand inside a page."""
    return (explorer.script() + more).replace("</script", "<\\/script")


def _copy(app, exception):
    if exception is not None or app.builder.format != "html":
        return
    static = pathlib.Path(app.outdir) / "_static"
    # One way of typesetting is enough: the other combined files of MathJax make the site larger for nothing.
    unused = shutil.ignore_patterns("*-svg*.js", "mml-chtml.js", "tex-mml-*.js", "*-full*.js", "node-main.js", "svg")
    shutil.copytree(mathjax_folder(), static / "mathjax", ignore=unused, dirs_exist_ok=True)
    shutil.copy2(WIDGETS / "explorer.css", static)
    # The theme draws its icons twice: with this script (540 kB gzipped) and with the web font that its style
    # sheet loads in any case. Without the script the font's icons stay.
    (static / "scripts" / "fontawesome.js").write_text("")


def _per_page(app, pagename, templatename, context, doctree):
    # myst-nb writes the whole state of every widget into the page, for ipywidgets' own JavaScript, which is not
    # loaded here.
    NbMetadataCollector.get_js_files(app.env, pagename).pop("ipywidgets_state", None)
    if 'class="course-explorer"' in context.get("body", ""):
        # Written into the page: a browser that opens the page as a file refuses to load a module from a file.
        more = asking.on_page(pagename, doctree, context["body"])
        app.add_js_file(None, body=figure_script(more), type="module")
    if 'class="flashcard docutils container"' in context.get("body", ""):
        app.add_js_file(None, body=asking.on_cards(), type="module")


def _note(app, config):
    # What makes the pages beside their sources. Sphinx reads all pages again, or writes them again, when it changes.
    ours = pathlib.Path(__file__).parent
    config.course_extension = fingerprint(sorted(ours.glob("*.py")))
    within = [path for name in ("button.js", "way.js") if (path := ROOT / "book" / "_live" / name).exists()]
    look = (ROOT / "book" / "_static").glob("*.css")  # copied only when some page is written
    asks = asking.PAGE.glob("*.js")
    said = [path for path in (quantities.DATA, quantities.NOTATION) if path.exists()]  # a small site has no notation
    written = [*within, *look, *asks, *said, *WIDGETS.glob("*.js"), *WIDGETS.glob("*.css")]
    config.course_page_scripts = fingerprint(sorted(written))


def connect(app):
    """Serve the figures' style on every page (equations use its colours), their script where there is a figure."""
    app.add_config_value("course_extension", "", "env", [str])
    app.add_config_value("course_page_scripts", "", "html", [str])
    app.connect("config-inited", _note)
    app.add_css_file("explorer.css")
    app.connect("html-page-context", _per_page, priority=400)
    app.connect("build-finished", _copy)
