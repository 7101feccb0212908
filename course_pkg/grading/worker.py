"""A worker: a process that grades one submission after another for whoever writes to its standard input.

Tasks and results are plain values, so they can come from this machine or from a Dask cluster. When the process that
it works for ends, it ends too, and with it all that it has started.
"""

import contextlib
import os
import signal
import subprocess
import sys
import threading

from course_pkg.checks.text import say
from course_pkg.grading.assignment import Assignment
from course_pkg.grading.budget import FAR
from course_pkg.grading.engine import Engine, Outcome
from course_pkg.grading.inside.frames import HEAD, QUESTION
from course_pkg.grading.status import ATTENTION
from course_pkg.grading.talk import CELLS_IN_ALL, decode, encode
from course_pkg.grading.warm import NoKernel

LIMIT = 256 << 20  # bytes of a message between two processes of the grader
SPARE = 300.0  # seconds
TRIES = 3  # for one submission, in one run


class Died(RuntimeError):
    """The worker's process has ended without an answer."""


def send(stream, value):
    """Write one value."""
    data = encode(value, LIMIT)
    stream.write(HEAD.pack(len(data), QUESTION) + data)
    stream.flush()


def receive(stream):
    """Read one value. Raises EOFError."""
    head = stream.read(HEAD.size)
    if len(head) < HEAD.size:
        raise EOFError
    length, _ = HEAD.unpack(head)
    data = stream.read(length) if length <= LIMIT else b""
    if len(data) < length:
        raise EOFError
    return decode(data)


def failed(assignment, why, times=1):
    """Outcomes for a submission that could not be graded, through no fault of its own that is known."""
    text = say("grader", times=times, why=why)
    return {n.name: Outcome(ATTENTION, [("", text)], None, {}, {}, 0.0, False) for n in assignment.notebooks}


def _grade(engine, assignment, notebook, task):
    for _ in range(TRIES):
        try:
            return engine.grade(assignment, notebook, task["files"], task["sizes"])
        except NoKernel:
            raise
        except Exception as error:  # the grader's own, whatever brought it about; it need not come again
            why = f"{type(error).__name__}: {error}"
            engine.renew()
    return failed(assignment, why, TRIES)[notebook.name]


def serve(tasks, results):
    """Grade what comes, until nothing more does."""
    engine = assignment = None
    try:
        while True:
            task = receive(tasks)
            if "assignment" in task:
                assignment = Assignment.unpack(task["assignment"])
                os.environ["COURSE_TEST_SEED"] = assignment.seed
                trusted = [c.source for n in assignment.notebooks for c in n.cells if c.test or c.shared]
                engine = Engine(assignment.preload, task["walled"], task["limits"], trusted)
                continue
            send(results, {n.name: tuple(_grade(engine, assignment, n, task)) for n in assignment.notebooks})
    except EOFError:
        pass
    finally:
        if engine is not None:
            engine.close()


class Worker:
    """A worker process, seen from outside. Starts when it is first needed, again after it has died."""

    def __init__(self, assignment, walled=True, limits=None):
        self._first = {"assignment": assignment.pack(), "walled": walled, "limits": limits or {}}
        self._process, self._lock, self._assignment = None, threading.Lock(), assignment
        self._closed = False  # ended for good, in the middle of its work

    @property
    def pid(self):
        """The process id, or None."""
        return None if self._process is None else self._process.pid

    def grade(self, files, sizes):
        """{notebook name: Outcome}. Raises Died."""
        with self._lock:
            late = []
            try:
                if self._closed:
                    raise EOFError
                if self._process is None:
                    self._start()
                with self._deadline() as late:
                    send(self._process.stdin, {"files": files, "sizes": sizes})
                    return {name: Outcome(*made) for name, made in receive(self._process.stdout).items()}
            except (EOFError, OSError):
                said = self._end()
                if late:
                    return failed(self._assignment, say("worker stuck", seconds=self._seconds()))
                raise Died(said) from None

    def _seconds(self):
        """More than a submission can take that keeps its time, cell by cell and test by test."""
        tests = sum(cell.test for notebook in self._assignment.notebooks for cell in notebook.cells)
        return SPARE + FAR * self._assignment.timeout * (2 * CELLS_IN_ALL * len(self._assignment.notebooks) + 3 * tests)

    @contextlib.contextmanager
    def _deadline(self):
        """A list that holds something once the process was ended because it took too long."""
        late, process = [], self._process

        def end():
            late.append(True)
            process.kill()

        timer = threading.Timer(self._seconds(), end)
        timer.daemon = True
        timer.start()
        try:
            yield late
        finally:
            timer.cancel()

    def _start(self):
        command = [sys.executable, "-m", "course_pkg.grading.worker"]
        self._process = subprocess.Popen(
            command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE, start_new_session=True
        )
        self._said = []
        self._listener = threading.Thread(target=self._listen, args=(self._process.stderr, self._said), daemon=True)
        self._listener.start()
        send(self._process.stdin, self._first)

    @staticmethod
    def _listen(stream, said):
        with stream:
            for line in stream:
                said.append(line.decode("utf-8", "replace").rstrip())
                del said[:-20]

    def _end(self):
        process, self._process = self._process, None
        if process is None:
            return say("no start")
        with contextlib.suppress(OSError):
            process.stdin.close()
        try:
            status = process.wait(15)
        except subprocess.TimeoutExpired:
            process.kill()
            status = process.wait()
        process.stdout.close()
        self._listener.join(5)
        return " ".join(self._said[-1:]) or say("worker ended", status=status)

    def close(self, now=False):
        """End the process; `now` in the middle of a submission, else after it."""
        if now:
            self._closed, process = True, self._process
            if process is not None:
                process.terminate()
        with self._lock:
            if self._process is not None:
                self._end()


def main():
    """Serve on standard input and output; whatever else is printed goes to standard error."""
    signal.signal(signal.SIGTERM, lambda number, frame: sys.exit(1))  # and on the way out leave nothing behind
    results = os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)
    serve(sys.stdin.buffer, results)


if __name__ == "__main__":
    main()
