"""Cancel a ticket."""

from uuid import UUID

from broker.domain.errors import UploadSettled
from broker.domain.object_keys import written_key
from broker.domain.states import UNFINISHED, UploadState
from broker.services.uploads import outbox
from broker.services.uploads.audit_lines import record_upload
from broker.services.uploads.state import end_upload, get_upload
from broker.services.work import Work
from broker.telemetry.audit import Act


def cancel(work: Work, upload_id: UUID) -> None:
    """Cancel an unfinished upload; an upload that ended without an image stays as it is.

    Parts that have arrived are aborted at once if the bucket answers, otherwise by the outbox.

    Raises:
        NotFound: the principal has no such upload.
        UploadSettled: it is confirmed; delete its image instead.
    """
    upload = get_upload(work, upload_id)
    if end_upload(work, upload_id, UploadState.CANCELLED, states=UNFINISHED):
        record_upload(Act.UPLOAD_CANCELLED, work, upload)
        if upload.multipart_id is not None:
            outbox.drain(work, only_key=written_key(work.limits, upload))
    elif get_upload(work, upload_id).state == UploadState.CONFIRMED:
        raise UploadSettled("The upload is confirmed; delete its image instead.")
