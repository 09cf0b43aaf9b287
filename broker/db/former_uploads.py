"""Uploads of release 0.2, whose clients write to a public key.

Nothing that a client writes is public while inspection is required. So the API starts with
BROKER_INSPECTION=required only if no such upload is pending.
"""

from sqlalchemy import or_, select
from sqlalchemy.orm import Session

from broker.db.models import Upload
from broker.domain.errors import FormerUploadsPending
from broker.domain.states import UploadState
from broker.domain.transports import TRANSPORTS

IN_PARTS = [name for name, transport in TRANSPORTS.items() if transport.has_parts]


def refuse_former_uploads(session: Session) -> None:
    """Raise FormerUploadsPending if a pending upload is written to its public key.

    See `domain/object_keys.py: written_key`.
    """
    found = session.scalar(
        select(Upload.id)
        .where(
            Upload.state == UploadState.PENDING,
            Upload.written_key.is_(None),
            or_(Upload.transport.in_(IN_PARTS), Upload.checksum_sha256.is_not(None)),
        )
        .limit(1)
    )
    if found is not None:
        raise FormerUploadsPending(
            "The database is not upgraded; try again later.",
            reason="BROKER_INSPECTION is required, but uploads of release 0.2 are pending."
            " Start the API with BROKER_INSPECTION=off until they have ended;"
            " see docs/operations/upgrade.md.",
        )
