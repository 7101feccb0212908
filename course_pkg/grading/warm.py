"""Warm kernels: processes that have imported everything, and fork a kernel in a few milliseconds."""

import contextlib
import json
import os
import signal
import socket
import subprocess
import sys
import tempfile
import time

from course_pkg.checks.text import say
from course_pkg.grading import walls
from course_pkg.grading.assignment import FILES_LIMIT, SIZE_LIMIT
from course_pkg.grading.inside import frames, lock

START_SECONDS = 120
FILES_MB = (2 * SIZE_LIMIT + FILES_LIMIT) >> 20  # what the grader puts beside a notebook


class NoKernel(RuntimeError):
    """A kernel could not be started; the text holds the end of its log."""


class Kernel:
    """One forked process. `sockets` are its connections; the first one carries what the grader asks."""

    def __init__(self, keeper, sockets):
        self._keeper, self.sockets, self.ended, self.reason, self._said = keeper, sockets, False, None, b""
        self._clocks = {}  # {word: the last that its keeper said}

    def interrupt(self):
        """As Ctrl-C."""
        with contextlib.suppress(OSError):
            self._keeper.sendall(b"i")

    def tell(self):
        """Have it end, without waiting for that."""
        if not self.ended:
            with contextlib.suppress(OSError):
                self._keeper.sendall(b"k")

    def waited(self):
        """Seconds for which it wanted a processor while others had it."""
        return self._clock(b"w")

    def used(self):
        """Seconds of processors that it and its children used."""
        return self._clock(b"c")

    def _clock(self, word):
        if self.ended:
            return self._clocks.get(word, 0.0)
        try:
            self._keeper.settimeout(60)
            self._keeper.sendall(word)
            while b"\n" not in self._said:
                piece = self._keeper.recv(4096)
                if not piece:
                    raise OSError
                self._said += piece
            line, _, self._said = self._said.partition(b"\n")
            self._clocks[word] = float(line)
        except (OSError, ValueError):  # it has ended, which its own connection will tell
            pass
        return self._clocks.get(word, 0.0)

    def end(self):
        """End the process and all that it has started.

        Returns why it had ended before, or "told"; None when its keeper is no more, whom nobody but the grader ends.
        """
        if self.ended:
            return self.reason
        self.tell()
        with contextlib.suppress(OSError):
            self._keeper.settimeout(60)
            while piece := self._keeper.recv(4096):
                self._said += piece
        with contextlib.suppress(ValueError, TypeError):
            self.reason = json.loads(self._said)["reason"]
        for sock in (self._keeper, *self.sockets):
            sock.close()
        self.ended = True
        return self.reason


class Warm:
    """A process to fork kernels from. role: "student" or "checker".

    `trusted` are sources that a checker will run; they are compiled once.
    """

    def __init__(self, role, preload, walled, limits=None, trusted=()):
        self._ours, theirs = frames.pair()
        self._log = tempfile.TemporaryFile()  # noqa: SIM115  (closed in `close`)
        self._scratch = tempfile.TemporaryDirectory(prefix="course-")
        inside = role == "student" and walled
        settings = {
            "role": role,
            "preload": list(preload),
            "walls": inside,
            "limits": {**lock.LIMITS, "files_mb": FILES_MB, **(limits or {})},
            "user": walls.user() if inside else None,
            "home": walls.HOME if inside else self._scratch.name,
            "hide": walls.RUN if inside else "",
            "trusted": "",
        }
        if role == "checker" and trusted:
            settings["trusted"] = os.path.join(self._scratch.name, "trusted.json")
            with open(settings["trusted"], "w", encoding="utf-8") as file:
                json.dump(list(trusted), file)
        module = "inside.zygote" if inside else "course_pkg.grading.inside.zygote"
        command = [*(walls.command() if inside else []), sys.executable, "-m", module, json.dumps(settings)]
        environment = {k: v for k, v in os.environ.items() if role == "checker" or not _secret(k)}
        environment |= {"OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1", "MKL_NUM_THREADS": "1"}
        self.process = subprocess.Popen(
            command, stdin=theirs, stdout=subprocess.DEVNULL, stderr=self._log, env=environment, cwd="/"
        )
        theirs.close()
        self.home = self._scratch.name

    def wait(self):
        """Wait until it can fork. Raises NoKernel."""
        self._ours.settimeout(START_SECONDS)
        try:
            started = self._ours.recv(1)
        except OSError:
            started = b""
        if started != b"+":
            raise NoKernel(self.log() or say("has ended"))

    def log(self):
        """The last lines of what it said on standard error."""
        self._log.seek(max(0, self._log.seek(0, os.SEEK_END) - 2000))
        return self._log.read().decode("utf-8", "replace").strip()

    def fork(self, connections=1):
        """A new kernel with this many connections."""
        ends = [frames.pair() for _ in range(connections + 1)]
        try:
            socket.send_fds(self._ours, [b"f"], [theirs.fileno() for _, theirs in ends])
        except OSError:
            for ours, _ in ends:
                ours.close()
            raise NoKernel(self.log() or say("has ended")) from None
        finally:
            for _, theirs in ends:
                theirs.close()
        keeper, *ours = [ours for ours, _ in ends]
        return Kernel(keeper, ours)

    def close(self):
        """End it and everything that it has forked."""
        self._ours.close()
        try:
            self.process.wait(5)
        except subprocess.TimeoutExpired:
            self.process.send_signal(signal.SIGKILL)
            self.process.wait()
        self._log.close()
        with contextlib.suppress(OSError):
            self._scratch.cleanup()


def _secret(name):
    words = ("TOKEN", "SECRET", "PASSWORD", "PASSWD", "JUPYTERHUB", "AWS_", "CREDENTIAL", "COURSE_TEST_SEED", "_KEY")
    return any(word in name.upper() for word in words)


def soon(seconds):
    """A deadline."""
    return time.monotonic() + seconds
