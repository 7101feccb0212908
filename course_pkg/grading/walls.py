"""The outer walls: bubblewrap around the process that student kernels are forked from.

What is inside: the system's and the environment's Python, read only; `course_pkg.checks` and `course_pkg.tasks`; an
empty home. What is not: a network, the course, the gradebook, solutions, other students, the environment's variables.
The walls inside these, one for each student, are in `inside.lock`. https://github.com/containers/bubblewrap
"""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import course_pkg
from course_pkg.checks.text import say
from course_pkg.grading.inside import lock

HERE = Path(__file__).resolve().parent
PACKAGE = Path(course_pkg.__file__).resolve().parent
# What a student's kernel may import of the package. `_validation` is what `tasks` is built on.
ALLOWED = ("__init__.py", "checks", "tasks", "_validation.py")
LIBRARY, RUN, HOME = "/course/lib", "/course/run", "/home/student"
ETC = ("ld.so.cache", "ld.so.conf", "ld.so.conf.d", "fonts", "localtime", "alternatives")


class NoWalls(RuntimeError):
    """This machine cannot build the walls; the text says why and how to go on."""


def environment():
    """The variables that a student's kernel sees."""
    return {
        "PATH": f"{Path(sys.executable).parent}:/usr/local/bin:/usr/bin:/bin",
        "HOME": HOME,
        "USER": "student",
        "LOGNAME": "student",
        "LANG": "C.UTF-8",
        "TMPDIR": scratch(),
        "MPLCONFIGDIR": f"{scratch()}/matplotlib",
        "PYTHONPATH": ":".join([RUN, LIBRARY, *_site_packages()]),
        "PYTHONDONTWRITEBYTECODE": "1",
        "OMP_NUM_THREADS": "1",
        "OPENBLAS_NUM_THREADS": "1",
        "MKL_NUM_THREADS": "1",
        "MALLOC_ARENA_MAX": "2",  # else every thread reserves 64 MB of the address space, which is limited
        "PIP_RETRIES": "0",  # there is no network to wait for
        "PIP_DISABLE_PIP_VERSION_CHECK": "1",
    }


def _site_packages():
    return [path for path in sys.path if Path(path).name in ("site-packages", "dist-packages")]


def read_only():
    """The folders that Python lives in."""
    found = dict.fromkeys(["/usr", sys.base_prefix, sys.prefix])
    found |= dict.fromkeys(_site_packages())
    found |= dict.fromkeys(str(Path(path).resolve()) for path in list(found))
    return [path for path in found if path and os.path.isdir(path) and path != "/"]


def scratch():
    """The folder for passing files: /tmp, unless Python itself lives there, which a fresh /tmp would hide."""
    return "/course/tmp" if any(Path(path).is_relative_to("/tmp") for path in read_only()) else "/tmp"


def command():
    """bubblewrap's part of the command line."""
    tool = shutil.which("bwrap")
    if tool is None:
        raise NoWalls(say("no bubblewrap"))
    if sys.platform != "linux":
        raise NoWalls(say("no linux"))
    words = [tool, "--die-with-parent", "--new-session", "--unshare-pid", "--unshare-net", "--unshare-ipc"]
    words += ["--unshare-uts", "--unshare-cgroup-try", "--clearenv", "--hostname", "grader"]
    if os.geteuid() == 0:
        words += ["--cap-drop", "ALL"]
        kept = ("SYS_ADMIN", "SETUID", "SETGID", "SETPCAP", "KILL", "SYS_RESOURCE", "SYS_PTRACE")
    else:
        words += ["--unshare-user"]
        kept = ("SYS_ADMIN", "SETPCAP", "SYS_RESOURCE", "SYS_PTRACE")
    for capability in kept:
        words += ["--cap-add", f"CAP_{capability}"]
    for path in ("/bin", "/sbin", "/lib", "/lib32", "/lib64", "/libx32"):
        if os.path.islink(path):
            words += ["--symlink", os.readlink(path), path]
        elif os.path.isdir(path):
            words += ["--ro-bind", path, path]
    words += ["--proc", "/proc", "--dev", "/dev", "--tmpfs", "/tmp"]
    # Folders on the way to what is shown would be closed to the user that student code runs as.
    shown = [*read_only(), HOME, f"{LIBRARY}/course_pkg/checks", f"{RUN}/inside", "/etc/fonts", f"{scratch()}/x"]
    for path in _ways(shown):
        words += ["--perms", "0755", "--dir", path]
    for path in read_only():
        words += ["--ro-bind", path, path]
    if scratch() != "/tmp":
        words += ["--tmpfs", scratch(), "--remount-ro", "/tmp"]
    words += _package()
    for name in ETC:
        words += ["--ro-bind-try", f"/etc/{name}", f"/etc/{name}"]
    words += ["--perms", "0755", "--dir", HOME, "--chdir", HOME]
    for name, value in environment().items():
        words += ["--setenv", name, value]
    return [*words, "--remount-ro", "/dev", "--remount-ro", "/"]


def _ways(paths):
    """All folders above these, outermost first."""
    found = {str(above) for path in paths for above in Path(path).parents}
    return sorted(found - {"/"}, key=len)


def _package():
    """The parts of the package that are allowed, and nothing else, wherever it is installed."""
    words = []
    if any(PACKAGE.is_relative_to(path) for path in read_only()):
        words += ["--tmpfs", str(PACKAGE)]  # installed among the environment's packages: hide it there
    for name in ALLOWED:
        words += ["--ro-bind", str(PACKAGE / name), f"{LIBRARY}/course_pkg/{name}"]
    return [*words, "--ro-bind", str(HERE / "inside"), f"{RUN}/inside"]


def shut_out(path):
    """Raise NoWalls when `path`, which students must not read, lies in a folder that they can."""
    for shown in read_only():
        if Path(path).resolve().is_relative_to(shown):
            raise NoWalls(say("inside", folder=shown))


def user():
    """A user id that owns nothing, for this process's students; None where one cannot change users."""
    return 64_000 + os.getpid() % 1000 if os.geteuid() == 0 else None


def test():
    """Raise NoWalls unless the walls can be built here: all of it, by a process that then starts to run."""
    inside = (
        "import os, sys; from inside import lock; lock.part(); p = os.fork()\n"
        f"if p == 0: lock.enter({HOME!r}, {lock.LIMITS!r}, {user()!r}); os._exit(7)\n"
        "sys.exit(os.waitstatus_to_exitcode(os.waitpid(p, 0)[1]))"
    )
    done = subprocess.run([*command(), sys.executable, "-c", inside], capture_output=True, text=True, timeout=60)
    if done.returncode != 7:
        last = (done.stderr.strip() or f"status {done.returncode}").splitlines()[-1]
        raise NoWalls(say("walls failed", why=last))
