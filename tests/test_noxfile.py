"""The shared environment of the tasks: whole or not there, and left alone when nothing changed."""

import collections
import importlib.util
import venv

import nox
import pytest
from course_site.execution import ROOT


class Failed(Exception):
    """A command that did not succeed."""


class Session:
    """Stands for nox's session: makes environments for real, and only notes what would be installed."""

    def __init__(self):
        self.installs, self.made, self.breaks = 0, 0, False

    def log(self, message):
        """Say nothing."""

    def run(self, *command, **options):
        """Run `python -m venv` (without pip), count `pip install`."""
        if "venv" in command:
            self.made += 1
            venv.create(command[-1], clear=True)
        elif "pip" in command:
            self.installs += 1
            if self.breaks:
                raise Failed


@pytest.fixture
def real_tasks(tmp_path, monkeypatch):
    """The project's noxfile, moved to a project of its own."""
    for name in ("noxfile.py", "pyproject.toml", "constraints.txt"):
        (tmp_path / name).write_bytes((ROOT / name).read_bytes())
    monkeypatch.setattr(nox.registry, "_REGISTRY", collections.OrderedDict())  # nox refuses to read a file twice
    spec = importlib.util.spec_from_file_location("noxfile_under_test", tmp_path / "noxfile.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture
def tasks(real_tasks, monkeypatch):
    """The same, where an environment counts as usable without pip, which would take seconds to copy."""
    monkeypatch.setattr(real_tasks, "usable", lambda: (real_tasks.VENV / "pyvenv.cfg").exists())
    return real_tasks


def test_nothing_is_installed_twice(tasks):
    """A second task must start at once."""
    session = Session()
    tasks.install(session)
    tasks.install(session)
    assert (session.made, session.installs) == (1, 1)


@pytest.mark.parametrize("name", ["pyproject.toml", "constraints.txt"])
def test_a_change_of_what_is_needed_installs_again(tasks, name):
    """New requirements go into the environment that is there."""
    session = Session()
    tasks.install(session)
    with (tasks.ROOT / name).open("a") as file:
        file.write("\n# changed\n")
    tasks.install(session)
    assert (session.made, session.installs) == (1, 2)


def test_half_an_install_is_not_taken_for_a_whole_one(tasks):
    """After a broken download the next task must install again, also when an older install had been whole."""
    session = Session()
    tasks.install(session)
    with (tasks.ROOT / "constraints.txt").open("a") as file:
        file.write("\n# changed\n")
    session.breaks = True
    with pytest.raises(Failed):
        tasks.install(session)
    session.breaks = False
    tasks.install(session)
    tasks.install(session)
    assert session.installs == 3


def test_a_lost_environment_is_made_anew(tasks):
    """A stamp without an environment behind it means nothing."""
    session = Session()
    tasks.install(session)
    (tasks.VENV / "pyvenv.cfg").unlink()
    tasks.install(session)
    assert (session.made, session.installs) == (2, 2)


def test_an_environment_without_pip_is_not_usable(real_tasks):
    """`python -m venv` that was interrupted leaves a folder that cannot install anything."""
    assert not real_tasks.usable()
    venv.create(real_tasks.VENV)
    assert not real_tasks.usable()


def test_every_task_is_there(tasks):
    """The README names these."""
    named = ("book", "serve", "tests", "quick", "dev", "lint", "bench", "grading", "experiments")
    assert all(callable(getattr(tasks, name)) for name in named)
