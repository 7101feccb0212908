"""Hidden tests are sharp: small changes of a solution cost points. `nox -s mutants` tries them all."""

import author
import pytest

pytest.importorskip("resource", reason="mutants need the limits of a Unix process")
import mutants


@pytest.mark.parametrize("name", author.assignments())
def test_a_sample_of_mutants_loses_points(name):
    """A dozen of each assignment, drawn with a fixed seed; the bar is that of the whole session."""
    outcomes = mutants.try_mutants(name, sample=12, inputs=30)
    assert mutants.share(outcomes) >= mutants.BAR, mutants.table(outcomes)
    assert sum(o.caught is True for o in outcomes) >= 6
    assert sum(o.behaviour == "unclear" for o in outcomes) <= 3


def test_a_check_that_is_too_kind_is_found_out(monkeypatch):
    """The opposite control: where the check gives full marks to anything, every mutant that differs survives."""
    strict = mutants.targets
    monkeypatch.setattr(
        mutants,
        "targets",
        lambda name: [t._replace(check=t.check._replace(source=str(float(t.check.points)))) for t in strict(name)],
    )
    outcomes = mutants.try_mutants("02-sequences", sample=12, inputs=30)
    assert len(mutants.survivors(outcomes)) >= 6
    assert mutants.share(outcomes) == 0


def test_the_solution_itself_is_no_mutant():
    """Unchanged, each function behaves the same and loses nothing."""
    for target in mutants.targets("02-sequences"):
        same = mutants.changes.Mutant(kind="none", source=target.source, was="", now="")
        assert mutants.behaviour(target, same, mutants.drawn(target, 20)) == "same"
        assert not mutants.loses_points(target, same)
