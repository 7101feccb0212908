"""The assignment on deep networks agrees with the package that the book shows, and gets along without PyTorch."""

import sys

import author
import numpy as np
import pytest

from course_pkg import cells, gradcheck, stacks

SIZES = [(1, 5, 3, 2, 3), (4, 3, 2, 4, 2), (2, 4, 3, 3, 1)]  # B, T, D, H, L


@pytest.fixture(scope="module")
def solved():
    """The notebook's own functions, its hidden references, and drawn arguments for both."""
    return author.play("11-deep")[0]


def close(got, want):
    assert gradcheck.max_error(got, want) < 1e-12


def packages(case, **options):
    """(out, state_T, tape) of the package's stack."""
    params = tuple(stacks.LayerParams(cells.RNNParams(*p)) for p in case["params"])
    state = tuple(stacks.LayerState(cells.HState(h)) for h in case["h_0"])
    return stacks.stack(case["x"], state, params, **options)


@pytest.mark.parametrize("size", SIZES)
def test_the_way_up_is_the_packages(solved, size):
    """The highest states, and each layer's last state."""
    case = solved["_draw_layers"](np.random.default_rng(1), *size)
    out, state_T, _ = packages(case)
    for forward in ("stack_forward", "_climb"):
        states = solved[forward](*case.values())
        close(states[-1], out)
        for h, last in zip(states, state_T, strict=True):
            close(h[:, -1], last.forward.h)


@pytest.mark.parametrize("size", SIZES)
def test_the_way_down_is_the_packages(solved, size):
    """The solution with the given layer's way back, and the reference with its own."""
    case = solved["_draw_layers"](np.random.default_rng(2), *size)
    out, _, tape = packages(case)
    dh_top = np.random.default_rng(3).normal(size=out.shape)
    dx, dstate, dparams = stacks.stack_backward(dh_top, None, tape)
    states = solved["_climb"](*case.values())
    for backward in (solved["stack_backward"], solved["_descent_version"]()):
        got = backward(dh_top, case["x"], case["h_0"], states, case["params"])
        close(got[0], dx)
        for k in range(len(dparams)):
            close(got[1][k], dstate[k].forward.h)
            for g, w in zip(got[2][k], dparams[k].forward, strict=True):
                close(g, w)


@pytest.mark.parametrize("size", SIZES)
def test_bridges_are_the_packages(solved, size):
    case = solved["_draw_layers"](np.random.default_rng(4), *size)
    out, _, _ = packages(case, residual=True)
    close(solved["residual_stack"](*case.values()), out)
    close(solved["_bridge_version"]()(*case.values()), out)


@pytest.mark.parametrize("folder", [author.SOLUTIONS, author.EXERCISES])
def test_without_pytorch_only_its_function_is_lost_and_is_told_why(monkeypatch, folder):
    """Graded, and on a student's machine: the three functions in NumPy earn everything."""
    monkeypatch.setitem(sys.modules, "torch", None)
    answers = {cell.name: cell.source for cell in author.read_cells("11-deep") if cell.kind == "solve"}
    graded = author.play("11-deep", answers, folder)[1]
    assert "pip install torch" in graded["setup"].text
    for name, result in graded.items():
        if name == "deep_gru":
            assert result.score == 0.0
            assert "PyTorch is not on this machine" in " ".join(result.text.split())
        elif result.points:
            assert result.score == result.points, result.text


def test_a_wrong_way_up_costs_nothing_on_the_way_down():
    """Each function of the stack stands on the given layer, so none falls with another."""
    namespace, graded = author.play("11-deep")
    namespace["stack_forward"] = graded["stack_forward"].report.wrong_versions[0].function
    for cell in author.read_cells("11-deep"):
        if cell.kind == "check" and cell.name in ("stack_backward", "residual_stack"):
            assert author.check(cell, dict(namespace)).score == cell.points


OWN_CLASS = """
class DeepGRU(nn.Module):
    def __init__(self, D, H, L):
        super().__init__()
        {init}

    def forward(self, x):
        {forward}
"""


@pytest.mark.parametrize(
    ("init", "forward", "loses"),
    [
        ("self.gru = nn.GRU(D, H, num_layers=L, batch_first=True)", "return self.gru(x)[0]", {"layers"}),
        (
            "self.layers = nn.ModuleList(nn.GRUCell(H if k else D, H) for k in range(L))",
            "return run_cells(self.layers, x)",
            set(),
        ),
        (
            "self.stack = nn.ModuleDict({str(k): nn.GRU(H if k else D, H, 1, batch_first=True) for k in range(L)})",
            "return functools.reduce(lambda h, name: self.stack[name](h)[0], self.stack, x)",
            set(),
        ),
    ],
    ids=["PyTorch's own stack", "cells", "a dictionary of layers"],
)
def test_any_stack_of_ones_own_is_right_and_pytorchs_is_not(init, forward, loses):
    """The numbers of nn.GRU with num_layers are right, but the stack is not the student's: one point, and its name."""
    pytest.importorskip("torch")
    given = next(c.source for c in author.read_cells("11-deep") if (c.kind, c.name) == ("solve", "deep_gru"))
    helpers = """
import functools


def run_cells(cells, x):
    for cell in cells:
        h, states = None, []
        for t in range(x.shape[1]):
            h = cell(x[:, t], h)
            states.append(h)
        x = torch.stack(states, dim=1)
    return x
"""
    source = helpers + OWN_CLASS.format(init=init, forward=forward) + given[given.index("\n\ndef deep_gru") :]
    result = author.play("11-deep", {"deep_gru": source})[1]["deep_gru"]
    assert set(result.report.failures) == loses, result.text
    assert result.score == result.points - len(loses)
    if loses:
        assert "PyTorch's own stack" in " ".join(result.text.split())
