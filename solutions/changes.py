"""The small changes that `mutants.py` makes to a solution, one at a time, on its syntax tree.

signs, operators, comparisons, constants, swapped names (variables, fields of a NamedTuple, related NumPy functions),
swapped arguments and operands, dropped terms, calls, indices and statements, axes, and transposition.
"""

import ast
from typing import NamedTuple

BINARY = {
    ast.Add: (ast.Sub, ast.Mult),
    ast.Sub: (ast.Add,),
    ast.Mult: (ast.Div, ast.Add),
    ast.Div: (ast.Mult,),
    ast.MatMult: (ast.Mult,),
    ast.Pow: (ast.Mult,),
    ast.FloorDiv: (ast.Div, ast.Mult),
    ast.Mod: (ast.FloorDiv,),
    ast.BitAnd: (ast.BitOr,),
    ast.BitOr: (ast.BitAnd,),
}
COMPARED = {
    ast.Lt: (ast.LtE, ast.GtE),
    ast.LtE: (ast.Lt, ast.Gt),
    ast.Gt: (ast.GtE, ast.LtE),
    ast.GtE: (ast.Gt, ast.Lt),
    ast.Eq: (ast.NotEq,),
    ast.NotEq: (ast.Eq,),
    ast.Is: (ast.IsNot,),
    ast.IsNot: (ast.Is,),
    ast.In: (ast.NotIn,),
    ast.NotIn: (ast.In,),
}
RELATED = {  # functions and methods that take the same arguments
    name: other
    for one, two in (
        ("sum", "mean"),
        ("max", "min"),
        ("maximum", "minimum"),
        ("argmax", "argmin"),
        ("zeros", "ones"),
        ("zeros_like", "ones_like"),
        ("floor", "ceil"),
        ("log", "log1p"),
        ("exp", "expm1"),
        ("stack", "concatenate"),
        ("tanh", "sin"),
    )
    for name, other in ((one, two), (two, one))
}


class Mutant(NamedTuple):
    """One change: its kind, the statement's first line before and after, and the source of the whole cell."""

    kind: str
    was: str
    now: str
    source: str


def mutants(source, namespace):
    """Every mutant of what stands between the solution's markers. `namespace` holds the NamedTuples in use."""
    tree, found = ast.parse(source), {}
    lines = list(enumerate(source.splitlines(), 1))
    ends = ([k for k, line in lines if mark in line] for mark in ("### BEGIN", "### END"))
    solution = {k for first, last in zip(*ends) for k in range(first, last)}
    original = ast.unparse(tree)
    for parent, field, k, node in list(_places(tree)):
        if getattr(node, "lineno", 0) not in solution:
            continue
        for kind, new in _changes(node, parent, _variables(tree), _fields(namespace)):
            _put(parent, field, k, new)
            text = ast.unparse(ast.fix_missing_locations(tree))
            if text != original and text not in found:
                found[text] = Mutant(kind, *_first_difference(original, text), text)
            _put(parent, field, k, node)
    return list(found.values())


def _places(tree):
    """(parent, field, index or None, node) for every node."""
    for parent in ast.walk(tree):
        for field, value in ast.iter_fields(parent):
            if isinstance(value, ast.AST):
                yield parent, field, None, value
            elif isinstance(value, list):
                yield from ((parent, field, k, node) for k, node in enumerate(value) if isinstance(node, ast.AST))


def _put(parent, field, k, node):
    if k is None:
        setattr(parent, field, node)
    else:
        getattr(parent, field)[k] = node


def _first_difference(one, other):
    """The first line in which two sources differ, in both."""
    a, b = one.splitlines(), other.splitlines()
    return next(((x.strip(), y.strip()) for x, y in zip(a, b) if x != y), (a[-1].strip(), b[-1].strip()))


def _variables(tree):
    """The arguments and the variables of the cell's functions, in order."""
    named = [n.arg for n in ast.walk(tree) if isinstance(n, ast.arg)]
    named += [n.id for n in ast.walk(tree) if isinstance(n, ast.Name) and isinstance(n.ctx, ast.Store)]
    return list(dict.fromkeys(name for name in named if name not in ("_", "self")))


def _fields(namespace):
    """The fields of each NamedTuple."""
    return [thing._fields for thing in namespace.values() if isinstance(thing, type) and hasattr(thing, "_fields")]


def _changes(node, parent, variables, fields):
    """(kind, what stands in its place) for every change to one node."""
    if isinstance(node, ast.stmt):
        return _of_statement(node)
    if isinstance(node, ast.keyword):
        return _of_keyword(node, parent)
    if not isinstance(node, ast.expr) or not isinstance(getattr(node, "ctx", ast.Load()), ast.Load):
        return []
    changes = {
        ast.BinOp: _of_operation,
        ast.UnaryOp: lambda n: [("sign dropped", n.operand)],
        ast.Compare: _of_comparison,
        ast.BoolOp: _of_logic,
        ast.IfExp: lambda n: [("branch", n.body), ("branch", n.orelse)],
        ast.Constant: _of_constant,
        ast.Call: _of_call,
        ast.Tuple: lambda n: [("parts swapped", type(n)(e, n.ctx)) for e in _neighbours(n.elts)],
        ast.Subscript: lambda n: [("index dropped", n.value)],
        ast.Slice: _of_slice,
        ast.Attribute: lambda n: _of_attribute(n, fields),
        ast.Name: lambda n: [("name swapped", ast.Name(v, n.ctx)) for v in variables if n.id in variables],
    }
    return list(changes.get(type(node), lambda n: [])(node))


def _of_statement(node):
    if isinstance(node, (ast.Assign, ast.AugAssign, ast.Expr)):
        yield "statement dropped", ast.Pass()
    if isinstance(node, ast.AugAssign):
        for op in BINARY.get(type(node.op), ()):
            yield "operator", ast.AugAssign(node.target, op(), node.value)
        yield "not added up", ast.Assign([node.target], node.value)
    if isinstance(node, ast.If):
        yield "condition", ast.If(ast.UnaryOp(ast.Not(), node.test), node.body, node.orelse)
        yield "condition", ast.If(ast.Constant(False), node.body, node.orelse)
        yield "condition", ast.If(ast.Constant(True), node.body, node.orelse)
    if isinstance(node, ast.For):
        for cut in (ast.Slice(lower=ast.Constant(1)), ast.Slice(upper=ast.Constant(-1)), ast.Slice(step=_minus(1))):
            once = ast.Subscript(_called("list", node.iter), cut, ast.Load())
            yield "loop", ast.For(node.target, once, node.body, node.orelse)
    if isinstance(node, ast.Return) and node.value is not None:
        several = isinstance(node.value, ast.Tuple)
        for k, value in enumerate(node.value.elts if several else [node.value]):
            new = ast.UnaryOp(ast.USub(), value)
            whole = [*node.value.elts[:k], new, *node.value.elts[k + 1 :]] if several else None
            yield "sign", ast.Return(ast.Tuple(whole, ast.Load()) if several else new)


def _minus(number):
    return ast.UnaryOp(ast.USub(), ast.Constant(number))


def _called(name, *arguments):
    return ast.Call(ast.Name(name, ast.Load()), list(arguments), [])


def _of_keyword(node, parent):
    """Keyword arguments: another axis."""
    if node.arg in ("axis", "axes", "dim"):
        for value in (0, 1, 2, -1, -2, None):
            yield "axis", ast.keyword(node.arg, ast.Constant(value))


def _of_operation(node):
    left, op, right = node.left, node.op, node.right
    for other in BINARY.get(type(op), ()):
        yield "operator", ast.BinOp(left, other(), right)
    yield "term dropped", left
    yield "term dropped", right
    yield "sign", ast.BinOp(ast.UnaryOp(ast.USub(), left), op, right)
    if not isinstance(op, (ast.Add, ast.Mult)):
        yield "operands swapped", ast.BinOp(right, op, left)
    if isinstance(op, ast.MatMult):
        yield "transposed", ast.BinOp(_transposed(left), op, right)
        yield "transposed", ast.BinOp(left, op, _transposed(right))


def _transposed(node):
    turned = isinstance(node, ast.Attribute) and node.attr == "T"
    return node.value if turned else ast.Attribute(node, "T", ast.Load())


def _of_comparison(node):
    for op in COMPARED[type(node.ops[0])]:
        yield "comparison", ast.Compare(node.left, [op(), *node.ops[1:]], node.comparators)


def _of_logic(node):
    yield "logic", ast.BoolOp(ast.Or() if isinstance(node.op, ast.And) else ast.And(), node.values)
    for k in range(len(node.values)):
        rest = node.values[:k] + node.values[k + 1 :]
        yield "term dropped", rest[0] if len(rest) == 1 else ast.BoolOp(node.op, rest)


def _of_constant(node):
    if isinstance(node.value, bool):
        yield "constant", ast.Constant(not node.value)
    elif isinstance(node.value, (int, float)):
        for value in (node.value + 1, node.value - 1, 2 * node.value, -node.value):
            yield "constant", ast.Constant(value)


def _of_call(node):
    if len(node.args) == 1:
        yield "call dropped", node.args[0]
    if isinstance(node.func, ast.Attribute):  # a.sum(axis=0) becomes a
        yield "call dropped", node.func.value
    for arguments in _neighbours(node.args):
        yield "arguments swapped", ast.Call(node.func, arguments, node.keywords)
    for k in range(len(node.keywords)):
        yield "argument dropped", ast.Call(node.func, node.args, node.keywords[:k] + node.keywords[k + 1 :])
    name = node.func.attr if isinstance(node.func, ast.Attribute) else getattr(node.func, "id", "")
    if isinstance(node.func, ast.Attribute) and name in RELATED:
        func = ast.Attribute(node.func.value, RELATED[name], ast.Load())
        yield "name swapped", ast.Call(func, node.args, node.keywords)
    elif name in ("min", "max"):
        yield "name swapped", ast.Call(ast.Name(RELATED[name], ast.Load()), node.args, node.keywords)
    if name in ("tanh", "sigmoid"):
        other = ast.parse("sigmoid" if name == "tanh" else "np.tanh", mode="eval").body
        yield "name swapped", ast.Call(other, node.args, node.keywords)


def _neighbours(parts):
    """The list with two neighbours exchanged, for each pair."""
    for k in range(len(parts) - 1):
        yield [*parts[:k], parts[k + 1], parts[k], *parts[k + 2 :]]


def _of_slice(node):
    for end in ("lower", "upper", "step"):
        if getattr(node, end) is not None:
            yield "slice", ast.Slice(**{e: getattr(node, e) for e in ("lower", "upper", "step") if e != end})


def _of_attribute(node, fields):
    if node.attr == "T":
        yield "transposed", node.value
    for names in fields:
        if node.attr in names:
            for name in names:
                yield "name swapped", ast.Attribute(node.value, name, ast.Load())
