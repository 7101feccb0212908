"""The scripts of the pages: their own tests, under Node's test runner, and the rules they are checked by."""

import json
import re
import subprocess

import page_script
from course_site.execution import ROOT

TESTS = sorted((ROOT / "tests" / "javascript").glob("*.test.mjs"))


def test_the_tests_of_the_scripts_pass():
    """Numbers as text, tables, what is told and what is drawn."""
    done = subprocess.run([page_script.node(), "--test", *TESTS], capture_output=True, encoding="utf-8", cwd=ROOT)
    assert done.returncode == 0, done.stdout[-4000:] + done.stderr[-1000:]
    assert int(re.search(r"pass (\d+)", done.stdout).group(1)) >= len(TESTS) >= 3


def test_every_script_is_linted_and_its_types_are_checked():
    """A new script in a folder of scripts is under the same rules; the tools are pinned to the digit."""
    scripts = [p for top in ("book", "course_pkg", "solutions", "tests") for p in (ROOT / top).rglob("*.js")]
    folders = {p.parent.relative_to(ROOT).as_posix() for p in scripts}
    assert folders == {"course_pkg/widgets", "book/_live", "book/_page"}
    for name in ("biome.json", "tsconfig.json"):
        text = (ROOT / name).read_text(encoding="utf-8")
        assert {f"{folder}/*.js" for folder in folders} <= set(re.findall(r'"([^"]*)"', text)), name
    wanted = json.loads((ROOT / "package.json").read_text(encoding="utf-8"))["devDependencies"]
    locked = json.loads((ROOT / "package-lock.json").read_text(encoding="utf-8"))["packages"]
    for name, version in wanted.items():
        assert re.fullmatch(r"\d+\.\d+\.\d+", version), name
        assert locked[f"node_modules/{name}"]["version"] == version


def test_no_name_is_declared_twice_in_the_scripts_that_a_page_joins():
    """Files become one script, in which a second `const` of the same name stops everything. Within a page they meet."""
    joined = [*(ROOT / "course_pkg" / "widgets").glob("*.js"), *(ROOT / "book" / "_page").glob("*.js")]
    declared = re.compile(r"^(?:export )?(?:async )?(?:const|let|class|function\*?) ([\w$]+)", re.MULTILINE)
    unpacked = re.compile(r"^(?:export )?(?:const|let) [\[{]([^\]}]*)[\]}]", re.MULTILINE)
    names = []
    for text in (path.read_text(encoding="utf-8") for path in joined):
        names += declared.findall(text)
        names += [name.split(":")[-1].strip() for found in unpacked.findall(text) for name in found.split(",")]
    assert len(names) > 100
    assert not {name for name in names if names.count(name) > 1}
