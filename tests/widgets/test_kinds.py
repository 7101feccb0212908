"""The small drawings of the five kinds of task."""

import pytest

from course_pkg.widgets import KINDS, diagram, kind_of_task
from course_pkg.widgets.kinds import BOTTOM, MIDDLE, TOP


@pytest.mark.parametrize("kind", KINDS)
def test_a_kind_has_its_inputs_outputs_and_ways_back(kind):
    reads, writes, feeds = KINDS[kind]
    layout = kind_of_task(kind)
    boxes = {b["id"]: b for b in layout["boxes"]}
    steps = range(1, max(*reads, *writes) + 1)
    wanted = {f"x{t}" for t in (*reads, *(t + 1 for t in feeds))} | {f"h{t}" for t in steps}
    assert set(boxes) == wanted | {f"y{t}" for t in writes}
    assert {b["y"] for name, b in boxes.items() if name[0] == "y"} == {TOP}
    assert {b["y"] for name, b in boxes.items() if name[0] == "h"} == {MIDDLE}
    assert {b["y"] for name, b in boxes.items() if name[0] == "x"} == {BOTTOM}
    for wire in layout["wires"]:
        assert wire["arrow"]
        for x, y in wire["points"]:
            assert 0 <= x <= layout["width"]
            assert 0 <= y <= layout["height"]
    back = {w["id"]: w["points"] for w in layout["wires"] if w["id"].startswith("back")}
    assert set(back) == {f"back{t}" for t in feeds}
    for t in feeds:  # from the output of a step to the input of the next
        start, end = back[f"back{t}"][0], back[f"back{t}"][-1]
        assert start == [boxes[f"y{t}"]["x"] + boxes[f"y{t}"]["w"] / 2, TOP]
        assert end == [boxes[f"x{t + 1}"]["x"], BOTTOM + boxes[f"x{t + 1}"]["h"] / 2]
    panel = diagram(layout, {}, set())
    assert panel["lit"].sum() == 0


def test_only_networks_that_write_more_than_they_read_feed_themselves():
    fed = {kind for kind, (_, _, feeds) in KINDS.items() if feeds}
    assert fed == {"one to many", "many to many, unaligned"}
    for kind in fed:
        reads, writes, feeds = KINDS[kind]
        assert set(feeds) == set(writes) - {max(writes)}
        assert not {t + 1 for t in feeds} & set(reads)


def test_boxes_do_not_touch():
    for kind in KINDS:
        boxes = kind_of_task(kind)["boxes"]
        for k, one in enumerate(boxes):
            for other in boxes[k + 1 :]:
                apart = abs(one["x"] - other["x"]) > one["w"] or abs(one["y"] - other["y"]) > one["h"]
                assert apart, (kind, one["id"], other["id"])


def test_an_unknown_kind_is_named():
    with pytest.raises(ValueError, match="kind: got 'some to none', wanted one of one to one"):
        kind_of_task("some to none")
