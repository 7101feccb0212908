"""Chapter 11: layers above layers, as they are and with layer norm, residual paths, or both.

Every network reads Python's help topics character by character and says the next one: an embedding, a
stack of GRUs, a readout, trained with Adam on fresh windows of the text, its gradient clipped. "width":
every layer has `width` units, so depth adds parameters. "parameters": all networks have as many
parameters, embedding and readout included, as the one with a single layer of `wide` units allows.

nats: mean cross-entropy per character on the last tenth of the text, which no network was trained on;
the first `warm` characters of each window are read and not counted. train_nats: the same on the
batches of the last fifty steps of training.
"""

import functools

import numpy as np

from course_pkg import layers, models, tasks, train, weights
from course_pkg.experiments.verdicts import worse

TEXTS = ("help_text",)
SETTINGS = {
    "cell": "gru",
    "width": 32,
    "wide": 64,
    "embedding": 32,
    "seeds": [0, 1, 2, 3, 4],
    "depths": {"width": [1, 2, 4, 8], "parameters": [1, 2, 4]},
    "ways": {"width": ["plain", "norm", "residual", "both"], "parameters": ["plain", "both"]},
    "characters": 200_000,
    "window": 40,
    "test": {"characters": 10_000, "window": 100, "warm": 20},
    "train": {"steps": 300, "batch": 32, "rate": 0.005, "clip": 1.0},
}
WAYS = {"plain": (), "norm": ("norm",), "residual": ("residual",), "both": ("norm", "residual")}


def plan(settings):
    """The keys of the rows. A single layer has no residual path, so it stands as it is."""
    return [
        {"equal": equal, "depth": depth, "way": way, "seed": seed}
        for equal in settings["depths"]
        for depth in settings["depths"][equal]
        for way in settings["ways"][equal]
        if depth > 1 or way == "plain"
        for seed in settings["seeds"]
    ]


def measure(settings, rows, *, equal, depth, way, seed):
    """Train one network. Returns its width, its parameters, and what it scored."""
    symbols, text, test = _text(settings["characters"], settings["test"]["characters"], settings["test"]["window"])
    H = width(settings, len(symbols), depth, way) if equal == "parameters" else settings["width"]
    rng = np.random.default_rng(seed)
    net = network(settings, len(symbols), H, depth, way, rng)
    how = {"residual": "residual" in WAYS[way]}

    def draw(rng):
        starts = rng.integers(len(text) - settings["window"], size=settings["train"]["batch"])
        windows = text[starts[:, None] + np.arange(settings["window"] + 1)]
        return windows[:, :-1], windows[:, 1:]

    def loss(net, batch, state, rng):
        return models.tagger_loss(net, batch, state, rng, **how)

    found = train.fit(loss, net, draw, rng, progress=False, **settings["train"])
    warm = settings["test"]["warm"]
    scores, _, _ = models.many_to_many(test[:, :-1], found.params, **how)
    nats, _ = layers.softmax_cross_entropy(scores[:, warm:], test[:, warm + 1 :])
    return {
        "H": H,
        "parameters": weights.count(net),
        "nats": round(float(nats), 4),
        "train_nats": round(float(found.history.loss[-50:].mean()), 4),
    }


def network(settings, symbols, H, depth, way, rng):
    """A starting network of `depth` layers of H units over so many symbols."""
    sizes = {"embedding": settings["embedding"], "depth": depth, "norm": "norm" in WAYS[way]}
    return models.init(settings["cell"], symbols, H, symbols, rng, **sizes)


def width(settings, symbols, depth, way):
    """The most units a layer may have so that the whole network has no more parameters than the wide one."""

    def size(H, depth, way):
        return weights.count(network(settings, symbols, H, depth, way, np.random.default_rng(0)))

    budget = size(settings["wide"], 1, "plain")
    return next(H for H in range(settings["wide"], 0, -1) if size(H, depth, way) <= budget)


@functools.cache
def _text(characters, held_out, window):
    """(symbols, ids to train on, windows (N, window + 1) of held-out ids)."""
    text = tasks.help_text(characters)
    symbols = tuple(sorted(set(text)))
    ids = tasks.encode(text, symbols)
    cut = len(ids) * 9 // 10
    test = ids[cut : cut + held_out]
    return symbols, ids[:cut], test[: len(test) // (window + 1) * (window + 1)].reshape(-1, window + 1)


def scores(stored):
    """{(equal, depth, way): nats of each seed, an array} of a stored result. A single layer is "plain"."""
    found = {}
    for row in stored["results"]:
        found.setdefault((row["equal"], row["depth"], row["way"]), []).append(row["nats"])
    return {key: np.array(nats) for key, nats in found.items()}


SAID = {"norm": "layer norm", "residual": "residual paths", "both": "both"}
MARGIN = 0.02  # nats per character; a smaller difference is not spoken of


def helped(scores):
    """What each way did for stacks of equal width, in words made from `scores`."""
    depths = sorted({depth for equal, depth, _ in scores if equal == "width" and depth > 1})
    single, deepest = scores["width", 1, "plain"], depths[-1]
    middle = {way: np.median(scores["width", deepest, way]) for way in ("plain", *SAID)}
    text = (
        f"One layer: {np.median(single):.2f} nats per character (medians). {deepest} layers as they are: "
        f"{middle['plain']:.2f}, with "
        + ", with ".join(f"{said} {middle[way]:.2f}" for way, said in SAID.items())
        + ". "
    )
    for way, said in SAID.items():
        pairs = {str(d): (scores["width", d, "plain"], scores["width", d, way]) for d in depths}
        text += f"{said.capitalize()} made the stack better at {_which(worse(pairs, MARGIN).cases)}. "
    plain = worse({str(d): (scores["width", d, "plain"], single) for d in depths}, MARGIN).cases
    return (
        text + f"The stack as it is was worse than a single layer at {_which(plain)}. "
        "Better and worse mean here: all five seeds against all five."
    )


def deep_or_wide(scores):
    """What depth did at equal parameters, in words made from `scores`."""
    wide = scores["parameters", 1, "plain"]
    deep = {key: nats for key, nats in scores.items() if key[0] == "parameters" and key[1] > 1}
    names = {key: f"{key[1]} layers {'with both' if key[2] == 'both' else 'as they are'}" for key in deep}
    losers = worse({names[key]: (nats, wide) for key, nats in deep.items()}, MARGIN).cases
    winners = worse({names[key]: (wide, nats) for key, nats in deep.items()}, MARGIN).cases
    medians = ", ".join(f"{names[key]} {np.median(nats):.2f}" for key, nats in deep.items())
    return (
        f"One wide layer: {np.median(wide):.2f} nats per character; {medians}. At equal parameters "
        f"{_list(winners)} did better than the wide layer and {_list(losers)} did worse, "
        "all five seeds against all five."
    )


def _which(cases):
    """ "2 and 4 layers", "no depth that was tried" or "every depth" from {"2": True, ...}."""
    if all(cases.values()):
        return "every depth tried"
    return f"{_list(cases)} layers" if any(cases.values()) else "no depth tried"


def _list(cases):
    held = [name for name, holds in cases.items() if holds]
    return " and ".join(filter(None, [", ".join(held[:-1]), held[-1]])) if held else "nothing"
