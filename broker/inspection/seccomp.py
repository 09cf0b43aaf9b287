"""A seccomp filter: system calls that no decoder needs fail with EPERM (Linux on x86-64 and ARM64).

It works in containers, which allow no namespaces. The list denies what leaves the process:
sockets, programs, processes, other processes' memory, signals and limits, what the kernel keeps
when the process ends, changes of files without opening them, and parts of the kernel with a history
of security holes. Landlock restricts opening files.

https://docs.kernel.org/userspace-api/seccomp_filter.html
"""

import ctypes
import errno
import os
import struct
from dataclasses import dataclass

_PR_SET_SECCOMP, _MODE_FILTER = 22, 2  # <linux/prctl.h>, <linux/seccomp.h>
_ALLOW, _FAIL_WITH = 0x7FFF0000, 0x00050000
_CLONE_THREAD = 0x00010000
_CLONE3 = 435

# Denied calls with one number everywhere: pidfd_send_signal, io_uring_setup, pidfd_open,
# pidfd_getfd, process_madvise, process_mrelease, fchmodat2, setxattrat, removexattrat.
_EVERYWHERE = (424, 425, 434, 438, 440, 448, 452, 463, 466)


@dataclass(frozen=True, kw_only=True)
class _Architecture:
    """The numbers of an architecture: its own in <linux/audit.h>, and those of system calls.

    Attributes:
        clone: allowed for threads.
        tgkill: allowed for this process, because abort() needs it.
        prlimit64: allowed for this process, which it names by 0.
    """

    audit: int
    clone: int
    tgkill: int
    prlimit64: int
    denied: tuple[int, ...]


# The lines of `denied`; ARM64 has fewer calls:
# - execve, execveat, ptrace, process_vm_readv, process_vm_writev, fork, vfork
# - kill, tkill, rt_sigqueueinfo, rt_tgsigqueueinfo
# - setpriority, ioprio_set, sched_setparam, sched_setscheduler, sched_setaffinity, sched_setattr,
#   migrate_pages, move_pages
# - socket, socketpair, unshare, setns, mount, bpf, userfaultfd, perf_event_open
# - keyctl, add_key, request_key: the kernel keeps keys when the process ends
# - shmget, shmat, shmctl, semget, semctl, semop, semtimedop, msgget, msgctl, msgsnd, msgrcv,
#   mq_open, mq_unlink: it keeps these, too
# - truncate, chmod, fchmod, fchmodat, chown, fchown, lchown, fchownat, setxattr, lsetxattr,
#   fsetxattr, removexattr, lremovexattr, fremovexattr, utime, utimes, futimesat, utimensat:
#   Landlock knows only truncate, since Linux 6.2
_ARCHITECTURES = {
    "x86_64": _Architecture(
        audit=0xC000003E,
        clone=56,
        tgkill=234,
        prlimit64=302,
        denied=(
            *(59, 322, 101, 310, 311, 57, 58),
            *(62, 200, 129, 297),
            *(141, 251, 142, 144, 203, 314, 256, 279),
            *(41, 53, 272, 308, 165, 321, 323, 298),
            *(250, 248, 249),
            *(29, 30, 31, 64, 66, 65, 220, 68, 71, 69, 70, 240, 241),
            *(76, 90, 91, 268, 92, 93, 94, 260, 188, 189, 190, 197, 198, 199, 132, 235, 261, 280),
        ),
    ),
    "aarch64": _Architecture(
        audit=0xC00000B7,
        clone=220,
        tgkill=131,
        prlimit64=261,
        denied=(
            *(221, 281, 117, 270, 271),
            *(129, 130, 138, 240),
            *(140, 30, 118, 119, 122, 274, 238, 239),
            *(198, 199, 97, 268, 40, 280, 282, 241),
            *(219, 217, 218),
            *(194, 196, 195, 190, 191, 193, 192, 186, 187, 189, 188, 180, 181),
            *(45, 52, 53, 55, 54, 5, 6, 7, 14, 15, 16, 88),
        ),
    ),
}
# Classic BPF: load a word of struct seccomp_data; jump if equal, greater or equal, if bits are set.
_LOAD, _JUMP_EQUAL, _JUMP_FROM, _JUMP_BITS, _RETURN = 0x20, 0x15, 0x35, 0x45, 0x06
_NUMBER, _ARCHITECTURE, _FIRST_ARGUMENT = 0, 4, 16
# The code, where to go if the comparison is true and if it is false, and the value to compare.
_Instruction = tuple[int, str | None, str | None, int]


def deny_what_leaves_the_process() -> bool:
    """Install the filter for this thread, and for those that it starts later.

    `no_new_privs` must be set.

    Returns:
        False if the architecture or the kernel has none; then nothing is denied.
    """
    known = _ARCHITECTURES.get(os.uname().machine)
    if known is None or struct.calcsize("P") != 8:
        return False
    program = _program(known)
    filters = ctypes.create_string_buffer(program, len(program))
    # struct sock_fprog: the number of instructions, and their address
    argument = struct.pack("@HP", len(program) // 8, ctypes.addressof(filters))
    prctl = ctypes.CDLL(None).prctl
    result: int = prctl(_PR_SET_SECCOMP, _MODE_FILTER, argument, 0, 0)
    return result == 0


def _program(known: _Architecture) -> bytes:
    """Return the instructions. Each jumps forward: to a check of an argument, or to a return."""
    checks: list[_Instruction] = [
        (_LOAD, None, None, _ARCHITECTURE),
        (_JUMP_EQUAL, None, "deny", known.audit),
        (_LOAD, None, None, _NUMBER),
        (_JUMP_FROM, "deny", None, 0x40000000),  # the calls of x32, a second set on x86-64
        # Its flags are in memory, out of a filter's reach. The C library then uses clone.
        (_JUMP_EQUAL, "missing", None, _CLONE3),
        *((_JUMP_EQUAL, "deny", None, number) for number in (*known.denied, *_EVERYWHERE)),
        (_JUMP_EQUAL, "a thread", None, known.clone),
        (_JUMP_EQUAL, "this process", None, known.tgkill),
        (_JUMP_EQUAL, "itself", "allow", known.prlimit64),
    ]
    of_argument = {
        "a thread": (_JUMP_BITS, "allow", "deny", _CLONE_THREAD),
        "this process": (_JUMP_EQUAL, "allow", "deny", os.getpid()),
        "itself": (_JUMP_EQUAL, "allow", "deny", 0),
    }
    returns = {
        "allow": _ALLOW,
        "deny": _FAIL_WITH | errno.EPERM,
        "missing": _FAIL_WITH | errno.ENOSYS,
    }
    places = {}
    for name, check in of_argument.items():
        places[name] = len(checks)
        checks += [(_LOAD, None, None, _FIRST_ARGUMENT), check]
    places |= {name: len(checks) + index for index, name in enumerate(returns)}
    program = b""
    for index, (code, if_true, if_false, value) in enumerate(checks):
        jumps = [places[to] - index - 1 if to else 0 for to in (if_true, if_false)]
        program += struct.pack("=HBBI", code, *jumps, value)
    return program + b"".join(struct.pack("=HBBI", _RETURN, 0, 0, k) for k in returns.values())
