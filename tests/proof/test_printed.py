"""The equations that chapters 05, 07 and 08 print are those of the code: read from the page, and proved equal."""

import re

import numpy as np
import pytest
from course_site.proved import PROVED
from proof import algebra, printed
from proof.algebra import numbers

from course_pkg import cells

D, H = 2, 2


@pytest.fixture(autouse=True)
def _fresh():
    algebra.ATOMS.clear()
    algebra.MADE.clear()


def same_algebra(a, b):
    """Equal at every value of every symbol."""
    a, b = np.asarray(a, object), np.asarray(b, object)
    return a.shape == b.shape and all(algebra.is_zero(x - y) for x, y in zip(*map(algebra.expressions, (a, b))))


def rows(params, gates, at="W_{x%s} W_{h%s} b_{%s}"):
    """{name: the rows of one gate} of a cell's stacked parameters."""
    found = {}
    for k, gate in enumerate(gates):
        part = slice(k * H, (k + 1) * H)
        for name, a in zip(at.split(), (params.W_ih, params.W_hh, params.b)):
            found[name.replace("%s", gate)] = a[part]
    return found


def lstm(page="07-lstm.md"):
    """(what the page's equations give, what the code gives) for one step of one sequence."""
    params = cells.LSTMParams(numbers("W", 4 * H, D), numbers("U", 4 * H, H), numbers("b", 4 * H))
    state = cells.LSTMState(numbers("h", 1, H), numbers("c", 1, H))
    x, upstream = numbers("x", 1, D), cells.LSTMState(numbers("dh", 1, H), numbers("dc", 1, H))
    new, cache = cells.lstm_step(x, state, params)
    dx, dstate, dparams = cells.lstm_step_backward(upstream, cache, params)
    names = rows(params, "ifgo") | {"x_{t}": x[0], "h_{t-1}": state.h[0], "c_{t-1}": state.c[0]}
    names |= {"W_{ih}": params.W_ih, "W_{hh}": params.W_hh, "dh_{t}": upstream.h[0], "dc_{t}": upstream.c[0]}
    forward = ["eq-forget", "eq-input", "eq-candidate", "eq-cell", "eq-output", "eq-hidden"]
    printed.compute(page, [*forward, "eq-dc", "eq-da"], names)
    names["da"] = np.concatenate([names[f"da_{{{gate}}}"] for gate in "ifgo"])  # "the four came from one product"
    printed.compute(page, ["eq-din"], names)
    code = {"h_{t}": new.h[0], "c_{t}": new.c[0], "dx_{t}": dx[0], "dh_{t-1}": dstate.h[0], "dc_{t-1}": dstate.c[0]}
    return names, code | {"dW_{ih}": dparams.W_ih, "dW_{hh}": dparams.W_hh, "db": dparams.b}


def gru(page="08-gru.md"):
    """As `lstm`."""
    params = cells.GRUParams(numbers("W", 3 * H, D), numbers("U", 3 * H, H), numbers("b", 3 * H), numbers("bn", H))
    state, x, upstream = (
        cells.HState(numbers("h", 1, H)),
        numbers("x", 1, D),
        cells.HState(numbers("dh", 1, H)),
    )
    new, cache = cells.gru_step(x, state, params)
    dx, dstate, dparams = cells.gru_step_backward(upstream, cache, params)
    names = rows(params, "rzn") | {"x_{t}": x[0], "h_{t-1}": state.h[0], "dh_{t}": upstream.h[0]}
    names |= {"W_{ih}": params.W_ih, "b_{hn}": params.b_hn}
    printed.compute(page, ["eq-gru-gates", "eq-gru-candidate", "eq-gru-state"], names)
    source = (printed.BOOK / page).read_text(encoding="utf-8")
    for slope in re.findall(r"\$(\\sigma'_[zr] = [^$]*)\$", source):  # in the text before the Jacobian
        for name, _, right in printed.split(slope):
            names[name] = printed.Reader(right, names).value()
    printed.compute(page, ["eq-gru-da", "eq-gru-dh"], names)
    names["da"] = np.concatenate([names[f"da_{{{gate}}}"] for gate in "rzn"])
    printed.compute(page, ["eq-gru-dw"], names)
    code = {"h_{t}": new.h[0], "dx_{t}": dx[0], "dh_{t-1}": dstate.h[0], "dW_{ih}": dparams.W_ih, "db": dparams.b}
    return names, code | {"dW_{hn}": dparams.W_hh[2 * H :], "db_{hn}": dparams.b_hn}


def rnn(page="05-bptt.md"):
    """As `lstm`, but over three steps, with the sums over time that the page has."""
    params = cells.RNNParams(numbers("W", H, D), numbers("U", H, H), numbers("b", H))
    x, state, dh = numbers("x", 3, 1, D), cells.HState(numbers("h", 1, H)), numbers("dh", 3, 1, H)
    steps, caches = [], []
    names = {"W_{ih}": params.W_ih, "W_{hh}": params.W_hh, "b": params.b, "h_{t-1}": state.h[0]}
    phi = {"\\varphi": printed.tanh, "\\varphi'": lambda a: 1 - printed.tanh(a) ** 2}
    code = {}
    for t in range(3):
        step = printed.compute(page, ["eq-bptt-forward"], names | {"x_{t}": x[t, 0]}, phi)
        steps.append(step)
        state, cache = cells.rnn_step(x[t], state, params)
        caches.append(cache)
        names["h_{t-1}"] = step["h_{t}"]
        code[f"h {t}"], names[f"h {t}"] = state.h[0], step["h_{t}"]
    total, dtotal, after, dstate = {}, None, np.zeros(H, object), cells.HState(np.zeros((1, H), object))
    for t in reversed(range(3)):
        step = steps[t] | {"da_{t+1}": after, "\\frac{\\partial^{+} L}{\\partial h_{t}}": dh[t, 0]}
        printed.compute(page, ["eq-bptt-backward", "eq-bptt-weights"], step, phi)
        after = step["da_{t}"]
        for name in ("dW_{ih}", "dW_{hh}", "db"):
            total[name] = total.get(name, 0) + step[name]
        dx, dstate, dparams = cells.rnn_step_backward(cells.HState(dstate.h + dh[t]), caches[t], params)
        names[f"dx {t}"], code[f"dx {t}"] = step["dx_{t}"], dx[0]
        dtotal = dparams if dtotal is None else dtotal._make(a + b for a, b in zip(dtotal, dparams))
    return names | total, code | {"dW_{ih}": dtotal.W_ih, "dW_{hh}": dtotal.W_hh, "db": dtotal.b}


@pytest.mark.parametrize("cell", [rnn, lstm, gru])
def test_what_is_printed_is_what_the_code_computes(cell):
    page, code = cell()
    assert [name for name in code if not same_algebra(page[name], code[name])] == []
    assert sum(a.size for a in code.values()) >= 22


def test_the_equations_that_are_marked_are_those_that_are_proved(monkeypatch):
    """A mark on the page without a proof, or a proof without its mark, fails here."""
    read, equations = {}, printed.equations

    def noted(page, label):
        read.setdefault(page.removesuffix(".md"), set()).add(label)
        return equations(page, label)

    monkeypatch.setattr(printed, "equations", noted)
    for cell in (rnn, lstm, gru):
        cell()
    assert {page: set(labels) for page, labels in PROVED["tests/proof/test_printed.py"].items()} == read


MISPRINTS = [
    (lstm, r"\vi{t}(1 - \vi{t})", r"\vi{t}(1 - \vf{t})"),
    (lstm, r"\left(1 - \tanh^2(\vc{t})\right)", r"\left(1 + \tanh^2(\vc{t})\right)"),
    (gru, r"\odot a_{hn} \odot \sigma'_r \\", r"\odot \sigma'_r \\"),
    (rnn, r"W_{hh}^{\mathsf T}\,\mathrm{d}a_{t+1}", r"W_{hh}\,\mathrm{d}a_{t+1}"),
]


@pytest.mark.parametrize(("cell", "was", "now"), MISPRINTS)
def test_a_misprint_is_noticed(cell, was, now, monkeypatch, tmp_path):
    """The opposite control: one sign, one letter, one factor or one transposition of the page is changed."""
    for path in printed.BOOK.glob("0[578]-*.md"):
        (tmp_path / path.name).write_text(path.read_text(encoding="utf-8").replace(was, now), encoding="utf-8")
    monkeypatch.setattr(printed, "BOOK", tmp_path)
    page, code = cell()
    assert not all(same_algebra(page[name], code[name]) for name in code)
