"""Two processes that call each other's functions by value: one holds the tests, the other the student's code.

What cannot cross by value is lent: the other side gets a `Remote` that sends every call, attribute, item and
iteration back to where the object lives.
"""

import builtins
import functools

from course_pkg.checks.text import say

from . import frames
from .changes import write_back
from .codec import Decoder, Encoder, Refused, namedtuple_like
from .errors import describe_error, rebuild_error

MAX_LENT = 20_000
OPERATIONS = ("call", "attribute", "item", "length", "next", "iterate")


class Remote:
    """An object that lives in the other process. Its own truth and equality are not asked for."""

    def __init__(self, peer, number, kind, can_call):
        self.__dict__.update(_peer=peer, _number=number, _kind=kind, _can_call=can_call, __name__=kind)

    def __repr__(self):
        return say("remote", kind=self._kind)

    def __bool__(self):
        raise TypeError(say("neither", kind=self._kind))

    def __deepcopy__(self, memo):
        return self

    def __getattr__(self, name):
        if name.startswith("_"):
            raise AttributeError(say("no attribute", kind=self._kind, name=name))
        return self._peer.ask("attribute", self, name)

    def __getitem__(self, key):
        return self._peer.ask("item", self, key)

    def __len__(self):
        length = self._peer.ask("length", self)
        if type(length) is not int or length < 0:
            raise TypeError(say("length"))
        return length

    def __iter__(self):
        return self._peer.ask("iterate", self)

    def __next__(self):
        answer = self._peer.ask("next", self)
        if type(answer) is not tuple or len(answer) != 2:
            raise TypeError(say("no next"))
        if not answer[0]:
            raise StopIteration
        return answer[1]


class RemoteFunction(Remote):
    """A function that lives in the other process."""

    def __call__(self, *args, **kwargs):
        """Call it there; raises what it raised there."""
        return self._peer.ask("call", self, *args, **kwargs)


@functools.lru_cache(maxsize=256)
def _remote(kind, can_call):
    """A class of Remotes that is called as the class there, so that messages name what a student knows."""
    return type(kind, (RemoteFunction if can_call else Remote,), {})


class Peer:
    """One of the two ends.

    sock       the connection
    namespace  {name: value} that the other side may ask for by name, or None
    lends      whether objects that cannot cross may be lent: "all" or "functions"
    deadline   () -> time.monotonic at which to give up waiting, or None
    """

    def __init__(self, sock, namespace=None, lends="all", deadline=lambda: None, classes=None):
        self._sock, self.namespace, self._lends, self._deadline = sock, namespace, lends, deadline
        self._classes = classes if classes is not None else namespace
        self._lent, self._numbers, self.depth = {}, {}, 0

    # Values.

    def encode(self, value):
        """Bytes of a value; raises Refused."""
        return Encoder(self._refer).message(value)

    def decode(self, data):
        """A value from bytes; raises Refused."""
        return Decoder(self._resolve, self._named).value(data)

    def _refer(self, o):
        if isinstance(o, Remote):
            return {"yours": o._number}
        if isinstance(o, type(builtins)):
            raise Refused(say("a module", name=o.__name__))
        if self._lends == "functions" and not callable(o):
            raise Refused(say("an object", kind=type(o).__name__))
        if len(self._lent) >= MAX_LENT:
            raise Refused(say("too many"))
        number = self._numbers.get(id(o))
        if number is None:
            number = len(self._lent)
            self._lent[number], self._numbers[id(o)] = o, number
        name = getattr(o, "__name__", None) if callable(o) else None
        return {"mine": [number, str(name or type(o).__name__)[:80], callable(o)]}

    def _resolve(self, j):
        if "yours" in j:
            return self._lent[int(j["yours"])]
        number, kind, can_call = j["mine"]
        kind = "".join(c for c in str(kind)[:80] if c.isprintable()) or "object"
        return _remote(kind, bool(can_call))(self, int(number), kind, bool(can_call))

    def _named(self, name, fields):
        known = (self._classes or {}).get(name)
        if isinstance(known, type) and issubclass(known, tuple) and getattr(known, "_fields", None) == fields:
            return known
        return namedtuple_like(name, fields)

    # Asking.

    def ask(self, operation, target, *args, **kwargs):
        """Have the other side do something. `target` is a Remote or a name. Raises what was raised there."""
        question = {"do": operation, "args": args, "kwargs": kwargs}
        question["target"] = target if isinstance(target, str) else {"yours": target._number}
        answer = self._exchange(self.encode(question))
        if "error" in answer:
            raise rebuild_error(answer["error"])
        if "after" in answer:
            write_back(args, answer["after"])
        return answer["value"]

    def _exchange(self, data):
        deadline = self._deadline()
        frames.write(self._sock, frames.QUESTION, data, deadline)
        while True:
            kind, data = frames.read(self._sock, deadline)
            if kind == frames.ANSWER:
                answer = self.decode(data)
                if not isinstance(answer, dict) or not ("error" in answer or "value" in answer):
                    raise Refused(say("not an answer"))
                return answer
            self.serve(data)

    # Being asked.

    def serve(self, data):
        """Answer one question."""
        self.depth += 1
        try:
            answer = self._do(data)
        except frames.Gone:
            raise
        except BaseException as error:
            answer = self.encode({"error": self.describe(error)})
        finally:
            self.depth -= 1
        frames.write(self._sock, frames.ANSWER, answer, None)

    def describe(self, error):
        """What the other side is told of an error here."""
        return describe_error(error)

    def _do(self, data):
        if self.depth > 16:
            raise RecursionError(say("too deep"))
        question = self.decode(data)
        target, args, kwargs = question["target"], question["args"], question["kwargs"]
        operation = question["do"]
        if operation not in OPERATIONS:
            raise Refused(say("unknown question"))
        if self._lends == "functions" and operation != "call":
            raise Refused(say("calls only"))
        if isinstance(target, dict):
            target = self._lent[int(target["yours"])]
        elif self.namespace is not None:
            target = self.namespace[target]
        else:
            raise Refused(say("not yours"))
        value = operate(operation, target, args, kwargs)
        answer = {"value": value}
        if not _unchanged(data, self.encode(args)):
            answer["after"] = args
        try:
            return self.encode(answer)
        except Refused as refused:
            raise Refused(say("cannot grade", why=refused)) from None


ARGUMENTS, NO_KEYWORDS = b'{"dict": [["do", "call"], ["args", ', b'], ["kwargs", {"dict": []}]'


def _unchanged(question, args):
    """Whether the arguments of a call, encoded anew, are what the question brought. Not so with references in them."""
    asked, now = (4 + int.from_bytes(data[:4], "big") for data in (question, args))
    return question[4:asked].startswith(ARGUMENTS + args[4:now] + NO_KEYWORDS) and question[asked:] == args[now:]


def operate(operation, target, args, kwargs):
    """Do to `target` what a Remote was asked for."""
    if operation == "call":
        return target(*args, **kwargs)
    if operation == "attribute":
        return getattr(target, str(args[0]))
    if operation == "item":
        return target[args[0]]
    if operation == "length":
        return len(target)
    if operation == "iterate":
        return iter(target)
    nothing = object()
    value = next(target, nothing)
    return (False, None) if value is nothing else (True, value)
