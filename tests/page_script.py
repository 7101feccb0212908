"""The figures' script and tables outside a browser, in Node: what a page prints of a figure."""

import json
import pathlib
import re
import shutil
import subprocess

import pytest
from skips import IN_CI

EXPORTS = "\nexport { reader, tell, written };\n"
FIGURE = re.compile(
    r'<div class="course-explorer[^>]*>(?:(?!</div>).)*?<script type="application/json">(.*?)</script>', re.DOTALL
)
MODULE = re.compile(r'<script type="module">(.*?)</script>', re.DOTALL)


def node():
    """The path of Node; without it a test is skipped, in CI it fails."""
    path = shutil.which("node")
    if path is None:
        (pytest.fail if IN_CI else pytest.skip)("Node is not installed (Debian: apt-get install nodejs)")
    return path


def figures_in(page):
    """The data of every figure in a page's HTML, as it travels in the page."""
    return [json.loads(data) for data in FIGURE.findall(page)]


def script_in(page):
    """The script that draws the figures of a page."""
    (script,) = [s for s in MODULE.findall(page) if "mountStatic" in s]
    return script.replace("<\\/script", "</script")


def printed(script, figures, folder):
    """The fingerprint of what the script makes of each figure's table, at every position of its controls."""
    (folder / "figures.mjs").write_text(script + EXPORTS, encoding="utf-8")
    (folder / "tables.json").write_text(json.dumps(figures), encoding="utf-8")
    program = pathlib.Path(__file__).with_name("printed.mjs")
    command = [node(), program, folder / "figures.mjs", folder / "tables.json"]
    done = subprocess.run(command, capture_output=True, text=True, encoding="utf-8")
    assert done.returncode == 0, done.stderr[-2000:]
    return json.loads(done.stdout)


def differing(figure, got, wanted):
    """The positions of a figure's controls, as {name: value}, at which the page prints something else."""
    places = [{}]
    for control in figure["controls"]:
        places = [{**place, control["name"]: value} for place in places for value in control["values"]]
    assert len(places) == len(got) == len(wanted) > 0
    return [place for place, a, b in zip(places, got, wanted) if a != b]
