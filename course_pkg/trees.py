"""Parameters as trees: tuples and NamedTuples, nested to any depth, with arrays at the leaves.

The parameters of a network, their gradients and the memory of an optimiser are trees of one
structure, so an update is a map over them: `tree_map(lambda p, g: p - rate * g, params, dparams)`.
None is a tree without leaves; it stands where a part is absent. A leaf's name is its path,
`0.forward.W_ih`: field names of NamedTuples, positions in tuples.
"""

from collections.abc import Callable, Mapping
from typing import Any


def _children(tree):
    """(name, subtree) for each child of a node, or None for a leaf."""
    if tree is None:
        return []
    if not isinstance(tree, tuple):
        return None
    names = getattr(tree, "_fields", range(len(tree)))
    return list(zip(map(str, names), tree))


def _node(like, children):
    """A node of the type of `like`, made of `children`."""
    if like is None:
        return None
    return type(like)(*children) if hasattr(like, "_fields") else tuple(children)


def _join(prefix, name):
    return f"{prefix}.{name}" if prefix else name


def tree_map(f: Callable, tree: Any, *others: Any) -> Any:
    """A tree like `tree` whose leaves are f(leaf, the same leaf of each other tree).

    Raises ValueError that names the place where the structures differ.
    """
    return _map(f, "", tree, *others)


def _map(f, path, tree, *others):
    children = _children(tree)
    for other in others:
        if type(other) is not type(tree) and not (children is None and _children(other) is None):
            where = path or "tree"
            raise ValueError(f"{where}: got {type(other).__name__}, wanted {type(tree).__name__} as the first tree has")
        if children is not None and len(_children(other)) != len(children):
            raise ValueError(f"{path or 'tree'}: got {len(_children(other))} parts, wanted {len(children)}")
    if children is None:
        return f(tree, *others)
    rows = zip(*((part for _, part in _children(t)) for t in (tree, *others)))
    return _node(tree, [_map(f, _join(path, name), *row) for (name, _), row in zip(children, rows)])


def tree_leaves(tree: Any) -> dict[str, Any]:
    """The leaves by name, in order: {"0.forward.W_ih": array, ...}. A lone leaf has the name ""."""
    leaves = {}

    def walk(path, node):
        children = _children(node)
        if children is None:
            leaves[path] = node
        for name, child in children or []:
            walk(_join(path, name), child)

    walk("", tree)
    return leaves


def tree_build(like: Any, leaves: Mapping) -> Any:
    """A tree of the structure of `like` with the leaves that a dict such as `tree_leaves` returns holds.

    Raises ValueError for a name that is missing or that `like` does not have.
    """
    names = tree_leaves(like).keys()
    if names != leaves.keys():
        missing, extra = sorted(names - leaves.keys()), sorted(leaves.keys() - names)
        raise ValueError(f"leaves: got {extra or 'nothing'} in excess and {missing or 'nothing'} missing")

    def build(path, node):
        children = _children(node)
        if children is None:
            return leaves[path]
        return _node(node, [build(_join(path, name), child) for name, child in children])

    return build("", like)
