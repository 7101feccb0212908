"""Line ends are LF in the repository and in every clone, because tests compare files byte for byte.

And no file holds the marks of a merge that was not finished: in a page they are text like any other.
"""

import re
import subprocess

import pytest
from course_site.execution import ROOT


def test_every_text_file_has_lf_and_is_checked_out_with_lf():
    if not (ROOT / ".git").exists():
        pytest.skip("not a git checkout")
    found = subprocess.run(["git", "ls-files", "--eol"], cwd=ROOT, capture_output=True, text=True, check=True).stdout
    rows = [line.split("\t")[0].split() for line in found.splitlines()]
    assert len(rows) > 200
    for row, line in zip(rows, found.splitlines()):
        binary = row[0] == "i/-text" and row[2] == "attr/-text"
        text = row[0] in ("i/lf", "i/none") and row[2:] == ["attr/text=auto", "eol=lf"]
        assert binary or text, line


MARKS = re.compile(r"^(?:<{7}|>{7}|\|{7})(?: |$)", re.MULTILINE)


def test_no_file_holds_the_marks_of_an_unfinished_merge():
    if not (ROOT / ".git").exists():
        pytest.skip("not a git checkout")
    names = subprocess.run(["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, text=True, check=True).stdout
    files = [path for name in names.split("\0")[:-1] if (path := ROOT / name).is_file()]
    assert len(files) > 200
    assert not [str(path) for path in files if MARKS.search(path.read_text(encoding="utf-8", errors="ignore"))]


def test_the_marks_of_a_merge_are_found():
    for mark in ("<<<<<<< HEAD", ">>>>>>> main", "||||||| base"):
        assert MARKS.search(f"a line\n{mark}\nanother\n")
    assert not MARKS.search("a shift, 1 <<<<<<< 2\n")
