"""A network that learns to write, in NumPy and nothing else: `python writer.py my-text.txt`.

It reads a text character by character, learns to say what comes next, and writes. B texts side by side,
T characters in a chunk, K kinds of characters, H units; w and every gradient are dicts of five arrays.
"""

import collections
import sys

import numpy as np

UNKNOWN = "\ufffd"  # stands for every character that is too rare to learn


def vocabulary(text, least=10):
    """The symbols: UNKNOWN, then every character that the text has at least so many times."""
    return [UNKNOWN, *sorted(c for c, n in collections.Counter(text).items() if n >= least)]


def encode(text, symbols):
    """The place of each character in `symbols`, 0 for one that is not there: (len(text),)."""
    place = {c: k for k, c in enumerate(symbols)}
    return np.array([place.get(c, 0) for c in text])


def chunks(ids, B, T):
    """The text as B rows that lie side by side, cut into chunks (B, T + 1), in order.

    The last character of a chunk is the first of the next one: there it is an input, here it is only a target.
    """
    rows = ids[: len(ids) // B * B].reshape(B, -1)
    for start in range(0, rows.shape[1] - T, T):
        yield rows[:, start : start + T + 1]


def begin(K, H, rng, dtype=np.float32):
    """The weights before training."""
    turn, _ = np.linalg.qr(rng.normal(size=(H, H)))  # turns a state without shrinking it
    w = {"W_ih": rng.normal(size=(H, K)) / np.sqrt(K), "W_hh": turn, "b": np.zeros(H)}
    w |= {"W_hy": rng.normal(size=(K, H)) / np.sqrt(H), "b_y": np.zeros(K)}
    return {name: a.astype(dtype) for name, a in w.items()}


def read(ids, w, h):
    """Read ids (B, T) from the state h (B, H): what comes next, p (B, T, K), and the states (B, T + 1, H), h first."""
    x, states = np.eye(len(w["b_y"]), dtype=h.dtype)[ids], [h]
    for t in range(ids.shape[1]):
        h = np.tanh(x[:, t] @ w["W_ih"].T + h @ w["W_hh"].T + w["b"])
        states.append(h)
    states = np.stack(states, axis=1)
    y = states[:, 1:] @ w["W_hy"].T + w["b_y"]
    e = np.exp(y - y.max(axis=2, keepdims=True))
    return e / e.sum(axis=2, keepdims=True), states


def loss_and_gradient(chunk, w, h):
    """Mean -log p of chunk (B, T + 1) in nats, its gradient, a dict like w, and the state after the chunk (B, H)."""
    inputs, targets = chunk[:, :-1], chunk[:, 1:]
    p, states = read(inputs, w, h)
    loss = -np.log(np.take_along_axis(p, targets[..., None], axis=2)).mean()
    one_hot = np.eye(len(w["b_y"]), dtype=p.dtype)
    dy = (p - one_hot[targets]) / targets.size
    dw = {name: np.zeros_like(a) for name, a in w.items()}
    dw["W_hy"] = np.tensordot(dy, states[:, 1:], axes=([0, 1], [0, 1]))
    dw["b_y"] = dy.sum(axis=(0, 1))
    dh = np.zeros_like(h)
    for t in reversed(range(inputs.shape[1])):
        dh = dh + dy[:, t] @ w["W_hy"]  # from the next step, and from this step's answer
        da = dh * (1 - states[:, t + 1] ** 2)  # back through tanh
        dw["W_ih"] += da.T @ one_hot[inputs[:, t]]
        dw["W_hh"] += da.T @ states[:, t]
        dw["b"] += da.sum(axis=0)
        dh = da @ w["W_hh"]
    return loss, dw, states[:, -1]


def clip(dw, limit=1.0):
    """The gradient, shortened to this length if it is longer."""
    norm = np.sqrt(sum(float((d**2).sum()) for d in dw.values()))
    return {name: d * min(1.0, limit / max(norm, 1e-12)) for name, d in dw.items()}


def adam(w, dw, m, v, update, rate, beta1=0.9, beta2=0.999, eps=1e-8):
    """One update, the first has number 1. m and v, dicts like w, are changed in place. Returns the new weights."""
    new = {}
    for name in w:
        m[name] = beta1 * m[name] + (1 - beta1) * dw[name]  # the mean of late gradients
        v[name] = beta2 * v[name] + (1 - beta2) * dw[name] ** 2  # and of their squares
        mean, square = m[name] / (1 - beta1**update), v[name] / (1 - beta2**update)
        new[name] = w[name] - rate * mean / (np.sqrt(square) + eps)
    return new


def learn(ids, w, B=32, T=40, rate=3e-3):
    """Train for ever: yields (number of updates, weights, loss of the last chunk), the start first."""
    m, v = ({name: np.zeros_like(a) for name, a in w.items()} for _ in range(2))
    update, loss = 0, None
    while True:  # once through the text is an epoch
        h = np.zeros((B, len(w["b"])), w["b"].dtype)
        for chunk in chunks(ids, B, T):
            yield update, w, loss
            loss, dw, h = loss_and_gradient(chunk, w, h)  # the next chunk goes on from this state
            update += 1
            w = adam(w, clip(dw), m, v, update, rate)


def write(prefix, length, w, symbols, rng):
    """Read the prefix to warm the state up, then draw so many characters, each of which is the next input."""
    h, text = np.zeros((1, len(w["b"])), w["b"].dtype), ""
    ids = encode(prefix, symbols)[None]
    for _ in range(length):
        p, states = read(ids, w, h)
        h, k = states[:, -1], rng.choice(len(symbols), p=p[0, -1] / p[0, -1].sum())
        ids, text = np.array([[k]]), text + symbols[k]
    return text


def main(path, updates=2000):
    """Learn from the file at `path`, and write now and then."""
    with open(path, encoding="utf-8") as file:
        text = file.read()
    symbols, rng = vocabulary(text), np.random.default_rng(0)
    ids = encode(text, symbols)
    for update, w, loss in learn(ids, begin(len(symbols), 128, rng)):
        if update and update % 200 == 0:
            print(f"--- {update} updates, {loss:.2f} nats a character\n{write(text[:20], 200, w, symbols, rng)}")
        if update == updates:
            break


if __name__ == "__main__":
    main(sys.argv[1])
