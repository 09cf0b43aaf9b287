"""End stale uploads without losing objects: check the bucket first.

If a client sent its file and then lost its connection, its upload is confirmed. With
BROKER_REAP=delete, `uploads/expire.py` deletes the object instead.
"""

import logging
import random
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from sqlalchemy import ColumnElement, select, tuple_

from broker.db.models import Upload
from broker.db.session import DATABASE_ERRORS
from broker.domain.errors import (
    BrokerError,
    DatabaseUnavailable,
    NotFound,
    ObjectMissing,
    PartsMissing,
)
from broker.domain.states import UploadState
from broker.domain.storage_errors import ObjectBusy, StorageError, StorageUnavailable
from broker.services.confirm.confirm import confirm
from broker.services.multipart.complete import complete
from broker.services.uploads import outbox
from broker.services.uploads.state import being_completed, end_upload, get_upload
from broker.services.work import Work

BATCH = 100
log = logging.getLogger("broker.reap")
# The order of stale uploads: by expiry, then by id.
Position = tuple[datetime, UUID]


@dataclass(frozen=True, kw_only=True)
class Stale:
    """How many stale uploads became images, expired, or were postponed by an error."""

    kept: int = 0
    expired: int = 0
    postponed: int = 0


def keep_arrived(work: Work, *conditions: ColumnElement[bool], at_most: int | None = None) -> Stale:
    """Confirm the stale uploads whose object exists, and expire the others.

    Only uploads that match `conditions` are processed, and of these the oldest `at_most`.

    If one fails, the others are still processed. If the bucket does not answer, this stops early.
    Each object for which it does not answer takes some seconds: after one of them in a request, and
    after a few in a batch of the reaper, the others of the batch wait for the next call. A missing
    bucket answers a HEAD as if the object were missing, so the bucket is checked first.

    No lock is held during a request to the bucket, so two reapers may process the same upload. The
    compare-and-set decides which one ends it. Each processes its batch in random order, so this
    seldom happens.
    """
    kept = expired = postponed = 0
    last: Position | None = None
    batch, busy_max = (BATCH, outbox.BUSY_MAX) if at_most is None else (at_most, 1)
    while True:
        found = _stale(work, last, conditions, batch)
        if found and last is None and not _bucket_answers(work):
            return Stale(postponed=len(found))
        busy = 0
        for _, upload_id, user_id, key in random.sample(found, len(found)):
            try:
                # Confirm as the user who requested it: the reaper itself has no right to an owner,
                # and a request may be of the ad's next user.
                state = _end(work.acting_for(user_id, key), upload_id)
            except DATABASE_ERRORS:
                raise
            except StorageUnavailable:
                return Stale(kept=kept, expired=expired, postponed=postponed + 1)
            except BrokerError as error:
                work.session.rollback()
                log.error("upload %s is postponed: %s", upload_id, error.for_operators)
                postponed += 1
                busy += isinstance(error, ObjectBusy)
                if busy == busy_max:
                    break
                continue
            except Exception:
                # The reaper meets the same upload in every round, so a fault that only this upload
                # causes must not keep all others waiting. The log has its traceback.
                work.session.rollback()
                log.exception("upload %s is postponed by an unexpected error", upload_id)
                postponed += 1
                continue
            kept += state in (UploadState.PROCESSING, UploadState.CONFIRMED)
            expired += state is UploadState.EXPIRED
        if at_most is not None or len(found) < BATCH:
            return Stale(kept=kept, expired=expired, postponed=postponed)
        last = found[-1][:2]


def _bucket_answers(work: Work) -> bool:
    try:
        work.storage.check()
    except StorageError as error:
        log.error("stale uploads are postponed: %s", error.for_operators)
        return False
    return True


def _stale(
    work: Work, after: Position | None, conditions: Sequence[ColumnElement[bool]], batch: int
) -> list[tuple[datetime, UUID, int, str]]:
    """Return the next stale uploads: their position, their user and their relative key."""
    position = (Upload.expires_at, Upload.id)
    query = (
        select(*position, Upload.user_id, Upload.key)
        .where(
            Upload.state == UploadState.PENDING,
            Upload.expires_at <= work.now - work.limits.grace,
            Upload.owner_kind.in_(work.limits.profiles.owner_kinds),
            *conditions,
        )
        .order_by(*position)
        .limit(batch)
    )
    if after is not None:
        query = query.where(tuple_(*position) > after)
    rows = work.session.execute(query)
    found = [(row.expires_at, row.id, row.user_id, row.key) for row in rows]
    work.session.commit()
    return found


def _end(work: Work, upload_id: UUID) -> UploadState | None:
    """End one upload; return its state, or None if another process ended it or it must wait."""
    upload = get_upload(work, upload_id)
    if upload.state != UploadState.PENDING:
        return None
    try:
        if upload.part_size is not None:
            complete(work, upload_id)
        else:
            confirm(work, upload_id)
    except (NotFound, ObjectMissing, PartsMissing) as error:
        # NotFound: the owner was deleted, or belongs to another user now.
        upload = get_upload(work, upload_id)
        if isinstance(error, ObjectMissing) and being_completed(upload, now=work.now):
            # The bucket is completing the object; the next round looks again.
            return None
        end_upload(work, upload_id, UploadState.EXPIRED)
    except (StorageError, DatabaseUnavailable):
        raise
    except BrokerError:
        # The upload was rejected because of its object, or its client ended it at the same time.
        work.session.rollback()
    return UploadState(get_upload(work, upload_id).state)
