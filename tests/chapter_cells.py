"""The code of a chapter, for tests that run a part of it."""

import ast
import re

from course_site.execution import ROOT

from course_pkg.widgets import Explorer

# The seeds with which a chapter's tests train a network again: does the code still do what was stored or built?
# All seeds of the comparison stand in the stored results and on the page, and tests read them there.
TRAINED_AGAIN = [0]
CELL = re.compile(r"^```\{code-cell\} ipython3\n(?::[^\n]*\n)*(.*?)^```", re.DOTALL | re.MULTILINE)


def cells(name):
    """The code cells of a chapter, in order."""
    return CELL.findall((ROOT / "book" / f"{name}.md").read_text(encoding="utf-8"))


def run(namespace, code):
    """Run cells; namespace["FIGURES"] and namespace["SAID"] keep the figures and the sentences that they show."""
    figures, sentences = namespace.setdefault("FIGURES", {}), namespace.setdefault("SAID", [])
    for cell in code:
        tree = ast.parse(cell)
        end = tree.body.pop() if isinstance(tree.body[-1], ast.Expr) else None
        exec(compile(tree, "cell", "exec"), namespace)
        value = eval(compile(ast.Expression(end.value), "cell", "eval"), namespace) if end else None
        if isinstance(value, Explorer):
            figures[value.spec["title"]] = value
        elif hasattr(value, "data"):
            sentences.append(value.data)
    return namespace


def pick(name, *wanted):
    """The namespace after a chapter's imports and, of all other statements, those that bind a wanted name.

    So a test can use a chapter's training function without its experiments and figures.
    """
    namespace, missing = {}, set(wanted)
    for node in ast.parse("\n".join(cells(name))).body:
        bound = _bound(node)
        if isinstance(node, (ast.Import, ast.ImportFrom)) or bound & set(wanted):
            exec(compile(ast.Module([node], []), name, "exec"), namespace)
            missing -= bound
    assert not missing, f"{name} has no {', '.join(sorted(missing))}"
    return namespace


def said(name, words, **changed):
    """What a chapter's cell that contains `words` says in Markdown when these names have these values."""
    (cell,) = [c for c in cells(name) if words in c]
    tree = ast.parse(cell)
    end = ast.Expression(tree.body.pop().value)
    namespace = pick(name) | changed
    exec(compile(tree, name, "exec"), namespace)
    return eval(compile(end, name, "eval"), namespace).data


def _bound(node):
    """The names that a statement binds."""
    if isinstance(node, ast.FunctionDef):
        return {node.name}
    if isinstance(node, ast.Assign):
        return {n.id for target in node.targets for n in ast.walk(target) if isinstance(n, ast.Name)}
    return set()
