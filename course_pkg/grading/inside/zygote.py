"""A process that has imported everything once, and forks a kernel for each request.

    python -m inside.zygote '{"role": "student", "preload": ["numpy"], ...}'

Requests come over the socket on file descriptor 0: each brings the file descriptors of the new kernel. Between this
process and every kernel stands a keeper, which interrupts or ends the kernel when it is told to, watches its memory,
and says how it ended. Nothing of a submission ever comes to this process itself, since every later fork would hold it.
"""

import contextlib
import gc
import importlib
import json
import os
import random
import select
import signal
import socket
import sys
import tempfile
import traceback

from . import lock, shell, student
from .family import family, shares, waited

LOOK = 0.1  # seconds between two looks at a kernel's memory


def warm(settings):
    """Import what kernels need, compile what they will all run. Returns the shell that every fork will have."""
    os.environ.setdefault("MPLBACKEND", "module://matplotlib_inline.backend_inline")
    made = shell.make()
    import_all(settings["preload"])
    # What IPython, Matplotlib and torch import at first use.
    made.run("x = 1\nx")
    made.run("1 / 0")
    if "matplotlib.pyplot" in sys.modules:
        made.run("import matplotlib.pyplot as plt\nplt.plot([0, 1])\nplt.show()")
    if "torch" in sys.modules:
        sys.modules["torch"].set_num_threads(1)
        importlib.import_module("torch.testing")
    if settings["role"] == "checker":
        importlib.import_module("course_pkg.grading.checker")
    made.reset(new_session=True, aggressive=False)
    if settings["trusted"]:
        with open(settings["trusted"], encoding="utf-8") as file:
            for source in json.load(file):
                made.prepare(source)
    gc.collect()
    gc.freeze()
    return made


def import_all(modules):
    """Import what is there; a notebook that needs what is not will say so itself."""
    for name in modules:
        with contextlib.suppress(ImportError):
            importlib.import_module(name)


def fresh_randomness():
    """No two forks draw the same numbers."""
    random.seed()
    if "numpy" in sys.modules:
        sys.modules["numpy"].random.seed()
    if "torch" in sys.modules:
        sys.modules["torch"].seed()


def kernel(settings, made, sockets):
    """The forked kernel, from its first line to its last."""
    signal.signal(signal.SIGINT, signal.default_int_handler)
    nothing = os.open(os.devnull, os.O_RDWR)
    for number in (0, 1, 2):
        os.dup2(nothing, number)
    fresh_randomness()
    if settings["role"] == "checker":
        from course_pkg.grading import checker

        lock.die_with_parent()
        os.chdir(settings["home"])
        checker.main(made, *sockets)
        return
    if settings["walls"]:
        lock.enter(settings["home"], settings["limits"], settings["user"])
    else:
        os.setsid()
        lock.die_with_parent()
        lock.limit({**settings["limits"], "processes": 4096})
        os.chdir(tempfile.mkdtemp(dir=settings["home"]))
    os.environ["HOME"] = os.environ["IPYTHONDIR"] = os.getcwd()
    os.environ["PWD"] = os.getcwd()
    os.environ.pop("PYTHONPATH", None)
    sys.path[:] = [path for path in sys.path if path != settings["hide"]]
    os.close(settings["log"])
    student.main(made, *sockets)


def keep(settings, made, keeper, sockets):
    """Fork the kernel and stay with it."""
    proc = os.open("/proc", os.O_RDONLY | os.O_DIRECTORY) if os.path.isdir("/proc") else None
    lock.die_with_parent()
    if settings["walls"]:
        lock.part()
    pid = os.fork()
    if pid == 0:
        status = 1
        try:
            keeper.close()
            if proc is not None:
                os.close(proc)
            kernel(settings, made, sockets)
            status = 0
        except BaseException:
            with contextlib.suppress(OSError):  # student code cannot write there
                os.write(settings["log"], traceback.format_exc().encode())
        finally:
            os._exit(status)
    for sock in sockets:
        sock.close()
    reason = watch(settings, keeper, proc, pid)
    _, status = os.waitpid(pid, 0)
    if not settings["walls"] and settings["role"] == "student":
        with contextlib.suppress(OSError):
            os.killpg(pid, signal.SIGKILL)
    with contextlib.suppress(OSError):
        keeper.sendall(json.dumps({"status": os.waitstatus_to_exitcode(status), "reason": reason}).encode())


def watch(settings, keeper, proc, pid):
    """Wait for the kernel's end, or bring it about. Returns why it was ended, or ""."""
    ended, budget = os.pidfd_open(pid), settings["limits"]["memory_mb"] << 20
    own = sum(member.memory for member in family(proc, os.getpid()) if member.pid == os.getpid()) if proc else 0
    while True:
        ready, _, _ = select.select([keeper, ended], [], [], LOOK)
        if ended in ready:
            return ""
        if keeper in ready:
            word = keeper.recv(1)
            if word == b"i":
                os.kill(pid, signal.SIGINT)
                continue
            if word in (b"w", b"c"):
                keeper.sendall(b"%f\n" % clock(proc, pid, word))
                continue
            os.kill(pid, signal.SIGKILL)
            return "told"
        if proc is not None and over(proc, pid, own, budget):
            os.kill(pid, signal.SIGKILL)
            return "memory"


def over(proc, pid, own, budget):
    """Whether a kernel and its children hold more than `budget` bytes beyond `own`, which each was forked with."""
    members = family(proc, pid)
    if sum(max(0, member.memory - own) for member in members) <= budget:
        return False
    # Several that share memory were counted several times; to look closer takes longer.
    exact = shares(proc, [member.pid for member in members])
    return exact is None or exact > budget


def clock(proc, pid, word):
    """b"w": seconds that the kernel waited for a processor. b"c": of processors that it and its children used."""
    if proc is None:
        return 0.0
    return waited(proc, pid) if word == b"w" else sum(member.seconds for member in family(proc, pid))


def main():
    """Serve requests until the other end of the socket closes."""
    settings = json.loads(sys.argv[1])
    for name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"):
        os.environ[name] = "1"
    if settings["hide"] and settings["role"] == "student":
        sys.path[:] = [path for path in sys.path if path]
    requests = socket.socket(fileno=os.dup(0))
    # Standard error is the log of this process; the kernels lose it.
    settings["log"] = os.dup(2)
    os.set_inheritable(settings["log"], False)
    made = warm(settings)
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)
    requests.sendall(b"+")
    while True:
        try:
            message, handles, _, _ = socket.recv_fds(requests, 1, 4)
        except OSError:
            break
        if not message:
            break
        pid = os.fork()
        if pid == 0:
            try:
                signal.signal(signal.SIGCHLD, signal.SIG_DFL)
                requests.close()
                os.close(0)
                os.open(os.devnull, os.O_RDONLY)
                keeper, *sockets = [socket.socket(fileno=handle) for handle in handles]
                keep(settings, made, keeper, sockets)
            except BaseException:
                traceback.print_exc()
            finally:
                os._exit(0)
        for handle in handles:
            os.close(handle)


if __name__ == "__main__":
    main()
