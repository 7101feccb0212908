"""What a figure's table keeps: every digit that is printed, and curves to a ten-thousandth of their frame."""

import base64
import json
import re

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from packed import block, read

from course_pkg import weights
from course_pkg.widgets import Explorer, Ground, Line, Mark, bars, choice, grid, heatmap, lines, slider, words
from course_pkg.widgets.digits import significant
from course_pkg.widgets.slots import split
from course_pkg.widgets.tables import DRAWN, pack

WORDS = {"x_label": "x", "y_label": "y"}
SIZES = st.floats(-300, 300).map(lambda e: 10.0**e)
VALUES = st.one_of(st.floats(-1e6, 1e6), SIZES, SIZES.map(lambda v: -v), st.integers(-(10**7), 10**7).map(float))


def table_of(fn, **controls):
    """The panels and slots that the page carries."""
    page = Explorer(fn, title="t", alt="a", **controls).static_html()
    data = json.loads(re.search(r"<script[^>]*>(.*)</script>", page, re.DOTALL).group(1))
    return data["panels"], data["table"]


def packed(panel):
    """A panel without controls, through its table: (slot's true numbers, slot as stored) for each slot."""
    spec, slots = split([panel])
    return list(zip(slots, pack([a.astype(float) for a in slots], spec, {}, "t")))


def stored_y(y, **options):
    """What a curve's y comes back as."""
    panel = lines(range(len(y)), [Line("y", y)], **WORDS, **options)
    return block(packed(panel)[1][1])


def printed(a, digits=3):
    """The numbers as the page prints them."""
    return [significant(float(v), digits) for v in a]


@given(st.lists(VALUES, min_size=2, max_size=30), st.integers(0, 3), st.booleans())
def test_every_digit_of_a_curve_is_right_and_its_place_to_a_ten_thousandth(values, gaps, fixed):
    """Whatever the sizes that stand together in one curve. What is not finite comes back as a gap."""
    y = np.array([*values, *[np.nan, np.inf, -np.inf][:gaps]])
    back = stored_y(y, y_range=(-1e6, 1e6) if fixed else None)
    finite = np.isfinite(y)
    assert not np.isfinite(back[~finite]).any()
    assert printed(back) == printed(y)
    span = 2e6 if fixed else np.ptp(y[finite])
    np.testing.assert_allclose(back[finite], y[finite], rtol=0, atol=DRAWN * span or 1e-4 * np.abs(y[finite]).max())


@given(st.lists(SIZES, min_size=2, max_size=30))
def test_on_a_logarithmic_axis_too(values):
    """A gradient of 1e-90 is still that, where 32 bits would say 0."""
    y = np.array(values)
    back = stored_y(y, log_y=True)
    assert printed(back) == printed(y)
    span = np.ptp(np.log10(y)) or 1.0
    np.testing.assert_allclose(np.log10(back), np.log10(y), rtol=0, atol=DRAWN * span)


@given(st.lists(VALUES, min_size=1, max_size=8), st.integers(1, 9))
def test_bars_print_their_values_to_any_number_of_digits(values, digits):
    panel = bars(
        [str(k) for k in range(len(values))], values, value_label="v", digits=digits, points=[[v] for v in values]
    )
    for true, slot in packed(panel):
        assert printed(block(slot), digits) == printed(true, digits)


@given(st.lists(st.floats(-2, 2), min_size=4, max_size=4), st.integers(0, 4))
def test_numbers_on_a_heat_map_are_right_in_every_decimal(values, decimals):
    z = np.reshape(values, (2, 2))
    panel = heatmap(z, **WORDS, z_label="z", z_range=(-2, 2), decimals=decimals)
    ((true, slot),) = packed(panel)
    assert [f"{v:.{decimals}f}" for v in block(slot)] == [f"{v:.{decimals}f}" for v in true]
    assert printed(block(slot)) == printed(true)


def test_a_count_stays_a_count():
    """A GRU of one unit has 10 parameters and an LSTM 12, also where others have a hundred thousand."""
    order = ("rnn", "gru", "lstm")

    def f(D, H):
        return bars(order, [weights.cell_count(cell, D, H) for cell in order], value_label="parameters")

    sizes = [1, 2, 8, 64, 128]
    (panel,), table = table_of(f, D=grid(sizes, value=1), H=grid(sizes, value=1))
    slot = table[panel["values"]["slot"]]
    for i, D in enumerate(sizes):
        for j, H in enumerate(sizes):
            assert list(read(slot, (i, j))) == [weights.cell_count(cell, D, H) for cell in order]
    assert list(read(slot, (0, 0))) == [3, 10, 12]


def test_a_curve_is_exact_in_a_frame_that_scales_itself():
    """At w = 0.5 the powers are as right as at w = 1.5, where the last is a hundred thousand times the first."""

    def f(w):
        return lines(range(30), [Line("gradient", w ** np.arange(30.0))], **WORDS)

    bases = [0.5, 0.9, 1, 1.5]
    (panel,), table = table_of(f, w=grid(bases, value=0.5))
    slot = table[panel["curves"][0]["y"]["slot"]]
    for k, w in enumerate(bases):
        wanted = w ** np.arange(30.0)
        assert printed(read(slot, (k,))) == printed(wanted)
        np.testing.assert_allclose(read(slot, (k,)), wanted, rtol=0, atol=DRAWN * (np.ptp(wanted) or 0.2))


def test_what_is_only_drawn_is_as_fine_as_its_own_frame():
    """Marks, the edges of a spread, the colours of a surface: in the frame of each position."""

    def f(a):
        y = a * np.linspace(0, 1, 50)
        hill = Ground("height", np.outer(y, y), (0, 1))
        curve = Line("y", y, low=y - a / 10, high=y + a / 10)
        return lines(range(50), [curve], marks=[Mark("here", a * 40)], ground=hill, **WORDS)

    sizes = [1e-6, 1.0, 1e6]
    with_ground = slice(0, 2)  # beyond them the surface would leave its range
    (panel,), table = table_of(f, a=grid(sizes[with_ground], value=1.0))
    for k, a in enumerate(sizes[with_ground]):
        y = a * np.linspace(0, 1, 50)
        for ref, wanted, frame in (
            (panel["curves"][0]["low"], y - a / 10, 1.2 * a),
            (panel["curves"][0]["high"], y + a / 10, 1.2 * a),
            (panel["marks"][0]["x"], [a * 40], 49),
            (panel["ground"]["z"], np.outer(y, y).ravel(), 1),
        ):
            np.testing.assert_allclose(read(table[ref["slot"]], (k,)), wanted, rtol=0, atol=1.0001 * DRAWN * frame)


def test_smooth_curves_take_two_bytes_a_value_and_words_one():
    """What is printed right in 16 bits is not stored in more; places in a vocabulary are small whole numbers."""
    wave = packed(lines(range(200), [Line("y", 2 + np.sin(np.arange(200.0)))], **WORDS))
    assert [slot["type"] for _, slot in wave] == ["u8", "u16"]
    text = packed(words(list("abcabc"), np.linspace(0.1, 1, 6), z_range=(0, 1), z_label="z"))
    assert [slot["type"] for _, slot in text] == ["u8", "u16"]


def test_a_few_small_values_do_not_double_a_table():
    """They travel beside the 16-bit codes, each with its place."""
    y = np.linspace(-1, 1, 2000)
    ((_, _), (true, slot)) = packed(lines(range(2000), [Line("y", y)], **WORDS))
    assert slot["type"] == "u16"
    assert 0 < len(base64.b64decode(slot["fix"]["at"])) // 4 < 100
    assert printed(block(slot)) == printed(true)


@pytest.mark.parametrize("kind", [np.int64, np.int32, np.uint8, np.float32, np.float64])
def test_a_control_takes_the_numbers_of_numpy(kind):
    """`grid(np.arange(…))` is what a reader writes first. The page carries plain numbers."""
    control = grid(np.arange(1, 5, dtype=kind), value=kind(2))
    assert control.values == (1, 2, 3, 4)
    assert {type(v) for v in (*control.values, control.value)} <= {int, float}
    _, table = table_of(lambda n: bars(["n"], [n], value_label="n"), n=control)
    assert block(table[0]).ravel().tolist() == [1, 2, 3, 4]
    assert choice(*np.array(["a", "b"])).values == ("a", "b")


@given(st.integers(-50, 50), st.integers(1, 60), st.sampled_from([0.1, 0.2, 0.3, 0.7, 0.01, 0.05, 1e-3, 1 / 3]))
def test_a_slider_reaches_its_end(first, count, step):
    """(stop - start) / step is 2.9999999999999996 for 0 to 0.3 by 0.1: the last value is there all the same."""
    start, stop = first * step, (first + count) * step
    control = slider(start, stop, step, value=float(np.round(start, 10)))
    assert len(control.values) == count + 1
    np.testing.assert_allclose(control.values, start + step * np.arange(count + 1), atol=1e-9)


def test_a_slider_does_not_pass_its_end():
    assert slider(0, 0.35, 0.1, value=0.3).values == (0.0, 0.1, 0.2, 0.3)
    assert slider(0.0, 0.3, 0.1, value=0.3).values[-1] == 0.3


def test_codes_are_rounded_to_the_nearest():
    """Where no printed digit asks for another code, a value is off by half a step at most, to either side."""
    y = np.random.default_rng(0).uniform(0.2, 1, 3000)
    panel = lines(range(3000), [Line("y", y, low=y, high=y)], **WORDS)
    _, _, (true, low), _ = packed(panel)
    off = block(low) - true
    assert low["type"] == "u16"
    assert np.abs(off).max() <= 0.5001 * low["step"]
    assert abs(off.mean()) < 0.02 * low["step"]


def test_a_ripple_is_drawn_in_its_own_frame():
    """Its three digits are all "5", but the frame that scales itself shows the ripple, however small it is."""
    ripple = np.sin(np.arange(50.0))
    sizes = [1e-4, 1e-2, 1.0]
    (panel,), table = table_of(
        lambda a: lines(range(50), [Line("y", 5 + a * ripple)], **WORDS), a=grid(sizes, value=1.0)
    )
    slot = table[panel["curves"][0]["y"]["slot"]]
    for k, a in enumerate(sizes):
        wanted = 5 + a * ripple
        np.testing.assert_allclose(read(slot, (k,)), wanted, rtol=0, atol=1.0001 * DRAWN * np.ptp(wanted))
