"""A page that names whose work the site ships, and under which licence, with the texts of the licences.

Nothing is listed by hand but which Python packages put files into the site: names, versions, licences and texts come
from the packages that this build took its files from.
"""

import html
import json
import pathlib
import re
import zipfile
from email.parser import Parser
from importlib import metadata

from course_site import fonts, lock, npm
from course_site.runtime import cache_of

PAGE = "licences"
IS_TEXT = re.compile(r"(licen[cs]e|copying|notice|OFL)[^/]*$", re.IGNORECASE)
# Python packages whose files stand in the site as they are: styles, scripts, fonts, MathJax.
PACKAGES = ("sphinx", "sphinx-book-theme", "pydata-sphinx-theme", "sphinx-copybutton", "sphinx-design", "myst-nb")
PACKAGES += ("sphinx-mathjax-offline",)
OURS = {"course-pkg", "sqlite3"}  # among the wheels; the second is empty, see lock.no_sqlite
LITE = ("jupyterlite-core", "jupyterlite-pyodide-kernel")


def said(about):
    """The licence that a Python package's metadata names; "" where it names none."""
    long = (about.get("License") or "").strip().splitlines()
    kinds = [c.split(" :: ")[-1] for c in about.get_all("Classifier", []) if c.startswith("License ::")]
    short = long[0].replace("Apache License 2.0", "Apache-2.0") if len(long) == 1 else ""
    return about.get("License-Expression") or short or ", ".join(kinds)


def of_package(name):
    """(name, version, licence, texts) of an installed Python package."""
    package = metadata.distribution(name)
    files = [f for f in package.files or () if IS_TEXT.search(f.name) and not f.name.endswith((".py", ".json"))]
    texts = [pathlib.Path(package.locate_file(f)).read_text(encoding="utf-8", errors="replace") for f in files]
    return package.metadata["Name"], package.version, said(package.metadata), texts


def of_wheel(path):
    """(name, version, licence, texts) of a wheel that the site serves."""
    with zipfile.ZipFile(path) as wheel:
        names = wheel.namelist()
        (about,) = [n for n in names if re.fullmatch(r"[^/]+\.dist-info/METADATA", n)]
        found = Parser().parsestr(wheel.read(about).decode())
        texts = [wheel.read(n).decode(errors="replace") for n in names if ".dist-info/" in n and IS_TEXT.search(n)]
    first = texts[0].strip().splitlines()[0] if texts else ""
    return found["Name"], found["Version"], said(found) or first, texts


def of_npm(folder):
    """(name, version, licence, texts) of a package that npm brought."""
    about = json.loads((folder / "package.json").read_text(encoding="utf-8"))
    files = sorted(p for p in folder.iterdir() if p.is_file() and IS_TEXT.match(p.name))
    texts = [p.read_text(encoding="utf-8", errors="replace") for p in files]
    author = about.get("author", "")
    author = author.get("name", "") if isinstance(author, dict) else author.split("<")[0].strip()
    return about["name"], about["version"], ", ".join(filter(None, (about.get("license"), author))), texts


def parts(app):
    """What the site ships that others made: {group: [(name, version, licence, texts)]}."""
    found = {"The pages": [of_package(name) for name in PACKAGES]}
    for folder in app.config.html_static_path:
        own = pathlib.Path(app.confdir, folder)
        for path in sorted(p for p in own.rglob("*") if p.is_file() and IS_TEXT.search(p.name)):
            found["The pages"].append((path.stem, "", "", [path.read_text(encoding="utf-8")]))
    if app.course_fonts:
        names = sorted({pathlib.Path(file).parts[0] for file in fonts.FACES})
        found["The pages"] += [of_npm(app.course_fonts / name) for name in names]
    if app.course_scripts:
        folder = npm.packages(cache_of(app))
        found["What runs a page's cells"] = [of_npm(folder / name) for name in bundled(app.course_scripts)]
    if not app.course_live_missing:
        python = "Python's standard library", "3.13", "PSF-2.0, Python Software Foundation", []
        core = of_npm(npm.packages(cache_of(app)) / "pyodide")  # Python's library comes out of it
        wheels = [of_wheel(wheel) for wheel in lock.served(cache_of(app))[0]]
        found["Python in the browser"] = [python, core, *(w for w in wheels if w[0] not in OURS)]
        found["JupyterLite"] = [of_package(name) for name in LITE]
    return found


def bundled(scripts):
    """The npm packages that are in the bundles in the folder `scripts`, see `live`."""
    return json.loads((scripts / "packages.json").read_text())


def packages_in(meta):
    """The npm packages among the inputs of a bundle, out of what esbuild notes of it."""
    found = (re.findall(r"node_modules/((?:@[^/]+/)?[^/]+)/", path)[-1:] for path in meta["inputs"])
    return sorted({name for names in found for name in names})


def linked(licence):
    """A licence's name as HTML; one that has an SPDX identifier leads to its text."""
    spdx = re.match(r"(MIT|ISC|BSD-[23]-Clause|MPL-2\.0|PSF-2\.0|Apache-2\.0)\b", licence)
    if not spdx:
        return html.escape(licence)
    rest = html.escape(licence[spdx.end() :])
    return f'<a href="https://spdx.org/licenses/{spdx[0]}.html">{spdx[0]}</a>{rest}'


def body(found):
    """The page's HTML: a table for each group, and under each name the texts of its licence."""
    pieces = [
        "<section><h1>Licences</h1><p>The course is under the licence that its "
        "repository names. The site also ships the work of others. This page is made from what the packages say of "
        "themselves, in the versions that this site was built with.</p>"
    ]
    for group, entries in found.items():
        pieces.append(f"<section><h2>{html.escape(group)}</h2>")
        for name, version, licence, texts in sorted(entries, key=lambda entry: entry[0].lower()):
            head = html.escape(f"{name} {version}".strip()) + (f": {linked(licence)}" if licence else "")
            text = "".join(f"<pre>{html.escape(t)}</pre>" for t in texts)
            pieces.append(
                f"<details><summary>{head}</summary>{text}</details>" if text else f'<p class="licence">{head}</p>'
            )
        if group == "JupyterLite":
            own = '<a href="lite/build/third-party-licenses.json">its own list</a>'
            pieces.append(f"<p>It has {own} of what is bundled in it.</p>")
        pieces.append("</section>")
    return "".join([*pieces, "</section>"])


def _page(app):
    if app.builder.name == "html":
        yield PAGE, {"title": "Licences", "body": body(parts(app))}, "page.html"


def connect(app):
    """Make the page when the others are made."""
    app.connect("html-collect-pages", _page)
