"""What chapter 13 states is what its code gives, its gradients are right three ways, its cell reads real folders."""

import itertools
import re

import numpy as np
import pytest
import torch
from chapter_cells import TRAINED_AGAIN, cells, pick, said
from course_site.execution import ROOT

from course_pkg import experiments, interchange, layers, models, tasks
from course_pkg.activations import softmax
from course_pkg.experiments import sentiment
from course_pkg.gradcheck import max_error, numerical_gradient
from course_pkg.tasks.sentences import BAD, DISLIKED, GOOD, LIKED, NEUTRAL, VERDICTS
from course_pkg.trees import tree_leaves

NAME = "13-sentiment"
TEXT = (ROOT / "book" / f"{NAME}.md").read_text(encoding="utf-8")
BAGS = ("tokens", "counts", "sum_loss", "fit_bag", "bag_right")
STORED = experiments.load("sentiment")


@pytest.fixture(scope="module")
def chapter():
    """The chapter's functions, with nothing trained."""
    return pick(NAME, "SIZES", "WORDS", "STORY", "SAID", "PLACES", "review", "positive", *BAGS, "imdb", "span", "told")


def test_no_backslash_was_lost():
    r"""A \v or \f that Python read as one character would leave an equation without its macro."""
    assert not re.search(r"[\x00-\x09\x0b-\x1f]", TEXT)


# By hand


def small_case():
    """The network of one unit that the chapter works out by hand, as the chapter's own cell makes it."""
    return pick(NAME, "one", "not_good")


def test_two_words_by_hand():
    """Every number of the forward and the way back, for "not good", and what padding makes of it."""
    case = small_case()
    found = {}
    for read, lengths in (("true", np.array([2])), ("late", None)):
        y, _, tape = models.many_to_one(case["not_good"], case["one"], lengths=lengths)
        dy = softmax(y) - [[1, 0]]
        found[read] = y[0], dy[0], tree_leaves(models.many_to_one_backward(dy, None, tape)[2])
    h, _, tape = models.many_to_many(case["not_good"], case["one"])
    h = tape.readout.x[0, :, 0]
    y, dy, d = found["true"]
    p = softmax(y)
    dh = dy @ [-1, 1]
    da_2 = dh * (1 - h[1] ** 2)
    da_1 = 0.5 * da_2 * (1 - h[0] ** 2)
    late, _, late_d = found["late"]
    stated = [
        (r"\tanh(1) = 0.762", h[0]),
        (r"\tanh(-0.5 + 0.381) = -0.119", h[1]),
        (r"y &= (0.119,\ -0.119)", y[1]),
        (r"p &= (0.559,\ 0.441)", p[1]),
        (r"(-0.441,\ 0.441)", dy[1]),
        (r"0.441 + 0.441 = 0.882", dh),
        (r"(1 - 0.119^2) = 0.869", da_2),
        (r"0.5 \cdot 0.869 = 0.435", 0.5 * da_2),
        (r"(1 - 0.762^2) = 0.183", da_1),
        (r"0.869 \cdot 0.762 = 0.662", d["stack.0.forward.W_hh"].item()),
        ("+ 0.183 \\cdot 1 \\\\\n&= -0.252", d["stack.0.forward.W_ih"].item()),
        (r"\tanh(0.5 \cdot (-0.119)) = -0.059", h[2]),
        ("a probability of 0.470", softmax(late)[1]),
    ]
    for words, value in stated:
        assert words in TEXT, words
        assert float(re.findall(r"-?[\d.]+", words)[-1]) == pytest.approx(value, abs=6e-4), words
    assert abs(late_d["stack.0.forward.W_hh"].item()) < 0.5 * abs(d["stack.0.forward.W_hh"].item())


def test_a_sum_gets_three_of_four():
    """great, not great, awful, not awful: no weights get all four, some get three."""
    contains = np.array([[1, 0, 0], [1, 0, 1], [0, 1, 0], [0, 1, 1]])  # great, awful, not
    wanted = np.array([1, 0, 0, 1])
    tried = itertools.product(np.linspace(-3, 3, 13), repeat=4)
    right = max(((contains @ w[:3] + w[3] + 1e-9 > 0) == wanted).sum() for w in map(np.array, tried))
    assert right == 3


def test_every_word_stands_in_as_many_positive_as_negative_verdicts():
    """So all derivatives of the bag's loss are 0 at weights of 0, and a guess is the best."""
    often = np.zeros((2, len(sentiment.SYMBOLS)))
    for rows in VERDICTS:
        for side, slots in enumerate(rows):
            for text in itertools.product(*slots):
                share = 1 / np.prod([len(slot) for slot in slots])
                np.add.at(often[side], tasks.encode(" ".join(text).split(), sentiment.SYMBOLS), share)
    np.testing.assert_allclose(often[0], often[1])


# The gradients, three ways


@pytest.mark.parametrize("read", ["last", "mean"])
@pytest.mark.parametrize("cell", ["rnn", "lstm", "gru"])
def test_the_gradient_three_ways(cell, read):
    """Every parameter, for texts of different lengths, read from the last true state and from the mean."""
    rng = np.random.default_rng(0)
    p = models.init(cell, 9, 4, 2, rng, embedding=3, dtype=np.float64)
    x, lengths = tasks.pad([[3, 1, 4, 1, 5], [2, 7], [8, 2, 6]])
    y = np.array([1, 0, 1])
    answer, loss = sentiment.READ[read]
    batch = x, y, None, lengths
    ours = tree_leaves(loss(p, batch, None, None)[1])
    near = tree_leaves(numerical_gradient(lambda q: loss(q, batch, None, None)[0], p))
    assert ours.keys() == near.keys()
    assert max(max_error(ours[k], near[k]) for k in near) < 1e-8

    table = torch.nn.Embedding.from_pretrained(torch.tensor(p.embedding.table), freeze=False)
    core = {"rnn": torch.nn.RNN, "lstm": torch.nn.LSTM, "gru": torch.nn.GRU}[cell](3, 4, batch_first=True).double()
    core.load_state_dict(interchange.to_torch(p.stack))
    out = torch.nn.Linear(4, 2).double()
    out.load_state_dict({"weight": torch.tensor(p.readout.W), "bias": torch.tensor(p.readout.b)})
    packed = torch.nn.utils.rnn.pack_padded_sequence(
        table(torch.tensor(x)), lengths, batch_first=True, enforce_sorted=False
    )
    h, last = core(packed)
    if read == "last":
        state = (last[0] if cell == "lstm" else last)[0]
    else:
        h, _ = torch.nn.utils.rnn.pad_packed_sequence(h, batch_first=True)
        state = h.sum(dim=1) / torch.tensor(lengths)[:, None]
    theirs = out(state)
    torch.nn.functional.cross_entropy(theirs, torch.tensor(y)).backward()
    assert max_error(answer(x, p, lengths)[0], theirs.detach().numpy()) < 1e-12
    for name, grad in (
        ("embedding.table", table.weight.grad),
        ("stack.0.forward.W_ih", core.weight_ih_l0.grad),
        ("stack.0.forward.W_hh", core.weight_hh_l0.grad),
        ("readout.W", out.weight.grad),
        ("readout.b", out.bias.grad),
    ):
        assert max_error(ours[name], grad.numpy()) < 1e-12, name


@pytest.mark.parametrize("read", ["last", "mean"])
def test_where_the_loss_touches_the_states(read):
    """The immediate derivatives as the equations have them, and zero behind the end of a review."""
    rng = np.random.default_rng(0)
    h, W, dy = rng.normal(size=(3, 7, 4)), rng.normal(size=(2, 4)), rng.normal(size=(3, 2))
    lengths = np.array([4, 7, 2])

    def answers(h):
        if read == "last":
            state = h[np.arange(3), lengths - 1]
        else:
            state = np.stack([row[:n].mean(axis=0) for row, n in zip(h, lengths)])
        return np.sum(dy * (state @ W.T))

    near = numerical_gradient(answers, h)
    wanted = np.zeros_like(h)
    for k, n in enumerate(lengths):
        if read == "last":
            wanted[k, n - 1] = W.T @ dy[k]
        else:
            wanted[k, :n] = W.T @ dy[k] / n
    assert max_error(wanted, near) < 1e-8
    touched = np.abs(wanted).sum(axis=2) > 0
    assert touched.sum() == {"last": 3, "mean": 13}[read]  # question 2


def network(cell="gru", dtype=np.float32):
    return models.init(cell, len(sentiment.SYMBOLS), 5, 2, np.random.default_rng(0), embedding=3, dtype=dtype)


# What the text says of reading


def test_the_answer_at_a_word_is_that_of_a_review_that_ends_there(chapter):
    net, text = network(dtype=np.float64), chapter["review"]("it is not awful", 2)
    p = chapter["positive"](text, net)
    ids = tasks.encode(text, sentiment.SYMBOLS)
    for t in range(1, len(text) + 1):
        assert p[t - 1] == pytest.approx(softmax(models.many_to_one(ids[None, :t], net)[0])[0, 1], abs=1e-12)


@pytest.mark.parametrize("read", ["last", "mean"])
def test_padding_changes_nothing_when_the_lengths_are_known(read):
    """Equal to the last bit, for the answers and all gradients; without the lengths it is another answer."""
    new = tasks.reviews(6, np.random.default_rng(0))
    net, (answer, loss) = network(), sentiment.READ[read]
    wide = np.pad(new.x, ((0, 0), (0, 30)))
    wide[wide == 0] = 5  # whatever stands behind the end
    assert np.array_equal(answer(new.x, net, new.lengths)[0], answer(wide, net, new.lengths)[0])
    near, far = (tree_leaves(loss(net, (x, new.y, None, new.lengths), None, None)[1]) for x in (new.x, wide))
    assert all(np.array_equal(near[k], far[k]) for k in near)
    late = answer(wide, net, new.lengths + 30)[0]
    assert np.abs(late - answer(new.x, net, new.lengths)[0]).max() > 1e-3


def test_the_figures_review_is_six_sentences_with_the_verdict_at_its_place(chapter):
    for verdict, place in itertools.product(chapter["SAID"], chapter["PLACES"]):
        text = " ".join(chapter["review"](verdict, place)).split(" . ")
        assert len(text) == 6
        assert text[place - 1].rstrip(" .") == verdict
        assert set(" ".join(text).split()) <= set(sentiment.SYMBOLS)


def test_kinds_of_words():
    text = tasks.words("the film lasts two hours . it is not awful . the music comes from a student .")
    kinds = sentiment.kinds_of(np.append(tasks.encode(text, sentiment.SYMBOLS), [0, 0])[None], 1)[0]
    named = dict(zip(text[6:11], kinds[6:11]))
    assert named == {"it": 2, "is": 2, "not": 3, "awful": 4, ".": 5}
    assert set(kinds[:6]) == {0}
    assert set(kinds[11:-2]) == {1}
    assert set(kinds[-2:]) == {-1}
    assert sentiment.KINDS[3:] == ("not or never", "opinion", "its full stop")


def test_reviews_that_hold_a_word():
    x = np.stack([tasks.encode(t.split(), sentiment.SYMBOLS) for t in ("it is charming .", "it is great .")])
    assert sentiment.holds(x, ["charming", "boring"]).tolist() == [True, False]


# The bags


def test_counts_of_words_and_pairs(chapter):
    x = np.array([[3, 4, 3, 0], [4, 4, 4, 3]])
    assert chapter["tokens"](x, False) is x
    pairs = chapter["tokens"](x, True)
    assert pairs.tolist() == [[300_004, 400_003, 0], [400_004, 400_004, 400_003]]
    np.testing.assert_array_equal(chapter["counts"](x, np.array([3, 4])), [[2, 1], [1, 3]])
    np.testing.assert_array_equal(chapter["counts"](pairs, np.array([300_004, 400_003])), [[1, 1], [0, 1]])
    np.testing.assert_array_equal(chapter["counts"](np.array([[9, 1]]), np.array([3, 4])), [[0, 0]])


def test_the_gradient_of_the_bag_three_ways(chapter):
    """Also the derivative that the text gives: the mean of (p - y) n_k."""
    rng = np.random.default_rng(0)
    n, y = rng.integers(0, 4, (7, 5)).astype(float), rng.integers(0, 2, 7)
    p = layers.LinearParams(rng.normal(size=(2, 5)), rng.normal(size=2))
    _, d, _ = chapter["sum_loss"](p, (n, y), None, None)
    near = numerical_gradient(lambda q: chapter["sum_loss"](q, (n, y), None, None)[0], p)
    assert max_error(d.W, near.W) < 1e-8
    W = torch.tensor(p.W, requires_grad=True)
    torch.nn.functional.cross_entropy(torch.tensor(n) @ W.T + torch.tensor(p.b), torch.tensor(y)).backward()
    assert max_error(d.W, W.grad.numpy()) < 1e-12
    positive = softmax(n @ p.W.T + p.b)[:, 1]
    assert max_error(d.W[1], ((positive - y)[:, None] * n).mean(axis=0)) < 1e-12


# Real reviews


def invented(folder, n=30):
    """A folder like aclImdb, with reviews that nobody wrote: the opinion is a pair of words, with a line break."""
    rng = np.random.default_rng(0)
    for split, side in itertools.product(("train", "test"), ("pos", "neg")):
        place = folder / "aclImdb" / split / side
        place.mkdir(parents=True)
        for k in range(n):
            plain = rng.random() < 0.5
            word = ("great", "awful")[(side == "neg") == plain]
            text = (
                f"A film I saw in {split}.<br /><br />It is {'' if plain else 'not '}{word}, {'and so on ' * (k % 3)}."
            )
            (place / f"{k}_{9 if side == 'pos' else 2}.txt").write_text(text, encoding="utf-8")
    return folder / "aclImdb"


def test_the_cell_for_real_reviews_runs_on_a_folder(chapter, tmp_path):
    """The four readers are trained and scored on what the folder holds; the pairs of words solve it."""
    folder = invented(tmp_path)
    found = chapter["imdb"](folder, limit=25, steps=120, size=60, longest=20, seeds=(0, 1))
    assert list(found) == ["<unk>", "bag of words", "bag of pairs", "GRU, last", "GRU, mean"]
    assert all(len(scores) == 2 for name, scores in found.items() if name != "<unk>")
    assert min(found["bag of pairs"]) > 0.9
    assert max(found["bag of words"]) < 0.75
    assert min(found["GRU, last"] + found["GRU, mean"]) > 0.9
    assert 0 < found["<unk>"][0] < 0.3  # the word "test" is not in the training part
    text = chapter["told"](found)
    assert "lowest to highest of 2" in text
    assert f"{found['<unk>'][0]:.1%} of the words" in text
    best = re.search(r"best mean accuracy is that of: (.*)\.", text)[1]
    assert np.mean(found[best]) == max(np.mean(v) for k, v in found.items() if k != "<unk>")


def test_the_page_says_when_no_folder_was_there(chapter):
    (cell,) = [c for c in cells(NAME) if "COURSE_IMDB" in c and "REAL =" in c]
    assert "REAL = imdb(FOLDER) if FOLDER else None" in cell
    assert chapter["told"](None).startswith("**Not run.** `COURSE_IMDB` named no folder")


def test_a_wrong_folder_is_named(chapter, tmp_path):
    with pytest.raises(FileNotFoundError, match="wanted the folder aclImdb"):
        chapter["imdb"](tmp_path)


# Check yourself


def test_the_answers():
    great, awful, negation = 2, -2, -1
    assert negation + awful == -3 < awful < 0
    assert 2 + 2 == 4  # not great, if the weight of not were 2
    assert great > 0
    assert np.log(0.99 / 0.01) == pytest.approx(4.6, abs=0.01)
    assert softmax(np.array([0, 4.595]))[1] == pytest.approx(0.99, abs=1e-4)
    with pytest.raises(ValueError, match="'superb', which is not among"):
        tasks.encode(["it", "is", "superb", "."], sentiment.SYMBOLS)


# What is said of the measurements follows from them


def five(*values):
    return np.tile(np.array(values, float), (5, 1))


def test_the_verdict_on_bags(chapter):
    def tell(single, double):
        scores = {(pairs, s): (v, v, v) for pairs, v in ((False, single), (True, double)) for s in range(5)}
        return said(NAME, "bag_rows = {", BAG_SCORES=scores)

    assert "**The bag of words guesses, with every seed.** **The bag of pairs does not miss" in tell(0.5, 1.0)
    assert "better than a guess" in tell(0.7, 1.0)
    assert "look for a leak" in tell(0.9, 1.0)
    assert "not without fault" in tell(0.5, 0.8)
    assert "is no better" in tell(0.5, 0.5)
    assert "| words | 0.500 | 0.500 | 0.500 |" in tell(0.5, 1.0)


def test_the_verdict_on_distance():
    names = {"rnn": "plain RNN", "lstm": "LSTM", "gru": "GRU"}

    def tell(alone, anywhere):
        one = lambda far: {c: five(1, 0.9, far) for c in names}  # noqa: E731
        table = {"at one distance": one(alone), "anywhere": one(anywhere)}
        return said(NAME, "def far_learned(", TAUGHT=table, NAMES=names, ANYWHERE=range(3), STORED=STORED)

    good = tell(0.5, 1.0)
    assert "**At distance 2, more of the networks learned it" in good
    assert "plain RNN and LSTM and GRU.**" in good
    assert "| GRU, at one distance | 5 | 0 | 0 |" in good
    assert "| GRU, anywhere | 5 | 0 | 5 |" in good
    assert "did not help with the far ones" in tell(1.0, 1.0)


def test_the_verdict_on_the_mean(chapter):
    names = {"rnn": "plain RNN", "gru": "GRU"}

    def tell(longer=0.5, **mean):
        table, far = ({("anywhere", c, "last"): five(v, v) for c in names} for v in (0.5, 0.7))
        table |= {("anywhere", c, "mean"): five(v, v) for c, v in mean.items()}
        far |= {("anywhere", c, "mean"): five(longer, 1) for c in names}
        given = {"NAMES": names, "span": chapter["span"], "SIZES": sentiment.SETTINGS}
        return said(NAME, "def pooled_verdict(", BY_DISTANCE=table, LONGER=far, **given)

    assert "ahead of all five with the last state for the plain RNN.**" in tell(rnn=0.9, gru=0.5)
    assert "ahead of all five with the last state for the plain RNN and GRU.**" in tell(rnn=0.9, gru=0.6)
    assert "For none of the three cells" in tell(rnn=0.5, gru=0.4)
    assert "GRU 0.700 from the last state and 0.500 from the mean." in tell(rnn=0.5, gru=0.4)
    assert "behind all five with the last state for the plain RNN and GRU.**" in tell(rnn=0.5, gru=0.4)
    assert "not clearly behind" in tell(0.8, rnn=0.5, gru=0.4)


def test_the_verdict_on_padding(chapter):
    def tell(last):
        rows = [{"cell": c, "padded": [1.0, 1.0, 1.0, last]} for c in ("lstm", "gru") for _ in range(5)]
        names = {"lstm": "LSTM", "gru": "GRU"}
        stored = {"results": [*rows, {"cell": "gru"}]}
        return said(NAME, "fallen = {", STORED=stored, NAMES=names, SIZES=sentiment.SETTINGS, span=chapter["span"])

    assert "5 of 5 LSTMs and 5 of 5 GRUs lose" in tell(0.6)
    assert "is a fault even where" in tell(0.6)
    assert "0 of 5 LSTMs and 0 of 5 GRUs lose" in tell(1.0)
    assert "luck and no design" in tell(1.0)


def test_the_verdict_on_kinds_of_words(chapter):
    def tell(opinion, turning=(0.9, 0.1)):
        def by_kind(cell, name):
            turn = {"i": turning[0], "z": turning[1]}.get(name, 0)
            return np.array([[0.1] * 5, [0.5] * 5, [0.3] * 5, [turn] * 5, opinion, [0.2] * 5])

        names = {"lstm": "LSTM", "gru": "GRU"}
        return said(NAME, "def kinds_verdict(", by_kind=by_kind, NAMES=names, span=chapter["span"])

    good = tell([1.0] * 5)
    assert good.count("a neutral word after the verdict by 0.500: more with every seed.") == 2
    assert good.count("**with every seed more is written") == 2
    assert "The mean of the update gate is 0.100 at *not*" in good
    assert tell([1.0] * 4 + [0.3]).count("not more with every seed") == 2
    assert tell([1.0] * 5, (0.1, 0.9)).count("not with every seed more is written") == 2


def test_the_verdict_on_units():
    table = {("LSTM", "it is not awful", 1): (0.01, 0.99, 1.5), ("LSTM", "it is awful", 2): (0.95, 0.99, 20.0)}
    after = lambda *which: table.get(which, (0.5, 0.5, -0.5))  # noqa: E731
    text = said(NAME, "def units_verdict(", after=after, UNITS=range(1, 4), GATED=("LSTM", "GRU"))
    assert "| LSTM 1 | 0.01, 0.99 | 1.5 | 0.50, 0.50 | −0.5 |" in text
    assert "more than 0.9 kept): LSTM 1. Units that go on adding (more than 0.9 of both): LSTM 2." in text
    text = said(NAME, "def units_verdict(", after=after, UNITS=range(1, 4), GATED=("GRU",))
    assert "more than 0.9 kept): none. Units that go on adding (more than 0.9 of both): none." in text


def test_the_verdict_on_words_held_back(chapter):
    def tell(sure):
        rows = [{"withheld": True, "known": [1.0, 0.99], "unknown": [0.6, sure]} for _ in range(5)]
        return said(NAME, "def sure_and_right(", STORED={"results": [*rows, {"withheld": False}]}, span=chapter["span"])

    assert "surer than it is right, by 0.30 or more" in tell(0.9)
    assert "not clearly surer" in tell(0.62)


def test_the_verdict_on_no_opinion():
    def tell(*found):
        names = {"GRUS": dict(enumerate(found)), "no_opinion": lambda net: net}
        cell = next(c for c in cells(NAME) if "UNDECIDED =" in c)
        exec(cell[cell.index("UNDECIDED =") :].replace("Markdown(", "text = str("), names)
        return names["text"]

    text = tell((0, 1.0), (200, 0.995), (50, 0.8))
    assert "| called positive, of 200 | 0 | 200 | 50 |" in text
    assert "**2 of 3 are sure to more than 0.99" in text
    assert text.endswith("hangs on the seed.")
    assert "None of them is sure" in tell((0, 0.9), (0, 0.8))
    assert tell((0, 0.9), (0, 0.8)).endswith("the same answer.")


def test_reviews_without_a_verdict():
    chapter = pick(NAME, "without_verdict")
    x, lengths = chapter["without_verdict"](20, np.random.default_rng(0))
    assert not sentiment.holds(x, ("not", "never", *LIKED, *DISLIKED, *GOOD, *BAD)).any()
    assert ((x == tasks.encode(".", sentiment.SYMBOLS)).sum(axis=1) == 5).all()
    assert (x[np.arange(20), lengths - 1] == tasks.encode(".", sentiment.SYMBOLS)).all()


# The experiment


TINY = sentiment.SETTINGS | {
    "seeds": [0, 1],
    "taught": [0, 5],
    "longer": 7,
    "units": 3,
    "embedding": 2,
    "reviews": 60,
    "test": 12,
    "train": {"steps": 2, "batch": 8, "rate": 0.02, "clip": 1.0},
}


def test_a_tiny_run_of_the_experiment(tmp_path):
    experiments.run("sentiment", TINY, tmp_path)
    stored = experiments.load("sentiment", tmp_path)
    for key, row in zip(sentiment.plan(TINY), stored["results"], strict=True):
        assert key.items() <= row.items()
    found = sentiment.scores(stored)
    assert all(rows.shape == (2, 6) for rows in found.values())
    assert set(found) == {("anywhere", c, r) for c in TINY["cells"] for r in ("last", "mean")} | {
        (d, c, "last") for d in (0, 5) for c in TINY["cells"]
    }
    assert sentiment.scores(stored, "longer")["anywhere", "gru", "mean"].shape == (2, 7)
    (seen, *_) = [r["watched"] for r in stored["results"] if r["cell"] == "lstm" and "watched" in r]
    assert {name: len(values) for name, values in seen.items()} == dict.fromkeys(["moved", *"ifo"], 6)


def test_a_withheld_network_has_not_seen_the_words(monkeypatch):
    seen = []
    monkeypatch.setattr(sentiment.train, "fit", lambda loss, net, data, rng, **how: seen.append(data) or FAKE(net))
    sentiment.trained(TINY, "anywhere", "gru", "last", 0, withheld=True)
    sentiment.trained(TINY, "anywhere", "gru", "last", 0)
    without, whole = (sentiment.holds(data[0], TINY["withheld"]) for data in seen)
    assert not without.any()
    assert whole.any()
    assert len(without) + whole.sum() == len(whole)


class FAKE:
    """What `train.fit` returns, untrained."""

    def __init__(self, params):
        self.params = params


def test_no_review_is_shorter_than_the_figure_looks_back():
    neutral = min(sum(min(len(e.split()) for e in slot) for slot in slots) + 1 for slots in NEUTRAL)
    verdict = min(sum(min(len(e.split()) for e in slot) for slot in side) + 1 for row in VERDICTS for side in row)
    assert 5 * neutral + verdict == pick(NAME, "BACK")["BACK"] == 29
    _, _, lengths = sentiment.draw(600, np.random.default_rng(0), 6, range(6))
    assert 6.5 <= lengths.mean() / 6 <= 7.5  # "a sentence is about seven words long"


def test_the_answers_about_the_stored_runs():
    """What the answers under the figures say of distance, mean, padding and kinds of words."""
    found, longer = sentiment.scores(STORED), sentiment.scores(STORED, "longer")
    learned = {k: (rows >= 0.95).sum(axis=0) for k, rows in found.items()}
    alone = {c: [learned[d, c, "last"][d] for d in range(6)] for c in ("rnn", "lstm", "gru")}
    assert alone == {"rnn": [5, 0, 0, 0, 0, 0], "lstm": [5, 4, 0, 0, 0, 0], "gru": [5, 5, 2, 0, 0, 0]}
    assert max(found[d, c, "last"][:, d].max() for d in (3, 4, 5) for c in alone) < 0.65  # "better than a guess"
    for c in ("lstm", "gru"):
        assert set(learned["anywhere", c, "last"]) == {5}
    assert found["anywhere", "rnn", "last"][:, 1:].max() < 0.65

    mean = found["anywhere", "rnn", "mean"]
    assert (mean[:, :1] < mean[:, 1:]).all()  # "Distance 0"
    assert (longer["anywhere", "rnn", "mean"][:, 0] < mean[:, 0]).all()  # "in a longer review it is worse"

    seen = {c: [r["watched"] for r in STORED["results"] if r["cell"] == c and "watched" in r] for c in ("lstm", "gru")}
    for rows in seen.values():
        moved = np.array([r["moved"] for r in rows])
        assert (moved[:, 1] < moved[:, 0]).all()  # neutral words after the verdict, and before it
        assert moved[:, 2:].mean(axis=0).min() > moved[:, :2].mean(axis=0).max()
        assert moved.max() < 10  # the figure's range
    assert np.mean([r["z"] for r in seen["gru"]], axis=0).argmin() == 3  # the update gate is lowest at not or never


# What is trained


@pytest.mark.slow
@pytest.mark.parametrize("seed", TRAINED_AGAIN)
def test_each_network_reaches_what_the_text_says(chapter, seed):
    """Taught anywhere, far alone and without two words; the bags."""
    settings = sentiment.SETTINGS

    def right(cell, read, taught="anywhere", sentences=6):
        return np.array(
            sentiment.right(settings, sentiment.trained(settings, taught, cell, read, seed), read, sentences)
        )

    assert right("lstm", "last").min() > 0.95
    assert right("gru", "last").min() > 0.95
    assert right("rnn", "last")[1:].max() < 0.65
    mean = right("rnn", "mean")
    assert mean.mean() > 0.9
    assert mean[0] < mean[1:].min()
    assert right("gru", "last", taught=5)[5] < 0.65
    known, unknown = sentiment.with_and_without(
        settings, sentiment.trained(settings, "anywhere", "gru", "last", seed, True)
    )
    assert known[0] > 0.95
    assert unknown[1] - unknown[0] > 0.05

    x, y, _ = sentiment.draw(3000, np.random.default_rng(seed), 6, range(6))
    new_x, new_y, _ = sentiment.draw(2400, np.random.default_rng(99), 6, range(6))
    for pairs, low, high in ((False, 0.45, 0.55), (True, 0.99, 1.0)):
        bag = chapter["fit_bag"](x, y, pairs, np.random.default_rng(seed))
        assert low < chapter["bag_right"](new_x, new_y, pairs, bag).mean() <= high


@pytest.mark.slow
def test_what_the_answers_say_of_the_networks_shown():
    """The first figure, the padding and the unit that latches, with the networks that the page trains."""
    names = ("SEED", "SIZES", "WORDS", "NAMES", "NETS", "STORY", "SAID", "review", "positive", "TWIN", "EXTRA")
    page = pick(NAME, *names, "inside", "after", "GATED", "LEAN", "by_weight", "ORDER", "SHUT")
    review, positive, said_, nets = (page[k] for k in ("review", "positive", "SAID", "NETS"))
    good = {"it is great": True, "it is not great": False, "it is awful": False}
    good |= {"it is not awful": True, "i loved it": True, "i never loved it": False}

    text = review("it is not awful", 2)
    p = positive(text, nets["GRU"])
    stop = text.index("awful") + 1
    assert p[text.index("hours") : text.index("is") + 1].max() < 0.5  # it leans to negative
    assert p[stop:].min() > 0.95
    assert len(text) - stop - 1 == 31
    for place in range(1, 7):
        ends = {v: positive(review(v, place), nets["plain RNN"])[-1] for v in said_}
        if place == 6:
            assert {v: bool(e > 0.5) for v, e in ends.items()} == good
        elif place < 5:
            assert np.ptp(list(ends.values())) < 0.05

    def late(net, verdict):
        text = review(verdict, 2)
        return positive([*text, *["<pad>"] * page["EXTRA"]], net)[len(text) - 1 :]

    for verdict, is_good in good.items():
        first, twin = late(nets["GRU"], verdict), late(page["TWIN"]["another GRU"], verdict)
        assert ((first > 0.5) == is_good).all()
        assert (twin[0] > 0.5) == is_good
        assert not twin[-1] > 0.5  # the positive ones turn around
        if is_good:
            assert 25 < np.argmax(twin < 0.5) <= 40

    after, awful = page["after"], text.index("awful")
    units = {name: [after(name, "it is not awful", u) for u in page["UNITS"]] for name in page["GATED"]}
    shut = page["SHUT"]
    assert units["LSTM"][shut - 1][0] < 0.1
    assert units["LSTM"][shut - 1][1] > 0.9
    unit, seen = page["ORDER"]["LSTM"][shut - 1], page["inside"]("LSTM", "it is not awful", 2)
    assert seen["kept"][awful, unit] < 0.1
    assert seen["written"][awful, unit] > 0.9
    assert np.ptp(seen["held"][awful + 2 :, unit]) < 0.2  # stays where it is
    assert max(held for new, old, held in units["LSTM"] if min(new, old) > 0.9) > 15  # one climbs
    assert positive(" ".join(page["STORY"]).split(), nets["GRU"])[-1] < 0.05  # "a review without any verdict"
    assert sum(kept > 0.95 for _, kept, _ in units["GRU"]) > 3  # "most of the six units", frozen
    assert all(after("GRU", "it is awful", u)[1] < 0.9 for u in page["UNITS"])  # "go on moving"


def test_the_folder_is_named_by_the_environment(monkeypatch, tmp_path):
    """Set, the cell hands it to `imdb`; not set, nothing is run."""
    (cell,) = [c for c in cells(NAME) if "REAL =" in c]
    last = next(line for line in cell.splitlines() if line.startswith("REAL ="))
    for folder, wanted in ((str(tmp_path), ("run on", str(tmp_path))), (None, None)):
        if folder:
            monkeypatch.setenv("COURSE_IMDB", folder)
        else:
            monkeypatch.delenv("COURSE_IMDB")
        names = {"FOLDER": pick(NAME, "FOLDER")["FOLDER"], "imdb": lambda folder: ("run on", folder)}
        exec(last, names)
        assert names["REAL"] == wanted
