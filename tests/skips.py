"""In CI on Linux, where every tool can be had, a test that is skipped for want of one has failed."""

import os
import sys

import pytest

IN_CI = os.environ.get("CI", "").lower() in {"1", "true"}
STRICT = IN_CI and sys.platform == "linux"
# Not a missing tool: where the checkout lies in a folder that is root's alone, nobody else can start its Python; there
# is no file that root cannot read (another test has the error raised instead); and
# NumPy for the browser is in no package registry, so a tester names a folder that holds it (tests/browser).
ALLOWED = ("an ordinary user cannot read this Python", "root reads everything", "not run: PYODIDE_DIST")


def _strict(report):
    if STRICT and report.skipped and not hasattr(report, "wasxfail"):
        where = report.longrepr
        reason = where[2] if isinstance(where, tuple) else str(where)
        if not any(allowed in reason for allowed in ALLOWED):
            report.outcome, report.longrepr = "failed", f"skipped, which CI does not allow: {reason}"
    return report


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item, call):
    """A test, or its setup."""
    return _strict((yield))


@pytest.hookimpl(wrapper=True)
def pytest_make_collect_report(collector):
    """A whole file, as `pytest.importorskip` at its head skips it."""
    return _strict((yield))
