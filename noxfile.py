"""The tasks: `nox -s book`, `serve`, `vendor`, `tests`, `quick`, `dev`, `lint`, `bench`, `grading`, `experiments`,
`measure`, `mutants`, `mutate` and `fair`.

All share one virtual environment, `.venv`, which is made and filled when it is missing or when what it
should hold has changed, and left alone otherwise.
"""

import argparse
import functools
import hashlib
import http.server
import os
import pathlib
import shutil
import subprocess
import sys
import webbrowser

import nox

nox.options.default_venv_backend = "none"
nox.options.sessions = ["book"]

ROOT = pathlib.Path(__file__).parent.resolve()
VENV = ROOT / ".venv"
BIN = VENV / ("Scripts" if os.name == "nt" else "bin")
PYTHON = str(BIN / "python")
STAMP = VENV / "installed"
SITE = ROOT / "_build" / "html"
ENV = {
    # A second thread of BLAS makes the course's small matrices slower.
    "OPENBLAS_NUM_THREADS": "1",
    "OMP_NUM_THREADS": "1",
    "PATH": os.pathsep.join([str(BIN), os.environ.get("PATH", "")]),
    "PRE_COMMIT_HOME": str(VENV / "pre-commit"),
}
# Tests that share what their file trains or grades go to one process, the others to whoever is free (tests/sharing.py).
SIDE_BY_SIDE = ["-n", "auto", "--maxprocesses", "4", "--dist", "loadgroup"]


def wanted():
    """What a whole environment is stamped with: Python, the project's place, what is to be installed."""
    digest = hashlib.sha256(f"{sys.version}\0{ROOT}\0".encode())
    for name in ("pyproject.toml", "constraints.txt"):
        digest.update((ROOT / name).read_bytes() + b"\0")
    return digest.hexdigest()


def usable():
    """Whether `.venv` is an environment of this Python, in this place, with pip in it."""
    code = "import pip, sys; print(sys.prefix, sys.version, sep='\\n')"
    try:
        found = subprocess.run([PYTHON, "-c", code], capture_output=True, text=True)
    except OSError:
        return False
    return found.returncode == 0 and found.stdout == f"{VENV}\n{sys.version}\n"


def install(session):
    """Make `.venv` whole. The stamp goes first and comes back last, so half an install is never taken for one."""
    if usable() and STAMP.exists() and STAMP.read_text() == wanted():
        return
    STAMP.unlink(missing_ok=True)
    if not usable():
        session.run(sys.executable, "-m", "venv", "--clear", str(VENV), external=True)
    session.log("installing what the course needs; the first time this takes some minutes")
    run(session, "-m", "pip", "install", "--quiet", "-c", "constraints.txt", "-e", ".[dev]")
    STAMP.write_text(wanted())


def run(session, *command, **options):
    """Run the environment's Python."""
    session.run(PYTHON, *command, env=ENV, external=True, **options)


def build(session, **options):
    """Execute the chapters and build the site; warnings are errors."""
    run(session, "book/_ext/build.py", **options)


class Quiet(http.server.SimpleHTTPRequestHandler):
    """Serves files without a line for each."""

    def log_message(self, *args):
        """Say nothing."""


@nox.session
def book(session):
    """Execute the chapters, build the site into _build/html, print the address to open."""
    install(session)
    build(session)
    session.log(f"open {(SITE / 'index.html').as_uri()}")


@nox.session
def serve(session):
    """Build the site, serve it on this machine and open it. Options: --port N, --no-open."""
    parser = argparse.ArgumentParser(prog="nox -s serve --", description=serve.__doc__)
    parser.add_argument("--port", type=int, default=0, help="the port to serve on (default: any that is free)")
    parser.add_argument("--no-open", action="store_true", help="do not open a browser")
    options = parser.parse_args(session.posargs)
    install(session)
    build(session)
    handler = functools.partial(Quiet, directory=str(SITE))
    with http.server.ThreadingHTTPServer(("127.0.0.1", options.port), handler) as server:
        address = f"http://127.0.0.1:{server.server_port}/"
        session.log(f"serving {address} until you press Ctrl-C")
        if not options.no_open:
            webbrowser.open(address)
        try:
            server.serve_forever()
        except KeyboardInterrupt:
            session.log("stopped")


@nox.session
def tests(session):
    """Run every test, or those named after --."""
    install(session)
    if not session.posargs:
        # The tests of the site would build it too, but silently. They also judge a build with warnings.
        build(session, success_codes=[0, 1])
    run(session, "-m", "pytest", *(session.posargs or SIDE_BY_SIDE))


@nox.session
def quick(session):
    """Run the tests that need no site, no browser, no long training and no graded class; those named after --."""
    install(session)
    run(session, "-m", "pytest", "--quick", *SIDE_BY_SIDE, *session.posargs)


@nox.session
def dev(session):
    """Make the environment to work in, and say how to enter it."""
    install(session)
    session.log(f"enter it with: source {(BIN / 'activate').relative_to(ROOT)}   then, for example: jupyter lab")


def lint_scripts(session):
    """Check the JavaScript: style, formatting and types, with the tools that package-lock.json pins."""
    npm = shutil.which("npm")
    if npm is None:
        say = session.error if os.environ.get("CI") else session.warn
        say("npm is not installed (Debian: apt-get install npm): the JavaScript was not checked")
        return
    lock, stamp = (ROOT / "package-lock.json").read_text(), ROOT / "node_modules" / "installed"
    if not stamp.exists() or stamp.read_text() != lock:
        session.run(npm, "ci", "--no-audit", "--no-fund", external=True)
        stamp.write_text(lock)
    session.run(npm, "run", "lint", external=True)


@nox.session
def lint(session):
    """Check style and formatting, and the repository's other rules."""
    install(session)
    run(session, "-m", "ruff", "check", ".")
    run(session, "-m", "ruff", "format", "--check", ".")
    lint_scripts(session)
    if (ROOT / ".git").exists():
        run(session, "-m", "pre_commit", "run", "--all-files")
    else:
        session.warn("not a git checkout: the hooks of pre-commit were not run")


@nox.session
def vendor(session):
    """Build the site and take Python itself into it, for readers without internet. Option: --from FOLDER."""
    install(session)
    build(session)
    ENV["PYTHONPATH"] = str(ROOT / "book" / "_ext")
    run(session, "-m", "course_site.vendor", *session.posargs)


@nox.session
def bench(session):
    """Measure the speed of the kernels, and keep the numbers for the book; then print that of grading."""
    install(session)
    # NumPy is to choose its kernel from the processor, as PyTorch does, whatever the shell says.
    for name in ("OPENBLAS_CORETYPE", "OPENBLAS_L2_SIZE"):
        os.environ.pop(name, None)
    run(session, "-m", "course_pkg.tools.bench", *(session.posargs or ("--json", "course_pkg/tools/bench.json")))
    if not session.posargs:
        run(session, "-m", "course_pkg.grading.bench")


@nox.session
def experiments(session):
    """Run the experiments that are too long for the book's build, or those named after --, and store the results."""
    install(session)
    run(session, "-m", "course_pkg.experiments", *session.posargs)


@nox.session
def measure(session):
    """Measure how light and how quick three chapters are. PYODIDE_DIST names a folder with Pyodide, see the file."""
    install(session)
    build(session, success_codes=[0, 1], silent=True)
    run(session, "book/_ext/measure.py")


@nox.session
def grading(session):
    """Measure grading against stock nbgrader. With `-- --class 500`: a whole class, killed in the middle."""
    install(session)
    run(session, "-m", "course_pkg.grading.bench", "--json", "course_pkg/grading/bench.json", *session.posargs)


@nox.session
def mutate(session):
    """Change each module of numerics in 40 ways and count those that fail a test. `-- trees`: one, in every way."""
    install(session)
    run(session, "tests/mutate_package.py", *(session.posargs or ("--sample", "40", "--keep", "tests/mutants.md")))


@nox.session
def mutants(session):
    """Change every solution in many small ways and count the changes that cost points. Takes about ten minutes."""
    install(session)
    run(session, "solutions/mutants.py", *(session.posargs or ("--keep", "book/tables/mutants.md")))


@nox.session
def fair(session):
    """Every known wrong version beside right functions, then under 20 seeds. Takes about ten minutes."""
    install(session)
    for what in ("slips", "seeds"):
        run(session, "solutions/fairness.py", what, *session.posargs)
