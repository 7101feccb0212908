"""Python compiled for the browser: what is in the wheels afterwards, and that it is compiled once."""

import csv
import hashlib
import io
import shutil
import subprocess
import zipfile

import pytest
from course_site import bytecode, npm, wheels
from course_site.execution import ROOT
from skips import IN_CI

CACHE = ROOT / "_build" / ".live"
FILES = {
    "pack/__init__.py": b"import pack.data\n",
    "pack/data.py": b"answer = 6 * 7\n",
    "pack/deep/__init__.py": b"",
    "pack/template.py": b"not {{ python }} at all\n",
    "pack/words.txt": b"words",
}
IMPORTS = """
import { readFile } from "node:fs/promises";
import { loadPyodide } from "pyodide";
const python = await loadPyodide();
python.FS.writeFile("/wheel.zip", await readFile(process.argv[2]));
console.log(python.runPython(`
  import zipfile
  zipfile.ZipFile("/wheel.zip").extractall("/lib/python3.13/site-packages")
  import pack, pack.deep
  f"{pack.data.answer} {pack.data.__file__} {pack.data.__cached__}"
`));
"""


@pytest.fixture(scope="module")
def packages():
    """The folder of npm's packages, those of the site's own build."""
    if shutil.which("node") is None:
        (pytest.fail if IN_CI else pytest.skip)("Node is not installed (Debian: apt-get install npm)")
    try:
        return npm.packages(CACHE)
    except npm.Unavailable as reason:
        (pytest.fail if IN_CI else pytest.skip)(f"not run: {reason}")


@pytest.fixture
def cache(tmp_path, packages):
    """An empty cache with the packages in it."""
    work = tmp_path / "cache" / "npm"
    work.mkdir(parents=True)
    (work / "node_modules").symlink_to(packages)
    shutil.copy2(packages.parent / "installed", work)
    return tmp_path / "cache"


@pytest.fixture
def wheel(tmp_path):
    return wheels.make_wheel(tmp_path, "pack", "1.0", FILES)


def contents(path):
    with zipfile.ZipFile(path) as found:
        return {name: found.read(name) for name in found.namelist()}


def imported(path, work):
    """What Pyodide says of the package in a wheel: the value that it computes, and where that came from."""
    (work / "imports.mjs").write_text(IMPORTS)
    done = subprocess.run(["node", "imports.mjs", str(path)], cwd=work, capture_output=True, text=True, check=True)
    return done.stdout.split()


def test_bytecode_takes_the_place_of_sources(wheel, cache):
    """Other files stay, a source that does not compile stays, and Pyodide imports what there is."""
    made = bytecode.compiled([wheel], cache)[wheel]
    names = {name for name in contents(made) if not name.startswith("pack-1.0")}
    assert names == {
        *("pack/__init__.pyc", "pack/data.pyc", "pack/deep/__init__.pyc"),
        "pack/template.py",
        "pack/words.txt",
    }
    assert made.name == wheel.name
    value, file, _ = imported(made, cache / "npm")
    assert value == "42"
    assert file.endswith("pack/data.pyc")


def test_a_kept_source_has_its_bytecode_beside_it(wheel, cache):
    """Python finds it there, and does not compile the source again."""
    made = bytecode.compiled([wheel], cache, keep=[wheel])[wheel]
    found = contents(made)
    assert FILES.items() <= found.items()
    pyc = found["pack/__pycache__/data.cpython-313.pyc"]
    assert int.from_bytes(pyc[4:8], "little") == 0b01  # bound to the hash of its source, which is not looked at
    value, file, cached = imported(made, cache / "npm")
    assert (value, file.endswith("pack/data.py"), cached.endswith("data.cpython-313.pyc")) == ("42", True, True)


def test_the_record_is_that_of_the_new_files(wheel, cache):
    found = contents(bytecode.compiled([wheel], cache)[wheel])
    rows = {name: digest for name, digest, _ in csv.reader(io.StringIO(found["pack-1.0.dist-info/RECORD"].decode()))}
    assert set(rows) == set(found)
    assert wheels.describe_wheel(bytecode.compiled([wheel], cache)[wheel])["imports"] == ["pack"]


def test_what_was_compiled_is_not_compiled_again(wheel, cache, monkeypatch):
    """Unless it changed; the same sources make the same file."""
    made = bytecode.compiled([wheel], cache)[wheel]
    first = hashlib.sha256(made.read_bytes()).hexdigest()
    started = []
    run = npm.run
    monkeypatch.setattr(npm, "run", lambda *what: started.append(what) or run(*what))
    assert bytecode.compiled([wheel], cache)[wheel] == made
    assert not started
    made.unlink()
    bytecode.compiled([wheel], cache)
    assert len(started) == 1
    assert hashlib.sha256(made.read_bytes()).hexdigest() == first


def test_another_pyodide_compiles_anew(wheel, cache, monkeypatch):
    """Its Python may not read the bytecode of the one before: what npm brings decides too where a result is kept."""
    assert npm.SOURCES / "package-lock.json" in bytecode.COMPILER
    before = bytecode.compiled([wheel], cache)[wheel]
    monkeypatch.setattr(bytecode, "fingerprint", lambda files: f"another {len(files)}")
    after = bytecode.compiled([wheel], cache)[wheel]
    assert after != before
    assert after.is_file()


def test_without_node_it_says_so(wheel, cache, monkeypatch, tmp_path):
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(npm.Unavailable, match="node"):
        bytecode.compiled([wheel], cache)
    assert not list((cache / "bytecode").rglob("*.whl"))
