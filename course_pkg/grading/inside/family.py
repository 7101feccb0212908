"""How much memory a process and its descendants hold, from /proc."""

import os


def family(proc, pid):
    """(pid, resident memory that is not of files, in bytes) of a process and all that descend from it."""
    parents, sizes, page = {}, {}, os.sysconf("SC_PAGE_SIZE")
    for name in os.listdir(proc):
        if name.isdigit():
            try:
                stat = _read_at(proc, f"{name}/stat")
                sizes[int(name)] = [int(n) for n in _read_at(proc, f"{name}/statm").split()[1:3]]
            except OSError:
                continue
            parents[int(name)] = int(stat.rpartition(b")")[2].split()[1])
    found = {pid}
    while more := {p for p, parent in parents.items() if parent in found} - found:
        found |= more
    return [(p, (sizes[p][0] - sizes[p][1]) * page) for p in found if p in sizes]


def _read_at(folder, path):
    handle = os.open(path, os.O_RDONLY, dir_fd=folder)
    try:
        return os.read(handle, 4096)
    finally:
        os.close(handle)
