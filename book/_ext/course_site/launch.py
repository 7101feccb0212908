"""Where a page can be run: in JupyterLite beside the book, and on Binder and Colab when there is a repository.

Binder and Colab open notebooks from a branch called `notebooks` of the repository that `course_repository`
in `_config.yml` names. The workflow that publishes the site fills it with what `branch` writes.
"""

import argparse
import pathlib
import re
import shutil
import sys
from urllib.parse import quote

import nbformat

from course_site import lite

BRANCH = "notebooks"
OPEN = "lite/notebooks/index.html?path="
ASSIGNMENT = re.compile(
    r'<code class="docutils literal notranslate"><span class="pre">exercises/([\w-]+)/?</span></code>(?!\s*</a>)'
)
# In the index's table of chapters the name of an assignment is itself the link.
LISTED = re.compile(
    r'<code class="docutils literal notranslate"><span class="pre">(\d\d-[\w-]+)</span></code>(?!\s*</a>)'
)


def repository_path(address):
    """`owner/name` out of a repository's address on GitHub."""
    found = re.fullmatch(r"https://github\.com/([\w.-]+/[\w.-]+?)(\.git)?/?", address)
    if not found:
        raise ValueError(f"course_repository: got {address!r}, wanted https://github.com/<owner>/<name>")
    return found.group(1)


def elsewhere(repository, path):
    """The addresses at which Binder and Colab open the notebook at `path`, as (name, address)."""
    name = repository_path(repository)
    yield "Binder", f"https://mybinder.org/v2/gh/{name}/{BRANCH}?urlpath=lab/tree/{quote(path, safe='/')}"
    yield "Colab", f"https://colab.research.google.com/github/{name}/blob/{BRANCH}/{quote(path, safe='/')}"


def _button(text, url, tooltip):
    return {"type": "link", "text": text, "url": url, "tooltip": tooltip, "label": f"launch-{text.lower()}-button"}


def _offer(app, pagename, templatename, context, doctree):
    buttons, path = [], context.get("ipynb_source")
    if path and app.config.course_live:
        url = context["pathto"](OPEN + path, 1)
        buttons.append(_button("JupyterLite", url, "Open this chapter as a notebook in your browser"))
    if path and app.config.course_repository:
        buttons += [
            _button(n, url, f"Open this chapter on {n}") for n, url in elsewhere(app.config.course_repository, path)
        ]
    if buttons:
        group = {"type": "group", "buttons": buttons, "icon": "fas fa-rocket", "label": "launch-buttons"}
        context["header_buttons"].append({**group, "tooltip": "Run this chapter as a notebook"})
    if app.config.course_live and "body" in context:
        listed = pagename == context.get("root_doc", context.get("master_doc"))
        context["body"] = link_assignments(context["body"], lambda path: context["pathto"](OPEN + path, 1), listed)


def link_assignments(body, address, listed=False):
    """The page's text with a link after each `exercises/NAME`; `address(path)` gives where that notebook opens.

    With `listed` an assignment's bare name in code is a link too, as in the index.
    """
    there = lite.assignments()

    def linked(text):
        def link(found):
            path = f"exercises/{found.group(1)}/{found.group(1)}.ipynb"
            return text(found.group(), address(path)) if path in there else found.group()

        return link

    body = ASSIGNMENT.sub(
        linked(lambda code, to: f'{code} (<a class="launch-assignment" href="{to}">open it in your browser</a>)'), body
    )
    if listed:
        body = LISTED.sub(linked(lambda code, to: f'<a class="launch-assignment" href="{to}">{code}</a>'), body)
    return body


def branch(site, repository, folder):
    """Write into `folder` what the branch for Binder and Colab holds: every notebook, and what to install."""
    name = repository_path(repository)
    folder.mkdir(parents=True)
    package = f"recurrent-networks-unrolled[student] @ git+https://github.com/{name}"
    (folder / "requirements.txt").write_text(f"{package}\n")
    for path in sorted((site / "_sources").glob("*.ipynb")):
        notebook = nbformat.read(path, 4)
        notebook.cells[1:1] = [_install(package, "torch" in "".join(c.source for c in notebook.cells))]
        nbformat.write(notebook, folder / path.name)
    for path, source in lite.assignments().items():
        (folder / path).parent.mkdir(parents=True)
        shutil.copyfile(source, folder / path)


def _install(package, torch):
    """The cell that installs the course where it is missing."""
    lines = ["try:", "    import course_pkg", "except ModuleNotFoundError:", f'    %pip install -q "{package}"']
    return nbformat.v4.new_code_cell("\n".join(lines + (["    %pip install -q torch"] if torch else [])), id="install")


def connect(app):
    """Add the buttons after the theme has added its own, which is at 501."""
    app.add_config_value("course_repository", "", "html", [str])
    app.connect("html-page-context", _offer, priority=510)


def main():
    """Write the branch: `python -m course_site.launch SITE REPOSITORY FOLDER`."""
    parser = argparse.ArgumentParser(description=main.__doc__)
    for name in ("site", "repository", "folder"):
        parser.add_argument(name)
    given = parser.parse_args()
    branch(pathlib.Path(given.site), given.repository, pathlib.Path(given.folder))


if __name__ == "__main__":
    sys.exit(main())
