"""Read a multipart upload, and ask the bucket which of its parts have arrived."""

from collections.abc import Mapping
from uuid import UUID

from broker.db.models import Upload
from broker.domain.errors import NotMultipart, ObjectMissing, UploadExpired
from broker.domain.object_keys import written_key
from broker.domain.part_plan import UploadedPart, by_number
from broker.domain.states import UploadState
from broker.domain.storage_errors import MultipartNotFound, ObjectNotFound, ObjectRefused
from broker.domain.transports import transport_named
from broker.services.confirm.record import record_published
from broker.services.uploads.settled import raise_settled
from broker.services.uploads.state import being_completed, end_upload, form_dead_at, get_upload
from broker.services.work import Work


def get_multipart(work: Work, upload_id: UUID) -> Upload:
    """Return an upload that is sent in parts; raise NotFound or NotMultipart."""
    upload = get_upload(work, upload_id)
    if not transport_named(upload.transport).has_parts:
        raise NotMultipart(f"The upload's transport is {upload.transport}; it has no parts.")
    return upload


def require_pending(work: Work, upload: Upload, *, completing: bool = False) -> None:
    """Raise the error of a settled upload, and expire a stale one.

    A stale upload may still be completed if BROKER_REAP keeps objects that have arrived.
    """
    raise_settled(upload)
    stale = work.now >= form_dead_at(work.limits, upload)
    if stale and not (completing and work.limits.keeps_arrived):
        end_upload(work, upload.id, UploadState.EXPIRED)
        raise UploadExpired("The ticket expired before its upload was completed.")


def arrived_parts(
    work: Work, upload: Upload, *, named: Mapping[int, str] | None = None
) -> dict[int, UploadedPart] | None:
    """Return the parts of a pending upload that have arrived, by number.

    `named` has ETags by part number. If the bucket lists a number twice, the part with this ETag is
    returned.

    Returns:
        None if the object is already complete.

    Raises:
        ObjectMissing: the bucket is completing it right now.
        UploadExpired: the bucket no longer has the parts; the upload is expired.
    """
    if upload.multipart_id is None:
        return {}
    key = written_key(work.limits, upload)
    try:
        return by_number(work.storage.multipart.list_parts(key, upload.multipart_id), named)
    except MultipartNotFound:
        require_object(work, upload)
        return None


def require_object(work: Work, upload: Upload) -> None:
    """Return if the object or its image exists: then the bucket has completed the upload.

    Otherwise raise the same errors as `arrived_parts`.
    """
    try:
        work.storage.head(written_key(work.limits, upload))
    except ObjectRefused:
        return  # it exists; the confirm rejects it
    except ObjectNotFound as missing:
        upload = get_upload(work, upload.id)
        if upload.state in (UploadState.PROCESSING, UploadState.CONFIRMED):
            return  # another request recorded the image, and its object below incoming/ is deleted
        raise_settled(upload)
        if being_completed(upload, now=work.now):
            raise ObjectMissing("The bucket is completing the upload.") from missing
        if record_published(work, upload) is not None:
            return
        end_upload(work, upload.id, UploadState.EXPIRED)
        raise UploadExpired(
            "The bucket no longer has the parts; ask for a new ticket."
        ) from missing
