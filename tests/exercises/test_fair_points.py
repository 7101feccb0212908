"""Points are fair: a slip costs where it is and nowhere else, and no score hangs on the seed."""

import author
import fairness
import pytest

from course_pkg.checks import Report, helpers

TRAINS = {"13-sentiment"}  # each try trains a network; `nox -s fair` has the time for it


@pytest.fixture(autouse=True)
def no_slip_so_far():
    helpers.forget()
    yield
    helpers.forget()


@pytest.mark.parametrize("name", [name for name in author.assignments() if name not in TRAINS])
def test_a_slip_costs_nothing_in_other_functions(name):
    """Two versions of every function that others call; `nox -s fair` tries them all."""
    assert [slip for slip in fairness.slips(name, most=2) if slip[2]] == []


def test_there_are_slips_to_try():
    assert len(fairness.slips("05-bptt", most=3)) == 9


def test_the_arguments_of_a_check_are_called_as_those_of_the_function(assignment):
    """A right helper is called by these names, as students call their own."""
    namespace, graded = author.play(assignment)
    for name, result in graded.items():
        if result.points:
            code = namespace[name].__code__
            assert list(result.report._inputs) == list(code.co_varnames[: code.co_argcount]), name


# How it works, on two functions.


def double(x):
    return 2 * x


def report(name, space, right):
    made = Report(name, eval(f"lambda: {name}", space), "y", {"shape": 1, "twice": 2, "plus": 3}, "like x.")
    made.inputs(x=1.0)
    made.value("twice", right(2.0), "twice?", x=2.0)
    made.reference(right, lambda rng: {"x": float(rng.normal())}, sizes=[()])
    made.same("plus")
    return made


def graded(source):
    """The reports on f, which is to double, and on g, which is to call it and add 1, in a notebook of this source."""
    space = {"__name__": "__main__"}
    exec(source, space)
    first = report("f", space, double)
    earned = [first.score()]
    second = report("g", space, lambda x: double(x) + 1)
    earned.append(second.score())
    return earned, second, space


RIGHT = "def g(x):\n    return f(x=x) + 1\n"


def test_a_right_function_keeps_its_points_beside_a_wrong_helper(capsys):
    earned, second, space = graded("def f(x):\n    return 3 * x\n" + RIGHT)
    assert earned == [1.0, 6.0]
    assert second.owed == {"twice": ["f"], "plus": ["f"]}
    assert "ok  twice (right as soon as f is" in capsys.readouterr().out
    assert space["f"](1) == 3  # and the student's own is back


@pytest.mark.parametrize("source", ["", "def f(x):\n    raise NotImplementedError\n", "def f(x):\n    1 / 0\n"])
def test_a_helper_that_is_not_there_costs_its_own_points(source):
    earned, second, space = graded(source + RIGHT)
    assert earned == [0.0, 6.0]
    assert ("f" in space) == bool(source)


def test_the_function_itself_still_pays_for_its_own_slip():
    earned, second, _ = graded("def f(x):\n    return 3 * x\ndef g(x):\n    return f(x) + 2\n")
    assert earned == [1.0, 1.0]
    assert second.owed == {}


def test_a_right_helper_is_not_replaced():
    """No second try: where the helper is right, what is wrong is the function's own."""
    earned, second, _ = graded("calls = []\ndef f(x):\n    calls.append(x)\n    return 2 * x\n" + RIGHT.replace("1", "2"))
    assert earned == [6.0, 1.0]
    assert second.owed == {}


def test_a_slip_in_another_notebook_is_no_slip_here():
    graded("def f(x):\n    return 3 * x\n" + RIGHT)
    with helpers.standing_in(report("g", {"g": double}, double)) as placed:
        assert placed == []
