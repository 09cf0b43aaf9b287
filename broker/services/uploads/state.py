"""Read an upload, and change its state by compare-and-set."""

from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import ColumnElement, delete, or_, update
from sqlalchemy.orm import Session

from broker.db.fast_path import read_upload
from broker.db.models import Upload, UploadPart
from broker.domain.errors import NotFound
from broker.domain.lifetimes import signature_life
from broker.domain.limits import Limits
from broker.domain.object_keys import final_key, written_key
from broker.domain.states import UploadState
from broker.domain.transports import transport_named
from broker.services.events.record import uploads_ended
from broker.services.uploads import outbox, quotas
from broker.services.uploads.owners import may_handle, release_slots
from broker.services.work import Work

# S3 may take minutes to complete 10,000 parts; until then a missing object is no failure.
COMPLETION_TIME = timedelta(minutes=15)
# An attempt to publish an object may take this long, and longer if the object is large.
PUBLISH_TIME = timedelta(minutes=15)
SLOWEST_COPY_BYTES_PER_SECOND = 50_000_000
BATCH = 1000


def get_upload(work: Work, upload_id: UUID) -> Upload:
    """Return the current row of an upload.

    An upload that the caller may not handle is NotFound, so that nobody can probe ids.
    """
    if work.session.in_transaction():
        work.session.commit()
    upload = read_upload(work.session, upload_id)
    if upload is None or not may_handle(work, upload):
        raise NotFound("There is no such upload.")
    return upload


def update_pending(
    session: Session, upload_id: UUID, *conditions: ColumnElement[bool], **values: Any
) -> Upload | None:
    """Change a pending upload; see `update_in`."""
    return update_in(session, (UploadState.PENDING,), upload_id, *conditions, **values)


def update_in(
    session: Session,
    states: Sequence[UploadState],
    upload_id: UUID,
    *conditions: ColumnElement[bool],
    **values: Any,
) -> Upload | None:
    """Change an upload that is in one of the states, if the conditions hold.

    Every change of an upload's row goes through this compare-and-set, except for the one
    statement of the fast path that confirms a plain upload, and for leases.

    Returns:
        The changed row; None if nothing has changed.
    """
    return session.scalar(
        update(Upload)
        .where(Upload.id == upload_id, Upload.state.in_(states), *conditions)
        .values(**values)
        .returning(Upload)
        .execution_options(synchronize_session=False, populate_existing=True)
    )


def transition(
    session: Session, upload_id: UUID, to: UploadState, *, now: datetime
) -> Upload | None:
    """End a pending upload. Return its row, or None if it was not pending."""
    return settle(session, (UploadState.PENDING,), upload_id, state=to, settled_at=now)


def settle(
    session: Session,
    states: Sequence[UploadState],
    upload_id: UUID,
    *conditions: ColumnElement[bool],
    **values: Any,
) -> Upload | None:
    """Change an upload as `update_in` does, after which no client sends parts of it."""
    upload = update_in(session, states, upload_id, *conditions, **values)
    if upload is not None and transport_named(upload.transport).has_parts:
        session.execute(delete(UploadPart).where(UploadPart.upload_id == upload_id))
    return upload


def end(
    session: Session,
    limits: Limits,
    upload_ids: Iterable[UUID],
    to: UploadState,
    *conditions: ColumnElement[bool],
    now: datetime,
    states: Sequence[UploadState] = (UploadState.PENDING,),
    erasure_id: UUID | None = None,
    **values: Any,
) -> list[Upload]:
    """End uploads in these states without an image; return the uploads that this call ended.

    Rejected and expired ones are recorded as events. Their slots are released, and the outbox
    deletes their objects and parts. Quotas are refunded last, because issuing a ticket charges them
    after it has reserved the slot.
    """
    ended = [
        upload
        for upload_id in upload_ids
        if (
            upload := settle(
                session, states, upload_id, *conditions, state=to, settled_at=now, **values
            )
        )
        is not None
    ]
    for upload in ended:
        _clean_up(session, limits, upload, now=now, erasure_id=erasure_id)
    uploads_ended(session, limits.profiles, ended, now=now)
    refundable = [upload for upload in ended if not _stays_charged(limits, upload, now=now)]
    quotas.refund_quota(session, refundable)
    return ended


def lose_images(session: Session, upload_ids: list[UUID], *, now: datetime) -> dict[UUID, int]:
    """Record that confirmed uploads have no image any more; return their users."""
    users: dict[UUID, int] = {}
    # A statement has a limited number of parameters, and an owner any number of images.
    for start in range(0, len(upload_ids), BATCH):
        lost = session.execute(
            update(Upload)
            .where(Upload.id.in_(upload_ids[start : start + BATCH]))
            .values(image_deleted_at=now)
            .returning(Upload.id, Upload.user_id)
            .execution_options(synchronize_session=False)
        )
        users |= {row.id: row.user_id for row in lost}
    return users


def forget_texts(session: Session, which: ColumnElement[bool]) -> None:
    """Remove the file names, alt texts and return URLs of uploads; keep their ids and keys."""
    has_texts = or_(
        Upload.file_name.is_not(None), Upload.alt_text != "", Upload.return_url.is_not(None)
    )
    session.execute(
        update(Upload)
        .where(which, has_texts)
        .values(file_name=None, alt_text="", return_url=None)
        .execution_options(synchronize_session=False)
    )


def forget_charges(session: Session, user_id: int) -> None:
    """Record that a user's uploads are charged to no quota: nothing is refunded later."""
    session.execute(
        update(Upload)
        .where(Upload.user_id == user_id, Upload.quota_window.is_not(None))
        .values(quota_window=None)
        .execution_options(synchronize_session=False)
    )


def end_upload(
    work: Work,
    upload_id: UUID,
    to: UploadState,
    *,
    states: Sequence[UploadState] = (UploadState.PENDING,),
) -> bool:
    """End one upload without an image; return whether this call ended it."""
    ended = end(work.session, work.limits, [upload_id], to, now=work.now, states=states)
    work.session.commit()
    return bool(ended)


def _clean_up(
    session: Session, limits: Limits, upload: Upload, *, now: datetime, erasure_id: UUID | None
) -> None:
    """Release the slot of an ended upload, and put its object and parts into the outbox."""
    release_slots(session, limits.profiles.of_kind(upload.owner_kind), upload.owner_id)
    dead_at = form_dead_at(limits, upload)
    if upload.completing_at is not None:
        # The bucket may still create the object that it was asked to complete.
        dead_at = max(dead_at, upload.completing_at + COMPLETION_TIME)
    outbox.enqueue(
        session,
        written_key(limits, upload),
        now=now,
        form_dead_at=dead_at,
        refunds=upload.id if _stays_charged(limits, upload, now=now) else None,
        erasure_id=erasure_id,
    )
    if upload.publish_attempts or upload.promoted_etag is not None:
        # A confirm may have copied the object, or may be copying it now.
        until = max(dead_at, now + publish_time(upload))
        key = final_key(limits, upload)
        outbox.enqueue(session, key, now=now, form_dead_at=until, erasure_id=erasure_id)
    if upload.multipart_id is not None:
        outbox.enqueue_abort(
            session,
            written_key(limits, upload),
            upload.multipart_id,
            now=now,
            urls_dead_at=now + signature_life(limits),
            erasure_id=erasure_id,
        )


def _stays_charged(limits: Limits, upload: Upload, *, now: datetime) -> bool:
    """Check whether a late request could still write the object of an ended upload."""
    if upload.quota_window is None or not transport_named(upload.transport).stays_charged:
        return False
    return form_dead_at(limits, upload) > now


def form_dead_at(limits: Limits, upload: Upload) -> datetime:
    """Return the time after which the signature cannot write, including slow uploads."""
    return upload.expires_at + limits.grace


def being_completed(upload: Upload, *, now: datetime) -> bool:
    """Check whether the bucket may be completing the upload's parts right now."""
    return upload.completing_at is not None and now - upload.completing_at < COMPLETION_TIME


def publish_time(upload: Upload) -> timedelta:
    """Return how long an attempt to publish the upload's object may take."""
    return PUBLISH_TIME + timedelta(seconds=upload.size / SLOWEST_COPY_BYTES_PER_SECOND)
