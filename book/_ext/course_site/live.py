"""Pages whose cells run in the reader's browser.

The scripts are in book/_live. They are bundled here with what npm brings (pinned in package-lock.json) and copied
to live/ in the site. A page with code holds only the button that fetches them. Where there is no npm the book
builds without the button, and says so; in CI that is an error.
"""

import json
import pathlib
import re
import shutil

from docutils import nodes
from sphinx.errors import ExtensionError
from sphinx.util import logging

from course_site import cost, licences, lock, npm
from course_site.execution import fingerprint
from course_site.runtime import IN_CI, cache_of

LOG = logging.getLogger(__name__)
# What a page fetches; esbuild puts what they share into files of their own.
ENTRIES = ("page.js", "editor.js", "markdown.js", "ipywidgets.js")
COPIED = ("glue.py", "limits.py", "torchless.py", "live.css")


def bundle(cache):
    """Bundle the scripts, once for each state of them, and return the folder in `cache` that holds them.

    Raises lock.Unavailable where npm is missing or cannot bring what it should.
    """
    files = sorted(p for p in npm.SOURCES.iterdir() if p.is_file())
    made = cache / f"page-{fingerprint([*files, pathlib.Path(__file__).resolve()])}"
    if made.is_dir():
        return made
    work = npm.packages(cache).parent
    for path in files:
        shutil.copy2(path, work)
    out = work / "out"
    shutil.rmtree(out, ignore_errors=True)
    options = ("--bundle", "--minify", "--legal-comments=linked", "--target=es2022", f"--outdir={out}")
    esbuild = str(work / "node_modules" / ".bin" / "esbuild")
    whole = ("--format=esm", "--splitting", "--chunk-names=shared-[hash]", "--metafile=meta.json")
    npm.run([esbuild, *ENTRIES, *whole, *options], work)
    names = licences.packages_in(json.loads((work / "meta.json").read_text()))
    (out / "packages.json").write_text(json.dumps(names) + "\n")
    npm.run([esbuild, "worker.js", "--format=iife", *options], work)
    (out / "page.css").unlink()  # the widgets' style once more: esbuild sees no more than that page.js may ask for it
    for name in COPIED:
        shutil.copy2(npm.SOURCES / name, out)
    out.rename(made)
    return made


def _prepare(app):
    app.course_scripts = None
    if app.builder.name != "html" or not app.config.course_live:
        return
    cache = cache_of(app)
    try:
        scripts = bundle(cache)
    except lock.Unavailable as unavailable:
        if IN_CI:
            raise ExtensionError(f"cells cannot run in the page: {unavailable}") from unavailable
        LOG.info("The pages are built WITHOUT the button that runs them (%s). All else is there.", unavailable)
        return
    app.course_scripts = scripts
    app.course_fetched = cost.fetched(cache)


def _button(app, pagename, templatename, context, doctree):
    if doctree is None or not app.course_scripts:
        return
    if any(n.get("nb_element") == "cell_code" for n in doctree.findall(nodes.container)):
        # Written into the page, so that nothing more is fetched before the reader asks.
        said = cost.of(app.course_fetched, app.course_caches.get(pagename))
        source = (npm.SOURCES / "button.js").read_text(encoding="utf-8")
        app.add_js_file(None, body=filled(source, said), type="module")


def filled(source, said):
    """button.js with what the page's cost is."""
    empty = re.search(r"/\* cost \*/ \{[^}]*\}", source)
    return source[: empty.start()] + json.dumps(said, ensure_ascii=False) + source[empty.end() :]


def _copy(app, exception):
    if exception is None and app.course_scripts:
        live = pathlib.Path(app.outdir, "live")
        for old in live.glob("*.js"):
            old.unlink()
        shutil.copytree(app.course_scripts, live, dirs_exist_ok=True)


def connect(app):
    """Bundle first, add the button page by page, copy at the end."""
    app.connect("builder-inited", _prepare)
    app.connect("html-page-context", _button, priority=400)
    app.connect("build-finished", _copy)
