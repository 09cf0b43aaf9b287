"""The outbox of deletions and aborts: rows commit with what made something needless.

A drainer leases a row by moving its `not_before` on, which is also the backoff after a
failure; so many drainers at once delete each object without waiting for one another.

What an ended upload has reserved of a quota is given back with the row that deletes its object
for good, where its form could bring the object back until then.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from sqlalchemy import delete, func, select, update
from sqlalchemy.orm import Session

from broker.db.models import Deletion, Image, Upload
from broker.domain.errors import StorageError, StorageUnavailable
from broker.domain.limits import Limits
from broker.domain.object_keys import object_key
from broker.services.uploads import quotas
from broker.storage.protocol import Storage

LEASE = timedelta(seconds=30)
BACKOFF_MAX = timedelta(hours=1)
DOUBLINGS_MAX = 7  # past BACKOFF_MAX; after two days of refusals 2**attempts is no time at all
BATCH = 100


@dataclass(frozen=True, kw_only=True)
class Drained:
    """How many objects were deleted, and how many stay for later because S3 refused."""

    deleted: int = 0
    postponed: int = 0


def enqueue(
    session: Session,
    key: str,
    *,
    now: datetime,
    form_dead_at: datetime | None = None,
    gives_back: UUID | None = None,
) -> None:
    """Put an object key into the outbox.

    Args:
        form_dead_at: when no form can write to the key any more. Where that is still to come,
            the object is deleted now and once more then: a slow body may land in between.
        gives_back: the upload whose quota is given back once that is done.
    """
    repeat_at = form_dead_at if form_dead_at is not None and form_dead_at > now else None
    session.add(
        Deletion(
            object_key=key,
            not_before=now,
            repeat_at=repeat_at,
            created_at=now,
            upload_id=gives_back,
        )
    )


def enqueue_abort(
    session: Session,
    key: str,
    multipart_id: str,
    *,
    now: datetime,
    urls_dead_at: datetime | None = None,
) -> None:
    """Put a multipart upload into the outbox, to be aborted now and, where URLs of parts have
    been signed, once more when they are dead.

    S3: a part that was being sent during an abort may stay, so it "might be necessary to abort
    a given multipart upload multiple times" (AbortMultipartUpload).
    """
    session.add(
        Deletion(
            object_key=key,
            multipart_id=multipart_id,
            not_before=now,
            repeat_at=urls_dead_at,
            created_at=now,
        )
    )


def drain(
    session: Session,
    storage: Storage,
    limits: Limits,
    *,
    now: datetime,
    only_key: str | None = None,
) -> Drained:
    """Do what is due; returns when nothing due is left or S3 does not answer."""
    deleted = postponed = 0
    while True:
        due = select(Deletion).where(Deletion.not_before <= now).order_by(Deletion.not_before)
        if only_key is not None:
            due = due.where(Deletion.object_key == only_key)
        # As they are now: a row that another has leased is asked for by its new time, or never.
        fresh = due.limit(BATCH).execution_options(populate_existing=True)
        rows = session.scalars(fresh).all()
        session.commit()
        if not rows:
            return Drained(deleted=deleted, postponed=postponed)
        for row in rows:
            if not _lease(session, row, now):
                continue
            try:
                _carry_out(session, storage, limits, row)
            except StorageError as error:
                _note_failure(session, row, error.code)
                postponed += 1
                if isinstance(error, StorageUnavailable):
                    return Drained(deleted=deleted, postponed=postponed)
            else:
                _clear(session, row)
                deleted += 1


@dataclass(frozen=True, kw_only=True)
class Backlog:
    """What waits in the outbox: rows, those that S3 has refused before, and since when the
    longest overdue one has been due, in seconds.
    """

    waiting: int
    refused: int
    overdue_seconds: float


def backlog(session: Session, *, now: datetime) -> Backlog:
    """Look at what waits; a row that is only due later counts as waiting and not as overdue."""
    row = session.execute(
        select(
            func.count(),
            func.count().filter(Deletion.last_error.is_not(None)),
            func.min(Deletion.created_at).filter(Deletion.last_error.is_not(None)),
            func.min(Deletion.not_before),
        )
    ).one()
    session.commit()
    waiting, refused, since, due = row
    first = min((time for time in (since, due) if time is not None), default=now)
    overdue = max(0.0, (now - first).total_seconds())
    return Backlog(waiting=waiting, refused=refused, overdue_seconds=overdue)


def _lease(session: Session, row: Deletion, now: datetime) -> bool:
    """Move the row's time on; False when another drainer has done so first."""
    wait = min(LEASE * 2 ** min(row.attempts, DOUBLINGS_MAX), BACKOFF_MAX)
    won = session.execute(
        update(Deletion)
        .where(Deletion.id == row.id, Deletion.not_before == row.not_before)
        .values(not_before=now + wait, attempts=Deletion.attempts + 1)
        .returning(Deletion.id)
    ).first()
    session.commit()
    return won is not None


def _carry_out(session: Session, storage: Storage, limits: Limits, row: Deletion) -> None:
    if row.multipart_id is not None:
        storage.multipart.abort(row.object_key, row.multipart_id)
    elif not _live(session, row.object_key, limits):
        storage.delete(row.object_key)


def _live(session: Session, key: str, limits: Limits) -> bool:
    """Tell whether an image uses the key: such an object is never deleted."""
    prefix = object_key(limits.location, "")
    found = None
    if key.startswith(prefix):
        found = session.scalar(select(Image.id).where(Image.key == key.removeprefix(prefix)))
    session.commit()
    return found is not None


def _note_failure(session: Session, row: Deletion, code: str) -> None:
    session.execute(update(Deletion).where(Deletion.id == row.id).values(last_error=code))
    session.commit()


def _clear(session: Session, row: Deletion) -> None:
    """Remove the row, or keep it for its second time."""
    if row.repeat_at is None:
        ended = session.execute(
            delete(Deletion).where(Deletion.id == row.id).returning(Deletion.upload_id)
        ).scalar()
        if ended is not None and (upload := session.get(Upload, ended)) is not None:
            quotas.give_back(session, [upload])
    else:
        session.execute(
            update(Deletion)
            .where(Deletion.id == row.id)
            .values(not_before=row.repeat_at, repeat_at=None, attempts=0, last_error=None)
        )
    session.commit()
