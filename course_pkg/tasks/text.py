"""Text to learn to write: real English from Python itself, and stories whose rules can be checked."""

import hashlib
import re

import numpy as np

from course_pkg._validation import require_number, require_rng
from course_pkg.tasks.encoding import pick, require_counts

TYPOGRAPHY = {"\u2018": "'", "\u2019": "'", "\u201c": '"', "\u201d": '"', "\u2013": "-", "\u2014": "-", "\u2026": "..."}


def help_text(characters: int | None = None) -> str:
    """Python's own help topics, joined in alphabetical order: about 460,000 characters of English and code.

    Source: the module pydoc_data.topics, which comes with Python (PSF licence), so the text differs from one
    version of Python to the next: `fingerprint` says which one it is, and stored experiments keep that. Only
    ASCII is kept. With `characters`, the first so many. chance in nats per character: ln of the number of
    different characters for a guess.
    """
    from pydoc_data.topics import topics

    text = plain("\n\n".join(topics[name].strip() for name in sorted(topics)) + "\n")
    if characters is None:
        return text
    require_number("characters", characters, 1, len(text), integer=True)
    return text[:characters]


def plain(text: str) -> str:
    """`text` with typographic marks made plain and all else outside ASCII left out."""
    for mark, simple in TYPOGRAPHY.items():
        text = text.replace(mark, simple)
    return text.encode("ascii", "ignore").decode()


def fingerprint(text: str) -> str:
    """Twelve letters and digits (SHA-256 of its UTF-8) that no two texts share in practice."""
    return hashlib.sha256(text.encode()).hexdigest()[:12]


NAMES = {"Anna": "she", "Mira": "she", "Lucy": "she", "Tom": "he", "Ben": "he", "Omar": "he"}
FOUND = ("found", "bought", "made", "won")
COLOURS = ("red", "blue", "green", "white")
THINGS = ("ball", "key", "cup", "kite", "lamp")
PLACES = ("box", "barn", "tree", "boat", "garden")
MEANWHILE = ("It rained all day.", "Night came.", "The wind was cold.", "A dog barked.")


def stories(n: int, rng: np.random.Generator) -> list[str]:
    """A list of n short stories, one string each, of four sentences such as

    "Anna found a red key. She hid it near the barn. It rained all day. Then she went to the barn and took the red key."

    Every choice is drawn evenly. The later sentences must agree with the earlier ones; `story_rules`
    checks that, and its docstring gives the chance levels. Made for this course.
    """
    require_counts(n=n)
    require_rng(rng)
    result = []
    for _ in range(n):
        name, colour, thing, place = (pick(options, rng) for options in (tuple(NAMES), COLOURS, THINGS, PLACES))
        she = NAMES[name]
        result.append(
            f"{name} {pick(FOUND, rng)} a {colour} {thing}. {she.capitalize()} hid it near the {place}. "
            f"{pick(MEANWHILE, rng)} Then {she} went to the {place} and took the {colour} {thing}."
        )
    return result


def _any(options):
    return "|".join(map(re.escape, options))


STORY = re.compile(
    rf"(?P<name>{_any(NAMES)}) (?:{_any(FOUND)}) a (?P<thing>(?:{_any(COLOURS)}) (?:{_any(THINGS)}))\. "
    rf"(?P<she>She|He) hid it near the (?P<place>{_any(PLACES)})\. (?:{_any(MEANWHILE)}) "
    rf"Then (?P<she_again>she|he) went to the (?P<place_again>{_any(PLACES)}) "
    rf"and took the (?P<thing_again>(?:{_any(COLOURS)}) (?:{_any(THINGS)}))\."
)
STORY_WORDS = frozenset(
    " ".join(
        (
            *NAMES,
            *FOUND,
            *COLOURS,
            *THINGS,
            *PLACES,
            *MEANWHILE,
            "a She He hid it near the Then she he went to and took",
        )
    )
    .replace(".", "")
    .split()
)


def story_rules(story: str) -> dict[str, bool]:
    """Which rules one story keeps: {"words", "form", "pronoun", "place", "thing"}, True or False each.

    words: every word is one of the grammar's. form: the sentences follow the pattern. The last three
    are False without form, and ask whether a later sentence agrees with an earlier one: she or he with
    the name (chance 1/4: twice 1/2), the second place with the first (1/5), the thing and its colour
    at the end with those at the start (1/20). chance is for a story of right form, drawn blindly.
    """
    match = STORY.fullmatch(story)
    rules = {
        "words": bool(story.strip()) and set(re.findall(r"[^\s.]+", story)) <= STORY_WORDS,
        "form": match is not None,
        "pronoun": False,
        "place": False,
        "thing": False,
    }
    if match:
        part = match.groupdict()
        she = NAMES[part["name"]]
        rules["pronoun"] = part["she"].lower() == part["she_again"] == she
        rules["place"] = part["place"] == part["place_again"]
        rules["thing"] = part["thing"] == part["thing_again"]
    return rules
