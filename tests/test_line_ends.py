"""Line ends are LF in the repository and in every clone, because tests compare files byte for byte."""

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
