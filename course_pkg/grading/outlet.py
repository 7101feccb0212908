"""The commands that hand on what grading gave: pages, tables, the class as a whole, and an autograder for elsewhere."""

import sys
from pathlib import Path

import click
from rich.table import Table

from course_pkg.checks.text import say
from course_pkg.grading import export as exporting
from course_pkg.grading import feedback as pages
from course_pkg.grading import gradescope as boxes
from course_pkg.grading import parts as by_part
from course_pkg.grading import report as reports
from course_pkg.grading import roster as rosters
from course_pkg.grading.course import write
from course_pkg.grading.speaking import Problem, err, known_assignments, known_students, out, plain, refresh, told
from course_pkg.grading.status import ATTENTION, UNREADABLE


@click.command()
@click.argument("name")
@click.option("--student", "students", multiple=True, help="Only these; may be given several times.")
@click.option("--zip", "archive", type=click.Path(dir_okay=False), help="Also the zip file that Moodle takes back.")
@click.option("--release", "released", is_flag=True, help="Also hand the pages out through nbgrader's exchange.")
@click.pass_obj
def feedback(course, name, students, archive, released):
    """Write a page for each student into feedback/."""
    assignment = course.assignment(name)
    known_students(course, students, name)
    refresh(course, [name])
    written = pages.write_all(course, assignment, students)
    out.print(say("pages", name=name, count=len(written), path=course.path("feedback")))
    missing = []
    with told():
        if archive:
            count, missing = pages.moodle_zip(course, assignment, Path(archive))
            out.print(say("zipped", path=archive, count=count))
        if released:
            done, without = pages.release_pages(course, assignment, students)
            out.print(say("handed out", name=name, count=len(done)))
            missing += without
    if missing:
        err.print(say("no way back", count=len(missing), students=", ".join(missing)))
    if not written or missing:
        sys.exit(1)


def _column(context, option, values):
    pairs = [v.partition("=") for v in values]
    for name, sign, head in pairs:
        if not (name and sign and head):
            raise click.BadParameter(say("column", given=name))
    return {name: head for name, _, head in pairs}


@click.command()
@click.argument("names", nargs=-1)
@click.option("--to", "kind", type=click.Choice(sorted(exporting.WRITERS)), default="csv", show_default=True)
@click.option("--by", type=click.Choice(["assignment", "part"]), default="assignment", show_default=True)
@click.option("--output", type=click.Path(dir_okay=False), help="The file; default: grades.csv, grades-canvas.csv, ...")
@click.option("--accept", multiple=True, help="A student whose score counts although it needs attention.")
@click.option("--scale", is_flag=True, help="Convert scores where the learning system counts to another number.")
@click.option("--column", "columns", multiple=True, callback=_column, help="NAME=HEAD: an assignment's Canvas column.")
@click.pass_obj
def export(course, names, kind, by, output, accept, scale, columns):
    """Write grades for the learning system. What failed stays empty and is named; it is never a zero."""
    known_students(course, accept)
    chosen = known_assignments(course, names)
    refresh(course, chosen)
    found = exporting.rows(course, chosen, accept)
    name = "grades-by-part.csv" if by == "part" else "grades.csv" if kind == "csv" else f"grades-{kind}.csv"
    path = Path(output) if output else course.root / name
    if by == "part":
        count = _by_part(course, chosen, path)
    else:
        with told():
            count = _export(course, found, kind, path, scale, columns)
    out.print(say("lines", path=path, count=count))
    by_hand = {}
    for row in exporting.unsettled(found):
        if row.status in exporting.SETTLED and not row.reason:
            by_hand.setdefault((row.assignment, row.open_points), []).append(row.student)
            continue
        held = say("held", points=row.open_points) if row.status in exporting.SETTLED else row.status
        err.print(say("not final", assignment=row.assignment, student=row.student, held=held, reason=row.reason))
    for (assignment, points), students in sorted(by_hand.items()):
        shown = ", ".join(students[:5]) + (", …" if len(students) > 5 else "")
        err.print(say("all by hand", assignment=assignment, points=points, count=len(students), students=shown))


def _export(course, found, kind, path, scale, columns):
    filled = None if kind == "csv" else rosters.fill(course, found, kind, scale, columns)
    if filled is None:
        if kind != "csv":
            err.print(say("no roster yet", system=kind.capitalize()))
        exporting.save(found, kind, path)
        return len(found)
    write(path, ("\ufeff" + filled.text).encode())
    if filled.missing:
        missing = ", ".join(filled.missing)
        err.print(say("not in the roster", system=kind.capitalize(), count=len(filled.missing), students=missing))
    return filled.count


def _by_part(course, names, path):
    count, tables = 0, []
    for name in names:
        found = by_part.parts(course, course.assignment(name))
        count += len(found)
        tables.append((name, found))
    write(path, by_part.table(tables, exporting.plain))
    return count


@click.command()
@click.argument("name")
@click.option("--output", type=click.Path(dir_okay=False), help="The file; default: report-NAME.html.")
@click.pass_obj
def report(course, name, output):
    """One page of the class, and a second one without names to show in class."""
    path = Path(output) if output else course.root / f"report-{name}.html"
    refresh(course, known_assignments(course, [name]))
    found = reports.survey(course, course.assignment(name))
    if not found["graded"]:
        raise Problem(say("nothing to report", name=name))
    for target, names in ((path, True), (path.with_name(f"{path.stem}-class{path.suffix}"), False)):
        write(target, reports.page(found, names))
        out.print(f"{target}")


@click.command()
@click.argument("names", nargs=-1)
@click.pass_obj
def status(course, names):
    """Who has handed in, what was graded and how, and what waits for a person."""
    chosen = known_assignments(course, names)
    refresh(course, chosen)
    found = exporting.rows(course, chosen)
    if not found:
        out.print(say("nobody yet"))
        return
    table = Table("assignment", "status", "students", say("mean score"), say("waiting"))
    for name in dict.fromkeys(r.assignment for r in found):
        mine = [r for r in found if r.assignment == name]
        for word in dict.fromkeys(sorted(r.status for r in mine)):
            group = [r for r in mine if r.status == word]
            scores = [r.score for r in group if r.score is not None]
            mean = say("mean", mean=sum(scores) / len(scores), points=group[0].max_score) if scores else ""
            waits = len(exporting.unsettled(group))
            table.add_row(plain(name), word, str(len(group)), mean, str(waits) if waits else "")
    out.print(table)
    for row in found:
        if row.status in (ATTENTION, UNREADABLE):
            out.print(f"{row.assignment}, {row.student}: {row.status}. {row.reason}")


@click.command()
@click.argument("name")
@click.option("--to", "folder", type=click.Path(file_okay=False), required=True, help="The folder to write.")
@click.option("--no-walls", is_flag=True, help="Let it run student code without walls where none can be built.")
@click.pass_obj
def gradescope(course, name, folder, no_walls):
    """Write an autograder for Gradescope: a folder, and the zip file to upload."""
    with told():
        archive = boxes.build(course, course.assignment(name), Path(folder), not no_walls)
    out.print(f"{archive}")
    if no_walls:
        err.print(say("no walls there"))


COMMANDS = (feedback, export, report, status, gradescope)
