"""A small course for the tests of grading: one assignment, its right answer, and ways to break both."""

import copy
import json
import textwrap
from pathlib import Path

import nbformat

from course_pkg.grading import walls
from course_pkg.grading.course import Course

NAME = "gates"
CONFIG = """
c = get_config()
c.CourseDirectory.course_id = "small"
c.CourseDirectory.source_directory = "solutions"
c.CourseDirectory.release_directory = "exercises"
c.Execute.timeout = 5
"""


def text(source):
    return textwrap.dedent(source).strip("\n")


FORGET = text("""
    def sigmoid(z):
        return 1.0 / (1.0 + np.exp(-z))


    def forget_gate(x, h, W, U, b):
        return sigmoid(W @ x + U @ h + b)
    """)
STEP = text("""
    def lstm_step(x, h, c, W, U, b):
        n = h.shape[0]
        z = W @ x + U @ h + b
        i, f, g, o = z[:n], z[n : 2 * n], z[2 * n : 3 * n], z[3 * n :]
        c = sigmoid(f) * c + sigmoid(i) * np.tanh(g)
        return sigmoid(o) * np.tanh(c), c
    """)
ESSAY = "Because f is near 1 at the start."

SETUP = text("""
    import numpy as np
    import matplotlib.pyplot as plt

    from course_pkg import checks
    """)
TEST_FORGET = text("""
    rng = np.random.default_rng(0)
    W, U = rng.normal(size=(3, 2)), rng.normal(size=(3, 3))
    x, h, b = rng.normal(size=2), rng.normal(size=3), rng.normal(size=3)
    f = forget_gate(x, h, W, U, b)
    assert f.shape == (3,), f"expected shape (3,), got {f.shape}"
    assert np.all((f > 0) & (f < 1)), "a gate lies in (0, 1)"
    ### BEGIN HIDDEN TESTS
    SECRET_FORGET = "do not show this"
    np.testing.assert_allclose(f, 1 / (1 + np.exp(-(W @ x + U @ h + b))), rtol=1e-9)
    assert np.allclose(forget_gate(0 * x, 0 * h, W, U, 0 * b), 0.5)
    ### END HIDDEN TESTS
    """)
TEST_STEP = text("""
    n = 3
    rng = checks.generator("lstm_step")
    P = (rng.normal(size=(4 * n, 2)), rng.normal(size=(4 * n, n)), rng.normal(size=4 * n))
    x, h, c = rng.normal(size=2), rng.normal(size=n), rng.normal(size=n)
    h_new, c_new = lstm_step(x, h, c, *P)
    score = 1.0
    ### BEGIN HIDDEN TESTS
    SECRET_STEP = "do not show this either"
    s = lambda z: 1 / (1 + np.exp(-z))
    z = P[0] @ x + P[1] @ h + P[2]
    c_want = s(z[n : 2 * n]) * c + s(z[:n]) * np.tanh(z[2 * n : 3 * n])
    score += 1.5 * bool(np.allclose(c_new, c_want))
    score += 1.5 * bool(np.allclose(h_new, s(z[3 * n :]) * np.tanh(c_want)))
    ### END HIDDEN TESTS
    score
    """)
FULL, HALF = 6.0, 4.0  # points of the two tests; of the step alone


def cell(kind, source, name, grade=False, locked=False, solution=False, points=None):
    make = nbformat.v4.new_code_cell if kind == "code" else nbformat.v4.new_markdown_cell
    label = {"grade": grade, "grade_id": name, "locked": locked, "schema_version": 3, "solution": solution}
    label |= {"task": False} if points is None else {"task": False, "points": points}
    return make(source, id=name, metadata={"nbgrader": label})


def solved(source):
    head, _, rest = source.partition("def forget_gate") if "forget_gate" in source else ("", "", source)
    signature, _, body = (rest if not head else f"def forget_gate{rest}").partition("\n")
    return f"{head}{signature}\n    ### BEGIN SOLUTION\n{body}\n    ### END SOLUTION"


def assignment_cells():
    return [
        nbformat.v4.new_markdown_cell("# Gates", id="intro"),
        cell("code", SETUP, "setup", locked=True),
        cell("code", solved(FORGET), "forget_gate", solution=True),
        cell("code", TEST_FORGET, "test_forget_gate", grade=True, locked=True, points=2),
        cell("code", solved(STEP), "lstm_step", solution=True),
        cell("code", TEST_STEP, "test_lstm_step", grade=True, locked=True, points=4),
        cell("markdown", "Why?\n\n### BEGIN SOLUTION\nIt stays.\n### END SOLUTION", "essay", True, False, True, 3),
    ]


def make_course(root, cells=None, name=NAME):
    """A course with one assignment, released."""
    metadata = {"kernelspec": {"name": "python3", "display_name": "Python 3", "language": "python"}}
    notebook = nbformat.v4.new_notebook(cells=cells or assignment_cells(), metadata=metadata)
    root.mkdir(exist_ok=True)
    (root / "nbgrader_config.py").write_text(CONFIG)
    folder = root / "solutions" / name
    folder.mkdir(parents=True)
    nbformat.write(notebook, folder / f"{name}.ipynb")
    course = Course(root)
    made = course.api.generate_assignment(name, force=True)
    assert made["success"], made
    return course


class Maker:
    """Makes submissions of the small assignment."""

    def __init__(self, course, name=NAME):
        path = course.path("release", ".", name) / f"{name}.ipynb"
        self.released = json.loads(json.dumps(nbformat.read(path, as_version=4)))

    def right(self, **answers):
        """The notebook as a plain dict, solved; cells by keyword have another source."""
        nb = copy.deepcopy(self.released)
        for name, source in {"forget_gate": FORGET, "lstm_step": STEP, "essay": ESSAY, **answers}.items():
            self.cell(nb, name)["source"] = source
        return nb

    def untouched(self):
        return copy.deepcopy(self.released)

    @staticmethod
    def cell(nb, name):
        return next(c for c in nb["cells"] if c["metadata"].get("nbgrader", {}).get("grade_id") == name)

    def place(self, nb, name):
        return next(i for i, c in enumerate(nb["cells"]) if c is self.cell(nb, name))

    def extra(self, nb, source, after="setup", kind="code"):
        """The notebook with one more cell of the student's own."""
        made = {"cell_type": kind, "id": f"own-{len(nb['cells'])}", "metadata": {}, "source": text(source)}
        if kind == "code":
            made |= {"outputs": [], "execution_count": None}
        nb["cells"].insert(self.place(nb, after) + 1, made)
        return nb


def files(nb, name=f"{NAME}.ipynb"):
    return {name: json.dumps(nb, indent=1).encode()}


def hand_in(course, student, files, name=NAME):
    folder = course.path("submitted", student, name)
    for file, data in files.items():
        path = folder / file
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(data)
    folder.mkdir(parents=True, exist_ok=True)


def walls_or_not():
    """(whether walls can be built here, why not)."""
    try:
        walls.test()
    except walls.NoWalls as problem:
        return False, str(problem)
    return True, ""


WALLED, WHY_NOT = walls_or_not()
HERE = Path(__file__).parent
