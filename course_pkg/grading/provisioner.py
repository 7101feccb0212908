"""Warm kernels for any Jupyter tool: a kernel provisioner that forks from a process which has imported NumPy and more.

It is chosen by the kernelspec in `kernels/`, which is called `python3` as in every notebook here:

    JUPYTER_PATH="$(course kernels)" nbgrader autograde 07-lstm

nbgrader, nbconvert and Jupyter Book then start kernels in a tenth of the time. There are no walls: `course grade` has
those. https://jupyter-client.readthedocs.io/en/stable/provisioning.html
"""

import asyncio
import atexit
import contextlib
import json
import os
import selectors
import signal
import socket
import subprocess
import sys
import tempfile
from pathlib import Path

from jupyter_client.provisioning import LocalProvisioner
from traitlets import List, Unicode

KERNELS = Path(__file__).resolve().parent
_mother = {}  # preload: (process, socket) that this process forks kernels from


class Forked:
    """What jupyter_client expects of a process: poll, wait, signals."""

    stdin = stdout = stderr = None

    def __init__(self, pid, line):
        self.pid, self._line, self.returncode = pid, line, None
        line.setblocking(False)

    def poll(self):
        """The exit status, or None while it runs."""
        if self.returncode is None:
            with contextlib.suppress(BlockingIOError):
                said = self._line.recv(64)
                self.returncode = int(said) if said else -signal.SIGKILL
                self._line.close()
        return self.returncode

    def wait(self, timeout=None):
        """Wait for the end; raises subprocess.TimeoutExpired."""
        if self.poll() is None:
            with selectors.DefaultSelector() as selector:
                selector.register(self._line, selectors.EVENT_READ)
                if not selector.select(timeout):
                    raise subprocess.TimeoutExpired("kernel", timeout)
        return self.poll()

    def send_signal(self, number):
        """Send a signal, if it still runs."""
        if self.poll() is None:
            os.kill(self.pid, number)

    def kill(self):
        """End it at once."""
        self.send_signal(signal.SIGKILL)

    def terminate(self):
        """Ask it to end."""
        self.send_signal(signal.SIGTERM)


class WarmProvisioner(LocalProvisioner):
    """Forks a kernel instead of starting Python anew."""

    preload = List(Unicode(), ["numpy", "matplotlib.pyplot"], help="Modules to import once.").tag(config=True)

    async def launch_kernel(self, cmd, **kwargs):
        """Fork a kernel for the connection file in `cmd`."""
        ours, theirs = socket.socketpair()
        environment = {k: v for k, v in (kwargs.get("env") or os.environ).items() if k != "JPY_PARENT_PID"}
        start = {"argv": cmd[cmd.index("-f") :], "env": environment, "cwd": os.path.abspath(kwargs.get("cwd") or ".")}
        loop = asyncio.get_running_loop()
        mother = await loop.run_in_executor(None, mother_of, tuple(self.preload))
        with tempfile.TemporaryFile() as request:
            request.write(json.dumps(start).encode())
            request.flush()
            socket.send_fds(mother, [b"f"], [theirs.fileno(), request.fileno()])
        theirs.close()
        pid = int(await loop.run_in_executor(None, ours.recv, 64))
        self.process, self.pid = Forked(pid, ours), pid
        self.pgid = pid
        return self.connection_info

    async def wait(self):
        """Wait for the kernel's end."""
        while self.process is not None and self.process.poll() is None:
            await asyncio.sleep(0.01)
        ended, self.process = self.process, None
        return 0 if ended is None else ended.returncode


def mother_of(preload):
    """The socket of the process that has imported `preload`; started when it is first needed."""
    if preload not in _mother or _mother[preload][0].poll() is not None:
        ours, theirs = socket.socketpair()
        command = [sys.executable, "-m", "course_pkg.grading.provisioner", *preload]
        process = subprocess.Popen(
            command, stdin=theirs, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, start_new_session=True
        )
        theirs.close()
        _mother[preload] = process, ours
        ours.recv(1)
    return _mother[preload][1]


@atexit.register
def close():
    """End the processes that kernels were forked from."""
    while _mother:
        process, sock = _mother.popitem()[1]
        sock.close()
        process.wait()


# In the process that is forked.


def serve():
    """Import what is named on the command line, then fork a kernel for each request on standard input."""
    import gc

    import ipykernel.ipkernel
    import ipykernel.kernelapp
    import ipykernel.zmqshell  # noqa: F401

    from course_pkg.grading.inside.zygote import import_all

    os.environ.setdefault("MPLBACKEND", "module://matplotlib_inline.backend_inline")
    import_all(sys.argv[1:])
    gc.collect()
    gc.freeze()
    requests = socket.socket(fileno=os.dup(0))
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)
    requests.sendall(b"+")
    while True:
        _, handles, _, _ = socket.recv_fds(requests, 1, 2)
        if not handles:
            return
        if os.fork() == 0:
            requests.close()
            line, request = handles
            _keep(socket.socket(fileno=line), request)
            os._exit(0)
        for handle in handles:
            os.close(handle)


def _keep(line, request):
    """Fork the kernel, say its process id and in the end its status."""
    signal.signal(signal.SIGCHLD, signal.SIG_DFL)
    pid = os.fork()
    if pid == 0:
        line.close()
        with os.fdopen(request, "rb") as file:
            file.seek(0)
            _be_kernel(json.loads(file.read()))
        os._exit(0)
    line.sendall(str(pid).encode())
    _, status = os.waitpid(pid, 0)
    with contextlib.suppress(OSError):
        line.sendall(str(os.waitstatus_to_exitcode(status)).encode())


def _be_kernel(start):
    from ipykernel.kernelapp import IPKernelApp

    from course_pkg.grading.inside.zygote import fresh_randomness

    os.setsid()
    nothing = os.open(os.devnull, os.O_RDWR)
    for number in (0, 1, 2):
        os.dup2(nothing, number)
    os.environ.clear()
    os.environ.update(start["env"])
    for path in reversed(start["env"].get("PYTHONPATH", "").split(os.pathsep)):
        if path and path not in sys.path:
            sys.path.insert(0, path)
    os.chdir(start["cwd"])
    signal.signal(signal.SIGINT, signal.default_int_handler)
    fresh_randomness()
    sys.argv = ["ipykernel_launcher", *start["argv"]]
    IPKernelApp.launch_instance(argv=start["argv"])


if __name__ == "__main__":
    serve()
