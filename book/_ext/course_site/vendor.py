"""Take Python itself into the built site, so that it runs where there is no internet: `nox -s vendor`.

Pyodide's core and the official packages of the lock are copied to `<site>/live/pyodide/`, and the two files
that say where Pyodide is are changed. Each package is held against the hash that is pinned for it; the core
comes from the npm package that the build pins with its own. The next build of the book puts the public
address back.
"""

import argparse
import hashlib
import json
import pathlib
import shutil
import sys
import urllib.request

from course_site import lite, lock, npm

CORE = ("pyodide.js", "pyodide.mjs", "pyodide.asm.js", "pyodide.asm.wasm", "python_stdlib.zip")


def read(source, name):
    """The bytes of the file `name` at `source`, the address of a folder or a folder."""
    if isinstance(source, pathlib.Path):
        return (source / name).read_bytes()
    with urllib.request.urlopen(source + name, timeout=60) as answer:
        return answer.read()


def vendor(site, source=None):
    """Copy Pyodide from `source` (default: its public address) into `site`; returns what the source lacks.

    A folder brings its own core, lock file, builds and hashes, and may lack packages. An address must have
    every package with the hash pinned in official.json, or ValueError is raised and the site stays as it was;
    the core is then that of npm (Unavailable is raised where it cannot be had).
    """
    if not (site / "live" / lock.LOCK).is_file():
        raise ValueError(f"vendor: {site} was built without Python in the browser; wanted live/{lock.LOCK} in it")
    pinned = lock.official()
    source = source or pinned["address"]
    local = isinstance(source, pathlib.Path)
    theirs = json.loads((source / lock.LOCK).read_text()) if local else pinned
    core = source if local else npm.packages(site.parent / ".live") / "pyodide"
    packages = {name: theirs["packages"][name] for name in pinned["packages"] if name in theirs["packages"]}
    part = site / "live" / "pyodide.part"
    shutil.rmtree(part, ignore_errors=True)
    part.mkdir()
    for name in CORE:
        shutil.copy2(core / name, part)
    for package in packages.values():
        name = package["file_name"]
        if local and not (source / name).is_file():
            continue
        content = read(source, name)
        if hashlib.sha256(content).hexdigest() != package["sha256"]:
            raise ValueError(f"vendor: {name} from {source} has another hash than {package['sha256']}")
        (part / name).write_bytes(content)
    (part / lock.LOCK).write_text(json.dumps({"info": theirs["info"], "packages": packages}))
    folder = part.with_suffix("")
    shutil.rmtree(folder, ignore_errors=True)
    part.rename(folder)
    missing = lock.point_at(site / "live", "pyodide/", folder)
    lite.point_at(site / "lite", "pyodide/")
    return missing


def main():
    """Take Pyodide into a built site."""
    parser = argparse.ArgumentParser(prog="nox -s vendor --", description=main.__doc__)
    parser.add_argument("--site", type=pathlib.Path, default=pathlib.Path("_build/html"), help="the built site")
    parser.add_argument("--from", dest="source", help="a folder or an address (default: Pyodide's public address)")
    given = parser.parse_args()
    folder = given.source and not given.source.startswith(("http:", "https:"))
    missing = vendor(given.site, pathlib.Path(given.source) if folder else given.source)
    size = sum(p.stat().st_size for p in (given.site / "live" / "pyodide").iterdir())
    print(f"{given.site / 'live' / 'pyodide'} holds Python, {size / 1e6:.0f} MB: the site now runs without internet.")
    if missing:
        print(f"Not there: {', '.join(missing)}. Cells that import these will fail.")


if __name__ == "__main__":
    sys.exit(main())
