"""The project's tasks: `nox -s book`, `serve`, `tests`, `dev`, `lint`, `bench`.

All share one virtual environment, `.venv`, which is made and filled when it is missing or when what it
should hold has changed, and left alone otherwise.
"""

import hashlib
import os
import pathlib
import subprocess
import sys

import nox

nox.options.default_venv_backend = "none"
nox.options.sessions = ["book"]

ROOT = pathlib.Path(__file__).parent.resolve()
VENV = ROOT / ".venv"
BIN = VENV / ("Scripts" if os.name == "nt" else "bin")
PYTHON = str(BIN / "python")
STAMP = VENV / "installed"
SITE = ROOT / "_build" / "html"
# A second thread of BLAS makes the course's small matrices slower.
ENV = {"OPENBLAS_NUM_THREADS": "1", "OMP_NUM_THREADS": "1"}


def wanted():
    """What a whole environment is stamped with: Python, the project's place, what is to be installed."""
    digest = hashlib.sha256(f"{sys.version}\0{ROOT}\0".encode())
    for name in ("pyproject.toml", "constraints.txt"):
        digest.update((ROOT / name).read_bytes() + b"\0")
    return digest.hexdigest()


def install(session):
    """Make `.venv` whole. The stamp goes first and comes back last, so half an install is never taken for one."""
    if STAMP.exists() and STAMP.read_text() == wanted():
        return
    STAMP.unlink(missing_ok=True)
    works = VENV.exists() and subprocess.run([PYTHON, "-m", "pip", "--version"], capture_output=True).returncode == 0
    if not works:
        session.run(sys.executable, "-m", "venv", "--clear", str(VENV), external=True)
    session.run(PYTHON, "-m", "pip", "install", "-q", "-c", "constraints.txt", "-e", ".[dev]", external=True)
    STAMP.write_text(wanted())


def run(session, *command):
    """Run a module or script with the environment's Python."""
    session.run(PYTHON, *command, env=ENV, external=True)


def build(session):
    """Execute the chapters and build the site; warnings are errors."""
    options = ["--config", "_config.yml", "--path-output", ".", "-W", "-n", "--keep-going"]
    run(session, "-c", "from jupyter_book.cli.main import main; main()", "build", "book", *options)


@nox.session
def book(session):
    """Execute the chapters, build the site into _build/html, print the address to open."""
    install(session)
    build(session)
    session.log(f"open {(SITE / 'index.html').as_uri()}")
