"""The program that stands alone computes what the package computes, and learns."""

import itertools
import pathlib
import subprocess
import sys

import numpy as np
import pytest

from course_pkg import cells, fused, gradcheck, layers, optim, trees, writer

K, H, B, T = 6, 5, 3, 8


@pytest.fixture
def case():
    """(weights in float64, a chunk (B, T + 1), a state (B, H))."""
    rng = np.random.default_rng(0)
    w = writer.begin(K, H, rng, np.float64)
    w = {name: a + 0.1 * rng.normal(size=a.shape) for name, a in w.items()}
    return w, rng.integers(K, size=(B, T + 1)), rng.normal(size=(B, H))


def packages(w, chunk, h):
    """Loss, gradient as a dict and last state, by `fused` and `layers`."""
    params = cells.RNNParams(w["W_ih"], w["W_hh"], w["b"])
    out = layers.LinearParams(w["W_hy"], w["b_y"])
    states, last, tape = fused.rnn(np.eye(K)[chunk[:, :-1]], cells.HState(h), params)
    scores, linear_tape = layers.linear(states, out)
    loss, entropy_tape = layers.softmax_cross_entropy(scores, chunk[:, 1:])
    dh, dout = layers.linear_backward(layers.softmax_cross_entropy_backward(1.0, entropy_tape), linear_tape)
    _, _, drnn = fused.rnn_backward(dh, None, tape)
    return loss, dict(zip(w, (*drnn, *dout))), last.h


def test_loss_and_gradient_are_the_packages(case):
    w, chunk, h = case
    loss, dw, last = writer.loss_and_gradient(chunk, w, h)
    wanted, theirs, state = packages(w, chunk, h)
    assert gradcheck.max_error(loss, wanted) < 1e-12
    assert gradcheck.max_error(last, state) < 1e-12
    for name, d in theirs.items():
        assert gradcheck.max_error(dw[name], d) < 1e-12, name


def test_the_gradient_is_the_slope(case):
    w, chunk, h = case
    _, dw, _ = writer.loss_and_gradient(chunk, w, h)
    for name, a in w.items():
        numeric = gradcheck.numerical_gradient(
            lambda a, name=name: writer.loss_and_gradient(chunk, {**w, name: a}, h)[0], a
        )
        assert gradcheck.max_error(dw[name], numeric) < 1e-7, name


def test_adam_and_clipping_are_the_packages(case):
    """Three updates with gradients of which some are clipped."""
    w, chunk, h = case
    m, v = ({name: np.zeros_like(a) for name, a in w.items()} for _ in range(2))
    theirs = tuple(w.values())
    adam = optim.adam()
    memory = adam.start(theirs)
    for update in (1, 2, 3):
        _, dw, _ = writer.loss_and_gradient(chunk, w, h)
        dw = {name: 5.0 * update * d for name, d in dw.items()}
        clipped, norm = optim.clip_by_global_norm(tuple(dw.values()), 1.0)
        theirs, memory = adam.update(theirs, clipped, memory, 0.01)
        w = writer.adam(w, writer.clip(dw), m, v, update, 0.01)
    assert norm > 1
    for mine, other in zip(w.values(), trees.tree_leaves(theirs).values()):
        assert gradcheck.max_error(mine, other) < 1e-12


def test_chunks_carry_on_where_they_ended():
    chunks = list(writer.chunks(np.arange(103), 4, 6))
    assert {c.shape for c in chunks} == {(4, 7)}
    for one, following in itertools.pairwise(chunks):
        assert np.array_equal(one[:, -1], following[:, 0])
    assert np.array_equal(chunks[0][:, 0], [0, 25, 50, 75])


def test_what_is_too_rare_is_unknown():
    symbols = writer.vocabulary("aaaabbbbc", least=4)
    assert symbols == [writer.UNKNOWN, "a", "b"]
    assert writer.encode("abcz", symbols).tolist() == [1, 2, 0, 0]


def test_it_learns_a_rule_and_goes_on_from_a_prefix():
    """On a text that repeats itself the loss falls to near 0, and the sample goes on as the text does."""
    symbols = writer.vocabulary("abcde" * 200)
    ids = writer.encode("abcde" * 200, symbols)
    start = writer.begin(len(symbols), 8, np.random.default_rng(1))
    _, w, loss = next(itertools.islice(writer.learn(ids, start, B=8, T=10, rate=2e-2), 300, None))
    assert loss < 0.1
    for prefix, after in (("ab", "cdeabcde"), ("deabc", "deabcdea")):
        assert writer.write(prefix, 8, w, symbols, np.random.default_rng(2)) == after


def test_it_runs_as_a_program_of_its_own(tmp_path):
    """The file alone, without the package, on a small text."""
    text, program = tmp_path / "text.txt", tmp_path / "writer.py"
    text.write_text("the cat ate the rat. " * 200)
    program.write_text(pathlib.Path(writer.__file__).read_text())
    code = f"import writer; writer.main({str(text)!r}, updates=200)"
    done = subprocess.run([sys.executable, "-c", code], cwd=tmp_path, capture_output=True, text=True, check=True)
    assert "--- 200 updates" in done.stdout


def test_it_is_about_a_hundred_lines():
    lines = pathlib.Path(writer.__file__).read_text().splitlines()
    code = [line for line in lines if line.strip() and not line.strip().startswith(("#", '"""'))]
    assert len(code) <= 110
