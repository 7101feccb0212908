"""Python's help topics, cut so that what is held out is a topic of its own and no line of it was seen before.

A paragraph that shares `WINDOW` characters in a row with one before it is left out before the cut. Of every ten topics
eight are learned from, one chooses, one is held out.
"""

import functools

from course_pkg import tasks

WINDOW = 60  # characters that two parts of the text must not share
HELD_OUT, CHOOSES = 3, 8  # of every ten topics, counted from 0


@functools.cache
def split():
    """(text to learn from, text that chooses, text held out), each topic as it stands but for repeats."""
    seen, parts = set(), ([], [], [])
    for k, topic in enumerate(topics()):
        kept = []
        for paragraph in topic.split("\n\n"):
            windows = {paragraph[i : i + WINDOW] for i in range(max(1, len(paragraph) - WINDOW + 1))}
            if len(paragraph) < WINDOW or not windows & seen:
                kept.append(paragraph)
            seen |= windows
        if kept:
            parts[{HELD_OUT: 2, CHOOSES: 1}.get(k % 10, 0)].append("\n\n".join(kept))
    return tuple("\n\n\n".join(part) + "\n" for part in parts)


def topics():
    """The topics in alphabetical order of their names, with the marks of `tasks.help_text`."""
    from pydoc_data.topics import topics as found

    return [tasks.text.plain(found[name].strip()) for name in sorted(found)]


@functools.cache
def encoded():
    """(symbols, ids to learn from, ids that choose, ids held out). The symbols are those of all topics."""
    parts = split()
    symbols = tuple(sorted(set("".join(parts))))
    return symbols, *(tasks.encode(part, symbols) for part in parts)


def windows(ids, size):
    """(N, size + 1) of ids, each of which begins with the last of the one before."""
    starts = range(0, len(ids) - size, size)
    return tasks.pad([ids[s : s + size + 1] for s in starts])[0]
