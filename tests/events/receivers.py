"""HTTP receivers on 127.0.0.1: those that accept, and those that misbehave."""

import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager, suppress
from dataclasses import dataclass, field
from email.message import Message
from http.client import HTTPException, parse_headers

DRIP_SECONDS = 0.1


@dataclass(frozen=True)
class Received:
    """One request to a receiver."""

    line: str
    headers: Message
    body: bytes

    @property
    def event_id(self) -> str:
        return str(self.headers["webhook-id"])

    @property
    def timestamp(self) -> int:
        return int(self.headers["webhook-timestamp"])


Answer = Callable[[Received, socket.socket, threading.Event], None]


def status(code: int, *lines: str) -> Answer:
    """Answer with a status and no body."""

    def answer(_: Received, connection: socket.socket, __: threading.Event) -> None:
        head = "".join(f"{line}\r\n" for line in (f"HTTP/1.1 {code} X", *lines))
        connection.sendall(f"{head}Content-Length: 0\r\n\r\n".encode())

    return answer


def raw(data: bytes) -> Answer:
    """Answer with these bytes and close the connection."""
    return lambda _, connection, __: connection.sendall(data)


def silent(_: Received, __: socket.socket, ended: threading.Event) -> None:
    """Accept the request and never answer."""
    ended.wait()


def dripping(beginning: bytes, drop: bytes) -> Answer:
    """Answer with one byte after the other, without an end."""

    def answer(_: Received, connection: socket.socket, ended: threading.Event) -> None:
        connection.sendall(beginning)
        while not ended.wait(DRIP_SECONDS):
            connection.sendall(drop)

    return answer


def endless(beginning: bytes) -> Answer:
    """Answer with as many bytes as the sender reads."""

    def answer(_: Received, connection: socket.socket, ended: threading.Event) -> None:
        connection.sendall(beginning)
        while not ended.is_set():
            connection.sendall(b"x" * 65536)

    return answer


@dataclass
class Receiver:
    """A server that records every request, and answers as `answer` says."""

    url: str
    answer: Answer = field(default_factory=lambda: status(204))
    received: list[Received] = field(default_factory=list)
    ended: threading.Event = field(default_factory=threading.Event)
    changed: threading.Condition = field(default_factory=threading.Condition)

    @property
    def ids(self) -> list[str]:
        return [one.event_id for one in self.received]

    def wait_for(self, count: int) -> None:
        """Wait until so many requests have arrived."""
        with self.changed:
            assert self.changed.wait_for(lambda: len(self.received) >= count, timeout=20), self.ids

    def serve(self, connection: socket.socket) -> None:
        with closing(connection), suppress(OSError, HTTPException):
            stream = connection.makefile("rb")
            line = stream.readline().decode().strip()
            headers = parse_headers(stream)
            request = Received(line, headers, stream.read(int(headers["Content-Length"])))
            with self.changed:
                self.received.append(request)
                self.changed.notify_all()
            self.answer(request, connection, self.ended)


@contextmanager
def receiver(answer: Answer | None = None) -> Iterator[Receiver]:
    """Run a receiver until the block ends."""
    listening = socket.create_server(("127.0.0.1", 0), backlog=64)
    made = Receiver(url=f"http://127.0.0.1:{listening.getsockname()[1]}/events/?from=broker")
    if answer is not None:
        made.answer = answer
    threads: list[threading.Thread] = []

    def accept() -> None:
        with suppress(OSError):
            while True:
                connection, _ = listening.accept()
                threads.append(threading.Thread(target=made.serve, args=(connection,)))
                threads[-1].start()

    accepting = threading.Thread(target=accept)
    accepting.start()
    try:
        yield made
    finally:
        made.ended.set()
        # close() alone does not wake the thread that accepts.
        with suppress(OSError):
            listening.shutdown(socket.SHUT_RDWR)
        listening.close()
        for thread in (accepting, *threads):
            thread.join()
