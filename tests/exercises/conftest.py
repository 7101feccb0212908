"""What the tests of assignments share: the authors' tool, and the hidden tests' seed set as an instructor would."""

import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "solutions"))

import author  # noqa: E402  (it stands beside the assignments, not in a package)


def pytest_generate_tests(metafunc):
    """Every test that asks for an assignment runs on each that is found in `solutions`."""
    if "assignment" in metafunc.fixturenames:
        metafunc.parametrize("assignment", author.assignments())


@pytest.fixture(params=["0", "autumn 2026"])
def seed(request, monkeypatch):
    """Two seeds: what holds must not hang on the numbers that happen to be drawn."""
    monkeypatch.setenv("COURSE_TEST_SEED", request.param)
    return request.param
