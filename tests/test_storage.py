"""Parameters come back from a file bit for bit, and no file that is damaged or hostile does any harm."""

import io
import pickle
import zipfile
from typing import Any, NamedTuple

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from course_pkg.storage import load, save
from course_pkg.trees import tree_leaves, tree_map


class Net(NamedTuple):
    layers: tuple
    W: Any
    absent: Any = None


def net(dtype=np.float32):
    rng = np.random.default_rng(0)
    return Net((rng.normal(size=(3, 2)).astype(dtype), rng.normal(size=4).astype(dtype)), np.ones((1, 1), dtype))


def equal(a, b):
    a, b = tree_leaves(a), tree_leaves(b)
    return a.keys() == b.keys() and all(np.array_equal(a[k], b[k]) and a[k].dtype == b[k].dtype for k in a)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_round_trip_is_exact(tmp_path, dtype):
    params = net(dtype)
    params = params._replace(W=np.asfortranarray(np.random.default_rng(1).normal(size=(4, 3)).astype(dtype)))
    save(tmp_path / "net.npz", params)
    found = load(tmp_path / "net.npz", tree_map(np.zeros_like, params))
    assert equal(found, params)
    found.W[:] = 0  # what is loaded can be written to


def test_plain_numpy_reads_the_file_too(tmp_path):
    save(tmp_path / "net.npz", net())
    with np.load(tmp_path / "net.npz", allow_pickle=False) as file:
        assert sorted(file.files) == ["W", "layers.0", "layers.1"]


def test_a_failed_save_leaves_the_old_file_and_nothing_else(tmp_path, monkeypatch):
    path = tmp_path / "net.npz"
    save(path, net())

    def full_disk(file, **arrays):
        file.write(b"half")
        raise OSError("no space left")

    monkeypatch.setattr(np, "savez", full_disk)
    with pytest.raises(OSError, match="no space"):
        save(path, tree_map(lambda a: a + 1, net()))
    assert equal(load(path, net()), net())
    assert [p.name for p in tmp_path.iterdir()] == ["net.npz"]


class Bomb:
    """What a hostile file would carry: unpickling it runs its code."""

    def __reduce__(self):
        return (pytest.fail, ("code from the file was run",))


def entry(a, **kwargs):
    buffer = io.BytesIO()
    np.lib.format.write_array(buffer, a, **kwargs)
    return buffer.getvalue()


def archive(path, **changes):
    """A good file of net() with entries replaced, added, or (None) left out."""
    entries = {f"{name}.npy": entry(a) for name, a in tree_leaves(net()).items()} | changes
    with zipfile.ZipFile(path, "w") as file:
        for name, data in entries.items():
            if data is not None:
                file.writestr(name, data)


def huge_header():
    buffer = io.BytesIO()
    np.lib.format.write_array_header_1_0(buffer, {"descr": "<f4", "fortran_order": False, "shape": (10**12,)})
    return buffer.getvalue()


HOSTILE = {
    "object array": {"W.npy": entry(np.array([[Bomb()]], dtype=object))},
    "bare pickle": {"W.npy": pickle.dumps(Bomb())},
    "announces 4 TB": {"W.npy": huge_header()},
    "announces more than it has": {"W.npy": entry(np.ones((1, 1), np.float32))[:-1]},
    "has more than it announces": {"W.npy": entry(np.ones((1, 1), np.float32)) + b"x"},
    "wrong shape": {"W.npy": entry(np.ones((1, 2), np.float32))},
    "wrong dtype": {"W.npy": entry(np.ones((1, 1)))},
    "integers": {"W.npy": entry(np.ones((1, 1), np.int32))},
    "missing": {"W.npy": None},
    "extra": {"more.npy": entry(np.ones(3))},
    "extra program": {"setup.py": b"import os"},
    "name without ending": {"W.npy": None, "W": entry(np.ones((1, 1), np.float32))},
    "header that is code": {"W.npy": b"\x93NUMPY\x01\x00\x20\x00" + b"__import__('os').getcwd()".ljust(31) + b"\n"},
    "unknown format version": {"W.npy": b"\x93NUMPY\x09\x00\x02\x00{}"},
}


@pytest.mark.parametrize("kind", HOSTILE)
def test_hostile_files_are_refused_without_harm(tmp_path, kind):
    archive(tmp_path / "good.npz")
    assert equal(load(tmp_path / "good.npz", net()), net())
    archive(tmp_path / "bad.npz", **HOSTILE[kind])
    with pytest.raises(ValueError, match=r"bad\.npz is not a file of these parameters"):
        load(tmp_path / "bad.npz", net())


def test_an_entry_that_occurs_twice_is_refused(tmp_path):
    archive(tmp_path / "bad.npz")
    with zipfile.ZipFile(tmp_path / "bad.npz", "a") as file, pytest.warns(UserWarning, match="Duplicate"):
        file.writestr("W.npy", entry(np.zeros((1, 1), np.float32)))
    with pytest.raises(ValueError, match=r"bad\.npz"):
        load(tmp_path / "bad.npz", net())


@settings(deadline=None, max_examples=200, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.data())
def test_damaged_files_raise_or_change_nothing(tmp_path, data):
    """Cut anywhere, or with any byte changed: a ValueError, or the very same numbers (the byte did not matter)."""
    path = tmp_path / "net.npz"
    save(path, net())
    raw = bytearray(path.read_bytes())
    at = data.draw(st.integers(0, len(raw) - 1))
    if data.draw(st.booleans()):
        raw = raw[:at]
    else:
        raw[at] ^= data.draw(st.integers(1, 255))
    path.write_bytes(raw)
    try:
        found = load(path, net())
    except ValueError as error:
        assert "net.npz" in str(error)  # noqa: PT017
    else:
        assert equal(found, net())


def test_files_that_are_not_there_or_not_archives(tmp_path):
    with pytest.raises(FileNotFoundError):
        load(tmp_path / "none.npz", net())
    (tmp_path / "text.npz").write_text("hello")
    with pytest.raises(ValueError, match=r"text\.npz"):
        load(tmp_path / "text.npz", net())


@pytest.mark.parametrize("bad", [(), (None,), (np.ones(3, int),), ([1.0],), (np.array([Bomb()], dtype=object),)])
def test_only_float_arrays_are_saved(tmp_path, bad):
    with pytest.raises(ValueError, match="params"):
        save(tmp_path / "net.npz", bad)
    assert not list(tmp_path.iterdir())
