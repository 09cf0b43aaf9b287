"""Confirm an upload: one HEAD, and then its image is recorded."""

from datetime import datetime
from uuid import UUID

from sqlalchemy.orm import Session

from broker.db.models import Image
from broker.domain.errors import ObjectMissing, ObjectNotFound
from broker.domain.limits import Limits
from broker.domain.principal import Principal
from broker.domain.states import UploadState
from broker.services.confirm.record import Arrival, record
from broker.services.uploads.settled import settled_image
from broker.services.uploads.state import (
    being_completed,
    discard,
    form_dead_at,
    get_upload,
    written_key,
)
from broker.storage.protocol import Storage


def confirm(
    session: Session,
    storage: Storage,
    limits: Limits,
    principal: Principal,
    upload_id: UUID,
    *,
    now: datetime,
) -> Image:
    """Give the upload's image, recording it where that has not been done.

    Repeats, and twenty at once, give the same image.

    Raises:
        NotFound: no such upload of this principal.
        ObjectMissing: the bytes have not arrived; the upload stays pending.
        ObjectMismatch: other bytes arrived; the upload is rejected and its object deleted.
        UploadExpired, UploadCancelled, ImageDeleted: too late.
        StorageUnavailable, StorageDenied: the bucket gave no answer; nothing has changed.
    """
    upload = get_upload(session, principal, upload_id)
    if upload.state != UploadState.PENDING:
        return settled_image(session, upload)
    stale = now >= form_dead_at(limits, upload)
    if stale and not limits.keeps_arrived:
        return _expire(session, limits, principal, upload_id, now)
    try:
        head = storage.head(written_key(limits, upload))
    except ObjectNotFound as missing:
        # A confirm that won in between has moved an unpinned object away.
        upload = get_upload(session, principal, upload_id)
        if upload.state != UploadState.PENDING:
            return settled_image(session, upload)
        if stale and not being_completed(upload, now=now):
            return _expire(session, limits, principal, upload_id, now)
        raise ObjectMissing("The bucket does not hold the object yet.") from missing
    return record(
        Arrival(
            session=session,
            storage=storage,
            limits=limits,
            principal=principal,
            upload=upload,
            head=head,
            now=now,
        )
    )


def _expire(
    session: Session, limits: Limits, principal: Principal, upload_id: UUID, now: datetime
) -> Image:
    """End a stale upload; raises UploadExpired unless another has settled it otherwise."""
    discard(session, limits, upload_id, UploadState.EXPIRED, now=now)
    session.commit()
    return settled_image(session, get_upload(session, principal, upload_id))
