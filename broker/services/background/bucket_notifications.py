"""Take a bucket's hint that an object was written, and confirm its upload as a client would.

Hints come twice, late, in any order, and of objects that are nobody's business here. Whatever
comes, the upload's row decides, and the object is looked at with the same HEAD.
"""

from collections import Counter
from collections.abc import Iterable
from datetime import datetime
from enum import StrEnum

from sqlalchemy import select
from sqlalchemy.orm import Session

from broker.db.models import Upload
from broker.domain.bucket_notifications import ObjectCreated
from broker.domain.errors import Gone, ObjectMismatch, ObjectMissing
from broker.domain.limits import Limits
from broker.domain.object_keys import INCOMING
from broker.domain.principal import Principal
from broker.domain.states import UploadState
from broker.services.confirm.confirm import confirm
from broker.services.uploads import outbox
from broker.services.uploads.settled import image_of
from broker.services.uploads.state import final_key, written_key
from broker.storage.protocol import Storage


class Outcome(StrEnum):
    """What a hint led to."""

    CONFIRMED = "confirmed"
    REJECTED = "rejected"
    SETTLED = "settled"  # before this hint; what was written since is removed again
    MISSING = "missing"  # the object is gone, or is being put together
    UNKNOWN = "unknown"  # no upload of ours writes to this key
    ELSEWHERE = "elsewhere"  # another bucket


def handle_bucket_notifications(
    session: Session,
    storage: Storage,
    limits: Limits,
    events: Iterable[ObjectCreated],
    *,
    now: datetime,
) -> Counter[Outcome]:
    """Handle hints one by one, each committed before the next; gives how many led to what.

    Raises:
        StorageUnavailable, StorageDenied, DatabaseUnavailable: to be sent again; those that
            were handled before are done, and do no harm a second time.
    """
    return Counter(
        handle_bucket_notification(session, storage, limits, event, now=now) for event in events
    )


def handle_bucket_notification(
    session: Session, storage: Storage, limits: Limits, event: ObjectCreated, *, now: datetime
) -> Outcome:
    """Handle one hint; errors as of `handle_bucket_notifications`."""
    if event.bucket != storage.bucket:
        return Outcome.ELSEWHERE
    upload = _writer_of(session, limits, event.key)
    if upload is None:
        return Outcome.UNKNOWN
    if upload.state != UploadState.PENDING:
        return _written_too_late(session, storage, limits, upload, now=now)
    try:
        confirm(session, storage, limits, Principal(user_id=upload.user_id), upload.id, now=now)
    except ObjectMissing:
        return Outcome.MISSING
    except ObjectMismatch:
        return Outcome.REJECTED
    except Gone:
        return Outcome.SETTLED
    return Outcome.CONFIRMED


def _writer_of(session: Session, limits: Limits, key: str) -> Upload | None:
    """Find the upload whose client writes to an object key; a promoted copy has none."""
    for location in (limits.location, INCOMING):
        relative = key.removeprefix(f"{location}/")
        if relative != key and relative.isprintable():
            upload = session.scalar(
                select(Upload)
                .where(Upload.key == relative)
                .execution_options(populate_existing=True)
            )
            session.commit()
            if upload is not None and written_key(limits, upload) == key:
                return upload
    return None


def _written_too_late(
    session: Session, storage: Storage, limits: Limits, upload: Upload, *, now: datetime
) -> Outcome:
    """Remove what was written to an upload that has ended; an image's own object stays."""
    key = written_key(limits, upload)
    if key == final_key(limits, upload) and image_of(session, upload) is not None:
        return Outcome.SETTLED
    outbox.enqueue(session, key, now=now)
    session.commit()
    outbox.drain(session, storage, limits, now=now, only_key=key)
    return Outcome.SETTLED
