"""Chapter 14: what three small networks have learned to write, measured over seeds.

text: a GRU reads Python's help topics and says the next character. nats: on the last tenth of the text,
which it was not trained on, the first `warm` characters of each window not counted. temperature: the one
with the lowest such loss. units: see `units`; [best unit, its correlation, that of all units together].

stories: a GRU learns `lessons` different draws of `tasks.stories`, character by character. For each
temperature, the share of `drawn` new stories that keep each rule, how many are faultless (keep all), and
the share of those that stand in the lessons. "trigram": counts of three characters in the same lessons.
units: as for the text.

melodies: a GRU learns old tunes in all keys, note by note. For each temperature, the mean of `in_key`,
`full_bars`, `quoted` and the number of different pitches over `drawn` melodies of at most `beats` quarter
notes, those of fewer than `fewest` notes left out; and one melody, [pitch, beats] of each note. "trigram":
counts of three notes.
"""

import numpy as np

from course_pkg import layers, models, tasks
from course_pkg.experiments import units, writers

TEXTS = ("help_text",)
SETTINGS = {
    "cell": "gru",
    "seeds": [0, 1, 2, 3, 4],
    "temperatures": [0.25, 0.5, 0.75, 1.0, 1.25, 1.5, 2.0],
    "text": {
        "units": 128,
        "embedding": 32,
        "window": 50,
        "train": {"steps": 1000, "batch": 16, "rate": 0.01},
        "test": {"window": 200, "warm": 20},
    },
    "stories": {
        "units": 64,
        "embedding": 16,
        "longest": 60,
        "lessons": [200, 2000],
        "train": {"steps": 1300, "batch": 16, "rate": 0.015},
        "drawn": 500,
        "longest_story": 160,
    },
    "melodies": {
        "units": 64,
        "embedding": 16,
        "lessons": 2000,
        "steps": [400, 2400],
        "train": {"batch": 8, "rate": 0.015},
        "drawn": 50,
        "notes": 64,
        "beats": 48,
        "fewest": 8,
    },
}
RULES = ("words", "form", "pronoun", "place", "thing")
MEASURES = ("in_key", "full_bars", "quoted", "pitches")


def plan(settings):
    """The keys of the rows."""
    stories = [("network", n) for n in settings["stories"]["lessons"]]
    stories.append(("trigram", settings["stories"]["lessons"][-1]))
    melodies = [("network", n) for n in settings["melodies"]["steps"]] + [("trigram", 0)]
    rows = [{"kind": "text"}]
    rows += [{"kind": "stories", "writer": writer, "lessons": n} for writer, n in stories]
    rows += [{"kind": "melodies", "writer": writer, "steps": n} for writer, n in melodies]
    return [row | {"seed": seed} for row in rows for seed in settings["seeds"]]


def measure(settings, rows, *, kind, seed, **key):
    """Train one writer, or count for it, and measure what it writes."""
    return {"text": _text, "stories": _stories, "melodies": _melodies}[kind](settings, seed, **key)


# Text


def loss_at(scores, came, temperature):
    """(cross-entropy, its derivative by the temperature) of softmax(scores / temperature)."""
    loss, tape = layers.softmax_cross_entropy(scores / scores.dtype.type(temperature), came)
    dlogits = layers.softmax_cross_entropy_backward(1.0, tape)
    return float(loss), float(-(dlogits * scores).sum() / temperature**2)


def best_temperature(scores, came):
    """The temperature with the lowest cross-entropy, found by halving where its derivative changes sign."""
    low, high = 0.25, 4.0
    for _ in range(16):
        middle = (low + high) / 2
        low, high = (middle, high) if loss_at(scores, came, middle)[1] < 0 else (low, middle)
    return (low + high) / 2


def _text(settings, seed):
    windows, warm = writers.held_out(settings), settings["text"]["test"]["warm"]
    net = writers.text_network(settings, seed)
    scores = models.many_to_many(windows[:, :-1], net)[0][:, warm:]
    came = windows[:, warm + 1 :]
    best = best_temperature(scores, came)
    fresh = writers.network(settings, "text", len(net.embedding.table), seed)
    return {
        "nats": round(loss_at(scores, came, 1.0)[0], 4),
        "temperature": round(best, 3),
        "nats_there": round(loss_at(scores, came, best)[0], 4),
        "units": {
            name: units.followers(*seen_in_text(settings, net))
            for name, net in (("trained", net), ("untrained", fresh))
        },
    }


def seen_in_text(settings, net):
    """(h (N, H), features {name: (N,)}, chosen (N,)) over the held-out text, but for the first characters of a window.

    chosen: those of the first half of the windows.
    """
    symbols, _, ids = writers.read_text()
    text, warm = "".join(tasks.decode(ids, symbols)), settings["text"]["test"]["warm"]
    windows = writers.held_out(settings)[:, :-1]
    h = units.states(windows, net)[:, warm:]
    chosen = np.repeat(np.arange(len(h)) < len(h) // 2, h.shape[1])
    made = {"inside quotes": units.inside_quotes(text), "place in the line": units.place_in_line(text)}
    features = {k: a[: windows.size].reshape(windows.shape)[:, warm:].ravel() for k, a in made.items()}
    return h.reshape(-1, h.shape[2]), features, chosen


# Stories


def seen_in_stories(net, symbols, seed, count=200, skip=6):
    """(h (N, H), features {name: (N,)}, chosen (N,)) over new stories, but for the first characters of each.

    chosen: those of the first half of the stories.
    """
    told = tasks.stories(count, np.random.default_rng([seed, 2]))
    ids, lengths = tasks.pad([tasks.encode(f"\n{story}", symbols) for story in told])
    counts = (np.arange(ids.shape[1]) > skip) & (np.arange(ids.shape[1]) < lengths[:, None])
    chosen = np.repeat(np.arange(count) < count // 2, counts.sum(axis=1))
    made = {"she, not he": units.about_her, "which sentence": units.sentence}
    features = {k: np.concatenate([feature(story)[skip:] for story in told]) for k, feature in made.items()}
    return units.states(ids, net)[counts], features, chosen


def _stories(settings, seed, writer, lessons):
    made_of, symbols, told = writers.story_writer(settings, writer, lessons, seed)
    known, found = set(told), {rule: [] for rule in (*RULES, "faultless", "copied")}
    for temperature in settings["temperatures"]:
        rng = np.random.default_rng([seed, 1])
        drawn = writers.tell(settings, made_of, symbols, settings["stories"]["drawn"], rng, temperature)
        kept = [tasks.story_rules(story) for story in drawn]
        for rule in RULES:
            found[rule].append(round(float(np.mean([k[rule] for k in kept])), 4))
        whole = [story in known for story, k in zip(drawn, kept) if all(k.values())]
        found["faultless"].append(len(whole))
        found["copied"].append(round(float(np.mean(whole)), 4) if whole else None)
    if writer == "network":
        nets = {"trained": made_of, "untrained": writers.network(settings, "stories", len(symbols), seed)}
        found["units"] = {k: units.followers(*seen_in_stories(net, symbols, seed)) for k, net in nets.items()}
    return found | {"different": len(known)}


# Melodies


def _melodies(settings, seed, writer, steps):
    made_of, data = writers.melody_writer(settings, writer, steps, seed)
    how = settings["melodies"]
    known = set().union(*(tasks.spans(tune.notes, 8) for tune in tasks.tunes()))
    found = {name: [] for name in (*MEASURES, "melody")}
    for temperature in settings["temperatures"]:
        rng = np.random.default_rng([seed, 1])
        drawn = writers.compose(settings, made_of, data.symbols, how["drawn"], rng, temperature)
        drawn = [notes for notes in drawn if len(notes) >= how["fewest"]]
        for name, values in zip(MEASURES, zip(*(_checked(notes, known) for notes in drawn))):
            found[name].append(round(float(np.nanmean(values)), 4))
        found["melody"].append([[int(note.pitch), note.beats] for note in drawn[0]])
    return found


def _checked(notes, known):
    return (
        tasks.in_key(notes),
        tasks.full_bars(notes),
        tasks.quoted(notes, known),
        len({note.pitch for note in notes}),
    )
