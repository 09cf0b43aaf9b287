"""The audit trail: which user got which ticket, and what happened to it. Logger `broker.audit`.

The service that commits a change writes the line, for requests to the API, Uppy's endpoints,
bucket notifications and the reaper alike. Lines contain object keys, but no signatures and no file
names.
"""

import logging
from collections.abc import Iterable, Mapping
from enum import StrEnum

from broker.domain.principal import Principal
from broker.domain.profiles import Profiles
from broker.domain.upload_row import UploadRow
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


def record_upload(
    act: Act, row: UploadRow, principal: Principal, *, profiles: Profiles, for_user: int
) -> None:
    """Record what `principal` did to an upload of the user `for_user`."""
    record_uploads(act, [row], principal, profiles=profiles, for_user=for_user)


def record_published(
    row: UploadRow, principal: Principal, *, profiles: Profiles, for_user: int, key: str
) -> None:
    """Record an upload whose image a worker has published. `key` is the image's."""
    fields = _upload_fields(row, _actor(principal), profiles, for_user)
    write(log, Act.UPLOAD_CONFIRMED.value, {**fields, "key": key})


def record_rejection(
    row: UploadRow, principal: Principal, *, profiles: Profiles, for_user: int, detail: str
) -> None:
    """Record an upload whose object is not the declared one; `detail` says what differs."""
    fields = _upload_fields(row, _actor(principal), profiles, for_user)
    write(log, Act.UPLOAD_REJECTED.value, {**fields, "detail": detail})


def record_uploads(
    act: Act,
    rows: Iterable[UploadRow],
    principal: Principal,
    *,
    profiles: Profiles,
    for_user: int,
) -> None:
    """Record what `principal` did to uploads of the user `for_user`, one line for each."""
    actor = _actor(principal)
    write(log, act.value, *[_upload_fields(row, actor, profiles, for_user) for row in rows])


def _upload_fields(
    row: UploadRow, actor: Mapping[str, object], profiles: Profiles, for_user: int
) -> dict[str, object]:
    fields: dict[str, object] = {
        "upload_id": row.id,
        "for_user": for_user,
        "key": row.key,
        "size": row.size,
        "transport": row.transport,
        "owner": profiles.label(row.owner_kind, row.key),
        **actor,
    }
    if row.uppy_session_id is not None:
        fields["uppy_session_id"] = str(row.uppy_session_id)
    return fields


def record(act: Act, principal: Principal, owner: str, fields: Mapping[str, object]) -> None:
    """Record what `principal` did to something that belongs to `owner`, such as ad/7."""
    write(log, act.value, {**fields, "owner": owner, **_actor(principal)})


def _actor(principal: Principal) -> dict[str, object]:
    actor: dict[str, object] = {
        "user": principal.user_id,
        "role": principal.role.value,
        "via": context.via,
    }
    if context.client is not None:
        actor["client"] = context.client
    return actor
