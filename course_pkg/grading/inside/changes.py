"""Changes that a function made to its arguments, brought back from the other process."""

import numpy as np

from .npy import torch_module


def write_back(old, new):
    """Make `old` hold what `new` holds, in place, as far as it can be changed. The two have the same structure."""
    if isinstance(old, np.ndarray) and isinstance(new, np.ndarray):
        if old.shape == new.shape and old.dtype == new.dtype and old.flags.writeable:
            old[...] = new
    elif isinstance(old, list) and isinstance(new, list):
        if len(old) == len(new):
            new = [_kept(a, b) for a, b in zip(old, new)]
        old[:] = new
    elif isinstance(old, dict) and isinstance(new, dict):
        kept = {k: _kept(old[k], v) if k in old else v for k, v in new.items()}
        old.clear()
        old.update(kept)
    elif isinstance(old, set) and isinstance(new, set):
        old.clear()
        old.update(new)
    elif isinstance(old, tuple) and isinstance(new, tuple):
        for a, b in zip(old, new):
            write_back(a, b)
    elif isinstance(old, np.random.Generator) and isinstance(new, np.random.Generator):
        if type(old.bit_generator) is type(new.bit_generator):
            old.bit_generator.state = new.bit_generator.state
    else:
        _write_back_tensor(old, new)


def _write_back_tensor(old, new):
    torch = torch_module()
    if torch and isinstance(old, torch.Tensor) and isinstance(new, torch.Tensor) and old.shape == new.shape:
        with torch.no_grad():
            old.copy_(new)
        old.grad = new.grad


def _kept(old, new):
    """`old` made equal to `new` where it is something that can change, else `new`."""
    changeable = (np.ndarray, list, dict, set, tuple, np.random.Generator)
    torch = torch_module()
    if torch:
        changeable += (torch.Tensor,)
    same = isinstance(old, changeable) and type(old) is type(new)
    if same and isinstance(old, np.ndarray):
        same = old.shape == new.shape and old.dtype == new.dtype and old.flags.writeable
    if not same or (isinstance(old, tuple) and len(old) != len(new)):
        return new
    write_back(old, new)
    return old
