"""A whole class: stopped and started again, killed, on a cluster, graded by stock nbgrader as well: always the same."""

import json
import os
import shutil
import subprocess
import sys
import time
from pathlib import Path

import classroom
import nbformat
import pytest
from classroom import FORGET, STEP, files
from nbgrader.api import Gradebook

from course_pkg.grading import runner, trial
from course_pkg.grading.course import Course
from course_pkg.grading.engine import Engine

ROOT = Path(__file__).resolve().parents[2]
WRONG = FORGET.replace("sigmoid(W", "sigmoid(-W")
SWAPPED = STEP.replace("i, f, g, o =", "f, i, g, o =")
WELL_FORMED = {
    "right": {},
    "wrong_sign": {"forget_gate": WRONG},
    "swapped": {"lstm_step": SWAPPED},
    "both": {"forget_gate": WRONG, "lstm_step": SWAPPED},
    "error": {"lstm_step": "def lstm_step(*a):\n    raise ValueError('no')"},
    "syntax": {"lstm_step": "def lstm_step(:"},
    "nothing": {"forget_gate": "def forget_gate(*a):\n    pass"},
    "helper": {"forget_gate": FORGET.replace("sigmoid", "my_s") + "\n\n\nsigmoid = my_s"},
}


def scores(course, name=classroom.NAME):
    """{student: {cell: (automatic, by hand, needs a person)}} as the gradebook has it."""
    with Gradebook(course.directory.db_url, course.directory.course_id) as gradebook:
        return {
            s.student.id: {
                g.name: (g.auto_score, g.manual_score, g.needs_manual_grade) for n in s.notebooks for g in n.grades
            }
            for s in gradebook.assignment_submissions(name)
        }


def stock(course, *command):
    environment = {**os.environ, "PYTHONPATH": str(ROOT), "PYTHONWARNINGS": "ignore"}
    environment["PATH"] = os.pathsep.join([str(Path(sys.executable).parent), environment.get("PATH", "")])
    command = [sys.executable, "-m", "nbgrader", *command]
    done = subprocess.run(command, cwd=course.root, env=environment, capture_output=True, text=True, timeout=600)
    assert done.returncode == 0, done.stderr[-3000:]


def fill(course, count):
    maker, answers = classroom.Maker(course), list(WELL_FORMED.values())
    for n in range(count):
        classroom.hand_in(course, f"s{n:03}", files(maker.right(**answers[n % len(answers)])))


def copy_of(course, root):
    shutil.copytree(course.root, root / "copy")
    return Course(root / "copy")


@pytest.fixture(scope="module")
def well_formed(tmp_path_factory, grade_class):
    """Graded by us: the course, and its scores."""
    course = classroom.make_course(tmp_path_factory.mktemp("well"))
    maker = classroom.Maker(course)
    class_ = {student: files(maker.right(**answers)) for student, answers in WELL_FORMED.items()}
    class_["untouched"] = files(maker.untouched())
    told = grade_class(course, class_)
    return course, told


@pytest.mark.slow
def test_grades_equal_stock_nbgraders(well_formed, tmp_path):
    """Every cell, every well-formed submission; then stock's own feedback from our files."""
    course, told = well_formed
    assert {what["status"] for what in told.values()} == {"graded"}
    ours = scores(course)
    other = copy_of(course, tmp_path)
    shutil.rmtree(other.root / "autograded")
    stock(other, "autograde", classroom.NAME)
    assert scores(other) == ours
    stock(course, "generate_feedback", classroom.NAME)  # our folders are nbgrader's folders
    assert (course.path("feedback", "right", "gates") / "gates.html").exists()


def test_nothing_is_graded_twice_unless_it_changed(well_formed, grade_class):
    course, _ = well_formed
    assignment = course.assignment(classroom.NAME)
    assert runner.pending(course, assignment) == []
    assert len(runner.pending(course, assignment, again=True)) == len(WELL_FORMED) + 1
    path = course.path("submitted", "both", "gates") / "gates.ipynb"
    kept = path.read_bytes()
    path.write_bytes(json.dumps(classroom.Maker(course).right()).encode())
    assert [t.student for t in runner.pending(course, assignment)] == ["both"]
    path.write_bytes(kept)
    path = course.path("autograded", "right", "gates") / "gates.ipynb"
    kept = path.read_bytes()
    path.chmod(0o644)
    path.write_bytes(kept + b"\n")  # as if another tool had graded it
    assert [t.student for t in runner.pending(course, assignment)] == ["right"]
    path.write_bytes(kept)


def test_what_a_person_entered_survives_a_regrade(well_formed, grade_class):
    course, _ = well_formed
    with Gradebook(course.directory.db_url, "small") as gradebook:
        grade = gradebook.find_grade("essay", "gates", "gates", "right")
        grade.manual_score = 2.5
        gradebook.find_comment("essay", "gates", "gates", "right").manual_comment = "Well said."
        gradebook.db.commit()
    assignment = course.assignment(classroom.NAME)
    tasks = runner.pending(course, assignment, again=True, students={"right"})
    runner.run(course, assignment, tasks, runner.here(assignment, 1, classroom.WALLED))
    with Gradebook(course.directory.db_url, "small") as gradebook:
        assert gradebook.find_grade("essay", "gates", "gates", "right").score == 2.5
        assert gradebook.find_comment("essay", "gates", "gates", "right").comment == "Well said."
        assert gradebook.find_submission("gates", "right").score == 8.5
        gradebook.find_grade("essay", "gates", "gates", "right").manual_score = None
        gradebook.db.commit()


def command(course, *words):
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    extra = [] if classroom.WALLED else ["--no-walls"]
    words = [sys.executable, "-m", "course_pkg.grading.cli", "--root", str(course.root), *words, *extra]
    return subprocess.Popen(words, env=environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)


def wait_for(condition, seconds=90):
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, "nothing happened in time"
        time.sleep(0.02)


def graded_so_far(course):
    return len(list((course.root / ".course" / classroom.NAME / "students").glob("*.json")))


@pytest.mark.slow
def test_killed_and_started_again_gives_the_same_grades(tmp_path):
    """SIGKILL to the command, then to a worker under it; in the end nothing is missing and nothing differs.

    `python -m course_pkg.grading.bench --class 500` is this test at its full size.
    """
    calm = classroom.make_course(tmp_path / "calm")
    fill(calm, 24)
    other = copy_of(calm, tmp_path)
    walls = [] if classroom.WALLED else ["--no-walls"]
    kills = trial.disturbed(other, classroom.NAME, "a seed", "--jobs", "2", *walls)
    assert 6 <= kills[0] < kills[1] < 24
    trial.undisturbed(calm, classroom.NAME, "a seed", 2, classroom.WALLED)
    want = trial.grades(calm, classroom.NAME)
    assert len(want) == 24
    assert trial.grades(other, classroom.NAME) == want
    assert scores(other) == scores(calm)
    check_whole(other, 24)


def test_a_process_that_has_ended_is_no_worker():
    """Its parent has not asked how it ended, so it is still listed, and cannot be asked anything."""
    code = "import subprocess, sys, time\nsubprocess.Popen(['true'])\nprint('started', flush=True)\ntime.sleep(60)"
    parent = subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE, text=True)
    try:
        assert parent.stdout.readline() == "started\n"
        time.sleep(0.5)
        assert trial.workers_of(parent) == []
    finally:
        parent.kill()
        parent.communicate()


@pytest.mark.slow
def test_a_long_class_takes_no_more_memory_at_its_end(tmp_path):
    """Nothing piles up: neither in this process, which writes the gradebook, nor in a worker."""
    psutil = pytest.importorskip("psutil")
    course = classroom.make_course(tmp_path)
    fill(course, 160)
    assignment, workers, seen = course.assignment(classroom.NAME), [], []

    def on_done(student, told):
        seen.append((psutil.Process().memory_info().rss, psutil.Process(workers[0].pid).memory_info().rss))

    work = runner.here(assignment, 1, classroom.WALLED, on_start=workers.extend)
    runner.run(course, assignment, runner.pending(course, assignment), work, on_done)
    early, late = seen[40], seen[-1]
    assert late[0] - early[0] < 12 << 20
    assert late[1] - early[1] < 12 << 20
    check_whole(course, 160)


def check_whole(course, count):
    """Everyone has what their answer earns, as nobody had disturbed the run."""
    found, answers = scores(course), list(WELL_FORMED)
    assert len(found) == count
    want = {"right": (2, 4), "wrong_sign": (0, 4), "swapped": (2, 1), "both": (0, 1), "error": (2, 0)}
    want |= {"syntax": (2, 0), "nothing": (0, 0), "helper": (2, 4)}
    for n in range(count):
        mine = found[f"s{n:03}"]
        assert (mine["test_forget_gate"][0], mine["test_lstm_step"][0]) == want[answers[n % len(answers)]], n
        told = course.remembered(f"s{n:03}", classroom.NAME)
        assert told["status"] == "graded", told["reasons"]


@pytest.mark.slow
def test_a_cluster_that_loses_a_worker_gives_the_same_grades(tmp_path):
    """Two Dask workers, processes of their own; one is killed half-way."""
    distributed = pytest.importorskip("distributed")
    course = classroom.make_course(tmp_path)
    fill(course, 24)
    environment = {**os.environ, "PYTHONPATH": str(ROOT), "PYTHONWARNINGS": "ignore"}
    python, quiet = sys.executable, {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL, "env": environment}
    file = tmp_path / "scheduler.json"
    started = [
        subprocess.Popen(
            [python, "-m", "distributed.cli.dask_scheduler", "--port", "0", "--no-dashboard", "--scheduler-file", file],
            **quiet,
        )
    ]
    assert distributed
    try:
        wait_for(file.exists)
        address = json.loads(file.read_text())["address"]
        for _ in range(2):
            words = ["--nthreads", "1", "--no-nanny", "--no-dashboard", "--local-directory", tmp_path / "dask"]
            started.append(subprocess.Popen([python, "-m", "distributed.cli.dask_worker", address, *words], **quiet))
        done = command(course, "grade", classroom.NAME, "--scheduler", address)
        wait_for(lambda: graded_so_far(course) >= 8)
        started[1].kill()
        said, _ = done.communicate(timeout=180)
        assert done.returncode == 0, said
    finally:
        for process in started:
            process.kill()
            process.wait()
    check_whole(course, 24)


def test_the_command_refuses_where_walls_cannot_be_built(tmp_path, monkeypatch, course):
    """No bubblewrap: it says so, how to get it, and how to go on without; nothing is run."""
    from click.testing import CliRunner

    from course_pkg.grading import cli, walls

    maker = classroom.Maker(course)
    classroom.hand_in(course, "someone", files(maker.right()))
    monkeypatch.setattr(walls.shutil, "which", lambda name: None)
    result = CliRunner().invoke(cli.main, ["--root", str(course.root), "grade", classroom.NAME])
    assert result.exit_code == 1
    assert "apt install bubblewrap" in result.output
    assert "--no-walls" in result.output
    assert course.remembered("someone", classroom.NAME) is None
    shutil.rmtree(course.path("submitted", "someone", classroom.NAME).parent)


def test_without_walls_it_grades_and_warns_loudly(tmp_path):
    course = classroom.make_course(tmp_path)  # its own: whoever is graded stays in the gradebook
    maker = classroom.Maker(course)
    classroom.hand_in(course, "trusted", files(maker.right()))
    words = [sys.executable, "-m", "course_pkg.grading.cli", "--root", str(course.root)]
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    done = subprocess.run(
        [*words, "grade", classroom.NAME, "--no-walls", "--jobs", "1"], env=environment, capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr
    assert "No walls." in done.stderr
    assert "1 graded" in done.stdout
    assert sum(course.remembered("trusted", classroom.NAME)["notebooks"]["gates"]["scores"].values()) == 6


@pytest.fixture(scope="module")
def engine():
    """One that needs no walls: the code is our own."""
    made = Engine(("numpy", "matplotlib.pyplot"), walled=False)
    yield made
    made.close()


@pytest.mark.parametrize("ends_with", ["-1", "99", "float('nan')", "'all'", "[3]"])
def test_a_score_that_is_none_is_an_error_of_the_assignment(course, engine, ends_with):
    """Stock takes these for full marks, or stops. Here nobody gets points, and a person is asked."""
    assignment = course.assignment(classroom.NAME)
    notebook = assignment.notebooks[0]
    cells = [
        c._replace(source=c.source.rpartition("\n")[0] + f"\n{ends_with}") if c.name == "test_lstm_step" else c
        for c in notebook.cells
    ]
    done = engine.grade(assignment, notebook._replace(cells=cells), files(classroom.Maker(course).right()))
    assert done.status == "needs attention"
    assert "Error of the assignment" in done.reasons[0][1]
    assert done.scores == {"test_forget_gate": 2.0, "test_lstm_step": None}


def test_the_released_folder_holds_nothing_else(well_formed, tmp_path):
    from course_pkg.grading.release import release_to

    course, _ = well_formed
    release_to(course, ["gates"], tmp_path / "out")
    found = {p.relative_to(tmp_path / "out").parts[0] for p in (tmp_path / "out").rglob("*")}
    assert found == {"gates", "course_pkg"}
    inside = {p.name for p in (tmp_path / "out" / "course_pkg").iterdir()}
    assert inside == {"__init__.py", "checks", "tasks", "_validation.py"}
    text = "".join(p.read_text() for p in (tmp_path / "out" / "gates").rglob("*") if p.is_file())
    assert "SECRET" not in text
    path = course.path("release", ".", "gates") / "gates.ipynb"
    nb = nbformat.read(path, as_version=4)
    nb.cells[-1].source = "### BEGIN SOLUTION"
    kept = path.read_bytes()
    nbformat.write(nb, path)
    with pytest.raises(ValueError, match="still holds"):
        release_to(course, ["gates"], tmp_path / "other")
    path.write_bytes(kept)


def test_warm_kernels_are_new_each_time_and_stop(tmp_path):
    """Through jupyter_client, as nbconvert uses it: own random state, own variables, interrupt and end."""
    from jupyter_client.kernelspec import KernelSpecManager
    from jupyter_client.manager import KernelManager

    from course_pkg.grading import provisioner

    specs = KernelSpecManager(kernel_dirs=[str(provisioner.KERNELS / "kernels")])
    drawn = []
    for _ in range(2):
        manager = KernelManager(kernel_name="python3", kernel_spec_manager=specs)
        manager.start_kernel(cwd=str(tmp_path))
        assert type(manager.provisioner).__name__ == "WarmProvisioner"
        client = manager.blocking_client()
        client.start_channels()
        try:
            client.wait_for_ready(timeout=30)
            printed = []
            code = "import sys, os; print('numpy' in sys.modules, os.getcwd(), 'x' in globals()); x = 1\n"
            code += "import numpy as np; print(np.random.random())"
            client.execute_interactive(
                code, timeout=30, output_hook=lambda m, p=printed: p.append(m["content"].get("text", ""))
            )
            head, number = "".join(printed).split("\n")[:2]
            assert head == f"True {tmp_path} False"
            drawn.append(number)
        finally:
            client.stop_channels()
            manager.shutdown_kernel(now=True)
            manager.cleanup_resources()
    provisioner.close()
    assert drawn[0] != drawn[1]
