"""Sign a pending or just-expired upload again: same row, key and place."""

from datetime import datetime
from uuid import UUID

from sqlalchemy import update
from sqlalchemy.orm import Session

from broker.db.models import Upload
from broker.domain.errors import UploadExpired
from broker.domain.limits import Limits
from broker.domain.principal import Principal
from broker.domain.states import UploadState
from broker.services.tickets.sign import Ticket, sign
from broker.services.uploads.settled import raise_settled
from broker.services.uploads.state import get_upload
from broker.storage.protocol import Presigner
from broker.telemetry import audit


def renew(
    session: Session,
    presigner: Presigner,
    limits: Limits,
    principal: Principal,
    upload_id: UUID,
    *,
    now: datetime,
) -> Ticket:
    """Give a fresh form, while the upload is pending and its grace has not passed.

    Raises:
        NotFound: no such upload of this principal.
        UploadSettled, UploadExpired, UploadCancelled, ObjectMismatch: it is past renewing.
    """
    upload = get_upload(session, principal, upload_id)
    expires_at = now + limits.ttl(upload.transport)
    ticket = sign(presigner, limits, upload, expires_at=expires_at, now=now)
    # As it was then: another may settle it before it could be read again.
    renewed = session.scalar(
        update(Upload)
        .where(
            Upload.id == upload_id,
            Upload.state == UploadState.PENDING,
            Upload.expires_at > now - limits.grace,
        )
        .values(expires_at=expires_at)
        .returning(Upload)
        .execution_options(synchronize_session=False, populate_existing=True)
    )
    session.commit()
    if renewed is None:
        raise_settled(get_upload(session, principal, upload_id))
        raise UploadExpired("The ticket expired too long ago; ask for a new one.")
    audit.record_upload(audit.Act.TICKET_RENEWED, renewed, principal, for_user=renewed.user_id)
    return Ticket(upload=renewed, transfer=ticket.transfer, server_time=now)
