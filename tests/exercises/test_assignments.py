"""What every assignment promises. Each test runs on every assignment that is found in `solutions`."""

import ast
import inspect
import re
import time
import warnings

import author
import nbformat
import numpy as np
import pytest
from nbclient import NotebookClient

ALLOWED = {"numpy", "matplotlib.pyplot", "typing", "course_pkg"}
ALLOWED_FROM_COURSE = {"checks", "tasks"}
TORCH = {"11-deep", "13-sentiment"}  # the assignments that name PyTorch
REGIONS = {"solve": {"SOLUTION"}, "plot": {"SOLUTION"}, "check": {"HIDDEN TESTS"}}
MARKER = re.compile(r"^\s*### (BEGIN|END) (SOLUTION|HIDDEN TESTS)$", re.MULTILINE)
HIDDEN = re.compile(r"### BEGIN (SOLUTION|HIDDEN TESTS)\n(.*?)### END \1", re.DOTALL)


def graded_cells(assignment, folder=author.SOLUTIONS):
    """The check cells that carry points."""
    return [cell for cell in author.read_cells(assignment, folder) if cell.kind == "check" and cell.points]


def flat(text):
    """A report without its line breaks."""
    return " ".join(text.split())


def stubs(assignment):
    """The functions as students get them."""
    released = author.read_cells(assignment, author.EXERCISES)
    return {cell.name: cell.source for cell in released if cell.kind == "solve"}


def test_there_are_assignments():
    assert "07-lstm" in author.assignments()


# Grading


def test_solved_earns_everything(assignment, seed):
    """Full marks, each check worth the sum of its parts, and every part really tested."""
    graded = author.play(assignment)[1]
    for name, result in graded.items():
        if result.points:
            assert result.score == result.points == sum(result.report.parts.values()), result.text
            assert type(result.score) is float
            assert "tested when your work is graded" not in result.text, name


def test_untouched_fails_everywhere(assignment, seed):
    graded = author.play(assignment, stubs(assignment))[1]
    for name, result in graded.items():
        if result.points:
            assert result.score == 0.0
            assert f"{name} is not written yet" in flat(result.text)


def test_untouched_fails_the_visible_checks_too(assignment):
    for name, result in author.play(assignment, folder=author.EXERCISES)[1].items():
        if result.points:
            assert result.score == 0.0
            assert f"{name} is not written yet" in flat(result.text)


def test_solved_passes_the_visible_checks(assignment):
    """Else `nbgrader validate` would tell a student who is right that something is wrong."""
    namespace, _ = author.play(assignment)
    for cell in graded_cells(assignment, author.EXERCISES):
        result = author.check(cell, dict(namespace))
        assert result.score == result.points, result.text
        assert " parts right. Grading tries" in flat(result.text)


def test_wrong_versions_earn_less_and_are_named(assignment, seed):
    seen = 0
    for cell, namespace, wrong in author.wrong_versions(assignment):
        seen += 1
        result = author.check(cell, namespace)
        assert 0.0 <= result.score < result.points, wrong.name
        assert result.report.diagnosis == wrong.message, wrong.name
        assert f"Diagnosis: {wrong.message}" in flat(result.text)
    assert seen >= 14, "an assignment names its plausible mistakes"


def test_every_graded_function_has_wrong_versions_of_its_own(assignment):
    for name, result in author.play(assignment)[1].items():
        if result.points:
            versions = result.report.wrong_versions
            assert len(versions) >= 3, name
            assert len({v.name for v in versions}) == len({v.message for v in versions}) == len(versions), name


# Kindness: the answer is right, only its dress differs.


def each_array(change, value):
    """`change` applied to every array or number in what a function returned."""
    if isinstance(value, tuple):
        return tuple(each_array(change, part) for part in value)
    return change(np.asarray(value))


def noisy(function):
    def wrapped(*arguments):
        print("debug", arguments)
        warnings.warn("this is only a warning", RuntimeWarning, stacklevel=1)
        np.log(np.array([-1.0, 0.0]))
        return function(*arguments)

    return wrapped


DRESS = {
    "lists": lambda f: lambda *a: each_array(np.ndarray.tolist, f(*a)),
    "float32": lambda f: lambda *a: each_array(lambda x: x.astype(np.float32) if x.dtype.kind == "f" else x, f(*a)),
    "list for tuple": lambda f: lambda *a: list(r) if isinstance(r := f(*a), tuple) else r,
    "prints and warnings": noisy,
}


@pytest.mark.parametrize("dress", DRESS)
def test_right_answers_in_another_dress_lose_nothing(assignment, dress, capfd):
    namespace, _ = author.play(assignment)
    for cell in graded_cells(assignment):
        result = author.check(cell, {**namespace, cell.name: DRESS[dress](namespace[cell.name])})
        assert result.score == result.points, result.text
    assert capfd.readouterr().err == ""  # nbgrader takes any word on standard error for a failure


def test_a_wrong_shape_costs_the_shape_and_nothing_else(assignment):
    namespace, _ = author.play(assignment)
    for cell in graded_cells(assignment):
        right = namespace[cell.name]
        wrong = lambda *a, right=right: each_array(lambda x: x[None], right(*a))  # noqa: E731
        result = author.check(cell, {**namespace, cell.name: wrong})
        assert set(result.report.failures) == {"shape"}, result.text


def test_one_broken_cell_costs_its_own_points_only(assignment):
    """A syntax error in the last function, which no other needs, leaves all the rest."""
    last = graded_cells(assignment)[-1].name
    graded = author.play(assignment, {last: "def broken(:"})[1]
    assert graded[last].score == 0.0
    assert "is not defined" in flat(graded[last].text)
    assert all(g.score == g.points for name, g in graded.items() if g.points and name != last)


# What students get


def release(assignment):
    return author.notebook_path(assignment, author.EXERCISES).read_text(encoding="utf-8")


def test_nothing_hidden_is_in_the_release(assignment):
    """No line of a solution, hidden test or wrong version, and no marker; comparing what stands between the markers."""
    source = author.read_cells(assignment)
    shown = "\n".join(HIDDEN.sub("", cell.source) for cell in source)
    released = "\n".join(cell.source for cell in author.read_cells(assignment, author.EXERCISES))
    hidden = {line.strip() for cell in source for _, part in HIDDEN.findall(cell.source) for line in part.splitlines()}
    secret = {line for line in hidden if len(line) > 12 and line not in shown}
    assert len(secret) > 20
    assert not [line for line in secret if line in released]
    assert not MARKER.search(released)
    text = release(assignment)
    for _, _, wrong in author.wrong_versions(assignment):
        assert wrong.message not in released
        assert wrong.name == "in_place" or f'"{wrong.name}"' not in text


def test_hidden_regions_are_where_nbgrader_looks(assignment):
    for cell in author.read_cells(assignment):
        kinds = {kind for kind, _ in HIDDEN.findall(cell.source)}
        assert kinds == REGIONS.get(cell.kind, set()), cell.name


def test_nothing_lies_beside_the_notebook(assignment):
    """nbgrader hands every file beside a source notebook to students."""
    for folder in (author.SOLUTIONS, author.EXERCISES):
        files = {p.name for p in (folder / assignment).iterdir() if p.name != ".ipynb_checkpoints"}
        assert files == {f"{assignment}.ipynb"}


def test_every_release_has_a_source():
    assert sorted(p.name for p in author.EXERCISES.iterdir()) == author.assignments()


@pytest.mark.parametrize("folder", [author.SOLUTIONS, author.EXERCISES], ids=lambda p: p.name)
def test_notebooks_are_clean(assignment, folder):
    """Valid, no outputs, unique ids, and metadata that any Jupyter reads."""
    notebook = nbformat.read(author.notebook_path(assignment, folder), as_version=4)
    nbformat.validate(notebook)
    ids = [cell.id for cell in notebook.cells]
    assert len(set(ids)) == len(ids)
    assert notebook.metadata.kernelspec.name == "python3"
    for cell in notebook.cells:
        if cell.cell_type == "code":
            assert cell.outputs == []
            assert cell.execution_count is None
            ast.parse(cell.source)  # no magics: the cells also run outside IPython


def test_the_source_is_tidy_and_survives_the_text_form(assignment):
    cells = author.read_cells(assignment)
    text = author.notebook_path(assignment).read_text(encoding="utf-8")
    assert nbformat.writes(author.to_notebook(cells)) + "\n" == text, (
        f"run: python solutions/author.py tidy {assignment}"
    )
    assert author.pack(author.unpack(cells)) == cells


# How an exercise is written


def test_the_introduction_says_what_it_takes(assignment):
    """How long, how graded, and the right number of points."""
    cells = author.read_cells(assignment)
    points = sum(cell.points or 0 for cell in cells)
    assert cells[0].kind == "text"
    for words in ("How long", "How it is graded", f"There are {points:g} points."):
        assert words in cells[0].source


def test_each_function_has_its_equation_hints_docstring_and_check(assignment):
    """Text with an equation and three closed hints, then the function, then its check."""
    cells = author.read_cells(assignment)
    for k, cell in enumerate(cells):
        if cell.kind != "solve":
            continue
        before, after = cells[k - 1], cells[k + 1]
        assert (after.kind, after.name) == ("check", cell.name)
        assert before.kind == "text"
        assert after.source.startswith(f"# Check {cell.name}: "), "this line stands for the folded cell"
        hints = re.findall(r"<details><summary>(Hint \d[^<]*)</summary>\n\n.+?\n\n</details>", before.source, re.DOTALL)
        assert [h[:6] for h in hints] == ["Hint 1", "Hint 2", "Hint 3"], cell.name
        assert "$$" in before.source or "\\(" in before.source, cell.name
        function = next(
            n for n in ast.parse(cell.source).body if isinstance(n, ast.FunctionDef) and n.name == cell.name
        )
        missing = [a.arg for a in function.args.args if a.arg not in ast.get_docstring(function)]
        assert not missing, f"the docstring of {cell.name} says nothing of {missing}"
        body = HIDDEN.search(cell.source).group(2).rstrip().splitlines()
        assert len(body) <= 10, f"{cell.name} takes {len(body)} lines"


def test_imports_are_those_that_a_student_has(assignment):
    for cell in author.read_cells(assignment, author.EXERCISES):
        if cell.kind == "text" or cell.kind == "answer":
            continue
        for node in ast.walk(ast.parse(cell.source)):
            names = [a.name for a in node.names] if isinstance(node, ast.Import) else []
            names += [node.module] if isinstance(node, ast.ImportFrom) else []
            allowed = ALLOWED | ({"torch"} if assignment in TORCH else set())
            assert set(names) <= allowed, cell.name
            if isinstance(node, ast.ImportFrom) and node.module == "course_pkg":
                assert {a.name for a in node.names} <= ALLOWED_FROM_COURSE


def test_check_cells_add_only_names_that_no_student_uses(assignment):
    """`report`, and names with an underscore: a helper of the student's own must survive the checks above it."""
    for cell in author.read_cells(assignment):
        if cell.kind == "check":
            names = stored(ast.parse(cell.source))
            assert all(name == "report" or name.startswith("_") for name in names), (cell.name, names)


def test_hidden_tests_do_not_lean_on_what_a_student_may_redefine(assignment):
    """A student's own `sigmoid` must not become the reference's: only modules and classes of locked cells are used."""
    locked = {}
    for cell in author.read_cells(assignment):
        if cell.kind == "locked":
            author.run_cell(cell.source, locked)
        if cell.kind == "check":
            helpers = {name for name, value in locked.items() if inspect.isfunction(value)}
            for _, hidden in HIDDEN.findall(cell.source):
                read = {n.id for n in ast.walk(ast.parse(hidden)) if isinstance(n, ast.Name)}
                assert not read & helpers, cell.name


def stored(tree):
    """The names that a cell sets at its top level."""
    names = set()
    for node in tree.body:
        if isinstance(node, (ast.FunctionDef, ast.ClassDef)):
            names.add(node.name)
        else:
            stores = (n for n in ast.walk(node) if isinstance(n, ast.Name) and isinstance(n.ctx, ast.Store))
            comprehensions = {
                n.id
                for c in ast.walk(node)
                if isinstance(c, ast.comprehension)
                for n in ast.walk(c.target)
                if isinstance(n, ast.Name)
            }
            names |= {n.id for n in stores} - comprehensions
    return names


@pytest.mark.slow
def test_the_solved_notebook_runs_in_a_kernel(assignment, tmp_path):
    """Top to bottom, with no error and no word on standard error. How long it took is printed with -rP."""
    notebook = nbformat.read(author.notebook_path(assignment), as_version=4)
    start = time.perf_counter()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        NotebookClient(notebook, timeout=3600, resources={"metadata": {"path": str(tmp_path)}}).execute()
    print(f"{assignment} ran in {time.perf_counter() - start:.1f} s; it is meant to stay under 60")
    outputs = [output for cell in notebook.cells for output in cell.get("outputs", [])]
    assert not [o for o in outputs if o.output_type == "error" or o.get("name") == "stderr"]
