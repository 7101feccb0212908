"""The workflow that publishes: what it calls is there, and nothing is published untested."""

import importlib
import re
import shlex

import pytest
import yaml
from course_site.execution import ROOT

WORKFLOW = yaml.safe_load((ROOT / ".github" / "workflows" / "pages.yml").read_text())
JOBS = WORKFLOW["jobs"]
COMMANDS = [step["run"] for job in JOBS.values() for step in job["steps"] if "run" in step]


def needed(job):
    """All jobs that a job waits for."""
    direct = JOBS[job].get("needs", [])
    direct = [direct] if isinstance(direct, str) else direct
    return set(direct).union(*map(needed, direct))


def test_nothing_is_published_untested():
    """In three browsers; and what was published is opened."""
    assert {"build", "test"} <= needed("deploy")
    assert "test" in needed("notebooks")
    assert "deploy" in needed("open")
    assert JOBS["test"]["strategy"]["matrix"]["browser"] == ["chromium", "firefox", "webkit"]


def test_only_the_jobs_that_publish_may_write():
    assert WORKFLOW["permissions"] == {"contents": "read"}
    writing = {n for n, job in JOBS.items() if "write" in job.get("permissions", {}).values()}
    assert writing == {"deploy", "notebooks"}


@pytest.mark.parametrize("command", COMMANDS, ids=lambda c: c.split("\n")[0][:40])
def test_what_it_calls_is_there(command):
    """Sessions of nox, files of the repository, modules of the extension."""
    tasks = (ROOT / "noxfile.py").read_text()
    for name in re.findall(r"nox -s (\w+)", command):
        assert re.search(rf"@nox.session\ndef {name}\(", tasks)
    for name in re.findall(r"-m (course_site\.\w+)", command):
        assert callable(importlib.import_module(name).main)
    for word in shlex.split(re.sub(r"\$\{\{.*?\}\}", "", command), comments=True):
        if re.match(r"(tests|book)/", word):
            assert (ROOT / word).exists(), word


def test_the_variables_that_it_sets_are_read():
    """A misspelt one would do nothing."""
    names = {k for job in JOBS.values() for step in job["steps"] for k in step.get("env", {})} - {"PIP_EXTRA_INDEX_URL"}
    sources = [*(ROOT / "book" / "_ext").rglob("*.py"), *(ROOT / "tests").rglob("*.py")]
    text = "\n".join(p.read_text(encoding="utf-8") for p in sources if p.name != "test_workflow.py")
    assert names
    assert all(f'"{name}"' in text for name in names)
