"""Count the error that S3 gave a client, and say what to do about it."""

from datetime import datetime
from uuid import UUID

from sqlalchemy import update
from sqlalchemy.orm import Session

from broker.db.models import Upload
from broker.domain.limits import Limits
from broker.domain.principal import Principal
from broker.domain.s3_failures import Advice, advise
from broker.domain.states import UploadState
from broker.services.uploads.state import get_upload


def report_failure(
    session: Session,
    principal: Principal,
    upload_id: UUID,
    s3_code: str,
    message: str,
    *,
    limits: Limits,
    now: datetime,
) -> Advice:
    """Count one more failure; a settled upload, or one past its grace, is to be given up."""
    upload = get_upload(session, principal, upload_id)
    failures = session.scalar(
        update(Upload)
        .where(Upload.id == upload_id, Upload.state == UploadState.PENDING)
        .values(failures=Upload.failures + 1)
        .returning(Upload.failures)
        .execution_options(synchronize_session=False)
    )
    session.commit()
    if failures is None or now >= upload.expires_at + limits.grace:
        return Advice.GIVE_UP
    return advise(s3_code, message, failures=failures, expired=now >= upload.expires_at)
