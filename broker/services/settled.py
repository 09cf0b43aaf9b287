"""What to answer about an upload that is no longer pending."""

from broker.db.models import Upload
from broker.domain.errors import ObjectMismatch, UploadCancelled, UploadExpired, UploadSettled
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
