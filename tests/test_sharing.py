"""Tests that share something run in one process; the quick ones need nothing that takes minutes."""

import os
import subprocess
import sys

import pytest
from course_site.execution import ROOT

FILES = {
    "test_free.py": "def test_one(): pass\ndef test_two(): pass\n",
    "test_fixture.py": (
        "import pytest\n@pytest.fixture(scope='module')\ndef trained(): return 1\n"
        "def test_one(trained): pass\ndef test_alone(): pass\n"
    ),
    "test_cached.py": "import functools\n@functools.cache\ndef f(): return 1\ndef test_one(): f()\n",
    "test_kinds.py": (
        "import pytest\n@pytest.mark.slow\ndef test_slow(): pass\n@pytest.mark.browser\ndef test_browser(): pass\n"
        "def test_site(site): pass\ndef test_url(site_url): pass\n"
    ),
    "grading/test_class.py": "def test_grading(): pass\n",
}


@pytest.fixture(scope="module")
def collect(tmp_path_factory):
    """Collect the made-up files with these options: the lines that name a test and its group."""
    folder = tmp_path_factory.mktemp("tests")
    for name, text in FILES.items():
        (folder / name).parent.mkdir(exist_ok=True)
        (folder / name).write_text(text)
    show = "def pytest_collection_finish(session):\n    for i in session.items:\n"
    show += "        print('ITEM', i.name, *(m.args[0] for m in i.iter_markers('xdist_group')))\n"
    (folder / "show.py").write_text(show)
    fixtures = "import pytest\n@pytest.fixture\ndef site(): pass\n@pytest.fixture\ndef site_url(): pass\n"
    hooks = "from sharing import pytest_addoption, pytest_collection_modifyitems\n"
    (folder / "conftest.py").write_text(hooks + fixtures)
    (folder / "pytest.ini").write_text("[pytest]\nmarkers =\n    slow: s\n    browser: b\n")

    def collected(*options):
        env = os.environ | {"PYTHONPATH": f"{folder}{os.pathsep}{ROOT / 'tests'}"}
        command = [sys.executable, "-m", "pytest", "--collect-only", "-q", "-p", "show", *options]
        done = subprocess.run(command, cwd=folder, env=env, capture_output=True, text=True)
        assert done.returncode == 0, done.stdout + done.stderr
        return {tuple(line.split()[1:]) for line in done.stdout.splitlines() if line.startswith("ITEM ")}

    return collected


def test_only_tests_that_share_something_are_bound_to_their_file(collect):
    """A fixture of the file's, or a function that keeps what it gave."""
    assert collect("test_free.py", "test_fixture.py", "test_cached.py") == {
        ("test_one",),
        ("test_two",),
        ("test_alone",),
        ("test_one", "test_fixture.py"),
        ("test_one", "test_cached.py"),
    }


def test_quick_leaves_out_what_takes_minutes(collect):
    """And nothing else."""
    everything = {name for name, *_ in collect()}
    quick = {name for name, *_ in collect("--quick")}
    assert everything - quick == {"test_slow", "test_browser", "test_site", "test_url", "test_grading"}
    assert quick == {"test_one", "test_two", "test_alone"}
