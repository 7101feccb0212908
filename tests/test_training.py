"""Training shows what papers show: gates carry a number and an order over a hundred steps, a plain RNN does not.

Adding problem and temporal order: Hochreiter and Schmidhuber 1997; Le, Jaitly and Hinton 2015. A
network has solved one when its score on fresh sequences falls below the figure named here.
"""

import functools

import numpy as np
import pytest

from course_pkg import baselines, encoder_decoder, layers, models, optim, tasks, train

pytestmark = pytest.mark.slow

T = 100
SETTINGS = {"steps": 2500, "rate": 0.005, "clip": 1.0, "every": 50, "progress": False}
# The LSTM starts ready to remember for up to T steps. From a forget bias of 1, a half-life of two steps, it
# solves the adding problem too, but fails on temporal order from some seeds.
START = {"lstm": {"longest": T}, "gru": {}, "rnn": {"recurrent": "glorot"}}


def adding_error(cell, seed):
    """The lowest mean squared error on 1000 fresh sequences; saying 1 each time scores 1/6."""
    rng = np.random.default_rng(seed)
    test = tasks.adding_problem(1000, T, rng)

    def error(params):
        y, _, _ = models.many_to_one(test.x, params)
        return np.square(y - test.y).mean()

    params = models.init(cell, 2, 32, 1, rng, **START[cell])
    found = train.fit(
        models.regressor_loss,
        params,
        lambda rng: tasks.adding_problem(32, T, rng).arrays,
        rng,
        score=error,
        target=0.005,
        **SETTINGS,
    )
    return error(found.params)


def order_error(cell, seed):
    """The lowest share of 500 fresh sequences told wrong; a guess scores 3/4."""
    rng = np.random.default_rng(seed)
    test = tasks.temporal_order(500, T, rng)

    def error(params):
        return 1 - models.accuracy(models.many_to_one(test.x, params)[0], test.y)

    params = models.init(cell, len(test.symbols), 32, len(test.classes), rng, embedding=8, **START[cell])
    found = train.fit(
        models.classifier_loss,
        params,
        lambda rng: tasks.temporal_order(32, T, rng).arrays,
        rng,
        score=error,
        target=0.005,
        **SETTINGS,
    )
    return error(found.params)


@pytest.mark.parametrize("seed", range(2))
@pytest.mark.parametrize("cell", ["lstm", "gru"])
def test_gates_solve_the_adding_problem(cell, seed):
    assert adding_error(cell, seed) < 0.01


@pytest.mark.parametrize("seed", range(1))
def test_a_plain_rnn_does_not_solve_the_adding_problem(seed):
    """It learns to say 1 and stays there."""
    assert adding_error("rnn", seed) > 0.15


@pytest.mark.parametrize("seed", range(2))
@pytest.mark.parametrize("cell", ["lstm", "gru"])
def test_gates_solve_temporal_order(cell, seed):
    assert order_error(cell, seed) < 0.01


@pytest.mark.parametrize("seed", range(1))
def test_a_plain_rnn_does_not_solve_temporal_order(seed):
    assert order_error("rnn", seed) > 0.6


@pytest.mark.parametrize("cell", ["lstm", "gru"])
def test_a_character_model_beats_counted_trigrams(cell):
    """Python's help text: 100,000 characters to learn from, the next 10,000 to be scored on, in nats each."""
    rng = np.random.default_rng(0)
    text = tasks.help_text(110_000)
    symbols = sorted(set(text))
    K, ids = len(symbols), tasks.encode(text, symbols)
    seen, fresh = ids[:100_000], ids[100_000:]
    trigrams = baselines.ngram_loss(baselines.ngram(seen, K), fresh)

    rows = len(seen) // 32
    x, y = seen[: 32 * rows].reshape(32, rows), np.roll(seen, -1)[: 32 * rows].reshape(32, rows)
    params = models.init(cell, K, 128, K, rng, embedding=32)
    found = train.fit(
        models.tagger_loss,
        params,
        (x, y),
        rng,
        steps=500,
        batch=32,
        window=50,
        rate=optim.cosine(0.01, 500, warmup=20),
        clip=1.0,
        progress=False,
    )
    scores, _, _ = models.many_to_many(fresh[None, :-1], found.params)
    loss, _ = layers.softmax_cross_entropy(scores, fresh[None, 1:])
    assert loss < trigrams - 0.3


@pytest.mark.parametrize("seed", range(2))
def test_attention_learns_to_translate_dates(seed):
    """Whole dates right, of 200 never seen; a fixed answer gets one in 73,049."""
    rng = np.random.default_rng(seed)
    data, fresh = tasks.dates(8000, rng), tasks.dates(200, rng)
    start, stop = data.classes.index("<"), data.classes.index(">")
    params = encoder_decoder.init("gru", len(data.symbols), len(data.classes), 16, 64, rng, bidirectional=True)
    found = train.fit(
        functools.partial(encoder_decoder.loss, start=start),
        params,
        data.arrays,
        rng,
        steps=200,
        batch=64,
        rate=optim.cosine(0.01, 200, warmup=20),
        clip=1.0,
        progress=False,
    )
    written, _ = encoder_decoder.greedy(fresh.x, found.params, start=start, stop=stop, steps=12, lengths=fresh.lengths)
    right = [np.array_equal(text, y[:-1]) for text, y in zip(written, fresh.y)]
    assert np.mean(right) > 0.95
