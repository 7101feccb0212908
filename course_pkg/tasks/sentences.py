"""Made sentences: reviews with a verdict somewhere, and words whose meaning another word settles."""

import itertools

import numpy as np

from course_pkg._validation import require_number, require_rng
from course_pkg.tasks.encoding import PAD, Data, balanced, encode, pad, pick, require_counts

# Word by word slots; a neutral sentence draws one entry from each slot of its row.
NEUTRAL = (
    (("the film", "the story", "it"), ("runs for", "lasts"), ("ninety minutes", "two hours", "half an evening")),
    (
        ("the hero", "a teacher", "the sister", "an old sailor"),
        ("travels to", "moves to"),
        ("paris", "the sea", "town"),
    ),
    (("we saw it",), ("on a monday", "last week", "with friends"), ("at home", "in the old cinema")),
    (("the music",), ("was written by", "comes from"), ("a student", "the director", "a small band")),
    (("it was filmed",), ("in winter", "in spain", "at night"), ("by two people", "by a large crew")),
    (("most of it",), ("takes place", "was made"), ("in one house", "on a train", "under water")),
)
LIKED = ("loved", "enjoyed", "admired")
DISLIKED = ("hated", "disliked", "regretted")
GOOD = ("wonderful", "great", "charming")
BAD = ("terrible", "awful", "boring")
VERDICTS = (  # (slots of a positive sentence, slots of a negative one)
    ((("i",), LIKED, ("it", "this film")), (("i",), DISLIKED, ("it", "this film"))),
    ((("it is",), GOOD), (("it is",), BAD)),
    ((("it is not",), BAD), (("it is not",), GOOD)),
    ((("i never",), DISLIKED, ("it",)), (("i never",), LIKED, ("it",))),
)


def _fill(slots, rng):
    return [word for slot in slots for word in pick(slot, rng).split()] + ["."]


def _words_of(*rows):
    return sorted({word for slots in rows for slot in slots for entry in slot for word in entry.split()})


REVIEW_SYMBOLS = (PAD, ".", *_words_of(*NEUTRAL, *itertools.chain(*VERDICTS)))


def reviews(n: int, rng: np.random.Generator, *, sentences: int = 6, distance: int = 0) -> Data:
    """Is this review positive? One sentence says so; `distance` others follow it, the rest come before.

    distance=0 puts the verdict last, distance=sentences-1 first. Half of the verdicts use "not" or
    "never", so that no single word decides. x (n, T) integers, padded; y (n,) 0 negative, 1 positive,
    evenly. chance is the accuracy of a guess, 1/2. Made for this course after the reviews of Maas et al. 2011.
    """
    require_counts(n=n, sentences=sentences)
    require_number("distance", distance, 0, sentences - 1, integer=True)
    require_rng(rng)
    y, texts = balanced(n, 2, rng), []
    for label in y:
        parts = [_fill(pick(NEUTRAL, rng), rng) for _ in range(sentences)]
        parts[sentences - 1 - distance] = _fill(pick(VERDICTS, rng)[1 - label], rng)
        texts.append(list(itertools.chain(*parts)))
    x, lengths = pad([encode(text, REVIEW_SYMBOLS) for text in texts])
    return Data(x, y, 0.5, lengths=lengths, symbols=REVIEW_SYMBOLS, classes=("negative", "positive"))


TWO_MEANINGS = ("bat", "crane", "mouse", "seal", "ram")  # each an animal and a thing
SENSES = {"animal": ("slept", "ate", "drank", "grew"), "thing": ("rusted", "broke", "melted", "leaked")}
OWNERS = {"animal": ("zoo", "vet", "keeper", "farmer"), "thing": ("shop", "plumber", "mechanic", "builder")}
ADJECTIVES = ("small", "old", "grey", "quiet", "clean", "heavy", "new", "famous")
ADVERBS = ("often", "soon", "slowly", "again", "today", "quietly", "suddenly", "later")
TAGS = ("other", "animal", "thing")
_TAGGED = (("the", "has", "a"), TWO_MEANINGS, ADJECTIVES, ADVERBS, *SENSES.values(), *OWNERS.values())
TAGGED_SYMBOLS = (PAD, *sorted(itertools.chain(*_TAGGED)))


def tagged_sentences(n: int, rng: np.random.Generator, *, gap: int = 4) -> Data:
    """Tag each word: animal or thing for the words that can be both (bat, crane, ...), other for the rest.

    In half of the sentences a later word settles the meaning (the crane slowly rusted), in half an
    earlier one (the zoo has a grey crane). 0 to `gap` adverbs or adjectives, drawn evenly, stand in between.
    x and y (n, T) integers, padded. chance is the accuracy on the words tagged animal or thing
    (y > 0) of a guess, 1/2; reading in one direction only can reach 3/4.
    Made for this course; that later words are needed is why Schuster and Paliwal 1997 read both ways.
    """
    require_counts(n=n)
    require_number("gap", gap, 0, integer=True)
    require_rng(rng)
    texts, tags = [], []
    for kind in balanced(n, 4, rng):
        sense, later = TAGS[1 + kind % 2], kind < 2
        word = pick(TWO_MEANINGS, rng)
        between = [pick(ADVERBS if later else ADJECTIVES, rng) for _ in range(rng.integers(gap + 1))]
        if later:
            text = ["the", word, *between, pick(SENSES[sense], rng)]
        else:
            text = ["the", pick(OWNERS[sense], rng), "has", "a", *between, word]
        texts.append(text)
        tags.append([TAGS.index(sense) if token == word else 0 for token in text])
    x, lengths = pad([encode(text, TAGGED_SYMBOLS) for text in texts])
    mask = np.arange(x.shape[1]) < lengths[:, None]
    return Data(x, pad(tags)[0], 0.5, mask=mask, lengths=lengths, symbols=TAGGED_SYMBOLS, classes=TAGS)
