"""The page of claims: each verdict follows from its data, so other data give another word."""

import ast
import re
from functools import cache

import numpy as np
import pytest
from course_site.execution import ROOT

from course_pkg.experiments import counting, recall_by_state, verdicts
from course_pkg.widgets import Explorer

TEXT = (ROOT / "book" / "claims.md").read_text(encoding="utf-8")
CODE = re.findall(r"^```\{code-cell\} ipython3\n(?::[^\n]*\n)*(.*?)^```", TEXT, re.DOTALL | re.MULTILINE)
HOLDS, WHEN, NOT, CANNOT = "holds", "holds when", "does not hold", "cannot tell"
HEADINGS = re.findall(r"^\((claim-[\w-]+)\)=\n### (.+)$", TEXT, re.MULTILINE)

# What the issue of this page asks to be decided, in words that its heading must hold.
ASKED = {
    "claim-sum": "h + x",
    "claim-elementwise": "element by element",
    "claim-error": "difference between answer and target is the gradient",
    "claim-chain": "chain of derivatives as close to 1 as possible",
    "claim-tanh": "tanh keeps what goes through it in a fixed range",
    "claim-switch": "sigmoid outputs 0 or 1",
    "claim-relu": "Softmax, ReLU or leaky ReLU help to avoid vanishing",
    "claim-opposite": "reset gate does the opposite of the update gate",
    "claim-three": "three gates",
    "claim-everything": "remembers everything",
    "claim-smaller": "fewer parameters than an LSTM and needs less memory",
    "claim-faster": "GRU trains faster",
    "claim-accurate": "LSTM is more accurate on long sequences",
    "claim-lstm-vanish": "LSTM solves the problem of vanishing gradients",
    "claim-lstm-explode": "LSTM does not solve the problem of exploding gradients",
    "claim-candidate": "candidate may use a sigmoid",
    "claim-early": "RNNs are confined to short-term memory",
    "claim-realtime": "Bidirectional networks do not fully work in real time",
    "claim-nothing": "vanishes means no learning at all",
    "claim-algorithm": "trained by the standard backpropagation",
    "claim-depth": "needs no depth",
    "claim-parallel": "parallel scan is faster",
    "claim-log": "Log space is exact",
    "claim-attention": "replaces attention",
    "claim-infinite": "has infinite context",
    "claim-delta": "delta rule remembers more",
    "claim-complex": "Complex numbers let a linear recurrence count",
    "claim-weaker": "linear recurrence is weaker",
    "claim-nonlinear": "Gates make a linear recurrence nonlinear",
}
MODERN = list(ASKED)[20:]  # about the models of chapters 19 and 20, and of no introduction
ALL, NONE, SOME = (5, 5), (0, 5), (2, 5)  # runs that learned, of five
RIGHT, WRONG = np.zeros(10), np.ones(10)


def verdict_of(*held):
    return verdicts.Verdict({f"parity, {2**k} steps": each for k, each in enumerate(held)})


# Data with which each claim's function must come to each word: anchor, function, arguments, word, of the condition.
CASES = [
    ("claim-sum", "sees_only_the_sum", (1e-16,), HOLDS, ""),
    ("claim-sum", "sees_only_the_sum", (0.1,), NOT, ""),
    ("claim-elementwise", "is_elementwise", ({"x": 0.0, "h": 0.0, "c": 1.0},), HOLDS, ""),
    ("claim-elementwise", "is_elementwise", ({"x": 1.0, "h": 0.0, "c": 0.0},), NOT, ""),
    ("claim-elementwise", "is_elementwise", ({"x": 0.0, "h": 0.5, "c": 0.0},), NOT, ""),
    ("claim-switch", "is_a_switch", ([0.0, 0.005],), HOLDS, ""),
    ("claim-switch", "is_a_switch", ([0.1, 0.005],), WHEN, "far to one side"),
    ("claim-switch", "is_a_switch", ([0.0, 0.4],), NOT, ""),
    ("claim-candidate", "candidate_may_be_a_sigmoid", (1e-15, -1.0), HOLDS, ""),
    ("claim-candidate", "candidate_may_be_a_sigmoid", (1e-15, 0.0), WHEN, "a GRU"),
    ("claim-candidate", "candidate_may_be_a_sigmoid", (0.1, -1.0), WHEN, "an LSTM"),
    ("claim-candidate", "candidate_may_be_a_sigmoid", (0.1, 0.0), NOT, ""),
    ("claim-three", "has_three_gates", ({"r": 0.0, "z": 0.0, "n": 0.0},), HOLDS, ""),
    ("claim-three", "has_three_gates", ({"r": 0.0, "z": 0.0, "n": 0.5},), NOT, ""),
    ("claim-opposite", "are_opposites", ([-0.99, -0.95],), HOLDS, ""),
    ("claim-opposite", "are_opposites", ([-0.99, -0.8, -0.2],), WHEN, "most"),
    ("claim-opposite", "are_opposites", ([-0.4, 0.1, -0.2],), NOT, ""),
    ("claim-error", "difference_is_the_gradient", ({"here": True, "there": True},), HOLDS, ""),
    ("claim-error", "difference_is_the_gradient", ({"here": True, "there": False},), WHEN, "here"),
    ("claim-error", "difference_is_the_gradient", ({"here": False, "there": False},), NOT, ""),
    ("claim-algorithm", "is_plain_backpropagation", (0.1,), NOT, ""),
    ("claim-algorithm", "is_plain_backpropagation", (1e-16,), HOLDS, ""),
    ("claim-nothing", "vanished_means_no_learning", ([0.5, 1e-6], [1.0, 0.5]), HOLDS, ""),
    ("claim-nothing", "vanished_means_no_learning", ([0.5, 1e-6], [1.0, 1.0]), NOT, ""),
    ("claim-early", "confined_to_the_near_past", (0.5, [0, 0]), HOLDS, ""),
    ("claim-early", "confined_to_the_near_past", (1.0, [0, 0]), NOT, ""),
    ("claim-early", "confined_to_the_near_past", (0.5, [3, 0]), NOT, ""),
    ("claim-chain", "training_brings_it_to_one", ({"a": np.array([[0.1, 0.9], [9.0, 0.8]])},), HOLDS, ""),
    (
        "claim-chain",
        "training_brings_it_to_one",
        ({"is a": np.array([[0.1, 0.9]]), "is b": np.array([[0.1, 0.01]])},),
        WHEN,
        "the task is a",
    ),
    ("claim-chain", "training_brings_it_to_one", ({"a": np.array([[0.5, 3.0], [0.1, 0.5]])},), NOT, ""),
    ("claim-tanh", "stays_in_range", (1.0,), HOLDS, ""),
    ("claim-tanh", "stays_in_range", (5.0,), NOT, ""),
    ("claim-relu", "activations_help", ({("tanh", "x"): 0.0, ("ReLU", "x"): 0.5, ("softmax", "x"): 0.2},), HOLDS, ""),
    ("claim-relu", "activations_help", ({("ReLU", "x"): 0.5, ("softmax", "x"): 0.0},), WHEN, "ReLU starts from x"),
    ("claim-relu", "activations_help", ({("tanh", "x"): 1.0, ("ReLU", "x"): 0.01},), NOT, ""),
    ("claim-lstm-vanish", "lstm_does_not_vanish", ({0: 0.5, 3: 0.9},), HOLDS, ""),
    ("claim-lstm-vanish", "lstm_does_not_vanish", ({0: 1e-9, 3: 0.9, 5: 1.0},), WHEN, "a bias of 3 or more"),
    ("claim-lstm-vanish", "lstm_does_not_vanish", ({0: 1e-9, 3: 1e-4},), NOT, ""),
    ("claim-lstm-explode", "lstm_can_explode", ({1: 1.0, 8: 2.0},), NOT, ""),
    ("claim-lstm-explode", "lstm_can_explode", ({1: 1.0, 8: 200.0},), HOLDS, ""),
    ("claim-everything", "remembers_everything", (np.full((5, 3), 0.99),), HOLDS, ""),
    ("claim-everything", "remembers_everything", (np.array([[1.0, 0.3]]),), NOT, ""),
    ("claim-smaller", "gru_is_smaller", ({"a": (3, 4), "b": (3, 4)},), HOLDS, ""),
    ("claim-smaller", "gru_is_smaller", ({"a": (3, 4), "b": (4, 4)},), WHEN, "a"),
    ("claim-smaller", "gru_is_smaller", ({"a": (5, 4)},), NOT, ""),
    ("claim-faster", "gru_is_faster", ({"fused": [0.8], "torch": [0.7]}, {"a": True}), HOLDS, ""),
    ("claim-faster", "gru_is_faster", ({"fused": [0.8], "torch": [0.7]}, {"a": False}), WHEN, "PyTorch"),
    ("claim-faster", "gru_is_faster", ({"fused": [0.8], "torch": [2.0]}, {"a": False}), WHEN, "this course's kernels"),
    (
        "claim-faster",
        "gru_is_faster",
        ({"fused": [1.8], "torch": [2.0]}, {"a": True, "b": False}),
        WHEN,
        "updates are counted for a",
    ),
    (
        "claim-faster",
        "gru_is_faster",
        ({"fused": [0.8, 1.1], "torch": [2]}, {"a": True}),
        WHEN,
        "kernels (at 1 of 2 sizes)",
    ),
    ("claim-faster", "gru_is_faster", ({"fused": [1.1], "torch": [2.0]}, {"a": False}), NOT, ""),
    ("claim-accurate", "lstm_is_more_accurate", ({"x": (np.full(5, 0.5), np.full(5, 0.2))},), HOLDS, ""),
    (
        "claim-accurate",
        "lstm_is_more_accurate",
        ({"x": (np.full(5, 0.5), np.full(5, 0.2)), "y": (np.zeros(5), np.zeros(5))},),
        WHEN,
        "x",
    ),
    ("claim-accurate", "lstm_is_more_accurate", ({"x": (np.full(5, 0.2), np.full(5, 0.5))},), NOT, ""),
    ("claim-accurate", "lstm_is_more_accurate", ({"x": (np.full(5, 0.51), np.full(5, 0.5))},), NOT, ""),
    ("claim-accurate", "lstm_is_more_accurate", ({"x": (np.zeros(5), np.zeros(5))},), CANNOT, ""),
    ("claim-accurate", "lstm_is_more_accurate", ({"x": (np.ones(5), np.ones(5))},), CANNOT, ""),
    ("claim-realtime", "not_in_real_time", ((0, 2, 4), [0.3, 0.3, 0.3]), HOLDS, ""),
    ("claim-realtime", "not_in_real_time", ((0, 2, 4), [0.3, 0.3, 1.0]), WHEN, "less than 4 steps late"),
    ("claim-realtime", "not_in_real_time", ((0, 2, 4), [1.0, 1.0, 1.0]), NOT, ""),
    ("claim-depth", "needs_no_depth", ({"x": (ALL, ALL)},), HOLDS, ""),
    ("claim-depth", "needs_no_depth", ({"x": (ALL, ALL), "y": (NONE, ALL)},), WHEN, "the task is x"),
    ("claim-depth", "needs_no_depth", ({"x": (NONE, ALL)},), NOT, ""),
    ("claim-depth", "needs_no_depth", ({"x": (NONE, NONE), "y": (SOME, ALL)},), CANNOT, ""),
    ("claim-parallel", "scan_is_faster", ({1: 50.0, 16: 1.2},), HOLDS, ""),
    ("claim-parallel", "scan_is_faster", ({1: 50.0, 16: 1.0},), WHEN, "with 1 units"),
    ("claim-parallel", "scan_is_faster", ({1: 0.9, 16: 1.0},), NOT, ""),
    ("claim-log", "log_space_is_exact", ({"4 steps": ([1e-7, 2e-7], [2e-7, 1e-7])},), HOLDS, ""),
    (
        "claim-log",
        "log_space_is_exact",
        ({"4 steps": ([1e-7], [2e-7]), "9 steps": ([1e-7], [9e-7])},),
        WHEN,
        "has 4 steps",
    ),
    ("claim-log", "log_space_is_exact", ({"9 steps": ([1e-7, 2e-7], [9e-5, 1e-4])},), NOT, ""),
    ("claim-log", "log_space_is_exact", ({"9 steps": ([1e-7, 2e-7], [1e-7, 9e-5])},), CANNOT, ""),
    ("claim-attention", "replaces_attention", ({"4 names": (RIGHT, RIGHT)},), HOLDS, ""),
    (
        "claim-attention",
        "replaces_attention",
        ({"4 names": (RIGHT, RIGHT), "64 names": (RIGHT, WRONG)},),
        WHEN,
        "it has 4 names",
    ),
    ("claim-attention", "replaces_attention", ({"64 names": (RIGHT, WRONG)},), NOT, ""),
    ("claim-infinite", "has_infinite_context", ({"1 others": [True] * 10},), HOLDS, ""),
    ("claim-infinite", "has_infinite_context", ({"1 others": [True], "4 others": [False]},), WHEN, "at most 1 others"),
    ("claim-infinite", "has_infinite_context", ({"1 others": [True, False]},), NOT, ""),
    ("claim-delta", "and_when", (verdict_of(True, True),), HOLDS, ""),
    ("claim-delta", "and_when", (verdict_of(True, None, False),), WHEN, "parity, 1 steps"),
    ("claim-delta", "and_when", (verdict_of(False, None),), NOT, ""),
    ("claim-complex", "counted_as", (verdict_of(True, True),), HOLDS, ""),
    ("claim-complex", "counted_as", (verdict_of(True, True, False),), WHEN, "parity at 1, 2 steps"),
    ("claim-complex", "counted_as", (verdict_of(False),), NOT, ""),
    ("claim-weaker", "counted_as", (verdict_of(True),), HOLDS, ""),
    ("claim-weaker", "counted_as", (verdict_of(None, False, True),), WHEN, "parity at 4 steps"),
    ("claim-weaker", "counted_as", (verdict_of(False, None),), NOT, ""),
    ("claim-weaker", "counted_as", (verdict_of(None),), CANNOT, ""),
    ("claim-nonlinear", "gates_bend", ({"a": 0.1, "b": 0.1},), HOLDS, ""),
    ("claim-nonlinear", "gates_bend", ({"a": 0.1, "b": 1e-16},), WHEN, "a"),
    ("claim-nonlinear", "gates_bend", ({"a": 1e-16, "b": 1e-16},), NOT, ""),
]


USED = {case[1] for case in CASES}


@cache
def functions():
    """The page's functions that need nothing of what its cells measure."""
    names = {"np": np, "verdicts": verdicts, "counting": counting, "HOLDS": HOLDS, "WHEN": WHEN, "NOT": NOT}
    for cell in CODE:
        for node in ast.parse(cell).body:
            wanted = isinstance(node, ast.FunctionDef) and node.name in USED
            if wanted or ast.unparse(node).startswith(("KERNELS = ", "STARTS = ")):
                exec(compile(ast.Module([node], []), "claims", "exec"), names)
    return names


@pytest.mark.parametrize(("anchor", "function", "arguments", "word", "condition"), CASES)
def test_the_word_follows_from_the_data(anchor, function, arguments, word, condition):
    """Each claim's function comes to each of its words, and says a condition with "holds when" alone."""
    said, when = functions()[function](*arguments)
    assert said == word
    assert bool(when) == (word == WHEN)
    assert condition in when


def test_every_claim_has_data_that_speak_for_it_and_data_that_speak_against():
    for anchor in ASKED:
        words = {case[3] for case in CASES if case[0] == anchor}
        assert {HOLDS, NOT} <= words, anchor


def test_every_claim_that_was_to_be_decided_is_there():
    found = dict(HEADINGS)
    assert found.keys() == ASKED.keys()
    assert all(words in found[anchor] for anchor, words in ASKED.items())
    assert len(HEADINGS) == 29
    assert "twenty statements" in TEXT
    assert "Nine more follow" in TEXT
    assert len(MODERN) == 9
    for anchor, _ in HEADINGS:
        assert (f'    "{anchor}": "' in CODE[0]) != (anchor in MODERN)  # the introduction that says it


@pytest.mark.parametrize("anchor", MODERN)
def test_a_sentence_on_the_models_of_today_leads_to_its_chapter(anchor):
    entry = TEXT.split(f"({anchor})=")[1].split("\n(claim-")[0]
    assert re.search(r"\]\((19-scan|20-matrix-memory)\.md#[\w-]+\)", entry)


def test_no_backslash_was_lost():
    assert not re.search(r"[\x00-\x09\x0b-\x1f]", TEXT)


def test_its_code_fits_the_page_and_its_voice_is_the_books():
    for cell in re.findall(r"^```\{code-cell\} ipython3\n(.*?)^```", TEXT, re.DOTALL | re.MULTILINE):
        if "hide-input" not in cell:
            assert max(map(len, cell.splitlines())) <= 88, cell
    prose = re.sub(r"^```.*?^```", "", TEXT, flags=re.DOTALL | re.MULTILINE)
    assert "!" not in prose


# The page itself


def run(names, code):
    """Run cells as a kernel would. names["SHOWN"] keeps what each one's last line shows."""
    for cell in code:
        tree = ast.parse(cell)
        end = tree.body.pop() if isinstance(tree.body[-1], ast.Expr) else None
        exec(compile(tree, "claims", "exec"), names)
        value = eval(compile(ast.Expression(end.value), "claims", "eval"), names) if end else None
        names.setdefault("SHOWN", []).append(value)
    return names


@pytest.fixture(scope="module")
def page():
    """All names of the page when its cells have run."""
    return run({}, CODE)


STARTS = ("orthogonal", "identity", "glorot", "he")

# Data put in the place of what the page measured, and the word that its own cell must then write.
CHANGED = {
    "claim-sum": ({"moved": {"as drawn": 0.0}}, HOLDS),
    "claim-elementwise": ({"mixed": {"x": 0.0, "h": 0.0}}, HOLDS),
    "claim-switch": ({"between": {gate: np.zeros(5) for gate in "ifo"}}, HOLDS),
    "claim-candidate": ({"lowest": {"tanh": -1.0, "sigmoid": -1.0}}, HOLDS),
    "claim-three": ({"negative": {"r": 0.0, "z": 0.0, "n": 0.0}}, HOLDS),
    "claim-error": ({"equal": {"at all": False}}, NOT),
    "claim-algorithm": ({"gap": 0.5}, NOT),
    "claim-nothing": ({"last": np.full((3, 5), 0.5)}, HOLDS),
    "claim-early": ({"held": 0.5, "solved": [0, 0, 0]}, HOLDS),
    "claim-chain": ({"chains": {"a": np.array([[0.1, 0.9]]), "b": np.array([[0.1, 0.9]])}}, HOLDS),
    "claim-tanh": ({"tanh_network": lambda size: (np.full(61, 1.9), np.full((61, 40), 0.1))}, NOT),
    "claim-relu": ({"left": {(a, s): 0.0 for a in ("tanh", "ReLU", "softmax") for s in STARTS}}, NOT),
    "claim-lstm-vanish": ({"by_bias": {0: 0.5, 5: 0.5}}, HOLDS),
    "claim-lstm-explode": ({"by_size": {1: 1.0}}, NOT),
    "claim-everything": ({"found": np.ones((5, 7))}, HOLDS),
    "claim-smaller": (
        {"costs": {"parameters at equal width": (1, 2), "memory": (1, 2)}},
        HOLDS,
    ),
    "claim-faster": (
        {"time_ratio": {"fused": [0.8], "torch": [0.8]}, "by_updates": verdicts.Verdict({"a": True})},
        HOLDS,
    ),
    "claim-accurate": ({"errors": {"asked": (np.full(5, 0.9), np.full(5, 0.1))}}, HOLDS),
    "claim-realtime": ({"by_wait": np.ones(6)}, NOT),
    "claim-depth": ({"one_layer": {"parity": (ALL, ALL)}}, HOLDS),
    "claim-parallel": ({"by_units": {1: 0.5}}, NOT),
    "claim-log": ({"rounding": {"1,000 steps": np.full((2, 5), 1e-7)}}, HOLDS),
    "claim-attention": ({"missed": {"64 names": (RIGHT, WRONG)}}, NOT),
    "claim-infinite": ({"first_found": {"256 others": WRONG}}, HOLDS),
    "claim-delta": ({"more": verdict_of(False)}, NOT),
    "claim-complex": ({"counts_by_length": verdict_of(True)}, HOLDS),
    "claim-weaker": ({"weaker": verdict_of(True)}, HOLDS),
    "claim-nonlinear": ({"bends": {"the input is meant": 0.1, "the state is meant": 0.1}}, HOLDS),
}


@pytest.mark.slow
@pytest.mark.parametrize("anchor", [a for a in ASKED if a != "claim-opposite"])
def test_other_data_give_another_word_on_the_page(page, anchor):
    """The cell that writes the verdict, run again on other data: its sentence and the table change."""
    data, word = CHANGED[anchor]
    cell = next(c for c in CODE if f'"{anchor}",' in c)
    names = {**page, **data, "decided": {}, "SHOWN": []}
    exec(CODE[0].split("_ = display(")[0], names)  # `decide` with a table of its own
    before = page["decided"][anchor]
    run(names, [cell])
    assert names["decided"][anchor][1] == word != before[1]
    assert names["SHOWN"][-1].data.startswith(f"**{word.capitalize()}")


@pytest.mark.slow
def test_opposite_gates_would_be_found(page):
    """The same cell on networks whose gates are opposites."""

    class Cache:
        def __init__(self, r):
            self.r, self.z = r, 1 - r

    cell = next(c for c in CODE if '"claim-opposite",' in c)
    made_up = [Cache(r) for r in np.random.default_rng(0).random((10, 4, 4))]
    names = {**page, "inside": lambda kind, seed: (made_up, 1.0), "SHOWN": []}
    run(names, [CODE[0].split("_ = display(")[0], cell])
    assert names["decided"]["claim-opposite"][1] == HOLDS != page["decided"]["claim-opposite"][1]


@pytest.mark.slow
def test_the_page_decides_every_claim_under_its_heading(page, capsys):
    assert {anchor: claim for anchor, (claim, _, _) in page["decided"].items()} == dict(HEADINGS)
    assert list(page["decided"]) == [anchor for anchor, _ in HEADINGS]
    for anchor, _ in HEADINGS:
        entry = TEXT.split(f"({anchor})=")[1].split("\n(claim-")[0]
        assert f'"{anchor}",' in entry  # decided where it is told


@pytest.mark.slow
def test_what_the_text_says_beside_the_verdicts(page):
    """Words outside of the sentences that are made from data."""
    table = page["head"] + "\n".join(page["rows_shown"])
    assert all(f"](#{anchor})" in table for anchor, _ in HEADINGS)
    assert page["moved"]["the same for x and h"] < 1e-12  # "would the sum be all that counts"
    assert page["mixed"]["c"] == 0  # "the Jacobian from c to c is diagonal"
    assert abs(page["sigmoid"](4.6) - 1) < 0.0101  # "beyond ±4.6 it is within a hundredth"
    assert page["lowest"]["sigmoid"] >= 0 > page["lowest"]["tanh"]
    lengths = page["tanh_network"](4.0)[1]
    assert 1e9 < np.median(lengths[60]) < 1e11  # "by ten orders of magnitude"
    assert page["reached"][-1].max() < 1e-3  # it did vanish
    asked_twice = page["errors"]["an order asked at 80 steps, learned at 40"][0]
    assert np.sum(np.array(asked_twice) > 0.3) >= 3  # "most of these networks lose even"
    assert {f.spec["title"] for f in page["SHOWN"] if isinstance(f, Explorer)} == {
        "One step of a GRU unit",
        "The state is held, the gradient is not",
    }
    r_does = {z: [page["one_step"](r, z)["values"][2] for r in (0.0, 1.0)] for z in (0.0, 1.0)}
    assert r_does[1.0][0] == r_does[1.0][1] == 0.8  # "At z = 1 the reset gate does nothing"
    assert r_does[0.0][0] != r_does[0.0][1]
    for d in page["recalled"]["settings"]["sizes"]:  # "attention stays ahead too at every size"
        for times in page["recalled"]["settings"]["times"]:
            shares = {
                kind: np.median(1 - recall_by_state.wrong(page["recalled"], kind=kind, d=d, times=times))
                for kind in recall_by_state.KINDS
            }
            assert max(shares, key=shares.get) == "attention"
    assert max(page["counted"]["settings"]["lengths"][:1]) == 32  # "on rows of up to 32 symbols"
    assert page["one_step"](0.0, 0.0)["values"][2] != page["one_step"](0.0, 1.0)["values"][2]
