"""The rows of the quotas: reserve, read, refund.

Each user has one row. It is reset when a new window begins. An upload stores the start of its
window, so that a later refund never changes another window.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from functools import cache
from typing import Any

from sqlalchemy import (
    BigInteger,
    ColumnElement,
    FromClause,
    Table,
    bindparam,
    case,
    or_,
    select,
    update,
)
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.orm import Session
from sqlalchemy.sql.dml import ReturningInsert

from broker.db.models import UserQuota
from broker.db.types import UtcDateTime

_QUOTAS: Table = UserQuota.__table__  # type: ignore[assignment]
_UNBOUNDED = 2**62  # used if no limit is set; a sum with it fits into a BIGINT

Dialects = postgresql.Insert | sqlite.Insert


@dataclass(frozen=True, kw_only=True, slots=True)
class Reservation:
    """The bytes and files that new uploads reserve.

    A window that began at `stale_at` or earlier is over.
    """

    now: datetime
    stale_at: datetime
    bytes: int
    files: int
    max_bytes: int
    max_files: int

    @property
    def values(self) -> dict[str, Any]:
        """Return the parameters of the reserving statement; a limit of 0 means none."""
        return {
            "quota_now": self.now,
            "quota_stale_at": self.stale_at,
            "quota_bytes": self.bytes,
            "quota_files": self.files,
            "quota_max_bytes": self.max_bytes or _UNBOUNDED,
            "quota_max_files": self.max_files or _UNBOUNDED,
        }


@dataclass(frozen=True, kw_only=True, slots=True)
class Refund:
    """The bytes and files that a user's uploads no longer need, in one window."""

    user_id: int
    window: datetime
    bytes: int
    files: int


def _reserving(insert: Dialects, user: FromClause | ColumnElement[int]) -> ReturningInsert[Any]:
    """Return the statement that makes a reservation; it returns no row if the quota is too low.

    Args:
        insert: the dialect's own INSERT into the table.
        user: the user's id, or a FROM clause with a column `user_id`; without a row nothing is
            reserved.
    """
    now, stale_at = _parameter("now"), _parameter("stale_at")
    size, files = _parameter("bytes"), _parameter("files")
    max_bytes, max_files = _parameter("max_bytes"), _parameter("max_files")
    user_id = user.c.user_id if isinstance(user, FromClause) else user
    first = select(user_id, now, size, files).where(size <= max_bytes, files <= max_files)
    kept = _QUOTAS.c
    over = kept.window_start <= stale_at
    return (
        insert.from_select(["user_id", "window_start", "bytes_taken", "files_taken"], first)
        .on_conflict_do_update(
            index_elements=[kept.user_id],
            set_={
                "window_start": case((over, now), else_=kept.window_start),
                "bytes_taken": size + case((over, 0), else_=kept.bytes_taken),
                "files_taken": files + case((over, 0), else_=kept.files_taken),
            },
            where=or_(
                over,
                (kept.bytes_taken + size <= max_bytes) & (kept.files_taken + files <= max_files),
            ),
        )
        .returning(kept.user_id, kept.window_start)
    )


def _parameter(name: str) -> ColumnElement[Any]:
    kind = UtcDateTime if name in ("now", "stale_at") else BigInteger
    return bindparam(f"quota_{name}", type_=kind)


def reserve_on_postgresql(owner: FromClause) -> ReturningInsert[Any]:
    """Return the statement that reserves for an owner's user, for use in another statement."""
    return _reserving(postgresql.insert(_QUOTAS), owner)


@cache
def reserve_on_sqlite() -> ReturningInsert[Any]:
    """Return the statement that reserves for one user."""
    return _reserving(sqlite.insert(_QUOTAS), bindparam("quota_user_id", type_=BigInteger))


def charge(session: Session, user_id: int, charged: Reservation) -> datetime:
    """Charge a user; return the start of the window. With limits of 0 this always succeeds."""
    dialect = session.get_bind().dialect.name
    insert = postgresql.insert if dialect == "postgresql" else sqlite.insert
    user = bindparam("quota_user_id", type_=BigInteger)
    values = {**charged.values, "quota_user_id": user_id}
    row = session.execute(_reserving(insert(_QUOTAS), user), values).one()
    window: datetime = row.window_start
    return window


def taken(session: Session, user_id: int, *, since: datetime) -> UserQuota | None:
    """Return what a user has reserved in a window that began after `since`."""
    return session.scalar(
        select(UserQuota)
        .where(UserQuota.user_id == user_id, UserQuota.window_start > since)
        .execution_options(populate_existing=True)
    )


def refund(session: Session, refunds: Iterable[Refund]) -> None:
    """Refund in the order of users. A window that is over needs no refund.

    These are the last locks that a transaction takes, always in this order. So two transactions
    never wait for each other.
    """
    sums: dict[tuple[int, datetime], tuple[int, int]] = {}
    for one in refunds:
        size, files = sums.get((one.user_id, one.window), (0, 0))
        sums[one.user_id, one.window] = (size + one.bytes, files + one.files)
    for (user_id, window), (size, files) in sorted(sums.items()):
        session.execute(
            update(UserQuota)
            .where(UserQuota.user_id == user_id, UserQuota.window_start == window)
            .values(
                bytes_taken=UserQuota.bytes_taken - size, files_taken=UserQuota.files_taken - files
            )
            .execution_options(synchronize_session=False)
        )
