"""What the id of an upload says. It is a UUIDv7, which begins with the time of its ticket."""

from datetime import datetime
from uuid import UUID

TIME_BITS = 48


def was_issued_before(upload_id: UUID, time: datetime) -> bool:
    """Check whether the ticket with this id is older than a time (RFC 9562, section 5.7)."""
    milliseconds = upload_id.int >> (128 - TIME_BITS)
    return upload_id.version == 7 and milliseconds < time.timestamp() * 1000
