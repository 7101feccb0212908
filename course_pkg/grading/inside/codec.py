"""Values as bytes and back: JSON, with arrays in NumPy's npy format beside it. No pickle, no code.

What crosses by value: None, bool, int, float, complex, str, bytes, list, tuple, NamedTuple, dict, set, slice, range,
NumPy arrays, scalars and dtypes, numpy.random.Generator (with its state), torch tensors (their numbers, and the
gradient that a leaf holds; not the graph that made them). Anything else stays where it is, and a reference crosses.
A frame is four bytes with the length of the JSON, the JSON, then the npy files and bytes, one after the other.

The npy format: https://numpy.org/doc/stable/reference/generated/numpy.lib.format.html
"""

import collections
import functools
import io
import json
import keyword
import struct
import sys

import numpy as np

from course_pkg.checks.text import say

LIMIT = 32 << 20  # bytes of one message
DEPTH = 64
KEYS = 10_000  # of sets and dicts in one message, other than text
KINDS = "biufcUSmM"  # dtype.kind of the arrays that may cross
PLAIN = (type(None), bool, int, float, str)


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


class Encoder:
    """Turns values into bytes. `refer(value)` gives the JSON of a reference, or raises Refused."""

    def __init__(self, refer, limit=LIMIT):
        self._refer, self._limit, self._blobs, self._size = refer, limit, [], 0

    def message(self, value):
        """The bytes of `value`."""
        text = json.dumps(self._tree(value, 0)).encode()
        self._grow(len(text))
        return struct.pack("!I", len(text)) + text + b"".join(self._blobs)

    def _grow(self, count):
        self._size += count
        if self._size > self._limit:
            raise Refused(say("one value", limit=self._limit >> 20))

    def _blob(self, a):
        self._grow(a.nbytes)
        data = array_bytes(a)
        self._blobs.append(data)
        return len(data)

    def _tree(self, o, depth):
        if depth > DEPTH:
            raise Refused(say("deep"))
        kind, d = type(o), depth + 1
        if kind in PLAIN:
            if kind is str:
                self._grow(len(o))
            return o
        if kind in (list, set, frozenset):
            return {kind.__name__: [self._tree(v, d) for v in o]}
        if isinstance(o, tuple):
            values = [self._tree(v, d) for v in o]
            if kind is not tuple and hasattr(o, "_fields"):
                return {"named": [kind.__name__, list(map(str, o._fields)), values]}
            return {"tuple": values}
        if kind in (dict, collections.OrderedDict, collections.defaultdict):
            return {"dict": [[self._tree(k, d), self._tree(v, d)] for k, v in o.items()]}
        if isinstance(o, np.ndarray):
            return {"array": self._blob(np.asarray(o))}
        if isinstance(o, np.generic):
            return {"scalar": self._blob(np.asarray(o))}
        return self._rare(o, kind, d)

    def _rare(self, o, kind, d):
        if kind is complex:
            return {"complex": [o.real, o.imag]}
        if kind is bytes:
            self._grow(len(o))
            self._blobs.append(o)
            return {"bytes": len(o)}
        if kind in (slice, range):
            return {kind.__name__: [self._tree(v, d) for v in (o.start, o.stop, o.step)]}
        if isinstance(o, np.dtype):
            return {"dtype": o.str}
        if isinstance(o, np.random.Generator):
            return {"rng": self._tree(o.bit_generator.state, d)}
        torch = torch_module()
        if torch and isinstance(o, torch.Tensor):
            grad = o.grad if o.is_leaf else None
            leaf = o.requires_grad and o.is_leaf
            return {
                "tensor": [self._tree(_numbers(o), d), leaf, None if grad is None else self._tree(_numbers(grad), d)]
            }
        return self._refer(o)


def _numbers(tensor):
    try:
        return tensor.detach().cpu().numpy()
    except (RuntimeError, TypeError) as error:
        raise Refused(say("tensor", why=error)) from None


class Decoder:
    """Turns bytes into values. `resolve(json)` finds what a reference stands for, `named(name, fields)` the class of a
    NamedTuple."""

    def __init__(self, resolve, named=None):
        self._resolve, self._named = resolve, named or namedtuple_like

    def value(self, data):
        """The value in `data`. Raises Refused when it is not one."""
        try:
            (count,) = struct.unpack_from("!I", data)
            self._data, self._at, self._keys = memoryview(data), 4 + count, 0
            return self._tree(json.loads(data[4 : 4 + count]), 0)
        except Refused:
            raise
        except Exception as error:  # these bytes may be anything, and so may what they make NumPy meet
            raise Refused(say("not a value", why=error)) from None

    def _blob(self, count):
        return array_from(self._bytes(count))

    def _bytes(self, count):
        start, self._at = self._at, self._at + int(count)
        if not start <= self._at <= len(self._data):
            raise Refused(say("array cut"))
        return bytes(self._data[start : self._at])

    def _tree(self, j, depth):
        if depth > DEPTH:
            raise Refused(say("deep"))
        if not isinstance(j, dict):
            if type(j) not in PLAIN:
                raise Refused(say("not a value", why=type(j).__name__))
            return j
        ((key, v),) = j.items()
        d = depth + 1
        if key == "array":
            return self._blob(v)
        if key == "scalar":
            return self._blob(v).reshape(())[()]
        if key in ("list", "tuple", "set", "frozenset"):
            make = {"list": list, "tuple": tuple, "set": set, "frozenset": frozenset}[key]
            self._count(v if "set" in key else ())
            return make([self._tree(x, d) for x in v])
        if key == "named":
            name, fields, values = v
            return tuple.__new__(self._named(str(name), tuple(map(str, fields))), [self._tree(x, d) for x in values])
        if key == "dict":
            self._count(k for k, _ in v if not isinstance(k, str))
            return {self._tree(a, d): self._tree(b, d) for a, b in v}
        return self._rare(key, v, d)

    def _count(self, keys):
        """Numbers can be chosen so that all of them have one hash, and then a million take hours."""
        self._keys += sum(1 for _ in keys)
        if self._keys > KEYS:
            raise Refused(say("keys", limit=KEYS))

    def _rare(self, key, v, d):
        if key == "complex":
            return complex(*v)
        if key == "bytes":
            return self._bytes(v)
        if key in ("slice", "range"):
            return {"slice": slice, "range": range}[key](*(self._tree(x, d) for x in v))
        if key == "dtype":
            dtype = np.dtype(str(v))
            if dtype.hasobject:
                raise Refused(say("dtype of objects"))
            return dtype
        if key == "rng":
            return _generator(self._tree(v, d))
        if key == "tensor":
            return self._tensor(*v, d)
        return self._resolve({key: v})

    def _tensor(self, numbers, leaf, grad, d):
        torch = torch_module()
        if torch is None:  # whoever sends one has it; to import it here would cost whoever reads it seconds
            raise Refused(say("no torch"))
        made = torch.from_numpy(np.array(self._tree(numbers, d)))
        if leaf:
            made.requires_grad_()
        if grad is not None:
            made.grad = torch.from_numpy(np.array(self._tree(grad, d)))
        return made


def _generator(state):
    name = state["bit_generator"]
    if name not in ("PCG64", "PCG64DXSM", "MT19937", "Philox", "SFC64"):
        raise Refused(say("unknown generator"))
    bits = getattr(np.random, name)()
    bits.state = state
    return np.random.Generator(bits)


def namedtuple_like(name, fields):
    """A NamedTuple class with these fields, whatever they are called."""
    name = name if name.isidentifier() and not keyword.iskeyword(name) else "Values"
    return _namedtuple(name, fields)


@functools.lru_cache(maxsize=64)
def _namedtuple(name, fields):
    return collections.namedtuple(name, fields, rename=True)


def write_back(old, new):
    """Make `old` hold what `new` holds, in place, as far as it can be changed. The two have the same structure."""
    if isinstance(old, np.ndarray) and isinstance(new, np.ndarray):
        if old.shape == new.shape and old.dtype == new.dtype and old.flags.writeable:
            old[...] = new
    elif isinstance(old, list) and isinstance(new, list):
        if len(old) == len(new):
            new = [_kept(a, b) for a, b in zip(old, new)]
        old[:] = new
    elif isinstance(old, dict) and isinstance(new, dict):
        kept = {k: _kept(old[k], v) if k in old else v for k, v in new.items()}
        old.clear()
        old.update(kept)
    elif isinstance(old, set) and isinstance(new, set):
        old.clear()
        old.update(new)
    elif isinstance(old, tuple) and isinstance(new, tuple):
        for a, b in zip(old, new):
            write_back(a, b)
    elif isinstance(old, np.random.Generator) and isinstance(new, np.random.Generator):
        if type(old.bit_generator) is type(new.bit_generator):
            old.bit_generator.state = new.bit_generator.state
    else:
        _write_back_tensor(old, new)


def _write_back_tensor(old, new):
    torch = torch_module()
    if torch and isinstance(old, torch.Tensor) and isinstance(new, torch.Tensor) and old.shape == new.shape:
        with torch.no_grad():
            old.copy_(new)
        old.grad = new.grad


def _kept(old, new):
    """`old` made equal to `new` where it is something that can change, else `new`."""
    changeable = (np.ndarray, list, dict, set, tuple, np.random.Generator)
    torch = torch_module()
    if torch:
        changeable += (torch.Tensor,)
    same = isinstance(old, changeable) and type(old) is type(new)
    if same and isinstance(old, np.ndarray):
        same = old.shape == new.shape and old.dtype == new.dtype and old.flags.writeable
    if not same or (isinstance(old, tuple) and len(old) != len(new)):
        return new
    write_back(old, new)
    return old
