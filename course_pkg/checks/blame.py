"""Where an error comes from, and what to think about it."""

import linecache
import re
import sys
import traceback

from course_pkg.checks import known
from course_pkg.checks.compare import describe, shortened
from course_pkg.checks.text import TEXT

# What a ValueError says, and what it is about: the first that is found in its text counts.
VALUE_ERRORS = (
    ("matmul", "think product"),
    ("not aligned", "think product"),
    ("could not be broadcast", "think element"),
    ("non-broadcastable output", "think write"),
    ("could not broadcast", "think write"),
    ("setting an array element", "think uneven"),
    ("inhomogeneous", "think uneven"),
    ("concatenat", "think join"),
    ("must have the same shape", "think join"),
    ("need at least one array", "think join"),
    ("reshape", "think reshape"),
    ("truth value", "think truth"),
    ("to unpack", "think unpack"),
    ("zero-size", "think empty"),
    ("empty", "think empty"),
)


def own_frames(error):
    """The notebook's own frames on the way to the error, as (frame, line number)."""
    return [f for f in traceback.walk_tb(error.__traceback__) if f[0].f_globals.get("__name__") == "__main__"]


def where(error):
    """The name of the notebook's function that raised the error, or ""."""
    frames = own_frames(error)
    return frames[-1][0].f_code.co_name if frames else ""


def function_of(frame):
    """The name of the function or class, as it is defined in the notebook, that a frame runs in."""
    code = frame.f_code
    return getattr(code, "co_qualname", code.co_name).split(".")[0]


def line_of(frame, number):
    """A line of the notebook."""
    return linecache.getline(frame.f_code.co_filename, number).strip()


def why_stopped(name, error, arguments):
    """(what is said of an error in the function `name`, what to think about)."""
    given, frames = known.given(name), own_frames(error)
    theirs = [f for f in frames if function_of(f[0]) not in given]
    text = TEXT["error"].format(name=name, kind=type(error).__name__, message=shortened(str(error)))
    line = line_of(*theirs[-1]) if theirs else ""
    text += TEXT["line"].format(line=line) if line else ""
    think = advice(error)
    if frames and theirs and frames[-1] is not theirs[-1]:
        text += TEXT["in given"].format(inner=function_of(frames[-1][0]))
        think = TEXT["think given"]
    elif theirs and (inner := function_of(theirs[-1][0])) != name and _is_a_step(inner, name, theirs):
        text += TEXT["in helper"].format(name=name, inner=inner)
    return text + TEXT["inputs"].format(inputs=describe(arguments)), think


def _is_a_step(inner, name, frames):
    """Whether the function `name` was entered first, under this name: it may be a lambda, or have been renamed."""
    return not inner.startswith("<") and any(function_of(frame) == name for frame, _ in frames)


def advice(error):
    """What to think about an error: by what it says, else by its kind."""
    if type(error) is ValueError:
        message = str(error)
        return TEXT[next((key for part, key in VALUE_ERRORS if part in message), "think ValueError")]
    known_kinds = [f"think {kind.__name__}" for kind in type(error).__mro__]
    return next((TEXT[key] for key in known_kinds if key in TEXT), TEXT["think error"])


def why_missing(name):
    """What is said of a function that is not there. If its cell was the last to stop with an error, that is shown."""
    error = getattr(sys, "last_exc", None) or getattr(sys, "last_value", None)
    if error is not None:
        if isinstance(error, SyntaxError):
            file, line = error.filename, (error.text or "").strip()
        else:
            frames = own_frames(error)
            file, line = (frames[0][0].f_code.co_filename, line_of(*frames[-1])) if frames else ("", "")
        if re.search(rf"^\s*(def|class) {re.escape(name)}\b", "".join(linecache.getlines(file or "")), re.MULTILINE):
            message = error.msg if isinstance(error, SyntaxError) else str(error)
            told = {"name": name, "kind": type(error).__name__, "message": shortened(str(message))}
            return TEXT["undefined because"].format(**told) + (TEXT["line"].format(line=line) if line else "")
    return TEXT["undefined"].format(name=name)
