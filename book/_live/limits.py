"""What a page cannot do, said in one sentence; and how much it shows.

Used by glue.py, in the browser.
"""

import builtins
import getpass

MOST = 200_000  # characters that one run may print or show as text: more would choke the page
LARGEST = 20_000_000  # characters of one picture or one piece of HTML
OUTPUTS = 1_000  # that one run may show
INSTALLED = (
    "Nothing can be installed in this page and no other program runs in it; Python's standard library, NumPy, "
    "Matplotlib and what this course uses are there."
)
ANSWERED = "This page cannot ask for a line of text while Python runs. Write the value into the cell instead."

ENDS = "Python ends with this page, or with Stop while a cell runs; a cell cannot end it."


class NotHere(Exception):
    """What does not work in a page. Its message is shown alone, without a traceback."""

    def _render_traceback_(self):
        return [str(self)]


def _refusing(sentence):
    def refuse(*arguments, **options):
        raise NotHere(sentence)

    return refuse


def say(shell, kernel):
    """Let what cannot work in a page end in a sentence: installing, other programs, questions to the reader."""
    builtins.input = getpass.getpass = _refusing(ANSWERED)
    kernel.lite_transform_manager.line_transforms = []  # it would hand %pip to an installer that is not here
    shell.ask_exit = _refusing(ENDS)
    refuse = _refusing(INSTALLED)
    shell.system = shell.getoutput = refuse
    for name in ("pip", "conda", "mamba", "micromamba", "uv", "sx", "system"):
        shell.register_magic_function(refuse, "line", name)
    for name in ("bash", "sh", "script", "cmd", "sx", "system", "!"):
        shell.register_magic_function(refuse, "cell", name)


def cut(text, most=MOST):
    """A text that the page can bear."""
    return text if len(text) <= most else f"{text[:most]}\n… more than {most} characters; the rest is left out.\n"


def shorten(data):
    """The forms of one output that the page can bear, by media type. A text is cut, anything else is left out."""
    kept = {}
    for kind, value in data.items():
        text = "".join(value) if isinstance(value, list) else value
        if kind == "text/plain" and isinstance(text, str):
            kept[kind] = cut(text)
        elif not isinstance(text, str) or len(text) <= LARGEST:
            kept[kind] = value
    if not kept:
        kept["text/plain"] = f"… an output of more than {LARGEST} characters is left out.\n"
    return kept
