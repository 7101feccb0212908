"""The assignments in nbgrader's own hands: stock commands, from the source to the exported grades."""

import csv
import html
import os
import shutil
import subprocess
import sys
from pathlib import Path

import author
import nbformat
import pytest

HALF_RIGHT = {  # source: what it does wrong, by name
    "forget_gate": (
        "def forget_gate(x_t, h_prev, W_xf, W_hf, b_f):\n    return np.tanh(x_t @ W_xf.T + h_prev @ W_hf.T + b_f)",
        "tanh_for_sigmoid",
    ),
    "input_gate": (
        "def input_gate(x_t, h_prev, W_xi, W_hi, b_i):\n    return sigmoid(x_t @ W_xi.T + h_prev @ W_hi + b_i)",
        "past_weights_not_transposed",
    ),
    "cell_state": (
        "def cell_state(f, c_prev, i, g):\n    c_prev *= f\n    c_prev += i * g\n    return c_prev",
        "in_place",
    ),
    "hidden_state": ("def hidden_state(o, c_t):\n    return o * c_t", "not_squashed"),
    "count_parameters": (
        "def count_parameters(D, H, biases=1):\n    return 4 * H * (D + H) + biases * H",
        "bias_of_one_gate",
    ),
}
# Right answers that stock nbgrader would be unkind to: a word on standard error is a zero there.
KIND = {
    "forget_gate": """import sys

def my_gate(x, h, W, U, b):
    print("in my gate", file=sys.stderr)
    return 1 / (1 + np.exp(-(x @ W.T + h @ U.T + b)))

def forget_gate(x_t, h_prev, W_xf, W_hf, b_f):
    print(x_t.shape)
    np.log(np.zeros(1))
    return my_gate(x_t, h_prev, W_xf, W_hf, b_f).tolist()""",
    "cell_state": "def cell_state(f, c, i, g):\n    return [[float(v) for v in row] for row in f * c + i * g]",
}


def run(course, *command):
    """Run Python in the course's folder. nbgrader starts `alembic` by its name, so it must be found."""
    path = os.pathsep.join([str(Path(sys.executable).parent), os.environ.get("PATH", "")])
    env = {**os.environ, "PATH": path, "IPYTHONDIR": str(course / ".ipython"), "PYTHONPATH": str(author.ROOT)}
    command = [sys.executable, *command]
    done = subprocess.run(command, cwd=course, env=env, capture_output=True, text=True, timeout=3600)
    assert done.returncode == 0, done.stderr[-4000:]
    return done.stdout


def nbgrader(course, *command):
    """Run a stock nbgrader command in the course's folder."""
    return run(course, "-m", "nbgrader", *command)


def submit(course, student, answers):
    """Hand in the released notebook with these functions filled in; the rest is as it came."""
    notebook = nbformat.read(course / "exercises" / "07-lstm" / "07-lstm.ipynb", as_version=4)
    for cell in notebook.cells:
        if cell.id in answers:
            cell.source = answers[cell.id]
    folder = course / "submitted" / student / "07-lstm"
    folder.mkdir(parents=True)
    nbformat.write(notebook, folder / "07-lstm.ipynb")


@pytest.fixture(scope="module")
def course(tmp_path_factory):
    """A course in an empty folder, from `generate_assignment` to `export`, with four students."""
    course = tmp_path_factory.mktemp("course")
    shutil.copy(author.ROOT / "nbgrader_config.py", course)
    shutil.copytree(author.SOLUTIONS, course / "solutions", ignore=shutil.ignore_patterns("__pycache__"))
    nbgrader(course, "generate_assignment", "07-lstm")
    solved = {cell.name: cell.source for cell in author.read_cells("07-lstm") if cell.kind == "solve"}
    submit(course, "perfect", solved)
    submit(course, "half", {**solved, **{name: source for name, (source, _) in HALF_RIGHT.items()}})
    submit(course, "kind", {**solved, **KIND})
    submit(course, "untouched", {})
    nbgrader(course, "autograde", "07-lstm")
    nbgrader(course, "generate_feedback", "07-lstm")
    nbgrader(course, "export", "--to", "grades.csv")
    return course


@pytest.fixture(scope="module")
def grades(course):
    """{student: (score, maximum)} as exported."""
    with (course / "grades.csv").open(newline="") as file:
        return {row["student_id"]: (float(row["score"]), float(row["max_score"])) for row in csv.DictReader(file)}


@pytest.mark.slow
def test_grades_from_source_to_export(grades):
    """Perfect is full, untouched is zero, warnings and lists cost nothing, half right is what its parts add up to."""
    solved = {cell.name: cell.source for cell in author.read_cells("07-lstm") if cell.kind == "solve"}
    graded = author.play("07-lstm", {**solved, **{name: source for name, (source, _) in HALF_RIGHT.items()}})[1]
    half = sum(result.score for result in graded.values() if result.points)
    full = sum(result.points for result in graded.values())
    assert grades == {"perfect": (full, full), "kind": (full, full), "half": (half, full), "untouched": (0.0, full)}
    assert full / 3 < half < full - 10
    assert graded["forget_gate"].score == 2  # shape and care
    assert graded["cell_state"].score == 4  # all but care


def feedback(course, student):
    """What the student reads, without line breaks."""
    page = course / "feedback" / student / "07-lstm" / "07-lstm.html"
    return " ".join(html.unescape(page.read_text(encoding="utf-8")).split())


@pytest.mark.slow
def test_feedback_of_the_half_right_names_what_is_wrong(course):
    text = feedback(course, "half")
    versions = {(cell.name, wrong.name): wrong.message for cell, _, wrong in author.wrong_versions("07-lstm")}
    for name, (_, version) in HALF_RIGHT.items():
        assert f"Diagnosis: {versions[name, version]}" in text
    assert "Traceback (most recent call last)" not in text
    assert "forget_gate is not written yet" in feedback(course, "untouched")


@pytest.mark.slow
def test_stock_release_is_the_committed_one(course):
    made = (course / "exercises" / "07-lstm" / "07-lstm.ipynb").read_bytes()
    assert made == author.notebook_path("07-lstm", author.EXERCISES).read_bytes()


@pytest.mark.slow
def test_the_students_validate_button_is_satisfied_by_the_solution(course):
    """`nbgrader validate` exits 0 either way; it is its word that counts."""
    path = course / "submitted" / "perfect" / "07-lstm" / "07-lstm.ipynb"
    assert "Success! Your notebook passes all the tests." in nbgrader(course, "validate", str(path))


REGENERATE = """
import sys, warnings
warnings.simplefilter("ignore")
from nbgrader.apps import NbGraderAPI
from traitlets.config.loader import PyFileConfigLoader
from nbgrader.coursedir import CourseDirectory
config = PyFileConfigLoader("nbgrader_config.py").load_config()
api = NbGraderAPI(CourseDirectory(config=config), config=config)
print(*sorted(api.get_source_assignments()))
for name in sys.argv[1:]:
    result = api.generate_assignment(name)
    assert result["success"], result["log"] + (result.get("error") or "")
"""


def test_regenerating_changes_nothing(tmp_path):
    """Every release is, to the byte, what nbgrader makes of its source. The files beside the folders do not disturb."""
    shutil.copy(author.ROOT / "nbgrader_config.py", tmp_path)
    shutil.copytree(author.SOLUTIONS, tmp_path / "solutions", ignore=shutil.ignore_patterns("__pycache__"))
    names = author.assignments()
    found = run(tmp_path, "-c", REGENERATE, *names)
    assert found.split() == names  # README.md and author.py are no assignments
    for name in names:
        made = (tmp_path / "exercises" / name / f"{name}.ipynb").read_bytes()
        committed = author.notebook_path(name, author.EXERCISES).read_bytes()
        assert made == committed, f"run: nbgrader generate_assignment {name} --force"
