"""The argument of every service, and the rule for where a transaction ends.

A function that takes a `Work` ends its transactions itself: when it returns, everything that it
did is committed, and no transaction is open. If it raises, the block of `Broker.work` rolls back,
so that no partial change remains. A function that takes a `Session` is one step of its caller's
transaction and never commits. `tests/house` checks this.

No transaction stays open across a call to S3: a service reads, ends the transaction, asks the
bucket, and then changes rows by compare-and-set.
"""

from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from functools import cached_property

from broker.config import Settings
from broker.db.session import Database, Session
from broker.domain.grants import NO_GRANTS, Action, grant
from broker.domain.limits import Limits
from broker.domain.principal import SYSTEM, Principal
from broker.storage.bucket_state import BucketState
from broker.storage.protocol import Storage


@dataclass(frozen=True, kw_only=True, slots=True)
class Work:
    """One call of a service: its session, the bucket, the limits, the caller, and the time."""

    session: Session
    storage: Storage
    limits: Limits
    principal: Principal
    now: datetime

    def acting_for(self, user_id: int, key: str) -> "Work":
        """Return the same work with the caller of an upload's ticket.

        It may act for this user only, and for the owner by token in the upload's relative key: the
        grant of the ticket stands until the upload has ended.
        """
        grants, found = NO_GRANTS, self.limits.profiles.of_key(key)
        if found is not None and found[0].is_by_token:
            profile, owner = found
            grants = grant(profile.name, owner, Action.CREATE)
        return replace(self, principal=Principal(user_id=user_id, grants=grants))


@dataclass(frozen=True, kw_only=True)
class Broker:
    """The parts that each process creates once."""

    settings: Settings
    limits: Limits
    database: Database
    storage: Storage

    @cached_property
    def bucket_state(self) -> BucketState:
        """Whether the bucket answers, as this process last saw it."""
        return BucketState(self.storage.check)

    @contextmanager
    def work(self, principal: Principal, *, now: datetime | None = None) -> Iterator[Work]:
        """Yield the work of one caller; roll back what it has not committed.

        Raises:
            DatabaseUnavailable: see `Database.session`.
            DatabaseNotMigrated: this release needs a newer migration.
        """
        self.database.require_migrated()
        with self.database.session() as session:
            yield Work(
                session=session,
                storage=self.storage,
                limits=self.limits,
                principal=principal,
                now=now or utc_now(),
            )

    def system_work(self, *, now: datetime | None = None) -> AbstractContextManager[Work]:
        """Return the work of the broker itself, which has all rights."""
        return self.work(SYSTEM, now=now)

    def check(self) -> None:
        """Raise DatabaseUnavailable, StorageUnavailable or StorageDenied if one does not work."""
        self.database.check()
        self.storage.check()


def utc_now() -> datetime:
    """Return this machine's time, aware and in UTC."""
    return datetime.now(UTC)
