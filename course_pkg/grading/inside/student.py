"""The student's kernel: runs the notebook's cells, and calls the student's functions when the tests ask."""

import json
import types
from pathlib import Path

from . import frames
from .codec import Refused
from .peer import Peer


class Student(Peer):
    """Answers what the grader asks of a student's code."""

    def __init__(self, sock, shell):
        super().__init__(sock, shell.user_ns)
        self._shell = shell

    def _do(self, data):
        question = self.decode(data)
        if question["do"] == "file":
            return self.encode({"value": _write(*question["args"])})
        if question["do"] == "run":
            outputs, _, error = self._shell.run(*question["args"])
            return self.encode({"value": (json.dumps(outputs), error is None)})
        if question["do"] == "names":
            return self._names(*question["args"])
        return super()._do(data)

    def _names(self, names):
        """What the namespace holds under these names: data as it is, functions and objects lent."""
        found, space = {}, self.namespace
        for name in names:
            value = space.get(name, self)
            if value is self or isinstance(value, types.ModuleType):
                continue
            try:
                self.encode({"value": value})
            except Refused:
                continue
            found[name] = value
        return self.encode({"value": found})


def _write(name, content, more):
    """Write a part of a file. Returns whether there can be a file of this name and size."""
    path = Path.cwd() / name
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with path.open("ab" if more else "wb") as file:
            file.write(content)
    except (OSError, ValueError):
        return False
    return True


def main(shell, sock):
    """Answer until the other end closes."""
    student = Student(sock, shell)
    while True:
        try:
            kind, data = frames.read(sock)
        except frames.Gone:
            return
        except KeyboardInterrupt:
            continue
        if kind == frames.QUESTION:
            student.serve(data)
