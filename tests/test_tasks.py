"""Tasks: what is asked is what the docstring says, chance levels are true, real files are read or refused clearly."""

import itertools
import re

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from course_pkg import tasks
from course_pkg.tasks import music, sentences, translation

SEEDS = st.integers(0, 2**32 - 1)
quick = settings(deadline=None, max_examples=25)


def rng(seed=0):
    return np.random.default_rng(seed)


DRAWN = {
    "delayed_recall": lambda r: tasks.delayed_recall(20, 9, 3, r),
    "adding_problem": lambda r: tasks.adding_problem(20, 9, r),
    "copying_memory": lambda r: tasks.copying_memory(20, 5, r),
    "temporal_order": lambda r: tasks.temporal_order(20, 30, r),
    "parity": lambda r: tasks.parity(20, 9, r),
    "counting": lambda r: tasks.counting(20, 6, r),
    "reber": lambda r: tasks.reber(20, r),
    "embedded_reber": lambda r: tasks.embedded_reber(20, r),
    "reviews": lambda r: tasks.reviews(20, r),
    "tagged_sentences": lambda r: tasks.tagged_sentences(20, r),
    "dates": lambda r: tasks.dates(20, r),
    "melodies": lambda r: tasks.melodies(20, r),
    "sine_mixture": lambda r: tasks.sine_mixture(20, 9, r),
    "random_walk": lambda r: tasks.random_walk(20, 9, r),
    "arma": lambda r: tasks.arma(20, 9, r),
}


def texts(data):
    return [tasks.decode(x[:length], data.symbols) for x, length in zip(data.x, data.lengths)]


def same(a, b):
    arrays = all(np.array_equal(getattr(a, f), getattr(b, f)) for f in ("x", "y", "mask", "lengths"))
    return arrays and a.symbols == b.symbols and a.classes == b.classes


@pytest.mark.parametrize("name", DRAWN)
def test_the_same_seed_gives_the_same_data_and_another_seed_another(name):
    first = DRAWN[name](rng(1))
    assert same(first, DRAWN[name](rng(1)))
    assert not np.array_equal(first.x, DRAWN[name](rng(2)).x)


@pytest.mark.parametrize("name", DRAWN)
def test_data_is_of_one_form(name):
    """Symbols name every x, classes every y that counts; masks and lengths fit; padding is only at the end."""
    data = DRAWN[name](rng())
    assert len(data.x) == len(data.y) == 20
    assert isinstance(data.chance, float)
    if data.x.dtype.kind == "i":
        assert 0 <= data.x.min() <= data.x.max() < len(data.symbols)
        counted = data.y if data.mask is None else data.y[data.mask]
        assert 0 <= counted.min() <= counted.max() < len(data.classes)
    if data.mask is not None:
        assert data.mask.dtype == bool
        assert data.mask.shape == data.y.shape == data.x.shape
        assert data.mask.any()
    if data.lengths is not None:
        assert data.lengths.max() == data.x.shape[1]
        assert data.lengths.min() >= 1
        past_end = np.arange(data.x.shape[1]) >= data.lengths[:, None]
        assert np.all(data.x[past_end] == 0)
        if data.mask is not None:
            assert not np.any(data.mask & past_end)


@pytest.mark.parametrize("name", ["adding_problem", "sine_mixture", "random_walk", "arma"])
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_numbers_come_in_the_dtype_asked_for(name, dtype):
    data = getattr(tasks, name)(3, 10, rng(), dtype=dtype)
    assert data.x.dtype == data.y.dtype == dtype


@quick
@given(T=st.integers(1, 12), lag=st.integers(0, 11), symbols=st.integers(1, 30), seed=SEEDS)
def test_delayed_recall_asks_for_the_symbol_lag_steps_ago(T, lag, symbols, seed):
    if lag >= T:
        with pytest.raises(ValueError, match="lag"):
            tasks.delayed_recall(3, T, lag, rng(seed), symbols=symbols)
        return
    data = tasks.delayed_recall(3, T, lag, rng(seed), symbols=symbols)
    for n, t in itertools.product(range(3), range(T)):
        assert data.mask[n, t] == (t >= lag)
        if t >= lag:
            assert data.y[n, t] == data.x[n, t - lag]


@quick
@given(T=st.integers(2, 15), seed=SEEDS)
def test_adding_problem_marks_one_number_in_each_half(T, seed):
    data = tasks.adding_problem(5, T, rng(seed))
    marks = data.x[:, :, 1]
    assert np.all(marks[:, : T // 2].sum(axis=1) == 1)
    assert np.all(marks[:, T // 2 :].sum(axis=1) == 1)
    assert np.allclose((data.x[:, :, 0] * marks).sum(axis=1), data.y[:, 0])


@quick
@given(delay=st.integers(1, 8), length=st.integers(1, 5), symbols=st.integers(1, 9), seed=SEEDS)
def test_copying_memory_asks_for_the_message_after_the_signal(delay, length, symbols, seed):
    data = tasks.copying_memory(4, delay, rng(seed), length=length, symbols=symbols)
    blank, signal = symbols, symbols + 1
    for x, y in zip(data.x, data.y):
        at = np.flatnonzero(x == signal)
        assert at.tolist() == [length + delay - 1]
        assert np.array_equal(y[at[0] + 1 :], x[:length])
        assert np.all(y[: at[0] + 1] == blank)
        assert np.all(x[length : at[0]] == blank)
        assert x[:length].max() < symbols


@pytest.mark.parametrize("relevant", [2, 3])
def test_temporal_order_asks_for_the_order_of_x_and_y(relevant):
    data = tasks.temporal_order(400, 100, rng(), relevant=relevant)
    for x, y in zip(data.x, data.y):
        names = "".join(data.symbols[k] for k in x)
        assert names[0] == "E"
        assert names[-1] == "B"
        assert "".join(c for c in names if c in "XY") == data.classes[y]
    places = [np.flatnonzero((data.x[n] == 4) | (data.x[n] == 5)) for n in range(400)]
    low, high = np.min(places, axis=0), np.max(places, axis=0)
    expected = {2: ([10, 50], [19, 59]), 3: ([10, 33, 66], [19, 42, 75])}[relevant]
    assert (low.tolist(), high.tolist()) == expected  # 400 draws of 10 places reach both ends


@given(T=st.integers(10, 60), relevant=st.sampled_from([2, 3]), seed=SEEDS)
@quick
def test_temporal_order_works_for_any_length(T, relevant, seed):
    data = tasks.temporal_order(8, T, rng(seed), relevant=relevant)
    assert np.all(((data.x == 4) | (data.x == 5)).sum(axis=1) == relevant)


def test_parity_counts_ones():
    data = tasks.parity(50, 20, rng())
    for x, y in zip(data.x, data.y):
        assert [sum(x[: t + 1]) % 2 for t in range(20)] == y.tolist()


def test_reber_strings_follow_the_grammar_and_the_checker_refuses_others():
    for letters in texts(tasks.reber(100, rng())):
        assert tasks.is_reber("".join(letters) + "E")
    for wrong in ("", "E", "BE", "BT", "BTXSEE", "BTXS", "TXSE", "BTXPE", "BTXSx"):
        assert not tasks.is_reber(wrong)
    assert [tasks.reber_next(s) for s in ("", "B", "BT", "BTXS", "BTXSE")] == [
        {"B"},
        {"T", "P"},
        {"S", "X"},
        {"E"},
        set(),
    ]
    with pytest.raises(ValueError, match="letter 2"):
        tasks.reber_next("BTT")


def test_embedded_reber_asks_for_its_second_letter():
    data = tasks.embedded_reber(200, rng())
    for x, y, mask, length in zip(data.x, data.y, data.mask, data.lengths):
        string = "".join(tasks.decode(x[:length], data.symbols)) + "E"
        assert tasks.is_embedded_reber(string)
        swapped = string[:-2] + {"T": "P", "P": "T"}[string[-2]] + "E"
        assert not tasks.is_embedded_reber(swapped)
        assert [data.classes[k] for k in y[mask]] == [string[1]]


def test_embedded_reber_may_ask_for_every_letter():
    """The strings are the same; every next letter counts, and every one is allowed by the grammar."""
    asked, one = tasks.embedded_reber(200, rng(), every=True), tasks.embedded_reber(200, rng())
    assert np.array_equal(asked.x, one.x)
    assert np.array_equal(asked.mask, np.arange(asked.x.shape[1]) < asked.lengths[:, None])
    for x, y, length in zip(asked.x, asked.y, asked.lengths):
        string = "".join(tasks.decode(x[:length], asked.symbols))
        for t in range(length):
            assert asked.classes[y[t]] in tasks.embedded_reber_next(string[: t + 1])
    with pytest.raises(ValueError, match="every: got 1, wanted True or False"):
        tasks.embedded_reber(2, rng(), every=1)


def test_what_the_embedded_grammar_allows():
    string = "BPBTXSEPE"
    assert tasks.is_embedded_reber(string)
    assert [tasks.embedded_reber_next(string[:k]) for k in range(len(string) + 1)] == [
        {"B"}, {"T", "P"}, {"B"}, {"T", "P"}, {"S", "X"}, {"S", "X"}, {"E"}, {"P"}, {"E"}, set(),
    ]  # fmt: skip
    for wrong in ("T", "BX", "BTP", "BTBTXSEP", "BTBTXSETT", "BTBTXSETEB"):
        with pytest.raises(ValueError, match=f"prefix: got '{wrong}'"):
            tasks.embedded_reber_next(wrong)


def test_counting_asks_at_every_b_and_the_last_is_the_end():
    data = tasks.counting(300, 7, rng())
    assert set(data.lengths // 2) == set(range(1, 8))
    for x, y, mask, length in zip(data.x, data.y, data.mask, data.lengths):
        n = length // 2
        assert tasks.decode(x[:length], data.symbols) == ["a"] * n + ["b"] * n
        assert np.flatnonzero(mask).tolist() == list(range(n, 2 * n))
        assert [data.classes[k] for k in y[mask]] == ["b"] * (n - 1) + ["end"]
    same = tasks.count_strings([3, 1])
    assert same.x.tolist() == [[0, 0, 0, 1, 1, 1], [0, 1, 0, 0, 0, 0]]
    for wrong in ([], [0], [1.5], [[1]]):
        with pytest.raises(ValueError, match=r"counts: got .*, wanted a list of integers of at least 1"):
            tasks.count_strings(wrong)


@pytest.mark.parametrize("distance", [0, 2, 5])
def test_the_verdict_stands_where_it_was_asked_for_and_means_its_label(distance):
    data = tasks.reviews(200, rng(), sentences=6, distance=distance)
    good, bad = {*sentences.LIKED, *sentences.GOOD}, {*sentences.DISLIKED, *sentences.BAD}
    for words, label in zip(texts(data), data.y):
        parts = " ".join(words).split(" .")[:-1]
        assert len(parts) == 6
        opinions = [k for k, part in enumerate(parts) if {*part.split()} & (good | bad)]
        assert opinions == [5 - distance]
        verdict = set(parts[5 - distance].split())
        negated = bool(verdict & {"not", "never"})
        assert bool(verdict & good) != negated if label else bool(verdict & bad) != negated


def test_no_single_word_tells_the_verdict():
    """Otherwise spotting one word would do, and no memory would be needed."""
    data = tasks.reviews(4000, rng())
    for k in range(len(data.symbols)):
        has = (data.x == k).any(axis=1)
        if has.sum() > 100:
            assert abs(data.y[has].mean() - 0.5) < 0.15


def test_tags_are_settled_by_the_word_that_the_docstring_names():
    data = tasks.tagged_sentences(400, rng(), gap=4)
    gaps = set()
    for words, tags in zip(texts(data), data.y):
        at = [k for k, word in enumerate(words) if word in sentences.TWO_MEANINGS]
        assert np.flatnonzero(tags).tolist() == at
        sense = data.classes[tags[at[0]]]
        before, after = set(words[: at[0]]), set(words[at[0] + 1 :])
        later = bool(after & set(sentences.SENSES[sense]))
        earlier = bool(before & set(sentences.OWNERS[sense]))
        assert later != earlier
        other = {"animal": "thing", "thing": "animal"}[sense]
        assert not {*words} & {*sentences.SENSES[other], *sentences.OWNERS[other]}
        if later:
            gaps.add(len(words) - 2 - at[0])
    assert gaps == {0, 1, 2, 3, 4}


def test_dates_are_the_same_day_in_both_forms():
    """Read back by rules of their own: the numbers and the month's name found in the source."""
    data = tasks.dates(500, rng())
    for source, target in zip(texts(data), data.y):
        source, target = "".join(source), "".join(tasks.decode(target, data.classes))
        year, month, day = map(int, re.fullmatch(r"(\d{4})-(\d\d)-(\d\d)>", target).groups())
        numbers = [int(k) for k in re.findall(r"\d+", source)]
        named = [
            k for k, name in enumerate(translation.MONTHS, 1) if name[:3].lower() in source.lower().split("day")[-1]
        ]
        if named:
            assert named[0] == month
            assert numbers == [day, year] or numbers == [year, day]
        else:
            assert numbers in ([day, month, year], [year, month, day])
    lengths = tasks.dates(5, rng(), count=3).y.shape[1]
    assert lengths == 3 * 10 + 2 + 1


def test_weekdays_in_dates_are_right():
    import datetime

    for source, target in zip(texts(data := tasks.dates(300, rng())), data.y):
        source, target = "".join(source), "".join(tasks.decode(target, data.classes))
        day = datetime.date.fromisoformat(target[:10])
        weekday = translation.DAYS[day.weekday()]
        for name in translation.DAYS:
            assert name == weekday or not source.startswith(name[:3] + " ")


def test_stories_keep_their_rules_and_broken_ones_are_told():
    for story in tasks.stories(200, rng()):
        assert all(tasks.story_rules(story).values()), story
    good = "Anna found a red key. She hid it near the barn. Night came. Then she went to the barn and took the red key."
    for broken, rules in {
        good.replace("She", "He"): {"pronoun"},
        good.replace("she", "he"): {"pronoun"},
        good.replace("the barn and", "the tree and"): {"place"},
        good.replace("took the red", "took the blue"): {"thing"},
        good.replace("Night", "Nihgt"): {"words", "form", "pronoun", "place", "thing"},
        good.replace("Night came. ", ""): {"form", "pronoun", "place", "thing"},
        "": {"words", "form", "pronoun", "place", "thing"},
    }.items():
        assert {rule for rule, kept in tasks.story_rules(broken).items() if not kept} == rules, broken


def test_help_text_is_english_of_some_length():
    text = tasks.help_text()
    assert len(text) > 300_000
    assert text.isascii()
    assert text.count(" the ") > 3000
    assert tasks.help_text(1000) == text[:1000]


def test_every_bar_of_every_tune_is_full():
    """A wrong length in a score shows as a bar that is too long or too short; a pickup and the last bar share one."""
    for (name, _, bar, score), tune in zip(music.SCORES, tasks.tunes()):
        beats = [sum(music._note(text).beats for text in part.split()) for part in score.split("|")]
        if beats[0] != bar:
            beats = [beats[0] + beats[-1], *beats[1:-1]]
        assert set(beats) == {bar}, name
        assert sum(note.beats for note in tune.notes) == bar * len(beats)
        assert {note.pitch % 12 for note in tune.notes} <= set(music.SEMITONE.values()), name
        assert all(48 <= note.pitch <= 79 for note in tune.notes), name
        assert tune.notes[-1].pitch % 12 == 0, f"{name} does not end on C"


def test_melodies_are_tunes_in_some_key():
    shapes = {
        tuple((b.pitch - a.pitch, b.beats) for a, b in itertools.pairwise(t.notes)): t.name for t in tasks.tunes()
    }
    assert len(shapes) == len(tasks.tunes())
    data, seen, keys = tasks.melodies(300, rng()), set(), set()
    for notes, y, length in zip(texts(data), data.y, data.lengths):
        assert notes[0] == "start"
        assert tasks.decode(y[:length], data.classes) == [*notes[1:], "stop"]
        seen.add(shapes[tuple((b.pitch - a.pitch, b.beats) for a, b in itertools.pairwise(notes[1:]))])
        keys.add(notes[-1].pitch % 12)
    assert seen == set(shapes.values())
    assert keys == set(range(12))


def test_arma_follows_its_equation():
    """A fit on the last two values gives `ar` back; the correlations of a moving average are those of `ma`."""
    ar = (0.5, 0.3)
    x = tasks.arma(200, 400, rng(), ar=ar, ma=()).x[:, :, 0]
    design = np.stack([x[:, 1:-1].ravel(), x[:, :-2].ravel()], axis=1)
    found, *_ = np.linalg.lstsq(design, x[:, 2:].ravel())
    assert np.allclose(found, ar, atol=0.02)
    white = tasks.arma(200, 400, rng(), ar=(), ma=(0.8,)).x[:, :, 0]
    correlation = [(white[:, k:] * white[:, : white.shape[1] - k]).mean() for k in range(4)]
    assert np.allclose(correlation, [1.64, 0.8, 0, 0], atol=0.03)


@pytest.mark.parametrize("name", ["sine_mixture", "random_walk", "arma"])
def test_y_is_x_one_step_later(name):
    data = getattr(tasks, name)(3, 20, rng())
    assert np.array_equal(data.x[:, 1:], data.y[:, :-1])


def accuracy(data, guess):
    counted = np.ones(data.y.shape, bool) if data.mask is None else data.mask
    return np.mean(data.y[counted] == np.broadcast_to(guess, data.y.shape)[counted])


def test_chance_levels_of_classes():
    """Each is what a learner without memory scores: the most frequent answer, measured on many draws."""
    data = tasks.delayed_recall(2000, 20, 3, rng())
    assert accuracy(data, 0) == pytest.approx(data.chance, abs=0.01)
    assert accuracy(data, data.x) == pytest.approx(data.chance, abs=0.01)  # nor does the present symbol help
    for relevant in (2, 3):
        data = tasks.temporal_order(2000, 40, rng(), relevant=relevant)
        assert {accuracy(data, k) for k in range(2**relevant)} == {data.chance}
    data = tasks.parity(2000, 20, rng())
    assert accuracy(data, 0) == pytest.approx(data.chance, abs=0.01)
    assert accuracy(data, data.x) == pytest.approx(data.chance + 1 / 40, abs=0.01)  # the first step alone is easy
    data = tasks.reber(4000, rng())
    assert max(accuracy(data, k) for k in range(7)) == pytest.approx(data.chance, abs=0.005)
    data = tasks.embedded_reber(4000, rng())
    assert accuracy(data, data.symbols.index("T")) == pytest.approx(data.chance, abs=0.02)
    data = tasks.embedded_reber(4000, rng(), every=True)
    assert max(accuracy(data, k) for k in range(7)) == pytest.approx(data.chance, abs=0.01)
    assert accuracy(data, data.symbols.index("T")) == pytest.approx(data.chance, abs=0.01)
    data = tasks.counting(4000, 20, rng())
    assert max(accuracy(data, k) for k in range(2)) == pytest.approx(data.chance, abs=0.01)
    data = tasks.reviews(2000, rng())
    assert accuracy(data, 1) == data.chance
    data = tasks.tagged_sentences(2000, rng())
    ambiguous = data._replace(mask=data.y > 0)
    assert accuracy(ambiguous, 1) == data.chance
    day = tasks.dates(3000, rng())
    assert day.chance == 1 / 73049
    assert max(np.bincount(day.y[:, 3]) / 3000) < 0.12  # no last digit of a year is favoured


def test_chance_levels_of_numbers():
    data = tasks.adding_problem(100_000, 10, rng())
    assert np.mean((data.y - 1) ** 2) == pytest.approx(data.chance, rel=0.01)
    for draw in (tasks.sine_mixture, tasks.arma, tasks.random_walk):
        data = draw(4000, 60, rng())
        assert np.mean(data.y**2) == pytest.approx(data.chance, rel=0.05)
    assert np.mean((data.y - data.x) ** 2) == pytest.approx(1, rel=0.02)  # the last value, on the random walk


def test_chance_level_of_copying():
    """A learner that knows when to write but not what gives each symbol 1/8 there and is sure elsewhere."""
    data = tasks.copying_memory(500, 30, rng())
    writing = data.y < 8
    nats = np.where(writing, np.log(8), 0).mean()
    assert nats == pytest.approx(data.chance, rel=1e-12)
    assert data.chance == pytest.approx(10 * np.log(8) / (30 + 20))
    assert np.bincount(data.y[writing]) / writing.sum() == pytest.approx(np.full(8, 1 / 8), abs=0.01)


def test_a_forecast_from_the_equation_reaches_the_floor_of_arma():
    data = tasks.arma(500, 100, rng(), ar=(0.75, -0.25), ma=())
    forecast = 0.75 * data.x[:, 1:] - 0.25 * data.x[:, :-1]
    assert np.mean((data.y[:, 1:] - forecast) ** 2) == pytest.approx(1, rel=0.02)


@given(st.lists(st.text("abc", min_size=1, max_size=6), min_size=1, max_size=5))
@quick
def test_encode_pad_decode_give_the_text_back(strings):
    ids, lengths = tasks.pad([tasks.encode(s, ("a", "b", "c")) for s in strings])
    assert ["".join(tasks.decode(row[:n], ("a", "b", "c"))) for row, n in zip(ids, lengths)] == strings


def test_vocabulary_keeps_the_frequent_words_and_marks_the_rest():
    lists = [tasks.words("The film, the FILM!<br /><br />It's good."), tasks.words("the end")]
    assert lists[0] == ["the", "film", ",", "the", "film", "!", "it's", "good", "."]
    symbols = tasks.vocabulary(lists, 4)
    assert symbols == ("<pad>", "<unk>", "the", "film")
    assert tasks.encode(lists[1], symbols).tolist() == [2, 1]


IMDB = {"pos/0_9.txt": "Great.<br /><br />Really.", "pos/10_10.txt": "Lovely – naïve.", "pos/2_7.txt": "Fine"}
IMDB |= {"neg/0_3.txt": "Bad.", "neg/1_1.txt": "Worse."}


def imdb_folder(path, files):
    for name, text in files.items():
        place = path / "aclImdb" / "train" / name
        place.parent.mkdir(parents=True, exist_ok=True)
        place.write_text(text, encoding="utf-8")
    return path / "aclImdb"


def test_imdb_reviews_are_read_in_order_of_number(tmp_path):
    folder = imdb_folder(tmp_path, IMDB)
    found, labels = tasks.imdb_reviews(folder)
    assert found == ["Bad.", "Worse.", IMDB["pos/0_9.txt"], "Fine", "Lovely – naïve."]
    assert labels.tolist() == [0, 0, 1, 1, 1]
    assert tasks.imdb_reviews(folder, limit=1)[0] == ["Bad.", IMDB["pos/0_9.txt"]]


@pytest.mark.parametrize(
    ("files", "error", "message"),
    [
        ({"pos/0_9.txt": "x"}, FileNotFoundError, "train/neg"),
        (IMDB | {"neg/2_8.txt": "x"}, ValueError, "neg/2_8.txt"),
        (IMDB | {"pos/notes.txt": "x"}, ValueError, "notes.txt"),
        (IMDB | {"neg/0_3.txt": "", "neg/1_5.txt": "x"}, ValueError, "neg/1_5.txt"),
    ],
)
def test_wrong_imdb_folders_are_named(tmp_path, files, error, message):
    folder = imdb_folder(tmp_path, files)
    with pytest.raises(error, match=message):
        tasks.imdb_reviews(folder)


YAHOO = """Date,Open,High,Low,Close,Adj Close,Volume
2020-01-02,74.05,75.15,73.79,75.08,73.15,135480400
2020-01-03,74.28,75.14,74.12,74.35,72.44,146322800
2020-01-06,null,null,null,null,null,null
2020-01-07,74.95,75.22,74.37,74.59,72.67,108872000
"""
MICROSOFT = "Date,Open,High,Low,Close,Volume,Adj. Close*\n19-Sep-03,29.76,29.97,29.52,29.96,92433800,29.79\n"
MICROSOFT += "18-Sep-03,28.49,29.51,28.42,29.50,67268096,29.34\n"


def test_prices_are_read_oldest_first_and_gaps_left_out(tmp_path):
    path = tmp_path / "prices.csv"
    path.write_text(YAHOO)
    assert tasks.prices_csv(path).prices.tolist() == [75.08, 74.35, 74.59]
    assert tasks.prices_csv(path, "Adj Close").prices.tolist() == [73.15, 72.44, 72.67]
    assert tasks.prices_csv(path).dates.astype(str).tolist() == ["2020-01-02", "2020-01-03", "2020-01-07"]
    path.write_text(MICROSOFT)
    assert tasks.prices_csv(path).prices.tolist() == [29.5, 29.96]
    assert tasks.prices_csv(path).dates.astype(str).tolist() == ["2003-09-18", "2003-09-19"]
    path.write_bytes(b"\xef\xbb\xbf# Data source\r\nDate,IBM\r\n1990-01-01,10.9\r\n1990-02-01,\r\n\r\n")
    assert tasks.prices_csv(path, "IBM").prices.tolist() == [10.9]


def test_matplotlibs_sample_prices_are_read():
    from matplotlib import cbook

    path = cbook.get_sample_data("Stocks.csv", asfileobj=False)
    apple = tasks.prices_csv(path, "AAPL")
    assert len(apple.prices) > 300
    assert np.all(np.diff(apple.dates).astype(int) > 0)
    assert np.all(apple.prices > 0)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "with 0 lines"),
        ("Date,Close\n", "with 1 lines"),
        ("Day,Close\n2020-01-02,3\n", "column"),
        ("Date,Open\n2020-01-02,3\n", "wanted one of"),
        ("Date,Close\n2020-01-02\n", "line 2 has 1 fields"),
        ("# a\nDate,Close\n2020-01-02,3\nyesterday,4\n", "line 4 has the date 'yesterday'"),
        ("Date,Close\n2020-01-02,3\n2020-01-03,inf\n", "line 3 has the price 'inf'"),
        ("Date,Close\n2020-01-02,many\n", "line 2 has the price 'many'"),
        ("Date,Close\n2020-01-02,3\n2020-01-02,4\n", "line 3 has the date 2020-01-02 a second time"),
        ("Date,Close\n2020-01-02,null\n", "without a single price"),
    ],
)
def test_wrong_price_files_are_named(tmp_path, text, message):
    (tmp_path / "p.csv").write_text(text)
    with pytest.raises(ValueError, match=message):
        tasks.prices_csv(tmp_path / "p.csv")


def test_text_files(tmp_path):
    path = tmp_path / "a.txt"
    path.write_bytes("\ufeffhéllo\r\nworld".encode())
    assert tasks.text_file(path) == "héllo\nworld"
    path.write_bytes(b"\xff\xfe\x00")
    with pytest.raises(ValueError, match="not UTF-8"):
        tasks.text_file(path)
    path.write_text(" \n")
    with pytest.raises(ValueError, match="empty"):
        tasks.text_file(path)
    with pytest.raises(FileNotFoundError):
        tasks.text_file(tmp_path / "none.txt")


BAD = {
    "n: got 0": lambda: tasks.parity(0, 5, rng()),
    "n: got 2.0": lambda: tasks.reber(2.0, rng()),
    "n: got True": lambda: tasks.melodies(True, rng()),
    "rng: got int": lambda: tasks.adding_problem(3, 5, 0),
    "rng: got NoneType": lambda: tasks.stories(3, None),
    "rng: got RandomState": lambda: tasks.dates(3, np.random.RandomState(0)),
    "T: got 1": lambda: tasks.adding_problem(3, 1, rng()),
    "T: got 9": lambda: tasks.temporal_order(3, 9, rng()),
    "relevant: got 4": lambda: tasks.temporal_order(3, 50, rng(), relevant=4),
    "delay: got 0": lambda: tasks.copying_memory(3, 0, rng()),
    "distance: got 6": lambda: tasks.reviews(3, rng(), sentences=6, distance=6),
    "gap: got -1": lambda: tasks.tagged_sentences(3, rng(), gap=-1),
    "count: got 0": lambda: tasks.dates(3, rng(), count=0),
    "noise: got -1": lambda: tasks.sine_mixture(3, 5, rng(), noise=-1),
    "ar: got .* whose largest root": lambda: tasks.arma(3, 5, rng(), ar=(1.0,)),
    "tokens: got 'd'": lambda: tasks.encode("abd", ("a", "b", "c")),
    "ids: got values": lambda: tasks.decode([3], ("a", "b", "c")),
    "sequences": lambda: tasks.pad([[1], []]),
    "characters: got 0": lambda: tasks.help_text(0),
    "split: got 'dev'": lambda: tasks.imdb_reviews(".", "dev"),
    "limit: got 0": lambda: tasks.imdb_reviews(".", limit=0),
    "tokens: got a list": lambda: tasks.encode([["a"]], ("a",)),
    r"sequences\[1\]: got float64 of shape \(2,\)": lambda: tasks.pad([[1], [0.5, 1.7]]),
    r"sequences\[0\]: got <U2": lambda: tasks.pad(["ab"]),
    r"sequences\[0\]: got int64 of shape \(3, 2\)": lambda: tasks.pad([np.ones((3, 2), int)]),
    r"sequences\[0\]: got a masked": lambda: tasks.pad([np.ma.array([1, 2])]),
    "dtype: got int64, wanted float32 or float64": lambda: tasks.adding_problem(3, 5, rng(), dtype=int),
    "dtype: got float16": lambda: tasks.sine_mixture(3, 5, rng(), dtype=np.float16),
    "dtype: got int32": lambda: tasks.random_walk(3, 5, rng(), dtype=np.int32),
    "dtype: got object": lambda: tasks.arma(3, 5, rng(), dtype=object),
    "size: got 2": lambda: tasks.vocabulary([["a"]], 2),
}


def shares(values, K):
    """How often each of 0..K-1 occurs among `values`, as a share."""
    return np.bincount(np.ravel(values), minlength=K) / np.size(values)


def even(values, K):
    """Whether 0..K-1 occur equally often, to within five standard deviations of a fair draw."""
    return np.abs(shares(values, K) - 1 / K).max() < 5 * np.sqrt((1 - 1 / K) / K / np.size(values))


def test_both_marks_of_the_adding_problem_can_stand_anywhere_in_their_half():
    x = tasks.adding_problem(5000, 12, rng(3)).x
    first, second = (x[:, half, 1].argmax(axis=1) for half in (slice(0, 6), slice(6, 12)))
    assert even(first, 6)
    assert even(second, 6)
    assert abs(np.corrcoef(first, second)[0, 1]) < 0.07
    assert even((x[:, :, 0] * 10).astype(int), 10)


def test_symbols_are_drawn_evenly_and_places_from_their_whole_range():
    assert even(tasks.delayed_recall(3000, 4, 2, rng(4), symbols=5).x, 5)
    assert even(tasks.copying_memory(3000, 3, rng(4), length=3, symbols=6).x[:, :3], 6)
    assert even(tasks.parity(3000, 4, rng(4)).x, 2)
    for relevant, starts, width in ((2, (10, 50), 10), (3, (10, 33, 66), 10)):
        data = tasks.temporal_order(4000, 100, rng(4), relevant=relevant)
        assert even(data.y, 2**relevant)
        places = np.argwhere((data.x == 4) | (data.x == 5))[:, 1].reshape(-1, relevant)
        for place, low in zip(places.T, starts):
            assert even(place - low, width)
        assert even(data.x[:, 1:10], 4)


def test_arma_is_in_its_long_run_state_from_its_first_step_on():
    """Started from zeros, the first number would have the variance of e alone, which is 1."""
    for how in ({}, {"ar": (0.9,), "ma": ()}):
        data = tasks.arma(4000, 2, rng(5), **how)
        assert data.chance > 2
        assert np.var(data.x[:, 0]) == pytest.approx(data.chance, rel=0.12)


@pytest.mark.parametrize("message", BAD)
def test_bad_input_is_named(message):
    with pytest.raises(ValueError, match=message):
        BAD[message]()
