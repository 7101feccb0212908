"""What is public says its types: each parameter and each result of what the reference lists."""

import importlib
import inspect
import tomllib
import typing
from pathlib import Path

import pytest

import course_pkg

PACKAGE = Path(course_pkg.__file__).parent
ROOT = PACKAGE.parent
# Rooms that the reference does not list as a whole, and the program of one file that a reader is to read.
WITHOUT = {
    "checks": "what the exercises call",
    "experiments": "the measurements behind the claims",
    "grading": "a program, with commands",
    "tools": "programs of the authors",
    "widgets": "what the pages' figures are made with",
    "writer": "a hundred lines for the page, without anything of ours",
}
MODULES = sorted(p.stem for p in PACKAGE.iterdir() if (p.suffix == ".py" or p.is_dir()) and p.stem[0] not in "_.")


def public(module):
    """{name: function} of what a module defines or, where it has `__all__`, offers; methods of its classes too."""
    names = getattr(module, "__all__", [n for n in vars(module) if not n.startswith("_")])
    here = {name: vars(module)[name] for name in names}
    if not hasattr(module, "__all__"):
        here = {name: x for name, x in here.items() if getattr(x, "__module__", None) == module.__name__}
    found = {name: x for name, x in here.items() if inspect.isfunction(x)}
    for name, kind in here.items():
        for method, x in vars(kind).items() if inspect.isclass(kind) else ():
            x = x.fget if isinstance(x, property) else x
            generated = method in getattr(kind, "_fields", ()) or method in ("count", "index")
            if inspect.isfunction(x) and not method.startswith("_") and not generated:
                found[f"{name}.{method}"] = x
    return found


def missing(function):
    """The parameters without a type, and "return"."""
    signature = inspect.signature(function)
    bare = [n for n, p in signature.parameters.items() if p.annotation is p.empty and n not in ("self", "cls")]
    return bare + ["return"] * (signature.return_annotation is signature.empty)


@pytest.mark.parametrize("name", [name for name in MODULES if name not in WITHOUT])
def test_every_public_function_says_its_types(name):
    module = importlib.import_module(f"course_pkg.{name}")
    functions = public(module)
    assert {n: missing(f) for n, f in functions.items() if missing(f)} == {}
    for function in functions.values():
        typing.get_type_hints(function)  # raises where a name means nothing


def test_each_exception_is_there_and_is_one():
    """An exception that has become untrue goes from the list."""
    assert WITHOUT.keys() <= set(MODULES)
    assert any(missing(f) for f in public(importlib.import_module("course_pkg.writer")).values())


def test_a_missing_type_is_seen():
    def f(a: int, b, *, c: int = 0): ...

    assert missing(f) == ["b", "return"]


def test_type_checkers_are_told():
    """`py.typed` lies in the package and goes where it goes."""
    assert (PACKAGE / "py.typed").is_file()
    data = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["tool"]["setuptools"]["package-data"]
    assert "py.typed" in data["course_pkg"]
