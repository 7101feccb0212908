"""The list of references can be read, and holds what the pages cite."""

import re

from course_site.execution import ROOT
from pybtex.database import parse_file

BOOK = ROOT / "book"


def test_every_citation_is_in_the_list():
    """Parsed as the build parses it: an entry that lost its end in a merge stops every page."""
    known = parse_file(BOOK / "references.bib").entries
    cited = {
        key.strip()
        for page in BOOK.glob("*.md")
        for keys in re.findall(r"\{cite[a-z:]*\}`([^`]+)`", page.read_text(encoding="utf-8"))
        for key in keys.split(",")
    }
    assert len(cited) > 20
    assert cited <= set(known)
