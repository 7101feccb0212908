"""Every sentence that checks and grading say to students and instructors, in one place, so that it can be translated.

A file `translation.json` beside this one, {key: sentence}, replaces sentences in notebooks, on the pages for students
and in the command alike. What one exercise says stands in its notebook.

Nothing here is secret: the module goes to students with the checks that they run.
"""

import json
import string
from pathlib import Path

TRANSLATION = Path(__file__).with_name("translation.json")

TEXT = {
    # The checks in a notebook.
    "unwritten": "{name} is not written yet. Replace the line `raise NotImplementedError(...)` with your own code, "
    "run that cell, then run this one again.",
    "needs": "{name} calls {inner}, which is not written yet. Write that one first.",
    "undefined": "{name} is not defined. Run the cell above this one, and look for an error there.",
    "undefined because": "{name} is not defined, since its cell stopped with {kind}: {message}",
    "unsure": "  {name} calls {inner}, whose own check does not pass yet. Mend {inner} first.",
    "not a function": "{name} is of type {got}, wanted a function. Has a variable taken its name?",
    "nothing": "{name} returned None",
    "error": "{name} stopped with {kind}: {message}",
    "line": "\n    in your line: {line}",
    "in helper": "\n    which is in {inner}, and {name} calls it. Run the check of {inner} first, if it has one.",
    "in given": "\n    The error came up in {inner}, which is given and right.",
    "inputs": "\n    with {inputs}",
    "count": "{path}: got {got}, wanted {want} ({names})",
    "result": "the result",
    "things": "{n} things",
    "one thing": "one thing",
    "not numbers": "{path}: got {got}, wanted an array of numbers",
    "something": "something else",
    "nothing there": "nothing",
    "shape": "{path}: got shape {got}, wanted {want}",
    "not comparable": "{path}: the numbers can be compared once the shape is right",
    "value": "{path}: got {got}, wanted {want}",
    "values": "{path}: got\n{got}\n  wanted\n{want}",
    "printed alike": "\n  which is printed alike, but differs by up to {error:.3g}",
    "difference": "{path}: wrong by up to {error:.3g}",
    "not finite": "{path}: holds nan or inf",
    "outside": "{path}: runs from {low:.4g} to {high:.4g}, wanted nothing outside {want}",
    "not filled": "{path}: runs from {low:.4g} to {high:.4g}, wanted it to come near both ends of {want}",
    "dtype": "{path}: got {got} where every input is float32, wanted float32",
    "float32": "{path}: the numbers change when every input is float32",
    "changed": "your function changed its input {paths}, which others still need as it was",
    "share": "{path}: {got:.1%} are right, wanted {want:.0%} (run by run: {each})",
    "claim": "{name} breaks a rule that holds for any numbers",
    "think": "Think: {think}",
    "think changed": "`a += b` and `a *= b` write into the array that came in; `c = a + b` makes a new one. Which of "
    "your lines writes?",
    "think dtype": "the dtype of what comes in says how exact the answer is to be. Where do you choose one yourself? "
    "np.zeros_like(a) takes it over, np.zeros(...) does not.",
    "think nothing": "does every way through your function end in a `return`?",
    "think given": "what does your line hand over, of which shape and type, and what does that function want? Its "
    "docstring says so.",
    "think product": "which shape has each factor in that line? In A @ B the last size of A is the first size of B.",
    "think element": "which shape has each side of the +, -, * or / in that line? It goes number by number: from the "
    "last axis on, both have the same size, or one has size 1. Was a product of matrices meant, A @ B? Or is an axis "
    "of size 1 missing (keepdims, None)?",
    "think source": "{part} is judged here by your own {source}, and that cannot be used yet. Mend {source} first.",
    "think write": "which shape has the place on the left of the `=`, and which has what you write into it?",
    "think uneven": "an array has rows of one length. Are all the lists that go into it as long as each other, and is "
    "what goes into one place a single number?",
    "think join": "which arrays do you join in that line? There must be at least one, and their shapes may differ only "
    "along the axis that they are joined in; np.stack wants all shapes the same.",
    "think reshape": "how many numbers are in that array, and how many places has the shape that you ask for?",
    "think truth": "an array with several numbers is neither true nor false. Which one do you ask about: all of them, "
    "any, or each by itself (np.where)?",
    "think unpack": "how many things stand on the right of the `=`, or in the loop, and how many names on the left?",
    "think empty": "can what you hand over have no elements here? What should the answer be then?",
    "think ValueError": "which value does that line not accept, and where did it come from?",
    "think AxisError": "how many axes has that array? They are counted from 0, so a (B, H) array has axes 0 and 1.",
    "think OverflowError": "which number grows too large for one float? NumPy's functions give inf where those of "
    "math stop. Can the formula be written so that nothing large is raised to a power?",
    "think NameError": "is that name spelled as where it is defined, and has that cell been run?",
    "think TypeError": "does that line hand over as many things as are wanted, and of the right type?",
    "think unwritten": "what comes in, of which shape, and what must come out? The first hint asks where to begin.",
    "think IndexError": "how many places has what you index in that line, and which one do you ask for? Counting "
    "starts at 0, so the last of n is n - 1.",
    "think KeyError": "which keys are in that dictionary, and is this one of them, spelled alike?",
    "think AttributeError": "of which type is what stands before the dot? A list has no shape, and a tuple no T.",
    "think UnboundLocalError": "is that variable set on every way that leads to this line, before it is used?",
    "think ZeroDivisionError": "what is it that you divide by, and for which input is there none of it?",
    "think RecursionError": "your function calls itself without an end. Did you mean to call another one?",
    "think TimeoutError": "which loop could run without an end, and is there work in a loop that could stand outside?",
    "think ImportError": "is that package on this machine? What does without it can be done first.",
    "think error": "what does that line expect, and what does it get? A print above it shows here.",
    "other inputs": "this holds for the numbers of the visible check, but not for others. What in your code is tied to "
    "them?",
    "ok": "  ok  {part}",
    "no": "  no  {part}",
    "later": "  ..  {part} (tested when your work is graded)",
    "owed": " (right as soon as {helpers} is, so it keeps its points)",
    "owed several": " (right as soon as {helpers} are, so it keeps its points)",
    "and": " and ",
    "care": "care: no input is changed",
    "care dtype": "care: no input is changed, float32 stays float32",
    "head": "{name}: {earned:g} of {points:g} points",
    "head visible": "{name}: {good} of {tested} parts right, {earned:g} of {points:g} points so far",
    "done visible": "{name}: all {tested} parts right. Grading tries other sizes and numbers as well.",
    "or": " Or: ",
    "partly": "perhaps, for it explains only a part of what is wrong: {message}",
    "diagnosis": "Diagnosis: {message}",
    "printed": "  Your function printed:\n{text}",
    "warned": "  Python warned (this costs no points): {text}",
    # Intake: what could not be read.
    "no notebook": "There is no notebook in this submission. It holds: {files}.",
    "empty": "The submission is empty.",
    "empty file": "{file} is empty.",
    "too large": "{file} has {size:.0f} MB; {limit:.0f} MB is the most that is read.",
    "html": "{file} is a web page, not a notebook. It was probably saved from the browser. Use Download instead.",
    "script": "{file} holds Python code as plain text, not a notebook. Hand in the .ipynb file itself.",
    "conflict": "{file} holds marks of a merge conflict (<<<<<<<). Solve the conflict and save the notebook again.",
    "cut off": "{file} is not whole: it stops in the middle (at character {at} of {size}). Probably the upload "
    "broke off.",
    "not json": "{file} is not a notebook file: {why} at line {line}.",
    "not a notebook": "{file} is a JSON file, but not a notebook: it has no cells.",
    "too many cells": "{file} has {count} cells; {limit} is the most that is graded.",
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
    "cell stuck": "Cell {cell} ran longer than {seconds:.0f} s and could not be stopped, so the whole process "
    "was. What "
    "came after it was not run.",
    "cell error": "Cell {cell} itself stopped with {kind}: {message}",
    "late in test": "A function gave {cell} no answer within {seconds:.0f} s and was stopped. Is there a loop "
    "that does "
    "not end?",
    "file not written": "The file {file} could not be laid beside the notebook: its name or its size did not allow it.",
    "file too large": "The file {file} holds {size:.0f} MB and was not laid beside the notebook: wanted at most "
    "{limit:.0f} MB for one file and {total:.0f} MB in all.",
    "cell time": "Cell {cell} ran longer than {seconds:.0f} s and was stopped.",
    "gone": "your code ended the Python process before this test; what it had defined is lost",
    "call time": "no answer within {seconds:.0f} s. Is there a loop that does not end?",
    "call stuck": "A function did not answer {cell} within {seconds:.0f} s and could not be stopped, so the whole "
    "process was.",
    "call budget": "the calls of this test took {seconds:.0f} s together; it is not called again",
    # Errors of the assignment.
    "score": "Error of the assignment: the test {cell} gave {wrong}, wanted a number from 0 to {points:g}. "
    "It was not counted; grade it by hand.",
    "test stuck": "The test {cell} did not end within {seconds:.0f} s. It was not counted; grade it by hand.",
    "test memory": "The test {cell} needed more than {limit} MB of memory for what it was given and was ended. "
    "It was not counted; grade it by hand.",
    "test ended": "The process of the test {cell} ended before the test did. It was not counted; grade it by hand.",
    "test broken": "Error of the assignment: the test {cell} stops with {kind} for the solution, too. It was "
    "not counted.",
    "hidden check": "a check on other inputs failed",
    "lent error": "the function that the test had handed over stopped with {kind}",
    "keeper ended": "a process of the grader was ended from outside",
    "fields": "a tuple with more than {limit} named fields",
    "long range": "a range of more than {limit} numbers",
    "nodes": "a value of more than {limit} parts",
    "companions too large": "the assignment {name!r} holds the file {file} of {size:.0f} MB: wanted at most "
    "{limit:.0f} MB "
    "for one file and {total:.0f} MB in all; put a smaller file there, or have the notebook make it",
    "test kernel": "Error of the assignment: the locked cell {cell} stopped with {error}.",
    "grader": "The grader itself failed on this submission, {times} times: {why}. It has no score yet.",
    # Proof before the class.
    "solution loses": "the solution gets {score} of {points:g} in {cell}{why}",
    "no points": "no points",
    "empty earns": "the released notebook, in which nothing is written, gets {score} points in {cell}; wanted 0",
    "wrong earns": "the wrong version {version!r} gets all {points:g} points of {cell}; the test does not notice it",
    "wrong not named": "the wrong version {version!r} loses points in {cell}, but the page does not say: {message}",
    "empty arrays earns": "{cell} gives all {points:g} points to a {version} that returns arrays of no elements "
    "(of which "
    "everything is true); compare the shape first",
    "zeroed inputs earns": "{cell} gives all {points:g} points to a {version} that sets its inputs to zero; "
    "compute what "
    "you compare with before the call, or hand over copies",
    "versions not tried": "not all wrong versions were tried in {cell}, as they take long",
    "version stuck": "the test {cell} did not end with the wrong version {version!r}",
    "no solution": "there is no source notebook {notebook}; its solution could not be tried",
    "proving": "Trying the solution, the empty notebook and the known mistakes of {name} first.",
    "not proven": "{name} is not fit to grade:\n{why}\nMend solutions/{name} and run: course release {name}",
    # Between the two kernels: what cannot cross, and why.
    "cannot grade": "what came back cannot be graded: {why}",
    "an object": "a value of type {kind} cannot be handed to a student's function while grading",
    "a module": "a module ({name}) cannot cross",
    "too many": "too many objects at once",
    "array of": "an array of {dtype} cannot be graded, wanted numbers",
    "array format": "an array in an unknown format",
    "array cut": "an array that is cut off",
    "dtype of objects": "a dtype of objects",
    "keys": "more than {limit} keys of sets and dicts in one value",
    "one value": "more than {limit} MB in one value",
    "deep": "a value that is nested too deeply, or holds itself",
    "tensor": "a tensor that NumPy cannot hold ({why})",
    "no torch": "a tensor, where PyTorch is not in use",
    "unknown generator": "an unknown random generator",
    "not a value": "not a value ({why})",
    "not an answer": "not an answer",
    "neither": "a value of type {kind} is neither true nor false here",
    "remote": "<{kind}, in another process>",
    "no attribute": "{kind} has no attribute {name} here",
    "length": "a length that is no whole number",
    "no next": "no next value",
    "too deep": "functions call each other back too often",
    "unknown question": "an unknown question",
    "calls only": "only calls are answered here",
    "not yours": "not yours to ask for",
    "unreadable error": "an error that cannot be read",
    "no names": "the student's kernel did not say what it holds",
    "no score type": "a value of type {kind}",
    "own place": "<your code, {function}, line {number}: {mark}>",
    "left out": "\n... what was printed after this was left out ...",
    "not str": "write() wants str, got {kind}",
    "has ended": "the process has ended",
    "frame": "a frame of {count} bytes",
    "no start": "it could not be started",
    "worker stuck": "no end within {seconds:.0f} s",
    "worker ended": "the worker ended with status {status}",
    # The command.
    "no walls": "[bold red]No walls.[/] Student code runs as you: it can read the solutions and other students' work,\n"
    "change the gradebook, use the network and delete your files. Do this only with code that you trust, or inside a\n"
    "machine that you can throw away.",
    "no bubblewrap": "bubblewrap is not installed (Debian and Ubuntu: apt install bubblewrap)",
    "no linux": "walls need Linux",
    "no seccomp": "seccomp: the filter could not be loaded",
    "walls failed": "bubblewrap cannot build them ({why})",
    "inside": "the course lies in {folder}, which student code can read; move it elsewhere",
    "cannot wall": "student code cannot be walled in here: {why}.\n"
    "Grading without walls lets it read solutions and change grades. On a machine where that is no danger, say: "
    "course grade ... --no-walls",
    "busy": "another process is grading {name} in {folder}; wait for its end",
    "no assignment": "the gradebook has no assignment {name!r} (it has: {known}); run: course release {name}",
    "no notebooks": "the assignment {name!r} has no notebook; run: course release {name}",
    "no source": "there is no assignment {name!r}; there are: {known}",
    "nobody": "none",
    "no answer": "no answer",
    "stock failed": "nbgrader failed",
    "not clean": "{path}: the cell {cell} still holds {mark!r}",
    "folder in use": "to: {path} holds other files; wanted a new folder or one that was made by this command",
    "archive size": "source: the archive unpacks to more than {limit} GB",
    "released": "{name}: written to {path}",
    "collected": "{name}: {new} new, {kept} were there already, {count} in all",
    "nothing new": "{name}: nothing is new. (--again grades everything once more)",
    "seed": "{name}: the hidden tests drew from the seed {seed}",
    "pages": "{name}: {count} pages in {path}",
    "lines": "{path}: {count} lines",
    "not final": "no final score: {assignment}, {student}: {held}. {reason}",
    "held": "{points:g} points to grade by hand",
    "mean": "{mean:.1f} of {points:g}",
    "mean score": "mean score",
    "two people": "two people for one folder: {one} and {other} would both be {folder}. Give them folders of their own "
    "in the source, or say who they are with: course roster FILE",
    "closed": "{files} may not be read. Whoever owns it can allow that: chmod -R a+rX FOLDER",
    "half regraded": "A regrade did not come to its end, so this score is not sure; run: course grade {name}",
    "other text": "The mark for {cell} was given to another text; read it again.",
    "no roster": "{file}: wanted Canvas's gradebook export, with the columns Student and ID, or Moodle's grading "
    "worksheet, with the column Identifier; got the columns {columns}",
    "number twice": "{file}: the number {number} is there twice",
    "empty roster": "{file}: no row has a student's number",
    "whose worksheet": "{file}: Moodle's worksheet belongs to one assignment; say which: "
    "course roster FILE --assignment NAME",
    "no zone": "c.Exchange.timezone: got {name!r}, wanted a time zone such as Europe/Berlin",
    "one worksheet": "Moodle has one worksheet for each assignment: name one assignment (got: {names})",
    "no column": "the file has no column {name!r}; of assignments it has: {columns}",
    "other points": "{name}: the learning system counts to {most:g}, the assignment to {points:g}. Change one of them, "
    "or say --scale to convert the scores",
    "no course": "{folder} is no course: it has no nbgrader_config.py. Go to the course's folder, or say where it is: "
    "course --root FOLDER ...",
    "no sources": "there is no assignment in {folder}",
    "no submissions": "{name}: nobody has handed in anything; run: course collect {name} --from FILE",
    "no student": "there is no student {student!r}; there are: {known}",
    "nobody yet": "The gradebook has no student and no submission.",
    "stopped": "Stopped. What was done stays done; the same command goes on from there.",
    "gradebook": "the gradebook cannot be written or read: {why}",
    "file": "{path}: {why}",
    "disk": "a file",
    "begins": "{count} submissions. The first result takes some seconds, while Python and the walls start.",
    "not written": "{name}: the results of {count} submissions could not be written down, and are tried again "
    "next time. The first reason: {why}",
    "released again": "{name}: the gradebook held {count} submissions, and nbgrader changes no cells beside "
    "submissions. They were taken out and put back with the marks that people gave. What tests gave comes back with: "
    "course grade {name}. The gradebook as it was: {backup}",
    "mark lost": "{student}: the mark {score:g} for {cell} is gone, since that cell is gone",
    "unreleased": "{name}: the cell {cell} in the solutions differs from what is graded with; to use it, run: "
    "course release {name}",
    "replaced": "{count} were replaced by newer work: {students}",
    "differ": "{count} are there already and differ from this source: {students}. To take the newer work: --overwrite",
    "apart": "{count} share a name with someone and got a number: {students}. To know who is who: course roster FILE",
    "came late": "{count} are late, says the learning system, which gives no time: {students}",
    "names nobody": "{count} files name nobody and were left: {students}",
    "not taken": "{student}: the files could not be read and were not taken: {why}",
    "nothing to collect": "{source}: no submission was found",
    "roster": "{system}: {count} students",
    "no roster yet": "No roster is known, so {system} may not know these students. Give it first: course roster FILE",
    "not in the roster": "{count} have a score and are not in {system}'s file: {students}",
    "column": "got {given!r}, wanted NAME=HEAD",
    "zipped": "{path}: {count} pages",
    "handed out": "{name}: {count} pages are in the exchange",
    "no way back": "{count} did not come this way and get no page by it: {students}",
    "no exchange": "nbgrader's exchange: {why}",
    "all by hand": "no final score: {assignment}: {count} with {points:g} points to grade by hand: {students}",
    "waiting": "to look at",
    "penalty moved": "{assignment}, {student}: {before:g} points were taken off for lateness, now {now:g}",
    "discarded": "{name}: the regrade of {count} was forgotten",
    "moved from": "{student}: {before:g} to {after:g} points. {cells}",
    "cell moved": "{cell}: {before} to {after}",
    "no score yet": "no score",
    "gained": "{name}: {gained} gained, {lost} lost, of {count} who were graded again",
    "accept": "Let these grades count?",
    "not accepted": "{name}: no grade was changed yet. To let them count: course grade {name} --accept; "
    "to forget them: course grade {name} --discard",
    "no walls there": "Gradescope's machine may build no walls. Without walls student code there can read the hidden "
    "tests and write its own results.",
    "nothing to report": "{name}: nobody has been graded; run: course grade {name}",
    # The page of the class.
    "report": "{name}: the class",
    "report counts": "{listed} students, {handed_in} handed in, {graded} graded.",
    "report items": "What was got",
    "report items text": "Difficulty is the mean share of the points that was earned: 1 is easy. Discrimination is the "
    "correlation with the points of everything else: near 0 or below, an item tells nothing about who knows the rest, "
    "and its test deserves a look.",
    "report item": "function and part",
    "report points": "points",
    "report right": "right",
    "report of": "{count} of {of}",
    "report difficulty": "difficulty",
    "report discrimination": "discrimination",
    "report mistakes": "Known mistakes",
    "report students": "{count} students",
    "report comment": "{cell}: {text}\n{think}",
    "report no mistakes": "None was found.",
    "report unnamed": "Lost without a name",
    "report unnamed text": "These lost points and fit no known mistake. Where they are many, read two or three of "
    "them: there may be a mistake that the assignment does not know, or a fault in its test.",
    "report many": "Many.",
    "report all named": "None.",
    "report waits": "What waits for a person",
    "stopped with": "Stopped with {kind}.",
    "axis share": "mean share of the points",
    "axis students": "students",
    "tenth": "{low} to {high} %",
    "figure items": "How much of each function was got",
    "figure totals": "How many points the class has",
    "alt items": "Bars, one for each function. The least was got of {cell}: {share:.0%} of its points.",
    "alt totals": "Bars, one for each tenth of the points. {count} students have {mean:.0f} % in the mean.",
    # The page for a student.
    "title": "{assignment}: your feedback",
    "total": "{score:g} of {points:g} points",
    "total by hand": "{score:g} of {points:g} points so far; {open:g} points wait for a person to read them",
    "late": "{penalty:g} points were taken off because it came late.",
    "no score": "This submission has no score yet.",
    "points": "{score:g} of {points:g}",
    "by hand": "A person reads this answer.",
    "comment": "Comment: {comment}",
    "own line": "Your line {number}, in {function}",
    "test error": "The test stopped with {kind}: {message}",
    "hints": "Three hints stand above this cell in the notebook, closed until you want them.",
    "no response": "No response.",
    # How a submission ended, and why that is. The files and the gradebook keep the words of `grading.status`.
    "graded": "graded",
    "graded after repair": "graded after repair",
    "needs attention": "needs attention",
    "unreadable": "unreadable",
    "why graded": "Everything was in order.",
    "why graded after repair": "Something in the file had to be mended first. That cost no points.",
    "why needs attention": "Something only a person can settle. Your instructor sees it, too.",
    "why unreadable": "The file could not be read, so there is no score. This is not a zero: hand it in again.",
}


def say(key, **values):
    """One sentence of the catalogue."""
    return TEXT[key].format(**values)


def fields(sentence):
    """The names of the values that a sentence holds."""
    return {name for _, name, _, _ in string.Formatter().parse(sentence) if name is not None}


def translate(found):
    """Say these sentences, {key: sentence}, instead of the English ones. Raises ValueError for one that cannot."""
    for key, sentence in found.items():
        if key not in TEXT:
            raise ValueError(f"translation: got the key {key!r}, wanted one of the catalogue's")
        if more := fields(sentence) - fields(TEXT[key]):
            raise ValueError(f"translation: {key!r} names {', '.join(sorted(more))}, which the catalogue does not give")
    TEXT.update(found)


if TRANSLATION.exists():
    translate(json.loads(TRANSLATION.read_text(encoding="utf-8")))
