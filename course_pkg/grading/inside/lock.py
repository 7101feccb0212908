"""The inner walls: what a forked process gives up before it runs student code.

bubblewrap has built the outer walls around the process that this one was forked from: no network, a file system that
holds Python and nothing of the course. But bubblewrap wraps programs that it starts, not forks. So that one student
cannot see another, every fork gets process ids, a network, scratch space and limits of its own. See namespaces(7),
capabilities(7), getrlimit(2), seccomp(2).
"""

import ctypes
import os
import resource
import signal

from course_pkg.checks.text import say

NEWNS, NEWUTS, NEWIPC, NEWPID, NEWNET = 0x20000, 0x4000000, 0x8000000, 0x20000000, 0x40000000
NOSUID, NODEV, NOEXEC, REC, PRIVATE = 2, 4, 8, 1 << 14, 1 << 18
PR_SET_PDEATHSIG, PR_SET_DUMPABLE, PR_CAPBSET_DROP, PR_SET_NO_NEW_PRIVS = 1, 4, 24, 38
CAPABILITY_VERSION_3 = 0x20080522
# What no notebook needs: ways into other processes, into the kernel, and out of these walls.
FORBIDDEN = [
    "ptrace",
    "process_vm_readv",
    "process_vm_writev",
    "kcmp",
    "pidfd_getfd",
    "mount",
    "umount2",
    "pivot_root",
    "chroot",
    "move_mount",
    "open_tree",
    "fsopen",
    "fsmount",
    "fsconfig",
    "mount_setattr",
    "setns",
    "unshare",
    "clone3",
    "keyctl",
    "add_key",
    "request_key",
    "bpf",
    "perf_event_open",
    "userfaultfd",
    "io_uring_setup",
    "io_uring_enter",
    "io_uring_register",
    "open_by_handle_at",
    "name_to_handle_at",
    "kexec_load",
    "init_module",
    "finit_module",
    "delete_module",
    "swapon",
    "swapoff",
    "reboot",
    "settimeofday",
    "clock_settime",
    "acct",
    "quotactl",
    "memfd_secret",
]
LIMITS = {"memory_mb": 2048, "processes": 64, "scratch_mb": 64, "cpu_seconds": 600}

_libc = ctypes.CDLL(None, use_errno=True)


def _check(result, what):
    if result < 0:
        number = ctypes.get_errno()
        raise OSError(number, f"{what}: {os.strerror(number)}")


def part():
    """Process ids, a network, mounts, shared memory and a host name of one's own, for the next child on."""
    _check(_libc.unshare(NEWNS | NEWPID | NEWNET | NEWIPC | NEWUTS), "unshare")


def _mount(kind, path, flags, options=""):
    os.makedirs(path, exist_ok=True)
    _check(_libc.mount(kind.encode(), path.encode(), kind.encode(), ctypes.c_ulong(flags), options.encode()), path)


def furnish(home, scratch_mb):
    """Empty scratch folders of limited size, and a /proc that shows one's own processes only."""
    _check(_libc.mount(b"none", b"/", None, ctypes.c_ulong(REC | PRIVATE), None), "mount")
    for path in (home, os.environ["TMPDIR"], "/dev/shm"):
        _mount("tmpfs", path, NOSUID | NODEV, f"size={scratch_mb}m,nr_inodes=4096,mode=1777")
    _mount("proc", "/proc", NOSUID | NODEV | NOEXEC)


def limit(limits):
    """Limits that the process and its children cannot raise again."""
    wanted = {
        resource.RLIMIT_NPROC: limits["processes"],
        resource.RLIMIT_FSIZE: limits["scratch_mb"] << 20,
        resource.RLIMIT_DATA: limits["memory_mb"] << 20,
        resource.RLIMIT_CPU: limits["cpu_seconds"],
        resource.RLIMIT_NOFILE: 256,
        resource.RLIMIT_CORE: 0,
    }
    for which, value in wanted.items():
        _, hard = resource.getrlimit(which)
        value = value if hard == resource.RLIM_INFINITY else min(value, hard)
        resource.setrlimit(which, (value, value))


def give_up(user):
    """No privilege is left after this, and none can be gained. `user` is a user id to become, or None."""
    for capability in range(64):
        _libc.prctl(PR_CAPBSET_DROP, capability, 0, 0, 0)
    if user is not None:
        os.setgroups([])
        os.setresgid(user, user, user)
        os.setresuid(user, user, user)
    header = (ctypes.c_uint32 * 2)(CAPABILITY_VERSION_3, 0)
    _check(_libc.capset(header, (ctypes.c_uint32 * 6)()), "capset")
    _check(_libc.prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0), "no_new_privs")
    # The change of user has hidden /proc/self from this process itself, which libraries read.
    _libc.prctl(PR_SET_DUMPABLE, 1, 0, 0, 0)


def die_with_parent():
    """End when the parent ends. A change of user undoes this, so it comes after `give_up`."""
    _libc.prctl(PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0)


def forbid():
    """Take away the system calls that no notebook needs, with libseccomp, which every Debian has."""
    library = ctypes.CDLL("libseccomp.so.2")
    library.seccomp_init.restype = ctypes.c_void_p
    library.seccomp_init.argtypes = [ctypes.c_uint32]
    library.seccomp_syscall_resolve_name.argtypes = [ctypes.c_char_p]
    library.seccomp_rule_add.argtypes = [ctypes.c_void_p, ctypes.c_uint32, ctypes.c_int, ctypes.c_uint]
    library.seccomp_load.argtypes = [ctypes.c_void_p]
    allow, not_permitted, not_there = 0x7FFF0000, 0x00050000 | 1, 0x00050000 | 38
    rules = library.seccomp_init(allow)
    for name in FORBIDDEN:
        number = library.seccomp_syscall_resolve_name(name.encode())
        # Told that clone3 is not there, the C library makes threads with clone.
        if number >= 0:
            library.seccomp_rule_add(rules, not_there if name == "clone3" else not_permitted, number, 0)
    if library.seccomp_load(rules) != 0:
        raise OSError(say("no seccomp"))


def enter(home, limits, user):
    """Everything at once, in a process that `part` has given namespaces of its own."""
    furnish(home, limits["scratch_mb"])
    os.chdir(home)
    limit(limits)
    give_up(user)
    die_with_parent()
    forbid()
