"""Wheels for Python in the browser: our own, made here, and what can be read out of any."""

import base64
import hashlib
import pathlib
import re
import zipfile
from email.parser import HeaderParser

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name, parse_wheel_filename

# What a requirement's marker is judged by: CPython as Pyodide builds it.
BROWSER = {
    **{"implementation_name": "cpython", "os_name": "posix", "platform_machine": "wasm32", "extra": ""},
    **{"platform_python_implementation": "CPython", "platform_system": "Emscripten", "sys_platform": "emscripten"},
    **{"python_full_version": "3.13.2", "python_version": "3.13"},
}
TIME = (1980, 1, 1, 0, 0, 0)  # the same in every build, so that equal contents make equal files


def sha256(path):
    """A file's SHA-256, as a lock file gives it."""
    return hashlib.sha256(path.read_bytes()).hexdigest()


def make_wheel(folder, name, version, files, requires=()):
    """Write a pure wheel of `files`, {path in the wheel: bytes}, into `folder`; returns its path."""
    stem = f"{name.replace('-', '_')}-{version}"
    about = "".join(f"Requires-Dist: {r}\n" for r in requires)
    files = {
        **files,
        f"{stem}.dist-info/METADATA": f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n{about}".encode(),
        f"{stem}.dist-info/WHEEL": b"Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n",
    }
    files[f"{stem}.dist-info/RECORD"] = record(files, f"{stem}.dist-info")
    path = pathlib.Path(folder, f"{stem}-py3-none-any.whl")
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as wheel:
        for name, content in sorted(files.items()):
            wheel.writestr(zipfile.ZipInfo(name, TIME), content, zipfile.ZIP_DEFLATED)
    return path


def record(files, info):
    """A wheel's RECORD of `files`, {path: bytes}, for its folder `info`."""
    lines = [f"{path},sha256={_digest(content)},{len(content)}" for path, content in files.items()]
    return "\n".join([*lines, f"{info}/RECORD,,", ""]).encode()


def _digest(content):
    return base64.urlsafe_b64encode(hashlib.sha256(content).digest()).rstrip(b"=").decode()


def describe_wheel(path):
    """A wheel's name, version, what it requires in the browser, and the modules at its top."""
    name, version, _, _ = parse_wheel_filename(path.name)
    with zipfile.ZipFile(path) as wheel:
        names = wheel.namelist()
        metadata = next(n for n in names if n.count("/") == 1 and n.endswith(".dist-info/METADATA"))
        lines = HeaderParser().parsestr(wheel.read(metadata).decode()).get_all("Requires-Dist", [])
    required = [r for r in map(Requirement, lines) if r.marker is None or r.marker.evaluate(BROWSER)]
    tops = {n.split("/")[0] for n in names if n.endswith((".py", ".pyc"))}
    return {
        "name": name,
        "version": str(version),
        "requires": sorted({canonicalize_name(r.name) for r in required}),
        "imports": sorted(re.sub(r"\.pyc?$", "", t) for t in tops if not t.endswith((".dist-info", ".data"))),
    }
