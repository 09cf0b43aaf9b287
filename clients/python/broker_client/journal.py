"""Unfinished uploads, stored between two runs: an idempotency key, then the upload's id.

The key is written before the ticket is requested, the id before the first byte is sent
(docs/protocol.md).
"""

import json
import os
import re
import tempfile
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol
from uuid import uuid4

_NAMES = f"{'[0-9a-f]' * 64}.*"  # ends with `json`, or `new` after a crash
FORGET_SECONDS = 2 * 24 * 3600  # longer than the life of any upload with the broker's defaults


@dataclass(frozen=True, kw_only=True)
class Entry:
    """One upload. `upload_id` is None until the ticket was issued."""

    idempotency_key: str
    upload_id: str | None = None


class Journal(Protocol):
    """Stores entries. Their key is a digest of the ticket request."""

    def begin(self, key: str) -> Entry:
        """Return the stored entry, or create one."""

    def issued(self, key: str, entry: Entry) -> None:
        """Store the entry, which now has an upload id."""

    def done(self, key: str) -> None:
        """Record that the upload has become an image."""

    def forget(self, key: str) -> None:
        """Delete the entry of an upload that cannot be resumed, if there is one."""


class NoJournal:
    """Stores nothing, so every upload is new."""

    def begin(self, key: str) -> Entry:
        """Create an entry."""
        return Entry(idempotency_key=str(uuid4()))

    def issued(self, key: str, entry: Entry) -> None:
        """Do nothing."""

    def done(self, key: str) -> None:
        """Do nothing."""

    def forget(self, key: str) -> None:
        """Do nothing."""


class FolderJournal:
    """One small file for each upload, replaced atomically. Processes may share the folder."""

    def __init__(self, folder: str | os.PathLike[str]) -> None:
        """Use a folder, and create it when needed. Entries older than two days are deleted."""
        self.folder = Path(folder)
        before = time.time() - FORGET_SECONDS
        # Match the names: the folder may contain other files.
        for path in self.folder.glob(_NAMES) if self.folder.is_dir() else ():
            with suppress(FileNotFoundError):  # another process deleted it
                if path.stat().st_mtime < before:
                    path.unlink()

    def begin(self, key: str) -> Entry:
        """Return the stored entry, or create one. Concurrent processes get the same entry.

        Raises:
            OSError: the folder cannot be read or written.
        """
        found = self._read(key)
        if found is not None:
            return found
        entry = Entry(idempotency_key=str(uuid4()))
        try:
            self._write(key, entry, os.link)
        except FileExistsError:  # another process created it, or it cannot be read
            found = self._read(key)
            if found is not None:
                return found
            self.issued(key, entry)
        except OSError:  # the file system has no hard links
            self.issued(key, entry)
        return entry

    def issued(self, key: str, entry: Entry) -> None:
        """Replace the entry's file."""
        self._write(key, entry, os.replace)

    def _read(self, key: str) -> Entry | None:
        """Return the stored entry, or None if there is none or it is not valid."""
        try:
            found = json.loads(self._path(key).read_text())
            entry = Entry(idempotency_key=found["idempotency_key"], upload_id=found["upload_id"])
            return entry if re.fullmatch(r"[!-~]+", entry.idempotency_key) else None
        except (FileNotFoundError, ValueError, KeyError, TypeError):
            return None

    def _write(self, key: str, entry: Entry, put: Callable[[str, Path], None]) -> None:
        self.folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        descriptor, draft = tempfile.mkstemp(dir=self.folder, prefix=f"{key}.", suffix=".new")
        try:
            with os.fdopen(descriptor, "w") as file:
                json.dump(vars(entry), file)
            put(draft, self._path(key))
        finally:
            Path(draft).unlink(missing_ok=True)

    def done(self, key: str) -> None:
        """Remove the entry's file."""
        self.forget(key)

    def forget(self, key: str) -> None:
        """Remove the entry's file, if there is one."""
        self._path(key).unlink(missing_ok=True)

    def _path(self, key: str) -> Path:
        return self.folder / f"{key}.json"
