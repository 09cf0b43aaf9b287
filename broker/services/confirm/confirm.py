"""Confirm an upload: one HEAD, then hand it over to a worker, or copy the object and record it."""

from uuid import UUID

from broker.db.models import Upload
from broker.domain.errors import ObjectMissing
from broker.domain.object_keys import written_key
from broker.domain.states import UploadState
from broker.domain.storage_errors import ObjectNotFound, ObjectRefused, StorageDenied
from broker.services.confirm.record import record, record_published
from broker.services.uploads.owners import require_right
from broker.services.uploads.reject import reject
from broker.services.uploads.settled import Recorded, settled, settled_now
from broker.services.uploads.state import being_completed, end_upload, form_dead_at, get_upload
from broker.services.work import Work

# How many HEADs a confirm sends if the object is replaced between HEAD and copy.
COPIES_MAX = 3


def confirm(work: Work, upload_id: UUID) -> Recorded:
    """Return the upload's image, and record it if that has not been done.

    With inspection required, return the upload in state `processing` until a worker has published
    the image. Repeated and concurrent calls return the same.

    Raises:
        NotFound: the principal has no such upload, or its owner belongs to another user now.
        ObjectMissing: the object has not arrived; the upload stays pending.
        ObjectMismatch: another object arrived, or one that the bucket does not show to the broker;
            it is deleted, and the upload is rejected.
        UploadExpired, UploadCancelled, ImageDeleted: the upload has ended, or its image was
            deleted.
        UploadRejected: a worker rejected the object.
        StorageUnavailable, StorageDenied: the bucket gave no answer; nothing has changed.
    """
    upload = get_upload(work, upload_id)
    if upload.state != UploadState.PENDING:
        return settled(work, upload)
    stale = work.now >= form_dead_at(work.limits, upload)
    if stale and not work.limits.keeps_arrived:
        end_upload(work, upload_id, UploadState.EXPIRED)
        return settled_now(work, upload)
    require_right(work, upload)
    for _ in range(COPIES_MAX):
        try:
            head = work.storage.head(written_key(work.limits, upload))
            image = record(work, upload, head)
        except ObjectNotFound as missing:
            # Another confirm may have promoted the object in the meantime.
            upload = get_upload(work, upload_id)
            if upload.state != UploadState.PENDING:
                return settled(work, upload)
            if stale and not being_completed(upload, now=work.now):
                image = _published(work, upload)
                if image is not None:
                    return image
                end_upload(work, upload_id, UploadState.EXPIRED)
                return settled_now(work, upload)
            raise ObjectMissing("The bucket does not hold the object yet.") from missing
        except ObjectRefused as refused:
            return reject(work, upload, refused.detail)
        if image is not None:
            return image
    return reject(work, upload, "The object was replaced several times during the confirm.")


def _published(work: Work, upload: Upload) -> Recorded | None:
    """Record an upload whose object was published before a restore; see `record_published`."""
    try:
        return record_published(work, upload)
    except StorageDenied:
        if not work.limits.profiles.of_kind(upload.owner_kind).is_private:
            raise
        # The API's key cannot read private files; the reaper's can, and ends the upload.
        raise ObjectMissing("The bucket does not hold the object.") from None
