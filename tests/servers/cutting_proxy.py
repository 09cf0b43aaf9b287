"""A bad network: a TCP proxy that cuts its first connections during a transfer."""

import contextlib
import socket
import socketserver
import threading
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from urllib.parse import urlsplit

CHUNK = 64 * 1024


@dataclass
class Network:
    """The address of the proxy and the number of cut connections."""

    url: str = ""
    cut: int = 0
    _lock: threading.Lock = field(default_factory=threading.Lock)
    _budgets: list[int] = field(default_factory=list)

    def budget(self) -> int | None:
        """Return how many bytes the next connection may send; None means no limit."""
        with self._lock:
            return self._budgets.pop(0) if self._budgets else None

    def mend(self) -> None:
        """Stop cutting connections."""
        with self._lock:
            self._budgets.clear()

    def count(self) -> None:
        """Count a cut connection."""
        with self._lock:
            self.cut += 1


@contextlib.contextmanager
def cutting_proxy(
    endpoint_url: str, budgets: Sequence[int] = (), address: str = "127.0.0.1"
) -> Iterator[Network]:
    """Listen on an address, and forward to a server.

    The n-th connection is cut after `budgets[n]` bytes.
    """
    target = urlsplit(endpoint_url)
    network = Network(_budgets=list(budgets))

    class Handler(socketserver.BaseRequestHandler):
        def handle(self) -> None:
            budget = network.budget()
            with socket.create_connection((target.hostname, target.port)) as upstream:
                back = threading.Thread(target=_pump, args=(upstream, self.request, None))
                back.start()
                if not _pump(self.request, upstream, budget):
                    network.count()
                    # Drop the data that is still in transit, as in a tunnel.
                    linger = b"\x01\x00\x00\x00\x00\x00\x00\x00"
                    self.request.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, linger)
                    self.request.shutdown(socket.SHUT_RDWR)
                    upstream.shutdown(socket.SHUT_RDWR)
                back.join()

    class Server(socketserver.ThreadingTCPServer):
        daemon_threads = True
        request_queue_size = 64

    with Server((address, 0), Handler) as server:
        network.url = endpoint_url.replace(
            f"{target.hostname}:{target.port}", f"{address}:{server.server_address[1]}"
        )
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        try:
            yield network
        finally:
            server.shutdown()
            thread.join()


def _pump(source: socket.socket, sink: socket.socket, budget: int | None) -> bool:
    """Forward until the source ends; return False if the budget was used up."""
    sent = 0
    with contextlib.suppress(OSError):
        while data := source.recv(CHUNK):
            sink.sendall(data)
            sent += len(data)
            if budget is not None and sent >= budget:
                return False
        sink.shutdown(socket.SHUT_WR)
    return True
