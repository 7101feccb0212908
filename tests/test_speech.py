"""Digits said in code: deterministic, told apart, and clear about bad input; time warping; the recordings."""

import importlib.metadata
import io
import wave

import numpy as np
import pytest

from course_pkg.experiments import spoken
from course_pkg.gradcheck import gradcheck
from course_pkg.models import init
from course_pkg.tasks import speech

VOICE = speech.Speaker(120.0, 1.0, 1.0)


def said(digits, seed=0, **how):
    return speech.say(digits, VOICE, np.random.default_rng(seed), **how)


def test_the_same_seed_says_the_same():
    assert np.array_equal(said([3, 1]), said([3, 1]))
    assert not np.array_equal(said([3, 1]), said([3, 1], seed=1)[: len(said([3, 1]))])
    assert np.abs(said([3], noise=0)).max() == pytest.approx(1)


def test_a_vowel_is_loud_at_its_formants_and_its_buzz_has_the_pitch_of_the_voice():
    f, N = np.arange(100.0, 3500, 10), speech.RATE
    loud = speech._envelope(f, np.tile([640.0, 1190, 2390], (len(f), 1)))
    peaks = f[1:-1][(loud[1:-1] > loud[:-2]) & (loud[1:-1] > loud[2:])]
    assert peaks == pytest.approx([640, 1190, 2390], abs=20)
    buzz = speech._buzz(np.tile([640.0, 1190, 2390], (N, 1)), np.ones(N), np.zeros(N), 100.0)
    middle = np.abs(np.fft.rfft(buzz[N // 2 - 800 : N // 2 + 800] * np.hanning(1600)))  # where the pitch is 100 Hz
    assert middle[:40].argmax() * 5 % 100 in (0, 5, 95)


def test_frames_of_a_tone_are_loudest_in_the_band_that_holds_it():
    tone = np.sin(2 * np.pi * 1000 * np.arange(speech.RATE) / speech.RATE)
    found = speech.frames(tone)
    assert found.shape == ((speech.RATE - speech.WINDOW) // speech.HOP + 1, speech.BANDS)
    mel = np.linspace(speech._mel(100), speech._mel(3900), speech.BANDS + 2)[1:-1]
    assert (found.argmax(axis=1) == np.abs(mel - speech._mel(1000)).argmin()).all()


def test_a_wav_is_read_back():
    sound = said([5])
    with wave.open(io.BytesIO(speech.wav(sound))) as file:
        assert (file.getframerate(), file.getnframes()) == (speech.RATE, len(sound))


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: said([]), "digits: got shape"),
        (lambda: said([10]), "digits: got"),
        (lambda: said([1], noise=-1), "noise: got"),
        (lambda: speech.frames(np.zeros(10)), "sound: got shape"),
        (lambda: speech.frames([0.0]), "sound: got list"),
    ],
)
def test_bad_input_is_named(call, message):
    with pytest.raises(ValueError, match=message):
        call()


def test_warping_forgives_stretching_and_nothing_else():
    one = np.array([[0.0], [1], [2]])
    slow, other = np.repeat(one, 2, axis=0), np.array([[0.0], [1], [5]])
    frames, lengths = spoken.padded([slow, one, other])
    assert spoken.warped(frames, lengths, one) == pytest.approx([0, 0, 3 / 6])


@pytest.mark.parametrize("late", [0, 2])
def test_the_gradient_of_a_network_that_is_late(late):
    rng = np.random.default_rng(0)
    net = init("gru", 2, 2, 3, rng, dtype=np.float64)
    x, labels = rng.normal(size=(2, 5, 2)), np.array([[1, 1], [2, 1]])
    batch = x, labels, np.array([5, 4]), np.array([2, 1])
    _, gradient = spoken.ctc_network_loss(net, batch, late)
    net, gradient = net.stack, gradient.stack
    whole = init("gru", 2, 2, 3, np.random.default_rng(0), dtype=np.float64)
    gradcheck(lambda p: spoken.ctc_network_loss(whole._replace(stack=p), batch, late)[0], net, gradient, 1e-5)


def test_without_the_package_it_says_what_to_install(monkeypatch):
    def missing(name):
        raise importlib.metadata.PackageNotFoundError(name)

    monkeypatch.setattr(importlib.metadata, "distribution", missing)
    with pytest.raises(ImportError, match=r'pip install "\.\[speech\]"'):
        spoken.recordings.__wrapped__("recorded")
