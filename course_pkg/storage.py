"""Parameters to a file and back. The file is NumPy's .npz, and only plain arrays are ever read from it.

NumPy can also store Python objects, whose loading runs code that the file brings along. Here each
array's header is checked before its data is read: a file with anything but the arrays that the
parameters have, in their shapes and dtypes, is refused. Format: numpy.lib.format.
"""

import zipfile
from pathlib import Path
from typing import Any

import numpy as np
from numpy.lib import format as npy

from course_pkg._validation import FLOATS
from course_pkg.trees import tree_build, tree_leaves


def save(path: str | Path, params: Any) -> None:
    """Write a tree of float arrays to `path`, one entry for each leaf, named by its place in the tree.

    An old file at `path` is replaced only when the new one is complete.
    """
    path, leaves = Path(path), tree_leaves(params)
    if not leaves:
        raise ValueError("params: got a tree without arrays, wanted at least one")
    for name, a in leaves.items():
        if not isinstance(a, np.ndarray) or a.dtype not in FLOATS:
            got = f"dtype {a.dtype}" if isinstance(a, np.ndarray) else type(a).__name__
            raise ValueError(f"params.{name}: got {got}, wanted a NumPy array of float32 or float64")
    part = path.with_name(path.name + ".part")
    try:
        with part.open("wb") as file:
            np.savez(file, **leaves)
        part.replace(path)
    finally:
        part.unlink(missing_ok=True)


def load(path: str | Path, like: Any) -> Any:
    """The parameters in `path` as a tree of the structure of `like`, whose shapes and dtypes they must have.

    Raises ValueError, with the reason, for a file that is damaged or holds anything else, and OSError
    for one that cannot be opened.
    """
    wanted = tree_leaves(like)
    with open(path, "rb") as file:
        try:
            leaves = _read_all(file, wanted)
        except Exception as error:  # a damaged file can make the readers raise nearly anything
            raise ValueError(f"path: {Path(path).name} is not a file of these parameters: {error}") from error
    return tree_build(like, leaves)


def _read_all(file, wanted):
    with zipfile.ZipFile(file) as archive:
        names, entries = archive.namelist(), [f"{name}.npy" for name in wanted]
        if sorted(names) != sorted(entries):
            extra, missing = sorted(set(names) - set(entries)), sorted(set(entries) - set(names))
            raise ValueError(f"it holds {extra or 'nothing'} in excess and lacks {missing or 'nothing'}")
        return {name: _read(archive, name, a) for name, a in wanted.items()}


def _read(archive, name, like):
    """One array, its header first: what is announced must fit before memory is taken for it."""
    with archive.open(f"{name}.npy") as file:
        version = npy.read_magic(file)
        if version not in ((1, 0), (2, 0)):
            raise ValueError(f"{name} has an array format {version} that is not known")
        read_header = npy.read_array_header_1_0 if version == (1, 0) else npy.read_array_header_2_0
        shape, fortran_order, dtype = read_header(file)
        if (shape, dtype) != (like.shape, like.dtype):
            raise ValueError(f"{name} has shape {shape} and dtype {dtype}, wanted {like.shape} and {like.dtype}")
        data = file.read(like.nbytes)
        if len(data) != like.nbytes or file.read(1):
            raise ValueError(f"{name} has more or fewer numbers than its header says")
    return np.frombuffer(data, dtype).reshape(shape, order="F" if fortran_order else "C").copy()
