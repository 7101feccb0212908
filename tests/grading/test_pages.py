"""The pages that students read, submissions as learning systems give them out, and the command as one types it."""

import csv
import json
import zipfile

import classroom
import pytest
from classroom import files
from click.testing import CliRunner

from course_pkg.grading import cli, collect, feedback
from course_pkg.grading.names import whose

CHECKED = classroom.text("""
    report = checks.Report("double", lambda: double, "the result", {"shape": 1, "care": 1, "together": 2}, "like x.")
    report.inputs(x=np.arange(3.0))
    report.value("together", np.array([0.0, 2.0, 4.0]), "what is twice two?")
    ### BEGIN HIDDEN TESTS
    report.reference(lambda x: 2 * x, lambda rng, n: {"x": rng.normal(size=n)}, sizes=((4,), (1,)), square=(3,))
    report.same("together")
    report.keeps_drawn()
    report.wrong("squared", "you square x. Twice is 2 * x.", lambda x: x * x)
    report.wrong("HIDDEN_NAME", "you return x as it is.", lambda x: x)
    report.wrong("in_place", "you write into x.", lambda x: x.__imul__(2.0))
    ### END HIDDEN TESTS
    report.score()
    """)
ANSWERS = {
    "right": "def double(x):\n    return 2 * x",
    "squared": "def double(x):\n    return x * x",
    "in_place": "def double(x):\n    x *= 2\n    return x",
    "breaks": "def double(x):\n    y = [1]\n    return y[len(x) + 5]",
    "script": "def double(x):\n    raise ValueError('<script>alert(1)</script>')",
}


@pytest.fixture(scope="module")
def pages(tmp_path_factory, grade_class):
    """(course, {student: page}) of a class that was graded with a Report."""
    cells = [
        classroom.cell("code", classroom.SETUP, "setup", locked=True),
        classroom.cell(
            "code", "### BEGIN SOLUTION\ndef double(x):\n    return 2 * x\n### END SOLUTION", "double", solution=True
        ),
        classroom.cell("code", CHECKED, "test_double", grade=True, locked=True, points=4),
    ]
    course = classroom.make_course(tmp_path_factory.mktemp("pages"), cells)
    made = {}
    for student, answer in ANSWERS.items():
        nb = json.loads(json.dumps(classroom.Maker(course).released))
        classroom.Maker.cell(nb, "double")["source"] = answer
        made[student] = files(nb)
    made["broken"] = {"gates.ipynb": b"{"}
    made["repaired"] = files(json.loads(made["squared"]["gates.ipynb"]), f"{'a_long_name_' * 8}(1).ipynb")
    grade_class(course, made)
    feedback.write_all(course, course.assignment("gates"))
    found = {s: (course.path("feedback", s, "gates") / "gates.html").read_text(encoding="utf-8") for s in made}
    return course, found


def test_the_page_says_what_the_notebook_says(pages):
    _, found = pages
    assert "4 of 4 points" in found["right"]
    assert "Diagnosis" not in found["right"]
    assert "you square x. Twice is 2 * x." in found["squared"]
    assert "what is twice two?" in found["squared"]
    assert "2 of 4 points" in found["squared"]


def test_a_function_that_writes_into_its_input_is_found_out_from_afar(pages):
    """The array is in another process, and comes back as the function left it."""
    _, found = pages
    assert "changed its input x" in found["in_place"]
    assert "3 of 4 points" in found["in_place"]


def test_the_students_own_line_is_shown(pages):
    _, found = pages
    assert "return y[len(x) + 5]" in found["breaks"]
    assert "IndexError" in found["breaks"]


def test_unreadable_work_is_not_called_a_zero(pages):
    _, found = pages
    assert "This is not a zero" in found["broken"]
    assert "0 of 4" not in found["broken"]


def test_no_hidden_code_and_no_foreign_markup(pages):
    _, found = pages
    for page in found.values():
        assert "HIDDEN_NAME" not in page
        assert "report.same" not in page
        assert "<script" not in page
        assert "http" not in page.replace("http-equiv", "")
        assert "prefers-color-scheme: dark" in page
        assert 'name="viewport"' in page


def test_the_page_says_each_thing_once(pages):
    """A reason stands at the head, and not again as a comment; parts say their points."""
    _, found = pages
    assert found["repaired"].count("was graded as gates.ipynb") == 1
    assert found["broken"].count("stops in the middle") == 1
    assert "A person reads" not in found["broken"]
    assert 'together<span class="soft">: 0 of 2<' in found["squared"]
    assert 'shape<span class="soft">: 1 of 1<' in found["squared"]


LOOK = """() => {
  const root = document.documentElement, light = c => {
    const [r, g, b] = c.match(/[\\d.]+/g).map(Number).map(v => v / 255).map(
      v => v <= 0.03928 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4);
    return 0.2126 * r + 0.7152 * g + 0.0722 * b;
  };
  const ground = e => {
    for (; e; e = e.parentElement) {
      const c = getComputedStyle(e).backgroundColor;
      if (c !== "rgba(0, 0, 0, 0)") return c;
    }
  };
  const faint = [], cut = [];
  for (const e of document.body.querySelectorAll("*")) {
    if (![...e.childNodes].some(n => n.nodeType === 3 && n.data.trim())) continue;
    const [a, b] = [getComputedStyle(e).color, ground(e)].map(light).sort((x, y) => y - x);
    if ((a + 0.05) / (b + 0.05) < 4.5) faint.push(e.outerHTML.slice(0, 80));
    const box = e.getBoundingClientRect();
    if (box.right > root.clientWidth + 1 || box.left < 0 || e.scrollWidth > e.clientWidth + 1 && e.clientWidth)
      cut.push(e.outerHTML.slice(0, 80));
  }
  return {faint, cut, wide: root.scrollWidth > root.clientWidth, lang: root.lang, title: document.title,
    heads: [...document.querySelectorAll("h1, h2")].map(e => e.tagName),
    mains: document.querySelectorAll("main").length};
}"""


@pytest.mark.browser
@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [320, 390, 1000])
def test_the_page_can_be_read_on_a_phone_and_in_the_dark(pages, browser, scheme, width):
    """Nothing is cut off or scrolls sideways; text stands out 4.5 to 1, as WCAG 2.2 wants it (1.4.3, 1.4.10)."""
    course, found = pages
    page = browser.new_page(viewport={"width": width, "height": 800}, color_scheme=scheme)
    for student in found:
        page.goto((course.path("feedback", student, "gates") / "gates.html").as_uri())
        seen = page.evaluate(LOOK)
        assert (seen["faint"], seen["cut"], seen["wide"]) == ([], [], False), student
        assert (seen["lang"], seen["title"], seen["mains"]) == ("en", "gates: your feedback", 1)
        assert seen["heads"] == ["H1"] + ["H2"] * (student != "broken")
    page.close()


def test_export_and_status_by_command(pages, tmp_path):
    course, _ = pages
    runner = CliRunner()
    path = tmp_path / "out.csv"
    result = runner.invoke(cli.main, ["--root", str(course.root), "export", "--output", str(path)])
    assert result.exit_code == 0, result.output
    with path.open(newline="") as file:
        lines = {line["student_id"]: line for line in csv.DictReader(file)}
    assert lines["squared"]["score"] == "2"
    assert lines["broken"]["score"] == ""
    result = runner.invoke(cli.main, ["--root", str(course.root), "grade", "nothing-like-it"])
    assert result.exit_code == 1
    assert "course release nothing-like-it" in result.output


@pytest.mark.parametrize(
    ("name", "who"),
    [
        ("Ada Lovelace_4711_assignsubmission_file_/gates.ipynb", ("Ada Lovelace", "gates.ipynb")),
        ("Ada Lovelace_4711_assignsubmission_file_gates.ipynb", ("Ada Lovelace", "gates.ipynb")),
        ("top/Ada_4711_assignsubmission_file_/a/b.csv", ("top", "Ada_4711_assignsubmission_file_/a/b.csv")),
        ("lovelaceada_12_345_gates.ipynb", ("lovelaceada", "gates.ipynb")),
        ("lovelaceada_LATE_12_345_gates-1.ipynb", ("lovelaceada", "gates-1.ipynb")),
        ("ada.ipynb", ("ada", "ada.ipynb")),
        ("ada/gates/gates.ipynb", ("ada", "gates/gates.ipynb")),
        ("readme.txt", None),
    ],
)
def test_whose_work_a_file_is(name, who):
    found = whose(name)
    assert (found and (found[0].name, found[1])) == who


def test_collecting_keeps_what_is_there_and_stays_in_its_folder(course, tmp_path):
    path = tmp_path / "all.zip"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("ada_1_assignsubmission_file_/gates.ipynb", "first")
        archive.writestr("../../evil_2_assignsubmission_file_/../../../gates.ipynb", "x")
    taken, kept = collect.collect(course, "gates", path)
    folder = course.path("submitted", "ada", "gates")
    assert (folder / "gates.ipynb").read_text() == "first"
    assert taken["ada"] == 1
    assert kept == []
    assert not (course.root / "gates.ipynb").exists()
    assert all(
        p.is_relative_to(course.root / "submitted") for p in course.root.rglob("gates.ipynb") if p.stat().st_size < 9
    )
    assert collect.collect(course, "gates", path)[1]
    for student in taken:
        for item in course.path("submitted", student, "gates").iterdir():
            item.unlink()
        course.path("submitted", student, "gates").rmdir()
