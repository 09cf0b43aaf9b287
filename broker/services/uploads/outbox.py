"""The outbox of deletions and aborts.

A row is inserted in the transaction that makes an object unnecessary. Several drainers may work at
the same time: each leases a row (`db/leases.py`), and after a failure stores when it is due again.

While a late request could still write the object of an ended upload, its quota stays charged:
the row that deletes the object for the last time refunds it.
"""

import logging
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import ColumnElement, bindparam, delete, func, select, true, union_all, update
from sqlalchemy.orm import Session

from broker.db import leases
from broker.db.models import Deletion, Image, ImageVariant, Upload
from broker.db.session import DATABASE_ERRORS
from broker.domain.errors import BrokerError
from broker.domain.object_keys import relative_of_published
from broker.domain.storage_errors import ObjectBusy, ObjectRefused, StorageError, StorageUnavailable
from broker.services.uploads import quotas
from broker.services.work import Work

LEASE = timedelta(seconds=30)
BACKOFF = timedelta(seconds=30)
BACKOFF_MAX = timedelta(hours=1)
DOUBLINGS_MAX = 7  # more would exceed BACKOFF_MAX, and finally overflow timedelta
# Each busy object takes some seconds.
BUSY_MAX = 5
# About three hours after the first attempt.
ATTEMPTS_MAX = 10
GIVEN_UP_PAUSE = timedelta(days=30)
_COUNT = {"attempts": Deletion.attempts + 1}
ALL = leases.Queue(
    due=Deletion.not_before,
    order=Deletion.not_before,
    lease=LEASE,
    condition=true(),
    changes=_COUNT,
)
OF_KEY = leases.Queue(
    due=Deletion.not_before,
    order=Deletion.not_before,
    lease=LEASE,
    condition=Deletion.object_key == bindparam("object_key"),
    changes=_COUNT,
)
log = logging.getLogger("broker.outbox")


@dataclass(frozen=True, kw_only=True)
class Drained:
    """How many rows were completed, and how many were postponed because of an error."""

    deleted: int = 0
    postponed: int = 0


def enqueue(
    session: Session,
    key: str,
    *,
    now: datetime,
    form_dead_at: datetime | None = None,
    refunds: UUID | None = None,
    charged_window: datetime | None = None,
    erasure_id: UUID | None = None,
) -> None:
    """Put an object key into the outbox.

    Args:
        session: the row is part of its transaction.
        key: the object key.
        now: the time of the first deletion.
        form_dead_at: the time after which no form can write to the key. If it is in the future, the
            object is deleted now and again at that time, because a slow upload may arrive in
            between.
        refunds: the upload whose quota is refunded after the last deletion.
        charged_window: for an object that arrived late, the quota's window that was charged. If
            None, the window of the upload is refunded.
        erasure_id: the erasure that ends after the last deletion.
    """
    session.add(
        Deletion(
            **row(key, now=now, form_dead_at=form_dead_at),
            upload_id=refunds,
            charged_window=charged_window,
            erasure_id=erasure_id,
        )
    )


def row(key: str, *, now: datetime, form_dead_at: datetime | None = None) -> dict[str, Any]:
    """Return the columns of a deletion; see `enqueue`."""
    repeat_at = form_dead_at if form_dead_at is not None and form_dead_at > now else None
    return {"object_key": key, "not_before": now, "repeat_at": repeat_at, "created_at": now}


def withdraw(session: Session, key: str, *, is_repeated: bool = False) -> bool:
    """Remove the deletion of an object; return False if it may have begun.

    `is_repeated` says whether the object was to be deleted twice.
    """
    waiting = not_begun([key], is_repeated=is_repeated)
    return session.scalar(delete(Deletion).where(*waiting).returning(Deletion.id)) is not None


def not_begun(keys: Iterable[str], *, is_repeated: bool) -> tuple[ColumnElement[bool], ...]:
    """Return the conditions that match the deletions of objects that still wait for their time."""
    waiting = (
        Deletion.object_key.in_(keys),
        Deletion.multipart_id.is_(None),
        Deletion.attempts == 0,
    )
    # After the first deletion, the row has no time for another one.
    return (*waiting, Deletion.repeat_at.is_not(None)) if is_repeated else waiting


def enqueue_abort(
    session: Session,
    key: str,
    multipart_id: str,
    *,
    now: datetime,
    urls_dead_at: datetime | None = None,
    erasure_id: UUID | None = None,
) -> None:
    """Put a multipart upload into the outbox, to be aborted now and again at `urls_dead_at`.

    S3: a part that is being sent during an abort may stay, so it "might be necessary to abort a
    given multipart upload multiple times" (AbortMultipartUpload).
    """
    session.add(
        Deletion(
            object_key=key,
            multipart_id=multipart_id,
            not_before=now,
            repeat_at=urls_dead_at,
            created_at=now,
            erasure_id=erasure_id,
        )
    )


def drain(work: Work, *, only_key: str | None = None) -> Drained:
    """Process the due rows; return when none is left or S3 does not answer.

    If S3 does not answer for a key, its row is postponed. After five of these, the other rows wait
    for the next call, which begins with them.
    """
    deleted = postponed = busy = 0
    while (row := _take(work, only_key)) is not None:
        try:
            _carry_out(work, row)
            _finish(work, row)
        except StorageError as error:
            _record_failure(work, row, error)
            postponed += 1
            busy += isinstance(error, ObjectBusy)
            if isinstance(error, StorageUnavailable) or busy == BUSY_MAX:
                break
        except DATABASE_ERRORS:
            raise
        except Exception:
            # The row becomes due again and again, so a fault that only this row causes must
            # not keep all others waiting. The log has its traceback.
            work.session.rollback()
            log.exception("the deletion of %s is postponed by an unexpected error", row.object_key)
            _postpone(work, row, BrokerError.code, _backoff(row))
            postponed += 1
        else:
            deleted += 1
    return Drained(deleted=deleted, postponed=postponed)


@dataclass(frozen=True, kw_only=True)
class Backlog:
    """Counts of the outbox: all rows, rows that S3 has refused, and the longest delay.

    `given_up` are those of them that are tried only once a month. `overdue_seconds` is the
    age of the row that has been due for longest.
    """

    waiting: int
    refused: int
    given_up: int
    overdue_seconds: float


def backlog(work: Work) -> Backlog:
    """Count the rows of the outbox. A row that becomes due later is waiting but not overdue."""
    row = work.session.execute(
        select(
            func.count(),
            func.count().filter(Deletion.last_error.is_not(None)),
            func.count().filter(
                Deletion.last_error == ObjectRefused.code,
                Deletion.not_before > work.now + BACKOFF_MAX,
            ),
            func.min(Deletion.created_at).filter(Deletion.last_error.is_not(None)),
            func.min(Deletion.not_before),
        )
    ).one()
    work.session.commit()
    waiting, refused, given_up, since, due = row
    first = min((time for time in (since, due) if time is not None), default=work.now)
    overdue = max(0.0, (work.now - first).total_seconds())
    return Backlog(waiting=waiting, refused=refused, given_up=given_up, overdue_seconds=overdue)


def _take(work: Work, only_key: str | None) -> Deletion | None:
    """Lease a row that was due when this work began, so that a drain ends."""
    work.session.commit()
    if only_key is None:
        return leases.take(work.session, ALL, now=work.now)
    return leases.take(work.session, OF_KEY, now=work.now, object_key=only_key)


def _carry_out(work: Work, row: Deletion) -> None:
    if row.multipart_id is not None:
        work.storage.multipart.abort(row.object_key, row.multipart_id)
    elif not _is_used(work, row.object_key):
        work.storage.delete(row.object_key)


def _is_used(work: Work, key: str) -> bool:
    """Check whether an image or a variant has this key. Such objects are never deleted."""
    relative = relative_of_published(work.limits, key)
    if relative is None:
        return False
    keys = union_all(
        select(Image.key).where(Image.key == relative),
        select(ImageVariant.key).where(ImageVariant.key == relative),
    )
    found = work.session.scalar(keys)
    work.session.commit()
    return found is not None


def _record_failure(work: Work, row: Deletion, error: StorageError) -> None:
    """Store why the row failed. If S3 keeps refusing this object alone, give up on it.

    Other errors end when their cause is repaired. A locked object stays locked until an operator
    acts.
    """
    wait = _backoff(row)
    if isinstance(error, ObjectRefused) and row.attempts >= ATTEMPTS_MAX:
        log.error("gave up deleting %s: %s", row.object_key, error.for_operators)
        wait = GIVEN_UP_PAUSE
    _postpone(work, row, error.code, wait)


def _backoff(row: Deletion) -> timedelta:
    """Return how long a row waits after its attempt has failed."""
    wait: timedelta = BACKOFF * 2 ** min(row.attempts - 1, DOUBLINGS_MAX)
    return min(wait, BACKOFF_MAX)


def _postpone(work: Work, row: Deletion, error_code: str, wait: timedelta) -> None:
    work.session.execute(
        update(Deletion)
        .where(Deletion.id == row.id)
        .values(last_error=error_code, not_before=leases.after(work.session, wait, now=work.now))
    )
    work.session.commit()


def _finish(work: Work, row: Deletion) -> None:
    """Remove the row and refund its quota, or keep it for its second deletion."""
    if row.repeat_at is None:
        ended = work.session.execute(
            delete(Deletion)
            .where(Deletion.id == row.id)
            .returning(Deletion.upload_id, Deletion.charged_window)
        ).first()
        if ended is not None and ended.upload_id is not None:
            _refund(work, ended.upload_id, ended.charged_window)
    else:
        work.session.execute(
            update(Deletion)
            .where(Deletion.id == row.id)
            .values(not_before=row.repeat_at, repeat_at=None, attempts=0, last_error=None)
        )
    work.session.commit()


def _refund(work: Work, upload_id: UUID, charged_window: datetime | None) -> None:
    upload = work.session.get(Upload, upload_id)
    if upload is None:
        return
    if charged_window is None:
        quotas.refund_quota(work.session, [upload])
    else:
        quotas.refund_late(work.session, upload, charged_window)
