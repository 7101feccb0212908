"""Chapters executed side by side, each by a kernel of its own, into caches that myst-nb reads.

`Crew` starts processes of this file, `python -m course_site.kernels`. Each takes jobs as lines of JSON from its
standard input, one after the other, and answers each with a line; when the input closes, because the build ended
in whatever way, it ends too.
"""

import datetime
import json
import os
import pathlib
import queue
import shutil
import subprocess
import sys
import threading
import traceback
from concurrent.futures import Future

SECONDS = "seconds"  # beside a cache's own files: how long the chapter took
CELLS = "cells.json"  # and each of its code cells


def cores():
    """The number of processors that this process may use; COURSE_JOBS sets it. Raises ValueError unless a count."""
    said = os.environ.get("COURSE_JOBS")
    if said is not None:
        if not said.isdecimal() or int(said) < 1:
            raise ValueError(f"COURSE_JOBS: got {said!r}, wanted a number of processes, at least 1")
        return int(said)
    affinity = getattr(os, "sched_getaffinity", None)
    allowed = len(affinity(0)) if affinity else os.cpu_count() or 1
    return max(1, min(allowed, quota()))


def quota(path="/sys/fs/cgroup/cpu.max"):
    """The processors that a container may keep busy: its cgroup's quota, rounded up, or a number that never binds."""
    try:
        limit, period = pathlib.Path(path).read_text().split()
    except (OSError, ValueError):
        return 10**6
    return 10**6 if limit == "max" else -(-int(limit) // int(period))


def failed_cache(cache):
    """Where the outputs of a chapter stay whose cells did not all run: for its page, not for the next build."""
    return cache.with_name(f"{cache.name}.failed")


def execute(notebook, source, cache, timeout):
    """Run a notebook in the folder of its source; its result becomes the folder `cache`, a jupyter-cache.

    Returns None, or the traceback of what failed; then the folder is `failed_cache` instead. It is written under
    another name first: half a cache, from a build that was stopped, is never found.
    """
    from jupyter_cache import get_cache
    from jupyter_cache.base import CacheBundleIn
    from jupyter_cache.executors.utils import single_nb_execution

    data, failed = {}, None
    try:
        how = {"timeout": timeout, "allow_errors": False, "record_timing": True}
        done = single_nb_execution(notebook, cwd=str(source.parent), **how)
        data, failed = {"execution_seconds": done.time}, done.exc_string
    except Exception:  # a kernel that does not start, or dies
        failed = traceback.format_exc()
    times = [_took(cell) for cell in notebook.cells if cell.cell_type == "code"]
    target = failed_cache(cache) if failed else cache
    part = cache.with_name(f"{target.name}.{os.getpid()}.part")
    shutil.rmtree(part, ignore_errors=True)
    get_cache(part).cache_notebook_bundle(
        CacheBundleIn(notebook, str(source), data=data), check_validity=False, overwrite=True
    )
    if failed:
        shutil.rmtree(target, ignore_errors=True)
    else:
        (part / SECONDS).write_text(f"{done.time:.2f}\n")
        (part / CELLS).write_text(json.dumps(times) + "\n")
    try:
        part.rename(target)
    except OSError:  # another build was faster
        if not target.is_dir():
            raise
        shutil.rmtree(part)
    return failed


def _took(cell):
    """Seconds that a cell ran, taken out of what nbclient noted in it; None where it did not run to its end."""
    noted = cell.metadata.pop("execution", {})
    try:
        began, ended = (
            datetime.datetime.fromisoformat(noted[f"iopub.status.{when}"].replace("Z", "+00:00"))
            for when in ("busy", "idle")
        )
    except KeyError:
        return None
    return round((ended - began).total_seconds(), 2)


def cell_seconds(cache):
    """How long each code cell of a chapter took, by the folder of its cache; [] where that was not noted."""
    noted = cache / CELLS
    return json.loads(noted.read_text()) if noted.is_file() else []


def seconds(caches):
    """How long a chapter took when it last ran, by the folder of its caches; None where that is not known."""
    past = sorted(caches.glob(f"*/{SECONDS}"), key=lambda path: path.stat().st_mtime)
    return float(past[-1].read_text()) if past else None


class Crew:
    """`count` processes that take jobs, {"notebook", "source", "cache", "timeout"}, in the order they were given.

    Their threads are daemons: a build that is stopped waits for nobody.
    """

    def __init__(self, jobs, count):
        self.results = {name: Future() for name in jobs}
        self._left = queue.SimpleQueue()
        for job in jobs.items():
            self._left.put(job)
        for _ in range(min(count, len(jobs))):
            threading.Thread(target=self._work, daemon=True).start()

    def close(self):
        """Give out no further job."""
        while not self._left.empty():
            name, _ = self._left.get()
            self.results[name].cancel()

    def _work(self):
        process = None
        while not self._left.empty():
            try:
                name, job = self._left.get_nowait()
            except queue.Empty:
                break
            process = process or _start()
            try:
                process.stdin.write(json.dumps(job) + "\n")
                process.stdin.flush()
                self.results[name].set_result(json.loads(process.stdout.readline())["failed"])
            except (OSError, ValueError):  # killed, perhaps for want of memory: the next job gets another process
                process.kill()
                process.communicate()
                process = None
                self.results[name].set_result(f"the process that ran the cells of {name} was ended from outside")
        if process:
            process.communicate()


def _start():
    here = str(pathlib.Path(__file__).resolve().parents[1])
    env = {**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, [here, os.environ.get("PYTHONPATH")]))}
    command = [sys.executable, "-m", "course_site.kernels"]
    return subprocess.Popen(command, env=env, text=True, stdin=subprocess.PIPE, stdout=subprocess.PIPE)


def main():
    """Take jobs until the input ends."""
    import nbformat

    # What a library prints is not an answer.
    with os.fdopen(os.dup(1), "w") as answers:
        os.dup2(2, 1)
        for line in sys.stdin:
            job = json.loads(line)
            notebook = nbformat.from_dict(job["notebook"])
            failed = execute(notebook, pathlib.Path(job["source"]), pathlib.Path(job["cache"]), job["timeout"])
            print(json.dumps({"failed": failed}), file=answers, flush=True)


if __name__ == "__main__":
    main()
