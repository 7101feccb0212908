"""The typefaces of the pages, served by the site: Source Serif for reading, Source Sans for figures and menus.

They come with the npm packages of Fontsource (both under the SIL Open Font License, which is copied beside them).
A book that is built without npm, or without live cells, is set in the fonts that site.css names after them.
"""

import pathlib
import shutil

from course_site import npm
from course_site.runtime import cache_of

# The file in the package, the family and the style that it is.
FACES = {
    "source-serif-4/files/source-serif-4-latin-wght-normal.woff2": ("Source Serif 4", "normal"),
    "source-serif-4/files/source-serif-4-latin-wght-italic.woff2": ("Source Serif 4", "italic"),
    "source-sans-3/files/source-sans-3-latin-wght-normal.woff2": ("Source Sans 3", "normal"),
}
# What the files hold: Basic Latin, Latin-1, and the marks of printed English. Other signs come from the reader's fonts.
RANGE = "U+0000-00FF, U+0131, U+0152-0153, U+02BB-02BC, U+02C6, U+02DA, U+02DC, U+2000-206F, U+20AC, U+2122, U+2212"


def style():
    """The style sheet that names the faces. Text that stands is not set again: a late font is for the next page."""
    return "".join(
        f'@font-face {{ font-family: "{family}"; font-style: {slant}; font-weight: 200 900; font-display: optional; '
        f'src: url("fonts/{pathlib.Path(file).name}") format("woff2"); unicode-range: {RANGE}; }}\n'
        for file, (family, slant) in FACES.items()
    )


def _prepare(app):
    app.course_fonts = None
    if getattr(app, "course_scripts", None):  # then npm is there
        app.course_fonts = npm.packages(cache_of(app)) / "@fontsource-variable"
        app.add_css_file("fonts.css")


def _preload(app, pagename, templatename, context, doctree):
    if not app.course_fonts or "pathto" not in context:
        return
    for file in FACES:
        address = context["pathto"](f"_static/fonts/{pathlib.Path(file).name}", 1)
        link = f'<link rel="preload" href="{address}" as="font" type="font/woff2" crossorigin>'
        context["metatags"] = context.get("metatags", "") + link


def _copy(app, exception):
    if exception is not None or not app.course_fonts:
        return
    static = pathlib.Path(app.outdir, "_static")
    (static / "fonts").mkdir(exist_ok=True)
    for file in FACES:
        package = app.course_fonts / pathlib.Path(file).parts[0]
        shutil.copy2(app.course_fonts / file, static / "fonts")
        shutil.copy2(package / "LICENSE", static / "fonts" / f"{package.name}-license.txt")
    (static / "fonts.css").write_text(style(), encoding="utf-8")


def connect(app):
    """Take the fonts from npm where it is there, ask for the first of them early, copy them at the end."""
    app.connect("builder-inited", _prepare, priority=600)  # after `live`, which says whether npm is there
    app.connect("html-page-context", _preload)
    app.connect("build-finished", _copy)
