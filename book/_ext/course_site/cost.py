"""What it costs to run a page in the browser, said before it is paid: megabytes to fetch, seconds to wait.

The megabytes are those of the files that the button fetches, as they travel. The seconds are those that each cell took
when the site was built; in a browser the same cell takes longer.
"""

import gzip

from packaging.utils import canonicalize_name

from course_site import kernels, lock, npm
from course_site.wheels import describe_wheel

STARTS = ("pyodide-kernel", "course-pkg")  # with all that they require: what worker.js loads before the first cell
CORE = ("pyodide.js", "pyodide.asm.js", "pyodide.asm.wasm")
# NumPy and pydoc-data come from Pyodide's public address, in the versions that official.json pins. What a browser
# fetched of both, measured.
OFFICIAL_BYTES = 3_400_000
# How much longer a cell takes in the browser: a training loop of this course, in Chromium and in Python beside it,
# median of five pairs (4.8 to 9.9).
SLOWER = 9
WORTH_SAYING = 2  # seconds at the build from which a cell's time is said
BITS = 10e6  # a second, of the connection that is spoken of
STARTING = 5  # seconds that Python takes to start when all of it has come


def fetched(cache):
    """How many bytes the button makes a reader fetch, about. `cache` as for lock.served."""
    wheels, stdlib = lock.served(cache)
    found = {d["name"]: (d, wheel) for wheel in wheels for d in [describe_wheel(wheel)]}
    needed, left = set(), [*STARTS, *lock.KERNEL_REQUIRES]
    while left:
        name = canonicalize_name(left.pop())
        if name in found and name not in needed | lock.NOT_REQUIRED:
            needed.add(name)
            left += found[name][0]["requires"]
    core = npm.packages(cache) / "pyodide"
    packed = sum(len(gzip.compress((core / name).read_bytes())) for name in CORE)
    return packed + stdlib.stat().st_size + sum(found[name][1].stat().st_size for name in needed) + OFFICIAL_BYTES


def about(seconds):
    """A time in words: "8 seconds", "about 40 seconds", "about 3 minutes"."""
    if seconds < 10:
        return f"{max(1, round(seconds))} second{'s' if round(seconds) > 1 else ''}"
    if seconds < 90:
        return f"about {round(seconds, -1):.0f} seconds"
    return f"about {round(seconds / 60)} minutes"


def of_start(size):
    """What the button says of fetching `size` bytes."""
    wait = about(size * 8 / BITS + STARTING)
    return f"It fetches {size / 1e6:.0f} MB, once: {wait} at 10 Mbit/s."


def of_page(seconds):
    """What the button says of running all cells; "" where that is quick or not known."""
    total = sum(filter(None, seconds))
    if total < WORTH_SAYING:
        return ""
    return f"All cells took {about(total)} when this page was built; here it may be {about(total * SLOWER)}."


def of_cell(seconds):
    """What stands at a cell; "" where it is quick or its time is not known."""
    if seconds is None or seconds < WORTH_SAYING:
        return ""
    return f"took {about(seconds)} when this page was built; here it may be {about(seconds * SLOWER)}"


def of(size, cache):
    """What button.js is given: {"said": a sentence or two, "cells": what stands at each}. `cache` is a chapter's."""
    seconds = kernels.cell_seconds(cache) if cache else []
    said = " ".join(filter(None, (of_start(size), of_page(seconds))))
    return {"said": said, "cells": [of_cell(s) for s in seconds]}
