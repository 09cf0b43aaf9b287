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
    small = _written(request.directory / "w320.webp", b"small", 320)
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
