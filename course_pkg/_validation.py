"""Checks at the doors of the package. Each raises ValueError naming the argument, what it got and what it wanted."""

import numpy as np

FLOATS = (np.dtype(np.float32), np.dtype(np.float64))


def require_array(name, a, shape, dtype=None):
    """Check that `a` is a float array of `shape`.

    `shape` is a tuple whose entries are sizes, or names (any size of at least 1) for the message:
    `("B", "T", 3)`. With `dtype`, the array must have exactly that one.
    """
    if not isinstance(a, np.ndarray):
        raise ValueError(f"{name}: got {type(a).__name__}, wanted a NumPy array of shape {_shown(shape)}")
    require_unmasked(name, a)
    if a.dtype not in FLOATS:
        raise ValueError(f"{name}: got dtype {a.dtype}, wanted float32 or float64")
    if dtype is not None and a.dtype != dtype:
        raise ValueError(f"{name}: got dtype {a.dtype}, wanted {np.dtype(dtype)} as the other arguments have")
    fits = a.ndim == len(shape) and all(
        got >= 1 and (got == size or isinstance(size, str)) for got, size in zip(a.shape, shape)
    )
    if not fits:
        raise ValueError(f"{name}: got shape {a.shape}, wanted {_shown(shape)} with every size at least 1")


def require_unmasked(name, a):
    """Check that `a` is not one of NumPy's masked arrays: what stands under its mask would count like the rest."""
    if isinstance(a, np.ma.MaskedArray):
        raise ValueError(f"{name}: got a masked array, wanted a plain one, and beside it lengths or a mask of booleans")


def require_float(name, dtype):
    """Check that `dtype` is float32 or float64. Returns it as a numpy.dtype."""
    try:
        found = np.dtype(dtype)
    except TypeError:
        raise ValueError(f"{name}: got {dtype!r}, wanted float32 or float64") from None
    if found not in FLOATS:
        raise ValueError(f"{name}: got {found}, wanted float32 or float64")
    return found


def _shown(shape):
    """`shape` as it is printed, names without quotes."""
    return "(" + ", ".join(map(str, shape)) + ("," if len(shape) == 1 else "") + ")"


def require_choice(name, value, choices):
    """Check that `value` is one of `choices`, which are strings or integers."""
    if not isinstance(value, (str, int)) or value not in choices:
        raise ValueError(f"{name}: got {value!r}, wanted one of {', '.join(map(repr, choices))}")


def require_tree(name, tree, like, dtype):
    """Check that `tree` is a NamedTuple of arrays with the type and shapes of `like`."""
    if type(tree) is not type(like):
        raise ValueError(f"{name}: got {type(tree).__name__}, wanted {type(like).__name__}")
    for field, a, b in zip(like._fields, tree, like):
        require_array(f"{name}.{field}", a, b.shape, dtype)


def require_sequence(x, state, params):
    """Check one recurrent layer's arguments: x (B, T, D), a state of (B, H) arrays, matching params.

    `state` may be None. Works for any cell whose params hold W_ih (n H, D) and W_hh (n H, H); b and b_hn have the
    shapes that they have in our cells, and arrays of other names may have any.
    """
    require_array("x", x, ("B", "T", "D"))
    if not hasattr(params, "W_hh"):
        raise ValueError(f"params: got {type(params).__name__}, wanted a cell's parameters such as LSTMParams")
    if state is not None and not hasattr(state, "_fields"):
        raise ValueError(f"state: got {type(state).__name__}, wanted a cell's state such as HState")
    rows, H = np.shape(params.W_hh) if np.ndim(params.W_hh) == 2 else (0, 0)
    if H == 0 or rows % H:
        raise ValueError(f"params.W_hh: got shape {np.shape(params.W_hh)}, wanted (n H, H) for n gates of H units")
    known = {"W_ih": (rows, x.shape[2]), "W_hh": (rows, H), "b": (rows,), "b_hn": (H,)}
    for field, a in zip(params._fields, params):
        require_array(f"params.{field}", a, known.get(field, ("any size",) * np.ndim(a)), x.dtype)
    if state is not None:
        for field, a in zip(state._fields, state):
            require_array(f"state.{field}", a, (x.shape[0], H), x.dtype)


def require_cell(cell, x, state, params, options):
    """Check what a `records.Cell` is run with: the types of its arguments, its gates, its options."""
    for name, value, kind in (("params", params, cell.params), ("state", state, cell.state)):
        if type(value) is not kind and not (name == "state" and value is None):
            raise ValueError(f"{name}: got {type(value).__name__}, wanted {kind.__name__}, as {cell.name} has")
    require_options(cell.options, options)
    require_sequence(x, state, params)
    rows, H = params.W_hh.shape
    if rows != len(cell.gates) * H:
        raise ValueError(f"params.W_hh: got shape {(rows, H)}, wanted ({len(cell.gates)} H, H)")
    for name, k in cell.extra.items():
        require_array(f"params.{name}", getattr(params, name), (k * H,), x.dtype)


def require_options(known, options):
    """Check keywords of a cell: `known` has a tuple of choices for each name."""
    if not options.keys() <= known.keys():
        raise ValueError(f"options: got {sorted(options.keys() - known)}, wanted some of {sorted(known)}")
    for name, value in options.items():
        require_choice(name, value, known[name])


def require_dtype(dtype):
    """Check that `dtype` is float32 or float64. Returns it as numpy.dtype."""
    if np.dtype(dtype) not in FLOATS:
        raise ValueError(f"dtype: got {np.dtype(dtype)}, wanted float32 or float64")
    return np.dtype(dtype)


def require_last_axis(name, a, size, dtype=None):
    """Check that `a` is a float array of shape (..., size) with at least one axis before the last."""
    ndim = getattr(a, "ndim", 0)
    require_array(name, a, ("...",) * max(ndim - 1, 1) + (size,), dtype)


def require_ids(name, ids, limit, shape=None, mask=None):
    """Check that `ids` is an integer array in 0..limit-1, of `shape` if given; where `mask` is False any id will do."""
    if not isinstance(ids, np.ndarray) or ids.dtype.kind not in "iu":
        got = f"dtype {ids.dtype}" if isinstance(ids, np.ndarray) else type(ids).__name__
        raise ValueError(f"{name}: got {got}, wanted a NumPy array of integers")
    require_unmasked(name, ids)
    if shape is not None and ids.shape != shape:
        raise ValueError(f"{name}: got shape {ids.shape}, wanted {shape}")
    if ids.size == 0:
        raise ValueError(f"{name}: got shape {ids.shape}, wanted every size at least 1")
    used = ids if mask is None else ids[mask]
    if used.size and (used.min() < 0 or used.max() >= limit):
        raise ValueError(f"{name}: got values from {used.min()} to {used.max()}, wanted 0 to {limit - 1}")


def require_mask(name, mask, shape):
    """Check that `mask` is a boolean array of `shape` with at least one True."""
    if not isinstance(mask, np.ndarray) or mask.dtype != np.bool_:
        got = f"dtype {mask.dtype}" if isinstance(mask, np.ndarray) else type(mask).__name__
        raise ValueError(f"{name}: got {got}, wanted a NumPy array of booleans")
    require_unmasked(name, mask)
    if mask.shape != shape:
        raise ValueError(f"{name}: got shape {mask.shape}, wanted {shape}")
    if not mask.any():
        raise ValueError(f"{name}: got no True at all, wanted at least one")


def require_number(name, value, low, high=np.inf, *, open_high=False, integer=False):
    """Check that `value` is a real number (with `integer`, a whole one) with low <= value <= high (or < high)."""
    kinds = (int, np.integer) if integer else (int, float, np.integer, np.floating)
    fits = isinstance(value, kinds) and not isinstance(value, bool) and low <= value <= high
    if not fits or (open_high and value == high):
        what = "an integer" if integer else "a number"
        upper = "" if high == np.inf else f" and {'below' if open_high else 'at most'} {high}"
        raise ValueError(f"{name}: got {value!r}, wanted {what} of at least {low}{upper}")


def require_rng(rng, name="rng"):
    """Check that `rng` is a numpy.random.Generator."""
    if not isinstance(rng, np.random.Generator):
        raise ValueError(f"{name}: got {type(rng).__name__}, wanted a numpy.random.Generator such as default_rng(0)")
