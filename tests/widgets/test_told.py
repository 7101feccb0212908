"""What the page's script makes of a table, in Node, against what Python says of the same arrays."""

import json
import subprocess

import numpy as np
import page_script
import pytest

from course_pkg.widgets import (
    Explorer,
    Line,
    Track,
    bars,
    choice,
    diagram,
    explorer,
    grid,
    gru_cell,
    heatmap,
    lines,
    number,
    numbers,
    roll,
    spelled,
    unrolled,
    words,
)
from course_pkg.widgets.digits import fixed, significant

LETTERS = ["a", "b", "\n", " ", "é"]


def everything(scale, which):
    """One panel of each kind, with gaps, ties and sizes far apart."""
    r = np.random.default_rng(3)
    y = scale * r.normal(size=40) * 10.0 ** r.integers(-7, 3, 40)
    y[::9] = np.nan
    text = {"one": "ab a", "two": "é\nb"}[which]
    values = np.pad(scale * np.arange(len(text)), (0, 6 - len(text)), constant_values=np.nan)
    ticks = {"x_ticks": list("pqr"), "y_ticks": spelled(text[:2], LETTERS)}
    names = {"x_label": "x", "y_label": "y"}
    melody = ([60, 61.0, np.nan], [1, 1 / 3, np.nan], [0.5, 2.25, np.nan])
    return [
        lines(range(40), [Line("y", y), Line("path", [scale, 2], x=[0.125, scale])], **names),
        lines(range(40), [Line("|y|", np.abs(y) * 1e-40), Line("count", np.arange(40) * 12345.0)], log_y=True, **names),
        bars(["m", "n"], [scale * 12345, 0.5], value_label="v", digits=2, points=[[1.25, scale], [0, -scale]]),
        heatmap(scale * r.normal(size=(2, 3)), z_label="z", z_range=(-1, 1), decimals=2, **ticks, **names),
        heatmap(scale * r.normal(size=(3, 2)), z_label="z", z_range=(0, 1), **names),
        diagram(gru_cell(), {"x": -0.001 * scale, "h": 0.125, "z": 0.5}, {"x"}),
        diagram(unrolled(2), {"W_hh1": -0.005, "h1": scale}),
        numbers(number("n", 1e7 * scale, unit="kB"), number("m", 1e-5 * scale, digits=1), number("none", np.nan)),
        words(spelled(text, LETTERS, 6), [Track("t", values), Track("s", -values)], z_range=(-1, 1), z_label="z"),
        roll(*melody, span=(0, 4), pitch_range=(55, 70)),
    ]


@pytest.fixture(scope="module")
def figure():
    """A figure of every kind: its data in the page, and what Python says of it."""
    scales = [1.0, 1e-3, 0.37, 400.0]
    shown = Explorer(everything, title="t", alt="a", scale=grid(scales, value=1.0), which=choice("one", "two"))
    page, said = shown._static()
    (data,) = page_script.figures_in(page)
    return data, said


def test_the_page_says_what_python_says(figure, tmp_path):
    data, said = figure
    (got,) = page_script.printed(explorer.script(), [data], tmp_path)
    assert len(said) == 8
    assert page_script.differing(data, got, said) == []


def test_one_wrong_digit_is_noticed(figure, tmp_path):
    """At the position where it stands and nowhere else, for every slot that has a number to change."""
    data, said = figure
    changed = []
    for k, slot in enumerate(data["table"]):
        if slot["type"] in ("f32", "f64") and slot["shape"][0] > 1:
            copy = json.loads(json.dumps(data))
            copy["table"][k]["data"] = "AAAA" * 4 + slot["data"][16:]  # the first few numbers are 0 now
            changed.append(copy)
    assert len(changed) > 5
    for one, got in zip(changed, page_script.printed(explorer.script(), changed, tmp_path)):
        wrong = page_script.differing(one, got, said)
        assert 1 <= len(wrong) < len(said)
        assert wrong[0] == {"scale": 1.0, "which": "one"}


@pytest.fixture(scope="module")
def page_format(tmp_path_factory):
    """A function that gives `format` and `fixed` of the page for a list of numbers."""
    folder = tmp_path_factory.mktemp("format")
    script = explorer.script() + "\nexport { fixed, format };\n"
    program = """
      globalThis.document = { querySelectorAll: () => [] };
      const { fixed, format } = await import("./script.mjs");
      const values = JSON.parse(process.argv[2]);
      const said = (v) => [1, 2, 3, 4, 5].map((d) => format(v, d)).concat([0, 1, 2, 3].map((d) => fixed(v, d)));
      process.stdout.write(JSON.stringify(values.map(said)));
    """
    (folder / "script.mjs").write_text(script, encoding="utf-8")
    (folder / "format.mjs").write_text(program, encoding="utf-8")

    def ask(values):
        command = [page_script.node(), "format.mjs", json.dumps(values)]
        done = subprocess.run(command, capture_output=True, cwd=folder, encoding="utf-8")
        assert done.returncode == 0, done.stderr
        return json.loads(done.stdout)

    return ask


def test_python_rounds_as_the_page_does(page_format):
    """To the last digit, with halves away from zero, at every size."""
    r = np.random.default_rng(0)
    values = (r.normal(size=3000) * 10.0 ** r.integers(-30, 19, 3000)).tolist()
    values += [k / 16 for k in range(-400, 400)] + [k / 2000 for k in range(-400, 400)]
    values += [0.0, -0.0, 999999.5, 999999.4999, 999.5, 999.4999, 9.995, 1e-3, 9.9999e-4, 5e-324, 1e20]
    for v, said in zip(values, page_format(values), strict=True):
        assert said == [significant(v, d) for d in (1, 2, 3, 4, 5)] + [fixed(v, d) for d in (0, 1, 2, 3)], v
