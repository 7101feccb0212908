"""Values between the two kernels: what crosses, what is refused and how, and that nothing but values crosses."""

import threading
from typing import NamedTuple

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from course_pkg.grading.assignment import needed
from course_pkg.grading.checker import score_of
from course_pkg.grading.inside import frames
from course_pkg.grading.inside.changes import write_back
from course_pkg.grading.inside.codec import Decoder, Encoder, Refused
from course_pkg.grading.inside.errors import describe_error, rebuild_error
from course_pkg.grading.inside.peer import Peer


class Pair(NamedTuple):
    a: np.ndarray
    b: float


def refuse(o):
    raise Refused(str(o))


def across(value):
    return Decoder(refuse, lambda name, fields: Pair if name == "Pair" else None).value(Encoder(refuse).message(value))


def same(a, b):
    if isinstance(a, np.ndarray):
        return type(b) is np.ndarray and a.dtype == b.dtype and a.shape == b.shape and a.tobytes() == b.tobytes()
    if isinstance(a, (tuple, list)):
        return type(a) is type(b) and len(a) == len(b) and all(map(same, a, b))
    return type(a) is type(b) and (a == b or a != a)


arrays = hnp.arrays(hnp.scalar_dtypes().filter(lambda d: d.kind in "biufcMm"), hnp.array_shapes(min_dims=0, max_dims=3))
plain = st.none() | st.booleans() | st.integers() | st.floats() | st.text() | st.complex_numbers() | st.binary()


@settings(max_examples=100, deadline=None)
@given(st.recursive(plain | arrays, lambda inner: st.lists(inner) | st.tuples(inner, inner), max_leaves=8))
def test_values_cross_unchanged(value):
    """Same type, same dtype, same bits."""
    assert same(value, across(value))


def test_the_rest_of_what_crosses():
    rng = np.random.default_rng(3)
    rng.normal(size=5)
    other = across(rng)
    assert np.array_equal(rng.normal(size=4), other.normal(size=4))
    pair = across(Pair(np.arange(3), 2.0))
    assert type(pair) is Pair
    for value in ({1: "a", (2, 3): [4]}, {1, 2}, slice(1, None, 2), range(4), np.dtype("f4"), np.float32(1.5)):
        assert across(value) == value
        assert type(across(value)) is type(value)


def test_tensors_cross_with_the_gradient_they_hold():
    torch = pytest.importorskip("torch")
    w = torch.ones(3, requires_grad=True)
    (w * torch.arange(3.0)).sum().backward()
    other = across(w)
    assert other.requires_grad
    assert torch.equal(other.grad, torch.arange(3.0))
    assert not across(w * 2).requires_grad  # the graph stays behind, and a backward there says so


@pytest.mark.parametrize("value", [np.array([object()]), object(), lambda: 0, [[object()]], np.zeros(5_000_000)])
def test_what_cannot_cross_is_refused(value):
    with pytest.raises(Refused):
        across(value)


@settings(max_examples=200, deadline=None)
@given(st.binary(max_size=300))
def test_nonsense_is_refused_and_nothing_else(data):
    with pytest.raises(Refused):
        Decoder(refuse).value(b'\x00\x00\x00\x05{"a":' + data)


def test_no_pickle_crosses():
    """An npy file with pickled objects in it is refused by its header."""
    import io

    buffer = io.BytesIO()
    np.save(buffer, np.array([Pair(1, 2), None], dtype=object), allow_pickle=True)
    data = buffer.getvalue()
    text = b'{"array": %d}' % len(data)
    with pytest.raises(Refused):
        Decoder(refuse).value(len(text).to_bytes(4, "big") + text + data)


def test_changes_in_place_come_back():
    inner = np.zeros(2)
    old = (np.zeros(3), [inner, 1], {"k": inner})
    write_back(old, (np.ones(3), [np.full(2, 5.0), 2, 3], {"k": np.full(2, 5.0), "l": 4}))
    assert old[0].sum() == 3
    assert old[1][1:] == [2, 3]
    assert inner.tolist() == [5.0, 5.0]
    assert old[2]["l"] == 4


@pytest.fixture
def both():
    """A checker's end; the student's namespace behind it."""
    ours, theirs = frames.pair()
    namespace = {}
    student = Peer(theirs, namespace)

    def serve():
        try:
            while True:
                student.serve(frames.read(theirs)[1])
        except frames.Gone:
            pass

    thread = threading.Thread(target=serve, daemon=True)
    thread.start()
    yield Peer(ours, lends="functions"), namespace
    ours.close()
    thread.join()
    theirs.close()


def test_calls_callbacks_and_changed_arguments(both):
    """A student's function that calls a function of the tests, and writes into its argument."""
    checker, space = both

    def numerical(f, x):
        x += 1.0
        return f(x) + f(2 * x)

    space["numerical"] = numerical
    x = np.ones(2)
    assert checker.ask("call", "numerical", lambda v: float(v.sum()), x) == 12.0
    assert x.tolist() == [2.0, 2.0]


def test_generators_and_instances_are_used_from_afar(both):
    checker, space = both

    class Counter:
        def __init__(self, start):
            self.start = start

        def up(self, by=1):
            self.start += by
            return self.start

    space["count"] = lambda n: (k * k for k in range(n))
    space["Counter"] = Counter
    assert list(checker.ask("call", "count", 4)) == [0, 1, 4, 9]
    counter = checker.ask("call", "Counter", 5)
    assert counter.up(by=2) == 7
    assert counter.start == 7
    assert type(counter).__name__ == "Counter"  # a message of the checks says what the student knows
    with pytest.raises(AttributeError):
        _ = counter._secret
    with pytest.raises(TypeError, match="neither true nor false"):
        bool(counter)


def test_errors_arrive_with_their_type_message_and_line(both):
    checker, space = both
    code = compile("def f(x):\n    return undefined + x\n", "<cell>", "exec")
    namespace = {"__name__": "__main__"}
    exec(code, namespace)
    space["f"] = namespace["f"]
    with pytest.raises(NameError, match="undefined") as caught:
        checker.ask("call", "f", 1)
    told = describe_error(caught.value)
    assert told["lines"][-1][:2] == ("f", 2)


@pytest.mark.parametrize("bases", [["StopIteration"], ["KeyboardInterrupt"], ["GeneratorExit"], ["nonsense"], []])
def test_no_error_of_a_students_ends_the_tests(bases):
    """StopIteration would end a loop of the tests; KeyboardInterrupt the tests themselves."""
    error = rebuild_error({"type": "X", "bases": bases, "message": "m", "lines": []})
    assert type(error).__mro__[1] is Exception or type(error) is Exception


def test_the_checker_lends_functions_and_nothing_else(both):
    checker, space = both
    space["f"] = lambda o: 1
    with pytest.raises(Refused):
        checker.ask("call", "f", object())


def test_names_that_tests_define_are_never_taken_from_a_student():
    trusted = [
        "import numpy as np\nfrom a import b as c",
        "def helper(q):\n    return np.abs(q) + mine(q)",
        "x = len([1])",
    ]
    assert needed(trusted, ["solution"]) == ["mine", "solution"]


@pytest.mark.parametrize(
    ("result", "score", "wrong"),
    [
        (2, 2.0, False),
        (np.float64(1.5), 1.5, False),
        (None, None, False),
        (float("nan"), None, True),
        (float("inf"), None, True),
        ("5", None, True),
        (True, None, True),
        ([1], None, True),
    ],
)
def test_what_counts_as_a_score(result, score, wrong):
    told = score_of(result)
    assert told["score"] == score
    assert bool(told["wrong"]) == wrong
    assert told["full"] == (result is None)
