"""Colour is meaning: one definition in explorer.css, readable in both themes, the same in Matplotlib."""

import pathlib
import re

import matplotlib as mpl
import numpy as np
import pytest

import course_pkg.widgets
from course_pkg.tools import plots
from course_pkg.widgets.panels import ROLES

CSS = (pathlib.Path(course_pkg.widgets.__file__).parent / "explorer.css").read_text()
BLOCKS = re.findall(r"\{([^{}]*--role-forget:[^{}]*)\}", CSS)
THEMES = {
    name: dict(re.findall(r"--role-([a-z-]+): (#[0-9a-f]{6})", block)) for name, block in zip(("light", "dark"), BLOCKS)
}
GROUND = {"light": "#ffffff", "dark": "#121212"}  # the book's page in each theme


def variable(role):
    """The colour variable that a role's class uses."""
    return re.search(rf"\.role-{role}(?![\w-])[^{{]*\{{ color: var\(--role-([a-z-]+)\)", CSS).group(1)


def luminance(colour):
    """Relative luminance, as WCAG 2.2 defines it."""
    c = np.array([int(colour[k : k + 2], 16) for k in (1, 3, 5)]) / 255
    linear = np.where(c <= 0.04045, c / 12.92, ((c + 0.055) / 1.055) ** 2.4)
    return linear @ [0.2126, 0.7152, 0.0722]


@pytest.mark.parametrize("theme", ["light", "dark"])
@pytest.mark.parametrize("role", ROLES)
def test_text_in_a_role_can_be_read(role, theme):
    """WCAG 2.2, level AA, asks for a contrast of 4.5 for text."""
    bright, dim = sorted((luminance(THEMES[theme][variable(role)]), luminance(GROUND[theme])), reverse=True)
    assert (bright + 0.05) / (dim + 0.05) >= 4.5


@pytest.mark.parametrize("role", ROLES)
def test_matplotlib_has_the_same_colour(role):
    assert plots.COLOURS[role] == THEMES["light"][variable(role)]


def test_curves_bear_their_names_and_colours():
    mpl.use("agg")
    ax = plots.curves([0, 1, 2], {"kept": ([1, 2, 3], "cell")}, x_label="t", y_label="c")
    assert ax.lines[0].get_color() == plots.COLOURS["cell"]
    assert [t.get_text() for t in ax.texts] == ["kept"]
    assert (ax.get_xlabel(), ax.get_ylabel()) == ("t", "c")
    mpl.pyplot.close(ax.figure)


@pytest.mark.parametrize(
    ("named", "message"),
    [({"y": ([1], "cell")}, r"y: got shape \(1,\), wanted \(2,\)"), ({"y": ([1, 2], "x")}, "got role 'x'")],
)
def test_curves_refuse_what_does_not_fit(named, message):
    with pytest.raises(ValueError, match=message):
        plots.curves([0, 1], named, x_label="", y_label="")
    mpl.pyplot.close("all")
