"""Take a bucket's hint that an object was written, and confirm its upload as a client would.

Hints come twice, late, in any order, and of objects that are nobody's business here. Whatever
comes, the upload's row decides, and the object is looked at with the same HEAD.
"""

from collections import Counter
from collections.abc import Iterable
from enum import StrEnum

from sqlalchemy import select

from broker.db.models import Upload
from broker.domain.bucket_notifications import ObjectCreated
from broker.domain.errors import Gone, ObjectMismatch, ObjectMissing
from broker.domain.object_keys import INCOMING, final_key, written_key
from broker.domain.states import UploadState
from broker.services.confirm.confirm import confirm
from broker.services.uploads import outbox
from broker.services.uploads.settled import image_of
from broker.services.work import Work


class Outcome(StrEnum):
    """What a hint led to."""

    CONFIRMED = "confirmed"
    REJECTED = "rejected"
    SETTLED = "settled"  # before this hint; what was written since is removed again
    MISSING = "missing"  # the object is gone, or is being put together
    UNKNOWN = "unknown"  # no upload of ours writes to this key
    ELSEWHERE = "elsewhere"  # another bucket


def handle_events(work: Work, events: Iterable[ObjectCreated]) -> Counter[Outcome]:
    """Handle hints one by one, each committed before the next; gives how many led to what.

    Raises:
        StorageUnavailable, StorageDenied, DatabaseUnavailable: to be sent again; those that
            were handled before are done, and do no harm a second time.
    """
    return Counter(handle_event(work, event) for event in events)


def handle_event(work: Work, event: ObjectCreated) -> Outcome:
    """Handle one hint; errors as of `handle_events`."""
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
    """Find the upload whose client writes to an object key; a promoted copy has none."""
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
    """Remove what was written to an upload that has ended; an image's own object stays."""
    key = written_key(work.limits, upload)
    if key == final_key(work.limits, upload) and image_of(work, upload) is not None:
        return Outcome.SETTLED
    outbox.enqueue(work.session, key, now=work.now)
    work.session.commit()
    outbox.drain(work, only_key=key)
    return Outcome.SETTLED
