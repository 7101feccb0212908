"""The first page says that the network remembers its verdict: it does, with every one that can be chosen."""

import numpy as np
from chapter_cells import cells, run


def test_the_verdict_is_right_and_stays():
    page = run({}, cells("index"))
    figure = page["FIGURES"]["A network reads a review, word by word"]
    for verdict in page["VERDICTS"]:
        text = page["review"](verdict)
        assert len(text) == max(figure._controls["read"].values)
        good = ("never" in verdict or "not" in verdict) != any(w in verdict for w in ("great", "loved"))
        said = verdict.split()[-1]
        for read in range(text.index(said) + 2, len(text) + 1):
            panel = page["read_along"](verdict, read)[1]
            answer = panel["text"]["vocabulary"][int(panel["text"]["ids"][0])]
            assert answer == ("surely positive" if good else "surely negative"), (verdict, read)


def test_words_that_were_not_read_have_no_answer():
    page = run({}, cells("index"))
    values = page["read_along"]("it is not awful", 4)[0]["tracks"][0]["values"]
    assert np.isfinite(values[:4]).all()
    assert np.isnan(values[4:]).all()
