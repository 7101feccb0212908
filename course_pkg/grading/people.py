"""Who is who: which folder belongs to which person, in `.course/people.json`, so that two never share one."""

import json

from course_pkg.checks.text import say
from course_pkg.grading.course import MEMORY, write
from course_pkg.grading.names import CANVAS, NOBODY, folder_name


class TwoPeople(ValueError):
    """Two people for one folder; the text names both."""


class People:
    """The people of a course, by the numbers that learning systems gave them.

    Canvas gives a person one number for all courses; Moodle gives another one in each assignment.
    """

    def __init__(self, course):
        self._path = course.root / MEMORY / "people.json"
        try:
            known = json.loads(self._path.read_text(encoding="utf-8"))
        except FileNotFoundError:
            known = {}
        self.numbers = known.get("numbers", {})  # {system and assignment: {number: folder}}
        self.names = known.get("names", {})  # {system and assignment: {number: name as the system wrote it}}
        self.roster = known.get("roster", {})  # {folder: {"name", "email", "login", ...}}

    def save(self):
        """Keep them; whole or not at all."""
        kept = {"numbers": self.numbers, "names": self.names, "roster": self.roster}
        write(self._path, json.dumps(kept, indent=1, sort_keys=True, ensure_ascii=False))

    @staticmethod
    def place(system, assignment):
        """Where a system's numbers hold."""
        return system if system == CANVAS else f"{system}:{assignment}"

    def know(self, system, assignment, number, name, folder):
        """Remember whose a number is."""
        place = self.place(system, assignment)
        self.numbers.setdefault(place, {})[number] = folder
        self.names.setdefault(place, {})[number] = name

    def folders(self, persons, assignment):
        """{Person: folder}. Raises TwoPeople where two would share one."""
        found = {}
        bases = {}
        for person in persons:
            bases.setdefault(folder_name(person.name), set()).add((person.number, _plain(person)))
        for person in sorted(persons):
            found[person] = self._folder(person, assignment, len(bases[folder_name(person.name)]) > 1)
        owners = {}
        for person, folder in found.items():
            owner = owners.setdefault(folder, person)
            # The same folder is right for one number, such as a file and a text of one student.
            if owner != person and (
                not person.number or (owner.system, owner.number) != (person.system, person.number)
            ):
                raise TwoPeople(say("two people", one=_told(owner), other=_told(person), folder=folder))
        for person, folder in found.items():
            if person.number:
                self.know(person.system, assignment, person.number, person.name, folder)
        return found

    def _folder(self, person, assignment, shared):
        base, place = folder_name(person.name), self.place(person.system, assignment)
        if not person.number:
            return base
        known = self.numbers.get(place, {}).get(person.number)
        if known:
            return known
        alike = [folder for folder, told in self.roster.items() if folder_name(told["name"]) == base]
        if len(alike) == 1 and not shared:
            return alike[0]
        owned = {folder for number, folder in self.numbers.get(place, {}).items() if number != person.number}
        everywhere = {folder for numbers in self.numbers.values() for folder in numbers.values()}
        apart = any(f.startswith(f"{base}-") and f[len(base) + 1 :].isalnum() and f[-1:].isdigit() for f in everywhere)
        if shared or len(alike) > 1 or base in owned or apart or person.name.casefold() in NOBODY:
            return f"{base}-{person.number}"
        return base


def _plain(person):
    return folder_name(person.name) if person.number else person.name


def _told(person):
    return f"{person.name} ({person.number})" if person.number else person.name
