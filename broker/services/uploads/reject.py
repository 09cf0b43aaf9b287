"""Reject an upload whose object is not the declared one."""

from broker.db.models import Upload
from broker.domain.errors import ObjectMismatch
from broker.domain.object_keys import written_key
from broker.domain.states import UploadState
from broker.services.uploads import outbox
from broker.services.uploads.audit_lines import record_upload
from broker.services.uploads.settled import Recorded, settled_now
from broker.services.uploads.state import end_upload
from broker.services.work import Work
from broker.telemetry.audit import Act


def reject(work: Work, upload: Upload, detail: str) -> Recorded:
    """Reject the upload, and delete its object or abort its parts at once if the bucket answers.

    Returns:
        The result of another request that confirmed the upload first.

    Raises:
        ObjectMismatch: with `detail`, which says what differs.
        UploadExpired, UploadCancelled, ImageDeleted: another request ended it first.
    """
    if not end_upload(work, upload.id, UploadState.REJECTED):
        return settled_now(work, upload)
    record_upload(Act.UPLOAD_REJECTED, work, upload, detail=detail)
    outbox.drain(work, only_key=written_key(work.limits, upload))
    raise ObjectMismatch(detail)
