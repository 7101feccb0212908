"""As many people out as in: names and numbers of learning systems, rosters, and the files that go back."""

import csv
import io
import json
import re
import shutil
import unicodedata
import zipfile

import classroom
import pytest
from click.testing import CliRunner
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from nbgrader.api import Gradebook

from course_pkg.grading import cli, collect, feedback, names, roster
from course_pkg.grading.course import Course
from course_pkg.grading.export import Row
from course_pkg.grading.people import People, TwoPeople


@pytest.fixture
def room(course, tmp_path):
    """A released course of its own."""
    (tmp_path / "room").mkdir()
    for name in ("nbgrader_config.py", "gradebook.db"):
        shutil.copy(course.root / name, tmp_path / "room" / name)
    shutil.copytree(course.root / "exercises", tmp_path / "room" / "exercises")
    return Course(tmp_path / "room")


def archive(path, members):
    with zipfile.ZipFile(path, "w") as made:
        for name, data in members.items():
            made.writestr(name, data)
    return path


def moodle(name, number, file="gates.ipynb"):
    return f"{name}_{number}_assignsubmission_file_/{file}"


def there(course):
    """{student: {file: text}} as collected."""
    found = {}
    for student in course.students("gates"):
        folder = course.path("submitted", student, "gates")
        found[student] = {p.relative_to(folder).as_posix(): p.read_text() for p in folder.rglob("*") if p.is_file()}
    return found


ABC = st.characters(categories=("L", "M", "N", "Zs", "Pd", "Po", "Sm"), exclude_characters="_/\\")
NAME = st.text(ABC, min_size=1, max_size=12).filter(lambda s: re.search(r"[^\W_]", s) and s == s.strip())
CLASS = st.dictionaries(st.integers(1, 99_999), st.one_of(NAME, st.sampled_from(["Wei Zhang", "Ada"])), max_size=12)


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(CLASS, st.sampled_from(["moodle", "flat", "canvas"]), st.sampled_from(["", "download/", "a/b/"]))
def test_as_many_people_out_as_in(tmp_path_factory, drawn, system, around):
    """Whatever they are called: one folder each, with their own work in it, and none new the second time."""
    root = tmp_path_factory.mktemp("drawn")
    (root / "nbgrader_config.py").write_text(classroom.CONFIG)
    course, members = Course(root), {}
    for number, name in drawn.items():
        form = {"moodle": moodle(name, number), "flat": moodle(name, number).replace("/", "")}
        form["canvas"] = f"{name}_{number}_{number + 7}_gates.ipynb"
        members[around + form[system]] = f"work of {number}"
    source = archive(root / "in.zip", members)
    done = collect.gather(course, "gates", source)
    assert sorted(text for files in there(course).values() for text in files.values()) == sorted(members.values())
    assert len(done.taken) == len(course.students("gates")) == len(drawn)
    again = collect.gather(course, "gates", source)
    assert not again.taken
    assert len(again.kept) == len(drawn)
    assert not again.differ


@settings(max_examples=40, deadline=None)
@given(st.lists(NAME, min_size=2, max_size=6, unique=True))
def test_without_numbers_two_people_are_an_error(tmp_path_factory, drawn):
    """Folders of one's own have no number: as many as in, or an error that names both."""
    root = tmp_path_factory.mktemp("own")
    (root / "nbgrader_config.py").write_text(classroom.CONFIG)
    course = Course(root)
    drawn = list({unicodedata.normalize("NFC", name) for name in drawn})
    source = archive(root / "in.zip", {f"{name}/gates.ipynb": name for name in drawn})
    try:
        collect.gather(course, "gates", source)
    except TwoPeople as problem:
        assert sum(name in str(problem) for name in drawn) >= 2  # noqa: PT017
        assert not course.students("gates")
    else:
        assert len(course.students("gates")) == len(drawn)


@pytest.mark.parametrize(
    ("members", "students"),
    [
        (
            {moodle("Participant", 4711): "a", moodle("Participant", 4712): "b"},
            {"Participant-4711", "Participant-4712"},
        ),
        ({moodle("Wei Zhang", 1): "a", moodle("Wei Zhang", 2): "b"}, {"Wei-Zhang-1", "Wei-Zhang-2"}),
        ({moodle("अनीता शर्मा", 1): "a", moodle("अनिता शर्मा", 2): "b"}, {"अनीता-शर्मा", "अनिता-शर्मा"}),
        ({"zhangwei_102_9_gates.ipynb": "a", "zhangwei_103_8_gates.ipynb": "b"}, {"zhangwei-102", "zhangwei-103"}),
        ({moodle("Ada", 1): "a", "Ada_1_assignsubmission_onlinetext_/onlinetext.html": "<p>"}, {"Ada"}),
        (
            {"submissions/ada.ipynb": "a", "submissions/bob.ipynb": "b", "submissions/cyd.ipynb": "c"},
            {"ada", "bob", "cyd"},
        ),
        ({"submissions/ada/gates.ipynb": "a", "submissions/bob/gates.ipynb": "b"}, {"ada", "bob"}),
        ({"ada/gates.ipynb": "a", "ada/draft.ipynb": "b"}, {"ada"}),
        ({"ada/gates/gates.ipynb": "a"}, {"ada"}),
        ({"ada/gates.ipynb": "a", "ada/run_2024_11_results.csv": "1"}, {"ada"}),
        ({"anon_ab3_LATE_12_gates.ipynb": "a", "anon_cd4_13_gates.ipynb": "b"}, {"anon-ab3", "anon-cd4"}),
        ({"top/readme.txt": "x", f"top/{moodle('Ada', 1)}": "a"}, {"Ada"}),
    ],
)
def test_who_is_who(room, tmp_path, members, students):
    done = collect.gather(room, "gates", archive(tmp_path / "in.zip", members))
    assert set(room.students("gates")) == set(done.taken) == students
    kept = [text for files in there(room).values() for text in files.values()]
    assert sorted(kept) == sorted(v for k, v in members.items() if not k.endswith("readme.txt"))


def test_both_ways_to_write_a_mark_are_one_name(room, tmp_path):
    for count, form in enumerate(("NFC", "NFD")):
        name = unicodedata.normalize(form, "Zoë Müller")
        done = collect.gather(room, "gates", archive(tmp_path / f"{form}.zip", {f"{name}/gates.ipynb": "x"}))
        assert len(done.taken) == 1 - count
    assert room.students("gates") == [unicodedata.normalize("NFC", "Zoë-Müller")]
    assert names.folder_name("x" * 300) != names.folder_name("x" * 301)


def test_who_comes_later_gets_a_folder_too(room, tmp_path):
    """The first of a name keeps theirs; numbers are remembered from one download to the next."""
    collect.gather(room, "gates", archive(tmp_path / "1.zip", {moodle("Wei Zhang", 1): "a"}))
    both = {moodle("Wei Zhang", 1): "a", moodle("Wei Zhang", 2): "b"}
    done = collect.gather(room, "gates", archive(tmp_path / "2.zip", both))
    assert set(done.taken) == {"Wei-Zhang-2"}
    assert done.kept == ["Wei-Zhang-1"] or done.kept == ["Wei-Zhang"]
    assert sorted(f["gates.ipynb"] for f in there(room).values()) == ["a", "b"]


def test_newer_work_is_named_and_taken_when_asked(room, tmp_path):
    old = archive(tmp_path / "1.zip", {moodle("Ada", 1): "a", moodle("Bob", 2): "b"})
    new = archive(tmp_path / "2.zip", {moodle("Ada", 1): "A", moodle("Bob", 2): "b"})
    collect.gather(room, "gates", old)
    done = collect.gather(room, "gates", new)
    assert (done.kept, done.differ) == (["Ada", "Bob"], ["Ada"])
    assert there(room)["Ada"]["gates.ipynb"] == "a"
    done = collect.gather(room, "gates", new, overwrite=True)
    assert (done.replaced, done.kept) == (["Ada"], ["Bob"])
    assert there(room)["Ada"]["gates.ipynb"] == "A"


@pytest.mark.parametrize("stops_at", [1, 2])
def test_a_collect_that_was_stopped_leaves_no_half(room, tmp_path, monkeypatch, stops_at):
    source = archive(tmp_path / "in.zip", {moodle("ada", 1, "data.csv"): "1", moodle("ada", 1): "x"})
    kept, count = collect.write, []

    def stops(path, data):
        count.append(path)
        if len(count) == stops_at:
            raise KeyboardInterrupt
        kept(path, data)

    monkeypatch.setattr(collect, "write", stops)
    with pytest.raises(KeyboardInterrupt):
        collect.gather(room, "gates", source)
    assert not room.students("gates")
    monkeypatch.setattr(collect, "write", kept)
    collect.gather(room, "gates", source)
    assert there(room) == {"ada": {"data.csv": "1", "gates.ipynb": "x"}}
    assert [p.name for p in room.path("submitted", "ada", "gates").parent.iterdir()] == ["gates"]


def test_one_broken_member_is_one_students_trouble(room, tmp_path):
    path = archive(tmp_path / "in.zip", {moodle("ada", 1): "right" * 9, moodle("bob", 2): "wrong" * 9})
    path.write_bytes(path.read_bytes().replace(b"wrong" * 9, b"bytes" * 9))
    done = collect.gather(room, "gates", path)
    assert (set(done.taken), set(done.unread)) == ({"ada"}, {"bob"})
    said = CliRunner().invoke(cli.main, ["--root", str(room.root), "collect", "gates", "--from", str(path)])
    assert said.exit_code == 1
    assert "bob: the files could not be read" in said.output


def test_a_time_of_the_students_own_is_no_time(room, tmp_path):
    members = {moodle("ada", 1): "x", moodle("ada", 1, "timestamp.txt"): "2020-01-01 00:00:00 UTC"}
    collect.gather(room, "gates", archive(tmp_path / "in.zip", members))
    assert room.timestamp("ada", "gates") is None
    own = {"bob/gates/gates.ipynb": "x", "bob/gates/timestamp.txt": "2026-01-01 00:00:00 UTC"}
    collect.gather(room, "gates", archive(tmp_path / "own.zip", own))
    assert room.timestamp("bob", "gates").year == 2026


def test_late_by_canvas_is_said(room, tmp_path):
    source = archive(tmp_path / "in.zip", {"lovelaceada_LATE_12_345_gates.ipynb": "x", "bob_13_5_gates.ipynb": "y"})
    assert collect.gather(room, "gates", source).late == ["lovelaceada"]


CANVAS = (
    "Student,ID,SIS User ID,SIS Login ID,Section,gates (77),other (78)\r\n"
    "    Points Possible,,,,,9,5\r\n"
    '"Lovelace, Ada",102,u1,ada@uni.edu,A,,4\r\n"Zhang, Wei",103,u2,wei1,A,1,\r\n"Zhang, Wei",104,u3,wei2,A,,\r\n'
    '"Student, Test",999,,x9,A,,\r\n'
)
MOODLE = (
    "Identifier,Full name,Email address,Status,Grade,Maximum grade,Grade can be changed,"
    "Last modified (submission),Last modified (grade),Feedback comments\r\n"
    'Participant 4711,Ada Lovelace,ada@uni.edu,Submitted,,9.00,Yes,"Tuesday, 3 February 2026, 10:00 AM",-,\r\n'
    "Participant 4712,Wei Zhang,wei1@uni.edu,Submitted,5.00,9.00,Yes,-,-,old words\r\n"
    "Participant 4713,Wei Zhang,wei2@uni.edu,No submission,,9.00,Yes,-,-,\r\n"
)


def row(student, score, assignment="gates", status="graded", open_points=0.0):
    return Row(assignment, student, "", "", "", "", status, "", score, 0.0, 9.0, open_points, "", "")


def test_canvas_there_and_back(room, tmp_path):
    system, learned = roster.take(room, CANVAS.encode(), None)
    assert (system, set(learned)) == ("canvas", {"ada@uni.edu", "wei1", "wei2"})
    members = {f"n_{n}_{n}_gates.ipynb": str(n) for n in (102, 103, 104)}
    done = collect.gather(room, "gates", archive(tmp_path / "in.zip", members))
    assert {s: f["gates.ipynb"] for s, f in there(room).items()} == {"ada@uni.edu": "102", "wei1": "103", "wei2": "104"}
    assert not done.nobody
    found = [row("ada@uni.edu", 8.5), row("wei1", 7.0, open_points=3.0), row("wei2", 0.0), row("stranger", 2.0)]
    filled = roster.fill(room, found, "canvas")
    table = list(csv.DictReader(io.StringIO(filled.text)))
    assert list(table[0]) == ["Student", "ID", "SIS User ID", "SIS Login ID", "Section", "gates (77)"]
    assert {r["ID"]: r["gates (77)"] for r in table} == {"": "9", "102": "8.5", "103": "1", "104": "0", "999": ""}
    assert filled.missing == ["stranger"]
    with pytest.raises(ValueError, match="no column 'elsewhere'"):
        roster.fill(room, [row("wei1", 1.0, "elsewhere")], "canvas")


def test_moodle_there_and_back(room, tmp_path):
    members = {moodle("Ada Lovelace", 4711): "a", moodle("Wei Zhang", 4712): "b"}
    collect.gather(room, "gates", archive(tmp_path / "in.zip", members))
    roster.take(room, MOODLE.encode("utf-8-sig"), "gates")
    assert room.timestamp("Ada-Lovelace", "gates").isoformat() == "2026-02-03T10:00:00"
    with Gradebook(room.directory.db_url, "small") as gradebook:
        assert gradebook.find_student("Ada-Lovelace").email == "ada@uni.edu"
        assert len(gradebook.students) == 3
    filled = roster.fill(room, [row("Ada-Lovelace", 9.0), row("Wei-Zhang", None, status="unreadable")], "moodle")
    table = {r["Identifier"]: r for r in csv.DictReader(io.StringIO(filled.text))}
    assert table["Participant 4711"]["Grade"] == "9"
    assert (table["Participant 4712"]["Grade"], table["Participant 4712"]["Feedback comments"]) == ("5.00", "old words")
    other = row("Ada-Lovelace", 3.0)._replace(max_score=6.0)
    with pytest.raises(ValueError, match="counts to 9, the assignment to 6"):
        roster.fill(room, [other], "moodle")
    filled = roster.fill(room, [other], "moodle", scale=True)
    assert "Participant 4711,Ada Lovelace,ada@uni.edu,Submitted,4.5" in filled.text


def test_a_worksheet_joins_two_assignments_by_address(room, tmp_path):
    """Moodle's numbers are others in each assignment; the address is the same."""
    roster.take(room, MOODLE.encode(), "gates")
    other = MOODLE.replace("4711", "11").replace("4712", "13").replace("4713", "12")
    roster.take(room, other.encode(), "second")
    numbers = People(room).numbers
    assert numbers["moodle:gates"]["4712"] == numbers["moodle:second"]["13"]
    assert numbers["moodle:gates"]["4713"] == numbers["moodle:second"]["12"]
    assert len(set(numbers["moodle:gates"].values())) == 3


@pytest.mark.parametrize(
    ("data", "said"),
    [
        ("a,b\n1,2", "wanted Canvas's gradebook export"),
        ("Identifier,Grade\nParticipant 1,\nParticipant 1,", "the number 1 is there twice"),
        ("Student,ID\nPoints Possible,", "no row has a student's number"),
        ("", "wanted Canvas's"),
    ],
)
def test_what_is_no_roster(room, data, said):
    with pytest.raises(ValueError, match=said):
        roster.take(room, data.encode(), "gates")


def test_feedback_goes_back_as_moodle_wants_it(room, tmp_path):
    """Moodle splits a file's name at "_" into name, number, kind, plugin and the rest, and looks for the number."""
    members = {moodle("Ada_L", 4711): "a", moodle("Wei Zhang", 1): "b", moodle("Wei Zhang", 2): "c"}
    collect.gather(
        room, "gates", archive(tmp_path / "in.zip", {k.replace("Ada_L", "Ada L"): v for k, v in members.items()})
    )
    classroom.hand_in(room, "own", {"gates.ipynb": b"{}"})
    for student in room.students("gates"):
        folder = room.path("feedback", student, "gates")
        folder.mkdir(parents=True)
        (folder / "gates.html").write_text(there(room)[student]["gates.ipynb"])
    count, missing = feedback.moodle_zip(room, room.assignment("gates"), tmp_path / "out.zip")
    assert (count, missing) == (3, ["own"])
    with zipfile.ZipFile(tmp_path / "out.zip") as made:
        got = {}
        for name in made.namelist():
            parts = name.split("_", 4)
            assert (len(parts), parts[2:4]) == (5, ["assignsubmission", "file"])
            got[parts[1]] = made.read(name).decode()
    assert got == {"4711": "a", "1": "b", "2": "c"}


@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")  # a file that nbgrader leaves open
def test_feedback_goes_back_through_the_exchange(room, tmp_path):
    """With the secret that nbgrader's own submit leaves, students can fetch their page."""
    config = classroom.CONFIG + f"c.Exchange.root = {str(tmp_path / 'exchange')!r}\n"
    (room.root / "nbgrader_config.py").write_text(config)
    (tmp_path / "exchange").mkdir(mode=0o777)
    (tmp_path / "exchange").chmod(0o777)
    room = Course(room.root)
    classroom.hand_in(
        room, "ada", {"gates.ipynb": b"{}", "submission_secret.txt": b"s", "timestamp.txt": b"2026-01-01"}
    )
    classroom.hand_in(room, "bob", {"gates.ipynb": b"{}"})
    for student in ("ada", "bob"):
        room.path("feedback", student, "gates").mkdir(parents=True)
        (room.path("feedback", student, "gates") / "gates.html").write_text(f"page of {student}")
    assert feedback.release_pages(room, room.assignment("gates")) == (["ada"], ["bob"])
    released = list((tmp_path / "exchange" / "small" / "feedback").glob("*.html"))
    assert [p.read_text() for p in released] == ["page of ada"]


def test_people_are_kept_whole(room):
    people = People(room)
    people.know("moodle", "gates", "1", "Ada", "Ada")
    people.save()
    assert json.loads((room.root / ".course" / "people.json").read_text())["numbers"] == {"moodle:gates": {"1": "Ada"}}
