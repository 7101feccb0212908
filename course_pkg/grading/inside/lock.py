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
NEWCGROUP, NEWUSER = 0x2000000, 0x10000000
NAMESPACES = (NEWNS, NEWCGROUP, NEWUTS, NEWIPC, NEWUSER, NEWPID, NEWNET)
RDONLY, NOSUID, NODEV, NOEXEC, REC, PRIVATE = 1, 2, 4, 8, 1 << 14, 1 << 18
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
    "fspick",
    "fanotify_init",
    "quotactl_fd",
    "kexec_file_load",
    "syslog",
    "modify_ldt",
    "iopl",
    "ioperm",
    "lookup_dcookie",
    "vhangup",
    "clock_adjtime",
    "adjtimex",
    "sethostname",
    "setdomainname",
    # Memory that no process need hold: what is left in it is in nobody's account.
    "memfd_secret",
    "memfd_create",
    "shmget",
    "msgget",
    "semget",
    "mq_open",
]
# Sockets of other families and protocols bring kernel code in that no notebook needs, and some of them (AF_VSOCK) do
# not know of a network of one's own. Values of socket(2) on Linux.
FAMILIES, TYPES, PROTOCOLS = (1, 2, 10), (1, 2, 5), (0, 6, 17)  # local and IP; stream, datagram, packets; TCP, UDP
TYPE_BITS = 0xF
LIMITS = {"memory_mb": 2048, "processes": 64, "scratch_mb": 64, "cpu_seconds": 600}
HANDLES = 128  # open files of one process; a socket's buffers are memory, too

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


def furnish(home, scratch_mb, files_mb=0):
    """Empty scratch folders of limited size, and a /proc that shows one's own processes only.

    files_mb  room in `home` beside, for what the grader puts there
    """
    _check(_libc.mount(b"none", b"/", None, ctypes.c_ulong(REC | PRIVATE), None), "mount")
    for path in (home, os.environ["TMPDIR"], "/dev/shm"):
        size = scratch_mb + (files_mb if path == home else 0)
        _mount("tmpfs", path, NOSUID | NODEV, f"size={size}m,nr_inodes=4096,mode=1777")
    # Terminals are the worker's, and all its submissions would share them.
    _mount("tmpfs", "/dev/pts", RDONLY | NOSUID | NODEV | NOEXEC, "size=4k,nr_inodes=2,mode=0555")
    _mount("proc", "/proc", NOSUID | NODEV | NOEXEC)


def limit(limits):
    """Limits that the process and its children cannot raise again."""
    wanted = {
        resource.RLIMIT_NPROC: limits["processes"],
        resource.RLIMIT_FSIZE: limits["scratch_mb"] << 20,
        resource.RLIMIT_DATA: limits["memory_mb"] << 20,
        resource.RLIMIT_CPU: limits["cpu_seconds"],
        resource.RLIMIT_NOFILE: HANDLES,
        resource.RLIMIT_MEMLOCK: 0,
        resource.RLIMIT_CORE: 0,
    }
    if (mapped := _mapped()) is not None:  # shared memory is no part of the data
        wanted[resource.RLIMIT_AS] = mapped + (limits["memory_mb"] << 20)
    for which, value in wanted.items():
        _, hard = resource.getrlimit(which)
        value = value if hard == resource.RLIM_INFINITY else min(value, hard)
        resource.setrlimit(which, (value, value))


def _mapped():
    """Bytes of this process's address space, which the libraries hold that it was forked with; None if not known."""
    try:
        with open("/proc/self/statm", encoding="ascii") as file:
            return int(file.read().split()[0]) * os.sysconf("SC_PAGE_SIZE")
    except OSError:
        return None


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


class _Compare(ctypes.Structure):
    """`struct scmp_arg_cmp` of libseccomp: what an argument of a system call is compared with."""

    _fields_ = [("arg", ctypes.c_uint), ("op", ctypes.c_int), ("a", ctypes.c_uint64), ("b", ctypes.c_uint64)]


LESS, EQUAL, GREATER, MASKED = 2, 4, 6, 7  # enum scmp_compare
ALLOW, NOT_PERMITTED, NOT_THERE, NO_FAMILY = 0x7FFF0000, 0x00050000 | 1, 0x00050000 | 38, 0x00050000 | 97


def _outside(argument, allowed):
    """Comparisons of which one is true exactly where the argument, all 64 bits of it, is none of these."""
    between = [n for n in range(max(allowed)) if n not in allowed]
    return [_Compare(argument, GREATER, max(allowed), 0), *(_Compare(argument, EQUAL, n, 0) for n in between)]


def rules():
    """[(system call, what it answers, a comparison of an argument or None)] of all that is refused."""
    # Told that clone3 is not there, the C library makes threads with clone.
    found = [(name, NOT_THERE if name == "clone3" else NOT_PERMITTED, None) for name in FORBIDDEN]
    # The flags are the first argument, but for s390.
    first = 1 if os.uname().machine.startswith("s390") else 0
    found += [("clone", NOT_PERMITTED, _Compare(first, MASKED, flag, flag)) for flag in NAMESPACES]
    for name in ("socket", "socketpair"):
        found += [(name, NO_FAMILY, compare) for compare in _outside(0, FAMILIES) + _outside(2, PROTOCOLS)]
        others = [n for n in range(TYPE_BITS + 1) if n not in TYPES]
        found += [(name, NO_FAMILY, _Compare(1, MASKED, TYPE_BITS, n)) for n in others]
    return found


def forbid():
    """Take away the system calls that no notebook needs, with libseccomp, which every Debian has."""
    library = ctypes.CDLL("libseccomp.so.2")
    library.seccomp_init.restype = ctypes.c_void_p
    library.seccomp_init.argtypes = [ctypes.c_uint32]
    library.seccomp_syscall_resolve_name.argtypes = [ctypes.c_char_p]
    add = library.seccomp_rule_add_array
    add.argtypes = [ctypes.c_void_p, ctypes.c_uint32, ctypes.c_int, ctypes.c_uint, ctypes.POINTER(_Compare)]
    library.seccomp_load.argtypes = [ctypes.c_void_p]
    made = library.seccomp_init(ALLOW)
    for name, answer, compare in rules():
        number = library.seccomp_syscall_resolve_name(name.encode())
        if number < 0:
            continue  # this machine's kind of processor has no such call
        array = (_Compare * 1)(compare) if compare is not None else None
        if add(made, answer, number, 0 if compare is None else 1, array) != 0:
            raise OSError(say("no seccomp"))
    if library.seccomp_load(made) != 0:
        raise OSError(say("no seccomp"))


def enter(home, limits, user):
    """Everything at once, in a process that `part` has given namespaces of its own."""
    furnish(home, limits["scratch_mb"], limits.get("files_mb", 0))
    os.chdir(home)
    limit(limits)
    give_up(user)
    die_with_parent()
    forbid()
