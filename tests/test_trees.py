"""Trees of parameters: a map keeps the structure, names are paths, and two different trees are not mixed."""

from typing import NamedTuple

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from course_pkg.trees import tree_build, tree_leaves, tree_map


class Pair(NamedTuple):
    a: object
    b: object


LEAVES = st.integers(-9, 9).map(np.array)
TREES = st.recursive(
    LEAVES | st.none(),
    lambda t: st.lists(t, max_size=3).map(tuple) | st.builds(Pair, t, t),
    max_leaves=8,
)


@given(tree=TREES)
def test_map_keeps_the_structure(tree):
    def structure(node):
        if isinstance(node, tuple):
            return type(node), [structure(part) for part in node]
        return None if node is None else "leaf"

    doubled = tree_map(lambda a: 2 * a, tree)
    assert structure(doubled) == structure(tree)
    assert [2 * a for a in tree_leaves(tree).values()] == list(tree_leaves(doubled).values())


@given(tree=TREES)
def test_leaves_build_the_tree_again(tree):
    again = tree_build(tree, tree_leaves(tree))
    tree_map(lambda a, b: pytest.fail("another leaf") if a is not b else None, tree, again)


def test_names_are_paths():
    tree = (Pair(np.array(1), None), Pair((np.array(2), np.array(3)), np.array(4)))
    assert list(tree_leaves(tree)) == ["0.a", "1.a.0", "1.a.1", "1.b"]


def test_a_map_over_several_trees_pairs_their_leaves():
    tree = Pair(np.array(1.0), (np.array(2.0),))
    moved = tree_map(lambda p, g: p - 0.5 * g, tree, tree)
    assert moved == Pair(0.5, (1.0,))


@pytest.mark.parametrize(
    ("other", "where"),
    [
        (Pair(np.array(1), None), "b"),
        (Pair((), (np.array(1),)), "a"),
        (Pair(np.array(1), (np.array(1), np.array(2))), "b: got 2 parts"),
        ((np.array(1), (np.array(2),)), "tree: got tuple"),
        (None, "tree: got NoneType"),
    ],
)
def test_different_structures_are_refused_by_place(other, where):
    with pytest.raises(ValueError, match=where):
        tree_map(np.add, Pair(np.array(1), (np.array(2),)), other)


def test_a_leaf_where_a_node_is_wanted_is_refused():
    with pytest.raises(ValueError, match=r"^0\.0: got ndarray, wanted tuple"):
        tree_map(np.add, (((np.ones(1),),),), ((np.ones(1),),))


def test_of_several_trees_that_differ_the_first_is_named():
    with pytest.raises(ValueError, match="tree: got 1 parts, wanted 2"):
        tree_map(lambda *a: a, (np.ones(1), np.ones(1)), (np.ones(1),), None)


def test_build_refuses_missing_and_unknown_names():
    with pytest.raises(ValueError, match=r"\['c'\] in excess and \['b'\] missing"):
        tree_build(Pair(1, 2), {"a": 1, "c": 2})
    with pytest.raises(ValueError, match=r"\['c'\] in excess and nothing missing"):
        tree_build(Pair(1, 2), {"a": 1, "b": 2, "c": 3})
    with pytest.raises(ValueError, match=r"nothing in excess and \['b'\] missing"):
        tree_build(Pair(1, 2), {"a": 1})
