"""Handle bucket notifications: confirm the upload of a written object, as its client would.

Notifications may arrive twice, late and in any order, and may name objects that no upload wrote.
So the upload's row decides, and the object is checked with HEAD, like when a client confirms.
"""

import logging
from collections import Counter
from collections.abc import Iterable
from enum import StrEnum

from sqlalchemy import select

from broker.db.models import Upload
from broker.domain.bucket_notifications import ObjectCreated
from broker.domain.errors import (
    BrokerError,
    DatabaseUnavailable,
    Gone,
    ObjectMismatch,
    ObjectMissing,
    StorageDenied,
    StorageUnavailable,
)
from broker.domain.object_keys import INCOMING, final_key, written_key
from broker.domain.states import UploadState
from broker.services.confirm.confirm import confirm
from broker.services.uploads import outbox
from broker.services.uploads.settled import image_of
from broker.services.work import Work

log = logging.getLogger("broker.bucket_notifications")


class Outcome(StrEnum):
    """The result of one notification."""

    CONFIRMED = "confirmed"
    REJECTED = "rejected"
    SETTLED = "settled"  # the upload had already ended; an object that was written later is deleted
    MISSING = "missing"  # there is no object, or the bucket is still completing it
    UNKNOWN = "unknown"  # no upload writes to this key
    ELSEWHERE = "elsewhere"  # the object is in another bucket
    FAILED = "failed"  # an unexpected error; only its client or the reaper may still confirm it


def handle_bucket_notifications(work: Work, events: Iterable[ObjectCreated]) -> Counter[Outcome]:
    """Handle notifications, each committed before the next; return how often each outcome occurred.

    One that fails delays no other. It is counted, logged and not tried again.

    Raises:
        StorageUnavailable, DatabaseUnavailable: at once.
        StorageDenied: after all others were handled.
            Send all notifications again. Those that were handled change nothing the second time.
    """
    outcomes: Counter[Outcome] = Counter()
    denied: StorageDenied | None = None
    for event in events:
        try:
            outcomes[handle_bucket_notification(work, event)] += 1
        except (StorageUnavailable, DatabaseUnavailable):
            raise
        except StorageDenied as error:
            denied = error
        except BrokerError as error:
            work.session.rollback()
            log.error("the notification of %s failed: %s", event.key, error.for_operators)
            outcomes[Outcome.FAILED] += 1
    if denied is not None:
        raise denied
    return outcomes


def handle_bucket_notification(work: Work, event: ObjectCreated) -> Outcome:
    """Handle one notification; raise the same errors as `handle_bucket_notifications`."""
    if event.bucket != work.storage.bucket:
        return Outcome.ELSEWHERE
    upload = _writer_of(work, event.key)
    if upload is None:
        return Outcome.UNKNOWN
    if upload.state != UploadState.PENDING:
        return _written_too_late(work, upload)
    try:
        confirm(work.acting_for(upload.user_id), upload.id)
    except ObjectMissing:
        return Outcome.MISSING
    except ObjectMismatch:
        return Outcome.REJECTED
    except Gone:
        return Outcome.SETTLED
    return Outcome.CONFIRMED


def _writer_of(work: Work, key: str) -> Upload | None:
    """Return the upload whose client writes to an object key; None for a promoted copy."""
    for location in (work.limits.location, INCOMING):
        relative = key.removeprefix(f"{location}/")
        if relative != key and relative.isprintable():
            upload = work.session.scalar(
                select(Upload)
                .where(Upload.key == relative)
                .execution_options(populate_existing=True)
            )
            work.session.commit()
            if upload is not None and written_key(work.limits, upload) == key:
                return upload
    return None


def _written_too_late(work: Work, upload: Upload) -> Outcome:
    """Delete an object that was written for an ended upload, unless it is the image's object."""
    key = written_key(work.limits, upload)
    if key == final_key(work.limits, upload) and image_of(work, upload) is not None:
        return Outcome.SETTLED
    outbox.enqueue(work.session, key, now=work.now)
    work.session.commit()
    outbox.drain(work, only_key=key)
    return Outcome.SETTLED
