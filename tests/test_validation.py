"""The checks at the doors: right input passes, wrong input is named with what it got and what was wanted."""

from typing import NamedTuple

import numpy as np
import pytest
from references import draw_case

from course_pkg import _validation as v
from course_pkg.cells import HState

A = np.ones((2, 3))
GOOD = draw_case("gru", (2, 3, 4, 5), 0)


class Peephole(NamedTuple):
    """A cell of one's own: any params with W_ih, W_hh and vectors of H."""

    W_ih: np.ndarray
    W_hh: np.ndarray
    b: np.ndarray
    p: np.ndarray


def sequence(**changed):
    case = GOOD._replace(**changed)
    return lambda: v.require_sequence(case.x, case.state, case.params)


PASSES = {
    "sizes and names": lambda: v.require_array("a", A, ("B", 3), np.float64),
    "float32": lambda: v.require_array("a", A.astype(np.float32), (2, "D")),
    "not contiguous": lambda: v.require_array("a", np.ones((4, 6))[::2, ::2], (2, 3)),
    "choice": lambda: v.require_choice("c", "b", ("a", "b")),
    "tree": lambda: v.require_tree("t", HState(A), HState(A), np.float64),
    "sequence": sequence(),
    "no state": sequence(state=None),
    "own cell": sequence(
        params=Peephole(np.ones((10, 4)), np.ones((10, 5)), np.ones(10), np.ones(5)), state=HState(np.ones((2, 5)))
    ),
    "last axis": lambda: v.require_last_axis("a", np.ones((2, 5, 3)), 3),
    "ids": lambda: v.require_ids("i", np.array([0, 4]), 5, (2,)),
    "masked ids": lambda: v.require_ids("i", np.array([0, 99]), 5, (2,), np.array([True, False])),
    "mask": lambda: v.require_mask("m", np.array([True, False]), (2,)),
    "number": lambda: v.require_number("n", np.float32(0.5), 0, 1),
    "integer": lambda: v.require_number("n", np.int64(3), 1, integer=True),
    "rng": lambda: v.require_rng(np.random.default_rng(0)),
}
FAILS = {
    r"a: got list, wanted a NumPy array of shape \(B,\)": lambda: v.require_array("a", [1.0], ("B",)),
    "a: got dtype int64, wanted float32 or float64": lambda: v.require_array("a", A.astype(np.int64), (2, 3)),
    "a: got dtype float16": lambda: v.require_array("a", A.astype(np.float16), (2, 3)),
    "a: got dtype complex128": lambda: v.require_array("a", A.astype(complex), (2, 3)),
    "a: got dtype object": lambda: v.require_array("a", A.astype(object), (2, 3)),
    "a: got dtype float64, wanted float32": lambda: v.require_array("a", A, (2, 3), np.float32),
    r"a: got shape \(2, 3\), wanted \(2, 4\)": lambda: v.require_array("a", A, (2, 4)),
    r"a: got shape \(2, 3\), wanted \(B, T, D\)": lambda: v.require_array("a", A, ("B", "T", "D")),
    r"a: got shape \(0, 3\), wanted \(B, 3\)": lambda: v.require_array("a", np.ones((0, 3)), ("B", 3)),
    "c: got 'x', wanted one of 'a', 'b'": lambda: v.require_choice("c", "x", ("a", "b")),
    "c: got None": lambda: v.require_choice("c", None, {"a": 1}),
    r"c: got \[\]": lambda: v.require_choice("c", [], {"a": 1}),
    "t: got tuple, wanted HState": lambda: v.require_tree("t", (A,), HState(A), np.float64),
    "t.h: got shape": lambda: v.require_tree("t", HState(np.ones((1, 3))), HState(A), np.float64),
    "x: got shape": sequence(x=np.ones((2, 4))),
    "params.b_hn: got shape": sequence(params=GOOD.params._replace(b_hn=np.ones(4))),
    r"params.W_hh: got shape \(15, 4\), wanted \(n H, H\)": sequence(
        params=GOOD.params._replace(W_hh=np.ones((15, 4)))
    ),
    r"params.W_hh: got shape \(5,\)": sequence(params=GOOD.params._replace(W_hh=np.ones(5))),
    "params: got ndarray": sequence(params=A),
    "state: got ndarray": sequence(state=A),
    r"state.h: got shape \(3, 5\), wanted \(2, 5\)": sequence(state=HState(np.ones((3, 5)))),
    r"a: got shape \(2, 3\), wanted \(..., 4\)": lambda: v.require_last_axis("a", A, 4),
    "i: got dtype float64": lambda: v.require_ids("i", A, 5),
    "i: got list": lambda: v.require_ids("i", [1], 5),
    r"i: got shape \(2,\), wanted \(3,\)": lambda: v.require_ids("i", np.array([0, 1]), 5, (3,)),
    "i: got values from 0 to 5, wanted 0 to 4": lambda: v.require_ids("i", np.array([0, 5]), 5),
    r"i: got shape \(0,\)": lambda: v.require_ids("i", np.array([], int), 5),
    "m: got no True": lambda: v.require_mask("m", np.zeros(2, bool), (2,)),
    "m: got dtype int64": lambda: v.require_mask("m", np.ones(2, np.int64), (2,)),
    "n: got -1, wanted a number of at least 0 and at most 1": lambda: v.require_number("n", -1, 0, 1),
    "n: got nan": lambda: v.require_number("n", float("nan"), 0),
    "n: got 1, wanted a number of at least 0 and below 1": lambda: v.require_number("n", 1, 0, 1, open_high=True),
    "n: got 2.0, wanted an integer": lambda: v.require_number("n", 2.0, 1, integer=True),
    "n: got True": lambda: v.require_number("n", True, 0),
    "n: got '3'": lambda: v.require_number("n", "3", 0),
    "rng: got int": lambda: v.require_rng(0),
}


@pytest.mark.parametrize("name", PASSES)
def test_right_input_passes(name):
    PASSES[name]()


@pytest.mark.parametrize("message", FAILS)
def test_wrong_input_is_named(message):
    with pytest.raises(ValueError, match=message):
        FAILS[message]()
