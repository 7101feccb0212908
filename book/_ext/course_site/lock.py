"""The lock file of the site: what Python in the browser may load, from where, with which hash.

"Run this page" and JupyterLite share it. Pyodide and its own builds of NumPy and Matplotlib come from
Pyodide's public address (`official.json` pins them), pure Python from PyPI (`browser-requirements.txt`
pins it) and our package are served by the site. Written below `<site>/live/`:

- `pyodide-lock.json`, in Pyodide's format;
- `wheels/`, what the site serves itself, compiled (see `bytecode`);
- `stdlib.zip`, Python's standard library out of Pyodide, compiled;
- `runtime.json`, {"pyodide": address of the folder of pyodide.js, "lock" and "stdlib": their names}. Addresses
  in it are relative to it. Whoever publishes the site can change them there (see `point_at`), to another
  place with the same version of Pyodide.
"""

import json
import pathlib
import shutil
import subprocess
import sys
import tempfile
from importlib import metadata

from packaging.utils import canonicalize_name

from course_site import bytecode, npm
from course_site.execution import ROOT, fingerprint, package_sources
from course_site.npm import Unavailable
from course_site.wheels import describe_wheel, make_wheel, sha256

HERE = pathlib.Path(__file__).parent
OFFICIAL = HERE / "official.json"
REQUIREMENTS = HERE / "browser-requirements.txt"
LOCK, RUNTIME, WHEELS, STDLIB = "pyodide-lock.json", "runtime.json", "wheels", "stdlib.zip"
# Kept out of the closure of what requires them: jedi is for completion (JupyterLite asks for it by name), the
# others are the notebook's side of ipywidgets, which is not Python.
NOT_REQUIRED = {"jedi", "jupyterlab-widgets", "widgetsnbextension"}
# What course_pkg imports. Matplotlib is large and comes when a cell imports it, as every use of `plots` does.
COURSE_REQUIRES = ("numpy", "anywidget", "ipywidgets", "tqdm", "pydoc-data")
# The shell's requirements, which its own wheel does not name.
KERNEL_REQUIRES = ("comm", "ipython", "traitlets")


def official():
    """The pinned part that Pyodide publishes: {"address", "info", "packages"}."""
    return json.loads(OFFICIAL.read_text())


def pure_wheels(cache):
    """The pinned pure wheels, downloaded by pip into the folder `cache` unless they are there."""
    folder = cache / fingerprint([REQUIREMENTS], HERE)
    if not folder.is_dir():
        part = folder.with_suffix(".part")
        shutil.rmtree(part, ignore_errors=True)
        command = [sys.executable, "-m", "pip", "download", "--quiet", "--no-deps", "--require-hashes"]
        command += ["--only-binary=:all:", "--python-version=3.13", "--implementation=py", "--abi=none"]
        command += ["--platform=any", f"--dest={part}", f"--requirement={REQUIREMENTS}"]
        done = subprocess.run(command, capture_output=True, text=True, errors="replace")
        if done.returncode:
            reason = next((line for line in done.stderr.splitlines() if line.startswith("ERROR")), done.stderr[-300:])
            raise Unavailable(f"pip could not download the wheels of {REQUIREMENTS.name}: {reason}")
        part.rename(folder)
    return sorted(folder.glob("*.whl"))


def kernel_wheels():
    """What the PyPI package jupyterlite-pyodide-kernel carries: its IPython shell and its installer."""
    try:
        package = metadata.distribution("jupyterlite-pyodide-kernel")
    except metadata.PackageNotFoundError:
        raise Unavailable("jupyterlite-pyodide-kernel is not installed (pip install '.[live]')") from None
    wheels = [pathlib.Path(package.locate_file(f)).resolve() for f in package.files if f.match("static/pypi/*.whl")]
    return sorted(p for p in wheels if p.name.startswith(("ipykernel-", "piplite-", "pyodide_kernel-")))


def course_wheel(folder):
    """Our package for the browser: all of it but grading."""
    from course_pkg import __version__

    files = {p.relative_to(ROOT).as_posix(): p.read_bytes() for p in package_sources()}
    return make_wheel(folder, "course-pkg", __version__, files, COURSE_REQUIRES)


def no_sqlite(folder):
    """A wheel named sqlite3 with nothing in it.

    JupyterLite's kernel loads sqlite3 before it starts, for IPython's history, which it then switches off.
    The real one would cost every reader a download. It stays in the lock under another name, so that
    `import sqlite3` in a cell finds it.
    """
    return make_wheel(folder, "sqlite3", "1.0.0", {})


def served(cache):
    """All that the site serves of Python, compiled, in the folder `cache`: (wheels, standard library).

    Raises Unavailable when a part of it cannot be had.
    """
    stdlib = npm.packages(cache) / "pyodide" / "python_stdlib.zip"
    with tempfile.TemporaryDirectory() as scratch:
        ours = course_wheel(scratch)
        wheels = [*pure_wheels(cache), *kernel_wheels(), ours, no_sqlite(scratch)]
        made = bytecode.compiled([*wheels, stdlib], cache, keep=[ours])
    return [made[wheel] for wheel in wheels], made[stdlib]


def entry(wheel, file_name):
    """A wheel's entry in a lock file."""
    found = describe_wheel(wheel)
    extra = KERNEL_REQUIRES if found["name"] == "pyodide-kernel" else ()
    return {
        **{"name": found["name"], "version": found["version"], "file_name": file_name, "sha256": sha256(wheel)},
        "depends": sorted({*found["requires"], *extra} - NOT_REQUIRED),
        "imports": found["imports"],
        **{"install_dir": "site", "package_type": "package", "unvendored_tests": False},
    }


def _official_entries(source):
    """The official packages at their public address, by name; the real sqlite3 makes room for the empty one."""
    entries = {name: {**p, "file_name": source["address"] + p["file_name"]} for name, p in source["packages"].items()}
    entries["sqlite3-official"] = {**entries.pop("sqlite3"), "name": "sqlite3-official"}
    return entries


def write(live, cache):
    """Write the lock, its wheels and runtime.json into the folder `live`; returns the lock.

    Downloads are kept in the folder `cache`. Raises Unavailable when one of them cannot be had.
    """
    wheels, stdlib = served(cache)
    shutil.rmtree(live / WHEELS, ignore_errors=True)
    (live / WHEELS).mkdir(parents=True)
    for wheel in wheels:
        shutil.copy2(wheel, live / WHEELS)
    shutil.copy2(stdlib, live / STDLIB)
    source = official()
    packages = _official_entries(source)
    for wheel in sorted((live / WHEELS).iterdir()):
        found = entry(wheel, f"{WHEELS}/{wheel.name}")
        packages[found["name"]] = found
    check(packages)
    lock = {"info": source["info"], "packages": dict(sorted(packages.items()))}
    _dump(live / LOCK, lock)
    _dump(live / RUNTIME, {"pyodide": source["address"], "lock": LOCK, "stdlib": STDLIB})
    return lock


def check(packages):
    """Raise ValueError when an entry depends on something that the lock does not hold."""
    for name, package in packages.items():
        missing = {canonicalize_name(d) for d in package["depends"]} - set(packages)
        if missing:
            raise ValueError(f"lock: {name} depends on {', '.join(sorted(missing))}; wanted an entry for each")


def point_at(live, address, distribution=None):
    """Let the lock and runtime.json in the folder `live` take Pyodide from `address` (ends in a slash).

    With `distribution`, a folder with the same files and Pyodide's own pyodide-lock.json, the official
    packages come from `address` too, with that folder's builds and hashes; those that it lacks are dropped,
    with what requires them. Returns the names of the packages that were dropped.
    """
    runtime = json.loads((live / RUNTIME).read_text())
    _dump(live / RUNTIME, {**runtime, "pyodide": address})
    if distribution is None:
        return []
    lock = json.loads((live / LOCK).read_text())
    theirs = json.loads((distribution / LOCK).read_text())["packages"]
    packages, dropped = {}, []
    for name, package in lock["packages"].items():
        if not package["file_name"].startswith(f"{WHEELS}/"):
            found = theirs.get("sqlite3" if name == "sqlite3-official" else name)
            file = distribution / found["file_name"] if found else None
            if file is None or not file.is_file():
                dropped.append(name)
                continue
            package = {**package, "file_name": address + file.name, "sha256": sha256(file)}
        packages[name] = package
    for package in packages.values():
        package["depends"] = [d for d in package["depends"] if canonicalize_name(d) not in dropped]
    _dump(live / LOCK, {**lock, "packages": packages})
    return dropped


def _dump(path, content):
    path.write_text(json.dumps(content, indent=1) + "\n")


def pin(path, wanted=("numpy", "matplotlib", "sqlite3", "pydoc-data")):
    """Take from Pyodide's own lock file, at `path`, what the course needs and write official.json."""
    lock, left, packages = json.loads(pathlib.Path(path).read_text()), list(wanted), {}
    ours = {line.split("==")[0] for line in REQUIREMENTS.read_text().splitlines() if "==" in line}
    while left:
        name = canonicalize_name(left.pop())
        if name not in packages and name not in ours:
            packages[name] = lock["packages"][name]
            left += packages[name]["depends"]
    _dump(
        OFFICIAL, {"address": official()["address"], "info": lock["info"], "packages": dict(sorted(packages.items()))}
    )


if __name__ == "__main__":
    pin(sys.argv[1])
