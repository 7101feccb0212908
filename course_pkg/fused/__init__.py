"""Whole sequences at once: the maths of `cells` and `bptt`, fast enough to train with.

    rnn(x, state, params, *, nonlinearity="tanh") -> (h, state_T, tape)
    lstm(x, state, params)                        -> (h, state_T, tape)
    gru(x, state, params, *, reset="after")       -> (h, state_T, tape)
    rnn_backward, lstm_backward, gru_backward(dh, dstate, tape) -> (dx, dstate_0, dparams)

x (B, T, D), h (B, T, H); state=None, dh=None and dstate=None mean zeros. Wrong types, shapes and
dtypes raise ValueError. A tape may be used twice, and shares no memory with anything returned.

Five things make these faster than one call of the cell per step; each is explained where it stands.

1. Work arrays are feature-major, (T, features, B), so that a gate of one step is one block of memory,
   and every result is written into memory that is already there (`room`).
2. The state, the input and a row of ones for the bias lie below one another, so that one product with
   one matrix [W_hh W_ih b] serves all three at each step (`stack_up`, `joined`); a large one in blocks
   of rows (`multiplier`).
3. sigmoid(a) = tanh(a / 2) / 2 + 1 / 2. The halving goes into the matrix, and one call of tanh serves
   all gates.
4. In the backward pass, whatever does not wait for the gradient of the step after it, such as
   f (1 - f) c_{t-1}, is computed for a block of steps at a time (`_local_derivatives`).
5. The gradient of the weights is one matrix product a block, not one a step (`flat`).

In the loops over time, NumPy's functions are called with the array that takes the result as their last
argument. `multiply(a, b, a)` is `a *= b`, and at the sizes of this course a quarter faster.
"""

from course_pkg.fused._gru import GRUTape, gru, gru_backward
from course_pkg.fused._lstm import LSTMTape, lstm, lstm_backward
from course_pkg.fused._rnn import RNNTape, rnn, rnn_backward

__all__ = ["GRUTape", "LSTMTape", "RNNTape", "gru", "gru_backward", "lstm", "lstm_backward", "rnn", "rnn_backward"]
