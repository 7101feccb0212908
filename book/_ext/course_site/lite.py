"""JupyterLite beside the book: `<site>/lite/`, where each chapter and each exercise opens as a notebook.

The application itself is the same in every build with the same versions: it is made once and kept among the
downloads. Its settings and the notebooks are written anew each time. `lite/jupyter-lite.json` says where
Pyodide is, as `live/runtime.json` does.
"""

import datetime
import hashlib
import json
import os
import pathlib
import re
import shutil
import subprocess
import sys
from importlib import metadata

import nbformat

from course_site import lock
from course_site.execution import ROOT

CONFIG = "jupyter-lite.json"
KERNEL = "@jupyterlite/pyodide-kernel-extension:kernel"
# Named one by one: JupyterLite would otherwise copy every extension that it finds in the environment.
EXTENSIONS = {
    "jupyterlite-pyodide-kernel": "@jupyterlite/pyodide-kernel-extension",
    "jupyterlab_widgets": "@jupyter-widgets/jupyterlab-manager",
    "anywidget": "anywidget",
}
BUILD = {
    "apps": ["notebooks", "tree", "edit"],
    "ignore_sys_prefix": True,
    "no_sourcemaps": True,
    "no_unused_shared_packages": True,
}
FORM = 2  # raise it when `application` makes something else of the same versions
# Loaded together with Pyodide. JupyterLite asks PyPI for those of the first line that it does not find here.
PRELOADED = [
    *("micropip", "piplite", "sqlite3", "ipykernel", "comm", "pyodide_kernel", "jedi", "ipython"),
    "course_pkg",
]
OVERRIDES = {
    "@jupyterlab/docmanager-extension:plugin": {"autosaveInterval": 10},  # seconds, instead of 120
}
RUNS_HERE = (
    "*“{title}”, from the course Recurrent Networks, Unrolled, as a notebook that runs in your browser.*\n\n"
    "Nothing needs to be installed: run the cells from the top with Shift and Enter. The first one takes some "
    "seconds, while Python is loaded. What you change is kept in this browser, on this computer; *Download* in "
    "the *File* menu gives you the notebook as a file. Text: CC BY 4.0. Code: MIT."
)
NO_TORCH = "*The next cell needs PyTorch, which does not run in a browser. The chapter's page shows its result.*"


def _version(name):
    try:
        return metadata.version(name)
    except metadata.PackageNotFoundError:
        raise lock.Unavailable(f"{name} is not installed (pip install '.[live]')") from None


def _extension(package, name):
    """The folder of one of JupyterLab's extensions, as the installed package brought it."""
    files = metadata.distribution(package).files
    found = next(f for f in files if f.as_posix().endswith(f"labextensions/{name}/package.json"))
    return pathlib.Path(found.locate()).resolve().parent


def application(cache):
    """The folder with JupyterLite's own files, made by the first build and kept in `cache`."""
    versions = {name: _version(name) for name in ("jupyterlite-core", *EXTENSIONS)}
    key = hashlib.sha256(json.dumps([versions, BUILD, FORM]).encode()).hexdigest()[:16]
    folder = cache / f"lite-{key}"
    if not folder.is_dir():
        part = folder.with_suffix(".part")
        shutil.rmtree(part, ignore_errors=True)
        (part / "from").mkdir(parents=True)
        paths = [str(_extension(package, name)) for package, name in EXTENSIONS.items()]
        options = part / "from" / "jupyter_lite_config.json"
        options.write_text(json.dumps({"LiteBuildConfig": {**BUILD, "federated_extensions": paths}}))
        command = [sys.executable, "-m", "jupyterlite_core", "build", f"--config={options}"]
        command += [f"--lite-dir={part / 'from'}", f"--output-dir={part / 'site'}"]
        # Without the user's own Jupyter settings; and in a folder that holds nothing it could take for contents.
        env = {**os.environ, "JUPYTER_NO_CONFIG": "1", "JUPYTER_CONFIG_DIR": str(part / "from")}
        done = subprocess.run(command, cwd=part, env=env, capture_output=True, text=True, errors="replace")
        if done.returncode or not (part / "site" / CONFIG).is_file():
            raise RuntimeError(f"JupyterLite could not be built:\n{done.stdout[-2000:]}\n{done.stderr[-2000:]}")
        _icons(part / "site")
        (part / "site").rename(folder)
        shutil.rmtree(part)
    return folder


def _icons(app):
    """The browser tab's icons at the addresses where JupyterLab looks for them; JupyterLite has them elsewhere."""
    there = app / "static" / "favicons"
    there.mkdir(parents=True)
    for name in ("notebook", "file", "busy-1", "busy-2", "busy-3"):
        shutil.copy(app / "notebooks" / "favicon.ico", there / f"favicon-{name}.ico")


def settings(found, runtime):
    """JupyterLite's settings: those it was built with, and ours."""
    ours = {
        "appName": "Recurrent Networks, Unrolled",
        "appUrl": "./tree",
        "faviconUrl": "./notebooks/favicon.ico",
        "settingsOverrides": OVERRIDES,
        "litePluginSettings": {
            KERNEL: {
                "pyodideUrl": pyodide_url(runtime["pyodide"]),
                "disablePyPIFallback": True,  # what the lock holds is all there is: nobody else is asked
                "loadPyodideOptions": {
                    "lockFileURL": f"../live/{runtime['lock']}",
                    "stdLibURL": f"../live/{runtime['stdlib']}",
                    "packages": PRELOADED,
                },
            }
        },
    }
    plugins = {
        **found["jupyter-config-data"]["litePluginSettings"].get(KERNEL, {}),
        **ours["litePluginSettings"][KERNEL],
    }
    data = {**found["jupyter-config-data"], **ours, "litePluginSettings": {KERNEL: plugins}}
    return {**found, "jupyter-config-data": data}


def pyodide_url(address):
    """The address of pyodide.js as JupyterLite wants it, from that of its folder as `live/runtime.json` has it."""
    outside = re.match(r"[a-z]+:|/", address)
    return f"{address}pyodide.js" if outside else f"./../live/{address}pyodide.js"


def for_the_browser(notebook):
    """A chapter's notebook as it opens in JupyterLite: another first cell, and a word before what cannot run."""
    notebook = nbformat.from_dict(notebook)
    title = next(m.group(1) for c in notebook.cells if (m := re.match(r"# (.*)", c.source)))
    cells = [nbformat.v4.new_markdown_cell(RUNS_HERE.format(title=title), id="about")]
    for cell in notebook.cells[1:]:
        if cell.cell_type == "code" and re.search(r"^\s*(import|from) torch\b", cell.source, re.MULTILINE):
            cells.append(nbformat.v4.new_markdown_cell(NO_TORCH, id=f"before-{cell.id}"))
        if cell.cell_type == "markdown":
            cell.source = re.sub(r"`(exercises/([\w-]+))`", r"[`\1`](\1/\2.ipynb)", cell.source)
        cells.append(cell)
    notebook.cells = cells
    return notebook


def assignments(root=ROOT):
    """The students' notebooks, by their path in JupyterLite."""
    return {p.relative_to(root).as_posix(): p for p in sorted((root / "exercises").glob("*/*.ipynb"))}


def listing(path, folder):
    """What JupyterLite shows of the folder `folder`, which it calls `path`: the model of Jupyter's contents API."""
    then = datetime.datetime(2026, 1, 1, tzinfo=datetime.UTC).isoformat().replace("+00:00", "Z")
    entry = {
        "content": None,
        "created": then,
        "format": None,
        "last_modified": then,
        "mimetype": None,
        "writable": True,
    }
    content = []
    for child in sorted(folder.iterdir()):
        kind = {"type": "directory"} if child.is_dir() else {"type": "notebook", "size": child.stat().st_size}
        content.append({**entry, **kind, "name": child.name, "path": f"{path}/{child.name}".lstrip("/")})
    own = {"name": path.rsplit("/")[-1], "path": path, "type": "directory", "size": None}
    return {**entry, **own, "content": content, "format": "json"}


def write(lite, app, notebooks, runtime):
    """Write JupyterLite into the folder `lite`: the files of `app`, our settings, and the notebooks of the course.

    `notebooks` is the folder with the chapters' notebooks; `runtime` is what live/runtime.json holds.
    """
    stamp = lite / "made-from"
    if not stamp.is_file() or stamp.read_text() != app.name:
        shutil.rmtree(lite, ignore_errors=True)
        shutil.copytree(app, lite)
        stamp.write_text(app.name)
    found = json.loads((app / CONFIG).read_text())
    (lite / CONFIG).write_text(json.dumps(settings(found, runtime), indent=1) + "\n")
    for folder in ("files", "api/contents"):
        shutil.rmtree(lite / folder, ignore_errors=True)
    files = lite / "files"
    files.mkdir()
    for path in sorted(notebooks.glob("*.ipynb")):
        nbformat.write(for_the_browser(nbformat.read(path, 4)), files / path.name)
    for name, path in assignments().items():
        (files / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(path, files / name)
    for folder in [files, *(p for p in files.rglob("*") if p.is_dir())]:
        path = "" if folder == files else folder.relative_to(files).as_posix()
        index = lite / "api" / "contents" / path / "all.json"
        index.parent.mkdir(parents=True, exist_ok=True)
        index.write_text(json.dumps(listing(path, folder)))


def point_at(lite, address):
    """Let JupyterLite in the folder `lite` take Pyodide from `address`, as `lock.point_at` does for the pages."""
    found = json.loads((lite / CONFIG).read_text())
    found["jupyter-config-data"]["litePluginSettings"][KERNEL]["pyodideUrl"] = pyodide_url(address)
    (lite / CONFIG).write_text(json.dumps(found, indent=1) + "\n")
