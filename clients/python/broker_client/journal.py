"""What is known of unfinished uploads between two runs: an idempotency key, then an upload's id.

Written before the ticket is asked for, and before the first byte is sent (docs/mobile.md).
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

_NAMES = f"{'[0-9a-f]' * 64}.*"  # a digest, then `json`; `new` where a process died as it wrote
FORGET_SECONDS = 2 * 24 * 3600  # longer than any upload lives by the broker's own defaults


@dataclass(frozen=True, kw_only=True)
class Entry:
    """One upload; `upload_id` is None until its ticket has come."""

    idempotency_key: str
    upload_id: str | None = None


class Journal(Protocol):
    """Where entries are kept, by the digest of the request that they stand for."""

    def begin(self, key: str) -> Entry:
        """Give the entry that is there, or make one."""

    def issued(self, key: str, entry: Entry) -> None:
        """Keep the entry, which now has its upload's id."""

    def done(self, key: str) -> None:
        """Know that the upload has become an image."""

    def forget(self, key: str) -> None:
        """Drop an entry that nobody can go on with, if there is one."""


class NoJournal:
    """Keeps nothing: every upload is a new one."""

    def begin(self, key: str) -> Entry:
        """Make an entry."""
        return Entry(idempotency_key=str(uuid4()))

    def issued(self, key: str, entry: Entry) -> None:
        """Keep nothing."""

    def done(self, key: str) -> None:
        """Have nothing to drop."""

    def forget(self, key: str) -> None:
        """Have nothing to drop."""


class FolderJournal:
    """One small file an upload, replaced whole: processes that share the folder lose nothing."""

    def __init__(self, folder: str | os.PathLike[str]) -> None:
        """Use the folder, which is made when needed; entries of two days ago are dropped."""
        self.folder = Path(folder)
        before = time.time() - FORGET_SECONDS
        # By their names: the folder may have files of somebody else's.
        for path in self.folder.glob(_NAMES) if self.folder.is_dir() else ():
            with suppress(FileNotFoundError):  # another process was faster
                if path.stat().st_mtime < before:
                    path.unlink()

    def begin(self, key: str) -> Entry:
        """Give the entry that is there, or make one: processes that do at once get the same.

        Raises:
            OSError: the folder cannot be read or written.
        """
        found = self._read(key)
        if found is not None:
            return found
        entry = Entry(idempotency_key=str(uuid4()))
        try:
            self._write(key, entry, os.link)
        except FileExistsError:  # another process was faster, or it cannot be read
            found = self._read(key)
            if found is not None:
                return found
            self.issued(key, entry)
        except OSError:  # this file system has no links
            self.issued(key, entry)
        return entry

    def issued(self, key: str, entry: Entry) -> None:
        """Replace the entry's file."""
        self._write(key, entry, os.replace)

    def _read(self, key: str) -> Entry | None:
        """Give the entry that is there; None where there is none, or one that nobody can use."""
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
