"""Texts with colours and melodies with sound, in a real browser."""

import numpy as np
import pytest

from course_pkg.widgets import Explorer, Track, choice, explorer, figure, heatmap, roll, slider, spelled, words

pytestmark = pytest.mark.browser

RANGE = {"z_range": (0, 1), "z_label": "share"}

# Lets a test hear: all that goes to the speakers goes to a meter too.
LISTEN = """() => {
  const connect = AudioNode.prototype.connect;
  AudioNode.prototype.connect = function (to, ...rest) {
    if (to instanceof AudioDestinationNode) {
      window.meter = this.context.createAnalyser();
      connect.call(this, window.meter);
    }
    return connect.call(this, to, ...rest);
  };
  window.loudness = () => {
    const wave = new Float32Array(window.meter.fftSize);
    window.meter.getFloatTimeDomainData(wave);
    return Math.hypot(...wave) / Math.sqrt(wave.length);
  };
}"""


@pytest.fixture
def show(browser):
    """Shows a figure as the book does and gives the page; fails the test if the page logs an error."""
    contexts, trouble = [], []

    def show(made, width=800):
        contexts.append(browser.new_context(viewport={"width": width, "height": 700}))
        page = contexts[-1].new_page()
        page.on("pageerror", lambda e: trouble.append(str(e)))
        page.set_content(f"<style>{(explorer.HERE / 'explorer.css').read_text()}</style>{made.static_html()}")
        page.evaluate(LISTEN)
        page.add_script_tag(content=explorer.script(), type="module")
        page.wait_for_selector(".explorer-drawn svg")
        return page

    yield show
    for context in contexts:
        context.close()
    assert not trouble


def one(panel):
    return figure(panel, title="t", alt="what is to be seen here")


def test_a_text_breaks_between_words_and_stays_in_its_frame(show):
    """On a phone too; a word that is longer than a line breaks where it must."""
    text = [*"one two three four five six seven ", *("x" * 90), "\n", *"end"]
    for width in (800, 360):
        page = show(one(words(text, np.linspace(0, 1, len(text)), **RANGE)), width)
        letters = page.locator("svg text.letter").evaluate_all(
            "a => a.map(e => { const r = e.getBoundingClientRect(); return [e.textContent, r.left, r.right, r.top]; })"
        )
        frame = page.locator("svg").bounding_box()
        assert min(x for _, x, _, _ in letters) >= frame["x"]
        assert max(x for _, _, x, _ in letters) <= frame["x"] + frame["width"]
        lines = {}
        for letter, _, _, y in letters:
            lines[y] = lines.get(y, "") + letter
        said = list(lines.values())
        assert "".join(said) == "".join(text).replace(" ", "").replace("\n", "↵")
        assert said[-1] == "end"
        for word in ("three", "seven"):
            assert sum(word in line for line in said) == 1


def test_the_ground_of_a_token_is_as_strong_as_its_number(show):
    page = show(one(words(["no", "half", "full", "gap"], [0, 0.5, 1, np.nan], **RANGE)))
    grounds = page.locator("svg rect[height='20']").evaluate_all("r => r.map(e => +e.getAttribute('fill-opacity'))")
    np.testing.assert_allclose(grounds, [0, 0.25, 0.5])


def test_a_text_without_a_name_for_its_numbers_has_no_scale(show):
    for label, count in (("share", 12), ("", 0)):
        page = show(one(words(["gap"], [np.nan], z_range=(0, 1), z_label=label)))
        assert page.locator("svg rect").count() == count


def test_each_track_is_a_strip_of_its_own_colour_and_can_be_read_as_numbers(show):
    tracks = [Track("forget gate", [0.1, 0.9], "forget"), Track("state", [1.0, np.nan], "hidden")]
    page = show(one(words(["not", "good"], tracks, **RANGE)))
    strips = page.locator("svg rect[height='11']").evaluate_all("r => r.map(e => e.getAttribute('class'))")
    assert strips == ["role-forget", "role-hidden", "role-forget"]
    page.get_by_text("Numbers in this figure").click()
    assert page.locator("tr", has_text="forget gate").inner_text().split("\t")[1:] == ["0.1", "0.9"]
    assert page.locator("tr", has_text="text").inner_text().split("\t")[1:] == ["not", "good"]


def test_text_and_ticks_change_with_a_control(show):
    letters, texts = list("abcd"), ("ab", "dcb")

    def f(k):
        text = spelled(texts[k], letters, 3)
        grid = np.where(np.isfinite(text["ids"]), 1.0, np.nan)[None]
        plain = {"x_label": "x", "y_label": "y", "z_label": "z", "z_range": (0, 1)}
        return [words(text, grid[0], **RANGE), heatmap(grid, x_ticks=text, **plain)]

    page = show(Explorer(f, title="t", alt="what is to be seen here", k=slider(0, 1, 1, value=0)))
    seen = (
        "() => [...document.querySelectorAll('svg')].map(s => [...s.querySelectorAll('text')].map(t => t.textContent))"
    )
    first = page.evaluate(seen)
    assert "".join(t for t in first[0] if t in letters) == "ab" == "".join(t for t in first[1] if t in letters)
    page.locator("input").fill("1")
    second = page.evaluate(seen)
    assert "".join(t for t in second[0] if t in letters) == "dcb" == "".join(t for t in second[1] if t in letters)


def melody(which="short"):
    notes = {"short": ([69, 60], [0, 1], [1, 0.5]), "none": ([np.nan] * 2, [0, 1], [1, 1])}[which]
    return roll(*notes, span=(0, 4), pitch_range=(55, 72), tempo=240)


def test_a_melody_is_drawn_where_it_sounds(show):
    page = show(one(melody()))
    notes = page.locator("rect.note").evaluate_all("r => r.map(e => ['x', 'y', 'width'].map(k => +e.getAttribute(k)))")
    (x0, y0, w0), (x1, y1, w1) = notes
    assert x0 < x1
    assert y0 < y1  # the higher note is higher up
    assert w0 + 1.5 == pytest.approx(2 * (w1 + 1.5), abs=0.2)
    assert page.locator("svg text", has_text="C4").count() == 1
    page.get_by_text("Numbers in this figure").click()
    assert page.locator("tr", has_text="note").first.inner_text().split("\t")[1:] == ["A4", "C4"]


def test_a_melody_sounds_and_ends(show):
    """One and a half beats at 240 a minute: 0.375 s, and the last note fades."""
    page = show(one(melody()))
    page.get_by_role("button", name="Play: t").click()
    place = page.locator("[data-seconds]")
    assert 0.375 < float(place.get_attribute("data-seconds")) < 1
    page.wait_for_function("window.loudness() > 0.01")
    page.wait_for_function("document.querySelector('[data-playing]').dataset.playing === 'no'")
    page.get_by_text("Played.").wait_for()


def test_a_tone_has_the_pitch_of_its_note(show):
    """A4 is 440 Hz: so many periods pass in a stretch of the wave."""
    page = show(one(roll([69], [0], [8], span=(0, 8), pitch_range=(60, 72), tempo=60)))
    page.get_by_role("button", name="Play: t").click()
    page.wait_for_function("window.loudness() > 0.01")
    hertz = page.evaluate("""() => {
      window.meter.fftSize = 32768;
      return new Promise((done) => setTimeout(() => {
        const power = new Float32Array(window.meter.frequencyBinCount);
        window.meter.getFloatFrequencyData(power);
        done(power.indexOf(Math.max(...power)) * window.meter.context.sampleRate / window.meter.fftSize);
      }, 1200));
    }""")
    assert hertz == pytest.approx(440, abs=3)
    page.get_by_role("button", name="Stop: t").click()
    assert page.locator("[data-playing]").get_attribute("data-playing") == "no"


def test_a_moved_control_stops_what_is_no_longer_shown(show):
    """And a melody without a note says so."""
    page = show(
        Explorer(melody, title="t", alt="what is to be seen here", which=choice("short", "none", label="which"))
    )
    page.get_by_role("button", name="Play: t").click()
    page.locator("select").select_option("1")
    assert page.locator("[data-playing]").get_attribute("data-playing") == "no"
    page.get_by_role("button", name="Play: t").click()
    page.get_by_text("There is no note to play.").wait_for()


def test_the_melody_of_a_chapter_sounds_until_it_is_stopped(browser, site_url):
    """On the built page, as its reader presses Play: a length, a sound, no error."""
    context, trouble = browser.new_context(), []
    page = context.new_page()
    page.on("pageerror", lambda e: trouble.append(str(e)))
    page.on("console", lambda m: trouble.append(m.text) if m.type == "error" else None)
    page.goto(f"{site_url}/14-generation.html", wait_until="networkidle")
    page.evaluate(LISTEN)
    page.get_by_role("button", name="Play:").first.click()
    place = page.locator("[data-seconds]")
    assert float(place.get_attribute("data-seconds")) > 10
    page.wait_for_function("window.loudness() > 0.01")
    page.get_by_role("button", name="Stop:").click()
    assert place.get_attribute("data-playing") == "no"
    context.close()
    assert not trouble


def test_a_device_without_sound_is_told_so(show):
    """Its audio clock stands still; the button must not wait for it."""
    page = show(one(melody()))
    page.evaluate("Object.defineProperty(AudioContext.prototype, 'currentTime', { get: () => 0 })")
    page.get_by_role("button", name="Play: t").click()
    page.get_by_text("No sound can be played on this device.").wait_for()
    assert page.get_by_role("button", name="Play: t").count() == 1
