"""The same tasks on a Dask cluster: bytes in, results out. https://distributed.dask.org

The cluster's machines need this package and, for walls, bubblewrap; they need no course, no gradebook and no shared
disk. A worker that dies is noticed by Dask, which gives its submissions to another.
"""

import threading

from course_pkg.grading.assignment import Assignment
from course_pkg.grading.engine import Outcome
from course_pkg.grading.worker import TRIES, Died, Worker, failed

AHEAD = 3  # submissions on their way for each thread of the cluster, so that nobody waits and nothing piles up
_workers, _lock = {}, threading.Lock()  # {(assignment's digest, thread): Worker} of this process


def grade_there(digest, packed, files, sizes, walled):
    """Grade one submission in the Dask worker that this runs in. Returns {notebook: plain values}."""
    for _ in range(TRIES - 1):
        try:
            return _grade(_worker(digest, packed, walled), files, sizes)
        except Died:
            continue
    return _grade(_worker(digest, packed, walled), files, sizes)


def _grade(worker, files, sizes):
    return {name: tuple(made) for name, made in worker.grade(files, sizes).items()}


def _worker(digest, packed, walled):
    with _lock:
        for key in [k for k in _workers if k[0] != digest]:  # another assignment, or an older version
            _workers.pop(key).close()
        key = digest, threading.get_ident()
        if key not in _workers:
            _workers[key] = Worker(Assignment.unpack(packed), walled)
        return _workers[key]


def on_cluster(assignment, address, walled=True):
    """`work` for `runner.run`, on the Dask cluster whose scheduler is at `address`."""

    def work(tasks, load):
        from distributed import Client, as_completed

        with Client(address, timeout=30) as client:
            packed = client.scatter(assignment.pack(), broadcast=True, hash=False)
            waiting, todo, flying, digest = as_completed(), iter(tasks), {}, assignment.digest

            def launch():
                task = next(todo, None)
                if task is not None:
                    files, sizes = load(task)
                    future = client.submit(grade_there, digest, packed, files, sizes, walled, pure=False, retries=TRIES)
                    flying[future.key] = task, files
                    waiting.add(future)

            for _ in range(AHEAD * max(1, sum(client.nthreads().values()))):
                launch()
            for future in waiting:
                task, files = flying.pop(future.key)
                if future.status == "finished":
                    made = {name: Outcome(*values) for name, values in future.result().items()}
                else:
                    error = future.exception()
                    made = failed(assignment, f"{type(error).__name__}: {error}")
                future.release()
                yield task, files, made
                launch()

    return work
