"""Dates as people write them, to be translated into one form: a small task of the shape of translation."""

import datetime
import string

import numpy as np

from course_pkg._validation import require_rng
from course_pkg.tasks.encoding import PAD, Data, encode, pad, pick, require_counts

MONTHS = ("January", "February", "March", "April", "May", "June")
MONTHS += ("July", "August", "September", "October", "November", "December")
DAYS = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")
FIRST, LAST = datetime.date(1900, 1, 1), datetime.date(2099, 12, 31)

# "<" is what a decoder is given first, ">" what it says when it is done.
START, STOP = "<", ">"
TARGET_SYMBOLS = (START, STOP, *"0123456789-;")


def _ordinal(day):
    return f"{day}{'th' if 10 < day < 14 else {1: 'st', 2: 'nd', 3: 'rd'}.get(day % 10, 'th')}"


FORMATS = (  # month names by hand: strftime's depend on the machine's language
    lambda d: f"{d.day} {MONTHS[d.month - 1]} {d.year}",
    lambda d: f"{MONTHS[d.month - 1]} {d.day}, {d.year}",
    lambda d: f"{d.day} {MONTHS[d.month - 1][:3].lower()} {d.year}",
    lambda d: f"the {_ordinal(d.day)} of {MONTHS[d.month - 1]} {d.year}",
    lambda d: f"{DAYS[d.weekday()]}, {d.day} {MONTHS[d.month - 1]} {d.year}",
    lambda d: f"{DAYS[d.weekday()][:3]} {MONTHS[d.month - 1][:3]} {d.day} {d.year}",
    lambda d: f"{d.day:02}.{d.month:02}.{d.year}",
    lambda d: f"{d.year}/{d.month}/{d.day}",
)

SOURCE_SYMBOLS = (PAD, *" ,./;", *string.digits, *string.ascii_letters)


def dates(n: int, rng: np.random.Generator, *, count: int = 1) -> Data:
    """Translate a date as people write it into the form 1987-03-29, character by character.

    x (n, S) integers, padded; y (n, U) integers, the translation and ">" at its end. Days are drawn
    evenly from 1900 to 2099, forms evenly from eight. With `count` above 1 each sequence holds so many
    dates, joined by ";": the same task, longer. chance is the share of sequences that a fixed answer
    gets wholly right: 1 in 73,049 for one date.
    Source: translation as in Sutskever, Vinyals and Le 2014; the dates are made for this course.
    """
    require_counts(n=n, count=count)
    require_rng(rng)
    span = (LAST - FIRST).days + 1
    sources, targets = [], []
    for _ in range(n):
        days = [FIRST + datetime.timedelta(int(k)) for k in rng.integers(span, size=count)]
        sources.append(encode(";".join(pick(FORMATS, rng)(day) for day in days), SOURCE_SYMBOLS))
        targets.append(encode(";".join(day.isoformat() for day in days) + STOP, TARGET_SYMBOLS))
    x, lengths = pad(sources)
    chance = float(span) ** -count
    return Data(x, np.stack(targets), chance, lengths=lengths, symbols=SOURCE_SYMBOLS, classes=TARGET_SYMBOLS)
