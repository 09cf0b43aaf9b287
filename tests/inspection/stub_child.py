"""A child process whose inspection does what the test asks for: the name is its argument.

What it finds out it reports as the detail of a rejection.
"""

import ctypes
import hashlib
import json
import os
import resource
import signal
import socket
import struct
import sys
import time
from base64 import b64encode
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from broker.domain.rejections import RejectionReason
from broker.inspection.child import Inspect, main
from broker.inspection.inspected import Inspected, OutputFile, Rejected, Request


def _report(found: object) -> Rejected:
    return Rejected(RejectionReason.NOT_AN_IMAGE, json.dumps(found))


def _written(path: Path, text: bytes, width: int) -> OutputFile:
    path.write_bytes(text)
    digest = b64encode(hashlib.sha256(text).digest()).decode()
    return OutputFile(
        path=path,
        content_type="image/jpeg" if "image" in path.name else "image/webp",
        width=width,
        height=width,
        size=len(text),
        checksum_sha256=digest,
    )


def publish(request: Request) -> Inspected:
    image = _written(request.directory / "image.jpg", request.source.read_bytes(), 900)
    small = _written(request.directory / "w320.webp", b"small", request.variant_widths[0])
    return Inspected(image=image, thumbhash="1QcSHQRnh493V4dIh4eXh1h4kJUI", variants=(small,))


def print_and_publish(request: Request) -> Inspected:
    sys.stdout.write("libpng warning: something\n")
    os.write(1, b"from C\n")
    return publish(request)


def reject(request: Request) -> Inspected:
    raise Rejected(RejectionReason.CORRUPT, "ends after \x1b[31m7 bytes")


def segfault(request: Request) -> Inspected:
    return Inspected(**ctypes.string_at(0))


def loop(request: Request) -> Inspected:
    while True:
        pass


def sleep(request: Request) -> Inspected:
    (request.directory / "asleep").write_text(str(os.getpid()))
    time.sleep(600)
    raise AssertionError


def hog(request: Request) -> Inspected:
    blocks = []
    while True:
        blocks.append(bytearray(2**24))


def fail(request: Request) -> Inspected:
    raise ValueError("no such\x07 thing")


def write_a_huge_file(request: Request) -> Inspected:
    with (request.directory / "huge").open("wb", buffering=0) as stream:
        for _ in range(3):
            stream.write(bytes(2**19))
    raise AssertionError


def write_files_without_end(request: Request) -> Inspected:
    """Write files that are small enough, but endlessly many."""
    number = 0
    while True:
        (request.directory / f"{number}").write_bytes(bytes(int(request.source.read_text())))
        number += 1


def write_much_to_standard_error(request: Request) -> Inspected:
    sys.stderr.write("warning\n" * 100_000)
    return publish(request)


def answer_without_end(request: Request) -> Inspected:
    while True:
        os.write(max(_open_descriptors()), b"x" * 4096)


def delete_the_result(request: Request) -> Inspected:
    inspected = publish(request)
    inspected.image.path.unlink()
    return inspected


def open_everything(request: Request) -> Inspected:
    """Report for each file named in the source whether it can be opened."""
    found = []
    for line in request.source.read_text().splitlines():
        path = line.replace("PARENT", str(os.getppid()))
        try:
            os.close(os.open(path, os.O_RDWR if path.endswith("writable") else os.O_RDONLY))
        except OSError as error:
            found.append(error.strerror)
        else:
            found.append("opened")
    raise _report(found)


def connect(request: Request) -> Inspected:
    """Report whether the port in the source can be reached."""
    try:
        socket.create_connection(("127.0.0.1", int(request.source.read_text())), timeout=2).close()
    except OSError as error:
        raise _report(error.strerror) from None
    raise _report("connected")


def attack(request: Request) -> Inspected:
    """Report what becomes of attempts to start a process, and to reach the parent."""
    found = {}
    attempts: dict[str, Callable[[], object]] = {
        "exec": lambda: os.execv("/bin/true", ["true"]),
        "fork": os.fork,
        "clone3": lambda: _called("syscall", 435, 0, 0),
        "signal": lambda: os.kill(os.getppid(), signal.SIGURG),
        "ptrace": lambda: _called("ptrace", 16, os.getppid(), 0, 0),
    }
    for name, attempt in attempts.items():
        try:
            attempt()
        except OSError as error:
            found[name] = error.strerror
        else:
            found[name] = "done"
    raise _report(found)


def leave_something(request: Request) -> Inspected:
    """Report which calls are allowed that change what is not this process, or that outlive it.

    The source names a file of another job.
    """
    foreign = request.source.read_bytes()
    parent, own = os.getppid(), os.getpid()
    calls = _CALLS[os.uname().machine]
    limit, info = ctypes.create_string_buffer(16), ctypes.create_string_buffer(128)
    arguments: dict[str, tuple[object, ...]] = {
        "tgkill": (parent, parent, signal.SIGURG),
        "rt_sigqueueinfo": (parent, signal.SIGURG, info),
        "rt_tgsigqueueinfo": (parent, parent, signal.SIGURG, info),
        "prlimit64": (parent, 7, 0, limit),
        "setpriority": (0, parent, 19),
        "sched_setaffinity": (parent, 8, info),
        "shmget": (0, 4096, 0o1600),
        "semget": (0, 1, 0o1600),
        "msgget": (0, 0o1600),
        "mq_open": (b"upload-broker-test", 0o102, 0o600, 0),
        "add_key": (b"user", b"upload-broker-test", b"x", 1, -3),
        "fchmodat": (-100, foreign, 0o777),
        "utimensat": (-100, foreign, 0, 0),
        "truncate": (foreign, 0),
        "setxattr": (foreign, b"user.test", b"x", 1, 0),
    }
    found = {name: _outcome(calls[name], *values) for name, values in arguments.items()}
    found["own signal"] = _outcome(calls["tgkill"], own, own, 0)
    found["own limit"] = _outcome(calls["prlimit64"], 0, 7, 0, limit)
    denied = "Operation not permitted"
    raise _report({name: outcome for name, outcome in found.items() if outcome != denied})


_CALLS = {
    "x86_64": {
        "tgkill": 234,
        "rt_sigqueueinfo": 129,
        "rt_tgsigqueueinfo": 297,
        "prlimit64": 302,
        "setpriority": 141,
        "sched_setaffinity": 203,
        "shmget": 29,
        "semget": 64,
        "msgget": 68,
        "mq_open": 240,
        "add_key": 248,
        "fchmodat": 268,
        "utimensat": 280,
        "truncate": 76,
        "setxattr": 188,
    },
    "aarch64": {
        "tgkill": 131,
        "rt_sigqueueinfo": 138,
        "rt_tgsigqueueinfo": 240,
        "prlimit64": 261,
        "setpriority": 140,
        "sched_setaffinity": 122,
        "shmget": 194,
        "semget": 190,
        "msgget": 186,
        "mq_open": 180,
        "add_key": 217,
        "fchmodat": 53,
        "utimensat": 88,
        "truncate": 45,
        "setxattr": 5,
    },
}


def _outcome(*call: object) -> str:
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.syscall(*call) < 0:
        return os.strerror(ctypes.get_errno())
    return "done"


def _called(name: str, *arguments: int) -> None:
    libc = ctypes.CDLL(None, use_errno=True)
    if getattr(libc, name)(*arguments) < 0:
        raise OSError(ctypes.get_errno(), os.strerror(ctypes.get_errno()))


def start_threads(request: Request) -> Inspected:
    with ThreadPoolExecutor(4) as pool:
        raise _report(list(pool.map(int, range(4))))


def describe(request: Request) -> Inspected:
    """Report the state of the process."""
    libc = ctypes.CDLL(None)
    sets = ctypes.create_string_buffer(24)
    libc.capget(struct.pack("=Ii", 0x20080522, 0), sets)
    raise _report(
        {
            "environment": sorted(os.environ),
            "descriptors": _open_descriptors(),
            "no_new_privs": libc.prctl(39, 0, 0, 0, 0),
            "capabilities": sets.raw.hex().strip("0"),
            "directory": os.getcwd(),
        }
    )


def describe_limits(request: Request) -> Inspected:
    kinds = ("CORE", "CPU", "AS", "FSIZE", "NOFILE")
    raise _report([resource.getrlimit(getattr(resource, f"RLIMIT_{kind}")) for kind in kinds])


def _open_descriptors() -> list[int]:
    found = []
    for number in range(64):
        try:
            os.fstat(number)
        except OSError:
            continue
        found.append(number)
    return found


def _load() -> Inspect:
    chosen: Inspect = globals()[sys.argv[1]]
    return chosen


if __name__ == "__main__":
    main(_load)
