"""How the chapters run: with static figures, and all again when course_pkg changes.

Jupyter Book's cache looks at a chapter's cells alone, so pages would keep the numbers of an older
package. Here the package's sources are part of the cache's path.
"""

import hashlib
import os
import pathlib
import shutil

ROOT = pathlib.Path(__file__).resolve().parents[3]
CACHES_KEPT = 3
KERNEL_ENV = {
    "COURSE_STATIC_FIGURES": "1",  # an Explorer then gives its table, for a page without a kernel
    "OPENBLAS_NUM_THREADS": "1",  # a second thread makes small matrices slower
    "OMP_NUM_THREADS": "1",
}


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


def cache_path(build, root=ROOT):
    """Where the executed notebooks of this state of course_pkg are kept."""
    return build / ".jupyter_cache" / fingerprint(package_sources(root), root)


def prune(cache):
    """Remove all but the caches used last; `cache` is the one in use."""
    cache.mkdir(parents=True, exist_ok=True)
    cache.touch()
    for old in sorted(cache.parent.iterdir(), key=lambda p: p.stat().st_mtime, reverse=True)[CACHES_KEPT:]:
        shutil.rmtree(old, ignore_errors=True)


def _set_cache(app, config):
    cache = cache_path(pathlib.Path(app.outdir).parent)
    prune(cache)
    config.nb_execution_cache_path = str(cache)


def connect(app):
    """Set the cache's path before myst-nb reads its configuration, and the environment before a kernel starts."""
    os.environ.update(KERNEL_ENV)
    app.connect("config-inited", _set_cache)
