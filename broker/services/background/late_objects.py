"""Delete objects below `incoming/` that arrived after their upload had ended.

A signature limits when a request may start, but nothing limits how long its body may take. So an
object can arrive long after the last deletion of its key. The reaper finds it by listing
`incoming/`, or a bucket notification names it. Its user is charged for it until it is deleted.
Objects at keys of pending uploads, and at unknown keys, are left alone. So is an object that was
deleted after it was listed, or before its notification came.
"""

import logging
from collections.abc import Collection, Sequence
from itertools import islice
from typing import NamedTuple
from uuid import UUID

from sqlalchemy import ColumnElement, select
from sqlalchemy.orm import Session

from broker.db.models import Deletion, Upload
from broker.db.session import DATABASE_ERRORS
from broker.domain.object_keys import (
    INCOMING,
    needs_promotion,
    object_key,
    published_locations,
    relative_key,
    written_key,
)
from broker.domain.states import UNFINISHED
from broker.domain.storage_errors import (
    ObjectBusy,
    ObjectNotFound,
    ObjectRefused,
    StorageDenied,
    StorageUnavailable,
)
from broker.services.uploads import outbox, quotas
from broker.services.uploads.settled import image_of
from broker.services.work import Work

# As many keys as a page of ListObjectsV2.
BATCH = 1000
log = logging.getLogger("broker.reap")


class Swept(NamedTuple):
    """The number of objects below `incoming/`, and of those that arrived late or were postponed."""

    listed: int
    late: int
    postponed: int


def sweep(work: Work) -> Swept:
    """List `incoming/` once, and put the late objects into the outbox.

    Raises:
        StorageUnavailable, StorageDenied: the bucket cannot be listed, or refuses every HEAD; try
            in the next round.
    """
    listed = late = postponed = 0
    objects = work.storage.list_objects(object_key(INCOMING, ""))
    while keys := {one.key for one in islice(objects, BATCH)}:
        listed += len(keys)
        for upload in _ended_writers(work, keys):
            upload_id = upload.id
            try:
                late += _delete_late(work, upload)
            except (StorageDenied, *DATABASE_ERRORS):
                raise
            except StorageUnavailable as error:
                # It may be only this object: MinIO answers 503 if disks have lost parts of one.
                log.warning(
                    "the late object of upload %s is postponed: %s", upload_id, error.for_operators
                )
                postponed += 1
            except Exception:
                # Every listing shows the same object, so a fault that only this object causes must
                # not keep all others in the bucket. The log has its traceback.
                work.session.rollback()
                log.exception("the late object of upload %s is postponed", upload_id)
                postponed += 1
    return Swept(listed=listed, late=late, postponed=postponed)


def delete_late(work: Work, keys: Collection[str]) -> int:
    """Queue the deletion of ended uploads' objects; return how many were not queued yet.

    Raises:
        StorageUnavailable, StorageDenied: it is unknown whether an object still exists.
    """
    return sum(_delete_late(work, upload) for upload in _ended_writers(work, keys))


def writer(work: Work, key: str) -> Upload | None:
    """Return the upload whose client writes to an object key."""
    return next(iter(_writers(work, [key])), None)


def _ended_writers(work: Work, keys: Collection[str]) -> list[Upload]:
    return _writers(work, keys, Upload.state.not_in(UNFINISHED))


def _delete_late(work: Work, upload: Upload) -> bool:
    # In this order: an object is deleted before its row of the outbox is removed. So an object that
    # exists after no row was found is one that nobody has deleted.
    return (
        not _is_image(work, upload)
        and not _is_queued(work, upload)
        and _exists(work, upload)
        and _enqueue(work, upload)
    )


def _writers(work: Work, keys: Collection[str], *conditions: ColumnElement[bool]) -> list[Upload]:
    """Return the uploads that meet the conditions and whose clients write to these object keys."""
    relative = {
        below
        for key in keys
        for location in (INCOMING, *published_locations(work.limits))
        # PostgreSQL refuses a NUL character.
        if (below := relative_key(location, key)) is not None and below.isprintable()
    }
    uploads = work.session.scalars(
        select(Upload)
        .where(Upload.key.in_(relative), *conditions)
        .execution_options(populate_existing=True)
    ).all()
    work.session.commit()
    return [upload for upload in uploads if written_key(work.limits, upload) in keys]


def _is_image(work: Work, upload: Upload) -> bool:
    """Check whether an image has the key that the client wrote to, as in release 0.2."""
    return not needs_promotion(work.limits, upload) and image_of(work, upload) is not None


def _is_queued(work: Work, upload: Upload) -> bool:
    queued = _has_begun(work, upload, _deletions(work, upload))
    work.session.commit()
    return queued


def _deletions(work: Work, upload: Upload) -> Sequence[Deletion]:
    key = written_key(work.limits, upload)
    return work.session.scalars(
        select(Deletion)
        .where(Deletion.object_key == key, Deletion.multipart_id.is_(None))
        .execution_options(populate_existing=True)
    ).all()


def _has_begun(work: Work, upload: Upload, queued: Sequence[Deletion]) -> bool:
    """Check whether a deletion is due or has been tried."""
    # The upload may have ended after `work.now`, while this round was running.
    due = max(work.now, upload.settled_at or work.now)
    return any(row.attempts or row.not_before <= due for row in queued)


def _exists(work: Work, upload: Upload) -> bool:
    try:
        work.storage.head(written_key(work.limits, upload))
    except ObjectNotFound:
        return False
    except (ObjectRefused, ObjectBusy):
        # For example, the client has encrypted it with its own key.
        return True
    return True


def _enqueue(work: Work, upload: Upload) -> bool:
    """Queue the deletion of the upload's object, and charge for it until then.

    Return False if another process was faster.
    """
    queued = _deletions(work, upload)
    if _has_begun(work, upload, queued):
        work.session.rollback()
        return False
    deletion = Deletion(**outbox.row(written_key(work.limits, upload), now=work.now))
    work.session.add(deletion)
    # On SQLite, where rows have no locks, this write locks the database.
    work.session.flush()
    is_charged = upload.quota_window is not None and not any(row.upload_id for row in queued)
    if is_charged and _lock(work.session, upload.id):
        deletion.upload_id, deletion.charged_window = upload.id, quotas.charge(work, upload)
    work.session.commit()
    return True


def _lock(session: Session, upload_id: UUID) -> bool:
    """Lock an upload, so that nobody prunes it before its refund; return False if it is gone."""
    locked = select(Upload.id).where(Upload.id == upload_id).with_for_update(key_share=True)
    return session.scalar(locked) is not None
