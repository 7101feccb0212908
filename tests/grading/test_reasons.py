"""Why a score is what it is: whose fault an error was, what is told of it, and what one failure leaves of the rest."""

import math
import os
import shutil
import signal
import time

import classroom
import nbformat
import pytest
from classroom import FORGET, FULL, STEP, cell, files, text

from course_pkg.grading import assignment as known
from course_pkg.grading import proof, runner, worker
from course_pkg.grading.assignment import NoAssignment, defined, needed
from course_pkg.grading.budget import Budget
from course_pkg.grading.checker import Emptied, Zeroing, explain, hidden_lines
from course_pkg.grading.course import Course
from course_pkg.grading.engine import Engine, Outcome
from course_pkg.grading.inside.codec import Decoder, Encoder, Refused
from course_pkg.grading.status import ATTENTION, GRADED

LENT = """
    ### BEGIN HIDDEN TESTS
    def secret_loss(a):
        return np.sum(a * 1234.5)
    assert uses(secret_loss) == 1234.5
    ### END HIDDEN TESTS
"""
DIES = """
    import os
    v = value()
    if v == 7:
        os.kill(os.getpid(), 9)
    assert v == 1, "one was wanted"
    ### BEGIN HIDDEN TESTS
    SECRET_LINE = 1
    np.testing.assert_allclose(v, np.ones(1))
    ### END HIDDEN TESTS
"""
SOLVED = {"uses": "def uses(f):\n    return f(np.ones(1))", "value": "def value():\n    return 1", "late": "late = 1"}


def odd_cells():
    """The small assignment, one test that lends a function, one that can die, and one with the instructor's slip."""
    cells = classroom.assignment_cells()
    for name, test in (("uses", LENT), ("value", DIES), ("late", "late.real\nlate.reel")):
        head, _, body = SOLVED[name].partition("\n")
        made = f"{head}\n    ### BEGIN SOLUTION\n{body}\n    ### END SOLUTION"
        if not body:
            made = f"### BEGIN SOLUTION\n{head}\n### END SOLUTION"
        cells.insert(-1, cell("code", made, name, solution=True))
        cells.insert(-1, cell("code", text(test), f"test_{name}", grade=True, locked=True, points=1))
    return cells


@pytest.fixture(scope="module")
def odd(tmp_path_factory):
    return classroom.make_course(tmp_path_factory.mktemp("odd"), odd_cells())


@pytest.fixture(scope="module")
def assignment(odd):
    return odd.assignment("gates", "a seed")


@pytest.fixture(scope="module")
def engine(assignment):
    made = Engine(assignment.preload, classroom.WALLED, {"memory_mb": 1024})
    yield made
    made.close()


@pytest.fixture(scope="module")
def graded(odd, engine, assignment):
    """A function of the cells that differ from the right answer."""
    maker = classroom.Maker(odd)

    def grade(sizes=None, **answers):
        return engine.grade(assignment, assignment.notebooks[0], files(maker.right(**SOLVED | answers)), sizes)

    return grade


def said(made):
    return " ".join(text for _, text in made.reasons)


def told(made):
    """All that can reach a student's page."""
    return said(made) + str(made.reports)


def test_a_slip_of_the_instructors_costs_nobody_a_point(graded):
    """An error in the test's own line, which the solution meets, too, is no zero but no score, and is named."""
    made = graded()
    assert made.scores == {
        "test_forget_gate": 2.0,
        "test_lstm_step": 4.0,
        "test_uses": 1.0,
        "test_value": 1.0,
        "test_late": None,
    }
    assert made.status == ATTENTION
    assert "the test test_late stops with AttributeError for the solution, too" in said(made)
    made = graded(value="def value():\n    return None")  # here it is not the test's fault
    assert made.scores["test_value"] == 0.0


def test_a_checker_that_dies_takes_one_test_with_it(graded):
    made = graded(value="def value():\n    return 7")
    assert made.scores["test_value"] is None
    assert sum(v for k, v in made.scores.items() if v) == FULL + 1
    assert "the test test_value ended" in said(made)


def test_hidden_lines_and_the_numbers_in_them_are_not_told(graded):
    wrong = graded(forget_gate=FORGET.replace("sigmoid(W", "sigmoid(-W"))
    assert "assert_allclose" not in told(wrong)
    assert "DESIRED" not in told(wrong)
    assert wrong.reports["test_forget_gate"]["lines"] == []
    assert "one was wanted" in told(graded(value="def value():\n    return 2"))
    steal = "def uses(f):\n    import traceback\n    try:\n        f('boom')\n    except BaseException:\n"
    steal += "        raise ValueError('STOLEN' + traceback.format_exc()[-500:])"
    made = graded(uses=steal)
    assert "STOLEN" in told(made)
    assert "1234.5" not in told(made)
    assert "secret" not in told(made)


def test_a_line_is_called_theirs_if_it_is_theirs(graded):
    made = graded(value="def value():\n    return undefined_here")
    ((function, number, line),) = made.reports["test_value"]["lines"]
    assert (function, number, line) == ("value", 2, "return undefined_here")


def test_a_cells_own_error_is_told(graded):
    made = graded(lstm_step="import pandas_is_not_here\n" + STEP)
    assert made.scores["test_lstm_step"] == 0.0
    assert ("lstm_step", "Cell lstm_step itself stopped with") in [(c, t[:34]) for c, t in made.reasons]
    assert "pandas_is_not_here" in said(made)


def test_a_file_that_is_too_large_is_named(graded):
    made = graded({"data.bin": 26 << 20}, lstm_step="open('data.bin')\n" + STEP)
    assert "data.bin holds 26 MB" in said(made)


def test_files_beside_an_assignment_that_are_too_large_are_an_error(tmp_path):
    (tmp_path / "half.csv").write_bytes(bytes(30 << 20))
    assert len(known.companions(tmp_path, "gates")["half.csv"]) == 30 << 20
    with (tmp_path / "data.csv").open("wb") as file:
        file.truncate(known.FILE_LIMIT + 1)
    with pytest.raises(NoAssignment, match=r"'gates' holds the file data\.csv of 40 MB"):
        known.companions(tmp_path, "gates")


def test_a_late_answer_is_a_reason(graded, engine, assignment, odd, monkeypatch):
    """And the calls of tests count in the time that the whole notebook has."""
    monkeypatch.setattr("course_pkg.grading.talk.CELLS_IN_ALL", 1)
    maker, short = classroom.Maker(odd), assignment._replace(timeout=3.0)
    sleeps = "import time\ndef forget_gate(*a):\n    time.sleep(600)"
    made = engine.grade(short, short.notebooks[0], files(maker.right(**SOLVED, forget_gate=sleeps)))
    assert "no answer within 3 s" in said(made) or "could not be stopped" in said(made)
    assert "longer than 3 s in all" in said(made)
    assert made.scores["test_lstm_step"] == 0.0


@pytest.mark.skipif(not os.path.exists("/proc/self/schedstat"), reason="the kernel does not tell who waited")
def test_time_that_others_had_does_not_count(engine):
    """Sleeping counts; wanting a processor that another has does not."""

    class Waiting:
        seconds = 0.0

        def waited(self):
            return self.seconds

    kernel = Waiting()
    budget = Budget(0.2, [kernel])
    time.sleep(0.5)
    assert budget.used() >= 0.4
    kernel.seconds = 0.45
    assert budget.used() < 0.2


@pytest.mark.skipif(not classroom.WALLED, reason=f"no walls here: {classroom.WHY_NOT}")
def test_a_failure_of_the_grader_is_tried_again_at_once(engine, assignment, odd):
    """A process of its own that was ended from outside, and a grader that fails each time."""
    maker = classroom.Maker(odd)
    engine.grade(assignment, assignment.notebooks[0], files(maker.right(**SOLVED)))
    os.kill(engine._warm[0].process.pid, signal.SIGKILL)  # bubblewrap, and all that is in it
    engine._warm[0].process.wait()
    task = {"files": files(maker.right(**SOLVED)), "sizes": {}}
    made = worker._grade(engine, assignment, assignment.notebooks[0], task)
    assert made.final
    assert made.scores["test_lstm_step"] == 4.0


def test_what_failed_is_not_remembered_as_final(odd, assignment):
    """The next command tries it again."""
    made = worker.failed(assignment, "why")

    class Recorder:
        def record(self, student, outcomes, files, key):
            return key

    task = runner.Task("ada", "its key")
    assert runner._record(Recorder(), assignment, task, {}, made) == ""
    fine = {"gates": Outcome(GRADED, [], None, {}, {}, 0.0)}
    assert runner._record(Recorder(), assignment, task, {}, fine) == "its key"


def test_the_proof_finds_what_is_wrong_with_an_assignment(odd, assignment, tmp_path, monkeypatch):
    monkeypatch.setenv(proof.PROOFS, str(tmp_path))
    found = proof.prove(odd, assignment, classroom.WALLED, fixed=True)
    assert [stop.partition(" (")[0] for stop in found.stops] == ["the solution gets 0 of 1 in test_late"]
    assert any("lstm_step that sets its inputs to zero" in hint for hint in found.hints)
    assert not any("sigmoid" in hint for hint in found.hints)  # no test asks for it
    assert list(tmp_path.iterdir()) == []  # what stops is looked at again


@pytest.mark.parametrize("shared", [False, True])
def test_a_proof_is_remembered_until_something_changes(course, tmp_path, monkeypatch, shared):
    """In the course's memory, or in a folder for several courses; nothing is started where it is known."""
    started = []

    class Counted(Engine):
        def __init__(self, *given, **more):
            started.append(given)
            super().__init__(*given, **more)

    monkeypatch.setattr(proof, "Engine", Counted)
    monkeypatch.delenv(proof.PROOFS, raising=False)
    roots = [tmp_path / "one", tmp_path / "two"]
    for root in roots:
        shutil.copytree(course.root, root, ignore=shutil.ignore_patterns("submitted", "autograded", ".course"))
    if shared:
        monkeypatch.setenv(proof.PROOFS, str(tmp_path / "proofs"))
    courses = [Course(root) for root in roots]
    mine = [one.assignment(classroom.NAME) for one in courses]
    found = proof.prove(courses[0], mine[0], classroom.WALLED)
    assert found.stops == []
    assert found.hints
    assert proof.prove(courses[0], courses[0].assignment(classroom.NAME), classroom.WALLED) == found
    assert len(started) == 1
    assert proof.prove(courses[1], mine[1], classroom.WALLED) == found
    assert len(started) == (1 if shared else 2)
    folder = tmp_path / "proofs" if shared else roots[0] / ".course" / "proofs"
    assert len(list(folder.glob("*.json"))) == 1
    keys = {proof._key(courses[0], made, walled, False) for made in mine for walled in (True, False)}
    keys |= {proof._key(courses[0], mine[0]._replace(seed="a"), True, True)}
    keys |= {proof._key(courses[0], mine[0]._replace(timeout=1.0), True, False)}
    notebook = mine[0].notebooks[0]
    for other in (notebook._replace(solved="{}"), notebook._replace(cells=notebook.cells[:-1])):
        keys |= {proof._key(courses[0], mine[0]._replace(notebooks=[other]), True, False)}
    assert len(keys) == 6


def test_versions_that_a_check_may_overlook():
    import numpy as np

    empty, zero = Emptied(lambda a: (a, 2)), Zeroing(lambda a: a + 1)
    assert empty(np.ones((2, 3)))[0].shape == (0, 3)
    a = np.ones(3)
    assert zero(a).sum() == 3
    assert a.sum() == 0
    assert empty.differs
    assert zero.differs
    assert not Zeroing(len).differs


def test_hidden_lines_are_known_by_their_marks():
    source = "a\n### BEGIN HIDDEN TESTS\nb\n### END HIDDEN TESTS\nc"
    assert hidden_lines(source) == {2, 3, 4}
    assert explain(SyntaxError("x"), source)["own"]


def refuse(o):
    raise Refused(str(o))


@pytest.mark.parametrize(
    "words",
    [
        '{"named": ["P", [' + ", ".join(f'"f{n}"' for n in range(101)) + "], []]}",
        '{"list": [' + "[]," * 2_000_000 + "0]}",
        '{"set": [' + ", ".join(str(n * (2**61 - 1)) for n in range(5000)) + "]}",
        '{"range": [0, 1000000000, 1]}',
        '{"list": [' + ", ".join(['{"range": [0, 900000, 1]}'] * 9) + "]}",
    ],
)
def test_few_bytes_that_would_take_much_memory_are_refused(words):
    with pytest.raises(Refused):
        Decoder(refuse).value(len(words).to_bytes(4, "big") + words.encode())


def test_large_honest_values_cross():
    for value in (set(range(50_000)), {n: str(n) for n in range(20_000)}, [0.5] * 300_000, range(100_000)):
        assert Decoder(refuse).value(Encoder(refuse).message(value)) == value


def test_magic_lines_do_not_hide_a_function():
    assert defined("%%time\ndef f(x):\n    return x") == ("f",)
    assert defined("!pip install x\nf?\ndef f(x):\n    %time y = 1\n    return x") == ("f",)
    assert needed(["%matplotlib inline\ny = f(1)"], []) == ["f"]


def test_no_more_workers_than_the_control_group_gives_time_for(tmp_path, monkeypatch):
    mine = tmp_path / "mine"
    mine.write_text("4:cpu,cpuacct:/box\n0::/a b/c\n")
    assert runner._quota(tmp_path, mine) == math.inf
    (tmp_path / "a b" / "c").mkdir(parents=True)
    (tmp_path / "a b" / "c" / "cpu.max").write_text("max 100000\n")
    (tmp_path / "a b" / "cpu.max").write_text("150000 100000\n")
    assert runner._quota(tmp_path, mine) == 1.5
    (tmp_path / "cpu" / "box").mkdir(parents=True)
    (tmp_path / "cpu" / "box" / "cpu.cfs_quota_us").write_text("50000")
    (tmp_path / "cpu" / "box" / "cpu.cfs_period_us").write_text("100000")
    assert runner._quota(tmp_path, mine) == 0.5
    mine.write_text("0::/elsewhere\n")
    assert runner._quota(tmp_path, mine) == math.inf
    most = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()
    for quota, count in ((0.5, 1), (0.0, 1), (1.5, min(2, most)), (math.inf, most)):  # most machines have no quota
        monkeypatch.setattr(runner, "_quota", lambda top, quota=quota: quota)
        assert runner.cores() == count


def test_the_released_notebook_holds_no_lines_of_the_odd_tests(odd):
    """Else the tests above would look at what everyone may read."""
    path = odd.path("release", ".", "gates") / "gates.ipynb"
    assert "1234.5" not in "".join(c.source for c in nbformat.read(path, as_version=4).cells)
