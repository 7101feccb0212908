"""All sentences for people stand in one catalogue, which the student's kernel can import, and can be translated."""

import ast
import html.parser
import json
import os
import re
import shutil
import string
import subprocess
import sys
from pathlib import Path

import classroom
import pytest
from classroom import files

from course_pkg.checks import text
from course_pkg.grading import status

ROOT = Path(__file__).resolve().parents[2]
GRADING = ROOT / "course_pkg" / "grading"
# Words of other programs: nbgrader's marks in cells, the head of Canvas's table. `status` names what files keep.
FOREIGN = {"### BEGIN SOLUTION", "### BEGIN HIDDEN TESTS", "### END HIDDEN TESTS", "=== BEGIN MARK SCHEME"}
FOREIGN |= {"SIS User ID", "SIS Login ID", "Points Possible", "Integration ID", "Root Account"}
FOREIGN |= {"Full name", "Email address", "ID number", "Maximum grade", "Feedback comments"}
FOREIGN |= {"Last modified (submission)"}


def is_code(value):
    """Python source, for another process. A word or two of English parse as well, so it must be a statement."""
    if value.startswith("#!"):
        return True
    try:
        tree = ast.parse(value)
    except SyntaxError:
        return False
    return not all(isinstance(node, ast.Expr) for node in tree.body)


def literals(path):
    """(line, text) of a module's strings: without docstrings, and what the command says of its own options."""
    tree, left_out = ast.parse(path.read_text(encoding="utf-8")), set()
    for node in ast.walk(tree):
        if isinstance(node, (ast.Module, ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)) and ast.get_docstring(
            node
        ):
            left_out.add(node.body[0].value)
        if isinstance(node, ast.keyword) and node.arg == "help":
            left_out.update(ast.walk(node.value))
    for node in ast.walk(tree):
        if isinstance(node, ast.JoinedStr):
            parts = [p.value if isinstance(p, ast.Constant) else "{}" for p in node.values]
            left_out.update(node.values)
            yield node.lineno, "".join(parts)
    for node in ast.walk(tree):
        if isinstance(node, ast.Constant) and isinstance(node.value, str) and node not in left_out:
            yield node.lineno, node.value


def sentence(value):
    """Whether two words of English follow each other."""
    return re.search(r"[A-Za-z']{2,} [A-Za-z']{2,}", value) and not is_code(value.replace("{}", "x"))


MODULES = sorted(p for p in GRADING.rglob("*.py") if p.name not in ("bench.py", "trial.py", "status.py"))


@pytest.mark.parametrize("path", MODULES, ids=lambda p: str(p.relative_to(GRADING)))
def test_no_sentence_stands_elsewhere(path):
    """`bench` and `trial` are tools of developers; keys of the catalogue are no sentences."""
    found = [(n, v) for n, v in literals(path) if sentence(v) and v not in text.TEXT and v not in FOREIGN]
    assert not found


def test_the_search_finds_sentences(tmp_path):
    """It would notice one in a string, in a format string and in a raise; not in a docstring."""
    (tmp_path / "m.py").write_text('"""Not this."""\nx = f"Sorry {y}, no points"\nraise ValueError("too bad")\n')
    assert [n for n, v in literals(tmp_path / "m.py") if sentence(v)] == [2, 3]


class Words(html.parser.HTMLParser):
    """The words of a page, and the attributes that are read to people."""

    def __init__(self, page):
        super().__init__()
        self.found, self._style = [], False
        self.feed(page)

    def handle_starttag(self, tag, attributes):
        self._style = tag == "style"
        self.found += [value for name, value in attributes if name in ("title", "alt", "aria-label")]

    def handle_endtag(self, tag):
        self._style = False

    def handle_data(self, data):
        if data.strip() and not self._style:
            self.found.append(data.strip())


@pytest.mark.parametrize("name", ["feedback.html.j2", "report.html.j2"])
def test_the_template_holds_no_words(name):
    source = (GRADING / name).read_text(encoding="utf-8")
    bare = re.sub(r"{[{%#].*?[%#}]}", "", source, flags=re.S)
    assert not [w for w in Words(bare).found if re.search("[A-Za-z]{2,}", w)]


def test_every_sentence_is_used():
    """What nobody says any more need not be translated."""
    places = [*MODULES, *GRADING.glob("*.j2"), *(ROOT / "course_pkg" / "checks").glob("[!t]*.py")]
    code = "".join(p.read_text(encoding="utf-8") for p in places)
    built = {s for s in vars(status).values() if isinstance(s, str)} | {f"why {s}" for s in vars(status).values()}
    built |= {key for key in text.TEXT if re.fullmatch(r"think \w+Error", key)}  # one for each kind of exception
    assert [k for k in text.TEXT if f'"{k}"' not in code and f"'{k}'" not in code and k not in built] == []


def backwards(sentence):
    """A translation that shows itself: every word between marks, the values where they belong."""
    made = ""
    for words, name, spec, conversion in string.Formatter().parse(sentence):
        value = "" if name is None else "{" + name + (f"!{conversion}" if conversion else "")
        value += f":{spec}" if spec else ""
        made += re.sub(r"[A-Za-z]+", lambda m: f"«{m[0][::-1]}»", words) + (value + "}" if name is not None else "")
    return made


def test_a_translation_must_fit():
    with pytest.raises(ValueError, match="wanted one of the catalogue's"):
        text.translate({"no such key": "x"})
    with pytest.raises(ValueError, match="names colour"):
        text.translate({"empty file": "{file} {colour}"})
    assert text.say("empty file", file="a") == "a is empty."


@pytest.mark.slow
def test_a_translation_reaches_notebook_page_and_command(tmp_path):
    """A file beside the catalogue: then no English word is left but those of the exercise and of Python itself."""
    package = tmp_path / "package"
    skip = shutil.ignore_patterns("__pycache__", "*.json", "*.js")
    shutil.copytree(ROOT / "course_pkg", package / "course_pkg", ignore=skip)
    shutil.copytree(GRADING / "kernels", package / "course_pkg" / "grading" / "kernels", dirs_exist_ok=True)
    translation = {key: backwards(sentence) for key, sentence in text.TEXT.items()}
    path = package / "course_pkg" / "checks" / "translation.json"
    path.write_text(json.dumps(translation, ensure_ascii=False), encoding="utf-8")
    root = tmp_path / "course"
    root.mkdir()
    cells = [
        classroom.cell("code", classroom.SETUP, "setup", locked=True),
        classroom.cell("code", "### BEGIN SOLUTION\ndef f(x):\n    return 2 * x\n### END SOLUTION", "f", solution=True),
        classroom.cell("code", CHECK, "test_f", grade=True, locked=True, points=4),
        classroom.cell("markdown", "X?\n\n### BEGIN SOLUTION\nx\n### END SOLUTION", "g", True, False, True, 3),
    ]
    course = classroom.make_course(root, cells)
    maker = classroom.Maker(course)
    answers = {"wrong": "x * x", "object": "object()", "stops": "x[99]", "right": "2 * x"}
    for student, answer in answers.items():
        nb = maker.untouched()
        maker.cell(nb, "f")["source"] = f"def f(x):\n    return {answer}"
        classroom.hand_in(course, student, files(nb, "renamed.ipynb" if student == "right" else "gates.ipynb"))
    classroom.hand_in(course, "broken", {"gates.ipynb": b"{"})
    environment = {**os.environ, "PYTHONPATH": str(package), "NO_COLOR": "1", "COLUMNS": "200"}
    said = ""
    for words in (["grade", "gates", *([] if classroom.WALLED else ["--no-walls"])], ["feedback", "gates"]):
        command = [sys.executable, "-m", "course_pkg.grading.cli", "--root", str(root), *words]
        done = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=300, cwd=tmp_path)
        assert done.returncode == 0, done.stderr
        said += done.stdout
    assert "«sreward»" not in said
    assert english(said, root) == set()
    for student in course.students("gates"):
        page = (course.path("feedback", student, "gates") / "gates.html").read_text(encoding="utf-8")
        assert english("\n".join(Words(page).found), root) == set(), student
        assert "«" in page
    path = course.path("autograded", "wrong", "gates") / "gates.ipynb"
    cell = maker.cell(json.loads(path.read_text(encoding="utf-8")), "test_f")
    assert "«" in str(cell["outputs"])


CHECK = classroom.text("""
    report = checks.Report("f", lambda: f, "y", {"shape": 1, "care": 1, "twice": 2}, "ask")
    report.inputs(x=np.arange(3.0))
    report.value("twice", np.array([0.0, 2.0, 4.0]), "ask")
    ### BEGIN HIDDEN TESTS
    report.reference(lambda x: 2 * x, lambda rng, n: {"x": rng.normal(size=n)}, sizes=((4,), (1,)))
    report.same("twice")
    report.keeps_drawn()
    report.wrong("squared", "ask", lambda x: x * x)
    ### END HIDDEN TESTS
    report.score()
    """)
# The exercise's words, Python's own, names of files and students, and the status that files keep.
OWN = {"ask", "twice", "shape", "care", "f", "g", "x", "y", "def", "return", "ipynb", "renamed", "gates", "IndexError"}
OWN |= {
    "index",
    "is",
    "out",
    "of",
    "bounds",
    "for",
    "axis",
    "with",
    "size",
    "float",
    "nan",
    "inf",
    "e",
    "Error",
    "array",
}
OWN |= {"object", "TypeError", "Refused", "test_f", "broken", "wrong", "right", "stops", "html", "setup", "feedback"}


def english(said, root):
    """Words that nobody has translated."""
    said = re.sub(r"«[^»]*»", " ", said.replace(str(root), " "))
    for word in (status.REPAIRED, status.GRADED, status.ATTENTION, status.UNREADABLE):
        said = said.replace(word, " ")
    said = re.sub(r"\b[0-9a-f]{32}\b", " ", said)  # the seed
    return set(re.findall(r"[A-Za-z_]{2,}", said)) - OWN
