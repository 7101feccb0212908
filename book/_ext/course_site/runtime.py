"""Python in the browser, put into the site when the book is built: the lock file and JupyterLite.

Where its parts cannot be had (no network, or the extra `live` not installed) the book is built without
it and says so; in CI that is an error. `course_live: false` in `_config.yml` leaves it out on purpose.
"""

import json
import os
import pathlib
import shutil

from sphinx.errors import ExtensionError
from sphinx.util import logging

from course_site import lite, lock

LOG = logging.getLogger(__name__)
IN_CI = os.environ.get("CI", "").lower() in {"1", "true"}
PARTS = ("live", "lite")  # the folders of the site that are made here


def cache_of(app):
    """Where downloads are kept between builds."""
    return pathlib.Path(app.outdir).parent / ".live"


def _fetch(app, config):
    """Have everything at hand before a page is written, so that no page links to what will not be there."""
    app.course_live_missing = "" if config.course_live else "switched off by course_live in _config.yml"
    if not config.course_live:
        return
    try:
        lock.served(cache_of(app))
        lite.application(cache_of(app))
    except lock.Unavailable as unavailable:
        if IN_CI:
            raise ExtensionError(f"the site cannot run Python in the browser: {unavailable}") from unavailable
        app.course_live_missing = str(unavailable)
        config.course_live = False  # a change of it makes Sphinx write every page again


def _put(app, exception):
    if exception is not None or app.builder.name != "html":
        return
    site = pathlib.Path(app.outdir)
    if app.course_live_missing:
        for part in PARTS:
            shutil.rmtree(site / part, ignore_errors=True)
        LOG.info("The site is built WITHOUT Python in the browser (%s). All else is there.", app.course_live_missing)
        return
    lock.write(site / "live", cache_of(app))
    runtime = json.loads((site / "live" / lock.RUNTIME).read_text())
    lite.write(site / "lite", lite.application(cache_of(app)), site / "_sources", runtime)


def connect(app):
    """Fetch before Sphinx compares its configuration with the last build's; write when the pages are written."""
    app.add_config_value("course_live", True, "html", [bool])
    app.connect("config-inited", _fetch, priority=960)  # when the chapters already run
    app.connect("build-finished", _put)
