"""What chapter 05 states is what its code gives, and every gradient that it prints is right three ways."""

import ast
import copy
import re
from functools import partial

import numpy as np
import pytest
import torch
from chapter_cells import pick
from course_site.execution import ROOT

from course_pkg import bptt, cells, experiments, interchange, weights
from course_pkg.experiments import trials, truncation
from course_pkg.gradcheck import gradcheck, max_error, numerical_gradient
from course_pkg.widgets import Explorer

TEXT = (ROOT / "book" / "05-bptt.md").read_text(encoding="utf-8")
CODE = re.findall(r"^```\{code-cell\} ipython3\n(?::[^\n]*\n)*(.*?)^```", TEXT, re.DOTALL | re.MULTILINE)


def run(namespace, *, until=None, after=None):
    """Run the chapter's cells, from the one after that which defines `after` through that which defines `until`.

    namespace["figures"] keeps the figures, each with the numbers that it showed when it was made.
    """
    place = {None: None} | {n: k for k, c in enumerate(CODE) for n in re.findall(r"^def (\w+)", c, re.MULTILINE)}
    first = 0 if after is None else place[after] + 1
    last = len(CODE) if until is None else place[until] + 1
    figures = namespace.setdefault("figures", [])
    for cell in CODE[first:last]:
        tree = ast.parse(cell)
        end = tree.body.pop() if isinstance(tree.body[-1], ast.Expr) else None
        exec(compile(tree, "05-bptt", "exec"), namespace)
        value = eval(compile(ast.Expression(end.value), "05-bptt", "eval"), namespace) if end else None
        if isinstance(value, Explorer):
            figures.append((value, value.frame))
    return namespace


@pytest.fixture(scope="module")
def chapter():
    """The names that the chapter's cells define, without those that train."""
    return run({}, until="forgetful")


def values(panels, name):
    """The numbers of one curve, or one named number, of a figure."""
    found = [c["y"] for p in panels for c in p.get("curves", ()) if c["name"] == name]
    found += [i["value"] for p in panels for i in p.get("items", ()) if i["name"] == name]
    assert found, name
    return found[0]


def three_ways(loss, at, ours):
    """`loss(numbers, tanh)` is a scalar; `ours` must be its gradient at the row `at`, by differences and autograd."""
    at, ours = np.array(at, float), np.array(ours, float)
    assert max_error(ours, numerical_gradient(lambda a: loss(a, np.tanh), at)) < 1e-8
    leaf = torch.tensor(at, requires_grad=True)
    loss(leaf, torch.tanh).backward()
    assert max_error(ours, leaf.grad.numpy()) < 1e-12


def stated(words, value, digits=3):
    """The text says `words`, which end in a number, and that number is `value` to so many decimals."""
    assert words in TEXT, words
    number = re.search(r"[−-]?[\d.]+\D*$", words).group().replace("−", "-")
    assert float(re.match(r"-?\d+(\.\d+)?", number).group()) == pytest.approx(value, abs=0.5 * 10**-digits * 1.0001)


def test_no_backslash_was_lost():
    r"""A \v or \f that Python read as one character would leave an equation without its macro."""
    assert not re.search(r"[\x00-\x09\x0b-\x1f]", TEXT)


# From an error to a new weight


def test_the_table_of_updates():
    """Each row follows from the one before by the rule, and its gradient is right three ways."""
    table = TEXT.split("| weight | answer |")[1].split("\n\n")[0].splitlines()[2:]
    rows = [[float(v.replace("−", "-")) for v in row.strip("| ").split("|")] for row in table]
    w = 1.0
    assert len(rows) == 3
    for row in rows:
        error = 2 * w - 3
        gradient = error * 2
        three_ways(lambda a, tanh: (2 * a[0] - 3) ** 2 / 2, [w], [gradient])
        new = w - 0.1 * gradient
        assert row == pytest.approx([w, 2 * w, error, error**2 / 2, gradient, new], abs=5e-4)
        w = new


def test_a_tiny_update_is_lost_in_single_precision():
    weight, rate = np.float32(1), np.float32(0.1)
    assert weight - rate * np.float32(-2e-8) == weight
    assert weight - rate * np.float32(-2e-5) == pytest.approx(1.000002, abs=1e-7)
    assert pytest.approx(0.2) == 100_000 * 0.1 * 2e-5  # "a hundred thousand such updates"
    assert 1100 > 2**10 > 900  # ten halvings: "a thousandth"


def test_a_large_error_and_a_weight_that_does_not_move(chapter):
    panels = chapter["descend"](2.5, 0.3)
    stated("To 2.494", values(panels, "weight at the end")[0])
    error, gradient = values(panels, "first error")[0], values(panels, "first gradient")[0]
    stated("The error is 1.9", error, 1)
    stated("and the gradient 0.0007", gradient, 4)
    three_ways(lambda a, tanh: (tanh(2 * a[0]) + 0.9) ** 2 / 2, [2.5], [gradient])
    valley = np.arctanh(-0.9) / 2
    assert abs(values(chapter["descend"](1.0, 0.3), "weight at the end")[0] - valley) < 0.1


# The chain rule, and the two derivatives


def chain(w, tanh=None):
    """h_3 of the unit without squashing, where step t uses w[t - 1]."""
    return w[2] * (w[1] * (w[0] * 2 + 3) + 1)


def test_the_uses_of_a_weight_add_up():
    """3, 2 and 0.5 are the derivatives of each use, and 5.5 that of the shared weight."""
    three_ways(chain, [0.5] * 3, [0.5, 2, 3])
    three_ways(lambda w, tanh: chain([w[0]] * 3), [0.5], [5.5])
    for said in ("derivative is **3**", r"\frac12 =$ **2**", r"\frac12 =$ **0.5**", "6w^2 + 6w + 1 = 5.5"):
        assert said in TEXT
    for said in ("**3**, if only the last use moves", "**5.5**, if $w$ moves everywhere", "and the sum is 5.5"):
        assert said in TEXT
    assert 6 * 0.5**2 + 6 * 0.5 + 1 == 5.5


def test_total_derivatives_follow_the_recursion():
    """2, 5 and 5.5, and the immediate 3: the recursion, differences, autograd and our own backward pass."""
    h, total, totals = 2.0, 0.0, []
    for x_t in (3, 1, 0):
        h, total = 0.5 * h + x_t, h + 0.5 * total
        totals.append(total)
    assert totals == [2, 5, 5.5]
    assert r"So the totals are 2, then $4 + \frac12 \cdot 2 = 5$, then $3 + \frac12 \cdot 5 = 5.5$" in TEXT
    p = cells.RNNParams(np.ones((1, 1)), np.full((1, 1), 0.5), np.zeros(1))
    x, start = np.array([3.0, 1, 0]).reshape(1, 3, 1), cells.HState(np.full((1, 1), 2.0))
    step = partial(cells.rnn_step, nonlinearity="relu")  # all states are positive, so it is the identity
    for t in (1, 2, 3):
        _, _, caches = bptt.unroll(step, x[:, :t], start, p)
        one = cells.HState(np.ones((1, 1)))
        assert bptt.bptt(cells.rnn_step_backward, None, one, caches, p)[2].W_hh.item() == totals[t - 1]
        immediate = cells.rnn_step_backward(one, caches[-1], p)[2].W_hh.item()
        assert immediate == [2, 4, 3][t - 1]

        def state(w, tanh, t=t):
            h = 2.0
            for x_t in (3, 1, 0)[:t]:
                h = w[0] * h + x_t
            return h

        three_ways(state, [0.5], [totals[t - 1]])


def test_only_mixed_pairs_give_the_gradient():
    """An immediate with a total derivative is right both ways round; two alike give 9 and 16.5."""
    immediate_h, total_h = np.array([2, 4, 3.0]), np.array([2, 5, 5.5])
    immediate_L, total_L = np.ones(3), np.array([1.75, 1.5, 1])

    def loss(w, tanh):
        h, total = 2.0, 0.0
        for x_t in (3, 1, 0):
            h = w[0] * h + x_t
            total = total + h
        return total

    assert immediate_L @ total_h == total_L @ immediate_h == 12.5
    three_ways(loss, [0.5], [12.5])
    late = 1 + 0.5 * 1
    assert [1 + 0.5 * late, late, 1] == list(total_L)
    assert (total_L @ total_h, immediate_L @ immediate_h) == (16.5, 9)
    assert "16.5 or 9 comes out where 12.5 is right" in TEXT
    assert "that gave 16.5 for 12.5" in TEXT


def test_both_directions_give_the_same_gradient_for_many_units():
    """The two lines of the equation, with matrices: carrying dh/dW forward (H, H, H) or dL/dh backward (H,)."""
    rng = np.random.default_rng(3)
    p, x, dh = weights.init("rnn", 2, 3, rng, dtype=np.float64), rng.normal(size=(1, 6, 2)), rng.normal(size=(1, 6, 3))
    start = cells.HState(rng.normal(size=(1, 3)))
    h, _, caches = bptt.unroll(cells.rnn_step, x, start, p)
    before = np.concatenate([start.h, h[0, :-1]])
    carried, forward = np.zeros((3, 3, 3)), np.zeros((3, 3))
    for t in range(6):
        slope = 1 - h[0, t] ** 2
        immediate = np.einsum("m,mi,j->mij", slope, np.eye(3), before[t])
        carried = immediate + np.einsum("m,mn,nij->mij", slope, p.W_hh, carried)
        forward += np.einsum("m,mij->ij", dh[0, t], carried)
    backward = bptt.bptt(cells.rnn_step_backward, dh, None, caches, p)[2].W_hh
    assert max_error(forward, backward) < 1e-12


# Three steps by hand


def hand():
    """Parameters, input, start, the states, the caches and the gradients of the three steps."""
    p = cells.RNNParams(np.ones((1, 1)), np.full((1, 1), 0.5), np.zeros(1))
    x, start = np.array([0.5, 0, -0.5]).reshape(1, 3, 1), cells.HState(np.ones((1, 1)))
    h, last, caches = bptt.unroll(cells.rnn_step, x, start, p)
    return p, x, start, h[0, :, 0], caches, cells.HState(last.h - 1)


def test_three_steps_by_hand_forward():
    _, _, _, h, _, error = hand()
    a = [0.5 * before + x_t for before, x_t in zip([1, *h], [0.5, 0, -0.5])]
    for t, row in enumerate(["0.5 + 0.5 \\cdot 1 = 1", "0 + 0.5 \\cdot 0.762 = 0.381", "0.363 = -0.318"]):
        stated(row, a[t])
        said = f"{h[t]:.3f} | {1 - h[t] ** 2:.3f} |".replace("-", "−")
        assert said in TEXT
    stated("The error is $-0.308 - 1 = -1.308", error.h.item())
    stated(r"the loss $\frac12 \cdot 1.308^2 = 0.855", error.h.item() ** 2 / 2)


def test_three_steps_by_hand_backward():
    """Every number of the table, each rounded to the digits that it shows."""
    p, _, start, h, caches, error = hand()
    table = TEXT.split("| step | arrives")[1].split("\n\n")[0].splitlines()[2:]
    back = bptt.state_gradients(cells.rnn_step_backward, error, caches, p)
    before = [start.h.item(), *h]
    for t, row in zip((3, 2, 1), table):
        step, *shown = row.strip("| ").replace("\u00a0", " ").replace("−", "-").split("|")
        slope, arrives, goes_on = 1 - h[t - 1] ** 2, back[t].h.item(), back[t - 1].h.item()
        da = arrives * slope
        wanted = [arrives, slope, da, before[t - 1], da * before[t - 1], 0.5, goes_on]
        found = [float(v) for part in shown for v in re.findall(r"-?[\d.]+", part)]
        assert int(step) == t
        assert found == pytest.approx(wanted, abs=5.001e-4)


def test_three_steps_by_hand_three_ways():
    """The uses of w one by one, their sum, and the gradient of u and b."""
    p, x, _, h, caches, error = hand()

    def loss(w, tanh):
        h = 1.0
        for t in range(3):
            h = tanh(x[0, t, 0] + w[t] * h)
        return (h - 1) ** 2 / 2

    back = bptt.state_gradients(cells.rnn_step_backward, error, caches, p)
    uses = [back[t + 1].h.item() * (1 - h[t] ** 2) * [1, *h][t] for t in range(3)]
    three_ways(loss, [0.5] * 3, uses)
    _, dstart, dp = bptt.bptt(cells.rnn_step_backward, None, error, caches, p)
    assert dp.W_hh.item() == pytest.approx(sum(uses), abs=1e-15)

    def shared(a, tanh):
        h = a[3]
        for t in range(3):
            h = tanh(a[1] * x[0, t, 0] + a[0] * h + a[2])
        return (h - 1) ** 2 / 2

    three_ways(shared, [0.5, 1, 0, 1], [dp.W_hh.item(), dp.W_ih.item(), dp.b.item(), dstart.h.item()])
    stated("$-0.430 - 0.391 - 0.108 = -0.929", dp.W_hh.item())
    stated("which is 0.538", dp.W_ih.item())
    assert [round(u, 2) for u in uses] == [-0.11, -0.39, -0.43]
    assert "the three uses get −0.11, −0.39 and −0.43" in TEXT


def test_answers_about_the_three_steps(chapter):
    """On the slider the first use never gets more than the last; at 2 next to nothing; at 0 all get 0."""

    def uses(w):
        panel = chapter["walk"]("backward, step 1", w)[0]
        return [panel["values"][panel["layout"]["ids"].index(f"use{t}")] for t in (1, 2, 3)]

    for w in np.arange(0, 2.01, 0.25):
        first, _, last = np.abs(uses(w))
        assert first <= last
    assert abs(uses(2.0)[0]) < 0.001
    assert not np.any(uses(0.0))


def parts(panels):
    """What each use of w adds, from the dots of the first figure: the size, with its sign."""
    return np.nan_to_num(values(panels, "above 0")) - np.nan_to_num(values(panels, "below 0"))


def test_answers_about_the_first_figure(chapter):
    blame = chapter["blame"]
    for w, said in ((0.8, 11), (0.5, 7), (2.0, 3)):
        for wanted in np.arange(-1, 1.01, 0.25):
            panels = blame(w, wanted)
            assert values(panels, "uses with over 1% of the largest part")[0] == said
            drawn = np.abs(parts(panels))
            assert drawn[0] == 0
            assert (drawn[1:] > 1e-12).all()  # "a use that gets none has no dot", and every other has one
            assert (drawn < 1).all()
            assert np.sum(drawn > values(panels, "1% of the largest")) == said  # dots above the dashed line
    for words in ("At 0.8 eleven uses", "At 0.5 it is seven", "at 2 only three"):
        assert words in TEXT

    def loss(w, tanh):
        h = 0.0 * w[0]
        for t in range(12):
            h = tanh(float(chapter["push"][t]) + w[t] * h)
        return (h + 0.5) ** 2 / 2

    for w in (-0.8, 0.5, 1.0, 2.0):
        three_ways(loss, [w] * 12, parts(blame(w, -0.5)))


# Any number of units


def network():
    rng = np.random.default_rng(0)
    p = weights.init("rnn", 3, 4, rng, dtype=np.float64)
    x, dh = rng.normal(size=(2, 5, 3)), rng.normal(size=(2, 5, 4))
    return p, x, dh, cells.HState(rng.normal(size=(2, 4)))


def torch_rnn(p):
    net = torch.nn.RNN(3, 4, batch_first=True, dtype=torch.float64)
    net.load_state_dict(interchange.to_torch(p))
    return net


def torch_gradients(net):
    return cells.RNNParams(*(w.grad.numpy() for w in (net.weight_ih_l0, net.weight_hh_l0, net.bias_ih_l0)))


def test_the_general_gradient_three_ways():
    """The equations of "For any number of units", for weights, input and start."""
    p, x, dh, start = network()

    def loss(p=p, x=x, start=start):
        return np.sum(dh * bptt.unroll(cells.rnn_step, x, start, p)[0])

    h, _, caches = bptt.unroll(cells.rnn_step, x, start, p)
    dx, dstart, dp = bptt.bptt(cells.rnn_step_backward, dh, None, caches, p)
    gradcheck(lambda p: loss(p=p), p, dp)
    gradcheck(lambda x: loss(x=x), x, dx)
    gradcheck(lambda s: loss(start=s), start, dstart)
    net, tx, ts = torch_rnn(p), torch.tensor(x, requires_grad=True), torch.tensor(start.h[None], requires_grad=True)
    (net(tx, ts)[0] * torch.tensor(dh)).sum().backward()
    for ours, theirs in [*zip(dp, torch_gradients(net)), (dx, tx.grad.numpy()), (dstart.h, ts.grad[0].numpy())]:
        assert max_error(ours, theirs) < 1e-12
    # the same once more as the equations are printed, one sequence and one step at a time
    written = cells.RNNParams(*(np.zeros_like(a) for a in p))
    for n in range(2):
        da = np.zeros(4)
        for t in reversed(range(5)):
            da = (dh[n, t] + p.W_hh.T @ da) * (1 - h[n, t] ** 2)
            before = h[n, t - 1] if t else start.h[n]
            written = written._make(
                total + now for total, now in zip(written, (np.outer(da, x[n, t]), np.outer(da, before), da))
            )
            assert max_error(p.W_ih.T @ da, dx[n, t]) < 1e-12
    assert all(max_error(a, b) < 1e-12 for a, b in zip(written, dp))


def test_the_product_of_jacobians_three_ways(chapter):
    """The matrix that the figure shows is the derivative of state t with respect to state k."""
    size, N = 0.8, chapter["N"]
    p = cells.RNNParams(np.eye(2), size * chapter["turn"], np.zeros(2))
    h, _, _ = bptt.unroll(cells.rnn_step, chapter["inputs"], cells.HState(np.zeros((1, 2))), p)
    states = np.concatenate([np.zeros((1, 2)), h[0]])
    for t in range(1, N + 1):
        for k in range(t):
            panel = chapter["chain"](t, k, size)[1]
            shown = panel["z"].reshape(2, -1)[:, 3 * (N - k - 1) : 3 * (N - k - 1) + 2]

            def end(h_k, m=None, k=k, t=t):
                for j in range(k, t):
                    h_k = np.tanh(chapter["inputs"][0, j] + p.W_hh @ h_k)
                return h_k if m is None else h_k[m]

            differences = [numerical_gradient(lambda s, m=m: end(s, m), states[k]) for m in (0, 1)]
            assert max_error(shown, np.array(differences)) < 1e-8

            def end_torch(h_k, k=k, t=t):
                for j in range(k, t):
                    h_k = torch.tanh(torch.tensor(chapter["inputs"][0, j]) + torch.tensor(p.W_hh) @ h_k)
                return h_k

            theirs = torch.autograd.functional.jacobian(end_torch, torch.tensor(states[k])).numpy()
            assert max_error(shown, theirs) < 1e-12


def test_answers_about_the_product(chapter):
    largest = {s: values(chapter["chain"](6, 0, s), "largest number in dh_t/dh_k")[0] for s in (0.5, 0.8, 1.0, 1.2)}
    stated("left after six factors is 0.08", largest[0.8], 2)
    stated("at 1 it is 0.35", largest[1.0], 2)
    stated("at 1.2 it is 1.16", largest[1.2], 2)
    assert values(chapter["chain"](3, 5, 0.8), "largest number in dh_t/dh_k")[0] == 0
    assert values(chapter["chain"](4, 4, 0.8), "largest number in dh_t/dh_k")[0] == 1


def test_a_network_without_sharing_has_the_same_gradient():
    """Plain backpropagation through five layers of their own; the sum over layers is what `bptt` returns."""
    p, x, dh, start = network()
    layers = [[torch.tensor(a, requires_grad=True) for a in p] for _ in range(5)]
    h, total = torch.tensor(start.h), 0
    for t, (W_ih, W_hh, b) in enumerate(layers):
        h = torch.tanh(torch.tensor(x[:, t]) @ W_ih.T + h @ W_hh.T + b)
        total = total + (h * torch.tensor(dh[:, t])).sum()
    total.backward()
    _, _, caches = bptt.unroll(cells.rnn_step, x, start, p)
    _, _, ours = bptt.bptt(cells.rnn_step_backward, dh, None, caches, p)
    for mine, *copies in zip(ours, *layers):
        assert max_error(mine, sum(c.grad for c in copies).numpy()) < 1e-12
        assert max_error(copies[0].grad.numpy(), copies[-1].grad.numpy()) > 0.01  # the layers' own differ


# Gradient checking


def test_answers_about_the_best_eps(chapter):
    """Where the three curves are lowest, how low, and what a check with a tiny eps sees."""
    powers = chapter["POWERS"]
    curves = {name: np.median(errors, axis=0) for name, (errors, _, _) in chapter["METHODS"].items()}
    best = {name: (powers[e.argmin()], e.min()) for name, e in curves.items()}
    assert -5.5 <= best["central"][0] <= -4.5
    assert best["central"][1] < 1e-10  # "good for ten digits"
    assert -8 <= best["one-sided"][0] <= -7
    assert 1e-9 < best["one-sided"][1] < 1e-7  # "seven or eight"
    assert best["central, single precision"][0] == pytest.approx(-2, abs=0.5)
    assert 1e-5 < best["central, single precision"][1] < 1e-4  # "with four digits"
    assert curves["central"][powers == -12].item() > 1e-4
    assert np.cbrt(np.finfo(float).eps) == pytest.approx(6e-6, rel=0.02)  # the cube root that the text names


def test_a_right_gradient_fails_a_check_with_a_tiny_eps(chapter):
    """Question 3: at 1e-13 a relative error of 0.001 is nothing unusual, and 1e-5 tells."""
    errors, powers = chapter["METHODS"]["central"][0], chapter["POWERS"]
    low, high = np.quantile(errors[:, powers == -13], [0.1, 0.9])
    assert low < 0.001 < high
    assert np.quantile(errors[:, powers == -5], 0.9) < 1e-8


def test_a_check_over_one_step_misses_a_forgotten_past(chapter):
    p, x, dh, start = network()
    found = {}
    for T in (1, 2, 5):

        def loss(p, T=T):
            return np.sum(dh[:, :T] * bptt.unroll(cells.rnn_step, x[:, :T], start, p)[0])

        _, _, caches = bptt.unroll(cells.rnn_step, x[:, :T], start, p)
        _, _, dp = bptt.bptt(chapter["forgetful"], dh[:, :T], None, caches, p)
        found[T] = max(max_error(*pair) for pair in zip(dp, numerical_gradient(loss, p)))
    assert found[1] < 1e-8
    assert found[2] > 0.1
    assert found[5] > 0.1


def test_a_start_of_zero_hides_the_recurrent_weight():
    """Question 2: with T = 1 and a start of 0 the gradient of the recurrent weight is 0, three ways."""
    p, x, dh, _ = network()
    zero = cells.HState(np.zeros((2, 4)))
    _, _, caches = bptt.unroll(cells.rnn_step, x[:, :1], zero, p)
    _, _, dp = bptt.bptt(cells.rnn_step_backward, dh[:, :1], None, caches, p)
    net = torch_rnn(p)
    (net(torch.tensor(x[:, :1]))[0] * torch.tensor(dh[:, :1])).sum().backward()

    def loss(W_hh):
        return np.sum(dh[:, :1] * bptt.unroll(cells.rnn_step, x[:, :1], zero, p._replace(W_hh=W_hh))[0])

    assert not dp.W_hh.any()
    assert not numerical_gradient(loss, p.W_hh).any()
    assert not net.weight_hh_l0.grad.any()
    assert dp.b.any()


# Cutting time short


@pytest.mark.parametrize("window", [1, 2, 3, 5])
def test_a_truncated_gradient_three_ways(window):
    """The sum over chunks of a gradient with the start of each chunk held still: differences, and detach in PyTorch."""
    p, x, dh, start = network()
    h, _, caches = bptt.unroll(cells.rnn_step, x, start, p)
    _, _, ours = bptt.truncated_bptt(cells.rnn_step_backward, dh, None, caches, p, window=window)

    def loss(p):
        total = 0.0
        for t in range(0, 5, window):
            begin = cells.HState(h[:, t - 1]) if t else start  # a number, which does not follow p
            piece = slice(t, t + window)
            total += np.sum(dh[:, piece] * bptt.unroll(cells.rnn_step, x[:, piece], begin, p)[0])
        return total

    gradcheck(loss, p, ours)
    net, state = torch_rnn(p), torch.tensor(start.h)[None]
    for t in range(0, 5, window):
        out, state = net(torch.tensor(x[:, t : t + window]), state.detach())
        (out * torch.tensor(dh[:, t : t + window])).sum().backward()  # gradients of the chunks add up
    assert all(max_error(a, b) < 1e-12 for a, b in zip(ours, torch_gradients(net)))


def test_without_detach_pytorch_stops_and_retaining_goes_back_to_the_start():
    p, x, dh, start = network()
    _, _, caches = bptt.unroll(cells.rnn_step, x[:, :4], start, p)
    for retain in (False, True):
        net, state = torch_rnn(p), torch.tensor(start.h)[None]
        out, state = net(torch.tensor(x[:, :2]), state)
        (out * torch.tensor(dh[:, :2])).sum().backward(retain_graph=retain)
        out, state = net(torch.tensor(x[:, 2:4]), state)
        second = (out * torch.tensor(dh[:, 2:4])).sum()
        if not retain:
            with pytest.raises(RuntimeError, match="Trying to backward through the graph a second time"):
                second.backward()
        else:
            second.backward()
            _, _, full = bptt.bptt(cells.rnn_step_backward, dh[:, :4], None, caches, p)
            assert all(max_error(a, b) < 1e-12 for a, b in zip(full, torch_gradients(net)))
    assert "Trying to backward through the graph a second time" in TEXT


def test_retaining_does_not_survive_an_update_between_chunks():
    p, x, _, start = network()
    net, state = torch_rnn(p), torch.tensor(start.h)[None]
    update = torch.optim.SGD(net.parameters(), 0.1)
    out, state = net(torch.tensor(x[:, :2]), state)
    out.sum().backward(retain_graph=True)
    update.step()
    out, state = net(torch.tensor(x[:, 2:4]), state)
    assert "modified by an inplace operation" in TEXT
    with pytest.raises(RuntimeError, match="modified by an inplace operation"):
        out.sum().backward(retain_graph=True)


@pytest.fixture(scope="module")
def trained(chapter):
    """The namespace after all of the chapter's cells."""
    return run(chapter, after="forgetful")


@pytest.mark.slow
def test_truncation_is_bias_and_not_noise(trained):
    """More sequences bring the whole window to the target and leave short windows off it."""
    angles, windows = trained["angles"], trained["WINDOWS"]
    before, after = (angles[m].mean(axis=0) for m in trained["NETWORKS"])
    assert np.allclose(angles[trained["NETWORKS"][0]][:, -1, -1], 1)
    assert before[0, -1] < 0.9  # two sequences: noise even without a cut
    six = windows.index(6)
    assert 0.8 < before[-1, six] < 0.97  # "still much to give"
    assert after[-1, six] < 0.7  # "turn away"
    assert after[-1, windows.index(3)] < after[-1, six] < after[-1, windows.index(12)]


def test_two_units_by_hand():
    """The columns' sum, the transpose, finite differences and PyTorch; and the product that the text calls wrong."""
    W, da = np.array([[1.0, 2.0], [3.0, -1.0]]), np.array([0.5, 1.0])
    assert r"\begin{pmatrix} 1 & 2 \\ 3 & -1 \end{pmatrix}" in TEXT
    by_columns = [sum(W[i, j] * da[i] for i in range(2)) for j in range(2)]
    assert by_columns == [3.5, 0]
    np.testing.assert_array_equal(W.T @ da, by_columns)
    np.testing.assert_array_equal(W @ da, [2.5, 0.5])
    assert max_error(W.T @ da, numerical_gradient(lambda h: da @ (W @ h), np.zeros(2))) < 1e-8
    leaf = torch.zeros(2, dtype=torch.float64, requires_grad=True)
    (torch.tensor(da) @ (torch.tensor(W) @ leaf)).backward()
    assert max_error(W.T @ da, leaf.grad.numpy()) < 1e-12


def test_what_a_short_window_cannot_learn_follows_from_the_stored_rows():
    """Other rows, another word; and long windows solve the task, so the network has the units for it."""
    stored = experiments.load("truncation")
    names = pick("05-bptt", "on_windows")
    runs = len(stored["settings"]["seeds"])
    assert trials.learned(stored, window=24) == (runs, runs)
    assert np.median(1 - truncation.ends(stored, "none")) > 0.8  # "already keeps a fading trace"
    six = [r for r in stored["results"] if r["stage"] == "search" and r["window"] == 6]
    at = {rate: np.median([r["values"][-1] for r in six if r["rate"] == rate]) for rate in stored["settings"]["rates"]}
    assert max(at.values()) > 0.9  # "can be lost. Whether it is depends on the rate"
    assert at[0.01] < 0.6

    def said(share):
        new = copy.deepcopy(stored)
        for row in new["results"]:
            if row["stage"] == "compare":
                row["values"][-1] = share(row["window"]) + row["seed"] / 1000
        return names["on_windows"](new).data

    short = lambda w: w in (3, 6)  # noqa: E731
    assert "**Holds.**" in said(lambda w: 0.6 if short(w) else 0.9)
    assert "**Does not hold.**" in said(lambda w: 0.95 if short(w) else 0.8)
    assert "**Does not hold.**" in said(lambda w: 0.9)  # a difference shown to be small
    assert "**Holds when:** window 3." in said(lambda w: 0.6 if w == 3 else 0.9)
    assert "**Cannot tell:**" in said(lambda w: 0.45)


@pytest.mark.slow
def test_figures_stay_alive_when_all_cells_have_run(trained):
    """In a notebook a figure calls its function again, so no later cell may overwrite a name that it reads."""
    assert len(trained["figures"]) == 7
    for figure, frame in trained["figures"]:
        start = figure.values
        moved = {name: control.values[0] for name, control in figure._controls.items()}
        figure.values = moved if moved != start else {n: c.values[-1] for n, c in figure._controls.items()}
        assert figure.frame != frame
        figure.values = start
        assert figure.error == ""
        assert figure.frame == frame, figure.spec["title"]
