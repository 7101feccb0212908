"""Arrays in NumPy's npy format: https://numpy.org/doc/stable/reference/generated/numpy.lib.format.html"""

import functools
import io
import sys

import numpy as np

from course_pkg.checks.text import say

KINDS = "biufcUSmM"  # dtype.kind of the arrays that may cross


class Refused(TypeError):
    """A value that cannot cross."""


@functools.lru_cache(maxsize=512)
def _header(descr, shape):
    buffer = io.BytesIO()
    np.lib.format.write_array_header_1_0(buffer, {"descr": descr, "fortran_order": False, "shape": shape})
    return buffer.getvalue()


@functools.lru_cache(maxsize=512)
def _read_header(header):
    buffer = io.BytesIO(header)
    if np.lib.format.read_magic(buffer) != (1, 0):
        raise Refused(say("array format"))
    shape, fortran, dtype = np.lib.format.read_array_header_1_0(buffer)
    if dtype.hasobject or dtype.kind not in KINDS or fortran:
        raise Refused(say("array of", dtype=dtype))
    return shape, dtype


def array_bytes(a):
    """An array as a npy file."""
    if a.dtype.hasobject or a.dtype.kind not in KINDS:
        raise Refused(say("array of", dtype=a.dtype))
    return _header(a.dtype.str, a.shape) + a.tobytes()


def array_from(data):
    """An array from the bytes of a npy file; writable."""
    if len(data) < 10:
        raise Refused(say("array cut"))
    end = 10 + int.from_bytes(data[8:10], "little")
    shape, dtype = _read_header(bytes(data[:end]))
    count = 1
    for size in shape:
        count *= size
    if count * dtype.itemsize != len(data) - end:
        raise Refused(say("array cut"))
    return np.frombuffer(bytearray(data[end:]), dtype).reshape(shape)


def torch_module():
    """PyTorch, if this process has it already."""
    return sys.modules.get("torch")
