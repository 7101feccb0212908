"""Run any cell over time, and backpropagation through time (Werbos 1990) for any cell.

These are the readable versions, one call of the cell per time step; `fused` computes the same
numbers faster. Shapes: x (B, T, D), h (B, T, H). A cell is a pair of functions as in `cells`.
"""

import numpy as np

from course_pkg.validation import require_array, require_number, require_sequence, require_tree


def unroll(step, x, state, params):
    """Run `step` over the T steps of x (B, T, D) from `state`.

    Returns (h (B, T, H), the last state, the T caches). A keyword for the cell goes
    in with the step: `functools.partial(gru_step, reset="before")`. The caches look
    into x and state, so leave those as they are until `bptt` has run. Raises
    ValueError for wrong shapes or dtypes.
    """
    if state is None:
        raise ValueError("state: got None, wanted the initial state of the cell")
    require_sequence(x, state, params)
    hs, caches = [], []
    for t in range(x.shape[1]):
        state, cache = step(x[:, t], state, params)
        hs.append(state.h)
        caches.append(cache)
    # The last state is a copy: a cache may hold it too, and the caller may change it.
    return np.stack(hs, axis=1), state._make(a.copy() for a in state), caches


def bptt(step_backward, dh, dstate, caches, params):
    """Backpropagation through time over what `unroll` kept.

    dh (B, T, H) is the gradient at every h_t, or None for zeros; dstate the gradient
    at the last state, or None. What reaches the last h by both ways adds.
    Returns (dx (B, T, D), dstate_0, dparams).
    """
    T = len(caches) or 1
    return truncated_bptt(step_backward, dh, dstate, caches, params, window=T)


def truncated_bptt(step_backward, dh, dstate, caches, params, *, window):
    """As `bptt`, but time is cut into chunks of `window` steps and no gradient crosses a cut.

    The first chunk starts at step 0, so this is what training on consecutive chunks computes when
    the state is carried over and detached between them (Williams and Peng 1990). With window >= T it is `bptt`.
    """
    T = len(caches)
    if T == 0:
        raise ValueError("caches: got an empty sequence, wanted at least one step")
    require_number("window", window, 1, integer=True)
    x_t, state_prev = caches[0].x_t, caches[0].state_prev
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


def state_gradients(step_backward, dstate, caches, params):
    """The gradient at every state between the first and the last: a list of T + 1 states, entry t for state t.

    The loss is one that reads only the last state, with gradient dstate there; so entry T is dstate and
    entry 0 is what `bptt(step_backward, None, dstate, caches, params)` returns. This is the gradient that
    reaches back through time, before it is spent on weights.
    """
    if not caches:
        raise ValueError("caches: got an empty sequence, wanted at least one step")
    require_tree("dstate", dstate, caches[0].state_prev, caches[0].x_t.dtype)
    gradients = [dstate._make(a.copy() for a in dstate)]
    for cache in reversed(caches):
        _, dstate, _ = step_backward(dstate, cache, params)
        gradients.append(dstate)
    return gradients[::-1]
