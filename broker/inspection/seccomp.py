"""A seccomp filter: system calls that no decoder needs fail with EPERM (Linux on x86-64 and ARM64).

It works in containers, which allow no namespaces. The list denies what leaves the process:
sockets, programs, processes, the memory of other processes, and parts of the kernel with a history
of security holes. Landlock restricts files. https://docs.kernel.org/userspace-api/seccomp_filter.html
"""

import ctypes
import errno
import os
import struct

_PR_SET_SECCOMP, _MODE_FILTER = 22, 2  # <linux/prctl.h>, <linux/seccomp.h>
_ALLOW, _FAIL_WITH = 0x7FFF0000, 0x00050000
_CLONE_THREAD = 0x00010000
_CLONE3 = 435

# The architecture's number in <linux/audit.h>, its clone, and its denied calls: execve, execveat,
# kill, tkill, ptrace, process_vm_readv, process_vm_writev, socket, socketpair, unshare, setns,
# mount, bpf, userfaultfd, perf_event_open, keyctl, and fork and vfork, which ARM64 does not have.
# io_uring_setup, pidfd_open and pidfd_getfd have one number everywhere.
_EVERYWHERE = (425, 434, 438)
_ARCHITECTURES = {
    "x86_64": (
        0xC000003E,
        56,
        (59, 322, 62, 200, 101, 310, 311, 41, 53, 272, 308, 165, 321, 323, 298, 250, 57, 58),
    ),
    "aarch64": (
        0xC00000B7,
        220,
        (221, 281, 129, 130, 117, 270, 271, 198, 199, 97, 268, 40, 280, 282, 241, 219),
    ),
}
# Classic BPF: load a word of struct seccomp_data; jump if equal, greater or equal, if bits are set.
_LOAD, _JUMP_EQUAL, _JUMP_FROM, _JUMP_BITS, _RETURN = 0x20, 0x15, 0x35, 0x45, 0x06
_NUMBER, _ARCHITECTURE, _FIRST_ARGUMENT = 0, 4, 16


def deny_what_leaves_the_process() -> bool:
    """Install the filter for this thread, and for those that it starts later.

    `no_new_privs` must be set.

    Returns:
        False if the architecture or the kernel has none; then nothing is denied.
    """
    known = _ARCHITECTURES.get(os.uname().machine)
    if known is None or struct.calcsize("P") != 8:
        return False
    program = _program(*known)
    filters = ctypes.create_string_buffer(program, len(program))
    # struct sock_fprog: the number of instructions, and their address
    argument = struct.pack("@HP", len(program) // 8, ctypes.addressof(filters))
    prctl = ctypes.CDLL(None).prctl
    result: int = prctl(_PR_SET_SECCOMP, _MODE_FILTER, argument, 0, 0)
    return result == 0


def _program(architecture: int, clone: int, denied: tuple[int, ...]) -> bytes:
    """Return the instructions. Each jumps forward to one of the three returns at the end."""
    checks = [
        (_LOAD, None, None, _ARCHITECTURE),
        (_JUMP_EQUAL, None, "deny", architecture),
        (_LOAD, None, None, _NUMBER),
        (_JUMP_FROM, "deny", None, 0x40000000),  # the calls of x32, a second set on x86-64
        # Its flags are in memory, out of a filter's reach. The C library then uses clone.
        (_JUMP_EQUAL, "missing", None, _CLONE3),
        *((_JUMP_EQUAL, "deny", None, number) for number in (*denied, *_EVERYWHERE)),
        (_JUMP_EQUAL, None, "allow", clone),
        (_LOAD, None, None, _FIRST_ARGUMENT),
        (_JUMP_BITS, "allow", "deny", _CLONE_THREAD),
    ]
    returns = {
        "allow": _ALLOW,
        "deny": _FAIL_WITH | errno.EPERM,
        "missing": _FAIL_WITH | errno.ENOSYS,
    }
    places = {name: len(checks) + index for index, name in enumerate(returns)}
    program = b""
    for index, (code, if_true, if_false, value) in enumerate(checks):
        jumps = [places[to] - index - 1 if to else 0 for to in (if_true, if_false)]
        program += struct.pack("=HBBI", code, *jumps, value)
    return program + b"".join(struct.pack("=HBBI", _RETURN, 0, 0, k) for k in returns.values())
