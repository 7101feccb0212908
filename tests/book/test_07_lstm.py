"""The numbers that chapter 07 states in words are the numbers that its code gives."""

import numpy as np
import pytest
import torch
from course_site.execution import ROOT

from course_pkg import bptt, cells, gradcheck, interchange, weights
from course_pkg.activations import sigmoid

TEXT = (ROOT / "book" / "07-lstm.md").read_text(encoding="utf-8")


def step_by_hand():
    p = cells.LSTMParams(np.array([[-1], [1], [0.5], [0]]), np.array([[2], [2], [0], [2.0]]), np.zeros(4))
    return p, *cells.lstm_step(np.array([[1.0]]), cells.LSTMState(np.array([[0.5]]), np.array([[2.0]])), p)


def test_the_step_by_hand():
    _, state, cache = step_by_hand()
    stated = {
        r"$\sigma(2) = 0.881$": cache.f,
        r"$\sigma(0) = 0.5$": cache.i,
        r"$\tanh(0.5) = 0.462$": cache.g,
        r"$\sigma(1) = 0.731$": cache.o,
        r"\vc{t} = 1.993$": state.c,
        r"0.731 \cdot 0.964 = 0.704$": state.h,
    }
    for words, value in stated.items():
        assert words in TEXT
        assert float(words.rstrip("$").split("=")[-1]) == pytest.approx(value.item(), abs=5e-4)


def test_the_backward_by_hand():
    p, state, cache = step_by_hand()
    one = cells.LSTMState(np.ones((1, 1)), np.zeros((1, 1)))
    _, dprev, dparams = cells.lstm_step_backward(one, cache, p)
    dc = (cache.o * (1 - np.tanh(state.c) ** 2)).item()
    stated = [
        r"0.964^2) = 0.052",
        "0.25 = 0.006",
        "0.119 = 0.011",
        "0.462^2) = 0.021",
        "0.269 = 0.189",
        "0.881 = 0.046",
    ]
    for words, value in zip(stated, [dc, *dparams.b, dprev.c.item()]):
        assert words in TEXT
        assert float(words.split("=")[-1]) == pytest.approx(value, abs=5e-4)


def test_the_printed_gradient_three_ways():
    """The equations of "The whole backward" against finite differences and PyTorch, for weights, input and start."""
    rng = np.random.default_rng(1)
    p = weights.init("lstm", 3, 4, rng, dtype=np.float64)
    x, dh = rng.normal(size=(2, 5, 3)), rng.normal(size=(2, 5, 4))
    start = cells.LSTMState(rng.normal(size=(2, 4)), rng.normal(size=(2, 4)))

    def loss(p=p, x=x, start=start):
        return np.sum(dh * bptt.unroll(cells.lstm_step, x, start, p)[0])

    _, _, caches = bptt.unroll(cells.lstm_step, x, start, p)
    dx, dstart, dp = bptt.bptt(cells.lstm_step_backward, dh, None, caches, p)
    gradcheck.gradcheck(lambda p: loss(p=p), p, dp)
    gradcheck.gradcheck(lambda x: loss(x=x), x, dx)
    gradcheck.gradcheck(lambda s: loss(start=s), start, dstart)

    net = torch.nn.LSTM(3, 4, batch_first=True, dtype=torch.float64)
    net.load_state_dict(interchange.to_torch(p))
    tx = torch.tensor(x, requires_grad=True)
    (net(tx, tuple(torch.tensor(a[None]) for a in start))[0] * torch.tensor(dh)).sum().backward()
    for ours, theirs in ((dx, tx), (dp.W_ih, net.weight_ih_l0), (dp.W_hh, net.weight_hh_l0), (dp.b, net.bias_ih_l0)):
        assert gradcheck.max_error(ours, theirs.grad.numpy()) < 1e-12


def test_answers_about_half_lives():
    assert 0.9**7 < 0.5 < 0.9**6  # "Seven steps"
    assert (round(0.9**6, 2), round(0.9**7, 2)) == (0.53, 0.48)
    f = 2 ** (-1 / 100)
    assert (round(f, 4), round(np.log(f / (1 - f)), 2)) == (0.9931, 4.97)
    f = 2 ** (-1 / 20)
    assert (round(f, 4), round(np.log(f / (1 - f)), 2)) == (0.9659, 3.34)
    assert np.log(0.5) / np.log(sigmoid(0.0)) == pytest.approx(1)  # a bias of 0 holds for one step
    assert np.log(2) / np.log1p(np.exp(-20.0)) > 300e6  # "over 300 million steps"
    assert 0.5**20 < 1e-6


def test_what_the_latch_holds():
    """The unit with weights set by hand, as its answer describes it."""
    latch = cells.LSTMParams(
        np.array([[0, 8, 0], [0, -8, 0], [1.5, 0, 0], [0, 0, 8.0]]), np.zeros((4, 1)), np.array([-4, 4, 0, -4.0])
    )
    value, store, ask = np.array([0.3, 0.8, -0.6, 0.5, -0.9, -0.5, 0.7, 0.4]), np.zeros(8), np.zeros(8)
    store[[1, 5]] = ask[[4, 7]] = 1
    start = cells.LSTMState(np.zeros((1, 1)), np.zeros((1, 1)))
    h, _, caches = bptt.unroll(cells.lstm_step, np.stack([value, store, ask], axis=1)[None], start, latch)
    c = [k.state_prev.c.item() for k in caches][1:]
    assert "about 0.78 at step 3" in TEXT
    assert c[3] == pytest.approx(0.78, abs=0.01)
    assert "shows about 0.01" in TEXT
    assert h[0, 3, 0] == pytest.approx(0.01, abs=0.005)
    assert (caches[3].i.item(), caches[3].f.item()) == pytest.approx((0.02, 0.98), abs=0.005)
    assert caches[1].g.item() == pytest.approx(0.83, abs=0.01)
