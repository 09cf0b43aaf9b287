"""Give a ticket back."""

from datetime import datetime
from uuid import UUID

from sqlalchemy.orm import Session

from broker.domain.errors import UploadSettled
from broker.domain.limits import Limits
from broker.domain.principal import Principal
from broker.domain.states import UploadState
from broker.services.uploads import outbox
from broker.services.uploads.state import discard, final_key, get_upload
from broker.storage.protocol import Storage
from broker.telemetry import audit


def cancel(
    session: Session,
    storage: Storage,
    limits: Limits,
    principal: Principal,
    upload_id: UUID,
    *,
    now: datetime,
) -> None:
    """Cancel a pending upload; one that ended without an image needs nothing more.

    Parts that have arrived are aborted at once where the bucket answers, else by the outbox.

    Raises:
        NotFound: no such upload of this principal.
        UploadSettled: it is confirmed; its image is what can be deleted now.
    """
    upload = get_upload(session, principal, upload_id)
    won = discard(session, limits, upload_id, UploadState.CANCELLED, now=now)
    session.commit()
    if won:
        audit.record_upload(audit.Act.UPLOAD_CANCELLED, upload, principal, for_user=upload.user_id)
    if won and upload.multipart_id is not None:
        outbox.drain(session, storage, limits, now=now, only_key=final_key(limits, upload))
    if not won and get_upload(session, principal, upload_id).state == UploadState.CONFIRMED:
        raise UploadSettled("The upload is confirmed; delete its image instead.")
