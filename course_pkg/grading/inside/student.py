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
        self._shell, self._own = shell, {}  # what stood where functions of the tests stand now; None for nothing

    def _do(self, data):
        question = self.decode(data)
        if question["do"] == "file":
            return self.encode({"value": _write(*question["args"])})
        if question["do"] == "run":
            outputs, _, error = self._shell.run(*question["args"])
            return self.encode({"value": (json.dumps(outputs), error is None)})
        if question["do"] == "names":
            return self._names(*question["args"])
        if question["do"] == "helpers":
            return self._stand_in(*question["args"])
        return super()._do(data)

    def _stand_in(self, functions):
        """Put functions of the tests in the place of the student's own. With none, put those back."""
        back, space = {name: value for name, value in self._own.items() if name not in functions}, self.namespace
        self._own = {name: self._own.get(name, space.get(name)) for name in functions}
        space.update(back | functions)
        for name in [name for name, value in back.items() if value is None]:
            del space[name]
        return self.encode({"value": None})

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
