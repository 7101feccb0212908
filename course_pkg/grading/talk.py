"""What is said between the grader, a student's kernel and a checker, and for how long each may take to answer."""

import contextlib
import json
import time

from course_pkg.checks.text import say
from course_pkg.grading.budget import Budget
from course_pkg.grading.inside import frames
from course_pkg.grading.inside.codec import LIMIT, Decoder, Encoder, Refused
from course_pkg.grading.inside.frames import ANSWER, QUESTION, Gone, Late
from course_pkg.grading.warm import soon

CALL_SECONDS = 10.0  # for one call of a student's function; less if a cell may take less
GRACE = 2.0  # seconds from an interrupt to an end
CELLS_IN_ALL = 5  # a whole notebook may take this many times what one cell may, the calls of tests included


class Broken(RuntimeError):
    """A process of the grader's own has ended, which no student can do. The submission is to be tried again."""


def _refuse(o):
    raise Refused(type(o).__name__)


def encode(value, limit=LIMIT):
    """Plain values as bytes."""
    return Encoder(_refuse, limit).message(value)


def decode(data, nodes=None):
    """Plain values from bytes that may be anything. Raises Refused."""
    return Decoder(_refuse, nodes=nodes).value(data)


class Talk:
    """One notebook's two kernels.

    gone     why the student's process is no more or is not listened to any longer, else ""
    trouble  [(cell or "", sentence)] of what needs a person, notes of what does not
    here     the cell that is at work
    """

    def __init__(self, kernels, timeout, memory_mb, new_checker):
        self.student, self.checker = kernels
        self.timeout, self.left, self._memory_mb = timeout, CELLS_IN_ALL * timeout, memory_mb
        self.gone, self.here, self.trouble, self.notes = "", "", [], []
        self._new_checker, self._checker_gone, self._calls_left = new_checker, False, 0.0

    def close(self):
        """Have both kernels end."""
        self.student.tell()
        self.checker.tell()

    def lose(self, why):
        """The student's process is no more, or is not listened to any longer. Raises Broken if the grader ended it."""
        if self.gone:
            return
        self.student.waited()  # it is asked for a last time, for what is still to be counted
        reason = self.student.end()
        if reason is None:
            raise Broken(say("keeper ended"))
        self.gone = say("memory", cell=self.here, limit=self._memory_mb) if reason == "memory" else why
        self.trouble.append((self.here, self.gone))

    def _spend(self, seconds):
        self.left -= seconds
        # Many processes at once make each other wait; then it is their work that counts.
        worked = self.student.used() if seconds > STEP and not self.gone else 0.0
        if (self.left <= 0 or worked > 2 * CELLS_IN_ALL * self.timeout) and not self.gone:
            self.lose(say("budget", seconds=CELLS_IN_ALL * self.timeout, cell=self.here))

    # The student's kernel.

    def tell_file(self, name, content, more):
        """A part of a file; whether it could be written."""
        return self._ask("file", [name, content, more], 60)

    def run(self, source):
        """What a cell gave, or None: interrupted, or gone."""
        budget = Budget(max(0.05, min(self.timeout, self.left)), [self.student])
        answer = self._ask("run", [source], budget.seconds, budget)
        self._spend(budget.used(limit=STEP))
        return answer

    def _ask(self, do, args, seconds, budget=None):
        if self.gone:
            return None
        sock, budget = self.student.sockets[0], budget or Budget(seconds, [])
        try:
            frames.write(sock, QUESTION, encode({"do": do, "args": tuple(args), "kwargs": {}, "target": ""}), soon(60))
            try:
                kind, data = budget.read(sock)
            except Late:
                self.student.interrupt()
                kind, data = Budget(GRACE, [self.student]).read(sock)
                self.trouble.append((self.here, say("cell time", cell=self.here, seconds=seconds)))
                return None if kind == ANSWER else self.lose(say("ended", cell=self.here))
            answer = decode(data)
            if kind == ANSWER and isinstance(answer, dict) and "value" in answer:
                return answer["value"]
            self.lose(say("ended", cell=self.here))
        except Late:
            self.lose(say("cell stuck", cell=self.here, seconds=seconds))
        except (Gone, Refused):
            self.lose(say("ended", cell=self.here))
        return None

    # The checker.

    def send_checker(self, question):
        """Ask it something; `hear_checker` gives the answer."""
        with contextlib.suppress(Gone, Late):  # then there will be no answer
            frames.write(self.checker.sockets[0], QUESTION, json.dumps(question).encode(), soon(60))

    def hear_checker(self):
        """Its answer, while the calls that it makes are relayed; None when there is none in time."""
        asked, calls = self.checker.sockets
        self._calls_left = self.timeout
        # The calls have a budget of their own, so what is left of this one is the tests' own time.
        budget = Budget(2 * self.timeout + GRACE, [self.student, self.checker])
        try:
            while True:
                ready = budget.ready([asked, calls])
                if asked in ready:
                    return json.loads(budget.read(asked)[1])
                if calls not in ready:
                    return None
                self._relay(budget.read(calls), calls, budget)
        except Gone:
            self._checker_gone = True
        except (Late, ValueError):
            pass
        return None

    def replace_checker(self):
        """A new one in place of one that did not answer. Returns why the old one had ended: "memory", "" or "told"."""
        reason = self.checker.end()
        if reason is None:
            raise Broken(say("keeper ended"))
        # A connection closes a moment before its process has ended.
        reason = "" if reason == "told" and self._checker_gone else reason
        self.checker, self._checker_gone = self._new_checker(), False
        return reason

    def _relay(self, frame, calls, budget):
        """Carry a question of the checker to the student and the answer back, with all that they ask in between."""
        sock, started = self.student.sockets[0], time.monotonic()
        seconds = min(CALL_SECONDS, self.timeout)
        failed, only_late = self.gone, False
        if not failed and self._calls_left <= 0:
            failed, only_late = say("call budget", seconds=self.timeout), True
        open_questions = 1  # of both sides; it is always the turn of the one who was asked last
        while open_questions:
            if failed:
                told = error("TimeoutError" if only_late else "RuntimeError", failed)
                frames.write(calls, ANSWER, told, soon(60))
                open_questions -= 1
            else:
                frame, failed, only_late = self._forward(sock, frame, budget, seconds, open_questions)
                if failed:
                    continue
                frames.write(calls, *frame, soon(60))
                open_questions += 1 if frame[0] == QUESTION else -1
            if open_questions:
                frame = budget.read(calls)
                open_questions += 1 if frame[0] == QUESTION else -1
        took = budget.used(STEP, started)
        self._calls_left -= took
        self._spend(took)

    def _forward(self, sock, frame, budget, seconds, open_questions):
        """((kind, payload) that the student sent back, "", False), or (None, why not, whether it was only late)."""
        try:
            frames.write(sock, *frame, soon(60))
            return budget.read(sock, seconds), "", False
        except Gone:
            self.lose(say("ended in test", cell=self.here))
        except Late:
            late = say("call time", seconds=seconds)
            if open_questions == 1:
                self.student.interrupt()
                try:
                    if Budget(GRACE, [self.student]).read(sock)[0] == ANSWER:
                        self._calls_left = 0  # one that does not end will not end the next time
                        self.notes.append((self.here, say("late in test", cell=self.here, seconds=seconds)))
                        return None, late, True
                except (Gone, Late):
                    pass
            self.lose(say("call stuck", seconds=seconds, cell=self.here))
        return None, self.gone, False


STEP = 1.0  # seconds up to which nobody looks who had the processor


def error(kind, message):
    """The answer of a function that stopped, though it was not called."""
    return encode({"error": {"type": kind, "bases": [kind], "message": message, "lines": []}})
