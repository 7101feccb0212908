"""The command `course`: from the solutions to the grades. `course --help` lists what it does."""

import contextlib
import logging
import os
import sys
from pathlib import Path

import click
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn, TimeRemainingColumn
from rich.text import Text

from course_pkg.checks import SEED_VARIABLE
from course_pkg.checks.text import say
from course_pkg.grading import collect as collecting
from course_pkg.grading import outlet, runner, walls
from course_pkg.grading import roster as rosters
from course_pkg.grading.course import Course, new_seed
from course_pkg.grading.proof import prove
from course_pkg.grading.regrade import Held, split
from course_pkg.grading.release import generate, release_to, unreleased
from course_pkg.grading.speaking import (
    Group,
    Problem,
    err,
    first_line,
    known_assignments,
    known_students,
    out,
    plain,
    refresh,
    sweep,
    told,
)
from course_pkg.grading.status import ATTENTION, UNREADABLE


@click.group(cls=Group, context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100})
@click.option("--root", type=click.Path(exists=True, file_okay=False), default=".", help="The course's folder.")
@click.pass_context
def main(context, root):
    """Hand out, collect and grade the assignments of a course; nbgrader's files and gradebook throughout."""
    logging.getLogger("traitlets").setLevel(logging.ERROR)
    if context.invoked_subcommand != "kernels" and not (Path(root) / "nbgrader_config.py").is_file():
        raise Problem(say("no course", folder=Path(root).resolve()))
    context.obj = Course(root)


def _stock_failed(made):
    # nbgrader's log says why; its error is the traceback around it.
    lines = [line for line in (made.get("log") or "").splitlines() if "ERROR" in line or "CRITICAL" in line]
    why = "\n".join(lines) or (made.get("error") or made.get("log") or "").strip().rpartition("\n")[2]
    return Problem((why or say("stock failed"))[-2000:])


@main.command()
@click.argument("names", nargs=-1)
@click.option("--to", type=click.Path(file_okay=False), help="Also write a folder with what students get, only that.")
@click.pass_obj
def release(course, names, to):
    """Make what students get from the solutions, and tell the gradebook."""
    known = sorted(course.api.get_source_assignments())
    if not known:
        raise Problem(say("no sources", folder=course.path("source")))
    for name in names or known:
        if name not in known:
            raise Problem(say("no source", name=name, known=", ".join(known)))
        made = generate(course, name)
        if not made["success"]:
            raise _stock_failed(made)
        out.print(say("released", name=name, path=course.path("release", ".", name)))
        if made["kept"]:
            out.print(say("released again", name=name, count=made["kept"], backup=made["backup"]))
        for student, cell, score in made["lost"]:
            err.print(say("mark lost", student=student, cell=cell, score=score))
        _require_proof(course, course.assignment(name), _can_wall())
    if to:
        with told():
            for path in release_to(course, names or known, Path(to)):
                out.print(f"{path}")


@main.command()
@click.argument("name")
@click.option("--from", "source", type=click.Path(exists=True), help="A folder, or a zip file from Moodle or Canvas.")
@click.option("--overwrite", is_flag=True, help="Take newer work in place of what is there and differs from it.")
@click.pass_obj
def collect(course, name, source, overwrite):
    """Bring submissions into submitted/. Without --from: from nbgrader's exchange."""
    known_assignments(course, [name])
    if source is None:
        before = set(course.students(name))
        made = course.api.collect(name, update=True)
        if not made["success"]:
            raise _stock_failed(made)
        new = set(course.students(name)) - before
        out.print(say("collected", name=name, new=len(new), kept=len(before), count=len(before | new)))
        return
    with told():
        done = collecting.gather(course, name, source, overwrite)
    count = len(course.students(name))
    out.print(say("collected", name=name, new=len(done.taken), kept=len(done.kept), count=count))
    lists = {"replaced": done.replaced, "differ": done.differ, "apart": done.apart, "came late": done.late}
    for key, students in {**lists, "names nobody": done.nobody}.items():
        if students:
            err.print(say(key, count=len(students), students=", ".join(students)))
    for student, why in sorted(done.unread.items()):
        err.print(say("not taken", student=student, why=why))
    if done.unread or not (done.taken or done.kept or done.replaced):
        if not done.unread:
            err.print(say("nothing to collect", source=source))
        sys.exit(1)


@main.command()
@click.argument("file", type=click.Path(exists=True, dir_okay=False))
@click.option("--assignment", help="Whose grading worksheet this is; Moodle has one for each assignment.")
@click.pass_obj
def roster(course, file, assignment):
    """Learn who takes the course: Canvas's gradebook export, or Moodle's grading worksheet."""
    if assignment:
        known_assignments(course, [assignment])
    with told():
        system, learned = rosters.take(course, Path(file).read_bytes(), assignment, file)
    out.print(say("roster", system=system.capitalize(), count=len(learned)))


@main.command()
@click.argument("name")
@click.option("--jobs", type=click.IntRange(1), default=lambda: runner.cores(), help="Processes; default: cores.")
@click.option("--scheduler", help="Address of a Dask cluster that does the work, such as tcp://host:8786.")
@click.option("--student", "students", multiple=True, help="Only these; may be given several times.")
@click.option("--again", is_flag=True, help="Grade also what has not changed, with newly drawn inputs.")
@click.option("--seed", help="Draw the hidden tests' inputs from this; default: a new one for each run.")
@click.option("--accept", is_flag=True, help="Let a regrade count without asking who gains and who loses.")
@click.option("--discard", is_flag=True, help="Forget a regrade that was not accepted.")
@click.option("--no-walls", is_flag=True, help="Run student code without walls. Dangerous.")
@click.pass_obj
def grade(course, name, jobs, scheduler, students, again, seed, accept, discard, no_walls):
    """Grade what is new or changed. Stop it and start it again as you like.

    Where someone has a grade already, it changes only when you accept who gains and who loses.
    """
    held, fixed = Held(course, name), seed or os.environ.get(SEED_VARIABLE)
    if discard:
        known_assignments(course, [name])
        out.print(say("discarded", name=name, count=len(held.students())))
        held.drop()
        return
    assignment = course.assignment(name, fixed or held.seed() or (new_seed() if again else None))
    known_students(course, students, name)
    for cell in unreleased(course, assignment):
        err.print(say("unreleased", name=name, cell=cell))
    if not no_walls and not scheduler:
        _require_walls(course)
    sweep()
    refresh(course, [name])
    if accept and held.students():
        held.accept(assignment)
    tasks = runner.pending(course, assignment, again, students, bool(fixed))
    if not tasks:
        held.drop()
        out.print(say("nothing new", name=name) if course.students(name) else say("no submissions", name=name))
        return
    if no_walls:
        err.print(say("no walls"), markup=True)
    if scheduler:
        from course_pkg.grading.cluster import on_cluster

        work = on_cluster(assignment, scheduler, not no_walls)
    else:
        work = runner.here(assignment, jobs, not no_walls)
    _require_proof(course, assignment, not no_walls and not scheduler, bool(fixed))
    fresh, graded = (tasks, []) if accept else split(course, assignment, tasks)
    waiting = len(graded) - len(held.current(graded, assignment.seed))
    err.print(say("begins", count=len(fresh) + waiting))
    counts, unwritten = {}, {}
    with _bar(name, len(fresh) + waiting, counts, unwritten) as on_done:
        if fresh:
            runner.run(course, assignment, fresh, work, on_done)
        if graded:
            held.grade(assignment, graded, work, on_done)
    out.print(f"{name}: " + ", ".join(f"{count} {status}" for status, count in sorted(counts.items())))
    out.print(say("seed", name=name, seed=assignment.seed))
    if unwritten:
        raise Problem(say("not written", name=name, count=len(unwritten), why=next(iter(unwritten.values()))))
    if graded:
        _settle(held, assignment)


@contextlib.contextmanager
def _bar(name, total, counts, unwritten):
    """A function of (student, told) that moves a bar, counts how submissions ended, and names what needs a person."""
    columns = (TextColumn(name, markup=False), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
    columns += (TimeRemainingColumn(), TextColumn("{task.description}", markup=False))
    with Progress(*columns, console=err) as progress:
        bar = progress.add_task("", total=total)

        def on_done(student, made):
            progress.update(bar, advance=1, description=plain(student))
            reason = first_line(made["reasons"][0][1]) if made["reasons"] else ""
            if "key" not in made:
                unwritten[student] = reason
                return
            counts[made["status"]] = counts.get(made["status"], 0) + 1
            if made["status"] in (ATTENTION, UNREADABLE):
                progress.console.print(
                    Text.assemble((plain(student), "yellow"), plain(f": {made['status']}. {reason}"))
                )

        yield on_done


def _settle(held, assignment):
    """Say who gains and who loses by a regrade; write it down when that is accepted, or when nobody does."""
    changes = held.changes()
    gained = sum(c.after > c.before for c in changes)
    lost = sum(c.after < c.before for c in changes)
    for change in changes:
        cells = ", ".join(
            say("cell moved", cell=cell, before=_points(a), after=_points(b)) for cell, (a, b) in change.cells.items()
        )
        out.print(say("moved from", student=change.student, before=change.before, after=change.after, cells=cells))
    out.print(say("gained", name=assignment.name, gained=gained, lost=lost, count=len(held.students())))
    if changes and not (sys.stdin.isatty() and click.confirm(say("accept"))):
        raise Problem(say("not accepted", name=assignment.name))
    held.accept(assignment)


def _points(score):
    return say("no score yet") if score is None else f"{score:g}"


def _can_wall():
    """Whether walls can be built; what is released is the instructor's own code, and can be tried without."""
    try:
        walls.test()
    except walls.NoWalls:
        return False
    return True


def _require_walls(course):
    try:
        for step in ("source", "submitted", "autograded"):
            walls.shut_out(course.path(step))
        walls.test()
    except walls.NoWalls as problem:
        raise Problem(say("cannot wall", why=problem)) from None


def _require_proof(course, assignment, walled, fixed=False):
    proof = prove(course, assignment, walled, fixed, lambda: err.print(say("proving", name=assignment.name)))
    for hint in proof.hints:
        err.print(f"{assignment.name}: {hint}")
    if proof.stops:
        raise Problem(say("not proven", name=assignment.name, why="\n".join(proof.stops)))


@main.command()
def kernels():
    """Print the folder of the warm kernel, for JUPYTER_PATH: JUPYTER_PATH="$(course kernels)" nbgrader autograde ..."""
    click.echo(walls.HERE)


for handed_out in outlet.COMMANDS:
    main.add_command(handed_out)

if __name__ == "__main__":
    main()
