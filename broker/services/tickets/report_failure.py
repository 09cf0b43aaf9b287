"""Count an S3 error that a client reports, and advise the client."""

from uuid import UUID

from broker.db.models import Upload
from broker.domain.s3_failures import Advice, advise
from broker.domain.states import UploadState
from broker.services.uploads.state import form_dead_at, get_upload, update_pending
from broker.services.work import Work

ARRIVED = (UploadState.PROCESSING, UploadState.CONFIRMED)


def report_failure(work: Work, upload_id: UUID, s3_code: str, message: str) -> Advice:
    """Count one more failure, and return the advice.

    It is to confirm if the file has arrived already, and to give up if the upload or its grace
    period is over.
    """
    get_upload(work, upload_id)
    upload = update_pending(work.session, upload_id, failures=Upload.failures + 1)
    work.session.commit()
    if upload is None and get_upload(work, upload_id).state in ARRIVED:
        return Advice.CONFIRM
    if upload is None or work.now >= form_dead_at(work.limits, upload):
        return Advice.GIVE_UP
    expired = work.now >= upload.expires_at
    return advise(s3_code, message, failures=upload.failures, expired=expired)
