"""Activation functions and their derivatives.

Each derivative takes the *output* of its function, because that is what a forward pass keeps:
tanh' = 1 - tanh^2 needs no second look at the input. Every function keeps the dtype it is given.
Formulas: Goodfellow, Bengio and Courville, Deep Learning (2016), section 6.3.
"""

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.floating]

LEAKY_SLOPE = 0.01  # torch.nn.functional.leaky_relu's default


def sigmoid(a: Array) -> Array:
    """1 / (1 + exp(-a)), any shape. Written with tanh, which cannot overflow.

    A nearly shut gate has few digits: in float32 the result is 6 % off at -16, and by -20 it is exactly 0, and so
    is its derivative; in float64 by -38. The absolute error is that of rounding everywhere. Forms without this
    loss take two to eight times as long.
    """
    return 0.5 * (1.0 + np.tanh(0.5 * a))


def sigmoid_derivative(y: Array) -> Array:
    """Derivative of the sigmoid where its output is y."""
    return y * (1.0 - y)


def tanh(a: Array) -> Array:
    """Hyperbolic tangent, any shape."""
    return np.tanh(a)


def tanh_derivative(y: Array) -> Array:
    """Derivative of tanh where its output is y."""
    return 1.0 - y**2


def relu(a: Array) -> Array:
    """max(a, 0), any shape."""
    return np.maximum(a, 0.0)


def relu_derivative(y: Array) -> Array:
    """1 where the output y of relu is positive, else 0; so 0 at the kink, as PyTorch has it."""
    return (y > 0).astype(y.dtype)


def leaky_relu(a: Array) -> Array:
    """a where positive, else 0.01 a, any shape."""
    return np.where(a > 0, a, LEAKY_SLOPE * a)


def leaky_relu_derivative(y: Array) -> Array:
    """1 where the output y of leaky_relu is positive, else 0.01 (at the kink too, as in PyTorch)."""
    return np.where(y > 0, y.dtype.type(1.0), y.dtype.type(LEAKY_SLOPE))


def softmax(a: Array) -> Array:
    """Probabilities along the last axis, (..., K) to (..., K). Shifted by the maximum against overflow."""
    e = np.exp(a - a.max(axis=-1, keepdims=True))
    return e / e.sum(axis=-1, keepdims=True)


def softmax_backward(dy: Array, y: Array) -> Array:
    """Gradient at the input of softmax from the gradient dy at its output y, both (..., K)."""
    return y * (dy - (dy * y).sum(axis=-1, keepdims=True))


# What `nonlinearity=` may name, and the pair of functions it stands for.
NONLINEARITIES = {
    "tanh": (tanh, tanh_derivative),
    "sigmoid": (sigmoid, sigmoid_derivative),
    "relu": (relu, relu_derivative),
    "leaky_relu": (leaky_relu, leaky_relu_derivative),
}
