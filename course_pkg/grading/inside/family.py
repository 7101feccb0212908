"""What a process and its descendants hold of memory and have used of time, from /proc. See proc(5)."""

import os
import re
from typing import NamedTuple

HELD = re.compile(rb"^Rss(Anon|Shmem):\s+(\d+) kB", re.M)
# Each page divided by how many processes map it, so that what a family shares is counted once.
SHARED = re.compile(rb"^Pss_(Anon|Shmem):\s+(\d+) kB", re.M)


class Member(NamedTuple):
    """One process."""

    pid: int
    memory: int  # bytes in memory that are not of files: private ones, and those of shared memory
    seconds: float  # of the processor, its children that have ended included


def family(proc, pid):
    """The Members: a process and all that descend from it. `proc` is an open handle of /proc."""
    parents, seconds, tick = {}, {}, os.sysconf("SC_CLK_TCK")
    for name in os.listdir(proc):
        if name.isdigit():
            stat = read_at(proc, f"{name}/stat").rpartition(b")")[2].split()
            if stat:
                parents[int(name)], seconds[int(name)] = int(stat[1]), sum(map(int, stat[11:15])) / tick
    found = {pid} & set(parents)
    while more := {p for p, parent in parents.items() if parent in found} - found:
        found |= more
    return [Member(p, _sum(HELD, read_at(proc, f"{p}/status")), seconds[p]) for p in sorted(found)]


def shares(proc, pids):
    """Bytes as in `Member`, but what several processes share counted once; None where that cannot be read."""
    found = [read_at(proc, f"{pid}/smaps_rollup") for pid in pids]
    return sum(_sum(SHARED, text) for text in found) if any(found) else None


def waited(proc, pid):
    """Seconds for which a process's first thread wanted the processor and others had it; 0 where it is not told."""
    told = read_at(proc, f"{pid}/schedstat").split()
    return int(told[1]) / 1e9 if len(told) > 1 else 0.0


def _sum(pattern, text):
    return sum(int(size) for _, size in pattern.findall(text)) << 10


def read_at(folder, path):
    """The beginning of a file in an open folder; b"" where there is none, or not any more."""
    try:
        handle = os.open(path, os.O_RDONLY, dir_fd=folder)
    except OSError:
        return b""
    try:
        return os.read(handle, 8192)
    except OSError:
        return b""
    finally:
        os.close(handle)
