"""Count the requests that a view is serving: the current number and the maximum, in a file.

The numbers are in a file, because a worker without a free thread cannot answer a request for them.
"""

import mmap
import struct
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

FORMAT = "<QQ"


class Gauge:
    """The current number of requests and the maximum, in a memory-mapped file."""

    def __init__(self, path: Path) -> None:
        path.write_bytes(struct.pack(FORMAT, 0, 0))
        with path.open("r+b") as file:
            self._map = mmap.mmap(file.fileno(), struct.calcsize(FORMAT))
        self._lock = threading.Lock()

    @contextmanager
    def counted(self) -> Iterator[None]:
        """Count one request for the duration of the block."""
        self._add(1)
        try:
            yield
        finally:
            self._add(-1)

    def _add(self, change: int) -> None:
        with self._lock:
            now, most = struct.unpack(FORMAT, self._map[:])
            self._map[:] = struct.pack(FORMAT, now + change, max(most, now + change))
