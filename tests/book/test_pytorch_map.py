"""The PyTorch map's own outputs say what its text says: equality is measured on the page, and must be there."""

import re

from bs4 import BeautifulSoup


def test_the_page_shows_equality(site):
    soup = BeautifulSoup((site / "pytorch.html").read_text(encoding="utf-8"), "html.parser")
    shown = [e.get_text() for e in soup.select("div.cell_output")]
    errors = [float(e) for e in re.findall(r"\d+e[+-]\d+", shown[0])]
    assert len(errors) == 6
    assert max(errors) < 1e-12
    assert "the same bits: True" in shown[1]
    assert "torch.nn.GRU cannot express" in shown[2]
    errors = [float(e) for e in re.findall(r"\d+e[+-]\d+", shown[3])]
    assert len(errors) == 2
    assert max(errors) < 1e-12
