"""Values as bytes and back: JSON, with arrays in NumPy's npy format beside it. No pickle, no code.

What crosses by value: None, bool, int, float, complex, str, bytes, list, tuple, NamedTuple, dict, set, slice, range,
NumPy arrays, scalars and dtypes, numpy.random.Generator (with its state), torch tensors (their numbers, and the
gradient that a leaf holds; not the graph that made them). Anything else stays where it is, and a reference crosses.
A frame is four bytes with the length of the JSON, the JSON, then the npy files and bytes, one after the other.
"""

import collections
import functools
import json
import keyword
import struct

import numpy as np

from course_pkg.checks.text import say

from .npy import Refused, array_bytes, array_from, torch_module

LIMIT = 32 << 20  # bytes of one message
DEPTH = 64
# What a message may hold beside the numbers of its arrays. Bytes can be chosen that take a thousand times their size.
KEYS = 100_000  # of sets and dicts, other than text
ALIKE = 1000  # of these with the hash of another
FIELDS = 100  # of one NamedTuple
RANGE = 1_000_000  # numbers of all ranges, which are short however many they hold
NODES = 2_000_000  # brackets and commas
PLAIN = (type(None), bool, int, float, str)


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


def loads(data, nodes=NODES):
    """The value in JSON bytes. Raises Refused for one that would take a hundred times their memory."""
    if sum(map(data.count, (b"[", b"{", b","))) > nodes:
        raise Refused(say("nodes", limit=nodes))
    return json.loads(data)


def _numbers(tensor):
    try:
        return tensor.detach().cpu().numpy()
    except (RuntimeError, TypeError) as error:
        raise Refused(say("tensor", why=error)) from None


class Decoder:
    """Turns bytes into values. `resolve(json)` finds what a reference stands for, `named(name, fields)` the class of a
    NamedTuple; `nodes` is how many brackets and commas are too many."""

    def __init__(self, resolve, named=None, nodes=None):
        self._resolve, self._named, self._nodes = resolve, named or namedtuple_like, nodes or NODES

    def value(self, data):
        """The value in `data`. Raises Refused when it is not one."""
        try:
            (count,) = struct.unpack_from("!I", data)
            self._data, self._at, self._keys, self._ranged = memoryview(data), 4 + count, 0, 0
            return self._tree(loads(data[4 : 4 + count], self._nodes), 0)
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
            values = [self._tree(x, d) for x in v]
            if "set" in key:
                self._count(values)
            return make(values)
        if key == "named":
            name, fields, values = v
            if len(fields) > FIELDS or len(fields) != len(values):
                raise Refused(say("fields", limit=FIELDS))
            return tuple.__new__(self._named(str(name), tuple(map(str, fields))), [self._tree(x, d) for x in values])
        if key == "dict":
            pairs = [(self._tree(a, d), self._tree(b, d)) for a, b in v]
            self._count([k for k, _ in pairs if not isinstance(k, str)])
            return dict(pairs)
        return self._rare(key, v, d)

    def _count(self, keys):
        """Numbers can be chosen so that all of them have one hash, and then a million take hours."""
        self._keys += len(keys)
        if self._keys > KEYS or len(keys) - len({hash(key) for key in keys}) > ALIKE:
            raise Refused(say("keys", limit=KEYS))

    def _rare(self, key, v, d):
        if key == "complex":
            return complex(*v)
        if key == "bytes":
            return self._bytes(v)
        if key == "slice":
            return slice(*(self._tree(x, d) for x in v))
        if key == "range":
            made = range(*(self._tree(x, d) for x in v))
            self._ranged += RANGE if made[RANGE:] else len(made)
            if self._ranged >= RANGE:
                raise Refused(say("long range", limit=RANGE))
            return made
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
