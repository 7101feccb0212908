"""What is left of a page's code where there is no PyTorch.

A statement is lost when it names PyTorch or reads a name that a lost statement made or changed. The rest of
its cell still runs, so that later cells find what they need. Used in the browser, and tested outside it.
"""

import ast
import symtable

from IPython.core.inputtransformer2 import TransformerManager

FUNCTION = (ast.FunctionDef, ast.AsyncFunctionDef)
CHANGING = {"append", "extend", "insert", "update", "add"}
NEEDS = {"torch", "to_torch"}  # PyTorch, and what of course_pkg imports it


def _base(node):
    """The name at the root of `a.b[c]`."""
    while isinstance(node, (ast.Attribute, ast.Subscript)):
        node = node.value
    return {node.id} if isinstance(node, ast.Name) else set()


class _Apart(ast.NodeTransformer):
    """Comprehensions as generators, which have names of their own in every Python.

    Since Python 3.12 (PEP 709) the names of a comprehension are among those of the code around it.
    """

    def _generator(self, node):
        self.generic_visit(node)
        value = ast.Tuple([node.key, node.value], ast.Load()) if isinstance(node, ast.DictComp) else node.elt
        return ast.GeneratorExp(value, node.generators)

    visit_ListComp = visit_SetComp = visit_DictComp = _generator


def _table(code):
    """The symbol table of a statement."""
    apart = _Apart().visit(ast.parse(ast.unparse(code)))
    return symtable.symtable(ast.unparse(apart), "cell", "exec")


def _globals(table):
    """The global names that functions and comprehensions below a symbol table read."""
    for child in table.get_children():
        yield from (s.get_name() for s in child.get_symbols() if s.is_global() and s.is_referenced())
        yield from _globals(child)


def _locals(table):
    """The names that functions and comprehensions below a symbol table have for themselves."""
    for child in table.get_children():
        yield from (s.get_name() for s in child.get_symbols() if s.is_local())
        yield from _locals(child)


def _simple(code):
    """What a statement without a block of its own, or a function, reads and makes."""
    table = _table(code)
    below = set(_globals(table))
    reads = {s.get_name() for s in table.get_symbols() if s.is_referenced()} | below
    makes = {s.get_name() for s in table.get_symbols() if s.is_assigned() or s.is_imported()}
    changed = set()
    for node in ast.walk(code):
        if isinstance(node, (ast.Import, ast.ImportFrom)):
            named = [getattr(node, "module", None) or "", *(a.name for a in node.names)]
            reads.update(name.split(".")[0] for name in named)
        elif isinstance(node, ast.NamedExpr):
            makes.add(node.target.id)  # also where it stands in a comprehension
        elif isinstance(node, ast.AugAssign):
            changed |= _base(node.target)
        elif isinstance(node, (ast.Attribute, ast.Subscript)) and not isinstance(node.ctx, ast.Load):
            makes |= _base(node)
        elif isinstance(node, ast.Attribute) and node.attr in NEEDS:
            reads.add(node.attr)
        elif isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr in CHANGING:
            makes |= _base(node.func)
    own = set(_locals(table)) - below - {code.name} if isinstance(code, FUNCTION) else set()
    return reads | (changed - own), makes - own


def names(statement):
    """The global names that a statement reads before it makes them, and those that it makes or changes."""
    if not isinstance(statement, (ast.For, ast.While, ast.If, ast.With)):
        return _simple(statement)
    reads, makes = set(), set()

    def then(found):
        nonlocal reads, makes
        reads, makes = reads | (found[0] - makes), makes | found[1]

    for part in [getattr(statement, name, None) for name in ("iter", "test")]:
        if part is not None:
            then(_simple(ast.Expr(part)))
    if isinstance(statement, ast.For):
        makes |= {n.id for n in ast.walk(statement.target) if isinstance(n, ast.Name)}
    for item in getattr(statement, "items", ()):
        then(_simple(ast.Expr(item.context_expr)))
        makes |= {n.id for n in ast.walk(item.optional_vars or ast.Pass()) if isinstance(n, ast.Name)}
    for inner in [*statement.body, *getattr(statement, "orelse", ())]:
        then(names(inner))
    return reads, makes


def split(sources):
    """For each cell None where all of it can run, else the code of the part that can."""
    lost, rests = set(), []
    for source in sources:
        try:
            body = ast.parse(TransformerManager().transform_cell(source)).body
        except SyntaxError:
            rests.append(None)  # let it run, and say itself what is wrong
            continue
        kept = []
        for statement in body:
            reads, makes = names(statement)
            if reads & (lost | NEEDS):
                lost |= makes
            else:
                lost -= makes
                kept.append(statement)
        whole = len(kept) == len(body)
        rests.append(None if whole else "\n".join(ast.unparse(s) for s in kept))
    return rests
