"""One notebook between its two kernels: its cells run in one, the tests in the other, calls are relayed in between."""

import contextlib
import json
import select
import time
from typing import NamedTuple

import nbformat

from course_pkg.checks.text import say
from course_pkg.grading.assignment import needed
from course_pkg.grading.choice import label_of
from course_pkg.grading.inside import frames
from course_pkg.grading.inside.codec import LIMIT, Decoder, Encoder, Refused
from course_pkg.grading.inside.frames import ANSWER, QUESTION, Gone, Late
from course_pkg.grading.outputs import ROOM, kept
from course_pkg.grading.warm import soon

CALL_SECONDS = 10.0  # for one call of a student's function; less if a cell may take less
GRACE = 2.0  # seconds from an interrupt to an end
PART = 8 << 20  # bytes of a file that are sent at once
CELLS_IN_ALL = 5  # a whole notebook may take this many times what one cell may


def _refuse(o):
    raise Refused(type(o).__name__)


def encode(value, limit=LIMIT):
    """Plain values as bytes."""
    return Encoder(_refuse, limit).message(value)


def decode(data):
    """Plain values from bytes that may be anything. Raises Refused."""
    return Decoder(_refuse).value(data)


class Run:
    """One notebook between its two kernels."""

    def __init__(self, kernels, assignment, source, taken, limits):
        self.assignment, self.source, self.notebook = assignment, source, taken.notebook
        self.student, self.checker = kernels
        self.scores, self.reports, self.trouble = {}, {}, []
        self._files = {**taken.files, **assignment.files}
        self._known = {c.name: c for c in source.cells}
        self._timeout, self._limits = assignment.timeout, limits
        self._left, self._room = CELLS_IN_ALL * assignment.timeout, ROOM
        self._gone, self._here = "", ""
        theirs = [n for names in source.functions.values() for n in names]
        trusted = [c.source for c in source.cells if c.kind == "code" and not c.solution]
        self._theirs = sorted(dict.fromkeys(theirs))
        self._wanted = needed(trusted, theirs)

    def close(self):
        """Have both kernels end."""
        self.student.tell()
        self.checker.tell()

    def whole(self):
        """Run every cell up to the last one that is graded; what follows cannot change a grade."""
        self._here = "1"
        for name, content in self._files.items():
            for start in range(0, max(1, len(content)), PART):
                self._ask_student("file", [name, content[start : start + PART], start > 0], 60)
        graded = [i for i, c in enumerate(self.notebook.cells) if self.want(c).points is not None]
        for number, cell in enumerate(self.notebook.cells[: max(graded, default=-1) + 1], 1):
            if cell.cell_type == "code":
                want = self.want(cell)
                self._here = want.name or str(number)
                (self._test if want.test else self._cell)(cell, want)

    def want(self, cell):
        """What the assignment knows of a cell."""
        return self._known.get(label_of(cell), _OWN)

    # Cells that the student's kernel runs.

    def _cell(self, cell, want):
        if want.shared:  # both kernels run it, at the same time
            self._send_checker({"do": "shared", "source": cell.source})
        started = time.monotonic()
        answer = self._ask_student("run", [cell.source], min(self._timeout, self._left))
        self._left -= time.monotonic() - started
        outputs = None
        if answer is not None:
            try:
                outputs, used = kept(answer[0], self._room)
                self._room -= used
            except (TypeError, ValueError, IndexError):
                self._lose(say("ended", cell=self._here))
        cell.outputs = outputs if outputs is not None else [self._no_answer()]
        if self._left <= 0 and not self._gone:
            self._lose(say("budget", seconds=CELLS_IN_ALL * self._timeout, cell=self._here))
        if want.shared:
            done = self._hear_checker()
            if done is None or not done["ok"]:
                error = say("no answer") if done is None else done["outputs"][-1].get("ename", "")
                self.trouble.append((want.name, say("test kernel", cell=want.name, error=error)))

    def _no_answer(self):
        text = self._gone or say("cell time", cell=self._here, seconds=self._timeout)
        return nbformat.v4.new_output("error", ename="Stopped", evalue=text, traceback=[text])

    def _lose(self, why):
        """The student's process is no more, or is not listened to any longer."""
        if not self._gone:
            if self.student.end() == "memory":
                why = say("memory", cell=self._here, limit=self._limits.get("memory_mb", 2048))
            self._gone = why
            self.trouble.append((self._here if self._here in self._known else "", why))

    def _ask_student(self, do, args, seconds):
        """The answer, or None: interrupted, or gone."""
        if self._gone:
            return None
        sock, seconds = self.student.sockets[0], max(seconds, 0.05)
        try:
            frames.write(sock, QUESTION, encode({"do": do, "args": tuple(args), "kwargs": {}, "target": ""}), soon(60))
            try:
                kind, data = frames.read(sock, soon(seconds))
            except Late:
                self.student.interrupt()
                kind, data = frames.read(sock, soon(GRACE))
                self.trouble.append(("", say("cell time", cell=self._here, seconds=seconds)))
                return None if kind == ANSWER else self._lose(say("ended", cell=self._here))
            answer = decode(data)
            if kind == ANSWER and isinstance(answer, dict) and "value" in answer:
                return answer["value"]
            self._lose(say("ended", cell=self._here))
        except Late:
            self._lose(say("cell time", cell=self._here, seconds=seconds))
        except (Gone, Refused):
            self._lose(say("ended", cell=self._here))
        return None

    # Cells that the checker runs.

    def _send_checker(self, question):
        with contextlib.suppress(Gone, Late):  # then there will be no answer
            frames.write(self.checker.sockets[0], QUESTION, json.dumps(question).encode(), soon(GRACE))

    def _hear_checker(self):
        """Its answer, while the calls that it makes are relayed; None when there is none in time."""
        asked, calls = self.checker.sockets
        self._calls_left = self._timeout
        # The calls have a budget of their own, so what is left of this deadline is the tests' own time.
        deadline = soon(2 * self._timeout + GRACE)
        try:
            while True:
                ready, _, _ = select.select([asked, calls], [], [], max(0, deadline - time.monotonic()))
                if asked in ready:
                    return json.loads(frames.read(asked, deadline)[1])
                if calls not in ready:
                    return None
                self._relay(frames.read(calls, deadline), calls, deadline)
        except (Gone, Late, OSError, ValueError):  # the last two: it was ended before
            return None

    def _relay(self, frame, calls, deadline):
        """Carry a question of the checker to the student and the answer back, with all that they ask in between."""
        sock, started = self.student.sockets[0], time.monotonic()
        seconds = min(CALL_SECONDS, self._timeout)
        failed = self._gone
        if not failed and self._calls_left <= 0:
            failed, only_late = say("call budget", seconds=self._timeout), True
        else:
            only_late = False
        open_questions = 1  # of both sides; it is always the turn of the one who was asked last
        while open_questions:
            if failed:
                frames.write(calls, ANSWER, _error("TimeoutError" if only_late else "RuntimeError", failed), deadline)
                open_questions -= 1
            else:
                frame, failed, only_late = self._forward(sock, frame, seconds, open_questions)
                if failed:
                    continue
                frames.write(calls, *frame, deadline)
                open_questions += 1 if frame[0] == QUESTION else -1
            if open_questions:
                frame = frames.read(calls, deadline)
                open_questions += 1 if frame[0] == QUESTION else -1
        self._calls_left -= time.monotonic() - started

    def _forward(self, sock, frame, seconds, open_questions):
        """((kind, payload) that the student sent back, "", False), or (None, why not, whether it was only late)."""
        try:
            frames.write(sock, *frame, soon(seconds))
            return frames.read(sock, soon(seconds)), "", False
        except Gone:
            self._lose(say("ended in test", cell=self._here))
        except Late:
            late = say("call time", seconds=seconds)
            if open_questions == 1:
                self.student.interrupt()
                try:
                    if frames.read(sock, soon(GRACE))[0] == ANSWER:
                        self._calls_left = 0  # one that does not end will not end the next time
                        return None, late, True
                except (Gone, Late):
                    pass
            self._lose(say("call stuck", seconds=seconds, cell=self._here))
        return None, self._gone, False

    def _test(self, cell, want):
        question = {"do": "test", "source": cell.source, "wanted": self._wanted, "theirs": self._theirs}
        self._send_checker({**question, "gone": say("gone") if self._gone else ""})
        told = self._hear_checker()
        if told is None:
            text = say("test stuck", cell=want.name, seconds=2 * self._timeout)
            self.trouble.append((want.name, text))
            self.scores[want.name] = None
            cell.outputs = [nbformat.v4.new_output("error", ename="Stuck", evalue=text, traceback=[text])]
            self.checker.end()
            return
        self.scores[want.name] = self._score(want, told)
        self.reports[want.name] = {key: told[key] for key in ("report", "error", "lines")}
        # nbgrader takes any word on standard error for a failure, so it is shown as ordinary output.
        for output in told["outputs"]:
            if output.get("name") == "stderr":
                output["name"] = "stdout"
        cell.outputs = [nbformat.from_dict(o) for o in told["outputs"]]

    def _score(self, want, told):
        """Points, or None for an error of the assignment."""
        if told["error"] is not None:
            return 0.0
        if told["full"]:
            return want.points
        if told["wrong"] or not 0 <= told["score"] <= want.points:
            wrong = told["wrong"] or f"{told['score']:g}"
            self.trouble.append((want.name, say("score", cell=want.name, wrong=wrong, points=want.points)))
            return None
        return told["score"]


class _Own(NamedTuple):
    """A cell that the assignment does not know."""

    name: str = ""
    source: str = ""
    test: bool = False
    shared: bool = False
    points: float | None = None


_OWN = _Own()


def _error(kind, message):
    told = {"type": kind, "bases": [kind], "message": message, "lines": []}
    return encode({"error": told})
