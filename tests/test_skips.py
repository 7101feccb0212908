"""Nothing is left out in CI without a word."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

LACKING = """
import pytest

def test_lacks_a_package():
    pytest.importorskip("no_such_package_anywhere")

@pytest.mark.skipif(True, reason="no walls here")
def test_lacks_walls():
    pass

@pytest.fixture
def tool():
    pytest.skip("no tool")

def test_lacks_a_tool(tool):
    pass

def test_allowed():
    pytest.skip("an ordinary user cannot read this Python")

def test_allowed_too():
    pytest.skip("not run: PYODIDE_DIST names no folder")

@pytest.mark.xfail(strict=True)
def test_known():
    assert False
"""
WHOLE_FILE = "import pytest\npytest.importorskip('no_such_package_anywhere')\ndef test_nothing(): pass\n"


@pytest.mark.skipif(sys.platform != "linux", reason="elsewhere not every tool can be had")
@pytest.mark.parametrize(("ci", "outcome"), [("true", "2 skipped, 1 xfailed"), ("", "5 skipped, 1 xfailed")])
def test_what_is_skipped_has_failed_in_ci(tmp_path, ci, outcome):
    (tmp_path / "test_lacking.py").write_text(LACKING)
    environment = {**os.environ, "CI": ci, "PYTHONPATH": str(Path(__file__).parent)}
    words = [sys.executable, "-m", "pytest", "-q", "-p", "skips", "-c", os.devnull, "--rootdir", tmp_path, tmp_path]
    done = subprocess.run(words, env=environment, capture_output=True, text=True, cwd=tmp_path)
    assert outcome in done.stdout
    assert ("1 failed" in done.stdout) == bool(ci)
    assert ("2 errors" in done.stdout) == bool(ci)  # a mark and a fixture skip before the test begins
    assert done.returncode == bool(ci)
    assert ("no walls here" in done.stdout) or not ci
    (tmp_path / "test_lacking.py").write_text(WHOLE_FILE)
    done = subprocess.run(words, env=environment, capture_output=True, text=True, cwd=tmp_path)
    assert ("1 error" in done.stdout) == bool(ci)
