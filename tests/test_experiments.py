"""Long experiments: what is stored, what is kept when a run is stopped, and that the stored results are whole."""

import getpass
import importlib
import os
import platform
import subprocess
import sys

import pytest

from course_pkg import experiments
from course_pkg.experiments import which_cell


def _module(name):
    return importlib.import_module(f"course_pkg.experiments.{name}")


TINY = which_cell.SETTINGS | {
    "lengths": [10, 12],
    "seeds": [0, 1],
    "width": 3,
    "train": {"steps": 2, "batch": 4, "clip": 1.0, "every": 1},
    "sequences": 5,
    "search": {"rates": [0.001, 0.01], "seeds": [7], "length": 10},
}


def test_load_says_what_exists(tmp_path):
    with pytest.raises(ValueError, match="name: got 'nothing', wanted one of the stored results: none"):
        experiments.load("nothing", tmp_path)
    experiments.record("one", {}, [], tmp_path)
    experiments.record("another", {}, [], tmp_path)
    with pytest.raises(ValueError, match="wanted one of the stored results: another, one"):
        experiments.load("nothing", tmp_path)
    with pytest.raises(ValueError, match=r"got 'nothing', wanted one of the experiments: .*which_cell"):
        experiments.run("nothing")


def test_what_is_recorded_can_be_loaded(tmp_path):
    rows = [{"seed": 0, "error": 0.5, "seconds": 60}, {"seed": 1, "error": None, "seconds": 30}]
    path = experiments.record("made_up", {"seeds": [0, 1]}, rows, tmp_path)
    found = experiments.load("made_up", tmp_path)
    assert set(found) == {"date", "machine", "command", "minutes", "settings", "results"}
    assert set(found["machine"]) == {"processor", "python", "numpy"}
    assert (found["settings"], found["results"], found["minutes"]) == ({"seeds": [0, 1]}, rows, 1.5)
    assert found["command"] == "python -m course_pkg.experiments made_up"
    for secret in (platform.node(), os.getcwd(), sys.prefix, f"{os.sep}{getpass.getuser()}{os.sep}"):
        assert secret not in path.read_text()
    with pytest.raises(ValueError, match="wanted finite numbers"):
        experiments.record("made_up", {}, [{"error": float("nan")}], tmp_path)
    assert experiments.load("made_up", tmp_path) == found  # a refused result does not spoil what is there


@pytest.mark.parametrize("name", experiments.names())
def test_a_stored_result_is_whole_and_of_todays_settings(name):
    """Whoever changes an experiment runs it again: at least five seeds, a row for each key of the plan, in order."""
    module, stored = importlib.import_module(f"course_pkg.experiments.{name}"), experiments.load(name)
    assert stored["settings"] == module.SETTINGS
    assert len(stored["settings"]["seeds"]) >= 5
    assert stored["command"].endswith(name)
    assert stored["minutes"] < 15
    for key, row in zip(module.plan(module.SETTINGS), stored["results"], strict=True):
        assert key.items() <= row.items()


@pytest.mark.parametrize("name", [n for n in experiments.names() if experiments.texts(_module(n))])
def test_a_stored_result_says_which_text_it_was_made_of(name):
    """The text comes with Python. In another Python the page must say that it reads another text."""
    stored, now = experiments.load(name), experiments.texts(_module(name))
    note = experiments.texts_note(name, stored)
    assert stored["texts"].keys() == now.keys()
    if platform.python_version() == stored["machine"]["python"]:
        assert now == stored["texts"], (
            f"the text has changed: run `nox -s experiments -- {name}` and commit {name}.json"
        )
    assert ("is not the one" in note) == (now != stored["texts"])
    assert stored["machine"]["python"] in note


def test_another_text_is_noticed(monkeypatch, tmp_path):
    """A page that reads one more character than the stored result did says so; and `record` keeps what is read."""
    stored, text = experiments.load("depth"), experiments.tasks.help_text()
    monkeypatch.setattr(experiments.tasks, "help_text", lambda: text + "!")
    note = experiments.texts_note("depth", stored)
    assert "is not the one that the stored result was made with" in note
    found = experiments.texts(_module("depth"))
    assert found["help_text"] in note
    experiments.record("made_up", {}, [], tmp_path, found)
    assert experiments.load("made_up", tmp_path)["texts"] == found


def test_a_tiny_run_of_which_cell(tmp_path):
    """Each key of the plan, in order, with what was found for it."""
    experiments.run("which_cell", TINY, tmp_path)
    rows = experiments.load("which_cell", tmp_path)["results"]
    for key, row in zip(which_cell.plan(TINY), rows, strict=True):
        assert key.items() <= row.items()
        assert set(row) - set(key) >= {"H", "parameters", "error", "steps", "seconds"}
    assert os.listdir(tmp_path) == ["which_cell.json"]


def test_a_stopped_run_goes_on_where_it_was(tmp_path, monkeypatch):
    settings = TINY | {"tasks": ["temporal order"], "cells": ["gru"], "lengths": [10]}
    whole = experiments.load("which_cell", experiments.run("which_cell", settings, tmp_path).parent)["results"]
    measured, measure = [], which_cell.measure

    def breaks(settings, rows, **key):
        if len(measured) == 3:
            measured.append(None)
            raise KeyboardInterrupt
        measured.append(key)
        return measure(settings, rows, **key)

    monkeypatch.setattr(which_cell, "measure", breaks)
    with pytest.raises(KeyboardInterrupt):
        experiments.run("which_cell", settings, tmp_path)
    experiments.run("which_cell", settings, tmp_path)
    again = experiments.load("which_cell", tmp_path)["results"]
    assert len(measured) == 1 + len(whole)  # none but the broken one was measured twice
    assert [r | {"seconds": 0} for r in again] == [r | {"seconds": 0} for r in whole]


def test_rows_of_other_settings_are_not_taken_over(tmp_path):
    (tmp_path / "which_cell.part.jsonl").write_text('{"other": 1}\n{"stage": "search", "error": 0}\n')
    settings = TINY | {"tasks": ["adding"], "cells": ["lstm"], "lengths": [10]}
    experiments.run("which_cell", settings, tmp_path)
    rows = experiments.load("which_cell", tmp_path)["results"]
    assert [{k: row[k] for k in key} for key, row in zip(which_cell.plan(settings), rows, strict=True)] == (
        which_cell.plan(settings)
    )


def test_the_rate_is_that_of_the_lowest_mean_error():
    row = {"stage": "search", "task": "adding", "cell": "gru"}
    rows = [row | {"rate": rate, "error": error} for rate, error in ((0.1, 0.0), (0.1, 0.9), (0.2, 0.4), (0.2, 0.3))]
    rows += [row | {"rate": 0.3, "error": 0, "cell": "rnn"}, row | {"rate": 0.3, "error": 0, "stage": "compare"}]
    assert which_cell.best_rate(rows, "adding", "gru") == 0.2


def test_equal_parameters_means_as_wide_as_the_budget_allows():
    from course_pkg import params

    budget = params.cell_count("lstm", 8, 32)
    for cell in ("rnn", "gru"):
        H = which_cell.width(which_cell.SETTINGS, cell, 8, "parameters")
        assert params.cell_count(cell, 8, H) <= budget < params.cell_count(cell, 8, H + 1)


def test_the_command_refuses_what_does_not_exist():
    done = subprocess.run(
        [sys.executable, "-m", "course_pkg.experiments", "nothing"], capture_output=True, text=True, check=False
    )
    assert done.returncode == 2
    assert "no experiment nothing; there are" in done.stderr
    assert "which_cell" in done.stderr
