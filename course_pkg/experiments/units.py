"""What single units of a network follow: correlation with something that the text has at each character.

The unit is chosen on one part of the characters and its correlation is measured on another, because the
best of many units looks good by chance on the characters that chose it.
"""

import numpy as np

from course_pkg import layers, stacks


def states(ids, net):
    """The states of the last layer of a `models.Network` that reads ids (B, T): (B, T, H)."""
    symbols, _ = layers.embedding(ids, net.embedding)
    return stacks.stack(symbols, None, net.stack)[0]


def inside_quotes(text):
    """1 for each character from an opening double quote to just before the closing one, else 0: (len(text),).

    Each `"` opens or closes; an empty line closes what is open.
    """
    inside, found = False, []
    for k, character in enumerate(text):
        if character == '"':
            inside = not inside
        elif text[k - 1 : k + 1] == "\n\n":
            inside = False
        found.append(inside)
    return np.array(found, float)


def place_in_line(text):
    """How many characters have been read since the line began: (len(text),)."""
    found, place = [], 0
    for character in text:
        place = 0 if character == "\n" else place + 1
        found.append(place)
    return np.array(found, float)


def sentence(text):
    """The number of the sentence that each character of one story is in, from 1: (len(text),)."""
    ends = np.array([character == "." for character in text], float)
    return 1 + ends.cumsum() - ends


def about_her(text):
    """1 for each character of a story about a girl, 0 about a boy: (len(text),)."""
    return np.full(len(text), float("She " in text))


def correlations(h, feature):
    """Pearson's correlation of each unit of h (N, H) with feature (N,): (H,); 0 for a unit that never changes."""
    h, feature = h - h.mean(axis=0), feature - feature.mean()
    scale = np.sqrt(np.square(h).sum(axis=0) * np.square(feature).sum())
    return (feature @ h) / np.where(scale > 0, scale, 1)


def best_unit(h, feature, chosen):
    """The unit of h (N, H) with the strongest correlation where `chosen` (N,) is True, and what it has elsewhere.

    Returns (unit, correlation).
    """
    unit = int(np.abs(correlations(h[chosen], feature[chosen])).argmax())
    return unit, float(correlations(h[~chosen][:, [unit]], feature[~chosen])[0])


def all_units(h, feature, chosen):
    """The correlation of the best weighted sum of all units: fitted where `chosen` is True, measured elsewhere."""
    design = np.concatenate([h, np.ones((len(h), 1), h.dtype)], axis=1)
    weights = np.linalg.lstsq(design[chosen], feature[chosen])[0]
    return float(correlations((design[~chosen] @ weights)[:, None], feature[~chosen])[0])


def followers(h, features, chosen):
    """{name: [best unit, its correlation, that of all units together]} for features {name: (N,)}; h (N, H)."""
    found = {}
    for name, feature in features.items():
        unit, strength = best_unit(h, feature, chosen)
        found[name] = [unit, round(strength, 3), round(all_units(h, feature, chosen), 3)]
    return found
