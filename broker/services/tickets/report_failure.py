"""Count and store an S3 error that a client reports, and advise the client."""

from uuid import UUID

from broker.db.models import ReportedFailure, Upload
from broker.domain.s3_failures import Advice, advise
from broker.domain.states import UploadState
from broker.services.uploads.state import form_dead_at, get_upload, update_pending
from broker.services.work import Work

ARRIVED = (UploadState.PROCESSING, UploadState.CONFIRMED)
# Of each upload. The counter goes on.
STORED_MAX = 20
CODE_MAX = 64


def report_failure(work: Work, upload_id: UUID, s3_code: str, message: str) -> Advice:
    """Count one more failure, store it, and return the advice.

    It is to confirm if the file has arrived already, and to give up if the upload or its grace
    period is over.
    """
    get_upload(work, upload_id)
    upload = update_pending(work.session, upload_id, failures=Upload.failures + 1)
    if upload is None:
        work.session.commit()
        ended = get_upload(work, upload_id)
        return Advice.CONFIRM if ended.state in ARRIVED else Advice.GIVE_UP
    if work.now >= form_dead_at(work.limits, upload):
        advice = Advice.GIVE_UP
    else:
        expired = work.now >= upload.expires_at
        advice = advise(
            s3_code,
            message,
            failures=upload.failures,
            expired=expired,
            server=work.limits.server,
        )
    if upload.failures <= STORED_MAX:
        work.session.add(
            ReportedFailure(
                upload_id=upload_id,
                s3_code=s3_code[:CODE_MAX],
                advice=advice,
                created_at=work.now,
            )
        )
    work.session.commit()
    return advice
