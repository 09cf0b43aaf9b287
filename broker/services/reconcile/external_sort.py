"""Sort more rows than fit in memory, in a temporary SQLite file that SQLite removes.

It is independent of the broker's own database, and holds only keys and numbers. SQLite merges
sorted runs on disk, in TMPDIR.
"""

import sqlite3
from collections.abc import Iterable, Iterator
from contextlib import closing, contextmanager
from typing import Any, Self

from broker.domain.errors import BrokerError

CACHE_KIB = 1024


class NoRoomToSort(BrokerError):
    """The temporary directory is full."""


class ExternalSort:
    """Rows that are added in any order and read back sorted by their first column, a text.

    Text is compared by its bytes in UTF-8 (SQLite: BINARY). The rows can be read more than once.
    """

    def __init__(self, columns: int) -> None:
        names = [f"c{number}" for number in range(columns)]
        self._insert = f"INSERT INTO spool VALUES ({', '.join('?' * columns)})"  # noqa: S608
        # With an empty name SQLite uses a temporary file, and deletes it when it is closed.
        self._connection = sqlite3.connect("")
        for pragma in (f"cache_size = -{CACHE_KIB}", "temp_store = FILE", "journal_mode = OFF"):
            self._connection.execute(f"PRAGMA {pragma}")
        self._connection.execute(f"CREATE TABLE spool ({', '.join(names)})")

    def add(self, rows: Iterable[tuple[Any, ...]]) -> Self:
        """Add rows; SQLite writes them to disk."""
        with _raise_no_room():
            self._connection.executemany(self._insert, rows)
        return self

    def clear(self) -> None:
        """Delete all rows."""
        self._connection.execute("DELETE FROM spool")

    def __iter__(self) -> Iterator[tuple[Any, ...]]:
        """Yield the rows in order; rows with the same key in the order in which they were added."""
        with _raise_no_room(), closing(self._connection.cursor()) as cursor:
            yield from cursor.execute("SELECT * FROM spool ORDER BY c0, rowid")

    def __enter__(self) -> Self:
        """Return this object."""
        return self

    def __exit__(self, *_: object) -> None:
        """Close the file, which deletes it."""
        self._connection.close()


@contextmanager
def _raise_no_room() -> Iterator[None]:
    try:
        yield
    except sqlite3.OperationalError as error:
        raise NoRoomToSort(f"The temporary directory cannot be written: {error}.") from error
