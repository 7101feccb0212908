"""nbgrader's formgrader over a class that `course grade` graded, in a real browser."""

import os
import re
import subprocess
import sys
import time

import classroom
import pytest
from classroom import files
from nbgrader.api import Gradebook

from course_pkg.grading import runner

pytestmark = [pytest.mark.browser, pytest.mark.slow]


@pytest.fixture
def graded(tmp_path, grade_class):
    course = classroom.make_course(tmp_path)
    maker = classroom.Maker(course)
    grade_class(course, {"ada": files(maker.right()), "broken": {"gates.ipynb": b"{"}}, jobs=1)
    return course


@pytest.fixture
def address(graded, tmp_path_factory):
    """A Jupyter server in the course's folder."""
    folder = tmp_path_factory.mktemp("server")
    options = ["--no-browser", "--ip=127.0.0.1", "--port=0", "--allow-root", "--IdentityProvider.token="]
    options += ["--ServerApp.jpserver_extensions={'nbgrader.server_extensions.formgrader': True}"]
    environment = os.environ | {"JUPYTER_CONFIG_DIR": str(folder / "config"), "JUPYTER_RUNTIME_DIR": str(folder)}
    log = folder / "log"
    with log.open("w") as stderr:
        words = [sys.executable, "-m", "jupyter_server", *options]
        process = subprocess.Popen(words, cwd=graded.root, env=environment, stdout=stderr, stderr=stderr)
    for _ in range(600):
        if found := re.search(r"http://127\.0\.0\.1:\d+", log.read_text()):
            break
        time.sleep(0.1)
    else:
        process.kill()
        pytest.fail("the server did not start:\n" + log.read_text())
    yield found.group()
    process.terminate()
    process.wait()


def test_formgrader_shows_the_class_and_its_grades_survive(graded, address, browser):
    """The class is listed, the reason of the unreadable one stands on its page, and points entered there stay."""
    page = browser.new_page()
    page.goto(f"{address}/formgrader/manage_submissions/gates")
    page.get_by_text("ada").first.wait_for(timeout=30_000)
    page.get_by_text("broken").first.wait_for()
    page.get_by_text("6 / 9").first.wait_for()
    with Gradebook(graded.directory.db_url, "small") as gradebook:
        numbers = {s: gradebook.find_submission_notebook("gates", "gates", s).id for s in ("ada", "broken")}
    page.goto(f"{address}/formgrader/submissions/{numbers['broken']}")
    page.get_by_text("stops in the middle").first.wait_for(timeout=30_000)
    page.goto(f"{address}/formgrader/submissions/{numbers['ada']}")
    box = page.locator("input.score").last
    box.wait_for(timeout=30_000)
    with page.expect_response(lambda r: "/api/grade/" in r.url and r.request.method == "PUT") as saved:
        box.fill("2.5")
        box.press("Tab")
    assert saved.value.ok
    page.close()
    assignment = graded.assignment("gates")
    tasks = runner.pending(graded, assignment, again=True)
    runner.run(graded, assignment, tasks, runner.here(assignment, 1, classroom.WALLED))
    with Gradebook(graded.directory.db_url, "small") as gradebook:
        assert gradebook.find_submission("gates", "ada").score == 8.5
