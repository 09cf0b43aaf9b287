"""End an upload in processing: insert its image with its variants, or reject it."""

from broker.db.models import Image, ImageVariant, Upload
from broker.domain.object_keys import published_key, published_keys, written_key
from broker.domain.rejections import RejectionReason
from broker.domain.states import UploadState
from broker.services.processing.lease import Lease, LeaseLost
from broker.services.processing.publish import PUBLISH_TIME, PublishedFile, withdraw
from broker.services.uploads import images, outbox
from broker.services.uploads.audit_lines import record_upload
from broker.services.uploads.owners import rights
from broker.services.uploads.state import end, settle
from broker.services.work import Work
from broker.telemetry.audit import Act

PROCESSING = (UploadState.PROCESSING,)


def record(
    work: Work,
    lease: Lease,
    published: list[PublishedFile],
    *,
    thumbhash: str,
    checksum_verified: bool,
) -> Image | None:
    """Confirm the upload, and insert its image with its variants, in one transaction.

    `published` has the image first.

    Returns:
        None if the owner has a newer image, or belongs to another user now.

    Raises:
        LeaseLost: another worker has taken the upload, it has ended, or its files are being
            deleted.
    """
    upload, session, limits, now = lease.upload, work.session, work.limits, work.now
    # The worker itself has no right to an owner.
    as_user = work.acting_for(upload.user_id, upload.key)
    won = settle(
        session,
        PROCESSING,
        upload.id,
        Upload.publish_attempts == lease.attempt,
        *rights(as_user, upload),
        state=UploadState.CONFIRMED,
        settled_at=now,
    )
    if won is None:
        session.rollback()
        _cancel_without_owner(work, lease)
        return None
    keys = [each.key for each in published]
    if not withdraw(session, limits, keys):
        session.rollback()
        raise LeaseLost
    image = _image(won, published, thumbhash, checksum_verified)
    # An ad's images stay in the order of their confirms, whichever of them a worker finishes first.
    image.created_at = won.processing_since or now
    inserted = images.insert(session, limits, won, image, now=now)
    if not inserted:
        for key in keys:
            outbox.enqueue(session, published_key(limits, key), now=now)
    first = [key for key, _ in published_keys(upload)]
    if image.key not in first:
        # A confirm without inspection may have copied the client's object to the first key. After a
        # restore from a backup it may have the image that was published before.
        for key in first:
            unused = published_key(limits, key)
            outbox.enqueue(session, unused, now=now, form_dead_at=now + PUBLISH_TIME)
    # If the client sends it again, the reaper finds it.
    outbox.enqueue(session, written_key(limits, upload), now=now)
    session.commit()
    record_upload(Act.UPLOAD_CONFIRMED, as_user, upload, key=image.key)
    return image if inserted else None


def reject(work: Work, lease: Lease, reason: RejectionReason, detail: str) -> None:
    """Reject the upload; its slot is released, and the outbox deletes its object.

    Raises:
        LeaseLost: another worker has taken the upload, or it has ended.
    """
    ended = end(
        work.session,
        work.limits,
        [lease.upload.id],
        UploadState.REJECTED,
        Upload.publish_attempts == lease.attempt,
        now=work.now,
        states=PROCESSING,
        reason=reason,
    )
    work.session.commit()
    if not ended:
        raise LeaseLost
    as_user = work.acting_for(lease.upload.user_id, lease.upload.key)
    record_upload(Act.UPLOAD_REJECTED, as_user, lease.upload, detail=f"{reason}: {detail}")


def _cancel_without_owner(work: Work, lease: Lease) -> None:
    """Cancel the upload if its owner was deleted or belongs to another user now."""
    ended = end(
        work.session,
        work.limits,
        [lease.upload.id],
        UploadState.CANCELLED,
        Upload.publish_attempts == lease.attempt,
        now=work.now,
        states=PROCESSING,
    )
    work.session.commit()
    if not ended:
        raise LeaseLost


def _image(
    upload: Upload, published: list[PublishedFile], thumbhash: str, checksum_verified: bool
) -> Image:
    main, *variants = published
    return Image(
        upload_id=upload.id,
        owner_kind=upload.owner_kind,
        owner_id=upload.owner_id,
        key=main.key,
        file_name=upload.file_name,
        content_type=main.file.content_type,
        size=main.file.size,
        checksum_sha256=main.file.checksum_sha256,
        checksum_verified=checksum_verified,
        etag=main.etag,
        alt_text=upload.alt_text,
        order=upload.order,
        width=main.file.width,
        height=main.file.height,
        thumbhash=thumbhash,
        is_clean=True,
        variants=[variant_row(each) for each in variants],
    )


def variant_row(published: PublishedFile) -> ImageVariant:
    """Return the row of a published variant, without its image."""
    return ImageVariant(
        key=published.key,
        content_type=published.file.content_type,
        width=published.file.width,
        height=published.file.height,
        size=published.file.size,
        checksum_sha256=published.file.checksum_sha256,
        etag=published.etag,
    )
