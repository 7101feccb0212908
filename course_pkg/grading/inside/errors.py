"""Exceptions between the two processes. They cross as text: the type's name, the builtin types it derives from, the
message, and the lines of the notebook on the way to it.
"""

import builtins
import linecache
import traceback
import types

from course_pkg.checks.text import say

MESSAGE = 600  # characters of an error's text that cross
THERE = "__there__"  # a name among the globals of lines that belong to the other process


def describe_error(error, lines=True):
    """An exception as plain values. Without `lines`: none of the source on the way to it."""
    kinds = [k.__name__ for k in type(error).__mro__ if k.__module__ == "builtins" and issubclass(k, BaseException)]
    try:
        message = str(error)[:MESSAGE]
    except BaseException:
        message = ""
    return {
        "type": str(type(error).__name__)[:80],
        "bases": kinds,
        "message": message,
        "lines": own_lines(error) if lines else [],
    }


def own_lines(error, there=False):
    """[(function, line number, text)] of the notebook's own lines on the way to the error.

    there  those alone that came from the other process, with `rebuild_error`
    """
    found = []
    for frame, number in traceback.walk_tb(error.__traceback__):
        if frame.f_globals.get("__name__") == "__main__" and (THERE in frame.f_globals or not there):
            text = linecache.getline(frame.f_code.co_filename, number).strip()
            found.append((frame.f_code.co_name, number, text[:200]))
    return found[-8:]


def rebuild_error(told):
    """An exception as it was told, with a traceback through the student's own lines."""
    try:
        name, bases, message = str(told["type"])[:80], list(told["bases"]), str(told["message"])[:MESSAGE]
        lines = [(str(f)[:80], int(n), str(t)[:200]) for f, n, t in list(told["lines"])[-8:]]
    except (TypeError, ValueError, KeyError):
        name, bases, message, lines = "Exception", [], say("unreadable error"), []
    base = next((b for b in map(_builtin_error, bases) if b), Exception)
    kind = base if base.__name__ == name else type(name, (base,), {})
    try:
        error = kind(message)
    except Exception:  # UnicodeDecodeError and others want more than a message
        error = Exception(f"{name}: {message}")
    return error.with_traceback(_traceback(lines))


def _builtin_error(name):
    kind = getattr(builtins, str(name), None)
    usable = isinstance(kind, type) and issubclass(kind, (Exception, SystemExit))
    # StopIteration would end a loop of the tests, as if the student's values had come to their end.
    return kind if usable and not issubclass(kind, StopIteration) else None


def _traceback(lines):
    made = None
    for function, number, text in reversed(lines):
        number = min(max(number, 1), 50_000)
        filename = say("own place", function=function, number=number, mark=hash(text))
        linecache.cache[filename] = (len(text), None, [""] * (number - 1) + [text + "\n"], filename)
        code = compile("raise ValueError", filename, "exec").replace(co_name=function, co_firstlineno=number)
        try:
            exec(code, {"__name__": "__main__", THERE: True})
        except ValueError as error:
            frame = error.__traceback__.tb_next
            made = types.TracebackType(made, frame.tb_frame, frame.tb_lasti, number)
    return made
