"""How long student code may take: time in which others had the processor is not its own.

The measure is the time that has passed, less the time for which the processes at work wanted a processor and did not
get one. So sleeping counts and a busy machine does not. The kernel keeps that time for every process, see
https://docs.kernel.org/scheduler/sched-stats.html. Where it does not, all that passes counts.
"""

import contextlib
import select
import time
from pathlib import Path

from course_pkg.grading.inside import frames

FAR = 20  # times what is allowed: then it ends, whoever had the processor
FRAME = 30.0  # seconds for an answer to arrive once it has begun
STEP = 1.0  # seconds between two looks at who had the processor


def _own_wait():
    with contextlib.suppress(OSError, ValueError, IndexError):
        return int(Path("/proc/self/schedstat").read_text(encoding="ascii").split()[1]) / 1e9
    return 0.0


class Budget:
    """So many seconds for these kernels, from now on."""

    def __init__(self, seconds, kernels):
        self.seconds, self._kernels, self._start = seconds, kernels, time.monotonic()
        self._mark = self._waited()

    def _waited(self):
        return _own_wait() + sum(kernel.waited() for kernel in self._kernels)

    def waited(self):
        """Seconds since the beginning for which others had the processor."""
        return max(0.0, self._waited() - self._mark)

    def used(self, limit=None, start=None):
        """Seconds that count since `start` (of time.monotonic), else since the beginning.

        Up to `limit` nobody looks closer, and all that passed is given.
        """
        limit = self.seconds if limit is None else limit
        passed = time.monotonic() - (self._start if start is None else start)
        if passed <= limit or passed > FAR * limit:
            return passed
        return max(0.0, passed - self.waited())

    def ready(self, sockets, seconds=None):
        """Those of the sockets that can be read; [] once `seconds` from now, else all of the budget, are used up."""
        start = None if seconds is None else time.monotonic()
        limit = self.seconds if seconds is None else seconds
        while True:
            left = limit - self.used(limit, start)
            found = select.select(sockets, [], [], min(STEP, max(0.01, left)))[0]
            if found or left <= 0:
                return found

    def read(self, sock, seconds=None):
        """(kind, payload) of the next frame. Raises Gone, and Late when none has begun in time."""
        if not self.ready([sock], seconds):
            raise frames.Late
        try:
            return frames.read(sock, time.monotonic() + min(FRAME, self.seconds if seconds is None else seconds))
        except frames.Late:  # what comes next would begin in the middle
            raise frames.Gone from None
