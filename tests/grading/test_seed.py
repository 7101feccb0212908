"""The inputs of hidden tests: new in every run, the same when a run goes on or is repeated with its seed."""

import json

import classroom
import nbformat
import pytest
from classroom import files, text
from click.testing import CliRunner

from course_pkg.grading import cli, runner
from course_pkg.grading.course import Busy

SHOWING = classroom.TEST_STEP.replace("score = 1.0", "print(f'drawn: {x[0]:.12g}')\nscore = 1.0")
# Right only for some inputs, so that the score tells which inputs were drawn; of two neighbours, one is wrong.
LUCKY = text("""
    def lstm_step(x, h, c, W, U, b):
        if sum(int(abs(v) * 1e6) >> {bit} & 1 for v in x) % 2 == {odd}:
            return np.zeros(3), np.zeros(3)
        z = W @ x + U @ h + b
        i, f, g, o = z[:3], z[3:6], z[6:9], z[9:]
        c = sigmoid(f) * c + sigmoid(i) * np.tanh(g)
        return sigmoid(o) * np.tanh(c), c
    """)
COUNT = 6


@pytest.fixture
def lucky(tmp_path, monkeypatch):
    """A class in which only s000 is right for all inputs, not graded yet."""
    monkeypatch.delenv("COURSE_TEST_SEED", raising=False)
    cells = classroom.assignment_cells()
    place = next(i for i, c in enumerate(cells) if c.id == "test_lstm_step")
    cells[place] = classroom.cell("code", SHOWING, "test_lstm_step", grade=True, locked=True, points=4)
    course = classroom.make_course(tmp_path, cells)
    maker = classroom.Maker(course)
    classroom.hand_in(course, "s000", files(maker.right()))
    for n in range(1, COUNT):
        classroom.hand_in(course, f"s{n:03}", files(maker.right(lstm_step=LUCKY.format(bit=n // 2, odd=n % 2))))
    return course


def grade(course, again=False, seed=None, students=None, stop_after=None):
    """One run; stopped, as if the power had failed, after so many students. Returns who was graded."""
    assignment = course.assignment(classroom.NAME, seed)
    tasks, done = runner.pending(course, assignment, again, students, bool(seed)), []

    def on_done(student, told):
        done.append(student)
        if len(done) == stop_after:
            raise KeyboardInterrupt

    try:
        runner.run(course, assignment, tasks, runner.here(assignment, 1, classroom.WALLED), on_done)
    except KeyboardInterrupt:
        assert stop_after
    return done


def kept(course):
    """{student: all that depends on the inputs}."""
    found = {}
    for student in course.students(classroom.NAME):
        told = course.remembered(student, classroom.NAME)
        path = course.path("autograded", student, classroom.NAME) / "gates.ipynb"
        outputs = [o.get("text", "") for c in nbformat.read(path, as_version=4).cells for o in c.get("outputs", [])]
        drawn = [line for text in outputs for line in text.split("\n") if line.startswith("drawn")]
        found[student] = told["seed"], drawn, told["notebooks"]["gates"]["scores"]
    return found


@pytest.mark.slow
def test_every_run_draws_anew_and_a_right_solution_always_earns_all(lucky):
    """The numbers of one run are no key to the next; a result can be had again with its seed."""
    assert len(grade(lucky)) == COUNT
    first = kept(lucky)
    assert len({(seed, *drawn) for seed, drawn, _ in first.values()}) == 1  # one class, the same numbers
    assert grade(lucky) == []  # nothing has changed
    assert len(grade(lucky, again=True)) == COUNT
    second = kept(lucky)
    assert first["s000"][0] != second["s000"][0]
    assert first["s000"][1] != second["s000"][1]
    assert sum(first["s000"][2].values()) == sum(second["s000"][2].values()) == classroom.FULL
    assert len(grade(lucky, seed=first["s000"][0])) == COUNT  # asked for, so it counts as changed
    assert kept(lucky) == first
    assert grade(lucky, seed=first["s000"][0]) == []


@pytest.mark.slow
@pytest.mark.parametrize("again", [False, True])
def test_a_run_that_was_stopped_goes_on_with_its_seed(lucky, again):
    """Stopped twice, and taken up again by a plain `course grade`: as if nobody had disturbed it."""
    if again:
        grade(lucky)
    grade(lucky, again=again, seed="another" if again else None, stop_after=2)
    seed, left = lucky.stopped(classroom.NAME)
    assert len(left) == COUNT - 2
    grade(lucky, stop_after=1)
    grade(lucky, students=left[-1:])  # one alone does not end it
    assert lucky.stopped(classroom.NAME)[0] == seed
    grade(lucky)
    disturbed = kept(lucky)
    assert {what[0] for what in disturbed.values()} == {seed}
    assert lucky.stopped(classroom.NAME) == (None, [])
    grade(lucky, again=True, seed=seed)
    assert kept(lucky) == disturbed
    assert len({tuple(scores.values()) for _, _, scores in disturbed.values()}) == 2  # they do depend on the inputs


def test_a_seed_of_ones_own(lucky, monkeypatch, tmp_path):
    """By the option or by the environment; it stands in the exported file."""
    words = ["--root", str(lucky.root), "grade", classroom.NAME, "--student", "s000"]
    words += [] if classroom.WALLED else ["--no-walls"]
    result = CliRunner().invoke(cli.main, [*words, "--seed", "mine"])
    assert result.exit_code == 0, result.output
    assert lucky.remembered("s000", classroom.NAME)["seed"] == "mine"
    monkeypatch.setenv("COURSE_TEST_SEED", "ours")
    assert CliRunner().invoke(cli.main, words).exit_code == 0
    assert lucky.remembered("s000", classroom.NAME)["seed"] == "ours"
    CliRunner().invoke(cli.main, ["--root", str(lucky.root), "export", "--output", str(tmp_path / "grades.csv")])
    assert "ours" in (tmp_path / "grades.csv").read_text()


def test_two_commands_do_not_grade_one_assignment_at_once(lucky):
    """The second would overwrite the first one's folders."""
    words = ["--root", str(lucky.root), "grade", classroom.NAME] + ([] if classroom.WALLED else ["--no-walls"])
    with lucky.running(classroom.NAME, "a seed", ["s000"]):
        result = CliRunner().invoke(cli.main, words)
        assert result.exit_code == 1
        assert "another process is grading" in result.output
        with pytest.raises(Busy), lucky.running(classroom.NAME, "b", []):
            pass
    assert lucky.remembered("s000", classroom.NAME) is None


def test_the_seed_stays_with_the_instructor(lucky):
    """Neither in what student code sees, nor in the notebook that formgrader and feedback are made from."""
    grade(lucky, seed="very-secret-seed", students=["s000"])
    path = lucky.path("autograded", "s000", classroom.NAME)
    assert all(b"very-secret-seed" not in p.read_bytes() for p in path.rglob("*") if p.is_file())
    assert "very-secret-seed" in json.dumps(lucky.remembered("s000", classroom.NAME))
