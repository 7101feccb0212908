"""The assignment on matrix memories agrees with the package, and so with PyTorch."""

import author
import numpy as np
import pytest

from course_pkg import memory
from course_pkg.gradcheck import max_error, numerical_gradient
from course_pkg.mlstm import mlstm

ONE = np.ones(3)


@pytest.fixture(scope="module")
def solved():
    """The notebook's own functions, its hidden references, and what draws their arguments."""
    return author.play("20-matrix-memory")[0]


def close(got, want):
    assert max_error(got, want) < 1e-12


def drawn(solved, which, *size):
    return solved[which](np.random.default_rng(1), *size)


@pytest.mark.parametrize("step", ["linear_attention_step", "_linear"])
def test_linear_attention_is_the_packages(solved, step):
    case = drawn(solved, "_draw_linear", 3, 4, 5)
    S = memory.step(case["S_prev"], case["k_t"], case["v_t"], ONE[:, None], ONE, 0 * ONE)
    y_t, S_t = solved[step](*case.values())
    close(S_t, S)
    close(y_t, memory.read(S, case["q_t"]))


@pytest.mark.parametrize("step", ["delta_step", "_delta"])
def test_the_delta_rule_is_the_packages(solved, step):
    S, k, v, beta = drawn(solved, "_draw_delta", 3, 4, 5).values()
    close(solved[step](S, k, v, beta), memory.step(S, k, v, ONE[:, None], beta, beta))


@pytest.mark.parametrize("step", ["gated_delta_step", "_gated"])
def test_gated_delta_is_the_packages(solved, step):
    S, k, v, f, beta = drawn(solved, "_draw_gated", 3, 4, 5).values()
    close(solved[step](S, k, v, f, beta), memory.step(S, k, v, f[:, None], beta, beta))


@pytest.mark.parametrize("backward", ["delta_step_backward", "_right_back"])
def test_the_gradient_is_the_packages_and_that_of_differences(solved, backward):
    dS, *rest = drawn(solved, "_draw_back", 3, 4, 5).values()
    S, k, v, beta = rest
    dS_prev, dk, dv, _, dw, de = memory.step_backward(dS, S, k, v, ONE[:, None], beta, beta)
    got = solved[backward](dS, *rest)
    for ours, want in zip(got, (dS_prev, dk, dv, dw + de)):
        close(ours, want)
    for at, gradient in enumerate(got):

        def loss(a, at=at):
            return np.sum(dS * solved["delta_step"](*rest[:at], a, *rest[at + 1 :]))

        assert max_error(gradient, numerical_gradient(loss, rest[at])) < 1e-8


@pytest.mark.parametrize("step", ["mlstm_step", "_mlstm"])
def test_the_mlstm_is_the_packages_from_an_empty_start(solved, step):
    rng, B, T, K, V = np.random.default_rng(2), 3, 6, 4, 2
    q, k = rng.normal(size=(2, B, T, K))
    v, a_i, a_f = rng.normal(size=(B, T, V)), *rng.normal(0, 3, size=(2, B, T))
    h, tape = mlstm(q, k, v, a_i, a_f)
    S, n, m = np.zeros((B, V, K)), np.zeros((B, K)), np.full(B, -np.inf)
    for t in range(T):
        h_t, S, n, m = solved[step](S, n, m, q[:, t], k[:, t] / np.sqrt(K), v[:, t], a_i[:, t], a_f[:, t])
        close(h_t, h[:, t])
        close(m, tape.m[:, t])


@pytest.mark.parametrize("task", ["recall_task", "_recalled"])
def test_the_task_is_that_of_a_dictionary(solved, task):
    case = drawn(solved, "_draw_recall", 4, 12, 9)
    answers = solved[task](*case.values())
    for keys, values, asked, found in zip(*case.values(), answers):
        last = dict(zip(keys, values))
        assert found.tolist() == [last.get(a, -1) for a in asked]
    assert 0.1 < np.mean(answers == -1) < 0.9


def test_no_wrong_version_passes_all_visible_checks():
    shown = {c.name: c for c in author.read_cells("20-matrix-memory", author.EXERCISES) if c.kind == "check"}
    blind = [
        f"{cell.name}: {wrong.name}"
        for cell, namespace, wrong in author.wrong_versions("20-matrix-memory")
        if (seen := author.check(shown[cell.name], dict(namespace))).score == seen.points
    ]
    assert not blind


def test_one_slip_does_not_lose_what_it_is_not_about():
    """Each of the three paths of the key costs its own part, and the gradients beside it stay."""
    namespace, graded = author.play("20-matrix-memory")
    report = graded["delta_step_backward"].report
    check = next(c for c in author.read_cells("20-matrix-memory") if c.name == "delta_step_backward" and c.points)
    for slip, part in (("not_written", "written"), ("not_erased", "erased"), ("not_looked_up", "looked up")):
        version = next(w.function for w in report.wrong_versions if w.name == slip)
        lost = author.check(check, {**namespace, "delta_step_backward": version}).report.failures
        assert part in lost
        assert not set(lost) & {"shape", "care", "value", "memory", "share"}
