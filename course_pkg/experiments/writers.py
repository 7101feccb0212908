"""What chapter 14 trains: networks of one recurrent layer that say the next character or note, and counts beside them.

settings is `generation.SETTINGS`; a seed gives the lessons, the first weights and the order of the batches.
"""

import functools

import numpy as np

from course_pkg import baselines, models, optim, tasks, train


def network(settings, kind, symbols, seed):
    """An untrained network of one recurrent layer that says the next of so many symbols."""
    how, rng = settings[kind], np.random.default_rng(seed)
    start = {"longest": how["longest"]} if "longest" in how else {}
    return models.init(settings["cell"], symbols, how["units"], symbols, rng, embedding=how["embedding"], **start)


def learn(settings, kind, symbols, data, seed, **more):
    """The same network, trained to say the next symbol of `data`."""
    how = settings[kind]["train"] | {"clip": 1.0, "progress": False} | more
    how["rate"] = optim.cosine(how["rate"], how["steps"])
    net = network(settings, kind, symbols, seed)
    return train.fit(models.tagger_loss, net, data, np.random.default_rng(seed), **how).params


@functools.cache
def read_text():
    """(symbols, ids to train on, ids held out: the last tenth) of Python's help topics."""
    text = tasks.help_text()
    symbols = tuple(sorted(set(text)))
    ids = tasks.encode(text, symbols)
    cut = len(ids) * 9 // 10
    return symbols, ids[:cut], ids[cut:]


def text_network(settings, seed):
    """A network that has learned the help topics from random windows."""
    symbols, ids, _ = read_text()
    T, B = settings["text"]["window"], settings["text"]["train"]["batch"]

    def draw(rng):
        windows = ids[rng.integers(len(ids) - T, size=(B, 1)) + np.arange(T + 1)]
        return windows[:, :-1], windows[:, 1:]

    return learn(settings, "text", len(symbols), draw, seed)


def held_out(settings):
    """Windows (N, window + 1) of the held-out text, each of which begins with the last character of the one before."""
    _, _, ids = read_text()
    size = settings["text"]["test"]["window"]
    starts = np.arange(0, len(ids) - size, size)
    return ids[starts[:, None] + np.arange(size + 1)]


def story_lessons(n, seed):
    """(n stories, symbols, (x, y, mask)): each story between two line breaks, padded."""
    told = tasks.stories(n, np.random.default_rng([seed, n]))
    symbols = ("\n", *sorted(set("".join(told))))
    ids = [tasks.encode(f"\n{story}\n", symbols) for story in told]
    (x, lengths), (y, _) = tasks.pad([i[:-1] for i in ids]), tasks.pad([i[1:] for i in ids])
    return told, symbols, (x, y, np.arange(x.shape[1]) < lengths[:, None])


def story_writer(settings, writer, n, seed):
    """(a network or a table of counts, symbols, the n stories that it has learned)."""
    told, symbols, data = story_lessons(n, seed)
    if writer == "network":
        return learn(settings, "stories", len(symbols), data, seed), symbols, told
    ids = tasks.encode("\n\n" + "\n\n".join(told) + "\n", symbols)
    return baselines.ngram(ids, len(symbols), 3), symbols, told


def tell(settings, made_of, symbols, count, rng, temperature):
    """So many stories, strings, drawn character by character from a line break to the next."""
    drawn = _sample(made_of, 0, count, settings["stories"]["longest_story"], rng, temperature, 0)
    return ["".join(symbols[k] for k in ids) for ids in drawn]


def _sample(made_of, start, count, steps, rng, temperature, stop):
    """Draws from a network, or from a table of counts with `start` in all places of its context."""
    if isinstance(made_of, models.Network):
        return models.sample(np.full((count, 1), start), made_of, steps, rng, temperature=temperature, stop=stop)
    prompt = np.full((count, made_of.ndim - 1), start)
    return baselines.ngram_sample(prompt, made_of, steps, rng, temperature=temperature, stop=stop)


def melody_writer(settings, writer, steps, seed):
    """(a network or a table of counts, the `tasks.Data` of tunes in drawn keys that it has learned)."""
    data = tasks.melodies(settings["melodies"]["lessons"], np.random.default_rng([seed, 1]))
    if writer == "network":
        return learn(settings, "melodies", len(data.symbols), data.arrays[:3], seed, steps=steps), data
    start, stop = (data.symbols.index(word) for word in ("start", "stop"))
    rows = [[start, *x[:length], stop] for x, length in zip(data.x, data.lengths)]
    return baselines.ngram(np.concatenate(rows), len(data.symbols), 3), data


def compose(settings, made_of, symbols, count, rng, temperature):
    """So many melodies, lists of `tasks.Note`, each as far as it goes within `beats` quarter notes."""
    how, (start, stop) = settings["melodies"], (symbols.index(word) for word in ("start", "stop"))
    melodies = []
    for ids in _sample(made_of, start, count, how["notes"], rng, temperature, stop):
        notes = [symbols[k] for k in ids if k != start]
        ends = np.cumsum([note.beats for note in notes])
        melodies.append(notes[: int(np.searchsorted(ends, how["beats"], side="right"))])
    return melodies
