"""A mark beside each printed equation that a test reads from the page and proves equal to the code.

`proved.json` names them: {test: {page: [labels]}}. The tests hold the list to what they compute. The mark leads to the
test, in the repository where `course_repository` names one, else to a copy that the site carries.
"""

import json
import pathlib
import shutil

from docutils import nodes

from course_site.execution import ROOT

PROVED = json.loads(pathlib.Path(__file__).with_suffix(".json").read_text(encoding="utf-8"))
FOLDER = "_static/proofs"


def tests_of(docname):
    """{label: the test that proves it} for one page."""
    return {label: test for test, pages in PROVED.items() for label in pages.get(docname, ())}


def address(app, docname, test):
    """Where a reader finds the test."""
    if app.config.course_repository:
        return f"{app.config.course_repository.rstrip('/')}/blob/main/{test}"
    return "../" * docname.count("/") + f"{FOLDER}/{pathlib.Path(test).name}.txt"


def _mark(app, doctree, docname):
    tests = tests_of(docname) if app.builder.format == "html" else {}
    for equation in list(doctree.findall(nodes.math_block)):
        test = tests.get(equation.get("label"))
        if test:
            link = nodes.reference("", "proved equal to the code", refuri=address(app, docname, test), internal=True)
            line = nodes.paragraph("", "", link, classes=["equation-proved", "site-only"])
            equation.parent.insert(equation.parent.index(equation) + 1, line)


def _carry(app, exception):
    if exception is None and app.builder.format == "html" and not app.config.course_repository:
        folder = pathlib.Path(app.outdir, FOLDER)
        for test in (test for test, pages in PROVED.items() if app.env.found_docs & pages.keys()):
            folder.mkdir(parents=True, exist_ok=True)  # as text, which a browser shows
            shutil.copyfile(ROOT / test, folder / f"{pathlib.Path(test).name}.txt")


def connect(app):
    """Mark the equations once the page is complete."""
    app.connect("doctree-resolved", _mark)
    app.connect("build-finished", _carry)
