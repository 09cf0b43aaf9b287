"""What is known of unfinished uploads between two runs: an idempotency key, then an upload's id.

Written before the ticket is asked for, and before the first byte is sent (docs/mobile.md).
"""

import json
import os
import tempfile
import time
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol
from uuid import uuid4

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
        for path in self.folder.glob("*.json") if self.folder.is_dir() else ():
            with suppress(FileNotFoundError):  # another process was faster
                if path.stat().st_mtime < before:
                    path.unlink()

    def begin(self, key: str) -> Entry:
        """Give the entry that is there, or make one; raises OSError."""
        try:
            found = json.loads(self._path(key).read_text())
            return Entry(idempotency_key=found["idempotency_key"], upload_id=found["upload_id"])
        except (FileNotFoundError, ValueError, KeyError, TypeError):
            entry = Entry(idempotency_key=str(uuid4()))
            self.issued(key, entry)
            return entry

    def issued(self, key: str, entry: Entry) -> None:
        """Replace the entry's file."""
        self.folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        descriptor, draft = tempfile.mkstemp(dir=self.folder, suffix=".new")
        try:
            with os.fdopen(descriptor, "w") as file:
                json.dump(vars(entry), file)
            os.replace(draft, self._path(key))
        except BaseException:
            os.unlink(draft)
            raise

    def done(self, key: str) -> None:
        """Remove the entry's file."""
        self.forget(key)

    def forget(self, key: str) -> None:
        """Remove the entry's file, if there is one."""
        self._path(key).unlink(missing_ok=True)

    def _path(self, key: str) -> Path:
        return self.folder / f"{key}.json"
