"""NumPy for code that takes exponentials of sums and logarithms of them: every result is a ratio of polynomials.

`algebra` takes exp(u) and log(u) for free symbols. That is too little where the code relies on exp(a - b) =
exp(a) / exp(b), or on exp(log u) = u, as everything in log space does. Here exp of a sum is the product of one symbol
for each of its terms, and exp undoes log; so the identity to be shown is one of rational functions, and SymPy's field
of those decides it. `Exact` stands in the place of a module's `np`.
"""

from contextlib import ExitStack, contextmanager
from unittest import mock

import numpy as np
import sympy as sp
from proof import algebra
from proof.algebra import ATOMS, Number, _atom, _expression
from sympy.polys.fields import field


def exp(u):
    """exp of an expression, as a ratio."""
    u = sp.expand(u)
    if u.is_infinite:
        return sp.S.Zero if u.is_extended_negative else sp.oo
    found = sp.S.One
    for term in sp.Add.make_args(u):
        times, rest = term.as_coeff_Mul()
        if rest == 1 or not times.is_integer:
            found *= _atom("exp", term)
        else:
            base = ATOMS[rest].u if rest in ATOMS and ATOMS[rest].kind == "log" else _atom("exp", rest)
            found *= base**times
    return found


def log(u):
    """log of an expression; log 0 is minus infinity."""
    u = sp.cancel(u)
    return sp.S.NegativeInfinity if u == 0 else _atom_of_ratio(u)


def _atom_of_ratio(u):
    """As `algebra._atom("log", u)`, but u stays a ratio in lowest terms, so that equal ones meet in one symbol."""
    with mock.patch.object(algebra.sp, "expand", side_effect=lambda e: e):
        return _atom("log", u)


def _each(f, *arrays):
    arrays = np.broadcast_arrays(*(np.asarray(a, object) for a in arrays))
    found = np.empty(arrays[0].shape, object)
    for index in np.ndindex(found.shape):
        found[index] = Number(f(*(_expression(a[index]) for a in arrays)))
    return found if found.shape else found[()]


class Exact:
    """NumPy, with the functions that an array of Numbers does not have."""

    float64 = object
    exp = staticmethod(lambda a: _each(exp, a))
    log = staticmethod(lambda a: _each(log, a))
    sqrt = staticmethod(lambda a, dtype=None: _each(sp.sqrt, a))
    logaddexp = staticmethod(lambda a, b: _each(lambda x, y: log(exp(x) + exp(y)), a, b))

    def __getattr__(self, name):
        return getattr(np, name)

    @staticmethod
    def isfinite(a):
        """Of a likelihood: whether there is any."""
        return np.array([not e.is_infinite for e in algebra.expressions(a)]).reshape(np.shape(a))


def sigmoid(a):
    """1 / (1 + exp(-a))."""
    return _each(lambda u: 1 / (1 + exp(-u)), a)


def is_zero(expression):
    """Whether a ratio of polynomials is 0 wherever it is defined."""
    expression = sp.sympify(expression)
    while inverses := {s: 1 / ATOMS[s].u for s in expression.free_symbols if s in ATOMS and ATOMS[s].kind == "inverse"}:
        expression = expression.subs(inverses)
    symbols = sorted(expression.free_symbols, key=str)
    if not symbols:
        return sp.simplify(expression) == 0
    ratios, *_ = field(symbols, sp.QQ)
    return ratios.from_expr(expression) == 0


@contextmanager
def exact(*modules):
    """Let `modules` and the judgement of `algebra.prove` count with ratios."""
    with ExitStack() as stack:
        for module in modules:
            stack.enter_context(mock.patch.object(module, "np", Exact()))
            if hasattr(module, "sigmoid"):
                stack.enter_context(mock.patch.object(module, "sigmoid", sigmoid))
        stack.enter_context(mock.patch.object(algebra, "is_zero", is_zero))
        yield
