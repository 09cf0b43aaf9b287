"""Handle bucket notifications: confirm the upload of a written object, as its client would.

Notifications may arrive twice, late and in any order, and may name objects that no upload wrote.
So the upload's row decides, and the object is checked with HEAD, like when a client confirms.
"""

import logging
from collections import Counter
from collections.abc import Iterable
from enum import StrEnum

from broker.db.session import DATABASE_ERRORS
from broker.domain.bucket_notifications import ObjectCreated
from broker.domain.errors import (
    BrokerError,
    Gone,
    NotFound,
    ObjectMismatch,
    ObjectMissing,
    UploadRejected,
)
from broker.domain.states import UploadState
from broker.domain.storage_errors import StorageDenied, StorageUnavailable
from broker.services.background.late_objects import delete_late, writer
from broker.services.confirm.confirm import confirm
from broker.services.uploads import outbox
from broker.services.work import Work

log = logging.getLogger("broker.bucket_notifications")


class Outcome(StrEnum):
    """The result of one notification."""

    CONFIRMED = "confirmed"  # or it waits for inspection
    REJECTED = "rejected"
    SETTLED = "settled"  # the upload had already ended; an object that was written later is deleted
    MISSING = "missing"  # there is no object, or the bucket is still completing it
    UNKNOWN = "unknown"  # no upload has this key, or its user has lost the ad
    ELSEWHERE = "elsewhere"  # the object is not in the bucket of its key
    FAILED = "failed"  # an unexpected error; the client or the reaper can still confirm


def handle_bucket_notifications(work: Work, objects: Iterable[ObjectCreated]) -> Counter[Outcome]:
    """Handle notifications, each committed before the next; return how often each outcome occurred.

    If one fails, it is counted and logged, and the others are handled.

    Raises:
        StorageUnavailable, DatabaseUnavailable: at once.
        StorageDenied: after all notifications were handled.
            After either, send all notifications again. Handling one twice changes nothing.
    """
    outcomes: Counter[Outcome] = Counter()
    denied: StorageDenied | None = None
    for written in objects:
        try:
            outcomes[handle_bucket_notification(work, written)] += 1
        except (StorageUnavailable, *DATABASE_ERRORS):
            raise
        except StorageDenied as error:
            denied = error
        except BrokerError as error:
            work.session.rollback()
            log.error("the notification of %s failed: %s", written.key, error.for_operators)
            outcomes[Outcome.FAILED] += 1
        except Exception:
            # The bucket sends a batch that is answered with 500 again and again, so a fault that
            # only one object causes must not stop the others. The log has its traceback.
            work.session.rollback()
            log.exception("the notification of %s failed unexpectedly", written.key)
            outcomes[Outcome.FAILED] += 1
    if denied is not None:
        raise denied
    return outcomes


def handle_bucket_notification(work: Work, written: ObjectCreated) -> Outcome:
    """Handle one notification; raise the same errors as `handle_bucket_notifications`."""
    if written.bucket != work.storage.buckets.of(written.key):
        return Outcome.ELSEWHERE
    upload = writer(work, written.key)
    if upload is None:
        return Outcome.UNKNOWN
    if upload.state != UploadState.PENDING:
        return _written_too_late(work, written.key)
    try:
        confirm(work.acting_for(upload.user_id, upload.key), upload.id)
    except ObjectMissing:
        return Outcome.MISSING
    except NotFound:
        # The owner belongs to another user now; the reaper expires the upload.
        return Outcome.UNKNOWN
    except (ObjectMismatch, UploadRejected):
        return Outcome.REJECTED
    except Gone:
        return Outcome.SETTLED
    return Outcome.CONFIRMED


def _written_too_late(work: Work, key: str) -> Outcome:
    """Delete an object that was written for an ended upload, unless it is the image's object."""
    delete_late(work, [key])
    outbox.drain(work, only_key=key)
    return Outcome.SETTLED
