"""Confirm an upload: verify the object with one HEAD, then record its image."""

from datetime import datetime
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.orm import Session

from broker.db.models import Image, Upload
from broker.domain.errors import (
    ImageDeleted,
    ObjectMismatch,
    ObjectMissing,
    ObjectNotFound,
    UploadExpired,
)
from broker.domain.object_head import ObjectHead
from broker.domain.principal import Principal
from broker.domain.rules import Rules
from broker.domain.states import UploadState
from broker.domain.verification import Declared, differences
from broker.services import outbox
from broker.services.avatars import replace_avatar
from broker.services.promote import promote
from broker.services.settled import raise_settled
from broker.services.uploads import discard, form_dead_at, get_upload, settle, written_key
from broker.storage.protocol import ObjectStorage


def confirm(
    session: Session,
    storage: ObjectStorage,
    rules: Rules,
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
        return _settled_image(session, upload)
    if now >= form_dead_at(rules, upload):
        discard(session, rules, upload, UploadState.EXPIRED, now=now)
        session.commit()
        return _settled_image(session, get_upload(session, principal, upload_id))
    try:
        head = storage.head(written_key(rules, upload))
    except ObjectNotFound as missing:
        # A confirm that won in between has moved an unpinned object away.
        upload = get_upload(session, principal, upload_id)
        if upload.state != UploadState.PENDING:
            return _settled_image(session, upload)
        raise ObjectMissing("The bucket does not hold the object yet.") from missing
    found = differences(_declared(upload), head)
    if found:
        return _reject(session, storage, rules, principal, upload, found, now)
    if not upload.pinned:
        etag = promote(session, storage, rules, upload, head)
        if etag is None:
            return _reject(session, storage, rules, principal, upload, ["etag"], now)
    return _record(session, rules, principal, upload, head, now)


def _declared(upload: Upload) -> Declared:
    return Declared(
        size=upload.size,
        content_type=upload.content_type,
        checksum_sha256=upload.checksum_sha256,
        upload_id=str(upload.id),
    )


def _settled_image(session: Session, upload: Upload) -> Image:
    """Give the image of a confirmed upload, or raise what its state means."""
    if upload.state == UploadState.PENDING:
        raise UploadExpired("The ticket expired before its upload was confirmed.")
    if upload.state != UploadState.CONFIRMED:
        raise_settled(upload)
    image = session.scalar(select(Image).where(Image.upload_id == upload.id))
    session.commit()
    if image is None:
        raise ImageDeleted("The image of this upload has been deleted.")
    return image


def _reject(
    session: Session,
    storage: ObjectStorage,
    rules: Rules,
    principal: Principal,
    upload: Upload,
    found: list[str],
    now: datetime,
) -> Image:
    """Reject the upload and delete its object, at once where the bucket answers."""
    won = discard(session, rules, upload, UploadState.REJECTED, now=now)
    session.commit()
    if not won:
        return _settled_image(session, get_upload(session, principal, upload.id))
    outbox.drain(session, storage, rules, now=now, only_key=written_key(rules, upload))
    raise ObjectMismatch(f"The object is not the declared one: {', '.join(found)} differ.")


def _record(
    session: Session,
    rules: Rules,
    principal: Principal,
    upload: Upload,
    head: ObjectHead,
    now: datetime,
) -> Image:
    """Set the state and insert the image in one transaction; the loser reads the winner's."""
    if not settle(session, upload.id, UploadState.CONFIRMED, now=now):
        session.rollback()
        return _settled_image(session, get_upload(session, principal, upload.id))
    image = Image(
        upload_id=upload.id,
        owner_kind=upload.owner_kind,
        owner_id=upload.owner_id,
        key=upload.key,
        content_type=upload.content_type,
        size=upload.size,
        checksum_sha256=upload.checksum_sha256,
        etag=head.etag,
        alt_text=upload.alt_text,
        order=upload.order,
        created_at=now,
    )
    replace_avatar(session, rules, image, now=now)
    session.add(image)
    if not upload.pinned:
        outbox.enqueue(
            session,
            written_key(rules, upload),
            now=now,
            form_dead_at=form_dead_at(rules, upload),
        )
    session.commit()
    return image
