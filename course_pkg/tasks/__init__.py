"""Sequence tasks made in code, texts and tunes, and readers for real data on disk.

Everything drawn comes from the generator passed as `rng`: the same seed gives the same data. Each
docstring names the source of the task and its chance level. Most tasks return `Data`.

memory      delayed_recall, adding_problem, copying_memory, temporal_order, parity, counting
grammar     reber, embedded_reber, and what the grammar allows
sentences   reviews, tagged_sentences
translation dates
text        help_text, fingerprint, stories, story_rules
music       tunes, transpose, melodies
tune_rules  in_key, full_bars, spans, quoted
series      sine_mixture, random_walk, arma, seasonal
files       text_file, imdb_reviews, prices_csv
speech      digits said in code: say, frames, wav (a module of its own)
encoding    Data, encode, decode, pad, words, vocabulary
"""

from course_pkg.tasks.encoding import Data, decode, encode, pad, vocabulary, words
from course_pkg.tasks.files import Prices, imdb_reviews, prices_csv, text_file
from course_pkg.tasks.grammar import embedded_reber, embedded_reber_next, is_embedded_reber, is_reber, reber, reber_next
from course_pkg.tasks.memory import (
    adding_problem,
    copying_memory,
    count_strings,
    counting,
    delayed_recall,
    parity,
    temporal_order,
)
from course_pkg.tasks.music import Note, Tune, melodies, transpose, tunes
from course_pkg.tasks.sentences import reviews, tagged_sentences
from course_pkg.tasks.series import arma, random_walk, seasonal, sine_mixture
from course_pkg.tasks.text import fingerprint, help_text, stories, story_rules
from course_pkg.tasks.translation import dates
from course_pkg.tasks.tune_rules import full_bars, in_key, quoted, spans

__all__ = [
    "Data",
    "Note",
    "Prices",
    "Tune",
    "adding_problem",
    "arma",
    "copying_memory",
    "count_strings",
    "counting",
    "dates",
    "decode",
    "delayed_recall",
    "embedded_reber",
    "embedded_reber_next",
    "encode",
    "fingerprint",
    "full_bars",
    "help_text",
    "imdb_reviews",
    "in_key",
    "is_embedded_reber",
    "is_reber",
    "melodies",
    "pad",
    "parity",
    "prices_csv",
    "quoted",
    "random_walk",
    "reber",
    "reber_next",
    "reviews",
    "seasonal",
    "sine_mixture",
    "spans",
    "stories",
    "story_rules",
    "tagged_sentences",
    "temporal_order",
    "text_file",
    "transpose",
    "tunes",
    "vocabulary",
    "words",
]
