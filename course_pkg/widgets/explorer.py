"""`Explorer`: a figure with sliders, written once.

In Jupyter it is an anywidget: a slider's move calls the function in Python. In the book it is the
same drawing code over a table of every answer, made when the book is built. `script()` draws both.
"""

import html
import inspect
import json
import math
import os
import pathlib
import re

import anywidget
import traitlets

from course_pkg.widgets.controls import Control, spoken
from course_pkg.widgets.slots import answers, split

HERE = pathlib.Path(__file__).parent
PRINTED = "course_printed"  # in the metadata of the output: stays in the executed notebook, is no part of a page
SCRIPTS = (
    *("marks.js", "elements.js", "notes.js", "table.js", "tell.js", "clock.js"),
    *("panels.js", "words.js", "roll.js", "explorer.js"),
)
IMPORT = re.compile(r"^import [^;]*;\n", re.MULTILINE)  # from a file that is joined too
EXPORT = re.compile(r"^export (?!default)", re.MULTILINE)


def script():
    """The JavaScript of the figures: one module, because a page that is opened as a file can load no other."""
    files = [(HERE / name).read_text(encoding="utf-8") for name in SCRIPTS]
    return "\n".join(EXPORT.sub("", IMPORT.sub("", text)) for text in files)


class Explorer(anywidget.AnyWidget):
    """Sliders over a function.

    fn(**values) returns a panel from `panels`, or a list of them; `controls` are its arguments, each a
    `slider`, `grid` or `choice`. `title` names the figure; `alt` says in words what is to be seen. With
    columns=2 panels stand side by side where there is room; with columns=3 small diagrams do, too.
    Raises ValueError when a control does not fit fn, when fn returns something else than panels, or when
    the book's table is over its cap.
    """

    _esm = script()
    _css = HERE / "explorer.css"
    spec = traitlets.Dict().tag(sync=True)
    values = traitlets.Dict().tag(sync=True)  # control name -> its value now
    frame = traitlets.List().tag(sync=True)  # the numbers of every slot at those values
    error = traitlets.Unicode().tag(sync=True)  # what fn raised, shown in the figure

    def __init__(self, fn, *, title, alt, columns=1, **controls):
        _check_controls(fn, controls)
        self._fn, self._controls = fn, controls
        values = {name: c.value for name, c in controls.items()}
        panels, slots = self._evaluate(values)
        spec = {"title": title, "alt": alt, "columns": columns, "panels": panels}
        spec["controls"] = [spoken(name, control) for name, control in controls.items()]
        super().__init__(spec=spec, values=values, frame=_plain(slots))
        self.observe(self._move, "values")

    def _evaluate(self, values):
        panels = self._fn(**values)
        panels = panels if isinstance(panels, list) else [panels]
        for panel in panels:
            if not (isinstance(panel, dict) and "kind" in panel):
                raise ValueError(f"fn: got {type(panel).__name__} at {values}, wanted a panel or a list of panels")
        return split(panels)

    def _move(self, change):
        # An exception here would be lost in the kernel's log, so it is shown where the reader looks.
        try:
            panels, slots = self._evaluate(change["new"])
        except Exception as error:
            self.error = f"{type(error).__name__}: {error}"
            return
        self.error = ""
        self.spec = {**self.spec, "panels": panels}
        self.frame = _plain(slots)

    @traitlets.validate("values")
    def _known_values(self, proposal):
        values = proposal["value"]
        if set(values) != set(self._controls):
            raise traitlets.TraitError(f"values: got {sorted(values)}, wanted {sorted(self._controls)}")
        for name, control in self._controls.items():
            if values[name] not in control.values:
                raise traitlets.TraitError(f"values: got {name}={values[name]!r}, wanted one of {control.values}")
        return values

    def static_html(self):
        """The figure as HTML with its table, for a page without a kernel."""
        return self._static()[0]

    def _static(self):
        """The page's HTML, and fingerprints of all that it has to say: see `told`."""
        # Imported where the book is built, and not where a page's own Python has to fetch and load it.
        from course_pkg.widgets.tables import pack
        from course_pkg.widgets.told import fingerprints

        panels, grid = self.spec["panels"], tuple(len(c.values) for c in self._controls.values())
        name = f"Explorer {self.spec['title']!r}"
        blocks = answers(self._evaluate, panels, self._controls, name)
        return self._html(pack(blocks, panels, self._controls, name)), fingerprints(panels, blocks, grid)

    def _html(self, table):
        data = json.dumps({**self.spec, "table": table}, separators=(",", ":"), ensure_ascii=False)
        alt = html.escape(self.spec["alt"])
        return (
            f'<div class="course-explorer"><p class="explorer-alt">{alt}</p>'
            f'<script type="application/json">{data.replace("</", "<" + chr(92) + "/")}</script></div>'
        )

    def _repr_mimebundle_(self, **kwargs):
        shown = super()._repr_mimebundle_(**kwargs)
        data, metadata = shown if isinstance(shown, tuple) else (shown, {})
        # The book's build asks for the table; in Jupyter it would only make the cell slow.
        if os.environ.get("COURSE_STATIC_FIGURES") == "1":
            data["text/html"], metadata[PRINTED] = self._static()
        return data, metadata


def figure(panels, *, title, alt, columns=1):
    """A figure with nothing to move: the same drawing, themes and text alternative as an Explorer."""
    return Explorer(lambda: panels, title=title, alt=alt, columns=columns)


def _check_controls(fn, controls):
    wanted = inspect.signature(fn).parameters
    if set(controls) != set(wanted):
        raise ValueError(f"controls: got {sorted(controls)}, wanted one for each argument of fn: {sorted(wanted)}")
    for name, control in controls.items():
        if not isinstance(control, Control):
            raise ValueError(f"{name}: got {type(control).__name__}, wanted a slider, a grid or a choice")


def _plain(slots):
    """The numbers as JSON has them: whole, because the page prints them, and None for what is not finite."""
    return [[v if math.isfinite(v) else None for v in a.tolist()] for a in slots]
