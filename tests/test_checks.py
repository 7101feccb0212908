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
from course_pkg.checks import fingerprints, known

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
        (lambda x, y: x + y.T, "It goes number by number"),
        (lambda x, y: x.sum(axis=0).__iadd__(x), "which has what you write into it"),
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


# At work: what the second failing run adds, and where an error is said to be.


@pytest.fixture
def kernel(monkeypatch):
    """Runs cells of a notebook as a kernel does, which has just begun. Returns the names that they set."""
    monkeypatch.setattr(checks.report, "_failing", {})
    space = {"__name__": "__main__"}

    def run(source, name="<cell>"):
        linecache.cache[name] = (len(source), None, source.splitlines(keepends=True), name)
        exec(compile(source, name, "exec"), space)
        return space

    return run


def visible(function, name="rnn_step"):
    """The visible check of a step with two inputs and three units, of which 03 knows wrong versions."""
    report = checks.Report(name, function, "h_t", {"shape": 1, "value": 1}, "a row for each example.")
    zeros = {"x_t": np.zeros((2, 2)), "h_prev": np.zeros((2, 3)), "W_ih": np.zeros((3, 2)), "W_hh": np.zeros((3, 3))}
    report.inputs(**zeros, b=np.zeros(3))
    report.value("value", np.full((2, 3), 0.6), "tanh(log 2) is 3/5.", b=np.full(3, np.log(2)))
    report.score()
    return report


def known_as(monkeypatch, name, made, versions, **entry):
    """Let the wrong versions {sentence: function} of `name` be known, with the visible cases of the report `made`."""
    cases = fingerprints.telling_cases(made.visible)
    right = known.answers_of(entry.pop("right"), cases, made.returns)
    told = []
    for says, function in versions.items():
        answers = known.answers_of(function, cases, made.returns)
        told.append({"says": says, "wrong": known.wrong_places(answers, right), "answers": answers})
    functions = {name: {"cases": [[k, known.inputs_of(case)] for k, case in enumerate(cases)], "versions": told}}
    found = [{"yours": [], "given": entry.get("given", []), "functions": functions}]
    monkeypatch.setattr(known, "assignments", lambda: found)
    known.given.cache_clear()


def two_arrays(function):
    """The visible check of a function that returns two arrays."""
    report = checks.Report("two", lambda: function, ("p", "q"), {"shape": 1, "p": 1, "q": 1, "care": 1}, "as x.")
    report.inputs(x=np.array([1.0, 2]), y=np.array([0.0, 1]))
    report.value("p", (np.array([1.0, 3]), None), "what is p?")
    report.value("q", (None, np.array([0.0, 2])), "what is q?")
    return report


def changes_x(x, y):
    x += y
    return x.copy(), (x - y) * y


PERHAPS = "perhaps, for it explains only a part of what is wrong: "
TWO = {
    "p is a sum.": lambda x, y: (x - y, x * y),
    "q is a product.": lambda x, y: (x + y, x / 2),
    "p and q have changed places.": lambda x, y: (x * y, x + y),
    "x is changed.": changes_x,
}


@pytest.mark.parametrize(
    ("function", "named"),
    [
        (lambda x, y: (x - y, x * y), ["p is a sum."]),
        (lambda x, y: (x - y, x / 2), ["p is a sum.", "q is a product."]),
        (lambda x, y: [(x - y).tolist(), (x / 2).tolist()], ["p is a sum.", "q is a product."]),
        (lambda x, y: (x * y, x + y), ["p and q have changed places."]),
        (lambda x, y: (x - y, x + 7), [PERHAPS + "p is a sum."]),
        (lambda x, y: (changes_x(x, y)[0], x / 2 - y / 2), ["q is a product.", "x is changed."]),
        (lambda x, y: (changes_x(x, y)[0], x + 7), [PERHAPS + "x is changed."]),
        (lambda x, y: (x + 7, x - 7), []),
    ],
)
def test_the_second_failing_run_names_the_mistakes_array_by_array(function, named, monkeypatch, kernel, capsys):
    """Two known mistakes in two arrays are both named, and nothing at all is said at the first run."""
    known_as(monkeypatch, "two", two_arrays(TWO["p is a sum."]), TWO, right=lambda x, y: (x + y, x * y))
    two_arrays(function).score()
    assert "Diagnosis" not in capsys.readouterr().out
    again = two_arrays(function)
    again.score()
    assert sorted(again.diagnoses) == sorted(named)
    said = capsys.readouterr().out
    assert all(f"Diagnosis: {sentence}" in " ".join(said.split()) for sentence in named)


def test_a_passed_check_forgets_what_failed_before(monkeypatch, kernel):
    right, wrong = (lambda x, y: (x + y, x * y)), TWO["p is a sum."]
    known_as(monkeypatch, "two", two_arrays(wrong), TWO, right=right)
    for function, named in ((wrong, 0), (wrong, 1), (right, 0), (wrong, 0), (wrong, 1)):
        report = two_arrays(function)
        report.score()
        assert len(report.diagnoses) == named


def test_other_cases_than_those_that_are_known_name_nothing(monkeypatch, kernel):
    """A notebook of another year must not be told what this year's mistakes answer."""
    known_as(monkeypatch, "two", two_arrays(TWO["p is a sum."]), TWO, right=lambda x, y: (x + y, x * y))
    for _ in range(2):
        report = two_arrays(TWO["p is a sum."])
        report.visible.insert(0, {"x": np.ones(2), "y": np.ones(2)})
        report.score()
    assert report.diagnoses == []


def test_each_lost_part_asks_its_own_question(kernel, capsys):
    two_arrays(lambda x, y: (x - y, x / 2)).score()
    said = capsys.readouterr().out
    assert "Think: what is p?" in said
    assert "Think: what is q?" in said


def test_what_is_printed_alike_is_shown_with_its_difference(kernel, capsys):
    two_arrays(lambda x, y: (x + y + 1e-6, x * y)).score()
    assert "which is printed alike, but differs by up to 1e-06" in capsys.readouterr().out


HELPED = "def inner(x, y):\n    return x @ y\ndef two(x, y):\n    return inner(x, np.ones(5)), x\n"


def test_an_error_in_another_function_is_said_to_be_there(kernel, capsys):
    """In the student's own: it is named. In a given one: the student's line is shown, and who raised it."""
    kernel("import numpy as np")
    two_arrays(kernel(HELPED)["two"]).score()
    said = " ".join(capsys.readouterr().out.split())
    assert "in your line: return x @ y which is in inner, and two calls it" in said


def test_an_error_in_given_code_is_not_called_your_line(monkeypatch, kernel, capsys):
    known_as(monkeypatch, "two", two_arrays(changes_x), TWO, right=lambda x, y: (x + y, x * y), given=["inner"])
    kernel("import numpy as np")
    two_arrays(kernel(HELPED)["two"]).score()
    said = " ".join(capsys.readouterr().out.split())
    assert "in your line: return inner(x, np.ones(5)), x The error came up in inner, which is given and right." in said
    assert "what does your line hand over" in said
    known.given.cache_clear()


def test_a_function_whose_helper_does_not_pass_says_so(kernel, capsys):
    kernel("def rnn_step(x_t, h_prev, W_ih, W_hh, b):\n    return 0 * h_prev\n")
    two = kernel("def two(x, y):\n    rnn_step(x, y, x, y, x)\n    return x, y\n")["two"]
    visible(lambda: kernel("")["rnn_step"])
    two_arrays(two).score()
    assert "two calls rnn_step, whose own check does not pass yet" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("source", "words"),
    [
        (
            "import no_such_package\ndef two(x, y):\n    pass\n",
            "ModuleNotFoundError: No module named 'no_such_package'",
        ),
        ("def two(x, y):\n    return (x\n", "SyntaxError: '(' was never closed"),
    ],
)
def test_why_a_function_is_missing_is_shown(source, words, monkeypatch, kernel, capsys):
    """The error that stopped its cell, as the kernel keeps it; not one of another cell."""
    report = lambda: checks.Report("two", lambda: two, "p", {"shape": 1, "p": 1}, "")  # noqa: E731, F821
    monkeypatch.setattr(sys, "last_exc", None, raising=False)
    for text, shown in ((source.replace("two", "other"), False), (source, True)):
        name = f"<cell {shown}>"
        try:
            kernel(text, name)
        except Exception as error:
            monkeypatch.setattr(sys, "last_exc", error)
        made = report()
        made.inputs()
        made.value("p", np.ones(1), "")
        made.score()
        said = " ".join(capsys.readouterr().out.split())
        assert (f"two is not defined, since its cell stopped with {words}" in said) == shown
        assert ("Run the cell above this one" in said) != shown


def test_a_fingerprint_knows_nan_and_cannot_be_read_back():
    """Three sums of many numbers; nan and inf have their place in them; float noise changes nothing."""
    a = np.linspace(0, 1, 12).reshape(3, 4)
    mark = lambda a: fingerprints.fingerprint(lambda x: a, {"x": np.ones(1)})[""]  # noqa: E731
    assert len(mark(a)) == 5
    for scale in (1e-3, 1.0, 10.0, 1e6):
        assert fingerprints.alike(mark(scale * a), mark(scale * (a + 1e-12)))
        assert not fingerprints.alike(mark(1e3 * scale * a), mark(1e3 * scale * (a + 1e-4)))
    bad = a.copy()
    bad[1, 2] = np.nan
    assert fingerprints.alike(mark(bad), mark(bad.copy()))
    for other in (a + 1e-4, a[::-1], a.T, a.ravel(), bad, np.where(np.isnan(bad), np.inf, bad)):
        assert not fingerprints.alike(mark(a), mark(other))


def follower(first, second):
    """A report on a function of x (2,) that returns a, which is twice x, and b, which is made of a."""
    report = checks.Report(
        "f", lambda: lambda x: (first(x), second(x)), ("a", "b"), {"shape": 1, "a": 2, "b": 2}, "two."
    )
    report.inputs(x=np.ones(2))
    report.value("a", (np.array([2.0, 6]), None), "twice x.", x=np.array([1.0, 3]))
    report.follows("b", "a", np.array([[10.0, 1], [0, 1]]), "made of your a.", x=np.array([1.0, 3]))
    report.score()
    return set(report.failures)


def test_what_follows_from_another_answer_is_judged_by_that_answer():
    """A slip in the first costs the first alone; one in the second, the second alone."""
    made = lambda a: np.array([10 * a[0], a.sum()])  # noqa: E731
    assert follower(lambda x: 2 * x, lambda x: made(2 * x)) == set()
    assert follower(lambda x: 3 * x, lambda x: made(3 * x)) == {"a"}
    assert follower(lambda x: 2 * x, lambda x: made(3 * x)) == {"b"}
    assert follower(lambda x: 2 * x, lambda x: made(2 * x)[:1]) == {"b", "shape"}


@pytest.mark.parametrize("a", [np.zeros(2), np.ones(3), "text", None])
def test_nothing_follows_from_an_answer_that_is_none(a, capsys):
    """Zeros in both would agree with anything. What is to be mended is the other answer, and that is said."""
    assert "b" in follower(lambda x: a, lambda x: np.zeros(2))
    assert "Mend a first" in capsys.readouterr().out
