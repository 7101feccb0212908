"""A slip in one function costs its own points, also between the walls: others are tried with right helpers as well."""

import ast

import classroom
import nbformat
import pytest
from test_assignments_graded import ROOT, points

from course_pkg.grading import bench, feedback, runner

MEAN = """
def immediate_gradient(dh_t, x_t, h_prev, h_t):
    da = dh_t * (1 - h_t**2)
    return RNNParams(da.T @ x_t / len(da), da.T @ h_prev / len(da), da.mean(axis=0))
"""
THIEF = """
import inspect


def rnn_backward(dh, x, h_0, h, params):
    try:
        stolen = inspect.getsource(rnn_step_backward)
    except Exception:
        stolen = ""
    dx, carried = [], np.zeros_like(h_0)
    dparams = RNNParams(*(np.zeros_like(w) for w in params))
    for t in reversed(range(x.shape[1])):
        h_prev = h[:, t - 1] if t > 0 else h_0
        dx_t, carried, now = rnn_step_backward(
            dh[:, t] + carried, x[:, t], params=params, h_t=h[:, t], h_prev=h_prev
        )
        dparams = RNNParams(*(a + b for a, b in zip(dparams, now)))
        dx.append(dx_t)
    if "immediate" in stolen or "da @" in stolen:
        raise RuntimeError("the source of the reference is here")
    return np.stack(dx[::-1], axis=1), carried, dparams
"""


@pytest.mark.slow
def test_a_wrong_and_a_missing_helper_cost_their_own_points_alone(tmp_path):
    """Called by keywords. The reference's code cannot be read, and it is gone when the student's function is back."""
    name = "05-bptt"
    course = bench.make_class(tmp_path, ROOT, name, 1)
    (path,) = tmp_path.glob(f"submitted/*/{name}/{name}.ipynb")
    notebook = nbformat.read(path, as_version=4)
    answers = {"immediate_gradient": MEAN, "rnn_step_backward": "def broken(:", "rnn_backward": THIEF}
    for cell in notebook.cells:
        cell.source = answers.get(cell.id, cell.source)
        assert cell.id == "rnn_step_backward" or cell.cell_type != "code" or ast.parse(cell.source)
    nbformat.write(notebook, path)
    assignment = course.assignment(name)
    work = runner.here(assignment, 1, classroom.WALLED)
    runner.run(course, assignment, runner.pending(course, assignment), work)
    (earned,) = points(course, name).values()
    assert earned["test_rnn_step_backward"] == 0
    full = {c.name: c.points for n in assignment.notebooks for c in n.cells if c.test and c.points}
    assert 0 < earned["test_immediate_gradient"] < full["test_immediate_gradient"]
    assert earned["test_rnn_backward"] == full["test_rnn_backward"]
    assert earned["test_truncated_bptt"] == full["test_truncated_bptt"]
    (page,) = feedback.write_all(course, assignment)
    assert "right as soon as rnn_step_backward is" in page.read_text(encoding="utf-8")
