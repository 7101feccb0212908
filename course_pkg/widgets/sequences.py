"""The kinds of picture an Explorer draws of a text and of a melody, as plain data. See `panels` for the others."""

from typing import NamedTuple

import numpy as np

from course_pkg.widgets.panels import numbers_of, range_of, role_of


class Track(NamedTuple):
    """One number for each token of a text; a gap where it is not finite."""

    name: str
    values: object
    role: str = "cell"


def spelled(tokens, vocabulary, length=None):
    """Text that may change with a control, for `words` and for the ticks of `heatmap`.

    tokens: strings, each of `vocabulary`, which is the same for all values of the controls. With `length`
    the text is filled up with nothing, so that it has the same length for all of them too. Raises
    ValueError for a token that is not in the vocabulary and for a text that is too long.
    """
    tokens, vocabulary = list(tokens), list(vocabulary)
    length = len(tokens) if length is None else length
    place = {token: k for k, token in enumerate(vocabulary)}
    unknown = sorted({str(token) for token in tokens if token not in place})
    if unknown:
        raise ValueError(f"tokens: got {', '.join(map(repr, unknown))}, wanted tokens of the vocabulary")
    if not 0 < len(tokens) <= length:
        raise ValueError(f"tokens: got {len(tokens)}, wanted 1 to {length}")
    ids = np.full(length, np.nan)
    ids[: len(tokens)] = [place[token] for token in tokens]
    return {"vocabulary": vocabulary, "ids": ids}


def words(text, values, *, z_range, z_label, role="cell", title=""):
    """A running text that shows a number for each of its tokens by the strength of a colour.

    text: n strings, or what `spelled` gives; single characters stand in a face of fixed width. values:
    (n,), drawn as the ground of the token in the colour of `role`; or several `Track`s, each a strip of
    its own colour under the text. z_range (low, high) goes from no colour to full colour; with
    low < 0 < high two colours show the sign. z_label names the scale; without it the scale is left out.
    """
    if not isinstance(text, dict):
        text = spelled(text, dict.fromkeys(text))
    tracks = list(values) if len(values) and isinstance(values[0], Track) else [Track("", values, role)]
    size = text["ids"].size
    for track in tracks:
        if numbers_of(track.name or "values", track.values).size != size:
            raise ValueError(
                f"{track.name or 'values'}: got {np.size(track.values)}, wanted {size} as there are tokens"
            )
    return {
        "kind": "words",
        "title": title,
        "text": text,
        "letters": max(map(len, text["vocabulary"])) == 1,
        "tracks": [{"name": t.name, "values": numbers_of(t.name, t.values), "role": role_of(t.role)} for t in tracks],
        "range": range_of("z_range", z_range),
        "z_label": z_label,
    }


def roll(pitch, start, beats, *, span, pitch_range, tempo=100, title="", role="hidden"):
    """A melody as a piano roll, with a button that plays it in the reader's browser.

    pitch, start, beats (n,): MIDI numbers (middle C is 60, one more is a semitone up), where each note
    begins and how long it is, in quarter notes; gaps where a melody has fewer notes than another. span
    (from, to) in quarter notes and pitch_range (lowest, highest) are the frame; tempo in quarter notes a
    minute. The notes sound in equal temperament, A4 = 440 Hz.
    """
    pitch, start, beats = numbers_of("pitch", pitch), numbers_of("start", start), numbers_of("beats", beats)
    if not pitch.size == start.size == beats.size:
        raise ValueError(f"pitch, start, beats: got {pitch.size}, {start.size} and {beats.size}, wanted equally many")
    heard = np.isfinite(pitch) & np.isfinite(start) & np.isfinite(beats)
    low, high = (int(v) for v in pitch_range)
    outside = pitch[heard & ((pitch < low) | (pitch > high))]
    if outside.size:
        raise ValueError(f"pitch: got {outside[0]:g}, wanted {low} to {high} as pitch_range says")
    if (beats[heard] <= 0).any():
        raise ValueError(f"beats: got {beats[heard].min():g}, wanted more than 0")
    if not 20 <= tempo <= 300:
        raise ValueError(f"tempo: got {tempo}, wanted 20 to 300 quarter notes a minute")
    return {
        "kind": "roll",
        "title": title,
        "pitch": pitch,
        "start": start,
        "beats": beats,
        "span": range_of("span", span),
        "range": range_of("pitch_range", (low, high)),
        "tempo": tempo,
        "role": role_of(role),
    }
