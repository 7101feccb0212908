"""The chapters of the book, for tests that look at each."""

import re

import yaml
from course_site.execution import ROOT


def chapters():
    """The names of the chapters in the table of contents, such as "07-lstm"."""
    toc = yaml.safe_load((ROOT / "book" / "_toc.yml").read_text())
    files = [entry["file"] for part in toc["parts"] for entry in part["chapters"]]
    return [name for name in files if re.match(r"\d\d-", name)]
