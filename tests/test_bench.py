"""The benchmark measures what it says, writes what it prints, and gives away nothing about the machine's owner."""

import getpass
import json
import os
import platform
import sys

import numpy as np
import pytest

from course_pkg import weights
from course_pkg.tools import bench

SMALL = (2, 3, 2, 4)
CELLS = ("rnn", "lstm", "gru")


def test_contenders_compute_the_same():
    """A ratio between two things that compute different numbers means nothing."""
    for cell in CELLS:
        found = bench.contenders(cell, *SMALL)
        dx, _, dparams = found["fused"][1]()
        dx_steps, _, dparams_steps = found["steps"][1]()
        h_torch = found["torch"][0]().detach().numpy()
        h_fused = found["fused"][0]().Z[1:, :4].transpose(2, 0, 1)
        assert np.allclose(h_fused, h_torch, atol=1e-5)
        assert np.allclose(dx, dx_steps, atol=1e-5)
        assert all(np.allclose(a, b, atol=1e-5) for a, b in zip(dparams, dparams_steps))


def test_contenders_take_turns():
    order = []
    times = bench.interleaved({name: lambda name=name: order.append(name) for name in "abc"}, seconds=0, rounds=4)
    assert "".join(order) == "abc" + "abccba" * 2
    assert all(len(t) == 4 and (t >= 0).all() for t in times.values())


@pytest.mark.parametrize("cell", CELLS)
def test_kept_is_the_tape(cell):
    kept = bench.kept(cell, (4, 20, 8, 16))
    assert kept["fused"] == pytest.approx(4 * weights.kept_count(cell, 4, 20, 8, 16) / 1e6, rel=0.01)
    assert kept["torch"] > 4 * 4 * 20 * (8 + 16) / 1e6  # at least x and h


def test_pytorchs_lstm_is_few_operators_and_its_gru_many():
    """The note beside the table says so."""
    lstm, gru, rnn = (bench.operators(cell) for cell in ("lstm", "gru", "rnn"))
    assert lstm < 100 < 1000 < rnn < gru


def test_the_file_holds_what_is_printed(monkeypatch, tmp_path, capsys):
    monkeypatch.setattr(bench, "fresh_peak", lambda who, cell, size: None)  # tested below, in processes of its own
    monkeypatch.setattr(bench, "SIZES", [SMALL, SMALL])
    monkeypatch.setattr(bench, "LONGER", [SMALL])
    bench.main(["--quick", "--json", str(tmp_path / "bench.json")])
    result = bench.read(tmp_path / "bench.json")
    assert capsys.readouterr().out.splitlines() == "\n".join(bench.lines(result)).splitlines()
    assert [(row["cell"], tuple(row["size"])) for row in result["rows"]] == [
        (cell, SMALL) for cell in ("lstm", "gru", "rnn") for _ in range(2)
    ]
    for row in result["rows"] + result["growth"]:
        for what in ("forward", "both"):
            assert row[what]["over_torch"] > 0
            assert row[what]["over_steps"] > 0
            assert set(row[what]["ms"]) == {"fused", "torch", "steps"}
    assert set(result["machine"]) == {"processor", "cores", "python", "numpy", "kernel", "torch"}


def test_the_file_names_no_host_user_or_path():
    text = json.dumps(bench.machine())
    for secret in (platform.node(), os.getcwd(), sys.prefix):
        assert secret not in text
    assert f"{os.sep}{getpass.getuser()}{os.sep}" not in text


@pytest.mark.slow
@pytest.mark.skipif(sys.platform != "linux", reason="peak memory is read from /proc")
@pytest.mark.parametrize("cell", CELLS)
def test_peak_memory_grows_no_more_than_pytorchs(cell):
    """In a fresh process each; and by at least what the tape holds, or it was not measured."""
    size = (32, 200, 32, 64)
    ours, theirs = bench.fresh_peak("fused", cell, size), bench.fresh_peak("torch", cell, size)
    assert bench.kept(cell, size)["fused"] * 0.95 <= ours <= theirs
