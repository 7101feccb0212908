"""One notebook between its two kernels: its cells run in one, the tests in the other, calls are relayed in between."""

from typing import NamedTuple

import nbformat

from course_pkg.checks.text import say
from course_pkg.grading.assignment import names, needed
from course_pkg.grading.choice import label_of
from course_pkg.grading.outputs import ROOM, kept
from course_pkg.grading.talk import Talk

PART = 8 << 20  # bytes of a file that are sent at once
MESSAGE = 300  # characters of an error's text in a reason


class Run:
    """One notebook between its two kernels.

    new_checker  a function that gives a checker in place of one that has ended
    holds        a function of a test's name: whether the assignment's own solution passes it; None if not known
    """

    def __init__(self, kernels, assignment, source, taken, limits, new_checker, holds=lambda name: None):
        self.assignment, self.source, self.notebook = assignment, source, taken.notebook
        self.scores, self.reports = {}, {}
        self._files = {**taken.files, **assignment.files}
        self._known = {c.name: c for c in source.cells}
        self._memory_mb, self._room, self._holds = limits.get("memory_mb", 2048), ROOM, holds
        self.talk = Talk(kernels, assignment.timeout, self._memory_mb, new_checker)
        theirs = [n for found in source.functions.values() for n in found]
        trusted = [c.source for c in source.cells if c.kind == "code" and not c.solution]
        self._theirs = sorted(dict.fromkeys(theirs))
        self._wanted = needed(trusted, theirs)
        self._ran = []  # locked cells that the checker has run, to be run again by a new one

    @property
    def trouble(self):
        """[(cell or "", sentence)] of what needs a person."""
        return self._placed(self.talk.trouble)

    @property
    def notes(self):
        """[(cell or "", sentence)] of what is worth knowing, though it needs nobody."""
        return self._placed(self.talk.notes)

    def _placed(self, told):
        return [(cell if cell in self._known else "", text) for cell, text in told]

    def whole(self):
        """Run every cell up to the last one that is graded; what follows cannot change a grade."""
        self.talk.here = "1"
        self._put_files()
        graded = [i for i, c in enumerate(self.notebook.cells) if self.want(c).points is not None]
        for number, cell in enumerate(self.notebook.cells[: max(graded, default=-1) + 1], 1):
            if cell.cell_type == "code":
                want = self.want(cell)
                self.talk.here = want.name or str(number)
                (self._test if want.test else self._cell)(cell, want)

    def want(self, cell):
        """What the assignment knows of a cell."""
        return self._known.get(label_of(cell), _OWN)

    def _put_files(self):
        for name, content in self._files.items():
            for start in range(0, max(1, len(content)), PART):
                written = self.talk.tell_file(name, content[start : start + PART], start > 0)
                if not written and not self.talk.gone:
                    self.talk.notes.append(("", say("file not written", file=name)))
                    break

    # Cells that the student's kernel runs.

    def _cell(self, cell, want):
        if want.shared:  # both kernels run it, at the same time
            self.talk.send_checker({"do": "shared", "source": cell.source})
            self._ran.append({"do": "shared", "source": cell.source})
        answer = self.talk.run(cell.source)
        outputs = None
        if answer is not None:
            try:
                outputs, used = kept(answer[0], self._room)
                self._room -= used
            except (TypeError, ValueError, IndexError):
                self.talk.lose(say("ended", cell=self.talk.here))
        cell.outputs = outputs if outputs is not None else [self._no_answer()]
        self._note_error(cell, want)
        if want.shared:
            done = self.talk.hear_checker()
            if done is None:
                self._renew_checker()
            if done is None or not done["ok"]:
                error = say("no answer") if done is None else done["outputs"][-1].get("ename", "")
                self.talk.trouble.append((want.name, say("test kernel", cell=want.name, error=error)))

    def _no_answer(self):
        text = self.talk.gone or say("cell time", cell=self.talk.here, seconds=self.assignment.timeout)
        return nbformat.v4.new_output("error", ename="Stopped", evalue=text, traceback=[text])

    def _note_error(self, cell, want):
        """An answer's own error is told: what tests say of it later is only what follows from it."""
        found = next((o for o in cell.outputs if o["output_type"] == "error" and o["ename"] != "Stopped"), None)
        if found is not None and want.solution and found["ename"] != "NotImplementedError":
            text = say("cell error", cell=want.name, kind=found["ename"], message=found["evalue"][:MESSAGE])
            self.talk.notes.append((want.name, text))

    # Cells that the checker runs.

    def _test(self, cell, want):
        question = {"do": "test", "source": cell.source, "wanted": self._wanted, "theirs": self._theirs}
        self.talk.send_checker({**question, "gone": say("gone") if self.talk.gone else ""})
        told = self.talk.hear_checker()
        if told is None:
            text = self._renew_checker(want.name)
            self.talk.trouble.append((want.name, text))
            self.scores[want.name] = None
            cell.outputs = [nbformat.v4.new_output("error", ename="Stuck", evalue=text, traceback=[text])]
            return
        self._ran.append({**question, "gone": ""})
        self.scores[want.name] = self._score(want, told)
        self.reports[want.name] = {key: told[key] for key in ("report", "error", "lines")}
        # nbgrader takes any word on standard error for a failure, so it is shown as ordinary output.
        for output in told["outputs"]:
            if output.get("name") == "stderr":
                output["name"] = "stdout"
        cell.outputs = [nbformat.from_dict(o) for o in told["outputs"]]

    def _renew_checker(self, cell=""):
        """A new checker, as far as the old one was before this cell. Returns why the old one gave no answer."""
        reason = self.talk.replace_checker()
        later = set().union(*(names(c.source)[0] for c in self.source.cells if c.test and c.name not in self.scores))
        for question in self._ran:
            # Tests are not run a second time unless what follows needs what they define.
            if question["do"] == "shared" or names(question["source"])[1] & later:
                gone = say("gone") if self.talk.gone else ""
                self.talk.send_checker(question if question["do"] == "shared" else {**question, "gone": gone})
                if self.talk.hear_checker() is None:
                    self.talk.replace_checker()
                    break
        limits = {"cell": cell, "limit": self._memory_mb, "seconds": 2 * self.assignment.timeout}
        return say({"memory": "test memory", "told": "test stuck"}.get(reason, "test ended"), **limits)

    def _score(self, want, told):
        """Points, or None for an error of the assignment."""
        if told["error"] is not None:
            # An error in a line of the test's own can be the student's fault, or the assignment's: its solution tells.
            if told["own"] and self._holds(want.name) is False:
                kind = told["error"][0]
                self.talk.trouble.append((want.name, say("test broken", cell=want.name, kind=kind)))
                return None
            return 0.0
        if told["full"]:
            return want.points
        if told["wrong"] or not 0 <= told["score"] <= want.points:
            wrong = told["wrong"] or f"{told['score']:g}"
            self.talk.trouble.append((want.name, say("score", cell=want.name, wrong=wrong, points=want.points)))
            return None
        return told["score"]


class _Own(NamedTuple):
    """A cell that the assignment does not know."""

    name: str = ""
    source: str = ""
    test: bool = False
    shared: bool = False
    solution: bool = False
    points: float | None = None


_OWN = _Own()
