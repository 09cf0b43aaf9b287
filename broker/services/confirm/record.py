"""Record an object that has arrived: verify what HEAD says about it, then insert its image."""

from typing import Any

from broker.db.fast_path import insert_image
from broker.db.models import Image, Upload
from broker.domain.object_head import ObjectHead
from broker.domain.object_keys import needs_promotion, written_key
from broker.domain.owners import kind_named
from broker.domain.states import UploadState
from broker.domain.transports import transport_named
from broker.domain.verification import differences, is_verified
from broker.services.confirm.declared import declared_by
from broker.services.confirm.promote import promote
from broker.services.uploads import images, outbox, quotas
from broker.services.uploads.owners import lock_owner
from broker.services.uploads.reject import reject
from broker.services.uploads.settled import settled_image
from broker.services.uploads.state import form_dead_at, get_upload, transition
from broker.services.uppy import sessions
from broker.services.work import Work
from broker.telemetry import audit


def record(work: Work, upload: Upload, head: ObjectHead) -> Image:
    """Return the upload's image. If many calls run at once, only one inserts it.

    `head` is the HEAD of the object that the client wrote.

    Raises:
        ObjectMismatch: the object is not the declared one; it is deleted, and the upload is
            rejected.
        UploadExpired, UploadCancelled, ImageDeleted: the upload was ended in the meantime.
        StorageUnavailable, StorageDenied: the bucket gave no answer; nothing has changed.
    """
    found = differences(declared_by(work, upload), head)
    if found:
        detail = f"The object differs from the declared one: {', '.join(found)}."
        return reject(work, upload, detail)
    etag: str | None = head.etag
    if needs_promotion(upload):
        etag = promote(work, upload, head)
    if etag is None:
        return reject(work, upload, "The object was replaced while it was being confirmed.")
    values = _values(work, upload, head, etag)
    if not _is_plain(upload):
        return _insert_with_all(work, upload, head, Image(upload_id=upload.id, **values))
    image_id = insert_image(work.session, upload.id, values, now=work.now)
    if image_id is None:
        return _lost(work, upload)
    audit.record_upload(audit.Act.UPLOAD_CONFIRMED, upload, work.principal, for_user=upload.user_id)
    return Image(id=image_id, upload_id=upload.id, **values)


def _values(work: Work, upload: Upload, head: ObjectHead, etag: str) -> dict[str, Any]:
    transport = transport_named(upload.transport)
    return {
        "owner_kind": upload.owner_kind,
        "owner_id": upload.owner_id,
        "key": upload.key,
        "content_type": upload.content_type,
        "size": head.content_length,
        "checksum_sha256": upload.checksum_sha256,
        "checksum_verified": is_verified(upload.checksum_sha256, head),
        "composite_sha256": head.checksum_sha256 if transport.has_parts else None,
        "etag": etag,
        "alt_text": upload.alt_text,
        "order": upload.order,
        "created_at": work.now,
    }


def _is_plain(upload: Upload) -> bool:
    """Check whether confirming changes only the state and inserts the image.

    This is the case for nearly every photo of an ad.
    """
    return (
        not kind_named(upload.owner_kind).keeps_one
        and not transport_named(upload.transport).has_parts
        and upload.size_is_exact
        and upload.uppy_session_id is None
        and not needs_promotion(upload)
    )


def _insert_with_all(work: Work, upload: Upload, head: ObjectHead, image: Image) -> Image:
    """Insert the image and make all changes that belong to it, in one transaction.

    These are the size of an upload that declared none, the bytes of an Uppy session, the deletion
    of the image that this one replaces, and that of the object below `incoming/`.
    """
    session, limits, now = work.session, work.limits, work.now
    won = transition(session, upload.id, UploadState.CONFIRMED, now=now)
    if won is None:
        session.rollback()
        return _lost(work, upload)
    # Lock the quota before the session, in the same order as when a ticket is issued.
    if not won.size_is_exact:
        quotas.refund_unused(session, won, head.content_length)
    if upload.uppy_session_id is not None and not sessions.charge(
        session, upload.uppy_session_id, head.content_length
    ):
        session.rollback()
        return reject(work, upload, "The object is larger than what the Uppy session has left.")
    if not upload.size_is_exact:
        won.size, won.size_is_exact = head.content_length, True
    kind = kind_named(upload.owner_kind)
    if kind.keeps_one:
        lock_owner(session, kind, upload.owner_id)
        images.delete_of_owner(session, limits, kind, upload.owner_id, now=now)
    session.add(image)
    if needs_promotion(upload):
        dead_at = form_dead_at(limits, upload)
        outbox.enqueue(session, written_key(limits, upload), now=now, form_dead_at=dead_at)
    session.commit()
    audit.record_upload(audit.Act.UPLOAD_CONFIRMED, upload, work.principal, for_user=upload.user_id)
    return image


def _lost(work: Work, upload: Upload) -> Image:
    """Return the image that another call recorded. If the upload has ended, delete its object.

    The code that ended the upload may have deleted the object before the object arrived.
    """
    now_is = get_upload(work, upload.id)
    if now_is.state not in (UploadState.CONFIRMED, UploadState.PENDING):
        key = written_key(work.limits, now_is)
        outbox.enqueue(work.session, key, now=work.now)
        work.session.commit()
        outbox.drain(work, only_key=key)
    return settled_image(work, now_is)
