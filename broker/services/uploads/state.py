"""Find an upload, and end it: the compare-and-set that every transition goes through."""

from collections.abc import Iterable
from datetime import datetime, timedelta
from uuid import UUID

from sqlalchemy import delete, update
from sqlalchemy.orm import Session

from broker.db.fast_path.insert_uploads import NewUpload
from broker.db.fast_path.read_upload import read_upload
from broker.db.models import Upload, UploadPart
from broker.domain.errors import NotFound
from broker.domain.limits import Limits
from broker.domain.object_keys import object_key, upload_object_key
from broker.domain.part_plan import PartPlan
from broker.domain.principal import Principal
from broker.domain.states import UploadState
from broker.domain.transports import Transport
from broker.services.uploads import outbox, places, quotas

AnyUpload = Upload | NewUpload
# S3 may take minutes to put 10 000 parts together: for so long a missing object is no failure.
COMPLETION_TIME = timedelta(minutes=15)


def get_upload(session: Session, principal: Principal, upload_id: UUID) -> Upload:
    """Read an upload; another user's is NotFound, so that ids cannot be probed."""
    upload = read_upload(session, upload_id)
    if upload is None or not principal.acts_for(upload.user_id):
        raise NotFound("There is no such upload.")
    return upload


def settle(
    session: Session, upload_id: UUID, state: UploadState, *, now: datetime
) -> Upload | None:
    """Move a pending upload to `state`; gives its row to the one caller that did.

    Does not commit.
    """
    won = session.scalar(
        update(Upload)
        .where(Upload.id == upload_id, Upload.state == UploadState.PENDING)
        .values(state=state, settled_at=now)
        .returning(Upload)
        .execution_options(synchronize_session=False, populate_existing=True)
    )
    if won is not None and won.transport == Transport.MULTIPART:
        session.execute(delete(UploadPart).where(UploadPart.upload_id == upload_id))
    return won


def discard(
    session: Session, limits: Limits, upload_id: UUID, state: UploadState, *, now: datetime
) -> bool:
    """End a pending upload without an image: its place is free, its object or parts are to go.

    True for the one caller that ended it. Does not commit.
    """
    return discard_all(session, limits, [upload_id], state, now=now) == 1


def discard_all(
    session: Session,
    limits: Limits,
    upload_ids: Iterable[UUID],
    state: UploadState,
    *,
    now: datetime,
) -> int:
    """End uploads likewise; gives how many it ended. Does not commit.

    Quotas are given back last of all, as who asks for tickets takes of them after the place.
    """
    ended = [
        upload
        for upload_id in upload_ids
        if (upload := _discard(session, limits, upload_id, state, now=now)) is not None
    ]
    quotas.give_back(
        session, (upload for upload in ended if not _stays_charged(limits, upload, now=now))
    )
    return len(ended)


def _discard(
    session: Session, limits: Limits, upload_id: UUID, state: UploadState, *, now: datetime
) -> Upload | None:
    upload = settle(session, upload_id, state, now=now)
    if upload is None:
        return None
    places.give_back(session, upload.owner_kind, upload.owner_id)
    dead_at = form_dead_at(limits, upload)
    if upload.completing_at is not None:
        # What the bucket was asked to put together may come after all.
        dead_at = max(dead_at, upload.completing_at + COMPLETION_TIME)
    outbox.enqueue(
        session,
        written_key(limits, upload),
        now=now,
        form_dead_at=dead_at,
        gives_back=upload.id if _stays_charged(limits, upload, now=now) else None,
    )
    if upload.needs_promotion:
        # A promotion may have copied the object before the upload was ended.
        outbox.enqueue(session, final_key(limits, upload), now=now, form_dead_at=dead_at)
    if upload.multipart_id is not None:
        outbox.enqueue_abort(
            session,
            final_key(limits, upload),
            upload.multipart_id,
            now=now,
            urls_dead_at=now + limits.signature_life,
        )
    return upload


def _stays_charged(limits: Limits, upload: Upload, *, now: datetime) -> bool:
    """Tell whether an ended upload is charged on: a form or a PUT could bring its object back.

    What is sent in parts is aborted, and takes none any more.
    """
    if upload.quota_window is None or upload.transport == Transport.MULTIPART:
        return False
    return form_dead_at(limits, upload) > now


def final_key(limits: Limits, upload: AnyUpload) -> str:
    """Give the object key of the upload's image."""
    return object_key(limits.location, upload.key)


def written_key(limits: Limits, upload: AnyUpload) -> str:
    """Give the object key that the upload's client writes to."""
    return upload_object_key(limits.location, upload.key, promoted=upload.needs_promotion)


def form_dead_at(limits: Limits, upload: Upload) -> datetime:
    """Tell from when on no form of the upload can write any more, slow bodies included."""
    return upload.expires_at + limits.grace


def being_completed(upload: Upload, *, now: datetime) -> bool:
    """Tell whether the bucket may be putting the upload's parts together at this moment."""
    return upload.completing_at is not None and now - upload.completing_at < COMPLETION_TIME


def plan_of(upload: AnyUpload) -> PartPlan | None:
    """Give a multipart upload's plan; None where its client cuts the parts itself."""
    if upload.part_size is None:
        return None
    return PartPlan(size=upload.size, part_size=upload.part_size)
