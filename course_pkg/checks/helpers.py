"""A function that calls others of the student's own is graded with theirs, then with right ones. The better counts.

The second time comes only where the function has lost points, and another of the notebook's functions has lost some in
its own check before. The reference's version then stands in the place of each such helper. A part that is right now
was lost by the helper, where it is paid for already.
"""

import contextlib

_notebook = {"space": None, "wrong": {}}  # the notebook that is graded, and its functions that have lost points


def _here(space, functions):
    """Put functions into a notebook's names. What is None is taken away."""
    space.update(functions)
    for name in [name for name, function in functions.items() if function is None]:
        space.pop(name, None)


places = [_here]  # what to call with (names of the notebook, {name: function}); the grader adds the student's process


class Helper:
    """The reference in the place of a student's function, called as the exercise says."""

    def __init__(self, name, right, names):
        self.__name__, self._right, self._names, self.called = name, right, names, False

    def __call__(self, *args, **kwargs):
        """What the reference returns. Its own arguments may have other names, so these go in by their order."""
        self.called, args = True, list(args)
        for name in self._names[len(args) :]:
            if name not in kwargs:
                break
            args.append(kwargs.pop(name))
        return self._right(*args, **kwargs)


def note(report, lost):
    """Remember whether the function of a report has lost points in its own check."""
    space = getattr(report._function, "__globals__", None)
    if _notebook["space"] is not space:
        _notebook.update(space=space, wrong={})
    _notebook["wrong"].pop(report.name, None)
    if lost:
        _notebook["wrong"][report.name] = (report._right, list(report._inputs))


def forget():
    """No function has lost points."""
    _notebook.update(space=None, wrong={})


@contextlib.contextmanager
def standing_in(report):
    """The notebook with right helpers in place of those that have lost points: a list of them."""
    space = getattr(report._function, "__globals__", None)
    wrong = _notebook["wrong"] if _notebook["space"] is space else {}
    helpers = {name: Helper(name, *told) for name, told in wrong.items() if name != report.name}
    before = {name: space.get(name) for name in helpers}
    try:
        for place in places if helpers else ():
            place(space, helpers)
        yield list(helpers.values())
    finally:
        for place in places if helpers else ():
            place(space, before)


def second_chance(report, lost):
    """The parts that stay lost with right helpers. Those that do not are noted in `report.owed`, {part: helpers}."""
    with standing_in(report) as helpers:
        if not helpers:
            return lost
        first = report._state()
        again = report._again()
        names = [helper.__name__ for helper in helpers if helper.called]
        if not names or not lost - again:
            report._state(first)
            return lost
    report.owed = {part: names for part in report.parts if part in lost - again}
    for part in set(report.failures) - lost:
        del report.failures[part]
    return lost & again
