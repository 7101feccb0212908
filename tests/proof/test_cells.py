"""Every derivative of the three cells, and of three steps of backpropagation through time, proved by algebra."""

import functools
from unittest import mock

import pytest
from proof.algebra import numbers, prove, sigmoid, without_doors

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
    H = 1 if cell != "rnn" or options["nonlinearity"] == "sigmoid" else 2

    def f(x, state, params):
        h, state_T, caches = bptt.unroll(functools.partial(step, **options), x, state, params)
        return (h, state_T), (caches, params)

    arguments = numbers("x", 1, 3, 1), state(cell, 1, H), parameters(cell, 1, H)
    # One step is proved above with the package's own sigmoid.
    with without_doors(bptt), mock.patch.object(cells, "sigmoid", sigmoid):
        assert prove(f, lambda dout, tape: bptt.bptt(step_backward, *dout, *tape), arguments) >= 7


def test_the_number_of_derivatives_in_all():
    """What the book says: how many derivatives of single steps are proved here."""
    sizes = {"rnn": 18, "lstm": 52, "gru": 40}
    assert sum(sizes[cell] for cell, _ in OPTIONS) == 204


WRONG = {
    "rnn: half of dW_hh": ("rnn", lambda dx, ds, dp: (dx, ds, dp._replace(W_hh=dp.W_hh * 0.5))),
    "lstm: c without its own path": ("lstm", lambda dx, ds, dp: (dx, ds._replace(c=0 * ds.c), dp)),
    "lstm: rows of o and g exchanged": ("lstm", lambda dx, ds, dp: (dx, ds, dp._replace(b=dp.b[[0, 1, 3, 2]]))),
    "gru: sign of dx": ("gru", lambda dx, ds, dp: (-dx, ds, dp)),
    "gru: b_hn with what b gets": ("gru", lambda dx, ds, dp: (dx, ds, dp._replace(b_hn=dp.b[2:]))),
}


@pytest.mark.parametrize("name", WRONG)
def test_a_wrong_backward_is_refused(name):
    """The opposite control: every one of these differs from the right one in a single term or factor."""
    cell, change = WRONG[name]
    with pytest.raises(ValueError, match="derivatives are wrong"):
        prove_step(cell, {}, 1, 1, 1, lambda gradients: change(*gradients))


def test_a_gradient_of_another_form_is_refused():
    with pytest.raises(ValueError, match=r"gradients: got .* wanted"):
        prove_step("rnn", {}, 1, 1, 1, lambda gradients: gradients[:2])
    with pytest.raises(ValueError, match=r"0: got shape \(1,\), wanted \(1, 1\)"):
        prove_step("rnn", {}, 1, 1, 1, lambda gradients: (gradients[0][0], *gradients[1:]))
