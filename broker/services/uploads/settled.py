"""The image or the error of an upload that is no longer pending."""

from sqlalchemy import select

from broker.db.models import Image, Upload
from broker.domain.errors import (
    ImageDeleted,
    ObjectMismatch,
    UploadCancelled,
    UploadExpired,
    UploadSettled,
)
from broker.domain.states import UploadState
from broker.services.uploads.state import get_upload
from broker.services.work import Work


def raise_settled(upload: Upload) -> None:
    """Raise the error of a settled state; return if the upload is pending."""
    if upload.state == UploadState.EXPIRED:
        raise UploadExpired("The ticket expired before its upload was confirmed.")
    if upload.state == UploadState.CANCELLED:
        raise UploadCancelled("The ticket was cancelled.")
    if upload.state == UploadState.REJECTED:
        raise ObjectMismatch("The object differed from the declared one and was rejected.")
    if upload.state == UploadState.CONFIRMED:
        raise UploadSettled("The upload is already confirmed.")


def image_of(work: Work, upload: Upload) -> Image | None:
    """Return the image of the upload, if it exists."""
    image = work.session.scalar(select(Image).where(Image.upload_id == upload.id))
    work.session.commit()
    return image


def settled_image(work: Work, upload: Upload) -> Image:
    """Return the image of a confirmed upload, or raise the error of its state."""
    if upload.state == UploadState.PENDING:
        # The upload was stale, but another request renewed it at the same time.
        raise UploadExpired("The ticket expired before its upload was confirmed.")
    if upload.state != UploadState.CONFIRMED:
        raise_settled(upload)
    image = image_of(work, upload)
    if image is None:
        raise ImageDeleted("The image of this upload has been deleted.")
    return image


def current_image(work: Work, upload: Upload) -> Image:
    """Read the upload again, and return its image or raise the error of its state."""
    return settled_image(work, get_upload(work, upload.id))
