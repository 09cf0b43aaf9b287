"""What goes wrong in a network: `cutting_proxy` asks this for each connection and each chunk."""

import contextlib
import socket
import threading
import time
from dataclasses import dataclass, field


@dataclass
class Network:
    """The address of the proxy, what it has counted, and the faults of the moment."""

    url: str = ""
    cut: int = 0  # connections
    sent: int = 0  # bytes from clients to the server
    _changed: threading.Condition = field(default_factory=threading.Condition)
    _budgets: list[int] = field(default_factory=list)
    _is_down: bool = False
    _held: bytes | None = None
    _bytes_per_second: int | None = None
    _free_at: float = 0.0  # when the line has sent all that it has accepted
    _open: set[socket.socket] = field(default_factory=set)

    def take_down(self) -> None:
        """Cut all connections, and each new one until `mend`."""
        with self._changed:
            self._is_down = True
            for one in self._open:
                drop(one)
            self._changed.notify_all()

    def hold(self, pattern: bytes) -> None:
        """Hold back all that a client sends from the chunk that contains the pattern on."""
        with self._changed:
            self._held = pattern

    def slow_down(self, bytes_per_second: int) -> None:
        """Limit what all clients send together."""
        with self._changed:
            self._bytes_per_second = bytes_per_second

    def mend(self) -> None:
        """End all faults, and send what was held back."""
        with self._changed:
            self._budgets.clear()
            self._is_down, self._held, self._bytes_per_second = False, None, None
            self._changed.notify_all()

    def connect(self, client: socket.socket) -> int | None:
        """Return how many bytes this connection may send; None means no limit."""
        with self._changed:
            self._open.add(client)
            if self._is_down:
                return 0
            return self._budgets.pop(0) if self._budgets else None

    def disconnect(self, client: socket.socket, *, is_cut: bool) -> None:
        with self._changed:
            self._open.discard(client)
            self.cut += is_cut or self._is_down

    def passes(self, data: bytes) -> bool:
        """Wait while a chunk is held back or must be slow; return False if the network is down."""
        with self._changed:
            while self._held is not None and self._held in data and not self._is_down:
                self._changed.wait()
            if self._bytes_per_second:
                now = time.monotonic()
                self._free_at = max(now, self._free_at) + len(data) / self._bytes_per_second
                self._changed.wait(self._free_at - now)
            if not self._is_down:
                self.sent += len(data)
            return not self._is_down


def drop(connection: socket.socket) -> None:
    """Drop the data that is still in transit, as in a tunnel."""
    with contextlib.suppress(OSError):
        linger = b"\x01\x00\x00\x00\x00\x00\x00\x00"
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, linger)
        connection.shutdown(socket.SHUT_RDWR)
