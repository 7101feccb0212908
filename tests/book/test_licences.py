"""The page of licences names all that the site ships, with the licence of each."""

import json
import zipfile

import pytest
from bs4 import BeautifulSoup
from course_site import licences


def test_the_packages_of_a_bundle():
    """Also one within another, and one whose name has two parts; our own files are none."""
    inputs = ["node_modules/@codemirror/view/dist/index.js", "node_modules/a/node_modules/b/x.js", "page.js"]
    assert licences.packages_in({"inputs": dict.fromkeys(inputs)}) == ["@codemirror/view", "b"]


def test_an_npm_package_says_its_licence(tmp_path):
    about = {"name": "a", "version": "1.0", "license": "MIT", "author": "Ada <ada@site.example>"}
    (tmp_path / "package.json").write_text(json.dumps(about))
    (tmp_path / "LICENSE").write_text("Do as you like.")
    assert licences.of_npm(tmp_path) == ("a", "1.0", "MIT, Ada", ["Do as you like."])


@pytest.mark.parametrize(
    ("about", "said"),
    [
        ("License-Expression: MIT", "MIT"),
        ("License: Apache License 2.0", "Apache-2.0"),
        ("Summary: says nothing", "text"),
        ("Classifier: License :: OSI Approved :: BSD License", "BSD License"),
        ("License: a\n  long\n  text\nClassifier: License :: OSI Approved :: MIT License", "MIT License"),
    ],
)
def test_a_wheel_says_its_licence(tmp_path, about, said):
    with zipfile.ZipFile(tmp_path / "a.whl", "w") as wheel:
        wheel.writestr("a-1.dist-info/METADATA", f"Metadata-Version: 2.1\nName: a\nVersion: 1\n{about}\n")
        wheel.writestr("a-1.dist-info/licenses/LICENSE", "text")
    assert licences.of_wheel(tmp_path / "a.whl") == ("a", "1", said, ["text"])


def test_names_and_texts_are_escaped_and_licences_lead_to_their_text():
    made = licences.body({"Group": [("<a>", "1", "MIT, <b>", ["<script>"]), ("z", "2", "of its own", [])]})
    assert "<script>" not in made
    assert '<a href="https://spdx.org/licenses/MIT.html">MIT</a>, &lt;b&gt;' in made
    assert '<p class="licence">z 2: of its own</p>' in made


def test_the_page_names_all_that_the_site_ships(site):
    """Each wheel, each package in a bundle; a font that the site brings has its licence beside it."""
    soup = BeautifulSoup((site / "licences.html").read_text(encoding="utf-8"), "html.parser")
    listed = {e.get_text().split(" ")[0].lower().replace("_", "-") for e in soup.select("section section > *")}
    live = site / "live"
    if not (live / "packages.json").is_file():
        pytest.skip("the book was built without npm: live cells are left out")
    names = json.loads((live / "packages.json").read_text())
    names += [p.name.split("-")[0] for p in (live / "wheels").iterdir()]
    families = {p.name.partition("-latin")[0] for p in (site / "_static" / "fonts").glob("*.woff2")}
    assert len(families) == 2
    names += [f"@fontsource-variable/{family}" for family in families]
    assert {n.lower().replace("_", "-") for n in names} - {"course-pkg", "sqlite3"} <= listed
    assert all(":" in e.get_text() for e in soup.select("section section summary"))
    plain = [e.get_text() for e in soup.select("section section > p") if "its own list" not in e.get_text()]
    assert plain
    assert all(":" in text for text in plain)
