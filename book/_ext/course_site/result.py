"""How the build went, in a file, so that a test can read it instead of building again."""

import json
import pathlib

from course_site.execution import ROOT, fingerprint, package_sources

UNREAD = {"__pycache__", ".ipynb_checkpoints"}


def site_sources(root=ROOT):
    """Every file that the site is made from."""
    book = [p for p in (root / "book").rglob("*") if p.is_file() and not UNREAD & set(p.parts)]
    return sorted([*book, *package_sources(root), root / "_config.yml"])


def result_path(build):
    """The file that says how the build in the folder `build` went."""
    return build / "site.json"


def read_result(build):
    """What the last build left: {"sources": fingerprint, "warnings": number}, or {} after a broken one."""
    path = result_path(build)
    return json.loads(path.read_text()) if path.exists() else {}


def _read_all_again(app, env, added, changed, removed):
    # Sphinx repeats no warning for a page it does not read again: after an unclean build, read all.
    path = result_path(pathlib.Path(app.outdir).parent)
    clean = read_result(path.parent).get("warnings") == 0
    path.unlink(missing_ok=True)
    return [] if clean else sorted(env.found_docs - added - changed)


def _write(app, exception):
    if exception is None and app.builder.name == "html":
        app.course_sources = getattr(app, "course_sources", "")
        found = {"sources": app.course_sources, "warnings": app._warncount}
        result_path(pathlib.Path(app.outdir).parent).write_text(json.dumps(found) + "\n")


def _note_sources(app):
    # Taken before the pages are read: an edit made while the book builds must count as newer.
    app.course_sources = fingerprint(site_sources())


def connect(app):
    """Note the sources, and write the result last of all."""
    app.connect("builder-inited", _note_sources)
    app.connect("env-get-outdated", _read_all_again)
    app.connect("build-finished", _write, priority=900)
