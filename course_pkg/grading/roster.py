"""Who takes the course, from Canvas's gradebook export or Moodle's grading worksheet; and that file, filled in.

Canvas: https://community.canvaslms.com/docs/DOC-12661; Moodle: "Download grading worksheet" of an assignment, which
gives times of submission, too. Both find a student again by the number in the file, and so do we.
"""

import csv
import datetime
import io
import re
import zoneinfo
from typing import NamedTuple

from nbgrader.api import Gradebook

from course_pkg.checks.text import say
from course_pkg.grading.course import MEMORY, write
from course_pkg.grading.export import plain
from course_pkg.grading.names import CANVAS, MOODLE, folder_name
from course_pkg.grading.people import People

FULL_NAME, EMAIL, LOGIN, SIS = "Full name", "Email address", "SIS Login ID", "SIS User ID"
ID_NUMBER, SUBMITTED, MOST, COMMENTS = "ID number", "Last modified (submission)", "Maximum grade", "Feedback comments"
POSSIBLE, TEST_STUDENT = "Points Possible", "Student, Test"
CANVAS_KEEPS = ("Student", "ID", SIS, LOGIN, "Integration ID", "Root Account", "Section")
MOODLE_TIMES = ("%A, %d %B %Y, %I:%M %p", "%A, %d %B %Y, %H:%M", "%A, %B %d, %Y, %I:%M %p", "%Y-%m-%d %H:%M:%S")


class Roster(NamedTuple):
    """The file as it came: `rows` of text, of which those in `students`, {number: row}, are people."""

    system: str
    header: list
    rows: list
    students: dict
    delimiter: str

    def column(self, name):
        """The place of a column, or None."""
        return self.header.index(name) if name in self.header else None

    def value(self, row, name):
        """A row's text in a column; "" where there is none."""
        place = self.column(name)
        return row[place].strip() if place is not None and place < len(row) else ""


def parse(data, file=""):
    """A Roster from a file's bytes. Raises ValueError when it is neither Canvas's nor Moodle's."""
    try:
        text = data.decode("utf-16" if data[:2] in (b"\xff\xfe", b"\xfe\xff") else "utf-8-sig")
    except UnicodeDecodeError:
        text = data.decode("cp1252", "replace")
    head = text.partition("\n")[0]
    delimiter = max(",;\t", key=head.count)
    table = [row for row in csv.reader(io.StringIO(text, newline=""), delimiter=delimiter) if any(row)]
    header = [name.strip() for name in table[0]] if table else []
    if "Student" in header and "ID" in header:
        place, system, number = header.index("ID"), CANVAS, re.compile(r"(\d+)")
    elif "Identifier" in header:
        place, system, number = header.index("Identifier"), MOODLE, re.compile(r"\D*(\d+)")
    else:
        raise ValueError(say("no roster", file=file, columns=", ".join(header[:12]) or say("nobody")))
    students, repeated = {}, []
    for row in table[1:]:
        found = number.fullmatch(row[place].strip()) if place < len(row) else None
        if found and not (system == CANVAS and row[header.index("Student")].strip() == TEST_STUDENT):
            repeated += [found[1]] if found[1] in students else []
            students[found[1]] = row
    if repeated and system == MOODLE:
        raise ValueError(say("number twice", file=file, number=repeated[0]))
    if not students:
        raise ValueError(say("empty roster", file=file))
    return Roster(system, header, table[1:], students, delimiter)


def kept(course, system, assignment):
    """The roster that was given for a learning system, or None."""
    try:
        return parse(_path(course, system, assignment).read_bytes())
    except FileNotFoundError:
        return None


def _path(course, system, assignment):
    name = f"{system}.csv" if system == CANVAS else f"{system}-{assignment}.csv"
    return course.root / MEMORY / "rosters" / name


def take(course, data, assignment, file=""):
    """Learn who takes the course; returns (system, {student: what is known of them})."""
    roster, people = parse(data, file), People(course)
    if roster.system == MOODLE and not assignment:
        raise ValueError(say("whose worksheet", file=file))
    learned, zone = {}, _zone(course)
    described = {number: _described(roster, row, number) for number, row in roster.students.items()}
    shared = {}
    for told in described.values():
        shared.setdefault(folder_name(told["name"]), []).append(told)
    for number, told in described.items():
        folder = _folder(people, roster.system, assignment, number, told, shared)
        known = people.roster.get(folder, {})
        when = _time(roster.value(roster.students[number], SUBMITTED), zone)
        times = {**known.get("times", {}), **({assignment: when} if when else {})}
        people.roster[folder] = {**known, **{k: v for k, v in told.items() if v}, "times": times}
        place = people.place(roster.system, assignment)
        people.know(roster.system, assignment, number, people.names.get(place, {}).get(number, told["name"]), folder)
        learned[folder] = told
    with Gradebook(course.directory.db_url, course.directory.course_id) as gradebook:
        for folder, told in learned.items():
            gradebook.update_or_create_student(folder, **_names(told))
    for folder in learned:
        place = course.path("submitted", folder, assignment) if assignment else None
        when = people.roster[folder]["times"].get(assignment)
        if place and when and place.is_dir():
            write(place / "timestamp.txt", when)
    write(_path(course, roster.system, assignment), data)
    people.save()
    return roster.system, learned


def _described(roster, row, number):
    get = lambda name: roster.value(row, name)  # noqa: E731
    if roster.system == CANVAS:
        login = get(LOGIN) or get(SIS)
        return {"name": get("Student"), "email": login if "@" in login else "", "login": login, "lms": number}
    name = get(FULL_NAME) or f"Participant {number}"
    return {"name": name, "email": get(EMAIL), "login": get("Username") or get(ID_NUMBER), "lms": ""}


def _folder(people, system, assignment, number, told, shared):
    known = people.numbers.get(people.place(system, assignment), {}).get(number)
    if known:
        return known
    taken = people.roster
    for folder, other in taken.items():
        for key in ("email", "login"):
            if told[key] and told[key].casefold() == other.get(key, "").casefold():
                return folder
    base = folder_name(told["login"] if system == CANVAS and told["login"] else told["name"])
    alone = len(shared[folder_name(told["name"])]) == 1 or (system == CANVAS and told["login"])
    if alone and base not in taken:
        return base
    own = told["login"] or told["email"].partition("@")[0] or number
    made = base if base.endswith(f"-{number}") else f"{base}-{folder_name(own)}"
    return made if made not in taken else f"{base}-{number}"


def _names(told):
    last, comma, first = told["name"].partition(", ")
    # Moodle gives one name, and which part of it is whose family's differs from place to place: it stays whole.
    made = {"last_name": last, "first_name": first if comma else ""}
    return made | {k: v for k, v in (("email", told["email"]), ("lms_user_id", told["lms"])) if v}


def _zone(course):
    name = str(course.config.Exchange.timezone) if "timezone" in course.config.Exchange else "UTC"
    try:
        return zoneinfo.ZoneInfo(name)
    except (zoneinfo.ZoneInfoNotFoundError, ValueError):
        raise ValueError(say("no zone", name=name)) from None


def _time(text, zone):
    for form in MOODLE_TIMES:
        try:
            when = datetime.datetime.strptime(text, form).replace(tzinfo=zone)
        except ValueError:
            continue
        return when.astimezone(datetime.UTC).strftime("%Y-%m-%d %H:%M:%S UTC")
    return ""


class Filled(NamedTuple):
    """A roster's file with grades in it; `missing` are students with a grade whom the file does not have."""

    text: str
    count: int
    missing: list


def fill(course, found, system, scale=False, columns=None):
    """Fill the Rows of assignments into the file that came from the learning system.

    What is not settled stays as it was in the file, so an import changes nothing there. Raises ValueError when the
    file counts to another number of points, unless `scale` says that scores are to be converted.
    """
    names = list(dict.fromkeys(r.assignment for r in found))
    if system == MOODLE and len(names) != 1:
        raise ValueError(say("one worksheet", names=", ".join(names)))
    roster = kept(course, system, names[0]) if names else None
    if roster is None:
        return None
    numbers = People(course).numbers
    if system == CANVAS:
        places = {name: _canvas_column(roster, name, (columns or {}).get(name)) for name in names}
        rows, count, seen = _fill_canvas(roster, found, places, numbers.get(CANVAS, {}), scale)
    else:
        rows, count, seen = _fill_moodle(roster, found, numbers.get(People.place(MOODLE, names[0]), {}), scale)
    missing = sorted({r.student for r in found if r.score is not None} - seen)
    file = io.StringIO(newline="")
    csv.writer(file, delimiter=roster.delimiter, lineterminator="\r\n").writerows(rows)
    return Filled(file.getvalue(), count, missing)


def _canvas_column(roster, name, given):
    wanted = (given or name).casefold()
    for place, head in enumerate(roster.header):
        if wanted in (head.casefold(), re.sub(r" \(\d+\)$", "", head).casefold()):
            return place
    heads = [h for h in roster.header if re.search(r" \(\d+\)$", h)]
    raise ValueError(say("no column", name=given or name, columns=", ".join(heads) or say("nobody")))


def _fill_canvas(roster, found, places, numbers, scale):
    scores = {(r.student, r.assignment): r for r in found}
    identity = [i for i, head in enumerate(roster.header) if head in CANVAS_KEEPS]
    chosen, rows, count, seen = identity + list(places.values()), [], 0, set()
    possible = next((r for r in roster.rows if r and r[0].strip().startswith(POSSIBLE)), None)
    for row in roster.rows:
        row = row + [""] * (len(roster.header) - len(row))
        student = numbers.get(row[roster.column("ID")].strip())
        seen |= {student}
        for name, place in places.items():
            mine = scores.get((student, name))
            if mine is not None and mine.settled:
                row[place] = _number(mine, possible[place] if possible else "", scale)
                count += 1
        rows.append([row[i] for i in chosen])
    return [[roster.header[i] for i in chosen], *rows], count, seen


def _fill_moodle(roster, found, numbers, scale):
    scores, rows, count, seen = {r.student: r for r in found}, [], 0, set()
    by_row = {id(row): number for number, row in roster.students.items()}
    grade, comments = roster.column("Grade"), roster.column(COMMENTS)
    if grade is None:
        raise ValueError(say("no column", name="Grade", columns=", ".join(roster.header)))
    for source in roster.rows:
        row = source + [""] * (len(roster.header) - len(source))
        student = numbers.get(by_row.get(id(source)))
        seen |= {student}
        mine = scores.get(student)
        if mine is not None and mine.settled:
            row[grade] = _number(mine, roster.value(source, MOST), scale)
            if comments is not None and mine.reason:
                row[comments] = plain(mine.reason)
            count += 1
        rows.append(row)
    return [roster.header, *rows], count, seen


def _number(row, most, scale):
    """A score in the file's own points."""
    try:
        most = float(str(most).strip().replace(",", "."))
    except ValueError:
        most = row.max_score
    if most != row.max_score and not scale:
        raise ValueError(say("other points", name=row.assignment, most=most, points=row.max_score))
    return f"{round(row.score * most / row.max_score, 4) if row.max_score else row.score:g}"
