"""Record an object that has arrived: verify what HEAD says, publish it, insert its image."""

from dataclasses import replace
from typing import Any

from broker.db.fast_path import insert_image
from broker.db.models import Image, Upload
from broker.domain.object_head import ObjectHead
from broker.domain.object_keys import (
    final_key,
    needs_promotion,
    published_key,
    published_keys,
    written_key,
)
from broker.domain.states import UploadState
from broker.domain.storage_errors import ObjectNotFound
from broker.domain.transports import transport_named
from broker.domain.verification import differences, is_verified
from broker.services.confirm.declared import declared_by
from broker.services.confirm.promote import Published, promote
from broker.services.confirm.start_processing import (
    LARGER_THAN_SESSION,
    changes_only_its_row,
    settle_size,
    start_processing,
)
from broker.services.events.record import ready_columns
from broker.services.uploads import images, outbox
from broker.services.uploads.audit_lines import record_upload
from broker.services.uploads.reject import reject
from broker.services.uploads.settled import Recorded, settled, settled_now
from broker.services.uploads.state import form_dead_at, get_upload, publish_time, transition
from broker.services.work import Work
from broker.telemetry.audit import Act


def record(work: Work, upload: Upload, head: ObjectHead) -> Recorded | None:
    """Return the upload's image, or with inspection required the upload that waits for a worker.

    If many calls run at once, only one inserts the image. `head` is the HEAD of the object that the
    client wrote.

    Returns:
        None if the object was replaced or deleted after that HEAD; send a new HEAD then.

    Raises:
        ObjectMismatch: the object is not the declared one; it is deleted, and the upload is
            rejected.
        NotFound: the caller has lost the right to the upload's owner in the meantime.
        UploadExpired, UploadCancelled, ImageDeleted: the upload was ended in the meantime.
        StorageUnavailable, StorageDenied: the bucket gave no answer; nothing has changed.
    """
    found = differences(declared_by(work, upload), head)
    if found:
        detail = f"The object differs from the declared one: {', '.join(found)}."
        return reject(work, upload, detail)
    if work.limits.profiles.of_kind(upload.owner_kind).is_inspected:
        return start_processing(work, upload, size=head.content_length)
    published: Published | None = Published(key=upload.key, etag=head.etag, attempt=0)
    if needs_promotion(work.limits, upload):
        published = promote(work, upload, head)
    if published is None:
        return _lost(work, upload)
    return _insert(work, upload, head, published)


def record_published(work: Work, upload: Upload) -> Recorded | None:
    """Record an upload whose object is public already; return None if there is no such object.

    After a restore from a backup, an upload that was confirmed since the backup is pending again,
    but the object that its client sent is deleted.
    """
    if upload.publish_attempts or not needs_promotion(work.limits, upload):
        return None
    if work.limits.profiles.of_kind(upload.owner_kind).is_inspected:
        # The worker takes the public object, which a worker wrote, in the place of the client's.
        keys = [published_key(work.limits, key) for key, _ in published_keys(upload)]
        found = any(_exists(work, key) for key in keys)
        return start_processing(work, upload, size=upload.size) if found else None
    try:
        head = work.storage.head(final_key(work.limits, upload))
    except ObjectNotFound:
        return None
    if transport_named(upload.transport).has_parts:
        # The copy of such an object has a checksum that differs from that of its parts.
        head = replace(head, checksum_sha256=None)
    if differences(declared_by(work, upload), head):
        return None
    return _insert(work, upload, head, Published(key=upload.key, etag=head.etag, attempt=0))


def _exists(work: Work, key: str) -> bool:
    try:
        work.storage.head(key)
    except ObjectNotFound:
        return False
    return True


def _insert(work: Work, upload: Upload, head: ObjectHead, published: Published) -> Recorded | None:
    values = _values(work, upload, head, published)
    image = Image(upload_id=upload.id, variants=[], **values)
    if published.attempt != 1 or not _is_plain(work, upload):
        return _insert_with_all(work, upload, head, published, image)
    written = outbox.row(written_key(work.limits, upload), now=work.now)
    event = ready_columns(work.limits.profiles, image, user_id=upload.user_id, now=work.now)
    image_id = insert_image(
        work.session, upload.id, values, deletion=written, event=event, now=work.now
    )
    if image_id is None:
        return _lost(work, upload, published)
    record_upload(Act.UPLOAD_CONFIRMED, work, upload)
    image.id = image_id
    return image


def _values(work: Work, upload: Upload, head: ObjectHead, published: Published) -> dict[str, Any]:
    transport = transport_named(upload.transport)
    return {
        "owner_kind": upload.owner_kind,
        "owner_id": upload.owner_id,
        "key": published.key,
        "file_name": upload.file_name,
        "content_type": upload.content_type,
        "size": head.content_length,
        "checksum_sha256": upload.checksum_sha256,
        "checksum_verified": is_verified(
            upload.checksum_sha256,
            head,
            server=work.limits.server,
            in_parts=transport.has_parts,
        ),
        "composite_sha256": head.checksum_sha256 if transport.has_parts else None,
        "etag": published.etag,
        "alt_text": upload.alt_text,
        "order": upload.order,
        "created_at": work.now,
    }


def _is_plain(work: Work, upload: Upload) -> bool:
    """Check whether confirming needs no more than the image and the deletion below `incoming/`."""
    profile = work.limits.profiles.of_kind(upload.owner_kind)
    return not profile.keeps_one and changes_only_its_row(upload)


def _insert_with_all(
    work: Work, upload: Upload, head: ObjectHead, published: Published, image: Image
) -> Recorded | None:
    """Insert the image and make all changes that belong to it, in one transaction.

    These are the size of an upload that declared none, the bytes of an Uppy session, the deletion
    of the image that this one replaces, and of the objects that are no longer needed. If the owner
    keeps one image and has a newer one, this one counts as replaced by it and is not inserted.
    """
    session, limits, now = work.session, work.limits, work.now
    won = transition(session, upload.id, UploadState.CONFIRMED, now=now)
    if won is None or not _keep_published(work, upload, published):
        session.rollback()
        return _lost(work, upload, published)
    if not settle_size(session, won, head.content_length):
        session.rollback()
        return reject(work, upload, LARGER_THAN_SESSION)
    inserted = images.insert(session, limits, won, image, now=now)
    if not inserted:
        unused = published_key(limits, published.key)
        outbox.enqueue(session, unused, now=now, form_dead_at=form_dead_at(limits, upload))
    if needs_promotion(limits, upload):
        # If the client sends it again, the reaper finds it.
        outbox.enqueue(session, written_key(limits, upload), now=now)
    session.commit()
    record_upload(Act.UPLOAD_CONFIRMED, work, upload)
    return image if inserted else settled_now(work, upload)


def _keep_published(work: Work, upload: Upload, published: Published) -> bool:
    """Keep this attempt's object, and delete the first attempt's, which has no image.

    Return False if the attempt took so long that its object is being deleted.
    """
    if published.attempt <= 1:
        return True
    first = published_key(work.limits, upload.key)
    until = work.now + publish_time(upload)
    outbox.enqueue(work.session, first, now=work.now, form_dead_at=until)
    return outbox.withdraw(work.session, published_key(work.limits, published.key))


def _lost(work: Work, upload: Upload, published: Published | None = None) -> Recorded | None:
    """Delete this attempt's object, and return what another call recorded.

    Return None if the upload is still pending. The code that ended it may have deleted the client's
    object before it arrived, so that object is deleted again if the upload has no image.
    """
    now_is = get_upload(work, upload.id)
    if now_is.state == UploadState.PENDING:
        return None
    unused = set()
    if published is not None and published.attempt > 0:
        unused.add(published_key(work.limits, published.key))
    if now_is.state not in (UploadState.PROCESSING, UploadState.CONFIRMED):
        unused.add(written_key(work.limits, now_is))
    for key in unused:
        outbox.enqueue(work.session, key, now=work.now)
        work.session.commit()
        outbox.drain(work, only_key=key)
    return settled(work, now_is)
