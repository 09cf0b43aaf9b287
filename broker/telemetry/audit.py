"""The audit trail: which user got which ticket, and what happened to it. Logger `broker.audit`.

The service that commits a change writes the line, for requests to the API, Uppy's endpoints,
bucket notifications and the reaper alike. Lines contain object keys, but no signatures and no file
names.
"""

import logging
from collections.abc import Mapping
from enum import StrEnum

from broker.domain.principal import Principal
from broker.telemetry.context import context
from broker.telemetry.logs import write

log = logging.getLogger("broker.audit")


class Act(StrEnum):
    """What happened; the `message` of the line."""

    TICKET_ISSUED = "ticket.issued"
    TICKET_RENEWED = "ticket.renewed"
    UPLOAD_ARRIVED = "upload.arrived"
    UPLOAD_CONFIRMED = "upload.confirmed"
    UPLOAD_REJECTED = "upload.rejected"
    UPLOAD_CANCELLED = "upload.cancelled"
    UPPY_SESSION_OPENED = "uppy_session.opened"
    UPPY_SESSION_REVOKED = "uppy_session.revoked"
    IMAGE_EDITED = "image.edited"
    IMAGE_DELETED = "image.deleted"
    AD_PUT = "ad.put"
    AD_EDITED = "ad.edited"
    AD_DELETED = "ad.deleted"
    OWNER_ERASED = "owner.erased"
    USER_ERASED = "user.erased"


def record(act: Act, principal: Principal, *lines: Mapping[str, object]) -> None:
    """Record what `principal` did, one line for each thing; its `owner` is such as `ad/7`."""
    actor = _actor(principal)
    write(log, act.value, *[{**line, **actor} for line in lines])


def _actor(principal: Principal) -> dict[str, object]:
    actor: dict[str, object] = {
        "user": principal.user_id,
        "role": principal.role.value,
        "via": context.via,
    }
    if context.client is not None:
        actor["client"] = context.client
    return actor
