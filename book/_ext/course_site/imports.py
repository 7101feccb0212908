"""What a piece of code imports of the package, directly or through other modules, found without running it.

Imports inside functions count, and so does `importlib.import_module` with a name written out. A name that is
put together at run time cannot be followed.
"""

import ast
import functools
import pathlib
from typing import NamedTuple

DATA = ".json"  # what modules read when they run; the figures' scripts and styles are the page's


class Found(NamedTuple):
    """What stands in one source: names that are imported, and words among its strings."""

    names: frozenset
    words: frozenset


class Reach(NamedTuple):
    """Files of the package that some code depends on, and the top names of what it imports from elsewhere."""

    files: tuple
    outside: frozenset


def read(tree, package=""):
    """What an `ast` tree imports; `package` is what a relative import in it starts from."""
    names, words = set(), set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            above = package.split(".")[: len(package.split(".")) + 1 - node.level] if node.level else []
            base = ".".join([*above, *filter(None, [node.module])])
            # `from package import name` may name a module, so both are noted.
            names |= {base, *(f"{base}.{alias.name}" for alias in node.names)}
        elif isinstance(node, ast.Call) and ast.unparse(node.func).endswith("import_module"):
            names |= {a.value for a in node.args[:1] if isinstance(a, ast.Constant)}
        elif isinstance(node, ast.Constant) and isinstance(node.value, str):
            words.add(node.value)
    return Found(frozenset(names), frozenset(words))


class Package:
    """The modules of the package in the folder `folder`; each is parsed when it is first asked for, and once."""

    def __init__(self, folder):
        self.folder = pathlib.Path(folder)
        self.paths = {self._dotted(path): path for path in self.folder.rglob("*.py")}
        self.read = functools.cache(self._read)

    def _dotted(self, path):
        parts = path.relative_to(self.folder.parent).with_suffix("").parts
        return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)

    def _read(self, module):
        path = self.paths[module]
        package = module if path.name == "__init__.py" else module.rpartition(".")[0]
        return read(ast.parse(path.read_bytes()), package)

    def modules(self, names):
        """The modules that importing these dotted names runs first: every package on the way is one."""
        parts = (name.split(".") for name in names)
        dotted = {".".join(p[:k]) for p in parts for k in range(1, len(p) + 1)}
        return dotted & set(self.paths)

    def reach(self, *trees):
        """The Reach of code, given as `ast` trees."""
        found = [read(tree) for tree in trees]
        reached, left = set(), self.modules(name for f in found for name in f.names)
        while left:
            module = left.pop()
            reached.add(module)
            found.append(self.read(module))
            left |= self.modules(found[-1].names) - reached
        tops = {name.split(".")[0] for f in found for name in f.names} - {self.folder.name, ""}
        files = {self.paths[module] for module in reached}
        return Reach(tuple(sorted(files | self._data(files, found))), frozenset(tops))

    def _data(self, files, found):
        """The data beside those modules: but not what belongs to another module there and is nowhere named."""
        words = {word for f in found for word in f.words}
        beside = {path for folder in {f.parent for f in files} for path in folder.glob(f"*{DATA}")}
        return {
            path
            for path in beside
            if path.stem in words or path.with_suffix(".py") in files or not path.with_suffix(".py").exists()
        }
