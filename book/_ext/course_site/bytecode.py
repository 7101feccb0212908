"""Python compiled when the site is built, so that no reader waits for it.

Pyodide brings its standard library as sources, and so do wheels: a browser would compile hundreds of files
before the first cell runs. Here Pyodide, run by Node, compiles them once. What it makes is kept among the
downloads, by the hash of what it was made from and with.
"""

import hashlib
import pathlib
import shutil
import tempfile
import zipfile

from course_site import npm
from course_site.execution import fingerprint
from course_site.wheels import TIME, record

STDLIB = "lib/python313.zip"  # where Pyodide puts the standard library, and packages
PACKAGES = "lib/python3.13/site-packages"
# What decides how sources are compiled. Bytecode of one Python cannot be read by another.
COMPILER = [npm.SOURCES / name for name in ("compile.mjs", "compile.py", "package-lock.json")] + [
    pathlib.Path(__file__)
]


def compiled(paths, cache, keep=()):
    """The wheels and zips of `paths` with bytecode for their sources; {path: path of the compiled one}.

    A source is left out where it has bytecode, but for the files of `keep`: Python shows those in
    tracebacks, and a reader can look into them. Results are kept in the folder `cache`. A file's name stays
    as it was. Raises Unavailable where Node or Pyodide cannot be had.
    """
    compiler = fingerprint(COMPILER)
    made = {path: _place(path, cache, f"{compiler} {path in keep}") for path in paths}
    missing = [path for path in paths if not made[path].is_file()]
    if missing:
        with tempfile.TemporaryDirectory() as scratch:
            source, result = pathlib.Path(scratch, "in.zip"), pathlib.Path(scratch, "out.zip")
            _gather(missing, source)
            work = npm.packages(cache).parent
            for name in ("compile.mjs", "compile.py"):
                shutil.copy2(npm.SOURCES / name, work)
            npm.run(["node", "compile.mjs", str(source), str(result)], work)
            with zipfile.ZipFile(result) as bytecode:
                for path in missing:
                    _put(path, made[path], bytecode, path in keep)
    return made


def _place(path, cache, how):
    key = hashlib.sha256(path.read_bytes() + f"{path.name} {how}".encode()).hexdigest()[:16]
    return cache / "bytecode" / key / path.name


def _folder(path):
    return STDLIB if path.suffix == ".zip" else PACKAGES


def _gather(paths, target):
    with zipfile.ZipFile(target, "w") as out:
        for path in paths:
            with zipfile.ZipFile(path) as sources:
                for name in sources.namelist():
                    if name.endswith(".py"):
                        out.writestr(f"{path.name}/{_folder(path)}/{name}", sources.read(name))


def _put(path, target, bytecode, kept):
    files, known = {}, set(bytecode.namelist())
    with zipfile.ZipFile(path) as sources:
        for name in (n for n in sources.namelist() if not n.endswith("/")):
            found = f"{path.name}/{_folder(path)}/{name}c"
            if found in known:
                files[_cached(name) if kept else f"{name}c"] = bytecode.read(found)
            if kept or found not in known:
                files[name] = sources.read(name)
    info = next((name.split("/")[0] for name in files if name.endswith(".dist-info/RECORD")), None)
    if info:
        files[f"{info}/RECORD"] = record({n: c for n, c in files.items() if n != f"{info}/RECORD"}, info)
    target.parent.mkdir(parents=True, exist_ok=True)
    part = target.with_suffix(".part")
    with zipfile.ZipFile(part, "w", zipfile.ZIP_DEFLATED) as out:
        for name, content in sorted(files.items()):
            out.writestr(zipfile.ZipInfo(name, TIME), content, zipfile.ZIP_DEFLATED)
    part.rename(target)


def _cached(name):
    """Where Python looks for the bytecode of a source that is there too."""
    folder, _, file = name.rpartition("/")
    return f"{folder}/__pycache__/{file[:-3]}.cpython-313.pyc".lstrip("/")
