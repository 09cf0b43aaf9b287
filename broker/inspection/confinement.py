"""What the child process gives up before it reads a file from a stranger.

The child does this itself, as its first act. The parent could do it between fork and exec, but
code there is unsafe in a process with threads.
"""

import contextlib
import ctypes
import os
import resource
import signal
import struct
import sys
from dataclasses import dataclass
from pathlib import Path

import broker
from broker.domain.media_types import CONVERTED
from broker.inspection import landlock, seccomp
from broker.inspection.inspected import Request

# <linux/prctl.h>, <linux/sched.h>, <linux/capability.h>
_PR_SET_PDEATHSIG = 1
_PR_SET_NO_NEW_PRIVS = 38
_CLONE_NEWUSER = 0x10000000
_CLONE_NEWNET = 0x40000000
_CAPABILITY_VERSION_3 = 0x20080522

# Measured with libvips 8.18, with a margin: the address space of an idle child, and what one pixel
# of a progressive JPEG with full chroma (6.2) or of an AVIF (15) needs.
_IDLE_BYTES = 128 * 1024 * 1024
_BYTES_PER_PIXEL = 8
_HEIF_BYTES_PER_PIXEL = 20
_PIXELS_PER_SECOND = 4_000_000  # on a slow core
_LARGEST_RENDITION = 64 * 1024 * 1024

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


def child_limits(request: Request) -> ChildLimits:
    """Return limits that any good file of at most `max_pixels` stays within.

    A file of 12 megapixels needs a tenth of them. They end bombs that no check has found.
    """
    converted = request.content_type in CONVERTED
    per_pixel = _HEIF_BYTES_PER_PIXEL if converted else _BYTES_PER_PIXEL
    cpu_seconds = 10 + request.max_pixels // _PIXELS_PER_SECOND
    return ChildLimits(
        memory_bytes=_IDLE_BYTES + per_pixel * request.max_pixels,
        cpu_seconds=cpu_seconds,
        wall_seconds=4.0 * cpu_seconds,
        file_bytes=_LARGEST_RENDITION + 8 * request.source.stat().st_size,
    )


@dataclass(frozen=True, kw_only=True)
class Confinement:
    """What the system let the process give up.

    Attributes:
        network: it has no network, by a namespace of its own or by the filter of system calls.
        files: it opens only its own files, by Landlock.
        processes: it starts no process and reaches no other one, by the filter of system calls.
    """

    network: bool
    files: bool
    processes: bool


def confine(
    limits: ChildLimits, *, parent: int, source: Path | None, directory: Path
) -> Confinement:
    """Confine this process, which must have one thread, to its source and its directory.

    Limits always hold. Namespaces, Landlock and seccomp depend on the kernel and on the container:
    Docker denies namespaces. On other systems than Linux only the limits exist.
    """
    _set_limits(limits)
    if sys.platform != "linux":
        return Confinement(network=False, files=False, processes=False)
    # If memory runs out, the kernel ends this process and not the worker.
    with contextlib.suppress(OSError):
        Path("/proc/self/oom_score_adj").write_text("1000")
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
    filtered = seccomp.deny_what_leaves_the_process()
    return Confinement(network=network or filtered, files=files, processes=filtered)


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
