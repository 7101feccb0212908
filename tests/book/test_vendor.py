"""Python taken into the site: every file with its hash, nothing half done, and both parts of the site told."""

import hashlib
import json

import pytest
from course_site import lite, local, lock, npm, vendor


@pytest.fixture
def site(tmp_path):
    """A site with a lock of three packages, one of them its own."""
    official = {"packages": {}, "info": {"python": "3.13.2"}, "address": "https://example.org/py/"}
    entries = {"ours": {"file_name": "wheels/ours.whl", "sha256": "0", "depends": ["numpy", "pillow"]}}
    for name in ("numpy", "pillow"):
        entry = {"file_name": f"{name}.whl", "sha256": hashlib.sha256(name.encode()).hexdigest(), "depends": []}
        official["packages"][name] = entry
        entries[name] = {**entry, "file_name": official["address"] + entry["file_name"]}
    folder = tmp_path / "site"
    (folder / "live").mkdir(parents=True)
    (folder / "lite").mkdir()
    (folder / "live" / lock.LOCK).write_text(json.dumps({"info": official["info"], "packages": entries}))
    (folder / "live" / lock.RUNTIME).write_text(json.dumps({"pyodide": official["address"], "lock": lock.LOCK}))
    config = {"jupyter-config-data": {"litePluginSettings": {lite.KERNEL: {"pyodideUrl": "x"}}}}
    (folder / "lite" / lite.CONFIG).write_text(json.dumps(config))
    return folder, official


@pytest.fixture
def source(site, tmp_path, monkeypatch):
    """A folder with Pyodide's core and both packages; official.json is that of the made-up site."""
    monkeypatch.setattr(lock, "official", lambda: site[1])
    folder = tmp_path / "pyodide"
    folder.mkdir()
    for name in vendor.CORE:
        (folder / name).write_bytes(b"core")
    for name in ("numpy", "pillow"):
        (folder / f"{name}.whl").write_bytes(name.encode())
    (folder / lock.LOCK).write_text(json.dumps(site[1]))
    return folder


@pytest.fixture
def address(source, tmp_path, monkeypatch):
    """The packages, served; the core is what npm brings."""
    (tmp_path / "npm" / "pyodide").mkdir(parents=True)
    for name in vendor.CORE:
        (source / name).rename(tmp_path / "npm" / "pyodide" / name)
    monkeypatch.setattr(npm, "packages", lambda cache: tmp_path / "npm")
    with local.serving(source) as address:
        yield f"{address}/"


def look(folder):
    return {p.relative_to(folder): p.read_bytes() for p in folder.rglob("*") if p.is_file() and "part" not in str(p)}


def test_everything_comes_from_the_site_afterwards(site, address):
    """No address outside is left in the lock or in either file that names the runtime."""
    folder, _ = site
    assert vendor.vendor(folder, address) == []
    entries = json.loads((folder / "live" / lock.LOCK).read_text())["packages"]
    for name in ("numpy", "pillow"):
        path = folder / "live" / entries[name]["file_name"]
        assert hashlib.sha256(path.read_bytes()).hexdigest() == entries[name]["sha256"]
    assert entries["ours"]["file_name"] == "wheels/ours.whl"
    assert json.loads((folder / "live" / lock.RUNTIME).read_text())["pyodide"] == "pyodide/"
    assert all((folder / "live" / "pyodide" / name).read_bytes() == b"core" for name in vendor.CORE)
    config = json.loads((folder / "lite" / lite.CONFIG).read_text())["jupyter-config-data"]
    assert config["litePluginSettings"][lite.KERNEL]["pyodideUrl"] == "./../live/pyodide/pyodide.js"


def test_a_wrong_file_is_refused_and_nothing_changes(site, source, address):
    folder, _ = site
    (source / "numpy.whl").write_bytes(b"something else")
    before = look(folder)
    with pytest.raises(ValueError, match=r"vendor: numpy.whl from http.* has another hash"):
        vendor.vendor(folder, address)
    assert look(folder) == before


def test_a_folder_may_lack_a_package_and_it_is_named(site, source):
    folder, _ = site
    (source / "pillow.whl").unlink()
    assert vendor.vendor(folder, source) == ["pillow"]
    entries = json.loads((folder / "live" / lock.LOCK).read_text())["packages"]
    assert entries["ours"]["depends"] == ["numpy"]


def test_a_site_without_python_cannot_be_given_it(tmp_path):
    with pytest.raises(ValueError, match="was built without Python in the browser"):
        vendor.vendor(tmp_path)
