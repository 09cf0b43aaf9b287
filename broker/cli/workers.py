"""What every worker process needs: the settings, the database, the bucket."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime

from broker.config import Settings
from broker.db.session import Database
from broker.storage.factory import s3_storage
from broker.storage.protocol import Storage


@dataclass(frozen=True, kw_only=True)
class Worker:
    """The parts of one process."""

    settings: Settings
    database: Database
    storage: Storage

    def check(self) -> None:
        """Raise DatabaseUnavailable, StorageUnavailable or StorageDenied if one is down."""
        self.database.check()
        self.storage.check()


@contextmanager
def worker() -> Iterator[Worker]:
    """Create the parts from the environment; raise SettingsError if it is wrong."""
    settings = Settings.load()
    database = Database(settings.database_url)
    try:
        yield Worker(settings=settings, database=database, storage=s3_storage(settings))
    finally:
        database.dispose()


def utc_now() -> datetime:
    """Return the current time, aware UTC."""
    return datetime.now(UTC)
