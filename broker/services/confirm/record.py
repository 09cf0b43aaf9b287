"""Record an object that has arrived: verify what HEAD says of it, then insert its image."""

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import update
from sqlalchemy.orm import Session

from broker.db.fast_path.insert_image import insert_image
from broker.db.models import Image, Upload
from broker.domain.errors import ObjectMismatch
from broker.domain.limits import Limits
from broker.domain.object_head import ObjectHead
from broker.domain.owners import AD
from broker.domain.principal import Principal
from broker.domain.states import UploadState
from broker.domain.transports import Transport
from broker.domain.verification import Declared, differences
from broker.services.confirm.promote import promote
from broker.services.marketplace.avatars import replace_avatar
from broker.services.uploads import outbox, quotas
from broker.services.uploads.settled import settled_image
from broker.services.uploads.state import discard, form_dead_at, get_upload, settle, written_key
from broker.services.uppy import sessions as uppy_sessions
from broker.storage.protocol import Storage
from broker.telemetry import audit


@dataclass(frozen=True, kw_only=True)
class Arrival:
    """An upload whose object has arrived, and what is needed to deal with it."""

    session: Session
    storage: Storage
    limits: Limits
    principal: Principal
    upload: Upload
    head: ObjectHead
    now: datetime


def record(arrival: Arrival) -> Image:
    """Give the upload's image; of many at once, one inserts it and all give the same.

    Raises:
        ObjectMismatch: other bytes than declared; the upload is rejected, its object deleted.
        UploadExpired, UploadCancelled, ImageDeleted: it was ended meanwhile.
        StorageUnavailable, StorageDenied: the bucket gave no answer; nothing has changed.
    """
    found = differences(_declared(arrival.upload), arrival.head)
    if found:
        return _reject(arrival, f"The object is not the declared one: {', '.join(found)} differ.")
    etag: str | None = arrival.head.etag
    if arrival.upload.needs_promotion:
        etag = promote(
            arrival.session, arrival.storage, arrival.limits, arrival.upload, arrival.head
        )
    if etag is None:
        return _reject(arrival, "The object has been replaced while it was being confirmed.")
    return _insert(arrival, etag)


def _declared(upload: Upload) -> Declared:
    # Of a multipart upload S3 has no digest of the whole to compare with the declared one.
    whole = None if upload.transport == Transport.MULTIPART else upload.checksum_sha256
    return Declared(
        size=upload.size if upload.size_is_exact else None,
        max_size=upload.size,
        content_type=upload.content_type,
        checksum_sha256=whole,
        upload_id=str(upload.id),
    )


def _reject(arrival: Arrival, detail: str) -> Image:
    """Reject the upload and delete its object, at once where the bucket answers."""
    session, upload = arrival.session, arrival.upload
    won = discard(session, arrival.limits, upload.id, UploadState.REJECTED, now=arrival.now)
    session.commit()
    if not won:
        return settled_image(session, get_upload(session, arrival.principal, upload.id))
    audit.record_rejection(upload, arrival.principal, for_user=upload.user_id, detail=detail)
    key = written_key(arrival.limits, upload)
    outbox.drain(session, arrival.storage, arrival.limits, now=arrival.now, only_key=key)
    raise ObjectMismatch(detail)


def _insert(arrival: Arrival, etag: str) -> Image:
    """Set the state and insert the image in one transaction; the loser reads the winner's."""
    upload = arrival.upload
    multipart = upload.transport == Transport.MULTIPART
    values = {
        "owner_kind": upload.owner_kind,
        "owner_id": upload.owner_id,
        "key": upload.key,
        "content_type": upload.content_type,
        "size": arrival.head.content_length,
        "checksum_sha256": upload.checksum_sha256,
        "checksum_verified": not multipart and upload.checksum_sha256 is not None,
        "composite_sha256": arrival.head.checksum_sha256 if multipart else None,
        "etag": etag,
        "alt_text": upload.alt_text,
        "order": upload.order,
        "created_at": arrival.now,
    }
    image = Image(upload_id=upload.id, **values)
    if not _is_plain(upload):
        return _insert_with_all(arrival, image)
    image_id = insert_image(arrival.session, upload.id, values, now=arrival.now)
    if image_id is None:
        return _lost(arrival)
    image.id = image_id
    audit.record_upload(
        audit.Act.UPLOAD_CONFIRMED, upload, arrival.principal, for_user=upload.user_id
    )
    return image


def _is_plain(upload: Upload) -> bool:
    """Tell whether nothing but its state changes with it, as with nearly every photo of an ad."""
    return (
        upload.owner_kind == AD.name
        and upload.transport != Transport.MULTIPART
        and upload.size_is_exact
        and upload.uppy_session_id is None
        and not upload.needs_promotion
    )


def _insert_with_all(arrival: Arrival, image: Image) -> Image:
    """Do likewise, with whatever else changes: the session's bytes, the avatar before, parts."""
    session, upload, head, now = arrival.session, arrival.upload, arrival.head, arrival.now
    won = settle(session, upload.id, UploadState.CONFIRMED, now=now)
    if won is None:
        session.rollback()
        return _lost(arrival)
    # Before the session is charged: whoever asks for a ticket locks them in that order.
    if not won.size_is_exact:
        quotas.settle(session, won, head.content_length)
    if upload.uppy_session_id is not None and not uppy_sessions.charge(
        session, upload.uppy_session_id, head.content_length
    ):
        session.rollback()
        return _reject(arrival, "The object is larger than what its session has left.")
    if not upload.size_is_exact:
        session.execute(
            update(Upload)
            .where(Upload.id == upload.id)
            .values(size=head.content_length, size_is_exact=True)
            .execution_options(synchronize_session=False)
        )
    replace_avatar(session, arrival.limits, image, now=now)
    session.add(image)
    if upload.needs_promotion:
        dead_at = form_dead_at(arrival.limits, upload)
        written = written_key(arrival.limits, upload)
        outbox.enqueue(session, written, now=now, form_dead_at=dead_at)
    session.commit()
    audit.record_upload(
        audit.Act.UPLOAD_CONFIRMED, upload, arrival.principal, for_user=upload.user_id
    )
    return image


def _lost(arrival: Arrival) -> Image:
    """Give the winner's image; where the upload was ended instead, its object goes again.

    Whoever ended it has deleted the object before it arrived, if this was a race.
    """
    session, limits = arrival.session, arrival.limits
    upload = get_upload(session, arrival.principal, arrival.upload.id)
    if upload.state not in (UploadState.CONFIRMED, UploadState.PENDING):
        key = written_key(limits, upload)
        outbox.enqueue(session, key, now=arrival.now)
        session.commit()
        outbox.drain(session, arrival.storage, limits, now=arrival.now, only_key=key)
    return settled_image(session, upload)
