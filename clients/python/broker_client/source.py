"""A file with its name, size and digest. It is read in blocks, never as a whole."""

import base64
import hashlib
import os
import tempfile
import threading
from collections.abc import Iterator
from pathlib import Path, PurePath
from typing import BinaryIO, Self

from broker_client.errors import FileChanged

BLOCK = 1024 * 1024


class Source:
    """An open file with its SHA-256. `checksum_sha256` is base64, `size` is in bytes.

    Several threads read parts at the same time, so a lock ensures that each read follows its own
    seek.
    """

    def __init__(self, file: BinaryIO, name: str, *, close: bool) -> None:
        """Read the file once, from its current position to its end, to compute the digest."""
        self._file = file
        self._close = close
        self._lock = threading.Lock()
        self.name = name
        self._base = file.tell()
        digest = hashlib.sha256()
        self.size = 0
        for block in _blocks(file):
            digest.update(block)
            self.size += len(block)
        self.checksum_sha256 = base64.b64encode(digest.digest()).decode()

    @classmethod
    def open(cls, file: "str | os.PathLike[str] | BinaryIO") -> Self:
        """Open a path, or use a binary stream. A stream that cannot seek is first copied to disk.

        The caller's stream is not closed.
        """
        name = file_name(file)
        if not isinstance(file, str | os.PathLike):
            return cls(file, name, close=False) if file.seekable() else cls._copied(file, name)
        opened = Path(file).open("rb")  # noqa: SIM115
        try:
            if opened.seekable():
                return cls(opened, name, close=True)
        except BaseException:
            opened.close()
            raise
        with opened:  # a pipe, for example /dev/stdin
            return cls._copied(opened, name)

    @classmethod
    def _copied(cls, file: BinaryIO, name: str) -> Self:
        copy = tempfile.TemporaryFile()  # noqa: SIM115
        try:
            for block in _blocks(file):
                copy.write(block)
            copy.seek(0)
            return cls(copy, name, close=True)
        except BaseException:
            copy.close()
            raise

    def read_at(self, position: int, length: int) -> bytes:
        """Return at least one byte and at most `length` bytes, starting at `position`.

        Raises:
            FileChanged: the file ends before `position`.
        """
        with self._lock:
            self._file.seek(self._base + position)
            found = self._file.read(length)
        if not found:
            raise FileChanged(f"{self.name} ended at {position} of {self.size} bytes")
        return found

    def checksum_of(self, start: int, size: int) -> str:
        """Return the base64 SHA-256 of a range."""
        digest, position, end = hashlib.sha256(), start, start + size
        while position < end:
            block = self.read_at(position, min(BLOCK, end - position))
            digest.update(block)
            position += len(block)
        return base64.b64encode(digest.digest()).decode()

    def close(self) -> None:
        """Close the file if this object opened it."""
        if self._close:
            self._file.close()


def file_name(file: "str | os.PathLike[str] | BinaryIO") -> str:
    """Return the last segment of the file's name, or `image` if it has no name."""
    if isinstance(file, str | os.PathLike):
        return Path(file).name
    name = getattr(file, "name", None)
    # The name of a pipe is the number of its file descriptor.
    return PurePath(name).name if isinstance(name, str) and PurePath(name).name else "image"


def _blocks(file: BinaryIO) -> Iterator[bytes]:
    while block := file.read(BLOCK):
        yield block
