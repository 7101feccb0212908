"""The numbers that the chapter on language models states in words are the numbers that its code gives."""

import re

import chapter_cells
import numpy as np
import pytest
from course_site.execution import ROOT

from course_pkg import experiments, weights, writer
from course_pkg.experiments import language_model, trials

NAME = "04-language-model"
TEXT = (ROOT / "book" / f"{NAME}.md").read_text(encoding="utf-8")


@pytest.fixture(scope="module")
def stored():
    return experiments.load("language_model")


def windows(text, size=60):
    return {text[k : k + size] for k in range(len(text) - size + 1)}


def test_what_is_held_out_is_unseen():
    """Under one per cent of the held-out windows of 60 characters stand in a text that is learned or chosen from."""
    learn, choose, held_out = language_model.split(language_model.paragraphs())
    known = windows(learn) | windows(choose)
    inside = np.mean([held_out[k : k + 60] in known for k in range(len(held_out) - 59)])
    assert inside < 0.01
    assert len(held_out) > 10_000


def test_a_split_without_the_care_would_have_leaked(monkeypatch):
    """The instrument works: with repeated paragraphs left in, it finds them."""
    monkeypatch.setattr(language_model, "WINDOW", 10**6)  # only whole paragraphs of a million characters are repeats
    monkeypatch.setattr(
        language_model.tasks, "help_text", lambda: "\n\n".join([f"{'Word ' * 20}{k % 7}x." for k in range(40)])
    )
    learn, _, held_out = language_model.split(language_model.paragraphs() * 2)
    known = windows(learn)
    assert np.mean([w in known for w in windows(held_out)]) > 0.5


def test_by_hand():
    # banana: after a came n twice; with 1 added to each of a, b, n: 1/5, 1/5, 3/5
    after = [b for a, b in zip("banana", "banana"[1:]) if a == "a"]
    counts = {c: after.count(c) + 1 for c in "abn"}
    assert [counts[c] / sum(counts.values()) for c in "abn"] == [1 / 5, 1 / 5, 3 / 5]
    assert 31**2 == 961
    assert "$31^5 = 28{,}629{,}151$" in TEXT
    assert 31**5 == 28_629_151
    assert round(1000 * np.log10(0.3)) == -523
    assert f"approx {3**5.7:.0f}$" in TEXT
    # Adam's first update
    w, g = {"a": np.array([1.0])}, {"a": np.array([0.02])}
    m, v = ({"a": np.zeros(1)} for _ in range(2))
    new = writer.adam(w, g, m, v, 1, 0.01)
    assert m["a"] == pytest.approx(0.002)
    assert v["a"] == pytest.approx(4e-7)
    assert new["a"] == pytest.approx(1 - 0.01)
    assert writer.adam(w, {"a": np.array([200.0])}, *({"a": np.zeros(1)} for _ in range(2)), 1, 0.01)["a"] == (
        pytest.approx(0.99)
    )


def test_the_answers_about_surprise():
    surprise = chapter_cells.pick(NAME, "surprise")["surprise"]

    def said(*settings):
        return [item["value"].item() for item in surprise(*settings)[1]["items"]]

    assert said(1 / 31, 1 / 31, 0.1) == pytest.approx([np.log(31), np.log2(31), 31])
    assert "$\\ln 31 = 3.43$ nats, or 4.95 bits" in TEXT
    assert (np.log(31), np.log2(31)) == pytest.approx((3.43, 4.95), abs=5e-3)
    assert said(1.0, 0.5, 0.0) == [0, 0, 1]
    _, bits, _ = said(0.9, 1e-6, 0.01)
    assert f"{bits:.2f} bits against 1" in TEXT
    assert -0.01 * np.log2(1e-6) > 0.99 * -np.log2(0.9)  # "costs more than all the others together"


def test_counts():
    size = sum(a.size for a in writer.begin(31, 128, np.random.default_rng(0)).values())
    assert size == 128 * (31 + 128 + 1) + 31 * (128 + 1) == 24_479
    assert weights.cell_count("rnn", 31, 128) == 128 * (31 + 128 + 1)
    assert "24{,}479" in TEXT
    assert len(language_model.data()[0]) == 31


def test_the_answers_of_the_quiz():
    p = np.array([1 / 2, 1 / 8, 1 / 4])
    assert np.exp(-np.log(p).mean()) == pytest.approx(4)
    assert f"{1 / p.mean():.2f}, one over the mean" in TEXT
    assert 1 / np.prod(p) == pytest.approx(64)
    assert len(list(writer.chunks(np.arange(101), 2, 10))) == 4
    rng = np.random.default_rng(0)
    W, h, s = rng.normal(size=(5, 2)), rng.normal(size=2), 3
    loss = lambda h: np.log(np.exp(W @ h).sum()) - (W @ h)[s]  # noqa: E731
    e = np.exp(W @ h)
    by_paths = ((e / e.sum() - np.eye(5)[s]) * W[:, 0]).sum()
    eps = np.array([1e-6, 0])
    assert (loss(h + eps) - loss(h - eps)) / 2e-6 == pytest.approx(by_paths, abs=1e-8)


def test_sentences_follow_their_data():
    """Altered data give altered words."""
    names = chapter_cells.pick(NAME, "against_counts", "lost")
    counted = {"pairs": 2.0, "triples": 1.5}
    better = names["against_counts"](np.array([1.2, 1.3]), counted, 100)
    worse = names["against_counts"](np.array([1.7, 1.8]), counted, 100)
    assert "No count tried is better" in better
    assert "**Counting wins**: triples are better than every seed, the best 1.50 nats" in worse
    assert "counts of pairs, with every seed" in worse
    line, net = np.full((5, 16), 0.5), np.full((5, 4), 0.9)
    assert "gives back **less**" in names["lost"]((line, net), (0.2 * line, 0.5 * net), 5, [2, 5, 8, 12])
    assert "do **not** agree" in names["lost"]((line, net), (1.1 * line, 0.5 * net), 5, [2, 5, 8, 12])
    assert "hardly more" in names["lost"]((line, net), (line, line[:, :4]), 5, [2, 5, 8, 12])


def test_the_stored_runs(stored):
    """What the answers say is so."""
    settings, found = stored["settings"], trials.compared(stored)
    nats = trials.curves(found)
    assert (np.abs(nats[:, -1] - nats[:, -2]) < 0.1).all()  # the curve has become nearly level
    guesses = {
        (prompt, made): np.mean([run["guesses"][k][i] for run in found], axis=0)
        for i, prompt in enumerate(settings["prompts"])
        for k, made in enumerate(settings["updates"])
    }
    t, space = settings["shown"].index("t"), settings["shown"].index(" ")
    for prompt in ("statemen", "is an"):
        assert guesses[prompt, 10].argmax() == space  # "Both put the space first"
    assert guesses["statemen", 400].argmax() == t  # "within the first few hundred updates"
    assert guesses["is an", 400][t] < 0.5 * guesses["statemen", 400][t]
    level = np.mean([run["context"] for run in found], axis=0)
    enough = settings["context"][np.argmax(level < level[-1] + 0.02)]
    assert 6 <= enough <= 12  # "the length of a word and a half"


def test_what_the_probes_say(stored):
    """Less is found of the fifth letter after training, and the network probe finds more than the line."""
    for run in trials.compared(stored):
        at = stored["settings"]["probe"]["network"].index(5)
        assert run["line"][1][5] < run["line"][0][5]
        assert run["network"][1][at] < run["network"][0][at]
        assert run["network"][1][at] > run["line"][1][5]
        assert run["line"][1][8] < run["line"][0][8]


def test_the_verdict_names_the_counts(stored):
    verdict = language_model.verdict(stored)
    assert verdict.cases["counts of triples"] is True
    assert verdict.cases["counts of fives"] is False


def test_it_says_what_each_word_means():
    for word in ("window", "chunk", "batch"):
        assert re.search(rf"\*{{term}}`{word}`\*", TEXT), word
