"""How long the four ways of `scan` take, forward and backward, beside the loop over the steps.

    python -m course_pkg.tools.scan_bench [--json FILE]

A row for each length T and each number of units (batch times H). Contenders take turns, and a ratio is the median of
those of the rounds, as in `bench`, so that whatever slows the machine down slows all of them. One thread, float32.
"""

import argparse
import datetime
import functools
import json
import pathlib
import platform

import numpy as np

from course_pkg.scan import WAYS, scan, scan_backward
from course_pkg.tools.bench import interleaved
from course_pkg.tools.machine import processor

LENGTHS, UNITS = (64, 256, 1024, 4096), (1, 16, 256, 4096)
MOST = 4_200_000  # numbers in one array
KEPT = pathlib.Path(__file__).with_name("scan_bench.json")


def contenders(T, units, seed=0):
    """{way: a call without arguments that scans and goes back, and returns (h, da, db)}, on the same numbers."""
    rng = np.random.default_rng(seed)
    a = (1 / (1 + np.exp(-rng.normal(1, 1, (1, T, units))))).astype(np.float32)
    b, dh = rng.standard_normal((2, *a.shape), np.float32)

    def both(how):
        h, tape = scan(a, b, how=how)
        return h, *scan_backward(dh, tape)[:2]

    return {how: functools.partial(both, how) for how in WAYS}


def measure(lengths=LENGTHS, units=UNITS, seconds=0.2, report=print):
    """Everything, as a dict that JSON can hold. over: the time of the loop over that of each way; above 1, it wins."""
    rows = []
    for n in units:
        for T in (T for T in lengths if T * n <= MOST):
            times = interleaved(contenders(T, n), seconds, rounds=5)
            over = {how: _short(np.median(times["sequential"] / t)) for how, t in times.items()}
            ms = {how: _short(1e3 * np.median(t)) for how, t in times.items()}
            rows.append({"T": T, "units": n, "rounds": len(times["tree"]), "ms": ms, "over": over})
            report(rows[-1])
    machine = {"processor": processor(), "python": platform.python_version(), "numpy": np.__version__}
    return {"date": datetime.date.today().isoformat(), "machine": machine, "rows": rows}


def read(path=KEPT):
    """A result that `main` wrote; by default the one that is kept with the package."""
    return json.loads(pathlib.Path(path).read_text(encoding="utf-8"))


def _short(number):
    return float(f"{number:.3g}")


def main(arguments=None):
    """The command line."""
    parser = argparse.ArgumentParser(prog="python -m course_pkg.tools.scan_bench", description=__doc__.splitlines()[0])
    parser.add_argument("--json", type=pathlib.Path, metavar="FILE", help="keep the numbers in this file too")
    options = parser.parse_args(arguments)
    result = measure(report=functools.partial(print, flush=True))
    if options.json:
        options.json.write_text(json.dumps(result, indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
