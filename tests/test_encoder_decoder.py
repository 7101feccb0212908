"""The encoder-decoder: gradients by finite differences and autograd's own, greedy and beam that find what is there."""

import functools
import itertools

import numpy as np
import pytest
from references import assert_equal, assert_same

from course_pkg import encoder_decoder as ed
from course_pkg import optim, tasks
from course_pkg.gradcheck import max_error, numerical_gradient
from course_pkg.trees import tree_leaves, tree_map

START, STOP = 0, 1


def network(cell="gru", K=5, **kwargs):
    params = ed.init(cell, 6, K, 3, 4, np.random.default_rng(0), dtype=np.float64, **kwargs)
    rng = np.random.default_rng(1)
    return tree_map(lambda a: a + 0.5 * rng.normal(size=a.shape), params)


def batch():
    rng = np.random.default_rng(2)
    x, y = rng.integers(6, size=(3, 5)), rng.integers(5, size=(3, 4))
    return x, y, np.array([[1, 1, 1, 1], [1, 1, 0, 0], [1, 1, 1, 0]], bool), np.array([5, 2, 4])


@pytest.mark.parametrize("attend", [True, False])
@pytest.mark.parametrize(("cell", "both", "depth"), [("rnn", False, 1), ("lstm", True, 1), ("gru", True, 2)])
def test_gradients_by_finite_differences(cell, both, depth, attend):
    params = network(cell, bidirectional=both, depth=depth, attend=attend)
    loss = functools.partial(ed.loss, start=START)
    _, dparams, _ = loss(params, batch(), None, None)
    numeric = numerical_gradient(lambda p: loss(p, batch(), None, None)[0], params)
    assert_equal(dparams, numeric, 1e-8)


@pytest.mark.parametrize("attend", [True, False])
def test_padding_of_source_and_target_changes_nothing(attend):
    params, (x, y, mask, lengths) = network(bidirectional=True, attend=attend), batch()
    value, dparams, _ = ed.loss(params, (x, y, mask, lengths), None, None, start=START)
    x = np.where(np.arange(5) < lengths[:, None], x, 5)
    again, dagain, _ = ed.loss(params, (x, np.where(mask, y, -7), mask, lengths), None, None, start=START)
    assert value == again
    assert_same(dparams, dagain)


def test_teacher_forcing_scores_are_those_of_writing_step_by_step():
    params, (x, y, _, lengths) = network(), batch()
    given = np.concatenate([np.full((3, 1), START), y[:, :-1]], axis=1)
    scores, _ = ed.translate(x, given, params, lengths=lengths)
    memory, _ = ed.encode(x, params, lengths=lengths)
    state, slow = memory.state, []
    for u in range(4):
        now, state, _ = ed.decode(given[:, u : u + 1], state, memory, params)
        slow.append(now)
    assert max_error(np.concatenate(slow, axis=1), scores) <= 1e-12


def log_probability(params, x, symbols):
    """Of one target, by teacher forcing."""
    given = np.array([[START, *symbols[:-1]]])
    scores, _ = ed.translate(x[None], given, params)
    p = scores[0] - np.log(np.exp(scores[0]).sum(axis=1, keepdims=True))
    return sum(p[u, k] for u, k in enumerate(symbols))


@pytest.mark.parametrize("attend", [True, False])
def test_greedy_takes_the_likeliest_symbol_and_ends_at_the_stop(attend):
    params, (x, _, _, lengths) = network(attend=attend), batch()
    texts, weights = ed.greedy(x, params, start=START, stop=STOP, steps=6, lengths=lengths)
    written = max(min(len(text) + 1, 6) for text in texts)
    if attend:
        assert weights.shape == (3, written, 5)
        assert np.allclose(weights.sum(axis=2), 1)
        assert np.all(weights[1, :, 2:] == 0)
    else:
        assert weights is None
    for text, row, n in zip(texts, x, lengths):
        alone, _ = ed.greedy(row[None, :n], params, start=START, stop=STOP, steps=6)
        assert text.tolist() == alone[0].tolist()
        assert STOP not in text
        for u in range(len(text)):
            options = [log_probability(params, row[:n], (*text[:u], k)) for k in range(5)]
            assert np.argmax(options) == text[u]


@pytest.mark.parametrize("seed", range(5))
def test_a_beam_wide_enough_finds_the_best_of_all_targets(seed):
    """All targets of up to three symbols from K = 4, scored one by one, against the beam that keeps them all."""
    params = tree_map(lambda a: a + np.random.default_rng(seed).normal(size=a.shape), network(K=4))
    x = batch()[0][0]
    ended = [(*t, STOP) for n in range(3) for t in itertools.product((0, 2, 3), repeat=n)]
    cut = list(itertools.product((0, 2, 3), repeat=3))
    everything = sorted(((log_probability(params, x, t), t) for t in ended + cut), reverse=True)
    found = ed.beam(x, params, 4**3, start=START, stop=STOP, steps=3)
    assert len(found) == len(everything)
    for h, (log_p, symbols) in zip(found, everything):
        assert h.log_probability == pytest.approx(log_p, abs=1e-10)
        assert h.symbols == tuple(k for k in symbols if k != STOP)
    best = ed.beam(x, params, 3, start=START, stop=STOP, steps=3)
    assert len(best) == 3
    assert best[0].log_probability <= found[0].log_probability + 1e-10
    for h in best:
        whole = h.symbols if len(h.symbols) == 3 else (*h.symbols, STOP)
        assert h.log_probability == pytest.approx(log_probability(params, x, whole), abs=1e-10)


@pytest.mark.parametrize("seed", range(5))
def test_a_beam_of_one_is_greedy(seed):
    params = tree_map(lambda a: a + np.random.default_rng(seed).normal(size=a.shape), network())
    for row in batch()[0]:
        texts, _ = ed.greedy(row[None], params, start=START, stop=STOP, steps=6)
        assert ed.beam(row, params, 1, start=START, stop=STOP, steps=6)[0].symbols == tuple(texts[0])


def written_out(x, params, width, steps):
    """Beam search by its definition: every beginning scored afresh, and no early end."""
    alive, done = [((), 0.0)], []
    for _ in range(steps):
        grown = []
        for symbols, log_p in alive:
            scores, _ = ed.translate(x[None], np.array([[START, *symbols]]), params)
            last = scores[0, -1] - scores[0, -1].max()
            grown += [((*symbols, k), log_p + p) for k, p in enumerate(last - np.log(np.exp(last).sum()))]
        grown = sorted(grown, key=lambda g: -g[1])[:width]
        done += [g for g in grown if g[0][-1] == STOP]
        alive = [g for g in grown if g[0][-1] != STOP]
    return sorted(done + alive, key=lambda g: -g[1])[:width]


def test_a_beam_ends_early_only_when_nothing_better_can_come():
    """Small drawn networks with sharp opinions; ending when the first target is done is wrong in 1 of 15 of them."""
    for seed in range(60):
        rng = np.random.default_rng(seed)
        K, steps, width = int(rng.integers(3, 6)), int(rng.integers(2, 6)), int(rng.integers(1, 5))
        params = ed.init("gru", 5, K, 3, 4, rng, dtype=np.float64)
        sharpen = float(rng.uniform(1, 5))
        params, x = tree_map(lambda a, by=sharpen: a * by, params), rng.integers(5, size=4)
        found, want = (
            ed.beam(x, params, width, start=START, stop=STOP, steps=steps),
            written_out(x, params, width, steps),
        )
        assert [h.log_probability for h in found] == pytest.approx([log_p for _, log_p in want], abs=1e-9), seed
        assert [h.symbols for h in found] == [tuple(k for k in symbols if k != STOP) for symbols, _ in want]


def test_dates_fit_the_network_and_float32_stays():
    data = tasks.dates(5, np.random.default_rng(0))
    params = ed.init("lstm", len(data.symbols), len(data.classes), 4, 6, np.random.default_rng(0), bidirectional=True)
    loss = functools.partial(ed.loss, start=data.classes.index("<"))
    value, dparams, _ = loss(params, data.arrays, None, None)
    assert value == pytest.approx(np.log(len(data.classes)), rel=0.5)
    assert {a.dtype for a in tree_leaves(dparams).values()} == {np.dtype(np.float32)}


@pytest.mark.parametrize("kind", ["u1", "u8", "i2"])
def test_integers_of_every_kind_are_the_same_integers(kind):
    x, y = batch()[:2]
    want, dwant, _ = ed.loss(network(), (x, y), None, None, start=START)
    got, dgot, _ = ed.loss(network(), (x.astype(kind), y.astype(kind)), None, None, start=START)
    assert got == want
    assert optim.global_norm(dgot) == optim.global_norm(dwant)


BAD = {
    "V: got 0": lambda: ed.init("gru", 0, 5, 3, 4, np.random.default_rng(0)),
    "ids: got values": lambda: ed.encode(np.full((2, 3), 6), network()),
    "y: got values": lambda: ed.loss(network(), (batch()[0], batch()[1] + 3), None, None, start=START),
    "mask: got shape": lambda: ed.loss(network(), (*batch()[:2], np.ones((3, 3), bool)), None, None, start=START),
    "steps: got 0": lambda: ed.greedy(batch()[0], network(), start=START, stop=STOP, steps=0),
    "rng: got int": lambda: ed.init("gru", 4, 5, 3, 4, 0),
    "dtype: got int64": lambda: ed.init("gru", 4, 5, 3, 4, np.random.default_rng(0), dtype=int),
    "batch: got 1 parts": lambda: ed.loss(network(), batch()[:1], None, None, start=START),
    "width: got 0": lambda: ed.beam(batch()[0][0], network(), 0, start=START, stop=STOP, steps=3),
}


@pytest.mark.parametrize("message", BAD)
def test_bad_input_is_named(message):
    with pytest.raises(ValueError, match=message):
        BAD[message]()
