"""A ticket: an upload's row, and the data that its client needs to send the bytes."""

from dataclasses import dataclass
from datetime import datetime

from broker.domain.object_keys import written_key
from broker.domain.transports import Transfer, transport_named
from broker.domain.upload_row import UploadRow
from broker.services.work import Work


@dataclass(frozen=True, kw_only=True)
class Ticket:
    """The answer to a client that asks to upload a file.

    `transfer` is a signed form, a signed PUT, or the plan of parts that are signed later. It is
    None for a client that cuts the parts itself. With `server_time` a client can correct its own
    clock.
    """

    upload: UploadRow
    transfer: Transfer
    server_time: datetime


def sign(work: Work, upload: UploadRow, *, expires_at: datetime) -> Ticket:
    """Sign for the upload's transport, without a call to the database or the bucket."""
    transfer = transport_named(upload.transport).sign(
        work.storage.presigner,
        work.limits,
        upload,
        written_key(work.limits, upload),
        expires_at=expires_at,
        now=work.now,
    )
    return Ticket(upload=upload, transfer=transfer, server_time=work.now)
