"""A server on a plain socket, and connections to it."""

import socket
import ssl
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from broker.storage.bucket_connections import Connections, Timeouts, connections_to

HEADERS = {"host": "bucket", "x-amz-date": "20261129T120000Z"}
FOUND = b'HTTP/1.1 200 OK\r\nContent-Length: 5\r\nETag: "e"\r\nX-Amz-Meta-Upload-Id: u\r\n\r\n'


@dataclass
class Raw:
    """A server that treats its connections as a test says, one after another."""

    port: int = 0
    accepted: int = 0
    requests: list[bytes] = field(default_factory=list)

    def request(self, connection: socket.socket) -> bool:
        """Read one request; return False at the end of the connection."""
        received = b""
        while not received.endswith(b"\r\n\r\n"):
            chunk = connection.recv(4096)
            if not chunk:
                return False
            received += chunk
        self.requests.append(received)
        return True


@contextmanager
def raw(
    serve: Callable[[Raw, socket.socket], None], tls: ssl.SSLContext | None = None
) -> Iterator[Raw]:
    found = Raw()
    ended = threading.Event()

    def each(connection: socket.socket) -> None:
        with connection:
            try:
                if tls is None:
                    serve(found, connection)
                    return
                with tls.wrap_socket(connection, server_side=True) as wrapped:
                    serve(found, wrapped)
            except OSError:
                return  # the client has closed it

    def accept() -> None:
        while True:
            connection, _ = listening.accept()
            if ended.is_set():
                connection.close()
                return
            found.accepted += 1
            threads.append(threading.Thread(target=each, args=(connection,), daemon=True))
            threads[-1].start()

    threads: list[threading.Thread] = []
    with socket.create_server(("127.0.0.1", 0)) as listening:
        found.port = listening.getsockname()[1]
        accepting = threading.Thread(target=accept)
        accepting.start()
        try:
            yield found
        finally:
            ended.set()
            socket.create_connection(("127.0.0.1", found.port)).close()
            accepting.join()


def to(
    server: Raw, *, scheme: str = "http", ca: Path | None = None, seconds: float = 5
) -> Connections:
    return connections_to(
        f"{scheme}://localhost:{server.port}",
        timeouts=Timeouts(connect=5, answer=seconds),
        ca_bundle=None if ca is None else str(ca),
        most=4,
    )


def found_always(server: Raw, connection: socket.socket) -> None:
    while server.request(connection):
        connection.sendall(FOUND)
