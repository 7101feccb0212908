"""How the chapters run: side by side, with static figures, and again when what they import has changed.

myst-nb's cache looks at a chapter's cells alone, so pages would keep the numbers of an older package. Here every
chapter has a cache for each state of what its cells depend on: the files of course_pkg that they import, directly or
through others (see `imports`), the versions of Python and of the libraries, and what they read from the environment.
The folder's name is a hash of all that. What is missing is executed before Sphinx reads the page (see `kernels`).
"""

import ast
import functools
import hashlib
import json
import os
import pathlib
import re
import shutil
import sys
from importlib import metadata

from sphinx.project import Project
from sphinx.util import logging

from course_site import kernels
from course_site.imports import Package

LOG = logging.getLogger(__name__)
ROOT = pathlib.Path(__file__).resolve().parents[3]
CACHES_KEPT = 3  # for each chapter: going back to another branch costs nothing
KERNEL_ENV = {
    "COURSE_STATIC_FIGURES": "1",  # an Explorer then gives its table, for a page without a kernel
    "OPENBLAS_NUM_THREADS": "1",  # a second thread makes small matrices slower
    "OMP_NUM_THREADS": "1",
}
READ_FROM_ENVIRONMENT = re.compile(r"COURSE_[A-Z_]+")


def package_sources(root=ROOT):
    """The files of course_pkg whose change can change a page: grading is not imported by the book."""
    package = root / "course_pkg"
    files = [p for kind in ("*.py", "*.js", "*.css", "*.json") for p in package.rglob(kind)]
    return sorted(p for p in files if p.relative_to(package).parts[0] != "grading")


def fingerprint(files, root=ROOT):
    """A hash of the names and contents of `files`, as 16 hexadecimal digits."""
    digest = hashlib.sha256()
    for path in files:
        content = path.read_bytes()
        digest.update(f"{path.relative_to(root).as_posix()}\0{len(content)}\0".encode())
        digest.update(content)
    return digest.hexdigest()[:16]


@functools.cache
def version(name):
    """The version of what is imported by this name; "" for a part of Python or what is not installed."""
    try:
        return "" if name in sys.stdlib_module_names else metadata.version(name)
    except metadata.PackageNotFoundError:
        return ""


def state(notebook, package, root=ROOT):
    """A hash of a notebook's cells and of all that they depend on, as 16 hexadecimal digits."""
    code = [(cell.source, cell.metadata) for cell in notebook.cells if cell.cell_type == "code"]
    reach = package.reach(*filter(None, (_parsed(source) for source, _ in code)))
    texts = [source for source, _ in code] + [p.read_text(encoding="utf-8") for p in reach.files]
    environment = sorted({name for text in texts for name in READ_FROM_ENVIRONMENT.findall(text)})
    parts = {
        "code": code,
        "kernel": notebook.metadata.get("kernelspec"),
        "files": fingerprint(reach.files, root),
        "python": sys.version,
        "versions": {name: version(name) for name in sorted(reach.outside)},
        "environment": {name: os.environ.get(name) for name in [*environment, *KERNEL_ENV]},
    }
    return hashlib.sha256(json.dumps(parts, sort_keys=True).encode()).hexdigest()[:16]


def _parsed(source):
    try:
        return ast.parse(source)
    except SyntaxError:  # the cell will fail when it runs, and the build with it
        return None


def notebooks(app, config):
    """The pages with cells that the book has, as Sphinx will find them: {name: (path, notebook)}."""
    from myst_nb.core.read import is_myst_markdown_notebook, read_myst_markdown_notebook
    from myst_parser.config.main import MdParserConfig

    project = Project(app.srcdir, config.source_suffix)
    # The extensions decide which fences stand at the top of a page; only those are cells.
    syntax = MdParserConfig(enable_extensions=set(config.myst_enable_extensions))
    found = {}
    for name in sorted(project.discover(config.exclude_patterns, config.include_patterns)):
        path = pathlib.Path(project.doc2path(name, absolute=True))
        text = path.read_text(encoding="utf-8")
        if path.suffix == ".md" and is_myst_markdown_notebook(text):
            notebook = read_myst_markdown_notebook(text, config=syntax, path=path)
            if any(cell.cell_type == "code" for cell in notebook.cells):
                found[name] = path, notebook
    return found


def prune(cache):
    """Remove all but a chapter's caches that were used last; `cache` is the one in use."""
    cache.touch()
    others = sorted(cache.parent.iterdir(), key=lambda p: p.stat().st_mtime, reverse=True)
    for old in others[CACHES_KEPT:]:
        shutil.rmtree(old, ignore_errors=True)


def _start(app, config):
    app.course_caches, app.course_crew = {}, kernels.Crew({}, 0)
    if config.nb_execution_mode != "cache":
        return
    package, jobs = Package(ROOT / "course_pkg"), {}
    for name, (path, notebook) in notebooks(app, config).items():
        caches = pathlib.Path(app.outdir).parent / ".jupyter_cache" / name
        app.course_caches[name] = cache = caches / state(notebook, package)
        if not cache.is_dir():
            caches.mkdir(parents=True, exist_ok=True)
            job = {"source": str(path), "cache": str(cache), "timeout": config.nb_execution_timeout}
            jobs[name] = {"notebook": notebook, **job}
    # The longest first, so that no processor idles at the end while another has it still before it.
    jobs = dict(sorted(jobs.items(), key=lambda item: -_length(item[1])))
    if jobs:
        LOG.info("executing %d pages, %d side by side", len(jobs), min(kernels.cores(), len(jobs)))
    app.course_crew = kernels.Crew(jobs, kernels.cores())


def _length(job):
    """An order of jobs by time: seconds where they are known, and before those what is new, by its size."""
    known = kernels.seconds(pathlib.Path(job["cache"]).parent)
    size = sum(len(cell.source) for cell in job["notebook"].cells if cell.cell_type == "code")
    return 1e6 + size if known is None else known


def _outdated(app, env, *seen):
    before = getattr(env, "course_states", {})
    return [
        name for name, cache in app.course_caches.items() if name in env.all_docs and before.get(name) != cache.name
    ]


def _take(app, name, source):
    """Wait until a page's cells have run, and let myst-nb find their outputs."""
    cache = app.course_caches.get(name)
    if cache is None:
        return
    app.env.course_states = getattr(app.env, "course_states", {})
    job = app.course_crew.results.get(name)
    failed = job.result() if job else None
    if failed:
        LOG.warning("executing the cells failed\n%s", failed, location=name)
        app.env.course_states.pop(name, None)
        cache = kernels.failed_cache(cache)  # the page shows how far it came; nothing is tried a second time
    else:
        app.env.course_states[name] = cache.name
        prune(cache)
    app.env.mystnb_config = app.env.mystnb_config.copy(execution_cache_path=str(cache))


def _stop(app, exception):
    app.course_crew.close()


def connect(app):
    """Start when it is known which pages there are; set the environment before a kernel starts."""
    os.environ.update(KERNEL_ENV)
    app.connect("config-inited", _start, priority=950)  # after sphinx_external_toc has excluded what is not listed
    app.connect("env-get-outdated", _outdated)
    app.connect("source-read", _take)
    app.connect("build-finished", _stop)
