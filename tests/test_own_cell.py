"""A reader's cell is one more value: a peephole LSTM goes through everything that the book's cells go through."""

from functools import partial
from typing import NamedTuple

import numpy as np
import pytest
import torch
from references import assert_equal, assert_same, copies

from course_pkg import bptt, cells, fused, interchange, models, tasks, train, weights
from course_pkg._validation import require_options
from course_pkg.cells import Cell, HState, LSTMState
from course_pkg.experiments.peephole import PEEPHOLE, PeepholeParams, peephole_step, peephole_step_backward
from course_pkg.gradcheck import gradcheck
from course_pkg.stacks import LayerParams, stack, stack_backward
from course_pkg.trees import tree_leaves, tree_map

PLAIN = {cell.name: cell._replace(run=None, run_backward=None) for cell in cells.CELLS}  # without the fast run


def rng(seed=0):
    return np.random.default_rng(seed)


def moved(tree, seed=1):
    """The same tree with other numbers: no peephole and no bias at 0."""
    draw = rng(seed)
    return tree_map(lambda a: a + 0.3 * draw.normal(size=a.shape), tree)


def net_of(cell, **how):
    return moved(weights.init_stack(cell, 2, 3, rng(), dtype=np.float64, **how))


def test_the_peephole_lstm_is_the_equations_by_autograd():
    p, x = moved(weights.init(PEEPHOLE, 2, 3, rng(), dtype=np.float64)), rng().normal(size=(2, 4, 2))
    dh = rng(2).normal(size=(2, 4, 3))
    h, _, caches = bptt.unroll(PEEPHOLE, x, None, p)
    dx, _, dp = bptt.bptt(PEEPHOLE, dh, None, caches, p)
    tx, tp = torch.tensor(x, requires_grad=True), [torch.tensor(a, requires_grad=True) for a in p]
    W_ih, W_hh, b, (p_i, p_f, p_o) = *tp[:3], tp[3].chunk(3)
    th, c, hs = torch.zeros(2, 3, dtype=torch.float64), torch.zeros(2, 3, dtype=torch.float64), []
    for t in range(4):
        a_i, a_f, a_g, a_o = (tx[:, t] @ W_ih.T + th @ W_hh.T + b).chunk(4, dim=1)
        c = torch.sigmoid(a_f + p_f * c) * c + torch.sigmoid(a_i + p_i * c) * torch.tanh(a_g)
        th = torch.sigmoid(a_o + p_o * c) * torch.tanh(c)
        hs.append(th)
    theirs = torch.stack(hs, 1)
    (theirs * torch.tensor(dh)).sum().backward()
    assert_equal((h, dx, dp), (theirs.detach().numpy(), tx.grad.numpy(), PeepholeParams(*(a.grad.numpy() for a in tp))))


@pytest.mark.parametrize("lengths", [None, np.array([5, 2, 4])])
@pytest.mark.parametrize("way", [{}, {"depth": 2}, {"bidirectional": True}, {"depth": 2, "bidirectional": True}])
def test_deep_two_way_and_padded_by_finite_differences(way, lengths):
    net, x = net_of(PEEPHOLE, **way), rng().normal(size=(3, 5, 2))
    out, _, tape = stack(x, None, net, cell=PEEPHOLE, lengths=lengths)
    dout = rng(3).normal(size=out.shape)
    dx, _, dnet = stack_backward(dout, None, tape)
    run = lambda x, net: np.sum(dout * stack(x, None, net, cell=PEEPHOLE, lengths=lengths)[0])  # noqa: E731
    assert gradcheck(lambda p: run(x, p), net, dnet) < 1e-7
    assert gradcheck(lambda a: run(a, net), x, dx) < 1e-7


def test_it_is_trained_by_models_and_train():
    net = models.init(PEEPHOLE, 2, 6, 1, rng(), depth=2, bidirectional=True)
    data = tasks.adding_problem(64, 6, rng())
    loss = partial(models.regressor_loss, cell=PEEPHOLE)
    found = train.fit(loss, net, data.arrays, rng(), steps=60, rate=0.01, progress=False)
    assert found.history.loss[-10:].mean() < 0.5 * found.history.loss[0]
    peepholes = [a for name, a in tree_leaves(found.params).items() if name.endswith(".p")]
    assert len(peepholes) == 4
    assert all(a.any() for a in peepholes)  # they start at 0 and learn


@pytest.mark.parametrize("name", PLAIN)
def test_bptts_loop_is_the_fused_run(name):
    """`run` not given means the loop over the steps, also inside a stack, and its tape is as safe as `fused`'s."""
    ours, theirs = PLAIN[name], cells.by_name(name)
    net, x = net_of(name, depth=2, bidirectional=True), rng().normal(size=(3, 5, 2))
    for lengths in (None, np.array([5, 2, 4])):
        results = []
        for cell in (ours, theirs):
            out, state_T, tape = stack(x, None, net, cell=cell, lengths=lengths)
            results.append((out, state_T, *stack_backward(np.ones_like(out), None, tape)))
        assert_equal(*results)
    p, mine = net[0].forward, x.copy()
    h, state_T, tape = ours.run(mine, None, p)
    first = copies(ours.run_backward(np.ones_like(h), None, tape))
    for a in tree_leaves((mine, h, state_T, p)).values():
        a[...] = np.nan
    again = ours.run_backward(np.ones_like(h), None, tape)
    assert_same(again, first)
    assert cells.LSTM.run is fused.lstm


def test_two_cells_with_equal_parameters_are_told_apart_by_the_argument():
    """A student's LSTM has the package's parameters; which of the two runs is said, not guessed."""

    def forgets_nothing(x_t, state, params):
        state, cache = cells.lstm_step(x_t, state, params)
        return state._replace(h=0 * state.h), cache

    net, x = net_of("lstm"), rng().normal(size=(2, 3, 2))
    mine = PLAIN["lstm"]._replace(step=forgets_nothing)
    assert not stack(x, None, net, cell=mine)[0].any()
    assert stack(x, None, net)[0].any()


class KerasParams(NamedTuple):
    """A GRU's with Keras' two biases."""

    W_ih: np.ndarray
    W_hh: np.ndarray
    b: np.ndarray
    b_hh: np.ndarray


def keras_step(x_t, state, params):
    b_hh = np.split(params.b_hh, 3)
    b = params.b + np.concatenate([b_hh[0], b_hh[1], 0 * b_hh[2]])
    return cells.gru_step(x_t, state, cells.GRUParams(params.W_ih, params.W_hh, b, b_hh[2]))


def keras_step_backward(dstate, cache, params):
    b_hn = np.split(params.b_hh, 3)[2]
    like = cells.GRUParams(params.W_ih, params.W_hh, params.b, b_hn)
    dx_t, dstate_prev, (dW_ih, dW_hh, db, db_hn) = cells.gru_step_backward(dstate, cache, like)
    db_hh = np.concatenate([*np.split(db, 3)[:2], db_hn])
    return dx_t, dstate_prev, KerasParams(dW_ih, dW_hh, db, db_hh)


def test_a_gru_with_two_biases_runs():
    cell = Cell("keras", KerasParams, HState, ("r", "z", "n"), keras_step, keras_step_backward, extra={"b_hh": 3})
    net, x = net_of(cell), rng().normal(size=(2, 4, 2))
    out, _, tape = stack(x, None, net, cell=cell)
    _, _, dnet = stack_backward(np.ones_like(out), None, tape)
    assert gradcheck(lambda p: stack(x, None, p, cell=cell)[0].sum(), net, dnet) < 1e-7
    assert weights.cell_count(cell, 2, 3) == weights.count(net) == 3 * 3 * (2 + 3 + 2)
    h, _, _ = bptt.unroll(keras_step, x, HState(np.zeros((2, 3))), net[0].forward)  # the bare step too
    assert_same(h, out)


P = weights.init(PEEPHOLE, 2, 3, rng())
X = np.ones((2, 4, 2), np.float32)
GRU = weights.init("gru", 2, 3, rng())
BAD = {
    r"params: got fields \(\), wanted a NamedTuple with W_ih, W_hh, b": lambda: Cell(
        *("p", tuple, LSTMState, (), peephole_step, peephole_step_backward)
    ),
    r"state: got fields \('W_ih'": lambda: Cell("p", PeepholeParams, PeepholeParams, (), None, None),
    "run: got one of run and run_backward": lambda: Cell(*PEEPHOLE[:6], run=fused.lstm),
    r"params.p: got shape \(8,\), wanted \(9,\)": lambda: bptt.unroll(PEEPHOLE, X, None, P._replace(p=np.ones(8, "f"))),
    "params: got GRUParams, wanted PeepholeParams": lambda: bptt.unroll(PEEPHOLE, X, None, GRU),
    "state: got HState, wanted LSTMState": lambda: PEEPHOLE.run(X, HState(np.zeros((2, 3), "f")), P),
    r"options: got \['reset'\]": lambda: bptt.unroll(PEEPHOLE, X, None, P, reset="after"),
    "reset: got 'befor', wanted one of 'after', 'before'": lambda: bptt.unroll(cells.GRU, X, None, GRU, reset="befor"),
    "options: got": lambda: cells.LSTM._replace(run=None, run_backward=None).run(
        X, None, weights.init("lstm", 2, 3, rng()), reset="after"
    ),
    "cell: got 'lstm', wanted a cell such as cells.LSTM": lambda: bptt.unroll("lstm", X, None, P),
    "caches: got tuple, wanted caches with fields x_t and state_prev": lambda: bptt.bptt(PEEPHOLE, None, None, [()], P),
    "tape: got list, wanted the StepsTape": lambda: PEEPHOLE.run_backward(None, None, []),
    r"params\[0\].forward: got PeepholeParams, wanted one of RNNParams.* or its Cell as cell=": lambda: stack(
        X, None, (LayerParams(P),)
    ),
    "cell: got peephole, wanted one that PyTorch and Keras have": lambda: interchange.from_torch({}, PEEPHOLE),
    r"params: got PeepholeParams, wanted a cell's": lambda: interchange.to_torch(P),
    r"params\[0\]: got PeepholeParams, a cell that torch.nn does not have": lambda: interchange.to_torch(
        (LayerParams(P),)
    ),
    "cell: got peephole, wanted one that torch.nn has": lambda: weights.torch_count(PEEPHOLE, 2, 3),
    "cell: got peephole, wanted one that fused has": lambda: weights.kept_count(PEEPHOLE, 1, 1, 2, 3),
    r"cell: got peephole with \['p'\], wanted their sizes": lambda: weights.init(
        PEEPHOLE._replace(extra={}), 2, 3, rng()
    ),
    "cell: got 'ltsm', wanted a Cell, or one of 'rnn', 'lstm', 'gru'": lambda: cells.by_name("ltsm"),
}


@pytest.mark.parametrize("message", BAD)
def test_what_does_not_fit_is_named(message):
    with pytest.raises(ValueError, match=message):
        BAD[message]()


@pytest.mark.parametrize(
    ("step", "word"), [(cells.gru_step, {"reset": "befor"}), (cells.rnn_step, {"nonlinearity": "tan"})]
)
def test_a_step_refuses_a_misspelt_option(step, word):
    p = GRU if "reset" in word else weights.init("rnn", 2, 3, rng())
    with pytest.raises(KeyError, match=next(iter(word.values()))):
        step(X[:, 0], HState(np.zeros((2, 3), np.float32)), p, **word)


@pytest.mark.parametrize("cell", cells.CELLS)
def test_a_record_says_what_its_functions_do(cell):
    """The type of what comes back, the blocks of rows, the options of step and run, and the start."""
    p = weights.init(cell, 2, 3, rng())
    assert type(p) is cell.params
    assert len(p.W_hh) == len(cell.gates) * 3
    h, state_T, caches = bptt.unroll(cell, X, None, p)
    _, dstate_0, dp = bptt.bptt(cell, h, None, caches, p)
    assert (type(state_T), type(dstate_0), type(dp)) == (cell.state, cell.state, cell.params)
    for name, words in cell.options.items():
        for word in words:
            ours, fast = (run(X, None, p, **{name: word})[0] for run in (partial(bptt.unroll, cell), cell.run))
            assert_equal(ours, fast, 1e-6)
        assert_same(bptt.unroll(cell, X, None, p, **{name: words[0]})[0], h)  # the first is the default
    assert cells.by_name(cell.name) is cells.by_name(cell) is cell
    require_options(cell.options, {})
