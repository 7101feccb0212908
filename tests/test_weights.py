"""Starting values as their papers give them, counts that can be counted, and weights to and from other libraries."""

import numpy as np
import pytest
import torch
from hypothesis import assume, given
from hypothesis import strategies as st
from references import SEEDS, VARIANTS, assert_equal, assert_same, draw_case, draw_params

from course_pkg import cells, encoder_decoder, fused, interchange, models, tasks, weights
from course_pkg.cells import LSTMParams
from course_pkg.stacks import LayerParams, stack
from course_pkg.trees import tree_leaves

CELLS = [cell.name for cell in cells.CELLS]
SIZE = st.integers(1, 6)
FUSED = {"rnn": fused.rnn, "lstm": fused.lstm, "gru": fused.gru}
NETS = {"rnn": torch.nn.RNN, "lstm": torch.nn.LSTM, "gru": torch.nn.GRU}


def rng(seed=0):
    return np.random.default_rng(seed)


@given(n=SIZE, seed=SEEDS)
def test_orthogonal_keeps_every_length(n, seed):
    q = weights.orthogonal(n, rng(seed), dtype=np.float64)
    assert_equal(q @ q.T, np.eye(n))


def test_orthogonal_is_uniform():
    """Its entries have mean 0 and variance 1/n; without the sign fix the diagonal would lean to one side."""
    q = np.stack([weights.orthogonal(4, rng(seed), dtype=np.float64) for seed in range(2000)])
    assert np.abs(q.mean(axis=0)).max() < 0.05
    assert np.abs(q.var(axis=0) - 1 / 4).max() < 0.03


def test_glorot_and_he_have_the_spread_of_their_papers():
    g = weights.glorot((300, 100), rng(), dtype=np.float64)
    assert np.abs(g).max() <= np.sqrt(6 / 400)
    assert g.var() == pytest.approx(2 / 400, rel=0.03)
    assert weights.he((300, 100), rng(), dtype=np.float64).var() == pytest.approx(2 / 100, rel=0.03)


def test_he_keeps_the_size_of_a_relu_layer():
    """What it is for: mean square out equals mean square in, through relu, at any width."""
    x = rng(1).normal(size=(500, 2000))
    y = np.maximum(x @ weights.he((500, 2000), rng(), dtype=np.float64).T, 0)
    assert (y**2).mean() == pytest.approx(1.0, rel=0.05)


@given(n=SIZE, seed=SEEDS, radius=st.floats(0.1, 10), dtype=st.sampled_from([np.float32, np.float64]))
def test_scaling_to_a_radius_reaches_it_and_changes_nothing_else(n, seed, radius, dtype):
    W = rng(seed).normal(size=(n, n)).astype(dtype)
    assume(weights.spectral_radius(W) > 0.1)
    scaled = weights.scale_to_radius(W, radius)
    assert scaled.dtype == dtype
    assert weights.spectral_radius(scaled) == pytest.approx(radius, rel=1e-3 if dtype == np.float32 else 1e-9)
    k = np.unravel_index(np.abs(W).argmax(), W.shape)
    assert_equal(scaled / scaled[k], W / W[k], 1e-6)


def test_the_radius_is_that_of_known_matrices():
    """A rotation has complex eigenvalues of size 1; a matrix that only hands on has none but 0."""
    turn = np.array([[0.6, -0.8], [0.8, 0.6]])
    assert weights.spectral_radius(turn) == pytest.approx(1)
    assert weights.spectral_radius(np.diag([2.0, -3.0])) == pytest.approx(3)
    assert weights.spectral_radius(np.diag([5.0, 5.0], 1)) == 0


def test_chrono_biases_spread_over_the_times():
    """exp(bias) is uniform in 1..longest-1, and a gate with bias log(k) forgets 1 / (k + 1) a step."""
    b = weights.chrono(20000, 100, rng(), dtype=np.float64)
    k = np.exp(b)
    assert 1 <= k.min() < 1.1
    assert 98.9 < k.max() <= 99
    assert k.mean() == pytest.approx(50, rel=0.02)
    keeps = 1 / (1 + np.exp(-b))
    assert_equal(1 - keeps, 1 / (k + 1))


def test_chrono_start_goes_to_the_gates_that_keep():
    lstm = weights.init("lstm", 3, 50, rng(), longest=100, dtype=np.float64)
    b_i, b_f, b_g, b_o = np.split(lstm.b, 4)
    assert (b_f >= 0).all()
    assert b_f.max() > 3
    assert_same(b_i, -b_f)
    assert not b_g.any()
    assert not b_o.any()
    b_r, b_z, b_n = np.split(weights.init("gru", 3, 50, rng(), longest=100, dtype=np.float64).b, 3)
    assert b_z.max() > 3
    assert not b_r.any()
    assert not b_n.any()


@pytest.mark.parametrize("cell", CELLS)
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@given(D=SIZE, H=SIZE, seed=SEEDS)
def test_init_is_what_it_says(cell, dtype, D, H, seed):
    start = {"forget_bias": 1.5} if cell == "lstm" else {}
    p = weights.init(cell, D, H, rng(seed), dtype=dtype, **start)
    assert all(a.dtype == dtype for a in p)
    for W in np.split(p.W_hh, len(cells.by_name(cell).gates)):
        assert_equal(W @ W.T, np.eye(H, dtype=dtype), 1e-5 if dtype == np.float32 else 1e-12)
    assert np.abs(p.W_ih).max() <= np.sqrt(6 / (D + H))
    forget = p.b.reshape(-1, H)[1] if cell == "lstm" else np.zeros(0)
    assert (forget == 1.5).all()
    assert p.b.sum() == pytest.approx(forget.sum())
    assert_same(p, weights.init(cell, D, H, rng(seed), dtype=dtype, **start))


def test_identity_start_passes_the_state_on():
    p = weights.init("rnn", 2, 3, rng(), recurrent="identity", dtype=np.float64)
    assert_same(p.W_hh, np.eye(3))
    he = weights.init("rnn", 2, 300, rng(), input_weights="he", recurrent="he", dtype=np.float64)
    assert he.W_hh.var() == pytest.approx(2 / 300, rel=0.05)
    assert he.W_ih.var() == pytest.approx(2 / 2, rel=0.2)


@pytest.mark.parametrize("cell", CELLS)
@given(D=SIZE, H=SIZE, depth=st.integers(1, 3), both=st.booleans(), norm=st.booleans())
def test_init_stack_runs_and_is_counted(cell, D, H, depth, both, norm):
    net = weights.init_stack(cell, D, H, rng(), depth=depth, bidirectional=both, norm=norm, dtype=np.float64)
    out, _, _ = stack(rng(1).normal(size=(2, 3, D)), None, net)
    assert out.shape == (2, 3, H * (1 + both))
    widths = [D] + [H * (1 + both)] * (depth - 1)
    by_formula = sum((1 + both) * weights.cell_count(cell, width, H) + 2 * norm * width for width in widths)
    assert weights.count(net) == by_formula
    assert weights.nbytes(net) == 8 * by_formula
    assert len({a.tobytes() for name, a in tree_leaves(net).items() if name.endswith("W_hh") and H > 1}) == (
        depth * (1 + both) * (H > 1)
    )  # every matrix is a new draw


@pytest.mark.parametrize("cell", CELLS)
@given(D=SIZE, H=SIZE, depth=st.integers(1, 3), both=st.booleans())
def test_torch_count_is_what_torch_has(cell, D, H, depth, both):
    net = NETS[cell](D, H, depth, bidirectional=both)
    assert weights.torch_count(cell, D, H, depth=depth, bidirectional=both) == sum(p.numel() for p in net.parameters())


@pytest.mark.parametrize("cell", CELLS)
@given(D=st.integers(1, 300), budget=st.integers(1, 10**6))
def test_width_for_is_the_largest_that_fits(cell, D, budget):
    assume(budget >= weights.cell_count(cell, D, 1))
    H = weights.width_for(cell, D, budget)
    assert weights.cell_count(cell, D, H) <= budget < weights.cell_count(cell, D, H + 1)


@pytest.mark.parametrize("variant", VARIANTS)
@given(sizes=st.tuples(SIZE, SIZE, SIZE, SIZE), dtype=st.sampled_from([np.float32, np.float64]))
def test_what_a_forward_pass_keeps_is_what_the_formula_says(variant, sizes, dtype):
    cell, options = VARIANTS[variant]
    case = draw_case(cell, sizes, 0, dtype)
    tape = FUSED[cell](case.x, case.state, case.params, **options)[2]
    reset = {"reset": options["reset"]} if "reset" in options else {}
    assert weights.nbytes(tape) == weights.kept_count(cell, *sizes, **reset) * np.dtype(dtype).itemsize


def test_nbytes_counts_shared_memory_once():
    a = np.zeros(10)
    assert weights.nbytes([a, (a[2:], a.reshape(2, 5)), None, "text", np.zeros(3, np.float32)]) == 80 + 12


def bits(tree):
    return {name: (a.dtype, a.shape, a.tobytes()) for name, a in tree_leaves(tree).items()}


def special(p):
    """The same parameters with zeros of both signs and tiny numbers among them."""
    for a in p:
        a.flat[::3] = -0.0
        a.flat[1::5] = 0.0
        a.flat[2::7] = 1e-300 if a.dtype == np.float64 else 1e-40
    return p


@pytest.mark.parametrize("cell", CELLS)
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@given(D=SIZE, H=SIZE, depth=st.integers(1, 3), both=st.booleans(), seed=SEEDS)
def test_ours_to_torch_and_back_is_exact_to_the_bit(cell, dtype, D, H, depth, both, seed):
    """Through a real network that loads the state dict, strictly; the sign of a zero is kept too."""
    r = rng(seed)
    draw = lambda width: special(draw_params(cell, width, H, r, dtype))  # noqa: E731
    widths = [D] + [H * (1 + both)] * (depth - 1)
    net = tuple(LayerParams(draw(width), draw(width) if both else None) for width in widths)
    theirs = NETS[cell](D, H, depth, bidirectional=both, dtype=torch.tensor(net[0].forward.b).dtype)
    theirs.load_state_dict(interchange.to_torch(net))
    assert bits(interchange.from_torch(theirs.state_dict(), cell, layer=None)) == bits(net)
    assert bits(interchange.from_torch(theirs.state_dict(), cell)) == bits(net[0].forward)
    if both:
        assert bits(interchange.from_torch(theirs.state_dict(), cell, layer="0_reverse")) == bits(net[0].reverse)
    one = NETS[cell](D, H, dtype=theirs.weight_ih_l0.dtype)
    one.load_state_dict(interchange.to_torch(net[0].forward))
    assert bits(interchange.from_torch(one.state_dict(), cell)) == bits(net[0].forward)


@pytest.mark.parametrize("cell", CELLS)
@given(D=SIZE, H=SIZE, depth=st.integers(1, 3), both=st.booleans(), bias=st.booleans(), seed=SEEDS)
def test_torch_to_ours_and_back_is_the_same_function(cell, D, H, depth, both, bias, seed):
    """PyTorch starts with two biases that are not zero; ours add them, and a network without biases gets zeros."""
    torch.manual_seed(seed)
    make = lambda bias: NETS[cell](  # noqa: E731
        D, H, depth, bias=bias, bidirectional=both, batch_first=True, dtype=torch.float64
    )
    theirs = make(bias)
    ours = interchange.from_torch(theirs.state_dict(), cell, layer=None)
    x = rng(seed).normal(size=(2, 4, D))
    with torch.no_grad():
        out_ = theirs(torch.tensor(x))[0].numpy()
        again = make(True)
        again.load_state_dict(interchange.to_torch(ours))
        assert_equal(again(torch.tensor(x))[0].numpy(), out_)
    assert_equal(stack(x, None, ours)[0], out_)


def test_converted_weights_are_copies():
    """Training one network must not change the other."""
    net = torch.nn.LSTM(2, 3)
    ours = interchange.from_torch(net.state_dict(), "lstm")
    state = interchange.to_torch(ours)
    before = {name: p.detach().clone() for name, p in net.named_parameters()}
    kept = LSTMParams(*(a.copy() for a in ours))
    for t in state.values():
        t.add_(1)
    assert_same(ours, kept)
    for a in ours:
        a += 1
    assert all(torch.equal(p, before[name]) for name, p in net.named_parameters())


@given(sizes=st.tuples(SIZE, SIZE, SIZE, SIZE), reset=st.sampled_from(["after", "before"]), seed=SEEDS)
def test_update_gate_of_the_other_sign_is_the_same_function(sizes, reset, seed):
    """h_t = z n + (1 - z) h_{t-1}, written out here, with converted weights gives what ours give."""
    case = draw_case("gru", sizes, seed)
    p, H = interchange.flip_update_gate(case.params), sizes[3]
    sigmoid = lambda a: 1 / (1 + np.exp(-a))  # noqa: E731
    h = case.state.h
    for t in range(sizes[1]):
        a_r, a_z, a_n = np.split(case.x[:, t] @ p.W_ih.T + p.b, 3, axis=1)
        U_r, U_z, U_n = np.split(p.W_hh, 3)
        r, z = sigmoid(a_r + h @ U_r.T), sigmoid(a_z + h @ U_z.T)
        inner = r * (h @ U_n.T + p.b_hn) if reset == "after" else (r * h) @ U_n.T + p.b_hn
        n = np.tanh(a_n + inner)
        h = z * n + (1 - z) * h
    assert_equal(fused.gru(case.x, case.state, case.params, reset=reset)[1].h, h, 1e-11)
    assert_same(interchange.flip_update_gate(p), case.params)
    assert_same(p.W_ih[:H], case.params.W_ih[:H])


def keras_layer(cell, weights, x):
    """keras.layers.SimpleRNN, LSTM and GRU with their default activations, as their documentation defines them."""
    kernel, recurrent, bias = weights
    sigmoid = lambda a: 1 / (1 + np.exp(-a))  # noqa: E731
    H = len(recurrent)
    h, c = np.zeros((len(x), H)), np.zeros((len(x), H))
    for x_t in x.transpose(1, 0, 2):
        if cell == "rnn":
            h = np.tanh(x_t @ kernel + h @ recurrent + bias)
        elif cell == "lstm":
            i, f, g, o = np.split(x_t @ kernel + h @ recurrent + bias, 4, axis=1)
            c = sigmoid(f) * c + sigmoid(i) * np.tanh(g)
            h = sigmoid(o) * np.tanh(c)
        else:
            reset_after = bias.ndim == 2
            x_z, x_r, x_h = np.split(x_t @ kernel + (bias[0] if reset_after else bias), 3, axis=1)
            U_z, U_r, U_h = np.split(recurrent, 3, axis=1)
            b_z, b_r, b_h = np.split(bias[1], 3) if reset_after else (0, 0, 0)
            z, r = sigmoid(x_z + h @ U_z + b_z), sigmoid(x_r + h @ U_r + b_r)
            hh = np.tanh(x_h + (r * (h @ U_h + b_h) if reset_after else (r * h) @ U_h))
            h = z * h + (1 - z) * hh
    return h


@pytest.mark.parametrize("variant", ["rnn-tanh", "lstm", "gru-after", "gru-before"])
@given(sizes=st.tuples(SIZE, SIZE, SIZE, SIZE), seed=SEEDS)
def test_keras_layout_both_ways(variant, sizes, seed):
    cell, options = VARIANTS[variant]
    case = draw_case(cell, sizes, seed)
    weights = interchange.to_keras(case.params, **options if cell == "gru" else {})
    last = FUSED[cell](case.x, None, case.params, **options)[1].h
    assert_equal(keras_layer(cell, weights, case.x), last, 1e-11)
    back = interchange.from_keras(weights, cell)
    assert_equal(FUSED[cell](case.x, None, back, **options)[1].h, last)
    if variant != "gru-before":  # there Keras has one bias where ours has two
        assert_same(back, case.params)


@given(sizes=st.tuples(SIZE, SIZE, SIZE, SIZE), reset=st.sampled_from(["after", "before"]), seed=SEEDS)
def test_gru_weights_give_equal_outputs_by_every_road(sizes, reset, seed):
    """Ours, flipped and in Keras's layout, both at once, and back: the same states in float64 at every step.

    A text with the other sign of z may well keep its weights as Keras does, so the two converters must go together.
    """
    case, cell = draw_case("gru", sizes, seed), lambda p: fused.gru(case.x, None, p, reset=reset)[0]
    ours, keras = cell(case.params), interchange.to_keras(case.params, reset=reset)
    assert_equal(cell(interchange.from_keras(keras, "gru")), ours)
    elsewhere = interchange.to_keras(interchange.flip_update_gate(case.params), reset=reset)  # Keras's columns
    H = sizes[3]
    for theirs, mine in zip(elsewhere, keras):
        assert_same(theirs[..., :H], -mine[..., :H])  # z comes first in Keras
        assert_same(theirs[..., H:], mine[..., H:])
    back = interchange.flip_update_gate(interchange.from_keras(elsewhere, "gru"))
    assert_equal(cell(back), ours)
    if reset == "after":
        net = torch.nn.GRU(sizes[2], H, batch_first=True, dtype=torch.float64)
        net.load_state_dict(interchange.to_torch(back))
        with torch.no_grad():
            assert_equal(net(torch.tensor(case.x))[0].numpy(), ours)


def test_keras_two_biases_and_none():
    """Keras's recurrent bias of r and z is not zero after training; it joins ours. No bias becomes zeros."""
    r = rng()
    weights = [r.normal(size=s) for s in ((3, 12), (4, 12), (2, 12))]
    x = r.normal(size=(2, 5, 3))
    assert_equal(fused.gru(x, None, interchange.from_keras(weights, "gru"))[1].h, keras_layer("gru", weights, x))
    weights = [r.normal(size=s) for s in ((3, 4), (4, 4))]
    p = interchange.from_keras(weights, "rnn")
    assert_equal(fused.rnn(x, None, p)[1].h, keras_layer("rnn", [*weights, np.zeros(4)], x))


LSTM = weights.init("lstm", 2, 3, rng(), dtype=np.float64)
GRU = weights.init("gru", 2, 3, rng(), dtype=np.float64)
SD = torch.nn.LSTM(2, 3).state_dict()
BOTH = weights.init_stack("lstm", 2, 3, rng(), depth=2, bidirectional=True, dtype=np.float64)
BAD = {
    "cell: got 'LSTM'": lambda: weights.init("LSTM", 2, 3, rng()),
    "recurrent: got 'eye'": lambda: weights.init("rnn", 2, 3, rng(), recurrent="eye"),
    "input_weights: got 'xavier'": lambda: weights.init("rnn", 2, 3, rng(), input_weights="xavier"),
    "D: got 0": lambda: weights.init("rnn", 0, 3, rng()),
    "H: got 2.5": lambda: weights.init("rnn", 2, 2.5, rng()),
    "rng: got int": lambda: weights.init("rnn", 2, 3, 0),
    "rng: got int, wanted": lambda: weights.orthogonal(3, 0),
    "rng: got int, wanted a numpy": lambda: weights.chrono(3, 10, 0),
    "rng: got NoneType": lambda: weights.glorot((2, 2), None),
    "rng: got str": lambda: models.init("lstm", 5, 3, 2, "0", embedding=4),
    "rng: got float": lambda: encoder_decoder.init("lstm", 5, 5, 3, 3, rng=0.0),
    "n: got 2.5": lambda: weights.orthogonal(2.5, rng()),
    "rows: got 0": lambda: weights.he((0, 2), rng()),
    "dtype: got int": lambda: weights.glorot((2, 2), rng(), dtype=int),
    "longest: got 1,": lambda: weights.chrono(3, 1, rng()),
    "H: got -3": lambda: weights.cell_count("lstm", 2, -3),
    "depth: got 0,": lambda: weights.torch_count("lstm", 2, 3, depth=0),
    "T: got 0": lambda: weights.kept_count("lstm", 1, 0, 2, 3),
    "reset: got 'befor'": lambda: weights.kept_count("gru", 1, 1, 2, 3, reset="befor"),
    r"options: got \['reset'\]": lambda: weights.kept_count("lstm", 1, 1, 2, 3, reset="after"),
    "forget_bias: got 3.0, wanted None for gru": lambda: weights.init("gru", 2, 3, rng(), forget_bias=3.0),
    "forget_bias: got 0, wanted None for rnn": lambda: weights.init("rnn", 2, 3, rng(), forget_bias=0),
    "forget_bias: got it together": lambda: weights.init("lstm", 2, 3, rng(), forget_bias=5, longest=10),
    "dtype: got int64": lambda: weights.init("rnn", 2, 3, rng(), dtype=np.int64),
    "longest: got 2,": lambda: weights.init("gru", 2, 3, rng(), longest=2),
    "longest: got 9, wanted None for rnn": lambda: weights.init("rnn", 2, 3, rng(), longest=9),
    r"W: got shape \(2, 3\)": lambda: weights.spectral_radius(np.ones((2, 3))),
    "W: got list": lambda: weights.spectral_radius([[1.0]]),
    "radius: got -1": lambda: weights.scale_to_radius(np.eye(2), -1),
    "W: got a matrix of spectral radius 0": lambda: weights.scale_to_radius(np.diag([1.0], 1), 1),
    "depth: got 0": lambda: weights.init_stack("rnn", 2, 3, rng(), depth=0),
    "budget: got 5, wanted an integer of at least 16": lambda: weights.width_for("lstm", 2, 5),
    "reset: got 'before', which torch.nn.GRU cannot express": lambda: interchange.to_torch(GRU, reset="before"),
    "nonlinearity: got 'sigmoid', wanted 'tanh' or 'relu'": lambda: interchange.to_torch(
        weights.init("rnn", 2, 3, rng(), dtype=np.float64), nonlinearity="sigmoid"
    ),
    r"params\[0\].norm: got a layer norm": lambda: interchange.to_torch(
        weights.init_stack("gru", 2, 3, rng(), norm=True)
    ),
    r"params\[1\].reverse: torch.nn has": lambda: interchange.to_torch((BOTH[0], BOTH[1]._replace(reverse=None))),
    r"params\[1\]: torch.nn has the same cell": lambda: interchange.to_torch((LayerParams(LSTM), LayerParams(GRU))),
    "params: got list": lambda: interchange.to_torch([LSTM]),
    "params: got tuple": lambda: interchange.to_torch(tuple(LSTM)),
    "state_dict: got no weight_ih_l1": lambda: interchange.from_torch(SD, "lstm", layer=1),
    "state_dict: got no bias_hh_l0": lambda: interchange.from_torch(
        {k: v for k, v in SD.items() if k != "bias_hh_l0"}, "lstm"
    ),
    r"state_dict: got weight_hh_l0 of shape \(12, 3\), wanted \(3 H, H\)": lambda: interchange.from_torch(SD, "gru"),
    "state_dict: got no weight_ih_l0": lambda: interchange.from_torch({}, "gru", layer=None),
    "state_dict: got weight_hr_l0, a projection": lambda: interchange.from_torch(
        torch.nn.LSTM(2, 3, proj_size=1).state_dict(), "lstm"
    ),
    "state_dict: got weight_ih_l0 of dtype torch.bfloat16": lambda: interchange.from_torch(
        {k: v.bfloat16() for k, v in SD.items()}, "lstm"
    ),
    "params: got LSTMParams, wanted GRUParams": lambda: interchange.flip_update_gate(LSTM),
    "params: got tuple, wanted RNNParams": lambda: interchange.to_keras(tuple(LSTM)),
    "reset: got 'x'": lambda: interchange.to_keras(GRU, reset="x"),
    "weights: got 1 arrays": lambda: interchange.from_keras([np.ones((2, 12))], "lstm"),
    "weights: got shapes": lambda: interchange.from_keras(interchange.to_keras(LSTM), "gru"),
    r"weights: got shapes \[\(2, 12\), \(3, 12\), \(2, 12\)\]": lambda: interchange.from_keras(
        [*interchange.to_keras(LSTM)[:2], np.ones((2, 12))], "lstm"
    ),
}


@pytest.mark.parametrize("message", BAD)
def test_bad_input_is_named(message):
    with pytest.raises(ValueError, match=message):
        BAD[message]()


def test_the_first_array_fits_the_first_stack():
    """One default dtype: what a task gives goes into what `init` gives."""
    data = tasks.adding_problem(4, 5, rng())
    for cell in CELLS:
        assert stack(data.x, None, weights.init_stack(cell, 2, 3, rng()))[0].dtype == np.float32
        assert {a.dtype for a in tree_leaves(models.init(cell, 2, 3, 1, rng())).values()} == {np.dtype(np.float32)}
