"""The checks that exercises call: points by part, kindness to right answers, words a student can act on."""

import io
import linecache
import math
import subprocess
import sys
from typing import NamedTuple

import numpy as np
import pytest

from course_pkg import checks

PARTS = {"shape": 1, "care": 1, "range": 1, "value": 2, "other": 3}


class Pair(NamedTuple):
    a: np.ndarray
    b: np.ndarray


def report_on(function, hidden=True, wrong=(), look_up=None):
    """A report on a function that should return tanh(x + y), for x and y of shape (B, H)."""
    report = checks.Report("f", look_up or (lambda: function), "z", PARTS, "a row for each example.")
    zeros = np.zeros((2, 3))
    report.inputs(x=zeros, y=zeros)
    report.fills("range", (-1, 1), "which function ends at -1 and 1?", x=zeros + np.array([-30.0, 0, 30]))
    report.value("value", np.full((2, 3), 0.6), "tanh(log 2) is 3/5.", x=np.full((2, 3), np.log(2)))
    report.keeps(x=zeros + 1)
    if hidden:
        draw = lambda rng, B, H: {"x": rng.normal(size=(B, H)), "y": rng.normal(size=(B, H))}  # noqa: E731
        report.reference(lambda x, y: np.tanh(x + y), draw, sizes=((1, 4), (5, 3), (2, 1)), square=(3, 3))
        report.keeps_drawn()
        report.same("value", zero=("y",))
        report.same("other", "is y in your sum?")
        for name, message, version in wrong:
            report.wrong(name, message, version)
    return report


def right(x, y):
    return np.tanh(np.asarray(x) + np.asarray(y))


def lost(report):
    """The parts that a function lost."""
    score = report.score()
    missing = {part for part in PARTS if part in report.failures}
    assert score == sum(PARTS.values()) - sum(PARTS[part] for part in missing)
    return missing


def test_right_answer_earns_all_and_the_score_is_what_nbgrader_reads():
    """nbgrader reads the repr of the score: it must be a plain float, between 0 and the points."""
    for hidden in (True, False):
        score = report_on(right, hidden).score()
        assert type(score) is float
        assert repr(score) == "8.0"


def own_helper(x, y):
    return right(x, y)


def print_and_warn(x, y):
    print("hello")
    print("hello", file=sys.stderr)
    np.log(np.array([-1.0]))
    np.exp(np.array([1e9]))
    return right(x, y)


@pytest.mark.parametrize(
    "function",
    [
        lambda x, y: right(x, y).tolist(),
        lambda x, y: [row for row in right(x, y)],  # noqa: C416
        lambda x, y: right(x, y).astype(np.float32),
        lambda x, y: right(x, y).astype(x.dtype, order="F"),
        lambda x, y: np.ma.masked_array(right(x, y)),
        own_helper,
        print_and_warn,
    ],
)
def test_right_answers_in_another_dress_lose_nothing(function, capfd):
    assert lost(report_on(function)) == set()
    assert capfd.readouterr().err == ""


def test_print_is_shown_in_the_visible_check_and_never_under_hidden_tests(capsys):
    """A student debugs with print; under hidden tests it could give their inputs away."""

    def talkative(x, y):
        print("x is", x.shape)
        return right(x, y)

    report_on(talkative, hidden=False).score()
    assert "Your function printed:\nx is (2, 3)\n" in capsys.readouterr().out
    report_on(talkative).score()
    assert "(5, 3)" not in capsys.readouterr().out


@pytest.mark.parametrize(
    "change", [np.transpose, lambda a: a[None], lambda a: a[..., None], np.ravel], ids=["T", "1BH", "BH1", "flat"]
)
def test_wrong_shape_costs_the_shape_and_nothing_else(change):
    assert lost(report_on(lambda x, y: change(right(x, y)))) == {"shape"}


def test_changed_input_costs_care_and_nothing_else():
    report = report_on(in_place)
    assert lost(report) == {"care"}
    assert "changed its input x" in report.failures["care"][0]


def test_float64_for_float32_costs_care_and_nothing_else():
    assert lost(report_on(lambda x, y: right(x, y).astype(np.float64))) == {"care"}


def test_a_mask_is_no_float_and_can_be_wrong(capsys):
    """Truth values have no float32 to keep, and are compared by their numbers."""
    for mask, lost_parts in ((lambda x: x > 0, set()), (lambda x: x < 0, {"sign"})):
        report = checks.Report("f", lambda mask=mask: mask, "m", {"shape": 1, "care": 1, "sign": 1}, "one each.")
        report.reference(lambda x: x > 0, lambda rng, n: {"x": rng.normal(size=n)}, sizes=((4,),))
        report.keeps_drawn()
        report.same("sign")
        report.score()
        assert set(report.failures) == lost_parts
    assert "wrong by up to 1" in capsys.readouterr().out


def test_a_slip_in_one_part_leaves_the_others():
    assert lost(report_on(lambda x, y: right(x, 0 * y))) == {"other"}


def test_an_error_on_some_inputs_costs_only_their_parts():
    """A function that fails on a batch of one keeps what the other checks earned."""

    def no_batch_of_one(x, y):
        if len(x) == 1:
            raise RuntimeError("not today")
        return right(x, y)

    assert "shape" not in lost(report_on(no_batch_of_one))


def nothing(x, y):
    raise NotImplementedError


def calls_nothing(x, y):
    return nothing(x, y)


def stop(x, y):
    raise SystemExit


def endless(x, y):
    return endless(x, y)


def unset(x, y):
    if x is None:
        z = y
    return z


def late(x, y):
    raise TimeoutError("the call took longer than 10 seconds")


@pytest.mark.parametrize(
    ("function", "words"),
    [
        (nothing, "not written yet"),
        (3, "of type int"),
        (lambda x, y: None, "returned None"),
        (lambda x, y: "text", "got str, wanted an array of numbers"),
        (lambda x, y: [[1.0], [2.0, 3.0]], "got list, wanted an array of numbers"),
        (lambda x, y: x @ y, "ValueError"),
        (lambda x: x, "TypeError"),
        (stop, "SystemExit"),
    ],
)
def test_no_answer_earns_nothing_and_says_why(function, words, capsys):
    assert report_on(function).score() == 0.0
    assert words in capsys.readouterr().out


@pytest.mark.parametrize(
    ("function", "words"),
    [
        (lambda x, y: x[:, 99], "the last of n is n - 1"),
        (lambda x, y: {"x": x}["z"], "which keys are in that dictionary"),
        (lambda x, y: x.tolist().shape, "A list has no shape"),
        (lambda x, y: 1 // 0, "divide by"),
        (lambda x, y: endless(x, y), "calls itself without an end"),
        (lambda x, y: unset(x, y), "set on every way"),
        (late, "could run without an end"),
        (lambda x, y: __import__("no_such_package"), "is that package on this machine"),
        (lambda x, y: x @ y, "which shape has each factor"),
        (lambda x, y: x + y.T, "which shape has each factor"),
        (lambda x, y: x.reshape(5, 5), "how many numbers are in that array"),
        (lambda x, y: np.concatenate([x, y.T[:, :1]]), "which arrays do you join"),
        (lambda x, y: np.stack([x, y[0]]), "which arrays do you join"),
        (lambda x, y: np.stack([]), "There must be at least one"),
        (lambda x, y: x if x > 0 else y, "neither true nor false"),
        (lambda x, y: np.array([[1.0], [1.0, 2.0]]) + x, "rows of one length"),
        (lambda x, y: np.zeros((2, 2)).__setitem__(0, x), "on the left of the `=`"),
        (lambda x, y: [a for a, b, c, d in zip(x, y)], "how many names on the left"),
        (lambda x, y: x.sum(axis=2), "axes 0 and 1"),
        (lambda x, y: np.max(x[:0]), "no elements"),
        (lambda x, y: math.exp(1e4), "too large for one float"),
        (lambda x, y: np.linalg.inv(x @ y.T * 0), "which value does that line not accept"),
    ],
)
def test_an_error_comes_with_something_to_think_about(function, words, capsys):
    """By the kind of error, or by the kind that it is a case of."""
    assert report_on(function).score() == 0.0
    assert words in " ".join(capsys.readouterr().out.split())


def test_a_long_error_is_cut_and_one_that_is_not_written_asks_for_nothing_else(capsys):
    """The page of feedback shows what to think about too: not a question about some term of an unwritten function."""

    def verbose(x, y):
        raise KeyError("k" * 5000)

    report_on(verbose).score()
    assert len(capsys.readouterr().out) < 1500
    report = report_on(nothing)
    report.score()
    assert {think for _, think in report.failures.values()} == {checks.report.TEXT["think unwritten"]}


def test_numbers_are_shown_in_the_dress_of_the_answer(capsys):
    """A mask beside a mask: True is not wrong because a 1 is wanted."""
    report = checks.Report("f", lambda: lambda: np.array([True, False]), "m", {"shape": 1, "m": 1}, "one row.")
    report.inputs()
    report.value("m", np.array([1, 1]), "why?")
    report.score()
    said = capsys.readouterr().out
    assert "[ True False]" in said
    assert "[ True  True]" in said


def test_a_missing_function_is_a_message(capsys):
    """Its cell was not run, or has a syntax error; the check cell itself must not fail."""
    assert report_on(None, look_up=lambda: missing_function).score() == 0.0  # noqa: F821
    assert "f is not defined. Run the cell above" in capsys.readouterr().out


def test_what_is_not_finite_is_wrong(capsys):
    assert lost(report_on(lambda x, y: np.full_like(x, np.nan))) == {"care", "range", "value", "other"}


def test_the_students_own_line_is_shown(capsys):
    """The line comes from the notebook's own code, which a kernel runs as __main__."""
    source = "def f(x, y):\n    helper = x @ y\n    return helper\n"
    namespace = {"__name__": "__main__"}
    linecache.cache["<notebook>"] = (len(source), None, source.splitlines(keepends=True), "<notebook>")
    exec(compile(source, "<notebook>", "exec"), namespace)
    report_on(namespace["f"]).score()
    assert "in your line: helper = x @ y" in capsys.readouterr().out


def test_a_function_that_waits_for_another_names_it(capsys):
    namespace = {"__name__": "__main__"}
    exec("def inner(x):\n    raise NotImplementedError\ndef f(x, y):\n    return inner(x)\n", namespace)
    assert report_on(namespace["f"]).score() == 0.0
    assert "f calls inner, which is not written yet" in capsys.readouterr().out


def in_place(x, y):
    x += y
    return np.tanh(x)


WRONG = [
    ("y_forgotten", "add y.", lambda x, y: np.tanh(x)),
    ("subtracted", "y is added.", lambda x, y: np.tanh(x - y)),
    ("not_squashed", "squash the sum.", lambda x, y: x + y),
    ("product", "@ is a matrix product.", lambda x, y: np.tanh(x @ y)),
    ("in_place", "+= changes x.", in_place),
]


@pytest.mark.parametrize(("name", "message", "version"), WRONG)
def test_wrong_versions_are_named_and_the_score_stays(name, message, version, capsys):
    named, unnamed = report_on(version, wrong=WRONG), report_on(version)
    assert named.score() == unnamed.score() < 8.0
    assert named.diagnosis == message
    assert f"Diagnosis: {message}" in capsys.readouterr().out


def test_two_slips_at_once_are_not_given_a_wrong_name():
    report = report_on(lambda x, y: x - y, wrong=WRONG)
    report.score()
    assert report.diagnosis is None


def test_trees_are_compared_by_part_and_missing_ones_named():
    """Tuples come back by name; what is there is compared even when something is missing."""

    def check(function):
        report = checks.Report("f", lambda: function, ("first", "second"), {"shape": 1, "a": 1, "b": 1, "c": 1}, "")
        report.inputs(x=np.ones((2, 1)))
        one = np.ones((2, 1))
        report.value("a", (one, None), "")
        report.value("b", (None, Pair(one * 2, None)), "")
        report.value("c", (None, Pair(None, one * 3)), "")
        return report.score(), report.failures

    assert check(lambda x: (x, Pair(2 * x, 3 * x)))[0] == 4.0
    assert check(lambda x: [x, [2 * x, 3 * x]])[0] == 4.0
    assert check(lambda x: (x, Pair(2 * x, x)))[0] == 3.0
    score, failures = check(lambda x: (x,))
    assert score == 1.0
    assert "got 1 things, wanted 2 (first, second)" in failures["shape"][0]


def test_inputs_of_any_kind_are_handed_over_fresh():
    """A Generator starts in the same state at every call, and a callback can be called."""
    report = checks.Report("f", lambda: lambda rng, g: g(rng.normal(size=3)), "z", {"shape": 1, "v": 1}, "")
    want = 2 * np.random.default_rng(5).normal(size=3)
    report.inputs(rng=np.random.default_rng(5), g=lambda a: 2 * a)
    report.value("v", want, "")
    report.value("v", want, "")
    assert report.score() == 2.0


def test_claims_see_the_answer_as_the_reference_is_built():
    report = checks.Report("f", lambda: lambda x: [x.tolist(), (2 * x).T], ("p", "q"), {"shape": 1, "rule": 1}, "")
    report.reference(lambda x: (x, 2 * x), lambda rng, B, H: {"x": rng.normal(size=(B, H))}, sizes=((2, 3), (1, 4)))
    report.holds("rule", lambda f, case: checks.close(2 * f(case)[0], f(case)[1]), "q is twice p.")
    assert report.score() == 1.0
    assert set(report.failures) == {"shape"}


def learner(share):
    """Answers 200 questions, of which such a share is right; the wrong ones come last."""
    return lambda x, seed: np.where(np.arange(200) < round(share * 200), x, 1 - x)


@pytest.mark.parametrize(
    ("shares", "lost"),
    [
        ((0.99, 0.95, 0.97), set()),
        ((1.0, 1.0, 0.8), {"often", "late"}),  # one run that failed
        ((0.74, 0.74, 0.74), {"often", "late"}),
        ((0.5, 0.5, 0.5), {"learns", "often", "late"}),
    ],
)
def test_what_is_learnt_is_judged_by_its_share_over_all_runs(shares, lost, capsys):
    """Each bar is a part of its own, each run is called once, and the report says how every run did."""
    calls = []

    def answers(x, seed):
        calls.append(seed)
        return learner(shares[seed])(x, seed)

    parts = {"shape": 1, "learns": 2, "often": 2, "late": 1}
    report = checks.Report("answers", lambda: answers, "a", parts, "one for each question.")
    x, half = np.arange(200) % 2, np.arange(200) // 100
    report.inputs(x=x, seed=0)
    bars = {"learns": (0.6, None, "more?"), "often": (0.95, None, "often?"), "late": (0.9, 1, "at the end?")}
    report.reaches(bars, [({"seed": k}, x, half) for k in range(3)])
    report.score()
    assert set(report.failures) == lost
    assert calls == [0, 1, 2]
    said = capsys.readouterr().out
    if shares[2] == 0.8:
        assert "a: 93.3% are right, wanted 95% (run by run: 100%, 100%, 80%)" in said


def test_what_cannot_be_counted_as_answers_learns_nothing():
    """Too few of them, or none."""
    for answer in (lambda x, seed: x[:5], lambda x, seed: "yes"):
        parts = {"shape": 1, "learns": 2}
        report = checks.Report("answers", lambda answer=answer: answer, "a", parts, "one for each question.")
        report.inputs(x=np.zeros(200, dtype=int), seed=0)
        report.reaches({"learns": (0.6, None, "more?")}, [({}, np.zeros(200, dtype=int), np.zeros(200, dtype=int))])
        assert report.score() == 0.0
        assert set(report.failures) == {"shape", "learns"}


def test_the_seed_changes_the_hidden_inputs_and_nothing_else_does(monkeypatch):
    draw = lambda name: checks.generator(name).normal(size=4)  # noqa: E731
    monkeypatch.delenv(checks.SEED_VARIABLE, raising=False)
    default = draw("f")
    assert np.array_equal(default, draw("f"))
    assert not np.array_equal(default, draw("g"))
    monkeypatch.setenv(checks.SEED_VARIABLE, "autumn term")
    assert not np.array_equal(default, draw("f"))


def test_a_part_that_does_not_exist_is_the_authors_mistake():
    report = report_on(lambda x, y: x)
    with pytest.raises(ValueError, match="part: got 'valeu', wanted one of shape, care"):
        report.value("valeu", np.ones((2, 3)), "")


def test_a_claim_that_breaks_is_a_claim_that_fails():
    """An answer that the author did not think of costs the part, not the whole cell."""
    report = report_on(right)
    report.holds("other", lambda f, case: f(case)["not an index"])
    assert lost(report) == {"other"}


def test_a_report_needs_the_part_for_shapes():
    with pytest.raises(ValueError, match="wanted one that is called shape"):
        checks.Report("f", lambda: right, "z", {"value": 1}, "")


def test_student_code_cannot_stop_the_report(monkeypatch):
    """Nothing reaches standard error, where nbgrader takes any word for a failure."""
    monkeypatch.setattr(sys, "stderr", io.StringIO())
    for function in (stop, nothing, print_and_warn, lambda x, y: x / 0, lambda x, y: np.full(x.shape, np.inf)):
        report_on(function, wrong=WRONG).score()
    assert sys.stderr.getvalue() == ""


def test_checks_need_numpy_alone():
    """It is what students import: no other part of the course, no plots, no grader."""
    code = "import sys, course_pkg.checks; print(*sorted(m for m in sys.modules if m.split('.')[0] in {0}))"
    watched = {"course_pkg", "matplotlib", "nbgrader", "IPython", "torch"}
    done = subprocess.run([sys.executable, "-c", code.format(watched)], capture_output=True, text=True, check=True)
    assert all(name in ("course_pkg",) or name.startswith("course_pkg.checks") for name in done.stdout.split())


@pytest.mark.parametrize("change", [list, lambda parts: [parts[0].tolist(), [p.tolist() for p in parts[1]]]])
def test_lists_within_lists_lose_nothing_where_float32_is_asked_for(change):
    """A tuple with a tuple in it, as lists: their parts have different shapes, so they are no single array."""
    answer = lambda x: (2 * x, Pair(x.sum(axis=0), np.sum(x)))  # noqa: E731
    report = checks.Report(
        "f", lambda: lambda x: change(answer(x)), ("y", "pair"), {"shape": 1, "care": 1}, "as asked."
    )
    report.inputs(x=np.ones((2, 3)))
    report.keeps(x=np.array([[0.1, 0.2, 0.3], [0.4, 0.5, 0.6]]))
    report.score()
    assert "care" not in report.failures
