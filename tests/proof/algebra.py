"""Run a function and its backward on symbols, and prove by algebra that the one is the gradient of the other.

Finite differences look at one point and see some digits; this looks at all points and sees all. `Number` is a
number without a value: the package's own code runs on arrays of them, because NumPy's functions call an object's
methods. A sum or product of Numbers is a polynomial of SymPy. tanh(u), exp(u), log(u), the root of u and 1/u are
new symbols, *atoms*, and `derivatives` knows what each one's derivative is: 1 - tanh(u)^2 for the first. So every
gradient is a polynomial in the symbols and atoms, and two of them are equal when their difference expands to 0.

A comparison (relu, the maximum that softmax subtracts) is decided at one drawn point. What is proved then holds
wherever the comparisons come out as they do there; `prove` takes a seed, so that a test can go to several points.
"""

import hashlib
import math
from contextlib import ExitStack, contextmanager
from typing import NamedTuple
from unittest import mock

import numpy as np
import sympy as sp
from sympy.polys.rings import ring

from course_pkg.trees import tree_leaves, tree_map


class Atom(NamedTuple):
    """Where a new symbol comes from: kind(u)."""

    kind: str
    u: sp.Expr


ATOMS = {}  # symbol: Atom, in the order of their making, so that an atom's u holds earlier ones only
MADE = {}  # Atom: symbol
SEED = [0]

VALUE = {
    "sigmoid": lambda u: 1 / (1 + math.exp(-u)),
    "tanh": math.tanh,
    "exp": math.exp,
    "log": math.log,
    "sqrt": math.sqrt,
    "inverse": lambda u: 1 / u,
    "softplus": lambda u: math.log1p(math.exp(u)),
}


def _slope(symbol, atom):
    """The derivative of an atom with respect to its u."""
    return {
        "tanh": lambda: 1 - symbol**2,
        "sigmoid": lambda: symbol * (1 - symbol),
        "exp": lambda: symbol,
        "log": lambda: _atom("inverse", atom.u),
        "sqrt": lambda: _atom("inverse", 2 * symbol),
        "inverse": lambda: -(symbol**2),
        "softplus": lambda: (1 + _atom("tanh", atom.u / 2)) / 2,
    }[atom.kind]()


def _atom(kind, u):
    """kind(u) as a symbol; the same one for the same u. What is known exactly is said exactly."""
    u = sp.expand(u)
    known = {("exp", sp.S.Zero): sp.S.One, ("exp", sp.S.NegativeInfinity): sp.S.Zero, ("log", sp.S.One): sp.S.Zero}
    if (kind, u) in known:
        return known[kind, u]
    if kind == "inverse" and u.is_number:
        return 1 / u
    atom = Atom(kind, u)
    if atom not in MADE:
        MADE[atom] = sp.Symbol(f"{kind}{len(ATOMS)}", real=True)
        ATOMS[MADE[atom]] = atom
    return MADE[atom]


def _expression(value):
    if isinstance(value, Number):
        return value.expression
    if isinstance(value, (bool, int, np.bool_, np.integer)):
        return sp.Integer(int(value))
    if math.isinf(value):
        return sp.oo if value > 0 else -sp.oo
    return sp.Rational(repr(float(value)))  # 0.1 in the code means a tenth


def sigmoid(a):
    """A sigmoid that is an atom of its own. The package's, a sum with tanh, doubles the terms of every product."""
    found = np.empty(a.shape, dtype=object)
    for index in np.ndindex(a.shape):
        found[index] = Number(_atom("sigmoid", _expression(a[index])))
    return found


def expressions(a):
    """The expressions in an array of Numbers, in order; plain numbers stand for themselves."""
    return [_expression(value) for value in np.ravel(a)]


class Number:
    """A number without a value, made of symbols."""

    __slots__ = ("expression",)

    def __init__(self, expression):
        self.expression = expression

    def _with(self, other, combine):
        if isinstance(other, np.ndarray):
            return NotImplemented  # the array goes through its own elements
        return Number(combine(self.expression, _expression(other)))

    def __add__(self, other):
        return self._with(other, lambda a, b: a + b)

    def __radd__(self, other):
        return self._with(other, lambda a, b: b + a)

    def __sub__(self, other):
        return self._with(other, lambda a, b: a - b)

    def __rsub__(self, other):
        return self._with(other, lambda a, b: b - a)

    def __mul__(self, other):
        return self._with(other, lambda a, b: a * b)

    def __rmul__(self, other):
        return self._with(other, lambda a, b: b * a)

    def __truediv__(self, other):
        return self._with(other, lambda a, b: a * _atom("inverse", b))

    def __rtruediv__(self, other):
        return self._with(other, lambda a, b: b * _atom("inverse", a))

    def __pow__(self, n):
        return Number(self.expression ** int(n))

    def __neg__(self):
        return Number(-self.expression)

    def tanh(self):
        """What np.tanh calls; likewise below."""
        return Number(_atom("tanh", self.expression))

    def exp(self):
        return Number(_atom("exp", self.expression))

    def log(self):
        return Number(_atom("log", self.expression))

    def sqrt(self):
        return Number(_atom("sqrt", self.expression))

    def __abs__(self):
        return self if self >= 0 else -self

    def __gt__(self, other):
        return value(self.expression) > value(_expression(other))

    def __ge__(self, other):
        return value(self.expression) >= value(_expression(other))

    def __lt__(self, other):
        return not self >= other

    def __le__(self, other):
        return not self > other


def value(expression):
    """The number that an expression is at the drawn point."""
    if expression.is_infinite:
        return math.inf if expression.is_extended_positive else -math.inf
    found = {}
    for s in expression.free_symbols:
        if s in ATOMS:
            found[s] = VALUE[ATOMS[s].kind](value(ATOMS[s].u))
        else:  # from -1 to 1, by the symbol's name and the seed
            digest = hashlib.sha256(f"{SEED[0]} {s.name}".encode()).digest()
            found[s] = int.from_bytes(digest[:4], "big") / 2**31 - 1
    return float(expression.subs(found))


def numbers(name, *shape):
    """An array of Numbers, each a symbol of its own."""
    found = np.empty(shape, dtype=object)
    for index in np.ndindex(*shape):
        found[index] = Number(sp.Symbol("_".join(map(str, (name, *index))), real=True))
    return found


def derivatives(expression, symbols):
    """{symbol: the derivative of `expression` with respect to it}, by the chain rule through the atoms, last first."""
    found, waiting = dict.fromkeys(symbols, sp.S.Zero), [sp.expand(expression)]
    through = {}  # atom: the derivative of `expression` with respect to it, so far

    def spend(u, factor):
        for s in u.free_symbols:
            if s in ATOMS:
                through[s] = through.get(s, 0) + factor * sp.diff(u, s)
            elif s in found:
                found[s] += factor * sp.diff(u, s)

    spend(waiting[0], sp.S.One)
    for s in reversed(list(ATOMS)):
        if s in through:
            spend(ATOMS[s].u, through[s] * _slope(s, ATOMS[s]))
    return found


def is_zero(expression):
    """Whether an expression is 0 for all values of its symbols. 1/u is written out; the other atoms stay free."""
    while inverses := [s for s in expression.free_symbols if s in ATOMS and ATOMS[s].kind == "inverse"]:
        expression = sp.numer(sp.together(expression.subs({s: 1 / ATOMS[s].u for s in inverses})))
    if not expression.free_symbols:
        return expression == 0
    polynomials, *_ = ring(sorted(expression.free_symbols, key=str), sp.QQ)
    return polynomials.from_expr(expression) == 0  # in its own form every product is multiplied out


@contextmanager
def without_doors(*modules):
    """Let symbols through the checks at the door, which want arrays of floats."""
    with ExitStack() as stack:
        for module in modules:
            for name in vars(module).copy():
                if name.startswith("require_") or name == "_check":
                    stack.enter_context(mock.patch.object(module, name, return_value=None))
        yield


def prove(f, f_backward, arguments, seed=0):
    """Prove that `f_backward` gives the gradient of `f` at every one of `arguments`. Returns the number of identities.

    f(*arguments) -> (out, tape) and f_backward(dout, tape) -> the gradients, one for each argument; arguments, out
    and gradients are trees of arrays of Numbers (see `numbers`). Raises ValueError that names the gradients which
    are wrong, or of another form than their argument.
    """
    ATOMS.clear()
    MADE.clear()
    SEED[0] = seed
    out, tape = f(*arguments)
    count = iter(range(10**6))
    dout = tree_map(lambda a: numbers(f"d{next(count)}", *np.shape(a)), out)
    pairs = zip(tree_leaves(out).values(), tree_leaves(dout).values())
    loss = sum(a * d for o, g in pairs for a, d in zip(expressions(o), expressions(g)))
    places, gradients = tree_leaves(tuple(arguments)), tree_leaves(tuple(f_backward(dout, tape)))
    if places.keys() != gradients.keys():
        raise ValueError(f"gradients: got {list(gradients)}, wanted {list(places)}")
    want = derivatives(loss, [n.expression for a in places.values() for n in a.flat])
    wrong = []
    for name, a in places.items():
        if gradients[name].shape != a.shape:
            raise ValueError(f"{name}: got shape {gradients[name].shape}, wanted {a.shape}")
        for index in np.ndindex(a.shape):
            if not is_zero(want[a[index].expression] - _expression(gradients[name][index])):
                wrong.append(f"{name}[{', '.join(map(str, index))}]")
    if wrong:
        raise ValueError(f"{len(wrong)} of {len(want)} derivatives are wrong: {', '.join(wrong[:8])}")
    return len(want)
