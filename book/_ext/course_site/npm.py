"""What npm brings: the parts of the pages' scripts, and Pyodide, which compiles Python for the browser."""

import pathlib
import shutil
import subprocess

from filelock import FileLock

from course_site.execution import ROOT

SOURCES = ROOT / "book" / "_live"


class Unavailable(Exception):
    """Something that the live part of the site is made of cannot be had here; the message says what."""


def packages(cache):
    """The folder node_modules with what the site is made of, below the folder `cache`."""
    work = cache / "npm"
    work.mkdir(parents=True, exist_ok=True)
    install(work, "--omit=dev")
    return work / "node_modules"


def install(work, *options):
    """Install into the folder `work` the npm packages that package-lock.json pins, unless they are there.

    Tests that run side by side ask for them at the same time: the first installs, the others wait for it.
    """
    with FileLock(work / "installing"):
        _install(work, options)


def _install(work, options):
    wanted = (SOURCES / "package-lock.json").read_text()
    stamp = work / "installed"
    if stamp.exists() and stamp.read_text() == wanted:
        return
    stamp.unlink(missing_ok=True)
    npm = shutil.which("npm")
    if npm is None:
        raise Unavailable("npm is not installed (Debian: apt-get install npm)")
    for name in ("package.json", "package-lock.json"):
        shutil.copy2(SOURCES / name, work)
    run([npm, "ci", "--no-audit", "--no-fund", *options], work)
    stamp.write_text(wanted)


def run(command, work):
    """Run a program in the folder `work`; Unavailable with the end of what it says when it fails."""
    try:
        done = subprocess.run(command, cwd=work, capture_output=True, text=True, errors="replace")
    except FileNotFoundError:
        raise Unavailable(f"{command[0]} is not installed (Debian: apt-get install npm)") from None
    if done.returncode:
        raise Unavailable(f"{pathlib.Path(command[0]).name} failed: {done.stderr.strip()[-800:]}")
