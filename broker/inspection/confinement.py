"""What the child process gives up before it reads a file from a stranger.

The child does this itself, as its first act. The parent could do it between fork and exec, but
code there is unsafe in a process with threads.
"""

import ctypes
import os
import resource
import signal
import struct
import sys
from dataclasses import dataclass
from pathlib import Path

import broker
from broker.inspection import landlock

# <linux/prctl.h>, <linux/sched.h>, <linux/capability.h>
_PR_SET_PDEATHSIG = 1
_PR_SET_NO_NEW_PRIVS = 38
_CLONE_NEWUSER = 0x10000000
_CLONE_NEWNET = 0x40000000
_CAPABILITY_VERSION_3 = 0x20080522

_MAX_OPEN_FILES = 64
_MAX_THREADS = 64


@dataclass(frozen=True, kw_only=True)
class ChildLimits:
    """What one child process may use.

    Attributes:
        memory_bytes: address space, with the about 60 MiB of an idle child.
        cpu_seconds: CPU time, whole seconds.
        wall_seconds: time from start to answer; the parent ends the child afterwards.
        file_bytes: the size of each file that it writes.
    """

    memory_bytes: int
    cpu_seconds: int
    wall_seconds: float
    file_bytes: int


@dataclass(frozen=True, kw_only=True)
class Confinement:
    """What the system allowed: without network namespace, without the files of others."""

    network: bool
    files: bool


def confine(
    limits: ChildLimits, *, parent: int, source: Path | None, directory: Path
) -> Confinement:
    """Confine this process, which must have one thread, to its source and its directory.

    Limits always hold. Namespaces and Landlock depend on the kernel, and on what a container's
    seccomp profile permits. On other systems than Linux only the limits exist.
    """
    _set_limits(limits)
    if sys.platform != "linux":
        return Confinement(network=False, files=False)
    libc = ctypes.CDLL(None, use_errno=True)
    network = libc.unshare(_CLONE_NEWUSER | _CLONE_NEWNET) == 0
    if network:
        # The kernel counts threads by user and namespace: in our own, these are only ours.
        _limit(resource.RLIMIT_NPROC, _MAX_THREADS)
    _must(libc.prctl(_PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0), "PR_SET_NO_NEW_PRIVS")
    files = landlock.restrict(
        readable=[*_interpreter(), *([source] if source else [])], writable=directory
    )
    # A new user namespace comes with all capabilities in it; root has them anyway.
    header = struct.pack("=Ii", _CAPABILITY_VERSION_3, 0)
    _must(libc.capset(header, bytes(24)), "capset")
    # Last, because a change of credentials clears it.
    _must(libc.prctl(_PR_SET_PDEATHSIG, int(signal.SIGKILL), 0, 0, 0), "PR_SET_PDEATHSIG")
    if os.getppid() != parent:  # it died before the call
        os._exit(1)
    return Confinement(network=network, files=files)


def _set_limits(limits: ChildLimits) -> None:
    _limit(resource.RLIMIT_CORE, 0)
    _limit(resource.RLIMIT_NOFILE, _MAX_OPEN_FILES)
    _limit(resource.RLIMIT_FSIZE, limits.file_bytes)
    # At the soft limit the kernel sends SIGXCPU, at the hard limit SIGKILL.
    _limit(resource.RLIMIT_CPU, limits.cpu_seconds, limits.cpu_seconds + 1)
    if sys.platform == "linux":
        _limit(resource.RLIMIT_AS, limits.memory_bytes)


def _limit(kind: int, soft: int, hard: int | None = None) -> None:
    """Lower a limit. A lower one that the system has set stays."""
    wanted = (soft, soft if hard is None else hard)
    present = resource.getrlimit(kind)[1]
    if present != resource.RLIM_INFINITY:
        wanted = (min(wanted[0], present), min(wanted[1], present))
    resource.setrlimit(kind, wanted)


def _interpreter() -> list[Path]:
    """Return what Python and the libraries need to be imported."""
    system = ("/usr", "/lib", "/lib64", "/etc/ld.so.cache", "/dev/null", "/dev/urandom")
    places = [sys.prefix, sys.base_prefix, *broker.__path__, *system]
    return [Path(place) for place in places]


def _must(result: int, name: str) -> None:
    if result != 0:
        raise OSError(ctypes.get_errno(), name)
