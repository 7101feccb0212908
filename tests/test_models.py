"""The networks: PyTorch's numbers and gradients from symbols to loss, sampling that draws what it says."""

import functools

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from references import assert_equal, assert_same, copies

from course_pkg import layers, models, tasks, train
from course_pkg.gradcheck import max_error, numerical_gradient
from course_pkg.stacks import LayerState
from course_pkg.trees import tree_leaves, tree_map

CELLS = ("rnn", "lstm", "gru")


def leaf(a):
    return torch.tensor(a, requires_grad=True)


def torch_run(p, x):
    """One cell over one sequence x (T, D), the equations written out; (T, H)."""
    H = p.W_hh.shape[1]
    h, c, out = torch.zeros(H, dtype=x.dtype), torch.zeros(H, dtype=x.dtype), []
    for x_t in x:
        a, u = p.W_ih @ x_t + p.b, p.W_hh @ h
        if len(p.W_ih) == H:
            h = torch.tanh(a + u)
        elif len(p.W_ih) == 4 * H:
            i, f, g, o = (a + u).chunk(4)
            c = f.sigmoid() * c + i.sigmoid() * g.tanh()
            h = o.sigmoid() * c.tanh()
        else:
            (a_r, a_z, a_n), (u_r, u_z, u_n) = a.chunk(3), u.chunk(3)
            r, z = (a_r + u_r).sigmoid(), (a_z + u_z).sigmoid()
            n = torch.tanh(a_n + r * (u_n + p.b_hn))
            h = (1 - z) * n + z * h
        out.append(h)
    return torch.stack(out)


def torch_out(stack, v):
    """A stack over one sequence v (T, D): (T, H) or (T, 2H)."""
    for layer in stack:
        u = v
        if layer.norm is not None:
            u = torch.nn.functional.layer_norm(u, u.shape[-1:], layer.norm.gain, layer.norm.bias)
        v = torch_run(layer.forward, u)
        if layer.reverse is not None:
            v = torch.cat([v, torch_run(layer.reverse, u.flip(0)).flip(0)], dim=1)
    return v


def torch_answers(params, x, lengths, one):
    """The answers of each sequence alone, cut at its true length, so that padding cannot matter."""
    answers = []
    for row, n in zip(x, lengths):
        v = torch.tensor(row[:n]) if params.embedding is None else params.embedding.table[torch.tensor(row[:n])]
        out = torch_out(params.stack, v)
        if one:
            H = len(out[0]) // 2 if params.stack[-1].reverse is not None else len(out[0])
            out = torch.cat([out[-1, :H], out[0, H:]])
        answers.append(out @ params.readout.W.T + params.readout.b)
    return answers


@given(
    cell=st.sampled_from(CELLS),
    sizes=st.tuples(*[st.integers(1, 4)] * 5),
    depth=st.integers(1, 2),
    flags=st.tuples(*[st.booleans()] * 4),
    seed=st.integers(0, 2**32 - 1),
)
def test_networks_are_torchs(cell, sizes, depth, flags, seed):
    """Outputs and every gradient, for symbols and numbers, one answer and many, padded, normed, both directions."""
    B, T, D, H, K = sizes
    symbols, both, norm, one = flags
    rng = np.random.default_rng(seed)
    params = models.init(
        *(cell, D, H, K, rng),
        embedding=3 if symbols else None,
        **{"depth": depth, "bidirectional": both, "norm": norm, "dtype": np.float64},
    )
    params = tree_map(lambda a: a + 0.3 * rng.normal(size=a.shape), params)
    x = rng.integers(D, size=(B, T)) if symbols else rng.normal(size=(B, T, D))
    lengths = rng.integers(1, T + 1, B)
    forward, backward = models.END if one else models.ALL
    y, _, tape = forward(x, params, lengths=lengths)
    dy = rng.normal(size=y.shape)
    if not one:
        dy[np.arange(T) >= lengths[:, None]] = 0  # what stands past the end is nobody's
    _, _, dparams = backward(dy, None, tape)
    theirs = tree_map(leaf, params)
    answers = torch_answers(theirs, x, lengths, one)
    for ours, answer, n in zip(y, answers, lengths):
        assert max_error(ours if one else ours[:n], answer.detach().numpy()) <= 1e-12
    total = sum((a * torch.tensor(d if one else d[:n])).sum() for a, d, n in zip(answers, dy, lengths))
    total.backward()
    gradient = tree_map(lambda t, a: np.zeros_like(a) if t.grad is None else t.grad.numpy(), theirs, params)
    assert_equal(dparams, gradient)


def network(cell="gru", **kwargs):
    settings = {"embedding": 5, "dtype": np.float64} | kwargs
    return models.init(cell, 6, 4, 6, np.random.default_rng(0), **settings)


@pytest.mark.parametrize("cell", CELLS)
def test_gradients_at_the_input_and_the_state(cell):
    """By finite differences: what chapters draw over the words is the gradient at the embedded symbols."""
    params = network(cell, embedding=None)
    rng = np.random.default_rng(1)
    x, dy = rng.normal(size=(2, 3, 6)), rng.normal(size=(2, 3, 6))
    _, state, _ = models.many_to_many(x, params)
    state = tree_map(lambda a: rng.normal(size=a.shape), state)
    _, _, tape = models.many_to_many(x, params, state)
    dx, dstate, _ = models.many_to_many_backward(dy, None, tape)
    assert max_error(dx, numerical_gradient(lambda x: (models.many_to_many(x, params, state)[0] * dy).sum(), x)) < 1e-8
    numeric = numerical_gradient(lambda s: (models.many_to_many(x, params, s)[0] * dy).sum(), state)
    assert_equal(dstate, numeric, 1e-8)


@pytest.mark.parametrize("cell", CELLS)
def test_reading_in_pieces_with_the_state_carried_is_reading_at_once(cell):
    params = network(cell, depth=2)
    x = np.random.default_rng(1).integers(6, size=(3, 9))
    whole, state, _ = models.many_to_many(x, params)
    first, carried, _ = models.many_to_many(x[:, :4], params)
    second, last, _ = models.many_to_many(x[:, 4:], params, carried)
    assert max_error(np.concatenate([first, second], axis=1), whole) <= 1e-12
    assert_equal(last, state)


LOSSES = {
    "classifier": (models.classifier_loss, lambda: tasks.reviews(6, np.random.default_rng(0), sentences=2), 2),
    "tagger": (models.tagger_loss, lambda: tasks.tagged_sentences(6, np.random.default_rng(0)), 3),
    "regressor": (models.regressor_loss, lambda: tasks.adding_problem(6, 8, np.random.default_rng(0)), 1),
    "forecaster": (models.forecaster_loss, lambda: tasks.arma(6, 8, np.random.default_rng(0)), 1),
}


@pytest.mark.parametrize("name", LOSSES)
def test_losses_fall_along_their_gradient_and_keep_float32(name):
    loss, draw, K = LOSSES[name]
    data, rng = draw(), np.random.default_rng(0)
    symbols = data.x.ndim == 2
    inputs = len(data.symbols) if symbols else data.x.shape[2]
    params = models.init("lstm", inputs, 5, K, rng, embedding=4 if symbols else None)
    before = copies(params)
    value, dparams, _ = loss(params, data.arrays, None, rng)
    assert_same(params, before)
    assert {a.dtype for a in tree_leaves(dparams).values()} == {np.dtype(np.float32)}
    squared = sum(float(np.square(d).sum()) for d in tree_leaves(dparams).values())
    small = 1e-3 / squared**0.5
    moved = tree_map(lambda p, d: p - small * d, params, dparams)
    assert value - loss(moved, data.arrays, None, rng)[0] == pytest.approx(small * squared, rel=0.1)


def test_padding_does_not_touch_a_loss():
    data, rng = tasks.tagged_sentences(8, np.random.default_rng(0)), np.random.default_rng(0)
    params = models.init("gru", len(data.symbols), 5, 3, rng, embedding=4, bidirectional=True, dtype=np.float64)
    value, dparams, _ = models.tagger_loss(params, data.arrays, None, rng)
    past = np.arange(data.x.shape[1]) >= data.lengths[:, None]
    x, y = np.where(past, 7, data.x), np.where(past, 99, data.y)
    again, dagain, _ = models.tagger_loss(params, (x, y, data.mask, data.lengths), None, rng)
    assert value == again
    assert_same(dparams, dagain)


def test_dropout_is_for_training_only_and_follows_the_generator():
    params, x = network(depth=2), np.random.default_rng(1).integers(6, size=(3, 9))
    y = np.random.default_rng(2).integers(6, size=(3, 9))
    plain = models.many_to_many(x, params)[0]
    assert np.array_equal(plain, models.many_to_many(x, params)[0])
    values = [models.tagger_loss(params, (x, y), None, np.random.default_rng(s), dropout=0.5)[0] for s in (0, 0, 1)]
    assert values[0] == values[1] != values[2]


def test_training_a_network_repeats_itself_to_the_bit():
    data = tasks.tagged_sentences(50, np.random.default_rng(0))
    loss = functools.partial(models.tagger_loss, dropout=0.3)

    def trained():
        rng = np.random.default_rng(1)
        params = models.init("lstm", len(data.symbols), 8, 3, rng, embedding=4, depth=2, bidirectional=True)
        return train.fit(loss, params, data.arrays, rng, steps=15, batch=8, clip=1.0, progress=False)

    one, two = trained(), trained()
    assert_same(one.params, two.params)
    assert np.array_equal(one.history.loss, two.history.loss)


def test_accuracy_counts_where_the_mask_is_true():
    scores = np.array([[[2.0, 1], [0, 1], [1, 0]]])
    assert models.accuracy(scores, np.array([[0, 1, 1]])) == pytest.approx(2 / 3)
    assert models.accuracy(scores, np.array([[0, 1, 9]]), np.array([[True, True, False]])) == 1


def test_forecast_feeds_its_outputs_back():
    """The slow way: read everything again from the start after each new number."""
    params = models.init("lstm", 2, 4, 2, np.random.default_rng(0), dtype=np.float64)
    x = np.random.default_rng(1).normal(size=(3, 6, 2))
    known = x
    for _ in range(4):
        y, _, _ = models.many_to_many(known, params)
        known = np.concatenate([known, y[:, -1:]], axis=1)
    assert max_error(models.forecast(x, params, 4), known[:, 6:]) <= 1e-12


def test_sampling_cold_is_taking_the_most_likely_each_time():
    params, prompt = network(), np.array([[1, 2, 3], [4, 4, 0]])
    texts = models.sample(prompt, params, 7, np.random.default_rng(0), temperature=0)
    known = prompt
    for _ in range(7):
        y, _, _ = models.many_to_many(known, params)
        known = np.concatenate([known, y[:, -1].argmax(axis=1)[:, None]], axis=1)
    assert np.array_equal(texts, known[:, 3:])
    near = models.sample(prompt, params, 7, np.random.default_rng(0), temperature=1e-6)
    assert np.array_equal(near, known[:, 3:])
    assert np.array_equal(models.sample(prompt, params, 7, np.random.default_rng(0), top_k=1), known[:, 3:])


def test_sampling_ends_before_the_stop_and_repeats_with_the_seed():
    params, prompt = network(), np.tile([[1, 2]], (50, 1))
    free = models.sample(prompt, params, 12, np.random.default_rng(0))
    texts = models.sample(prompt, params, 12, np.random.default_rng(0), stop=3)
    for text, whole in zip(texts, free):
        ends = [*np.flatnonzero(whole == 3), 12]
        assert text.tolist() == whole[: ends[0]].tolist()
    assert all(np.array_equal(a, b) for a, b in zip(free, models.sample(prompt, params, 12, np.random.default_rng(0))))


@pytest.mark.parametrize("symbol", range(6))
def test_without_a_stop_no_symbol_ends_a_text(symbol):
    """A network that says one and the same symbol, whichever it is, says it to the end; as a stop it ends at once."""
    params = network()
    b = np.zeros_like(params.readout.b)
    b[symbol] = 1000
    params = params._replace(readout=params.readout._replace(b=b))
    prompt = np.zeros((3, 2), int)
    texts = models.sample(prompt, params, 5, np.random.default_rng(0))
    assert [text.tolist() for text in texts] == [[symbol] * 5] * 3
    assert [len(t) for t in models.sample(prompt, params, 5, np.random.default_rng(0), stop=symbol)] == [0, 0, 0]


@pytest.mark.parametrize("temperature", [0.5, 1.0, 3.0])
@pytest.mark.parametrize("top_k", [None, 2])
def test_draws_have_the_probabilities_of_the_softmax(temperature, top_k):
    scores = np.array([1.0, -0.5, 2.0, 0.3])
    n = 40_000
    drawn = models.draw(np.tile(scores, (n, 1)), np.random.default_rng(0), temperature=temperature, top_k=top_k)
    weights = np.exp(scores / temperature)
    if top_k:
        weights[[1, 3]] = 0
    share = np.bincount(drawn, minlength=4) / n
    assert np.allclose(share, weights / weights.sum(), atol=4 * 0.5 / n**0.5)
    assert np.all(share[weights == 0] == 0)


@pytest.mark.parametrize("cell", CELLS)
def test_starting_values_have_the_shapes_asked_for(cell):
    params = models.init(cell, 7, 4, 3, np.random.default_rng(0), embedding=5, depth=2, bidirectional=True, norm=True)
    assert params.embedding.table.shape == (7, 5)
    assert params.readout.W.shape == (3, 8)
    assert len(params.stack) == 2
    assert [layer.forward.W_ih.shape[1] for layer in params.stack] == [5, 8]
    assert [layer.norm.gain.shape for layer in params.stack] == [(5,), (8,)]
    assert {a.dtype for a in tree_leaves(params).values()} == {np.dtype(np.float32)}


N, IDS = network(), np.zeros((2, 3), int)
RNG = np.random.default_rng(0)
BAD = {
    "x: got values from 6": lambda: models.many_to_many(np.full((2, 3), 6), N),
    "x: got shape": lambda: models.many_to_one(np.zeros(3, int), N),
    "x: got dtype float64": lambda: models.many_to_many(np.zeros((2, 3)), N),
    "x: got dtype float32": lambda: models.many_to_many(np.zeros((2, 3, 6), np.float32), network(embedding=None)),
    "lengths": lambda: models.many_to_one(IDS, N, lengths=np.array([3, 4])),
    "dy": lambda: models.many_to_many_backward(np.zeros((2, 3, 5)), None, models.many_to_many(IDS, N)[2]),
    "targets": lambda: models.tagger_loss(N, (IDS, IDS[:, :2]), None, RNG),
    "target: got": lambda: models.forecaster_loss(N, (IDS, np.zeros((2, 3, 1))), None, RNG),
    "y: got shape": lambda: models.accuracy(np.zeros((2, 3, 4)), np.zeros(2, int)),
    "steps: got 0": lambda: models.sample(IDS, N, 0, RNG),
    "temperature: got -1": lambda: models.sample(IDS, N, 3, RNG, temperature=-1),
    "top_k: got 7": lambda: models.sample(IDS, N, 3, RNG, top_k=7),
    "rng: got int": lambda: models.sample(IDS, N, 3, 1),
    "params.stack: got two directions": lambda: models.sample(IDS, network(bidirectional=True), 3, RNG),
    "params.readout: got 6 outputs": lambda: models.forecast(
        np.zeros((2, 3, 2)), models.init("rnn", 2, 4, 6, RNG, dtype=np.float64), 3
    ),
    "depth: got 0": lambda: models.init("lstm", 6, 4, 6, RNG, depth=0),
    "embedding: got 0": lambda: models.init("lstm", 6, 4, 6, RNG, embedding=0),
    "cell: got 'xlstm'": lambda: models.init("xlstm", 6, 4, 6, RNG),
    "^rng: got int": lambda: models.init("lstm", 6, 4, 6, 0, embedding=3),
    "dtype: got int64": lambda: models.init("lstm", 6, 4, 6, RNG, dtype=int),
    "dtype: got 'half a float'": lambda: models.init("lstm", 6, 4, 6, RNG, dtype="half a float"),
    "batch: got a mask in its third place": lambda: models.classifier_loss(
        N, (IDS, np.zeros(2, int), np.array([1, 3])), None, RNG
    ),
    "batch: got a mask in its third place, wanted None": lambda: models.regressor_loss(
        N, (IDS, np.zeros((2, 6)), np.ones(2, bool)), None, RNG
    ),
    "batch: got 5 parts": lambda: models.tagger_loss(N, (IDS, IDS, None, None, None), None, RNG),
    "batch: got ndarray": lambda: models.tagger_loss(N, IDS, None, RNG),
    "mask: got dtype int64": lambda: models.tagger_loss(N, (IDS, IDS, np.zeros((2, 3), int)), None, RNG),
    "mask: got shape": lambda: models.tagger_loss(N, (IDS, IDS, np.zeros((2, 2), bool)), None, RNG),
    "x: got a masked array": lambda: models.many_to_many(np.ma.masked_equal(IDS, 1), N),
    "lengths: got a masked array": lambda: models.many_to_many(IDS, N, lengths=np.ma.array([3, 2])),
    "lengths: got 0 to 3": lambda: models.many_to_one(IDS, N, lengths=[0, 3]),
    "scores: got a row whose highest is nan": lambda: models.draw(np.array([[1.0, 2], [0, np.nan]]), RNG),
    "scores: got a row whose highest is inf": lambda: models.draw(np.array([[1.0, np.inf]]), RNG),
    "scores: got a row whose highest is -inf": lambda: models.draw(np.full((1, 3), -np.inf), RNG, temperature=0),
}


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("temperature", [1e-30, 1e-40, 5e-324])
def test_a_tiny_temperature_takes_the_likeliest(dtype, temperature):
    scores = np.array([[1.0, 3, 2], [-5, -7, -np.inf]], dtype)
    assert models.draw(scores, np.random.default_rng(0), temperature=temperature).tolist() == [1, 0]


def test_where_nothing_counts_loss_and_gradient_are_zero_and_the_state_goes_on():
    nothing = np.zeros((2, 3), bool)
    value, dparams, state = models.tagger_loss(N, (IDS, IDS, nothing), None, None)
    assert value == 0
    assert all(not a.any() for a in tree_leaves(dparams).values())
    assert_same(state, models.many_to_many(IDS, N)[1])
    numbers = models.init("rnn", 2, 3, 1, RNG)
    x = np.ones((2, 3, 2), np.float32)
    value, dparams, _ = models.forecaster_loss(numbers, (x, x[:, :, :1], nothing), None, None)
    assert (value, value.dtype) == (0, np.float32)
    assert tree_map(np.shape, dparams) == tree_map(np.shape, numbers)


@pytest.mark.parametrize("kind", ["u1", "u8", "i1", "i8"])
def test_integers_of_every_kind_are_the_same_integers(kind):
    """An unsigned and a signed integer of 64 bits make a float in NumPy."""
    net = network(depth=2, bidirectional=True)
    ids, y, lengths = np.arange(6).reshape(2, 3), np.array([0, 1]), np.array([3, 2])
    want = models.classifier_loss(net, (ids, y, None, lengths), None, None)[:2]
    kinds = [a.astype(kind) for a in (ids, y, lengths)]
    assert_same(models.classifier_loss(net, (kinds[0], kinds[1], None, kinds[2]), None, None)[:2], want)


@pytest.mark.parametrize("message", BAD)
def test_bad_input_is_named(message):
    with pytest.raises(ValueError, match=message):
        BAD[message]()


def test_a_tape_can_be_used_twice_after_its_outputs_were_overwritten():
    params = network(depth=2)
    y, state, tape = models.many_to_many(IDS, params)
    first = copies(models.many_to_many_backward(np.ones_like(y), None, tape))
    y[:] = np.nan
    tree_map(lambda a: a.fill(np.nan), state)
    tree_map(lambda a: a.fill(np.nan), models.many_to_many_backward(np.ones_like(y), None, tape))
    assert_same(models.many_to_many_backward(np.ones_like(y), None, tape), first)
    assert isinstance(state[0], LayerState)
    assert isinstance(first[2].readout, layers.LinearParams)
