"""What chapter 06 states is what its code gives, and every gradient that it prints is right three ways."""

import copy
import re
from functools import partial

import numpy as np
import pytest
import torch
from chapter_cells import cells as cells_of
from chapter_cells import run
from course_site.execution import ROOT
from hypothesis import given
from hypothesis import strategies as st

from course_pkg import bptt, cells, models, optim, tasks, weights
from course_pkg.experiments import reach, trials
from course_pkg.gradcheck import max_error, numerical_gradient

TEXT = (ROOT / "book" / "06-gradients.md").read_text(encoding="utf-8")
CODE = cells_of("06-gradients")


@pytest.fixture(scope="module")
def chapter():
    """The names that the chapter's cells define."""
    return run({}, CODE)


def numbers_of(panels):
    """The named numbers under a figure, in order."""
    return [(item["name"], float(item["value"][0])) for p in panels for item in p.get("items", ())]


def curve(panel, name):
    return next(c["y"] for c in panel["curves"] if c["name"] == name)


def test_no_backslash_was_lost():
    r"""A \v or \f that Python read as one character would leave an equation without its macro."""
    assert not re.search(r"[\x00-\x09\x0b-\x1f]", TEXT)


# One unit by hand


def unit(h_0, T=3):
    """The states of the unit with w = 2, and the gradient of the last at the first, by the cell's backward."""
    p = cells.RNNParams(np.zeros((1, 1)), np.full((1, 1), 2.0), np.zeros(1))
    state = cells.HState(np.full((1, 1), float(h_0)))
    h, _, caches = bptt.unroll(cells.rnn_step, np.zeros((1, T, 1)), state, p)
    back = bptt.state_gradients(cells.rnn_step_backward, cells.HState(np.ones((1, 1))), caches, p)
    return h[0, :, 0], back[0].h.item()


def test_the_table_by_hand():
    """Every number of the table, and the product under it."""
    rows = TEXT.split("| t | $a_t$ |")[1].split("\n\n")[0].splitlines()[2:]
    table = np.array([[float(v) for v in row.strip("| ").split("|")] for row in rows])
    h, gradient = unit(0.5)
    slope = 1 - h**2
    wanted = [np.arange(1, 4), 2 * np.array([0.5, *h[:-1]]), h, slope, 2 * slope]
    np.testing.assert_allclose(table, np.transpose(wanted), atol=5.1e-4)
    product = r" \cdot ".join(f"{v:.3f}" for v in 2 * slope)
    assert f"${product} = {gradient:.3f}$" in TEXT
    assert f"down to {100 * gradient:.0f} percent" in TEXT
    assert unit(0)[1] == 8


@pytest.mark.parametrize("h_0", [0.5, 0.0])
def test_both_gradients_by_hand_are_right_three_ways(h_0):
    ours = np.array([unit(h_0)[1]])
    loss = lambda h, tanh: tanh(2 * tanh(2 * tanh(2 * h[0])))  # noqa: E731
    assert max_error(ours, numerical_gradient(lambda h: loss(h, np.tanh), np.array([h_0]))) < 1e-8
    leaf = torch.tensor([h_0], dtype=torch.float64, requires_grad=True)
    loss(leaf, torch.tanh).backward()
    assert max_error(ours, leaf.grad.numpy()) < 1e-12


def test_the_gradient_is_the_product_of_the_jacobians():
    """The product of the chapter's equation, its transpose applied to a vector, and what the code returns."""
    rng = np.random.default_rng(0)
    p, x, d = weights.init("rnn", 3, 4, rng, dtype=np.float64), rng.normal(size=(1, 6, 3)), rng.normal(size=(1, 4))
    h, _, caches = bptt.unroll(cells.rnn_step, x, cells.HState(np.zeros((1, 4))), p)
    product = np.eye(4)
    for t in reversed(range(6)):
        product = product @ (np.diag(1 - h[0, t] ** 2) @ p.W_hh)
    back = bptt.state_gradients(cells.rnn_step_backward, cells.HState(d), caches, p)
    assert max_error(back[0].h[0], product.T @ d[0]) < 1e-12


# Two numbers of a matrix


def test_the_eigenvalues_in_the_box():
    """Both eigenvectors by hand, the sum that (3, 0) is, and where the figure's vector goes."""
    W = np.array([[0.9, 0.4], [0.2, 0.7]])
    assert r"\begin{pmatrix} 0.9 & 0.4 \\ 0.2 & 0.7 \end{pmatrix}" in TEXT
    np.testing.assert_allclose(W @ [2, 1], [2.2, 1.1])
    np.testing.assert_allclose(W @ [1, -1], [0.5, -0.5])
    power = np.linalg.matrix_power(W, 7) @ [3, 0]
    np.testing.assert_allclose(power, 1.1**7 * np.array([2, 1]) + 0.5**7 * np.array([1, -1]))
    for angle, alone in ((120, False), (135, True), (315, True)):
        v = np.array([np.cos(np.radians(angle)), np.sin(np.radians(angle))])
        length = [np.linalg.norm(np.linalg.matrix_power(W, k) @ v) for k in range(30)]
        assert length[1] < 1
        assert bool(length[-1] < 1e-6) is alone


def test_two_units_by_hand():
    """The table of vectors and lengths, the radius, and the largest singular value."""
    W, v = np.array([[0.5, 2], [0, 0.5]]), np.array([1.0, 0.0])
    rows = TEXT.split("| k | gradient | length |")[1].split("\n\n")[0].splitlines()[2:]
    assert len(rows) == 5
    for k, row in enumerate(rows):
        said = [float(n) for n in re.findall(r"[\d.]+", row)]
        assert said == pytest.approx([k, *v, np.linalg.norm(v)], abs=5e-3)
        v = W.T @ v
    assert np.linalg.norm(v) < 0.7  # "Only from the fifth on is it shorter"
    assert weights.spectral_radius(W) == pytest.approx(0.5)
    assert np.linalg.norm(W, 2) == pytest.approx(2.118, abs=5e-4)
    assert "largest singular value is 2.118" in TEXT


def test_the_chain_has_the_two_numbers_that_were_asked_for(chapter):
    for radius, largest in ((0.0, 1.2), (0.5, 0.8), (1.1, 1.5), (1.2, 1.2)):
        W = chapter["chain"](radius, largest)
        assert weights.spectral_radius(W) == pytest.approx(radius)
        assert np.linalg.norm(W, 2) == pytest.approx(largest)


def test_radius_0_grows_and_is_then_exactly_0(chapter):
    """32 units: growth for some thirty steps, nothing from the 32nd on, for every sequence."""
    found = chapter["chained"](0.0, 1.2, 0.0)
    middle = np.median(found, axis=1)
    assert 26 <= middle.argmax() <= 31
    assert middle.max() > 20
    assert (found[31] > 0).all()
    assert (found[32:] == 0).all()
    panels = chapter["FIGURES"]["The bound, the radius, and what happens"]._fn(0.0, 1.2)
    assert dict(numbers_of(panels))["exactly 0 from lag"] == 32
    driven = np.median(chapter["chained"](0.0, 1.2, 0.03), axis=1)
    assert driven.max() > 2  # it grows with a small input too


def test_the_figure_answers_as_the_text_says(chapter):
    """s = 0.8 shrinks always and is raised to the radius; both above 1 need not explode."""
    for radius in (0.0, 0.3, 0.5, 0.8):
        found = chapter["chained"](radius, 0.8, 0.0)
        assert (np.diff(np.median(found, axis=1)) <= 0).all()
    panels = chapter["FIGURES"]["The bound, the radius, and what happens"]._fn(1.1, 0.8)
    assert dict(numbers_of(panels))["largest singular value"] == 1.1
    free, driven = (np.median(chapter["chained"](1.1, 1.5, i), axis=1) for i in (0.0, 0.03))
    assert free[60] > 100
    assert driven[1:].max() < 1
    runs = chapter["chained"](1.1, 1.5, 0.03)
    assert driven.min() < 0.3
    assert driven[60] > driven.min()  # "and then grows slowly"
    assert runs[60].max() > 1  # "Some single runs do get back"
    assert "none is above the bound" in " ".join(chapter["SAID"])


@given(seed=st.integers(0, 10**6), phi=st.sampled_from(["tanh", "sigmoid", "relu", "leaky_relu"]))
def test_the_bound_holds_for_any_network_and_input(seed, phi):
    """(gamma s)^k, with gamma the largest slope of the activation."""
    rng = np.random.default_rng(seed)
    H = int(rng.integers(1, 6))
    p = cells.RNNParams(*(rng.normal(size=shape) * 2 for shape in ((H, 2), (H, H), H)))
    step = partial(cells.rnn_step, nonlinearity=phi)
    _, _, caches = bptt.unroll(step, rng.normal(size=(1, 8, 2)), cells.HState(rng.normal(size=(1, H))), p)
    back = bptt.state_gradients(cells.rnn_step_backward, cells.HState(rng.normal(size=(1, H))), caches, p)
    length = np.array([np.linalg.norm(g.h) for g in back[::-1]])
    most = (0.25 if phi == "sigmoid" else 1.0) * np.linalg.norm(p.W_hh, 2)
    assert (length <= most ** np.arange(9) * length[0] * (1 + 1e-9)).all()


def test_two_relu_units_double_for_ever_with_radius_0(chapter):
    """Exactly: no rounding, no drift; and the Jacobian's own eigenvalue is 2. Checked three ways over three steps."""
    W = np.array([[2.0, -2.0], [2.0, -2.0]])
    np.testing.assert_array_equal(W @ W, 0)
    assert abs(np.linalg.eigvals(np.diag([1.0, 0.0]) @ W)).max() == 2
    p = cells.RNNParams(np.zeros((2, 1)), W, np.array([-1.0, -10.0]))
    step, d = partial(cells.rnn_step, nonlinearity="relu"), cells.HState(np.array([[1.0, 0.0]]))
    h, _, caches = bptt.unroll(step, np.zeros((1, 50, 1)), d, p)
    np.testing.assert_array_equal(h[0], np.tile([1.0, 0.0], (50, 1)))
    back = bptt.state_gradients(cells.rnn_step_backward, d, caches, p)[::-1]
    np.testing.assert_allclose([np.linalg.norm(g.h) for g in back[1:]], np.sqrt(2) * 2.0 ** np.arange(1, 51))
    assert "From the first lag on it doubles at every step" in TEXT  # from lag 0 to lag 1 it grows by more than 2

    def loss(h, relu, weights, bias):
        for _ in range(3):
            h = relu(weights @ h + bias)
        return h[0]

    numeric = numerical_gradient(lambda h: loss(h, lambda a: np.maximum(a, 0), W, p.b), np.array([1.0, 0.0]))
    leaf = torch.tensor([1.0, 0.0], dtype=torch.float64, requires_grad=True)
    loss(leaf, torch.relu, torch.tensor(W), torch.tensor(p.b)).backward()
    assert max_error(back[3].h[0], numeric) < 1e-8
    assert max_error(back[3].h[0], leaf.grad.numpy()) < 1e-12


def test_the_first_figure(chapter):
    """Without input the measurement is the power of the size; with input size 1 loses."""
    for size in (0.8, 1.0, 1.6):
        np.testing.assert_allclose(chapter["turning"](size, 0.0), size ** np.arange(61.0)[:, None].repeat(40, 1))
    for said, value in (("0.9^{60} = 0.0018", 0.9**60), ("at 1.1 it is 304 times", 1.1**60)):
        assert said in TEXT
        assert value == pytest.approx(float(re.findall(r"[\d.]+", said)[-1]), rel=0.02)
    middle = [np.median(chapter["turning"](1.0, i)[60]) for i in (0.1, 0.3, 1.0, 2.0)]
    assert middle == sorted(middle, reverse=True)
    assert middle[0] < 0.5
    assert np.median(chapter["turning"](1.6, 0.3)[60]) > 1  # a size above 1 pays for it


# Which activation, which start?


def test_starts_have_the_numbers_that_the_text_gives():
    """Glorot's radius is near 1 and its largest singular value near 2; an orthogonal matrix has 1 and 1."""
    rng = np.random.default_rng(1)
    for n in (32, 256):
        drawn = [weights.glorot((n, n), rng, dtype=np.float64) for _ in range(5)]
        assert np.mean([weights.spectral_radius(W) for W in drawn]) == pytest.approx(1, abs=0.1)
        assert np.mean([np.linalg.norm(W, 2) for W in drawn]) == pytest.approx(2, abs=0.1)
        q = weights.orthogonal(n, rng, dtype=np.float64)
        assert (weights.spectral_radius(q), np.linalg.norm(q, 2)) == pytest.approx((1, 1))


def test_relu_loses_more_than_tanh_from_an_orthogonal_start_and_less_from_the_identity(chapter):
    left = chapter["left_at_60"]
    assert left("relu", "orthogonal") < 1e-3 * left("tanh", "orthogonal")
    assert left("relu", "identity") > 0.3 > left("tanh", "identity")
    assert left("sigmoid", "orthogonal", 4.0) > left("sigmoid", "orthogonal", 1.0)  # "It helps
    assert max(left("sigmoid", s, 4.0) for s in chapter["STARTS"]) < 1e-6  # and does not suffice."
    rng = np.random.default_rng(0)
    p = weights.init("rnn", 4, 32, rng, dtype=np.float64)
    step = partial(cells.rnn_step, nonlinearity="relu")
    h, _, _ = bptt.unroll(step, 0.3 * rng.normal(size=(20, 80, 4)), cells.HState(np.zeros((20, 32))), p)
    assert np.mean(h[:, 20:] == 0) == pytest.approx(0.5, abs=0.1)  # "about half of them" are shut
    for start in chapter["STARTS"]:
        assert left("leaky_relu", start) == pytest.approx(left("relu", start), rel=0.7)


# Chaos


def test_the_exponent_is_that_of_the_jacobians(chapter):
    """For one narrow network: the mean logarithm of the stretching of the product of equation (lyapunov) itself."""
    rng = np.random.default_rng(3)
    W, h, v = 2 * rng.normal(size=(3, 3)) / np.sqrt(3), rng.normal(size=3), rng.normal(size=3)
    v /= np.linalg.norm(v)
    stretched, product, total, u = h, np.eye(3), 0.0, v
    for _ in range(12):
        stretched = np.tanh(W @ stretched)
        J = np.diag(1 - stretched**2) @ W
        product = J @ product
        u = J @ u
        total += np.log(np.linalg.norm(u))
        u /= np.linalg.norm(u)
    assert total / 12 == pytest.approx(np.log(np.linalg.norm(product @ v)) / 12)
    assert max_error(product @ v, numerical_direction(W, h, v, 12)) < 1e-6


def numerical_direction(W, h, v, steps):
    """The difference of two states that began a hair apart along v, for one hair."""

    def end(h):
        for _ in range(steps):
            h = np.tanh(W @ h)
        return h

    eps = 1e-6
    return (end(h + eps * v) - end(h - eps * v)) / (2 * eps)


def test_wide_networks_are_chaotic_and_narrow_ones_mostly_not(chapter):
    """Without gain all die out; with it, 256 units are chaotic in all ten networks, 8 units in few."""
    gains, exponents = list(chapter["GAINS"]), chapter["exponents"]
    assert (exponents(256)[gains.index(0.5)] < -0.3).all()
    assert (exponents(256)[gains.index(1.5) :] > 0.01).all()  # "lies above 0 from a gain of 1.5 on"
    assert (np.median(exponents(8), axis=1) < 0).all()  # "the median stays below 0"
    spreads = [np.ptp(exponents(units)[gains.index(3.0)]) for units in (8, 32, 128, 256)]
    assert spreads[0] > 2 * spreads[1] > 2 * max(spreads[2:])  # "The band gets narrower too"
    said = next(s for s in chapter["SAID"] if s.startswith("At a gain of 2"))
    few, many = (int(n) for n in re.findall(r"in (\d+) of 10", said))
    assert few <= 5
    assert many == 10


# The adding problem


def test_always_saying_1_costs_a_sixth():
    """Nearer to 1/6 than to 0.1767 by far more than chance: both numbers are in the text."""
    a, b = np.random.default_rng(5).random((2, 1_000_000))
    error = (a + b - 1) ** 2
    sigma = error.std() / 1000
    assert abs(error.mean() - 1 / 6) < 4 * sigma
    assert abs(error.mean() - 0.1767) > 20 * sigma
    assert r"\tfrac16 = 0.1667" in TEXT
    assert "0.1767" in TEXT


# The wall


def rnn_loss(w, b):
    """The same loss by the package's cell, and its gradient by its backward pass."""
    p = cells.RNNParams(np.zeros((1, 1)), np.full((1, 1), float(w)), np.array([float(b)]))
    start = cells.HState(np.full((1, 1), 1 / (1 + np.exp(-0.5))))
    step = partial(cells.rnn_step, nonlinearity="sigmoid")
    _, last, caches = bptt.unroll(step, np.zeros((1, 50, 1)), start, p)
    d = cells.HState(2 * (last.h - 0.7))
    _, _, dp = bptt.bptt(cells.rnn_step_backward, None, d, caches, p)
    return (last.h.item() - 0.7) ** 2, dp.W_hh.item(), dp.b.item()


@pytest.mark.parametrize(("w", "b"), [(4.5, -2.0), (3.2, -1.4), (5.5, -3.2)])
def test_the_loss_on_the_surface_is_right_three_ways(chapter, w, b):
    """The chapter's own loop, our cell, finite differences and PyTorch."""
    ours = chapter["loss_and_gradient"](w, b)
    assert max_error(np.array(ours), np.array(rnn_loss(w, b))) < 1e-12
    numeric = numerical_gradient(lambda v: float(chapter["loss_and_gradient"](*v)[0]), np.array([w, b]))
    assert max_error(np.array(ours[1:]), numeric) < 1e-7
    leaf = torch.tensor([w, b], dtype=torch.float64, requires_grad=True)
    h = torch.sigmoid(torch.tensor(0.5, dtype=torch.float64))
    for _ in range(50):
        h = torch.sigmoid(leaf[0] * h + leaf[1])
    ((h - 0.7) ** 2).backward()
    assert max_error(np.array(ours[1:]), leaf.grad.numpy()) < 1e-12


def test_the_run_without_clipping_is_thrown_as_the_text_says(chapter):
    """11 updates, a gradient of 22, off the map, nearly flat; clipped at 0.3 it gets to the valley, without rest."""
    paths, f = chapter["paths"], chapter["loss_and_gradient"]
    norms = [np.hypot(*f(*place)[1:]) for place in paths[np.inf]]
    assert "After 11 updates it stands on the wall, where the gradient is 22 long" in TEXT
    assert norms[11] == pytest.approx(22, abs=0.5)
    assert norms[11] > 100 * norms[10]  # "more than a hundred times as long as the one before"
    assert max(norms[:11]) < 1
    assert (paths[np.inf][12:, 0] > 6).all()  # off the map, and there it stays
    assert max(norms[12:]) < 1e-3
    late = f(*paths[0.3][30:].T)[0]
    assert late.min() < 1e-4
    assert late.max() > 100 * late.min()  # "up and down by some powers of ten"
    assert f(*paths[3.0].T)[0][-1] > 1e-3  # "Not from this start"
    steps = np.linalg.norm(np.diff(paths[3.0], axis=0), axis=1)
    assert steps.max() == pytest.approx(1.5)  # "one update can still be 1.5 long"


def test_clipping_helps_beside_the_wall(chapter):
    said = next(s for s in chapter["SAID"] if s.startswith("Without clipping"))
    assert "**Clipping helps here.**" in said
    plain, thrown, clipped, still, loose, _ = (int(n) for n in re.findall(r"(\d+)%", said))
    assert loose > plain + 10  # "From other starts it often is"
    assert clipped > plain + 10
    assert thrown > 10 > still


def test_clipping_by_hand():
    g = (np.array([3.0, 4.0]),)
    np.testing.assert_allclose(optim.clip_by_global_norm(g, 1.0)[0][0], [0.6, 0.8])
    np.testing.assert_array_equal(optim.clip_by_value(g, 1.0)[0], [1, 1])
    for said in ("has length 5. Clipped at 1 it is (0.6, 0.8)", "it would be (1, 1)"):
        assert said in TEXT


def test_clipping_does_not_tilt_the_curve(chapter):
    """The share of the older half is the same before and after, at every limit and for every network."""
    figure = chapter["FIGURES"]["Clipping moves the curve; it does not tilt it"]
    for kind in chapter["KINDS"]:
        for limit in (0.01, 1.0, 100.0):
            panels = figure._fn(kind, limit)
            (_, whole), (_, cut), (_, share), (_, share_cut) = numbers_of(panels)
            assert cut == pytest.approx(min(whole, limit), rel=1e-9)
            assert share_cut == pytest.approx(share, rel=1e-9)
            down = np.log10(curve(panels[0], "as it is") / curve(panels[0], "clipped"))
            middle = down[np.isfinite(down)]
            assert np.ptp(middle[:30]) < 0.5
    whole = dict(numbers_of(figure._fn("ReLU, identity", 1.0)))["length of the gradient"]
    assert 1000 < whole < 100_000  # "thousands long"
    sizes = {kind: np.linalg.norm(chapter["terms"](kind), axis=2) for kind in chapter["KINDS"]}
    tilt = {kind: np.median(s[:, 50] / s[:, 0]) for kind, s in sizes.items()}
    assert tilt["tanh, orthogonal, scaled to 0.8"] < tilt["tanh, orthogonal"] < 0.05 < tilt["ReLU, identity"]


def test_the_terms_add_up_to_the_gradient(chapter):
    """They are the parts of what one backward pass over the whole sequence gives, checked by PyTorch."""
    rng = np.random.default_rng(0)
    net = models.init("rnn", 2, 32, 1, rng, recurrent="orthogonal", dtype=np.float64)
    data = tasks.adding_problem(100, 60, rng, dtype=np.float64)
    W_ih, W_hh, b = (torch.tensor(a, requires_grad=True) for a in net.stack[0].forward)
    h = torch.zeros(100, 32, dtype=torch.float64)
    for t in range(60):
        h = torch.tanh(torch.tensor(data.x[:, t]) @ W_ih.T + h @ W_hh.T + b)
    said = h @ torch.tensor(net.readout.W).T + torch.tensor(net.readout.b)
    ((said - torch.tensor(data.y)) ** 2).mean().backward()
    theirs = np.concatenate([a.grad.numpy().ravel() for a in (W_ih, W_hh, b)])
    assert max_error(chapter["terms"]("tanh, orthogonal")[0].sum(axis=0), theirs) < 1e-12


# Check yourself


def test_the_first_two_answers(chapter):
    """0.9^50, reached by 0.9 times a rotation; the chain with s = 1.5 is about a thousand times longer."""
    assert round(0.9**50, 5) == 0.00515
    assert 0.9**50 <= 0.0052 < 0.9**49  # "at most 0.52 percent"
    assert round(0.9**20, 2) == 0.12
    W, v = 0.9 * weights.orthogonal(8, np.random.default_rng(0), dtype=np.float64), np.eye(8)[0]
    assert np.linalg.norm(np.linalg.matrix_power(W.T, 50) @ v) == pytest.approx(0.9**50)
    found = np.median(chapter["chained"](0.9, 1.5, 0.0), axis=1)
    assert 800 < found[20] < 1250


def test_the_fifth_answer():
    """ReLU with an orthogonal matrix never lengthens a gradient, and can lose all of it."""
    rng = np.random.default_rng(0)
    p = weights.init("rnn", 2, 8, rng, dtype=np.float64)
    step = partial(cells.rnn_step, nonlinearity="relu")
    _, _, caches = bptt.unroll(step, rng.normal(size=(20, 40, 2)), cells.HState(np.zeros((20, 8))), p)
    back = bptt.state_gradients(cells.rnn_step_backward, cells.HState(rng.normal(size=(20, 8))), caches, p)
    length = np.array([np.linalg.norm(g.h, axis=1) for g in back[::-1]])
    assert (np.diff(length, axis=0) <= 1e-12).all()
    assert np.median(length[40]) < 1e-3 * np.median(length[0])


# Alternative texts that state what was found


def below_with_input(chapter):
    for size in (0.8, 1.0, 1.2, 1.6):
        free = np.median(chapter["turning"](size, 0.0), axis=1)
        np.testing.assert_allclose(free, size ** np.arange(61.0))
        for input_size in (0.1, 0.3, 1.0, 2.0):
            assert (np.median(chapter["turning"](size, input_size), axis=1)[1:] < free[1:]).all()


def grows_and_ends(chapter):
    found = np.median(chapter["chained"](0.0, 1.2, 0.0), axis=1)
    assert 26 <= found.argmax() <= 31  # "grows for about 30 steps"
    assert (found[32:] == 0).all()


def sigmoid_falls(chapter):
    for start in chapter["STARTS"]:
        for radius in (0.8, 1.0, 1.2, 1.4, 2.0, 4.0):
            assert chapter["left_at_60"]("sigmoid", start, radius) < 1e-6
    assert chapter["left_at_60"]("relu", "identity") > 0.3  # "nearly level"


def narrow_and_wide(chapter):
    gains, exponents = list(chapter["GAINS"]), chapter["exponents"]
    assert (np.median(exponents(8), axis=1) < 0).all()
    assert (exponents(256)[gains.index(1.5) :] > 0).all()
    assert np.ptp(exponents(8), axis=1).min() > 2 * np.ptp(exponents(256), axis=1).max()


def thrown_and_beside(chapter):
    free, cut = chapter["paths"][np.inf], chapter["paths"][0.3]
    assert not (3 <= free[-1][0] <= 6)
    assert (cut[:, 0] >= 3).all()
    assert (cut[:, 0] <= 6).all()
    loss = chapter["loss_and_gradient"](*cut[25:].T)[0]
    assert np.sum(np.diff(np.sign(np.diff(loss))) != 0) >= 3  # "goes up and down"


def shifted_not_tilted(chapter):
    panel = chapter["FIGURES"]["Clipping moves the curve; it does not tilt it"]._fn("tanh, orthogonal", 0.01)[0]
    down = np.log10(curve(panel, "as it is") / curve(panel, "clipped"))
    assert np.ptp(down[np.isfinite(down)]) < 0.5
    assert (down[np.isfinite(down)] > 0).all()


def shares_rise(chapter):
    share = {name: np.median(chapter["found"](name, "share"), axis=0) for name in chapter["NETS"]}
    order = sorted(share, key=lambda name: share[name][0])
    assert order[0] == "ReLU, orthogonal"
    assert set(order[-2:]) == {"ReLU, identity", "tanh, identity"}
    assert all(found[-1] > found[0] for name, found in share.items() if name.startswith("ReLU"))


ALT_FINDINGS = {
    "Where the gradient comes from, and what was learned": shares_rise,
    "A gradient on its way back": below_with_input,
    "The bound, the radius, and what happens": grows_and_ends,
    "Four activation functions, three starts": sigmoid_falls,
    "Does a small difference grow?": narrow_and_wide,
    "Gradient descent beside a wall": thrown_and_beside,
    "Clipping moves the curve; it does not tilt it": shifted_not_tilted,
}


@pytest.mark.parametrize("title", ALT_FINDINGS)
def test_the_alternative_text_says_what_is_drawn(chapter, title):
    assert title in chapter["FIGURES"]
    ALT_FINDINGS[title](chapter)


# What trains: the stored results


def altered(stored, change):
    """A copy of a stored result with each row of the comparison changed by change(row)."""
    new = copy.deepcopy(stored)
    for row in new["results"]:
        if row["stage"] == "compare":
            change(row)
    return new


def test_the_shares_of_untrained_networks_are_as_the_text_says(chapter):
    """At 0 updates the two identity starts have a good part from old steps, and the orthogonal ReLU almost none."""
    share = {name: np.median(chapter["found"](name, "share")[:, 0]) for name in chapter["NETS"]}
    assert min(share["tanh, identity"], share["ReLU, identity"]) > 0.1
    assert share["ReLU, orthogonal"] < 1e-4


def test_the_share_is_that_of_the_terms(chapter):
    """The share that the experiment stores is the one of the chapter's own terms, by our backward pass."""
    rng = np.random.default_rng(0)
    net = models.init("rnn", 2, 32, 1, rng, recurrent="orthogonal", dtype=np.float64)
    data = tasks.adding_problem(100, 60, rng, dtype=np.float64)
    each = chapter["terms"]("tanh, orthogonal")[0]
    share = np.linalg.norm(each[30:].sum(axis=0)) / np.linalg.norm(each.sum(axis=0))
    assert reach.old_share(net, data.x, data.y, "tanh")[0] == pytest.approx(share, rel=1e-12)


def test_the_sentences_follow_from_the_rows(chapter):
    """Where all guess nobody can tell; where the share orders the runs it is a forecast, turned around it is none."""
    say, stored = chapter["sentences"], chapter["STORED"]
    now = say(stored).data
    assert "no forecast.**" in now

    def guess(row):
        row["values"] = [stored["settings"]["guess"]] * len(row["updates"])

    def learn(row, late):
        looks = len(row["updates"])
        row["values"] = [1.0 if k < late else 0.001 for k in range(looks)]

    order = sorted(chapter["NETS"], key=lambda name: np.median(chapter["found"](name, "share")[:, 0]))
    place = {tuple(chapter["NETS"][name].values()): k for k, name in enumerate(order)}
    key = lambda row: place[row["T"], row["activation"], row["start"]]  # noqa: E731
    assert "do not tell.**" in say(altered(stored, guess)).data
    assert say(altered(stored, guess)).data.count("| 0 of 5 |") == 7
    assert "is a forecast here.**" in say(altered(stored, lambda row: learn(row, 8 - key(row)))).data
    assert "is no forecast.**" in say(altered(stored, lambda row: learn(row, 2 + key(row)))).data


def test_the_sentence_on_clipping_follows_from_the_rows(chapter):
    """Other curves, another word; `at` is the look at which a row has learned, 99 for never."""
    stored, say = chapter["CLIPPED"], chapter["with_and_without"]

    def said(at):
        def change(row):
            row["values"] = [1.0 if k < at(row) else 0.001 for k in range(len(row["updates"]))]

        return say(altered(stored, change)).data

    free = lambda row: row["limit"] == "none"  # noqa: E731
    assert "**Holds.**" in said(lambda row: 5 if free(row) else 2)
    assert "**Does not hold.**" in said(lambda row: 2 if free(row) else 5)
    assert "**Holds when:** relu identity" in said(lambda row: 99 if row["activation"] == "tanh" or free(row) else 2)
    never = said(lambda row: 99)
    assert "**Cannot tell:**" in never
    assert "ReLU, identity, clip 0.1: 0 of 5." in never


def test_the_answer_says_what_the_rows_say(chapter):
    """All four with ReLU learn, none with tanh; who makes a reach, who loses it, and who keeps it in vain."""
    stored, end = chapter["STORED"], {}
    for name, case in chapter["NETS"].items():
        learned, runs = trials.learned(stored, **case)
        end[name] = np.median(chapter["found"](name, "share"), axis=0)[[0, -1]]
        assert learned == (0 if name.startswith("tanh") else runs)
        if name.startswith("tanh"):
            assert trials.budget(stored, case) == "flat"  # "Its curves are flat"
    assert end["ReLU, orthogonal"][1] > 1e3 * end["ReLU, orthogonal"][0]  # "grow by powers of ten"
    assert end["ReLU, glorot"][1] > 1e3 * end["ReLU, glorot"][0]
    assert end["tanh, orthogonal"][1] < 0.1 * end["tanh, orthogonal"][0]  # "Two of the tanh networks lose theirs"
    assert end["tanh, glorot"][1] < 0.1 * end["tanh, glorot"][0]
    assert end["tanh, identity"][1] > 0.1  # "keeps it"
    assert max(end, key=lambda name: end[name][0]) == "tanh, identity"  # "whose share was the largest"
    identity = [r for r in stored["results"] if r["stage"] == "search" and r["start"] == "identity"]
    last = {rate: np.median([r["share"][-1] for r in identity if r["activation"] == "tanh" and r["rate"] == rate])
            for rate in stored["settings"]["rates"]}  # fmt: skip
    assert last[0.0002] > 100 * last[0.006]  # "keeps its share at a small rate and loses it at a large one"
    assert chapter["RATES"]["tanh, identity"] == min(stored["settings"]["rates"])
