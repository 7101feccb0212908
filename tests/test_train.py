"""The training loop: what it updates on, what it returns, how it stops, and that it repeats itself to the bit."""

import math
from typing import Any, NamedTuple

import numpy as np
import pytest

from course_pkg import bptt, cells, layers, models, optim, train, weights
from course_pkg.trees import tree_leaves


class Line(NamedTuple):
    w: Any
    b: Any


def line_loss(params, batch, state, rng):
    """Least squares on y = w x + b: the smallest network with a gradient."""
    x, y = batch
    value, tape = layers.mean_squared_error(x @ params.w + params.b, y)
    d = layers.mean_squared_error_backward(1.0, tape)
    return value, Line(x.T @ d, d.sum(axis=0)), None


def line_data(n=64, dtype=np.float64):
    rng = np.random.default_rng(0)
    x = rng.normal(size=(n, 3)).astype(dtype)
    return x, (x @ np.array([[1.0], [-2], [0.5]], dtype) + 3).astype(dtype)


def start(dtype=np.float64):
    return Line(np.zeros((3, 1), dtype), np.zeros(1, dtype))


def fit(data=None, params=None, **settings):
    settings = {"steps": 50, "rate": 0.05, "progress": False} | settings
    loss = settings.pop("loss", line_loss)
    data = line_data() if data is None else data
    return train.fit(loss, params or start(), data, np.random.default_rng(settings.pop("seed", 0)), **settings)


def test_it_finds_the_line():
    params, history = fit(steps=600)
    assert np.allclose(params.w[:, 0], [1, -2, 0.5], atol=1e-3)
    assert params.b == pytest.approx(3, abs=1e-3)
    assert history.loss.shape == history.norm.shape == history.rate.shape == (600,)
    assert history.loss[-1] < 1e-5 < history.loss[0]


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_same_seed_same_bits_and_dtype_stays(dtype):
    one, two = (fit(line_data(dtype=dtype), start(dtype), steps=40, batch=7) for _ in range(2))
    for a, b in zip((*one.params, *one.history), (*two.params, *two.history)):
        assert np.array_equal(a, b)
    assert one.params.w.dtype == dtype
    other = fit(line_data(dtype=dtype), start(dtype), steps=40, batch=7, seed=1)
    assert not np.array_equal(one.params.w, other.params.w)


def test_nothing_passed_in_is_changed():
    data, params = line_data(), start()
    copies = [a.copy() for a in (*data, *params)]
    for a in (*data, *params):
        a.setflags(write=False)
    fit(data, params)
    assert all(np.array_equal(a, b) for a, b in zip((*data, *params), copies))


def test_full_batch_gradient_descent_is_the_rule_new_weight_is_weight_minus_rate_times_gradient():
    data, params = line_data(8), start()
    found = fit(data, params, steps=5, batch=8, rate=0.1, optimiser=optim.sgd()).params
    for _ in range(5):
        _, d, _ = line_loss(params, data, None, None)
        params = Line(params.w - 0.1 * d.w, params.b - 0.1 * d.b)
    assert np.allclose(found.w, params.w, atol=1e-12)
    assert np.allclose(found.b, params.b, atol=1e-12)


def recorder(seen):
    def loss(params, batch, state, rng):
        seen.append((batch, state))
        return 1.0, Line(np.ones((3, 1)), np.ones(1)), (0 if state is None else state) + 1

    return loss


def test_every_sequence_is_seen_once_before_any_is_seen_twice_and_rows_stay_together():
    seen, n = [], np.arange(10.0)
    fit((n, 10 * n, None), loss=recorder(seen), steps=6, batch=4)
    sizes = [len(batch[0]) for batch, _ in seen]
    assert sizes == [4, 4, 2, 4, 4, 2]
    for k in (0, 3):
        assert sorted(np.concatenate([batch[0] for batch, _ in seen[k : k + 3]])) == n.tolist()
    assert all(np.array_equal(batch[1], 10 * batch[0]) and batch[2] is None for batch, _ in seen)
    assert all(state is None for _, state in seen)
    orders = [np.concatenate([batch[0] for batch, _ in seen[k : k + 3]]).tolist() for k in (0, 3)]
    assert orders[0] != orders[1]


def test_a_function_draws_fresh_batches_from_the_generator():
    seen = []
    fit(lambda rng: (rng.random(2),), loss=recorder(seen), steps=3)
    draws = np.random.default_rng(0).random(6).reshape(3, 2)
    assert all(np.array_equal(batch[0], draw) for (batch, _), draw in zip(seen, draws))


def test_a_window_cuts_time_and_carries_the_state_until_the_batch_ends():
    seen, x = [], np.arange(2 * 7 * 3).reshape(2, 7, 3)
    fit((x, x[:, :, 0]), loss=recorder(seen), steps=6, batch=2, window=3)
    assert [batch[0].shape[1] for batch, _ in seen] == [3, 3, 1, 3, 3, 1]
    assert [state for _, state in seen] == [None, 1, 2, None, 1, 2]
    whole = np.concatenate([batch[0] for batch, _ in seen[:3]], axis=1)
    assert np.array_equal(whole[np.argsort(whole[:, 0, 0])], x)
    assert all(np.array_equal(batch[1], batch[0][:, :, 0]) for batch, _ in seen)


def test_windows_add_up_to_truncated_backpropagation_through_time():
    """With rate 0 the pieces' gradients, summed, are those of `bptt.truncated_bptt` over the whole sequence."""
    rng = np.random.default_rng(0)
    cell = weights.init("lstm", 3, 4, rng, dtype=np.float64)
    x, target = rng.normal(size=(2, 10, 3)), rng.normal(size=(2, 10, 4))
    gradients = []

    def loss(cell, batch, state, rng):
        x, target = batch
        state = state or cells.LSTMState(np.zeros((2, 4)), np.zeros((2, 4)))
        h, state_T, caches = bptt.unroll(cells.lstm_step, x, state, cell)
        _, _, dcell = bptt.bptt(cells.lstm_step_backward, h - target, None, caches, cell)
        gradients.append(dcell)
        return 0.5 * np.square(h - target).sum(), dcell, state_T

    settings = {"steps": 4, "batch": 2, "window": 3, "rate": 0, "progress": False}
    train.fit(loss, cell, (x, target), np.random.default_rng(1), **settings)
    zeros = cells.LSTMState(np.zeros((2, 4)), np.zeros((2, 4)))
    h, _, caches = bptt.unroll(cells.lstm_step, x, zeros, cell)
    _, _, whole = bptt.truncated_bptt(cells.lstm_step_backward, h - target, None, caches, cell, window=3)
    for name in whole._fields:
        assert np.allclose(sum(getattr(g, name) for g in gradients), getattr(whole, name), atol=1e-12)


@pytest.mark.parametrize("lengths", [None, np.array([10, 2, 4, 9], np.uint64)])
def test_windows_over_a_mask_and_lengths_add_up_too(lengths):
    """Pieces in which nothing counts and sequences that end on the way: together they are the whole."""
    rng = np.random.default_rng(0)
    net = models.init("gru", 5, 4, 5, rng, embedding=3, dtype=np.float64)
    x = rng.integers(5, size=(4, 10))
    mask = np.zeros((4, 10), bool)
    mask[:, 6:] = rng.random((4, 4)) < 0.6
    mask[0, 9] = True
    mask[1, 1] = lengths is not None
    mask &= np.arange(10) < (10 if lengths is None else lengths[:, None])
    pieces = []

    def loss(net, batch, state, rng):
        value, dnet, state_T = models.tagger_loss(net, batch, state, rng)
        pieces.append((batch, state, value, dnet))
        return value, dnet, state_T

    settings = {"steps": 4, "batch": 4, "window": 3, "rate": 0, "progress": False}
    train.fit(loss, net, (x, x, mask, lengths), np.random.default_rng(1), **settings)
    counted = [int(batch[2].sum()) for batch, *_ in pieces]
    assert [batch[0].shape[1] for batch, *_ in pieces] == [3, 3, 3, 1]
    assert sum(counted) == mask.sum()
    assert 0 in counted
    assert counted[-1] > 0
    for count, (_, _, value, dnet) in zip(counted, pieces):
        norm = optim.global_norm(dnet)
        assert (value == 0 and norm == 0) if count == 0 else (value > 0 and norm > 0)
    total = sum(count * value for count, (_, _, value, _) in zip(counted, pieces))
    assert total / mask.sum() == pytest.approx(models.tagger_loss(net, (x, x, mask, lengths), None, None)[0])
    if lengths is not None:
        rows = [np.sort(batch[3]).tolist() for batch, *_ in pieces]
        assert rows == [[2, 3, 3, 3], [1, 3, 3], [3, 3], [1]]
    # The state carried to the last piece is that of the whole sequences.
    _, state, *_ = pieces[-1]
    going = np.arange(4) if lengths is None else np.flatnonzero(lengths > 9)
    _, whole, _ = models.many_to_many(x[going][:, :9], net)
    assert np.allclose(np.sort(state[0].forward.h, axis=0), np.sort(whole[0].forward.h, axis=0), atol=1e-12)


def test_clip_limits_the_update_and_the_history_keeps_the_norm_before():
    params, history = fit(steps=1, rate=1.0, clip=0.01, optimiser=optim.sgd())
    assert optim.global_norm(params) == pytest.approx(0.01)
    assert history.norm[0] > 1


def test_schedules_are_followed():
    assert fit(steps=4, rate=lambda step: 0.1 * step).history.rate == pytest.approx([0, 0.1, 0.2, 0.3])


def scores(values):
    """A score that plays a list, and remembers the parameters that it was shown."""
    shown, values = [], iter(values)

    def score(params):
        shown.append(params)
        return next(values)

    return score, shown


def test_the_best_parameters_are_returned_and_patience_ends_the_run():
    score, shown = scores([3.0, 1.0, 2.0, math.nan, 1.5, 0.0])
    found, history = fit(steps=100, score=score, every=10, patience=3)
    assert history.checked.tolist() == [10, 20, 30, 40, 50]
    assert history.score.tolist() == [3, 1, 2, math.inf, 1.5]
    assert len(history.loss) == 50
    assert found is shown[1]


def test_the_last_step_is_always_checked_and_a_target_ends_the_run():
    score, _ = scores([3.0, 2.0, 1.0])
    assert fit(steps=25, score=score, every=10).history.checked.tolist() == [10, 20, 25]
    score, shown = scores([3.0, 2.0, 1.0])
    found, history = fit(steps=100, score=score, every=10, target=2)
    assert history.checked.tolist() == [10, 20]
    assert found is shown[1]


def test_nan_in_a_loss_names_step_and_parameter_and_keeps_what_was_learned():
    calls = []

    def loss(params, batch, state, rng):
        value, dparams, state = line_loss(params, batch, state, rng)
        calls.append(params)
        if len(calls) == 8:
            return np.float64(np.nan), dparams._replace(b=np.full(1, np.nan)), state
        return value, dparams, state

    with pytest.raises(train.NotFinite, match=r"step 7: the loss is nan.*b") as info:
        fit(loss=loss)
    error = info.value
    assert (error.step, error.parameter) == (7, "b")
    assert error.fit.params is calls[6]
    assert len(error.fit.history.loss) == 7
    assert np.isfinite(line_loss(error.fit.params, line_data(), None, None)[0])


def test_a_rate_far_too_high_stops_with_the_parameters_that_still_worked():
    """Gradient descent that doubles its error until float32 overflows, without a NumPy warning on the way."""
    with pytest.raises(train.NotFinite) as info:
        fit(line_data(dtype=np.float32), start(np.float32), steps=10_000, rate=10.0, optimiser=optim.sgd())
    error = info.value
    assert error.step == len(error.fit.history.loss) > 3
    assert error.parameter in ("w", "b")
    assert all(np.isfinite(a).all() for a in error.fit.params)
    value, _, _ = line_loss(error.fit.params, line_data(dtype=np.float32), None, None)
    assert np.isfinite(value)


@pytest.mark.parametrize(("what", "message"), [("gradient", "the gradient of w"), ("update", "the update makes w")])
def test_a_broken_gradient_or_update_is_told_from_a_broken_loss(what, message):
    def loss(params, batch, state, rng):
        value, dparams, state = line_loss(params, batch, state, rng)
        return value, dparams._replace(w=np.full((3, 1), np.inf)) if what == "gradient" else dparams, state

    rate = 1e308 if what == "update" else 0.1
    params = start()._replace(w=np.full((3, 1), 1e3))
    with pytest.raises(train.NotFinite, match=f"step 0: {message}") as info:
        fit(params=params, loss=loss, rate=rate, optimiser=optim.sgd())
    assert info.value.fit.params is params


def test_a_loss_that_breaks_without_a_broken_gradient_names_the_largest_parameter():
    def loss(params, batch, state, rng):
        return np.inf, Line(np.ones((3, 1)), np.ones(1)), None

    with pytest.raises(train.NotFinite) as info:
        fit(loss=loss, params=Line(np.ones((3, 1)), np.full(1, -9.0)))
    assert info.value.parameter == "b"


def test_a_progress_bar_is_shown_when_asked_for(capsys):
    fit(steps=3, progress=True)
    assert "3/3" in capsys.readouterr().err
    fit(steps=3)
    assert capsys.readouterr().err == ""


def test_training_works_without_tqdm(monkeypatch):
    monkeypatch.setattr(train, "tqdm", None)
    assert len(fit(steps=3, progress=True).history.loss) == 3


def test_dropout_draws_from_the_generator_of_the_run():
    def loss(params, batch, state, rng):
        x, y = batch
        return line_loss(params, (layers.dropout(x, 0.5, rng)[0], y), state, rng)

    one, two = (fit(loss=loss, steps=20) for _ in range(2))
    assert np.array_equal(one.params.w, two.params.w)
    assert not np.array_equal(one.params.w, fit(steps=20).params.w)


X, Y = line_data()
BAD = {
    "rng: got int": lambda: train.fit(line_loss, start(), (X, Y), 0, steps=3),
    "steps: got 0": lambda: fit(steps=0),
    "batch: got 2.5": lambda: fit(batch=2.5),
    "window: got 0": lambda: fit(window=0),
    "clip: got -1": lambda: fit(clip=-1),
    "patience: got 0": lambda: fit(patience=0, score=lambda p: 0.0),
    "score: got None": lambda: fit(patience=3),
    "data: got list": lambda: fit([X, Y]),
    "data: got tuple": lambda: fit((None,)),
    "data: got arrays of shapes": lambda: fit((X, Y[:3])),
    r"data\[1\]: got NaN": lambda: fit((X, np.where(Y > 3, np.nan, Y))),
    "without a common time axis": lambda: fit((X, Y[:, 0]), window=2),
    r"data\[2\]: got no True at all": lambda: fit((X, Y, np.zeros(len(X), bool))),
    "lengths: got 3 to 3, wanted 1 to 2": lambda: fit(
        (np.zeros((4, 2, 1)), np.zeros((4, 2, 1)), None, np.full(4, 3)), window=1
    ),
    "rate: got -1": lambda: fit(rate=-1),
}


@pytest.mark.parametrize("message", BAD)
def test_bad_input_is_named(message):
    with pytest.raises(ValueError, match=message):
        BAD[message]()


def test_save_and_load_are_at_hand(tmp_path):
    params = fit().params
    train.save(tmp_path / "line.npz", params)
    found = tree_leaves(train.load(tmp_path / "line.npz", start()))
    assert all(np.array_equal(found[name], a) for name, a in tree_leaves(params).items())
