"""The command `course`: from the solutions to the grades. `course --help` lists what it does."""

import contextlib
import logging
import os
import zipfile
from pathlib import Path

import click
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn, TimeRemainingColumn
from rich.table import Table
from rich.text import Text

from course_pkg.checks import SEED_VARIABLE
from course_pkg.checks.text import say
from course_pkg.grading import collect as collecting
from course_pkg.grading import export as exporting
from course_pkg.grading import feedback as pages
from course_pkg.grading import runner, walls
from course_pkg.grading.assignment import NoAssignment
from course_pkg.grading.course import Busy, Course, new_seed
from course_pkg.grading.proof import prove
from course_pkg.grading.release import release_to
from course_pkg.grading.status import ATTENTION, UNREADABLE

# No markup: names of files and students may hold brackets.
out = Console(highlight=False, markup=False)
err = Console(stderr=True, highlight=False, markup=False)


@click.group(context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100})
@click.option("--root", type=click.Path(exists=True, file_okay=False), default=".", help="The course's folder.")
@click.pass_context
def main(context, root):
    """Hand out, collect and grade the assignments of a course; nbgrader's files and gradebook throughout."""
    logging.getLogger("traitlets").setLevel(logging.ERROR)
    context.obj = Course(root)


def _stock_failed(made):
    return click.ClickException((made.get("error") or made.get("log") or say("stock failed")).strip()[-2000:])


@contextlib.contextmanager
def _told():
    """What is wrong with what was given is said, without a traceback."""
    try:
        yield
    except (ValueError, zipfile.BadZipFile) as problem:
        raise click.ClickException(str(problem)) from None


def _assignment(course, name, seed=None):
    try:
        return course.assignment(name, seed)
    except NoAssignment as problem:
        raise click.ClickException(str(problem)) from None


@main.command()
@click.argument("names", nargs=-1)
@click.option("--to", type=click.Path(file_okay=False), help="Also write a folder with what students get, only that.")
@click.pass_obj
def release(course, names, to):
    """Make what students get from the solutions, and tell the gradebook."""
    known = sorted(course.api.get_source_assignments())
    for name in names or known:
        if name not in known:
            raise click.ClickException(say("no source", name=name, known=", ".join(known) or say("nobody")))
        made = course.api.generate_assignment(name, force=True)
        if not made["success"]:
            raise _stock_failed(made)
        out.print(say("released", name=name, path=course.path("release", ".", name)))
        _require_proof(course, _assignment(course, name), _can_wall())
    if to:
        with _told():
            for path in release_to(course, names or known, Path(to)):
                out.print(f"{path}")


@main.command()
@click.argument("name")
@click.option("--from", "source", type=click.Path(exists=True), help="A folder, or a zip file from Moodle or Canvas.")
@click.option("--overwrite", is_flag=True, help="Replace submissions that are there already.")
@click.pass_obj
def collect(course, name, source, overwrite):
    """Bring submissions into submitted/. Without --from: from nbgrader's exchange."""
    if source is None:
        before = set(course.students(name))
        made = course.api.collect(name, update=True)
        if not made["success"]:
            raise _stock_failed(made)
        new, kept = set(course.students(name)) - before, before
    else:
        with _told():
            new, kept = collecting.collect(course, name, source, overwrite)
    count = len(course.students(name))
    out.print(say("collected", name=name, new=len(new), kept=len(kept), count=count))


@main.command()
@click.argument("name")
@click.option("--jobs", type=click.IntRange(1), default=lambda: runner.cores(), help="Processes; default: cores.")
@click.option("--scheduler", help="Address of a Dask cluster that does the work, such as tcp://host:8786.")
@click.option("--student", "students", multiple=True, help="Only these; may be given several times.")
@click.option("--again", is_flag=True, help="Grade also what has not changed, with newly drawn inputs.")
@click.option("--seed", help="Draw the hidden tests' inputs from this; default: a new one for each run.")
@click.option("--no-walls", is_flag=True, help="Run student code without walls. Dangerous.")
@click.pass_obj
def grade(course, name, jobs, scheduler, students, again, seed, no_walls):
    """Grade what is new or changed. Stop it and start it again as you like."""
    fixed = seed or os.environ.get(SEED_VARIABLE)
    assignment = _assignment(course, name, fixed or (new_seed() if again else None))
    if no_walls:
        err.print(say("no walls"), markup=True)
    elif not scheduler:
        _require_walls(course)
    tasks = runner.pending(course, assignment, again, students, bool(fixed))
    if not tasks:
        out.print(say("nothing new", name=name))
        return
    if scheduler:
        from course_pkg.grading.cluster import on_cluster

        work = on_cluster(assignment, scheduler, not no_walls)
    else:
        work = runner.here(assignment, jobs, not no_walls)
    _require_proof(course, assignment, not no_walls and not scheduler, bool(fixed))
    counts = {}
    columns = (
        TextColumn(name, markup=False),
        BarColumn(),
        MofNCompleteColumn(),
        TimeElapsedColumn(),
        TimeRemainingColumn(),
    )
    with Progress(*columns, TextColumn("{task.description}", markup=False), console=err) as progress:
        bar = progress.add_task("", total=len(tasks))

        def on_done(student, told):
            counts[told["status"]] = counts.get(told["status"], 0) + 1
            progress.update(bar, advance=1, description=student)
            if told["status"] in (ATTENTION, UNREADABLE):
                first = told["reasons"][0][1] if told["reasons"] else ""
                progress.console.print(Text.assemble((student, "yellow"), f": {told['status']}. {first}"))

        try:
            runner.run(course, assignment, tasks, work, on_done)
        except Busy as problem:
            raise click.ClickException(str(problem)) from None
    out.print(f"{name}: " + ", ".join(f"{count} {status}" for status, count in sorted(counts.items())))
    out.print(say("seed", name=name, seed=assignment.seed))


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
        raise click.ClickException(say("cannot wall", why=problem)) from None


def _require_proof(course, assignment, walled, fixed=False):
    err.print(say("proving", name=assignment.name))
    proof = prove(course, assignment, walled, fixed)
    for hint in proof.hints:
        err.print(f"{assignment.name}: {hint}")
    if proof.stops:
        raise click.ClickException(say("not proven", name=assignment.name, why="\n".join(proof.stops)))


@main.command()
@click.argument("name")
@click.option("--student", "students", multiple=True, help="Only these; may be given several times.")
@click.pass_obj
def feedback(course, name, students):
    """Write a page for each student into feedback/."""
    assignment = _assignment(course, name)
    written = pages.write_all(course, assignment, students)
    out.print(say("pages", name=name, count=len(written), path=course.path("feedback")))


@main.command()
@click.argument("names", nargs=-1)
@click.option("--to", "kind", type=click.Choice(sorted(exporting.WRITERS)), default="csv", show_default=True)
@click.option("--output", type=click.Path(dir_okay=False), help="The file; default: grades.csv, grades-canvas.csv, ...")
@click.option("--accept", multiple=True, help="A student whose score counts although it needs attention.")
@click.pass_obj
def export(course, names, kind, output, accept):
    """Write grades for the learning system. What failed stays empty and is named; it is never a zero."""
    found = exporting.rows(course, names, accept)
    path = Path(output) if output else course.root / ("grades.csv" if kind == "csv" else f"grades-{kind}.csv")
    with path.open("w", newline="", encoding="utf-8") as file:
        exporting.WRITERS[kind](found, file)
    out.print(say("lines", path=path, count=len(found)))
    for row in exporting.unsettled(found):
        held = say("held", points=row.open_points) if row.status in exporting.SETTLED else row.status
        told = say("not final", assignment=row.assignment, student=row.student, held=held, reason=row.reason)
        err.print(told)


@main.command()
@click.argument("names", nargs=-1)
@click.pass_obj
def status(course, names):
    """Who has handed in, what was graded and how."""
    found = exporting.rows(course, names)
    table = Table("assignment", "status", "students", say("mean score"))
    for name in dict.fromkeys(r.assignment for r in found):
        mine = [r for r in found if r.assignment == name]
        for word in dict.fromkeys(sorted(r.status for r in mine)):
            group = [r for r in mine if r.status == word]
            scores = [r.score for r in group if r.score is not None]
            mean = say("mean", mean=sum(scores) / len(scores), points=group[0].max_score) if scores else ""
            table.add_row(name, word, str(len(group)), mean)
    out.print(table)
    for row in found:
        if row.status in (ATTENTION, UNREADABLE):
            out.print(f"{row.assignment}, {row.student}: {row.status}. {row.reason}")


@main.command()
def kernels():
    """Print the folder of the warm kernel, for JUPYTER_PATH: JUPYTER_PATH="$(course kernels)" nbgrader autograde ..."""
    click.echo(walls.HERE)


if __name__ == "__main__":
    main()
