"""The result of an upload that is no longer pending: its image, its inspection or its error."""

from sqlalchemy import select

from broker.db.models import Image, Upload
from broker.domain.errors import (
    ImageDeleted,
    ObjectMismatch,
    UploadCancelled,
    UploadExpired,
    UploadRejected,
    UploadSettled,
)
from broker.domain.rejections import RejectionReason
from broker.domain.states import UploadState
from broker.services.uploads.state import get_upload
from broker.services.work import Work

# What a confirm returns: the image, or the upload if a worker has yet to inspect its object.
Recorded = Image | Upload


def raise_settled(upload: Upload) -> None:
    """Raise the error of a settled state; return if the upload is pending."""
    if upload.state == UploadState.EXPIRED:
        raise UploadExpired("The ticket expired before its upload was confirmed.")
    if upload.state == UploadState.CANCELLED:
        raise UploadCancelled("The ticket was cancelled.")
    if upload.state == UploadState.REJECTED and upload.reason is not None:
        raise UploadRejected(RejectionReason(upload.reason))
    if upload.state == UploadState.REJECTED:
        raise ObjectMismatch("The object differed from the declared one and was rejected.")
    if upload.state == UploadState.CONFIRMED:
        raise UploadSettled("The upload is already confirmed.")
    if upload.state == UploadState.PROCESSING:
        raise UploadSettled("The file has arrived and is being processed.")


def image_of(work: Work, upload: Upload) -> Image | None:
    """Return the image of the upload, if it exists."""
    image = work.session.scalar(select(Image).where(Image.upload_id == upload.id))
    work.session.commit()
    return image


def settled(work: Work, upload: Upload) -> Recorded:
    """Return the image of a confirmed upload, or an upload that is being processed.

    Raise the error of any other state.
    """
    if upload.state == UploadState.PROCESSING:
        return upload
    if upload.state == UploadState.PENDING:
        # The upload was stale, but another request renewed it at the same time.
        raise UploadExpired("The ticket expired before its upload was confirmed.")
    if upload.state != UploadState.CONFIRMED:
        raise_settled(upload)
    image = image_of(work, upload)
    if image is None:
        raise ImageDeleted("The image of this upload has been deleted.")
    return image


def settled_now(work: Work, upload: Upload) -> Recorded:
    """Read the upload again, and return the same as `settled`."""
    return settled(work, get_upload(work, upload.id))
