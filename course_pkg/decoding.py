"""From what a network trained with `ctc` says at each step to labels, and how far two label sequences are apart.

Sources: Graves et al. 2006 (best path, prefix search); Hannun et al. 2014 (prefix beam search); Levenshtein 1966 (edit
distance).
"""

from collections.abc import Sequence

import numpy as np
from numpy.typing import ArrayLike

from course_pkg._validation import require_array, require_number
from course_pkg.activations import Array
from course_pkg.ctc import NEVER, _log_softmax, collapse


def greedy_labels(scores: Array, lengths: ArrayLike | None = None, blank: int = 0) -> list[list[int]]:
    """The labels of the most probable path of each sequence: scores (B, T, K), returns B lists of integers."""
    require_array("scores", scores, ("B", "T", "K"))
    lengths = [scores.shape[1]] * len(scores) if lengths is None else lengths
    return [collapse(row[:n], blank) for row, n in zip(scores.argmax(axis=2), lengths)]


def beam_labels(scores: Array, width: int, blank: int = 0) -> list[tuple]:
    """Prefix beam search over one sequence, scores (T, K): [(labels, log probability), ...], the best first.

    All paths of one prefix are added up, which a search over paths cannot do. A prefix has two numbers: the
    probability of its paths that end in a blank, and of those that end in its last label; only the first may be
    followed by the same label as a new one. With `width` prefixes kept, the result is exact once none is dropped.
    """
    require_array("scores", scores, ("T", "K"))
    require_number("width", width, 1, integer=True)
    beams = {(): (0.0, NEVER)}  # prefix: (ending in a blank, ending in a label)
    for log_p in _log_softmax(scores.astype(np.float64)):
        found = {}

        def add(prefix, in_blank=NEVER, in_label=NEVER, found=found):
            old = found.get(prefix, (NEVER, NEVER))
            found[prefix] = (np.logaddexp(old[0], in_blank), np.logaddexp(old[1], in_label))

        for prefix, (in_blank, in_label) in beams.items():
            both = np.logaddexp(in_blank, in_label)
            add(prefix, in_blank=both + log_p[blank])
            for k, log_k in enumerate(log_p):
                if k == blank:
                    continue
                if prefix and prefix[-1] == k:
                    add(prefix, in_label=in_label + log_k)  # said on, not again
                    add((*prefix, k), in_label=in_blank + log_k)
                else:
                    add((*prefix, k), in_label=both + log_k)
        possible = [(prefix, ends) for prefix, ends in found.items() if max(ends) > NEVER]
        beams = dict(sorted(possible, key=lambda item: -np.logaddexp(*item[1]))[:width])
    return [(list(prefix), float(np.logaddexp(*ends))) for prefix, ends in beams.items()]


def edit_distance(a: Sequence, b: Sequence) -> int:
    """The fewest insertions, deletions and exchanges that make sequence a into sequence b."""
    row = list(range(len(b) + 1))
    for i, x in enumerate(a, 1):
        above, row = row, [i]
        for j, y in enumerate(b, 1):
            row.append(min(above[j] + 1, row[j - 1] + 1, above[j - 1] + (x != y)))
    return row[-1]


def error_rate(said: Sequence, wanted: Sequence) -> float:
    """Edits for each label that was wanted, over all pairs: 0 is perfect, and it can exceed 1.

    Raises ValueError where nothing was wanted, or as many were not said as wanted.
    """
    if len(said) != len(wanted) or not sum(map(len, wanted)):
        raise ValueError(f"said: got {len(said)} sequences for {len(wanted)}, wanted as many, with labels in them")
    return sum(edit_distance(a, b) for a, b in zip(said, wanted)) / sum(map(len, wanted))
