"""Run any cell over time, and backpropagation through time (Werbos 1990) for any cell.

These are the readable versions, one call of the cell per time step; `fused` computes the same
numbers faster. Shapes: x (B, T, D), h (B, T, H). A cell is a record such as `cells.LSTM`. A bare
function in its place is taken for the cell's step, or for its backward: so a step can be run before
its backward is written, and a wrong backward can be tried on a right forward pass.
"""

from typing import Any, NamedTuple

import numpy as np

from course_pkg._validation import require_array, require_cell, require_number, require_sequence, require_tree
from course_pkg.activations import Array
from course_pkg.trees import tree_map


class StepsTape(NamedTuple):
    """Kept by `run`. It shares no memory with what the caller has."""

    caches: list
    params: Any


def unroll(cell: Any, x: Array, state: tuple | None, params: tuple, **options: Any) -> tuple[Array, tuple, list]:
    """Run `cell` over the T steps of x (B, T, D) from `state`, None for zeros.

    Returns (h (B, T, H), the last state, the T caches). options: keywords of the cell, as in
    `unroll(cells.GRU, x, None, params, reset="before")`. The caches look into x and state, so leave
    those as they are until `bptt` has run. Raises ValueError for wrong shapes, dtypes and options.
    """
    step = _function(cell, "step")
    if step is not cell:
        require_cell(cell, x, state, params, options)
        state = zero_state(cell, x, params) if state is None else state
    elif state is None:
        raise ValueError("state: got None, wanted the initial state, as a bare step does not say what its zeros are")
    require_sequence(x, state, params)
    hs, caches = [], []
    for t in range(x.shape[1]):
        state, cache = step(x[:, t], state, params, **options)
        hs.append(state.h)
        caches.append(cache)
    # The last state is a copy: a cache may hold it too, and the caller may change it.
    return np.stack(hs, axis=1), state._make(a.copy() for a in state), caches


def zero_state(cell: Any, x: Array, params: tuple) -> tuple:
    """The state of zeros for a batch x (B, T, D)."""
    shape = len(x), params.W_hh.shape[1]
    return cell.state(*(np.zeros(shape, x.dtype) for _ in cell.state._fields))


def bptt(
    cell: Any,
    dh: Array | None,
    dstate: tuple | None,
    caches: list,
    params: tuple,
) -> tuple[Array, tuple, tuple]:
    """Backpropagation through time over what `unroll` kept.

    dh (B, T, H) is the gradient at every h_t, or None for zeros; dstate the gradient
    at the last state, or None. What reaches the last h by both ways adds.
    Returns (dx (B, T, D), dstate_0, dparams).
    """
    T = len(caches) or 1
    return truncated_bptt(cell, dh, dstate, caches, params, window=T)


def truncated_bptt(
    cell: Any, dh: Array | None, dstate: tuple | None, caches: list, params: tuple, *, window: int
) -> tuple[Array, tuple, tuple]:
    """As `bptt`, but time is cut into chunks of `window` steps and no gradient crosses a cut.

    The first chunk starts at step 0, so this is what training on consecutive chunks computes when
    the state is carried over and detached between them (Williams and Peng 1990). With window >= T it is `bptt`.
    """
    step_backward, first = _function(cell, "step_backward"), _first(caches)
    require_number("window", window, 1, integer=True)
    T, x_t, state_prev = len(caches), first.x_t, first.state_prev
    zeros = state_prev._make(np.zeros_like(a) for a in state_prev)
    if dh is not None:
        B, H = state_prev.h.shape
        require_array("dh", dh, (B, T, H), x_t.dtype)
    if dstate is not None:
        require_tree("dstate", dstate, state_prev, x_t.dtype)
    dstate = zeros if dstate is None else dstate
    dparams = params._make(np.zeros_like(a) for a in params)
    dx = np.empty((x_t.shape[0], T, x_t.shape[1]), x_t.dtype)
    for t in reversed(range(T)):
        if dh is not None:
            dstate = dstate._replace(h=dstate.h + dh[:, t])
        dx[:, t], dstate, dparams_t = step_backward(dstate, caches[t], params)
        dparams = dparams._make(total + now for total, now in zip(dparams, dparams_t))
        if t % window == 0 and t > 0:
            dstate = zeros
    return dx, dstate, dparams


def state_gradients(cell: Any, dstate: tuple, caches: list, params: tuple) -> list[tuple]:
    """The gradient at every state between the first and the last: a list of T + 1 states, entry t for state t.

    The loss is one that reads only the last state, with gradient dstate there; so entry T is dstate and
    entry 0 is what `bptt(cell, None, dstate, caches, params)` returns. This is the gradient that
    reaches back through time, before it is spent on weights.
    """
    step_backward, first = _function(cell, "step_backward"), _first(caches)
    require_tree("dstate", dstate, first.state_prev, first.x_t.dtype)
    gradients = [dstate._make(a.copy() for a in dstate)]
    for cache in reversed(caches):
        _, dstate, _ = step_backward(dstate, cache, params)
        gradients.append(dstate)
    return gradients[::-1]


def run(cell: Any, x: Array, state: tuple | None, params: tuple, **options: Any) -> tuple[Array, tuple, StepsTape]:
    """What `fused` does for its cells, for any cell: (h, state_T, tape), with copies in the tape."""
    require_cell(cell, x, state, params, options)
    x, state, params = tree_map(np.copy, (x, state, params))
    h, state_T, caches = unroll(cell, x, state, params, **options)
    return h, state_T, StepsTape(caches, params)


def run_backward(cell: Any, dh: Array | None, dstate: tuple | None, tape: StepsTape) -> tuple[Array, tuple, tuple]:
    """Gradients of `run` from dh and dstate, None for zeros: (dx, dstate_0, dparams)."""
    if type(tape) is not StepsTape:
        raise ValueError(f"tape: got {type(tape).__name__}, wanted the StepsTape of the forward pass")
    return tree_map(np.copy, bptt(cell, dh, dstate, tape.caches, tape.params))


def _function(cell, name):
    """The function `name` of a record; a bare function is itself."""
    found = getattr(cell, name, cell)
    if not callable(found):
        raise ValueError(f"cell: got {cell!r}, wanted a cell such as cells.LSTM, or a function")
    return found


def _first(caches):
    """The first cache, which must hold what the step was given."""
    if not caches:
        raise ValueError("caches: got an empty sequence, wanted at least one step")
    if not (hasattr(caches[0], "x_t") and hasattr(caches[0], "state_prev")):
        raise ValueError(f"caches: got {type(caches[0]).__name__}, wanted caches with fields x_t and state_prev")
    return caches[0]
