"""Real data that a reader has on disk. Nothing is downloaded; each docstring says where to get it.

A missing file raises FileNotFoundError, a file of the wrong form ValueError with the line at fault.
"""

import csv
import datetime
from pathlib import Path
from typing import NamedTuple

import numpy as np

from course_pkg._validation import require_choice, require_number

DATE_FORMATS = ("%Y-%m-%d", "%d-%b-%y", "%m/%d/%Y")
NO_VALUE = ("", "null", "NaN", "nan")  # how price files write a day without a price


class Prices(NamedTuple):
    """A series of prices in order of time."""

    dates: np.ndarray  # (T,) datetime64[D]
    prices: np.ndarray  # (T,) float64


def _text(path):
    try:
        return Path(path).read_text(encoding="utf-8-sig")
    except UnicodeDecodeError as error:
        raise ValueError(f"path: got {Path(path).name}, which is not UTF-8 text ({error.reason})") from error


def text_file(path: str | Path) -> str:
    """The text of a UTF-8 file; line ends become a newline. Raises ValueError if it is empty or not UTF-8."""
    text = _text(path)
    if not text.strip():
        raise ValueError(f"path: got {Path(path).name}, which is empty, wanted some text")
    return text


def imdb_reviews(folder: str | Path, split: str = "train", *, limit: int | None = None) -> tuple[list[str], np.ndarray]:
    """Reviews and labels (1 positive, 0 negative) of the Large Movie Review Dataset: (list of str, (N,) integers).

    `folder` is aclImdb, unpacked from https://ai.stanford.edu/~amaas/data/sentiment/ (Maas et al. 2011);
    it holds train/pos/0_9.txt and so on: number, rating 1 to 10, 25,000 reviews in each split.
    With `limit`, the first so many of each label. In order of label, then of number. Ratings of 5 and
    6 do not occur there and raise ValueError, as does a rating on the wrong side.
    """
    require_choice("split", split, ("train", "test"))
    if limit is not None:
        require_number("limit", limit, 1, integer=True)
    texts, labels = [], []
    for label, side in enumerate(("neg", "pos")):
        place = Path(folder) / split / side
        if not place.is_dir():
            raise FileNotFoundError(
                f"folder: found no {split}/{side} in {Path(folder).name}, wanted the folder aclImdb"
            )
        found = sorted((_number_and_rating(path, label), path) for path in place.glob("*.txt"))
        if not found:
            raise ValueError(f"folder: got no reviews in {split}/{side}, wanted files such as 0_9.txt")
        texts += [_text(path) for _, path in found[:limit]]
        labels += [label] * len(found[:limit])
    return texts, np.array(labels, dtype=np.int64)


def _number_and_rating(path, label):
    number, _, rating = path.stem.partition("_")
    if not (number.isdecimal() and rating.isdecimal()):
        raise ValueError(f"folder: got a review named {path.name}, wanted number_rating.txt such as 0_9.txt")
    if not (7 <= int(rating) <= 10 if label else 1 <= int(rating) <= 4):
        raise ValueError(f"folder: got {path.parent.name}/{path.name}, wanted ratings 7 to 10 in pos and 1 to 4 in neg")
    return int(number), int(rating)


def prices_csv(path: str | Path, column: str = "Close") -> Prices:
    """One column of a price table as `Prices`, oldest first; days without a price are left out.

    Reads what Yahoo Finance, Stooq and Matplotlib's sample data (Stocks.csv, msft.csv) use: a header
    with a column Date, dates as 2003-09-19, 19-Sep-03 or 09/19/2003, lines that start with # skipped.
    """
    lines = [(k, line) for k, line in enumerate(_text(path).splitlines(), 1) if line.strip() and line[0] != "#"]
    rows = list(csv.reader(line for _, line in lines))
    if len(rows) < 2:
        raise ValueError(f"path: got {Path(path).name} with {len(rows)} lines, wanted a header and prices")
    header = [name.strip() for name in rows[0]]
    if "Date" not in header or column not in header:
        raise ValueError(f"column: got {column!r}, wanted one of {header} and a column Date")
    when, what = header.index("Date"), header.index(column)
    found = {}
    for (line, _), row in zip(lines[1:], rows[1:]):
        if len(row) != len(header):
            raise ValueError(f"path: line {line} has {len(row)} fields, wanted {len(header)}")
        if row[what].strip() in NO_VALUE:
            continue
        day = _date(row[when].strip(), line)
        if day in found:
            raise ValueError(f"path: line {line} has the date {day} a second time")
        found[day] = _price(row[what], line)
    if not found:
        raise ValueError(f"column: got {column!r} without a single price")
    days = sorted(found)
    return Prices(np.array(days, dtype="datetime64[D]"), np.array([found[day] for day in days]))


def _date(text, line):
    for form in DATE_FORMATS:
        try:
            return datetime.datetime.strptime(text, form).date()
        except ValueError:
            continue
    raise ValueError(f"path: line {line} has the date {text!r}, wanted a form such as 2003-09-19 or 19-Sep-03")


def _price(text, line):
    try:
        price = float(text)
    except ValueError:
        price = np.nan
    if not np.isfinite(price):
        raise ValueError(f"path: line {line} has the price {text!r}, wanted a number")
    return price
