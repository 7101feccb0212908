"""Python in the browser, put into the site when the book is built.

Where its parts cannot be had (no network, or the extra `live` not installed) the book is built without
it and says so; in CI that is an error. `course_live: false` in `_config.yml` leaves it out on purpose.
"""

import os
import pathlib
import shutil

from sphinx.errors import ExtensionError
from sphinx.util import logging

from course_site import lock

LOG = logging.getLogger(__name__)
IN_CI = os.environ.get("CI", "").lower() in {"1", "true"}
PARTS = ("live",)  # the folders of the site that this makes


def cache_of(app):
    """Where downloads are kept between builds."""
    return pathlib.Path(app.outdir).parent / ".live"


def put(app):
    """Make the parts of the site that need Python in the browser."""
    lock.write(pathlib.Path(app.outdir, "live"), cache_of(app))


def _put_or_say_so(app, exception):
    if exception is not None or app.builder.name != "html":
        return
    reason = "switched off by course_live in _config.yml"
    try:
        if app.config.course_live:
            put(app)
            return
    except lock.Unavailable as unavailable:
        reason = str(unavailable)
        if IN_CI:
            raise ExtensionError(f"the site cannot run Python in the browser: {reason}") from unavailable
    for part in PARTS:
        shutil.rmtree(pathlib.Path(app.outdir, part), ignore_errors=True)
    LOG.info("The site is built WITHOUT Python in the browser (%s). All else is there.", reason)


def connect(app):
    """Make them last, when the pages are written."""
    app.add_config_value("course_live", True, "html", [bool])
    app.connect("build-finished", _put_or_say_so)
