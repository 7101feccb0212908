"""Speech-like sound made in code: the ten digits of English, said by speakers that are drawn.

A voice is a buzz, all multiples of its pitch, whose loudness by frequency has a few peaks, the formants; a hiss
has no pitch. A word is a list of sounds, and formants move in straight lines from one sound to the next. This is the
idea of Klatt 1980 in its simplest form, harmonics added up in the place of filters. The formants of the vowels are
the means over men of Peterson and Barney 1952; those of the consonants are set by ear, and these are not recordings.

Sound is a float array (N,) at RATE samples a second; `frames` turns it into (T, BANDS) numbers for a network.
"""

import io
import wave
from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike

from course_pkg._validation import require_ids, require_number, require_rng
from course_pkg.activations import Array

RATE = 8000  # samples in a second
HOP, WINDOW = 160, 256  # samples: a frame every 20 ms, of 32 ms
BANDS = 12
BANDWIDTH = 60.0, 90.0, 150.0  # of the three formants, Hz
WORDS = "zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine"


class Sound(NamedTuple):
    """One sound: three formants in Hz, how loud its buzz and its hiss are (0 to 1), and its length in seconds."""

    formants: tuple
    buzz: float
    hiss: float
    seconds: float


class Speaker(NamedTuple):
    """A voice: pitch in Hz, formants times `tract`, lengths of sounds times `slow`."""

    pitch: float
    tract: float
    slow: float


SOUNDS = {
    "IY": Sound((270, 2290, 3010), 1, 0, 0.11),
    "IH": Sound((390, 1990, 2550), 1, 0, 0.07),
    "EH": Sound((530, 1840, 2480), 1, 0, 0.09),
    "AH": Sound((640, 1190, 2390), 1, 0, 0.09),
    "AA": Sound((730, 1090, 2440), 1, 0, 0.10),
    "AO": Sound((570, 840, 2410), 1, 0, 0.11),
    "UW": Sound((300, 870, 2240), 1, 0, 0.12),
    "UH": Sound((440, 1020, 2240), 1, 0, 0.07),
    "W": Sound((290, 610, 2150), 0.6, 0, 0.06),
    "R": Sound((310, 1060, 1380), 0.6, 0, 0.07),
    "N": Sound((240, 1500, 2600), 0.3, 0, 0.08),
    "V": Sound((220, 1100, 2080), 0.3, 0.05, 0.05),
    "Z": Sound((240, 1800, 3700), 0.2, 0.25, 0.08),
    "S": Sound((400, 2700, 3700), 0, 0.4, 0.10),
    "F": Sound((900, 1900, 2900), 0, 0.12, 0.09),
    "TH": Sound((700, 1500, 3300), 0, 0.08, 0.08),
    "K": Sound((350, 1800, 2600), 0, 0.35, 0.03),
    "T": Sound((400, 2300, 3500), 0, 0.4, 0.03),
    "-": Sound((400, 1500, 2500), 0, 0, 0.05),
}
SPELLED = {  # in the symbols of ARPAbet; "-" is the silence before a stop
    "zero": "Z IH R AO UH",
    "one": "W AH N",
    "two": "- T UW",
    "three": "TH R IY",
    "four": "F AO R",
    "five": "F AA IY V",
    "six": "S IH - K S",
    "seven": "S EH V AH N",
    "eight": "EH IY - T",
    "nine": "N AA IY N",
}


def speaker(rng: np.random.Generator) -> Speaker:
    """A speaker drawn evenly: pitch 90 to 220 Hz, tract 0.9 to 1.2, slow 0.8 to 1.3."""
    require_rng(rng)
    return Speaker(rng.uniform(90, 220), rng.uniform(0.9, 1.2), rng.uniform(0.8, 1.3))


def say(digits: ArrayLike, voice: Speaker, rng: np.random.Generator, *, noise: float = 0.02) -> Array:
    """A row of digits, said by a voice with pauses of 0 to 0.12 s in between: sound (N,), peak 1 before the noise.

    noise: the standard deviation of white noise over it. Every length and formant is drawn anew, within a tenth.
    Raises ValueError where a digit is not an integer from 0 to 9, or none is given.
    """
    digits = np.asarray(digits)
    if digits.ndim != 1 or not digits.size:
        raise ValueError(f"digits: got shape {digits.shape}, wanted a row of at least one")
    require_ids("digits", digits, 10)
    require_number("noise", noise, 0)
    require_rng(rng)
    tracks = _tracks([WORDS[d] for d in digits], voice, rng)
    sound = _buzz(*tracks, voice.pitch * rng.uniform(0.95, 1.05)) + _hiss(*tracks, rng)
    return sound / np.abs(sound).max() + noise * rng.normal(size=len(sound))


def _tracks(words, voice, rng):
    """Formants (N, 3), loudness of buzz and of hiss (N,): from the middle of each sound to that of the next."""
    rows, ends, now = [], [], 0.0
    for word in words:
        names = ["-", *SPELLED[word].split()]
        for k, name in enumerate(names):
            sound = SOUNDS[name]
            pause = rng.uniform(0.02, 0.12) if k == 0 else sound.seconds * voice.slow * rng.uniform(0.9, 1.1)
            formants = np.array(sound.formants) * voice.tract * rng.uniform(0.97, 1.03)
            near, far = now + 0.3 * pause, now + 0.7 * pause  # steady in its middle, moving at its edges
            rows += [(*formants, sound.buzz, sound.hiss)] * 2
            ends += [near, far]
            now += pause
    at = np.arange(int((now + 0.08) * RATE)) / RATE
    rows = np.array([*rows, (*rows[-1][:3], 0, 0)])
    found = np.stack([np.interp(at, [*ends, now + 0.03], column) for column in rows.T], axis=1)
    return found[:, :3], found[:, 3], found[:, 4]


def _envelope(f, formants):
    """How loud a frequency f is under the formants: the product of three resonances, each 1 at frequency 0."""
    loud = 1.0
    for k, width in enumerate(BANDWIDTH):
        F = formants[..., k]
        loud = loud / np.sqrt((1 - (f / F) ** 2) ** 2 + (width * f / F**2) ** 2)
    return loud


def _buzz(formants, buzz, hiss, pitch):
    """The multiples of a pitch that falls a little over the row, weaker as they rise, under the formants."""
    falling = pitch * np.linspace(1.06, 0.94, len(buzz))
    phase = 2 * np.pi * np.cumsum(falling) / RATE
    sound = np.zeros(len(buzz))
    for n in range(1, int(0.47 * RATE / falling[0])):
        sound += _envelope(n * falling, formants) * np.sin(n * phase) / n**1.5
    return buzz * sound


def _hiss(formants, buzz, hiss, rng):
    """White noise under the upper two formants: short windows, shaped by frequency and added up."""
    n, half = len(hiss), WINDOW // 2
    white, sound = rng.normal(size=n + WINDOW), np.zeros(n + WINDOW)
    taper = np.hanning(WINDOW + 1)[:-1]
    f = np.fft.rfftfreq(WINDOW, 1 / RATE)
    for start in range(0, n, half):
        here = formants[start]
        loud = sum(np.exp(-(((f - F) / 500) ** 2)) for F in here[1:])
        shaped = np.fft.irfft(np.fft.rfft(taper * white[start : start + WINDOW]) * loud)
        sound[start : start + WINDOW] += shaped
    return 2 * hiss * sound[half : half + n]


def frames(sound: Array) -> Array:
    """Log energy in BANDS bands of frequency every 20 ms: sound (N,), returns (T, BANDS) of float32.

    The bands are triangles, evenly spaced on the mel scale from 100 to 3,900 Hz (Davis and Mermelstein 1980, who go on
    to take the cosine transform of them). Raises ValueError for less than one window of sound.
    """
    if not isinstance(sound, np.ndarray) or sound.ndim != 1 or len(sound) < WINDOW:
        got = f"shape {sound.shape}" if isinstance(sound, np.ndarray) else type(sound).__name__
        raise ValueError(f"sound: got {got}, wanted an array of at least {WINDOW} samples")
    cut = np.lib.stride_tricks.sliding_window_view(sound, WINDOW)[::HOP]
    energy = np.abs(np.fft.rfft(cut * np.hanning(WINDOW), axis=1)) ** 2
    mel = np.linspace(_mel(100), _mel(3900), BANDS + 2)
    at = _mel(np.fft.rfftfreq(WINDOW, 1 / RATE))
    triangles = np.maximum(0, 1 - np.abs(at[:, None] - mel[1:-1]) / (mel[1] - mel[0]))
    return np.log(energy @ triangles + 1e-3).astype(np.float32)


def _mel(f):
    return 2595 * np.log10(1 + np.asarray(f) / 700)


def wav(sound: Array) -> bytes:
    """Sound (N,) as a WAV file of one channel and 8 bits, scaled to its peak."""
    peak = max(np.abs(sound).max(), 1e-9)
    data = np.round(128 + 120 * sound / peak).astype(np.uint8)
    file = io.BytesIO()
    with wave.open(file, "wb") as out:
        out.setnchannels(1)
        out.setsampwidth(1)
        out.setframerate(RATE)
        out.writeframes(data.tobytes())
    return file.getvalue()
