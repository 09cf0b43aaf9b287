"""Sign a pending or just-expired upload again: same row, key and slot."""

from uuid import UUID

from broker.db.models import Upload
from broker.domain.errors import UploadExpired
from broker.domain.transports import transport_named
from broker.services.tickets.sign import Ticket, sign
from broker.services.uploads.audit_lines import record_upload
from broker.services.uploads.settled import raise_settled
from broker.services.uploads.state import get_upload, update_pending
from broker.services.work import Work
from broker.telemetry.audit import Act


def renew(work: Work, upload_id: UUID) -> Ticket:
    """Return a newly signed ticket if the upload is pending and its grace period is not over.

    Raises:
        NotFound: the principal has no such upload.
        UploadSettled, UploadExpired, UploadCancelled, ObjectMismatch: it cannot be renewed.
    """
    upload = get_upload(work, upload_id)
    if upload.transport not in work.limits.server.transports:
        raise UploadExpired("The bucket is on another server now; ask for a new ticket.")
    profile = work.limits.profiles.of_kind(upload.owner_kind)
    expires_at = work.now + transport_named(upload.transport).ttl(profile)
    ticket = sign(work, upload, expires_at=expires_at)
    # Use the row that the update returns: another request may end the upload before the next read.
    renewed = update_pending(
        work.session,
        upload_id,
        Upload.expires_at > work.now - work.limits.grace,
        expires_at=expires_at,
    )
    work.session.commit()
    if renewed is None:
        raise_settled(get_upload(work, upload_id))
        raise UploadExpired("The ticket expired too long ago; ask for a new one.")
    record_upload(Act.TICKET_RENEWED, work, renewed)
    return Ticket(upload=renewed, transfer=ticket.transfer, server_time=work.now)
