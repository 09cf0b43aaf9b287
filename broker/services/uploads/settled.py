"""What to answer about an upload that is no longer pending."""

from sqlalchemy import select
from sqlalchemy.orm import Session

from broker.db.models import Image, Upload
from broker.domain.errors import (
    ImageDeleted,
    ObjectMismatch,
    UploadCancelled,
    UploadExpired,
    UploadSettled,
)
from broker.domain.states import UploadState


def raise_settled(upload: Upload) -> None:
    """Raise the error of a settled state; return for a pending upload."""
    if upload.state == UploadState.EXPIRED:
        raise UploadExpired("The ticket expired before its upload was confirmed.")
    if upload.state == UploadState.CANCELLED:
        raise UploadCancelled("The ticket was given back.")
    if upload.state == UploadState.REJECTED:
        raise ObjectMismatch("The object was not the declared one, and was refused.")
    if upload.state == UploadState.CONFIRMED:
        raise UploadSettled("The upload is confirmed already.")


def image_of(session: Session, upload: Upload) -> Image | None:
    """Read the image that the upload became."""
    image = session.scalar(select(Image).where(Image.upload_id == upload.id))
    session.commit()
    return image


def settled_image(session: Session, upload: Upload) -> Image:
    """Give the image of a confirmed upload, or raise what its state means."""
    if upload.state == UploadState.PENDING:
        # It was let go as expired, and renewed by somebody else in the same moment.
        raise UploadExpired("The ticket expired before its upload was confirmed.")
    if upload.state != UploadState.CONFIRMED:
        raise_settled(upload)
    image = image_of(session, upload)
    if image is None:
        raise ImageDeleted("The image of this upload has been deleted.")
    return image
