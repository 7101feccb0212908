"""Commands that speak: a sentence and a true exit code, nothing raw, nothing left behind."""

import os
import shutil
import tempfile
from pathlib import Path

import classroom
import pytest
from click.testing import CliRunner
from sqlalchemy.exc import OperationalError

from course_pkg.grading import cli, collect, late, outlet, runner, speaking
from course_pkg.grading.course import Course


@pytest.fixture
def room(course, tmp_path):
    (tmp_path / "room").mkdir()
    for name in ("nbgrader_config.py", "gradebook.db"):
        shutil.copy(course.root / name, tmp_path / "room" / name)
    for name in ("exercises", "solutions"):
        shutil.copytree(course.root / name, tmp_path / "room" / name)
    made = Course(tmp_path / "room")
    classroom.hand_in(made, "ada", {"\x1b]0;title\x1b\\\x1b[31mred.txt": b"x"})
    return made


def say(room, *words):
    return CliRunner().invoke(cli.main, ["--root", str(room.root), *words])


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["export", "gatez"], "no assignment 'gatez'"),
        (["status", "gatez"], "no assignment 'gatez'"),
        (["report", "gatez"], "no assignment 'gatez'"),
        (["feedback", "gatez"], "no assignment 'gatez'"),
        (["grade", "gatez"], "no assignment 'gatez'"),
        (["release", "gatez"], "no assignment 'gatez'"),
        (["collect", "gatez", "--from", "."], "no assignment 'gatez'"),
        (["gradescope", "gatez", "--to", "x"], "no assignment 'gatez'"),
        (["grade", "gates", "--student", "nobody"], "no student 'nobody'; there are: ada"),
        (["feedback", "gates", "--student", "nobody"], "no student 'nobody'"),
        (["export", "--accept", "nobody"], "no student 'nobody'"),
        (["report", "gates"], "nobody has been graded"),
    ],
)
def test_a_name_that_is_not_there(room, words, said):
    (room.root / "grades.csv").write_text("as it was")
    done = say(room, *words)
    assert done.exit_code == 1
    assert said in done.output
    assert "Traceback" not in done.output
    assert (room.root / "grades.csv").read_text() == "as it was"


@pytest.mark.parametrize("words", [["status"], ["export"], ["release"], ["grade", "x"], ["report", "x"]])
def test_an_empty_folder_stays_empty(tmp_path, words):
    done = CliRunner().invoke(cli.main, ["--root", str(tmp_path), *words])
    assert done.exit_code == 1
    assert "is no course: it has no nbgrader_config.py" in done.output
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("number", [28, 30, 13])
def test_a_disk_that_is_full_or_read_only(room, monkeypatch, number):
    """Each command that writes a file, at its place."""

    def fails(path, text):
        raise OSError(number, os.strerror(number), str(path))

    monkeypatch.setattr(outlet.exporting, "write", fails)
    monkeypatch.setattr(collect, "write", fails)
    for words in (["export"], ["collect", "gates", "--from", str(room.root / "exercises")]):
        done = say(room, *words)
        assert done.exit_code == 1
        assert os.strerror(number) in done.output
        assert isinstance(done.exception, SystemExit)
    assert room.students("gates") == ["ada"]


def test_a_gradebook_that_cannot_be_written(room, monkeypatch):
    def fails(*_):
        raise OperationalError("UPDATE", {}, Exception("attempt to write a readonly database"))

    monkeypatch.setattr(late.Late, "refresh", fails)
    done = say(room, "status")
    assert done.exit_code == 1
    assert done.output.strip() == (
        "Error: the gradebook cannot be written or read: attempt to write a readonly database"
    )


def test_ctrl_c_is_said(room, monkeypatch):
    def stops(*_, **__):
        raise KeyboardInterrupt

    monkeypatch.setattr(runner, "pending", stops)
    done = say(room, "grade", "gates", *([] if classroom.WALLED else ["--no-walls"]))
    assert done.exit_code == 130
    assert "the same command goes on from there" in done.output


def test_nothing_raw_reaches_the_terminal(room, capsys):
    for text in ("\x1b[31mred", "\x07", "\x9b2J", "\u202ecod.exe", "a\nb"):
        assert not set(speaking.plain(text)) & set("\x1b\x07\x9b\u202e")
    assert speaking.plain("अनीता\n[b]") == "अनीता\n[b]"
    speaking.Speaker(markup=False).print("\x1b]0;title\x1b\\x")
    assert "\x1b" not in capsys.readouterr().out
    assert "\x1b" not in str(speaking.Problem("\x1b[31mred").format_message())


def test_folders_of_dead_workers_are_taken_away(monkeypatch, tmp_path):
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    gone, mine, other = (tmp_path / f"course-{n}-abc" for n in (2**30, os.getpid(), "x"))
    for folder in (gone, mine, other):
        folder.mkdir()
        (folder / "trusted.json").write_text("hidden tests")
    speaking.sweep()
    assert [p.exists() for p in (gone, mine, other)] == [False, True, True]
    assert Path(tempfile.gettempdir()) == tmp_path


def test_nothing_in_a_source_is_said(room, tmp_path):
    (tmp_path / "empty").mkdir()
    done = say(room, "collect", "gates", "--from", str(tmp_path / "empty"))
    assert done.exit_code == 1
    assert "no submission was found" in done.output
