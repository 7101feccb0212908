"""Every sentence that grading says to students and instructors, in one place, so that it can be translated.

What the checks say of a function stands in `course_pkg.checks.text`.
"""

GRADED, REPAIRED, ATTENTION, UNREADABLE = "graded", "graded after repair", "needs attention", "unreadable"
NOT_SUBMITTED, NOT_GRADED = "not submitted", "not graded yet"

TEXT = {
    # Intake: what could not be read.
    "no notebook": "There is no notebook in this submission. It holds: {files}.",
    "nothing": "The submission is empty.",
    "empty file": "{file} is empty.",
    "too large": "{file} has {size:.0f} MB; {limit:.0f} MB is the most that is read.",
    "html": "{file} is a web page, not a notebook. It was probably saved from the browser. Use Download instead.",
    "script": "{file} holds Python code as plain text, not a notebook. Hand in the .ipynb file itself.",
    "conflict": "{file} holds marks of a merge conflict (<<<<<<<). Solve the conflict and save the notebook again.",
    "cut off": "{file} is not whole: it stops in the middle (at character {at} of {size}). Probably the upload "
    "broke off.",
    "not json": "{file} is not a notebook file: {why} at line {line}.",
    "not a notebook": "{file} is a JSON file, but not a notebook: it has no cells.",
    "nested": "{file} is nested too deeply to be read.",
    "other": "{file} is not this assignment: none of its cells belongs to {assignment}.",
    # Intake: what was repaired.
    "renamed": "The notebook is called {file}; it was graded as {name}.",
    "several": "There are {count} notebooks of this assignment; {file} was graded, the others were not: {others}.",
    "from zip": "The notebook was taken out of {file}.",
    "encoding": "The file was not saved as UTF-8; it was read as {encoding}.",
    "twice": "The notebook was stored as text inside JSON; it was unpacked.",
    "old format": "The notebook has the old format {version}; it was converted to 4.",
    "new format": "The notebook says that it has format {version}; it was read as format 4.",
    "cells mended": "{count} cells did not follow the notebook format; they were mended.",
    "identified": "The cell {name} had lost its label; it was recognised by {how}.",
    "by id": "its id",
    "by text": "its text",
    "by function": "the function in it",
    "by place": "where it stands",
    "restored": "The cell {name} was missing; it was put back.",
    "edited": "The cell {name} was changed; it was graded as it was handed out.",
    "kind changed": "The cell {name} was turned into {got}; it was turned back into {want}.",
    "settings": "The points or the lock of the cell {name} were changed; they were put back.",
    "duplicate same": "The cell {name} is there {count} times; the copies without an answer were left out.",
    "duplicate": "The cell {name} is there {count} times; all were run, and what was defined last counts.",
    "duplicate text": "The answer {name} is there {count} times; the longest was kept as the answer, the others "
    "beside it.",
    "duplicate locked": "The cell {name} is there {count} times; one was kept.",
    "moved": "Cells stood in another order than in the assignment; they were put in order.",
    "unknown label": "{count} cells had labels that this assignment does not know; they were run as ordinary cells.",
    "kernel": "The notebook asks for the kernel {got}; it was run with {want}.",
    "elsewhere": "The cell {name} was missing, but its function is written in another cell.",
    # Intake: what only a person can settle.
    "missing": "The cell {name} is missing, and what it asks for is nowhere in the notebook.",
    "missing answer": "The written answer {name} is missing.",
    "ambiguous": "Several notebooks hold different answers: {others}. {file} was graded, as it holds most.",
    # While it ran.
    "ended": "The code ended its Python process in cell {cell}. What came after it was not run.",
    "ended in test": "The code ended its Python process when {cell} called it. What came after it was not run.",
    "memory": "The code used more than {limit} MB of memory in cell {cell} and was ended. What came after was not run.",
    "budget": "The notebook ran longer than {seconds:.0f} s in all, and was stopped in cell {cell}.",
    "cell time": "Cell {cell} ran longer than {seconds:.0f} s and was stopped.",
    "gone": "your code ended the Python process before this test; what it had defined is lost",
    "call time": "no answer within {seconds:.0f} s. Is there a loop that does not end?",
    "call stuck": "A function did not answer {cell} within {seconds:.0f} s and could not be stopped, so the whole "
    "process was.",
    "call budget": "the calls of this test took {seconds:.0f} s together; it is not called again",
    "nonsense": "what came back cannot be read ({why})",
    # Errors of the assignment.
    "score": "Error of the assignment: the test {cell} gave {wrong}, wanted a number from 0 to {points:g}. "
    "It was not counted; grade it by hand.",
    "test stuck": "Error of the assignment: the test {cell} did not end within {seconds:.0f} s.",
    "test kernel": "Error of the assignment: the locked cell {cell} stopped with {error}.",
    "grader": "The grader itself failed on this submission, {times} times: {why}. It has no score yet.",
    # The page for a student.
    "title": "{assignment}: your feedback",
    "total": "{score:g} of {points:g} points",
    "total by hand": "{score:g} of {points:g} points so far; {open:g} points wait for a person to read them",
    "late": "{penalty:g} points were taken off because it came late.",
    "no score": "This submission has no score yet.",
    "status title": "How it was graded",
    "function title": "{name}",
    "points": "{score:g} of {points:g}",
    "by hand": "A person reads this answer.",
    "comment": "Comment",
    "think": "Think",
    "diagnosis": "Diagnosis",
    "line": "Your line {number}, in {function}",
    "part ok": "right",
    "part no": "not yet",
    "part behind": "not looked at: mend what is above first",
    "all right": "Everything is right.",
    "error": "The test stopped with {kind}: {message}",
    "hints": "Three hints stand above this cell in the notebook, closed until you want them.",
    "foot": "The tests use sizes and numbers that the notebook does not show. Your numbers were {quality}.",
    "own error": "This cell stopped with {kind}: {message}",
    "care": "care: no input is changed, float32 stays float32",
}

STATUS_TEXT = {
    GRADED: "Everything was in order.",
    REPAIRED: "Something in the file had to be mended first. That cost no points.",
    ATTENTION: "Something only a person can settle. Your instructor sees it, too.",
    UNREADABLE: "The file could not be read, so there is no score. This is not a zero: hand it in again.",
}


def say(key, **values):
    """One sentence of the catalogue."""
    return TEXT[key].format(**values)
