"""The PyTorch map's own outputs say what its text says: equality is measured on the page, and must be there."""

import re

import numpy as np
import pytest
import torch
from bs4 import BeautifulSoup
from chapter_cells import pick
from torch.nn.utils.rnn import pack_padded_sequence

from course_pkg import interchange


def test_the_page_shows_equality(site):
    soup = BeautifulSoup((site / "pytorch.html").read_text(encoding="utf-8"), "html.parser")
    shown = [e.get_text() for e in soup.select("div.cell_output")]
    errors = [float(e) for e in re.findall(r"\d+e[+-]\d+", shown[0])]
    assert len(errors) == 6
    assert max(errors) < 1e-12
    (ends,) = [s for s in shown if "ends at the last step" in s]
    assert max(float(e) for e in re.findall(r"\d+e[+-]\d+", ends)) < 1e-12
    assert re.findall(r"both at the last: (\w+)", ends) == ["False", "False", "True"]
    assert ends.count("last step: True") == ends.count("at the first: True") == 3
    assert any("the same bits: True" in s for s in shown)
    assert any("torch.nn.GRU cannot express" in s for s in shown)
    (modern,) = [s for s in shown if "linear attention" in s]
    errors = [float(e) for e in re.findall(r"\d+e[+-]\d+", modern)]
    assert len(errors) == 2
    assert max(errors) < 1e-12


@pytest.fixture(scope="module")
def figure():
    names = pick("pytorch", "BLOCK", "UNITS", "two_layers", "block", "run_layers", "where_it_ended")
    return names


@pytest.mark.parametrize("packed", [True, False])
@pytest.mark.parametrize("n", [1, 3, 6])
def test_the_rows_of_h_n_are_those_of_pytorch(figure, n, packed):
    """All four rows, in PyTorch's order, with and without packing; and the table of the page says where they end."""
    net = torch.nn.GRU(3, figure["UNITS"], num_layers=2, bidirectional=True, batch_first=True).double()
    net.load_state_dict(interchange.to_torch(figure["two_layers"]))
    x = torch.tensor(np.where(np.arange(figure["BLOCK"])[None, :, None] < n, figure["block"], 0))
    h_n = net(pack_padded_sequence(x, [n], batch_first=True) if packed else x)[1][:, 0].detach().numpy()
    readings, ours = figure["run_layers"](n, packed)
    assert np.abs(ours - h_n).max() < 1e-12
    end = n if packed else figure["BLOCK"]
    for k, (row, reading) in enumerate(zip(h_n, readings)):
        places = np.flatnonzero((np.abs(reading - row) < 1e-12).all(axis=1))
        assert places.tolist() == [0 if k % 2 else end - 1]


def test_the_figure_marks_those_rows(figure):
    for n in range(1, 7):
        heat, row = figure["where_it_ended"](n, "packed")
        z = np.reshape(heat["z"], (4, 6))[::-1]
        assert [np.flatnonzero(r == 1).tolist() for r in z] == [[n - 1], [0], [n - 1], [0]]
        assert ((z > 0) == (np.arange(6) < n)).all()
        assert [int(i["value"][0]) for i in row["items"]] == [n, 1, n]
        heat, row = figure["where_it_ended"](n, "padded, not packed")
        z = np.reshape(heat["z"], (4, 6))[::-1]
        assert [np.flatnonzero(r == 1).tolist() for r in z] == [[5], [0], [5], [0]]
        assert (z > 0).all()


def test_without_packing_the_readings_from_the_right_carry_the_padding(figure):
    """The second answer: the step is the same, the state is not."""
    packed, padded = (figure["run_layers"](3, how)[1] for how in (True, False))
    assert np.abs(packed[1] - padded[1]).max() > 1e-3
