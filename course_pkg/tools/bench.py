"""Speed and memory of `fused`, beside PyTorch's networks and beside one call of the cell per step.

    python -m course_pkg.tools.bench [--json FILE] [--quick]

prints tables and, if FILE can be written, keeps the same numbers there; `read` and `lines` show them
on a page. One thread, float32. Contenders take turns within one run, and a ratio is the median of the
ratios of the rounds, so that whatever slows the machine down slows all of them. Time is the process's
own, where the system can measure it finely, so that other programs count less. Needs the extra `dev`.
"""

import argparse
import datetime
import functools
import json
import os
import pathlib
import platform
import subprocess
import sys
import time

import numpy as np

from course_pkg import bptt, cells, interchange, weights
from course_pkg.tools.machine import processor

SIZES = ((1, 32, 8, 16), (16, 64, 32, 64), (32, 100, 64, 128), (64, 100, 128, 256), (32, 1000, 32, 64))  # B, T, D, H
LONGER = [(32, T, 32, 64) for T in (50, 100, 200, 400)]
WIDER = [(32, 50, 32, H) for H in (32, 64, 128, 256)]
FINE = time.get_clock_info("process_time").resolution < 1e-6
KEPT = pathlib.Path(__file__).with_name("bench.json")  # what `nox -s bench` writes and a book page shows
NOTE = """\
Why PyTorch's GRU and RNN are slow on a CPU: torch.nn.LSTM hands a whole layer in float32 to one operator
of the oneDNN library. torch.nn.GRU and torch.nn.RNN have no such operator there. They call small ones at
every step, the gates' products, sums, sigmoids, and views of them, and autograd records each call. The
counts above are of operators called in one forward pass. So a ratio below 1 for a GRU says more about that
loop than about NumPy. On a GPU all three are one operator, of cuDNN, and these numbers say nothing about it.
Ratios for the LSTM also depend on whether NumPy's BLAS uses the widest instructions of the processor: see
"kernel" and "torch" in the machine's line."""


def contenders(cell, B, T, D, H, seed=0):
    """{"fused": (forward, both), "torch": ..., "steps": ...}: calls without arguments on the same drawn numbers.

    `both` is forward and backward, with gradients to x and to every parameter; `forward` keeps what the
    backward pass needs, and returns it.
    """
    import torch

    cell = cells.by_name(cell)
    torch.set_num_threads(1)
    rng = np.random.default_rng(seed)
    p = weights.init(cell, D, H, rng, dtype=np.float32)
    x, dh = rng.standard_normal((B, T, D), np.float32), rng.standard_normal((B, T, H), np.float32)
    net = {"rnn": torch.nn.RNN, "lstm": torch.nn.LSTM, "gru": torch.nn.GRU}[cell.name](D, H, batch_first=True)
    net.load_state_dict(interchange.to_torch(p))
    x_, dh_ = torch.from_numpy(x).requires_grad_(), torch.from_numpy(dh)

    def torch_both():
        x_.grad = None
        net.zero_grad(set_to_none=True)
        net(x_)[0].backward(dh_)

    return {
        "fused": (lambda: cell.run(x, None, p)[2], lambda: cell.run_backward(dh, None, cell.run(x, None, p)[2])),
        "torch": (lambda: net(x_)[0], torch_both),
        "steps": (
            lambda: bptt.unroll(cell, x, None, p)[2],
            lambda: bptt.bptt(cell, dh, None, bptt.unroll(cell, x, None, p)[2], p),
        ),
    }


def interleaved(calls, seconds, rounds=5):
    """Call each of `calls`, a dict, once a round, for at least so many seconds and rounds: {name: seconds (rounds,)}.

    Every second round goes backwards through the dict, so that nobody always follows the same other.
    """
    clock = time.process_time if FINE else time.perf_counter
    names, times, end = list(calls), {name: [] for name in calls}, time.perf_counter() + seconds
    for name in names:
        calls[name]()  # the first call pays for what is loaded and fetched once
    while time.perf_counter() < end or len(times[names[0]]) < rounds:
        for name in names:
            start = clock()
            calls[name]()
            times[name].append(clock() - start)
        names.reverse()
    return {name: np.array(t) for name, t in times.items()}


def speed(cell, size, seconds):
    """Medians in milliseconds, and of the ratios of fused to torch and to steps, forward and both."""
    found = contenders(cell, *size)
    calls = {(who, what): found[who][k] for who in found for k, what in enumerate(("forward", "both"))}
    times = interleaved(calls, seconds)
    row = {"rounds": len(times["fused", "both"])}
    for what in ("forward", "both"):
        row[what] = {
            "ms": {who: _short(1e3 * np.median(times[who, what])) for who in found},
            "over_torch": _short(np.median(times["fused", what] / times["torch", what])),
            "over_steps": _short(np.median(times["fused", what] / times["steps", what])),
        }
    return row


def kept(cell, size):
    """Megabytes that a forward pass keeps for the backward pass: our tape, and what autograd saves."""
    import torch

    found, storages = contenders(cell, *size), {}

    def note(tensor):
        storages[tensor.untyped_storage().data_ptr()] = tensor.untyped_storage().nbytes()
        return tensor

    with torch.autograd.graph.saved_tensors_hooks(note, lambda tensor: tensor):
        out = found["torch"][0]()
    del out
    return {"fused": _short(weights.nbytes(found["fused"][0]()) / 1e6), "torch": _short(sum(storages.values()) / 1e6)}


def peak(who, cell, size):
    """Growth of this process's peak memory over one forward and backward pass, in MB. None where not on Linux."""
    status, reset = pathlib.Path("/proc/self/status"), pathlib.Path("/proc/self/clear_refs")
    if not reset.exists():
        return None
    read = lambda name: int(status.read_text().split(name)[1].split()[0]) * 1024 / 1e6  # noqa: E731
    contenders(cell, 1, 2, *size[2:])[who][1]()  # loads what is loaded once
    both = contenders(cell, *size)[who][1]
    reset.write_text("5")  # the peak starts again from what is in memory now
    before = read("VmRSS:")
    both()
    return _short(read("VmHWM:") - before)


def fresh_peak(who, cell, size):
    """`peak` in a process of its own, so that nothing measured before is in its memory."""
    command = [sys.executable, "-m", "course_pkg.tools.bench", "--peak", who, cell, *map(str, size)]
    return json.loads(subprocess.run(command, check=True, capture_output=True, text=True).stdout)


def operators(cell, size=(8, 100, 8, 8)):
    """How many of PyTorch's operators one forward pass of torch.nn's network calls."""
    import torch

    forward = contenders(cell, *size)["torch"][0]
    forward()
    with torch.profiler.profile(activities=[torch.profiler.ProfilerActivity.CPU]) as profile:
        forward()
    return sum(event.count for event in profile.key_averages())


def machine():
    """What the numbers depend on: processor, cores, versions, the kernels that NumPy's BLAS and PyTorch chose."""
    import threadpoolctl
    import torch

    blas = [lib for lib in threadpoolctl.threadpool_info() if lib["user_api"] == "blas"]
    return {
        "processor": processor(),
        "cores": os.cpu_count(),
        "python": platform.python_version(),
        "numpy": np.__version__,
        "kernel": ", ".join(f"{lib['internal_api']} {lib['version']} {lib.get('architecture', '')}" for lib in blas),
        "torch": f"{torch.__version__} {torch.backends.cpu.get_cpu_capability()}",
    }


def measure(sizes=SIZES, growth=(*LONGER, *WIDER), seconds=3.0, report=print):
    """Everything, as a dict that JSON can hold; `report` gets each line of the tables as it is known."""
    result = {"date": datetime.date.today().isoformat(), "machine": machine(), "rows": [], "growth": []}
    for line in _head(result):
        report(line)
    for cell in ("lstm", "gru", "rnn"):
        for size in sizes:
            peaks = {who: fresh_peak(who, cell, size) for who in ("fused", "torch")}
            row = {"cell": cell, "size": size, **speed(cell, size, seconds), "kept": kept(cell, size), "peak": peaks}
            result["rows"].append(row)
            report(_row(row))
    report("growth with T, then with H")
    for cell in ("lstm", "gru", "rnn"):
        for size in growth:
            row = {"cell": cell, "size": size, **speed(cell, size, seconds / 3), "kept": kept(cell, size)}
            result["growth"].append(row)
            report(_row(row))
    result["operators"] = {cell: operators(cell) for cell in ("lstm", "gru", "rnn")}
    for line in _foot(result):
        report(line)
    return result


def lines(result):
    """The tables of a result of `measure` as lines of text."""
    growth = ["growth with T, then with H", *map(_row, result["growth"])]
    return [*_head(result), *map(_row, result["rows"]), *growth, *_foot(result)]


def read(path=KEPT):
    """A result that `main` wrote; by default the one that is kept with the package."""
    return json.loads(pathlib.Path(path).read_text(encoding="utf-8"))


def _short(number):
    return float(f"{number:.3g}")


def _head(result):
    machine = ", ".join(f"{name} {value}" for name, value in result["machine"].items())
    yield f"{result['date']}: {machine}; one thread, float32"
    yield "ratios of time, fused over the other; milliseconds forward and backward; megabytes kept, and peak growth"
    yield (
        f"{'cell':5}{'B, T, D, H':>20}{'/torch fwd':>11}{'both':>6}{'/steps fwd':>11}{'both':>6}"
        f"{'ms fused':>10}{'torch':>8}{'steps':>8}{'kept MB':>9}{'torch':>9}{'peak MB':>9}{'torch':>7}"
    )


def _row(row):
    fwd, both, peak = row["forward"], row["both"], row.get("peak", {})
    show = lambda value: "-" if value is None else f"{value:g}"  # noqa: E731
    return (
        f"{row['cell']:5}{', '.join(map(str, row['size'])):>20}{fwd['over_torch']:11.2f}{both['over_torch']:6.2f}"
        f"{fwd['over_steps']:11.2f}{both['over_steps']:6.2f}"
        f"{both['ms']['fused']:10.3g}{both['ms']['torch']:8.3g}{both['ms']['steps']:8.3g}"
        f"{row['kept']['fused']:9.3g}{row['kept']['torch']:9.3g}"
        f"{show(peak.get('fused')):>9}{show(peak.get('torch')):>7}"
    )


def _foot(result):
    counts = ", ".join(f"{cell} {count}" for cell, count in result["operators"].items())
    yield f"PyTorch's operators called in one forward pass over 100 steps: {counts}"
    yield NOTE


def main(arguments=None):
    """The command line."""
    parser = argparse.ArgumentParser(prog="python -m course_pkg.tools.bench", description=__doc__.splitlines()[0])
    parser.add_argument("--json", type=pathlib.Path, metavar="FILE", help="keep the numbers in this file too")
    parser.add_argument("--quick", action="store_true", help="the two smallest sizes, a few rounds each")
    parser.add_argument("--peak", nargs=6, metavar="X", help=argparse.SUPPRESS)
    options = parser.parse_args(arguments)
    if options.peak:
        who, cell, *size = options.peak
        print(json.dumps(peak(who, cell, tuple(map(int, size)))))
        return
    quick = {"sizes": SIZES[:2], "growth": LONGER[:1], "seconds": 0.0} if options.quick else {}
    import threadpoolctl

    with threadpoolctl.threadpool_limits(1):  # at these sizes a second thread costs more than it brings
        result = measure(report=functools.partial(print, flush=True), **quick)
    if options.json:
        options.json.write_text(json.dumps(result, indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
