"""The walls for an ordinary user, who builds them with a user namespace rather than as root."""

import os
import subprocess
import sys
import tempfile
from pathlib import Path

import classroom
import pytest

from course_pkg.grading import walls

ROOT = Path(__file__).resolve().parents[2]
HOSTILE = ROOT / "tests" / "grading" / "test_malicious.py"
USER = 64_999
PROBE = """
import json
from course_pkg.grading import walls
from course_pkg.grading.inside import frames
from course_pkg.grading.talk import decode, encode
from course_pkg.grading.warm import Warm

walls.test()
warm = Warm("student", ["numpy"], True)
warm.wait()
kernel = warm.fork(1)
code = '''
import os, socket, time
try:
    socket.create_connection(("127.0.0.1", 22))
except OSError as error:
    print("net:", error.strerror)
print("caps:", open("/proc/self/status").read().split("CapEff:")[1].split()[0])
print("course:", os.path.exists({root!r} + "/solutions"))
print("pid:", os.getpid())
made = 0
try:
    for _ in range(300):
        if os.fork() == 0:
            time.sleep(600)
        made += 1
except OSError:
    pass
print("few:", made < 100)
'''
ask = encode({"do": "run", "args": (code,), "kwargs": {}, "target": ""})
frames.write(kernel.sockets[0], frames.QUESTION, ask)
outputs = json.loads(decode(frames.read(kernel.sockets[0])[1])["value"][0])
print(outputs[0]["text"])
kernel.end()
warm.close()
"""


def ordinary_user():
    """(Python, settings for subprocess) by which an ordinary user can run this package, or a reason to skip."""
    settings = {} if os.geteuid() else {"user": USER, "group": USER, "extra_groups": []}
    paths = [str(ROOT), *(p for p in sys.path if Path(p).name == "site-packages")]
    environment = {"PATH": "/usr/bin:/bin", "HOME": "/tmp", "PYTHONPATH": os.pathsep.join(paths)}
    for python in (sys.executable, f"/usr/bin/python3.{sys.version_info.minor}"):
        words = [python, "-c", "import numpy, IPython, course_pkg.grading.engine"]
        try:
            done = subprocess.run(words, env=environment, cwd="/", capture_output=True, timeout=120, **settings)
        except OSError:
            continue
        if done.returncode == 0:
            return python, {"env": environment, "cwd": "/", **settings}
    pytest.skip("an ordinary user cannot read this Python")


def cannot(why):
    """Skip, but not where the walls must be tried."""
    if os.environ.get("CI"):
        pytest.fail(why)
    pytest.skip(why)


ALEMBIC = "#!{python}\nimport sys\nfrom alembic.config import main\nsys.exit(main())\n"


def test_hostile_submissions_meet_the_same_walls_as_an_ordinary_user():
    """All of test_malicious.py, which this run does as root, once more as a user without rights."""
    if os.geteuid():
        pytest.skip("this run is an ordinary user's")
    if not classroom.WALLED:
        cannot(f"no walls here: {classroom.WHY_NOT}")
    python, settings = ordinary_user()
    with tempfile.TemporaryDirectory(prefix="ordinary-") as folder:
        os.chmod(folder, 0o755)
        home = Path(folder, "home")
        home.mkdir()
        os.chown(home, USER, USER)
        alembic = Path(folder, "alembic")  # nbgrader starts it by its name, and this environment's is root's
        alembic.write_text(ALEMBIC.format(python=python))
        alembic.chmod(0o755)
        names = ("CI", "OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS")
        kept = {name: os.environ[name] for name in names if name in os.environ}
        path = f"{folder}:/usr/local/bin:/usr/bin:/bin"
        shared = str(Path(sys.prefix, "share", "jupyter"))  # nbconvert's templates, beside this environment's packages
        settings["env"] |= {**kept, "HOME": str(home), "TMPDIR": str(home), "PATH": path, "JUPYTER_PATH": shared}
        options = ["-q", "-p", "no:cacheprovider", "--basetemp", str(home / "tests"), "--rootdir", str(ROOT), "-rs"]
        words = [python, "-m", "pytest", *options, "-c", str(ROOT / "pyproject.toml"), str(HOSTILE)]
        words += ["-k", "not formgrader"]  # nbgrader's own pages, which run no student code and know no walls
        done = subprocess.run(words, capture_output=True, text=True, **settings)
    assert done.returncode == 0, done.stdout[-6000:] + done.stderr[-2000:]
    assert " passed" in done.stdout
    assert "skipped" not in done.stdout


@pytest.mark.skipif(not classroom.WALLED, reason=f"no walls here: {classroom.WHY_NOT}")
def test_an_ordinary_user_builds_the_same_walls():
    python, settings = ordinary_user()
    probe = PROBE.replace("{root!r}", repr(str(ROOT)))
    done = subprocess.run([python, "-c", probe], capture_output=True, text=True, timeout=300, **settings)
    assert done.returncode == 0, done.stderr
    found = dict(line.split(": ") for line in done.stdout.split("\n") if ": " in line)
    assert found == {
        "net": "Network is unreachable",
        "caps": "0000000000000000",
        "course": "False",
        "pid": "1",
        "few": "True",
    }


def test_a_course_where_student_code_could_read_it_is_refused():
    with pytest.raises(walls.NoWalls, match="move it elsewhere"):
        walls.shut_out(Path(sys.prefix) / "course" / "solutions")
