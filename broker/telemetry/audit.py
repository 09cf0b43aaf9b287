"""The audit trail: who got which ticket, and what became of it. Logger `broker.audit`.

A line a ticket, written by the service that committed it, whoever asked: the API, an Uppy
endpoint, a bucket's event or the reaper. Keys are public names; nothing signed is written.
"""

import logging
from collections.abc import Iterable, Mapping
from enum import StrEnum
from typing import Protocol
from uuid import UUID

from broker.domain.principal import Principal
from broker.telemetry.context import context
from broker.telemetry.logs import write

log = logging.getLogger("broker.audit")


class Act(StrEnum):
    """What happened: the line's `message`."""

    TICKET_ISSUED = "ticket.issued"
    TICKET_RENEWED = "ticket.renewed"
    UPLOAD_CONFIRMED = "upload.confirmed"
    UPLOAD_REJECTED = "upload.rejected"
    UPLOAD_CANCELLED = "upload.cancelled"
    UPPY_SESSION_OPENED = "uppy_session.opened"
    UPPY_SESSION_REVOKED = "uppy_session.revoked"
    IMAGE_DELETED = "image.deleted"
    AD_DELETED = "ad.deleted"


class AuditedUpload(Protocol):
    """What is told of an upload's row."""

    @property
    def id(self) -> UUID: ...
    @property
    def owner_kind(self) -> str: ...
    @property
    def owner_id(self) -> int: ...
    @property
    def key(self) -> str: ...
    @property
    def size(self) -> int: ...
    @property
    def transport(self) -> str: ...
    @property
    def uppy_session_id(self) -> UUID | None: ...


def upload(act: Act, row: AuditedUpload, principal: Principal, *, for_user: int) -> None:
    """Tell of one upload; `principal` asked, `for_user` is whose upload it is."""
    uploads(act, [row], principal, for_user=for_user)


def rejected(row: AuditedUpload, principal: Principal, *, for_user: int, detail: str) -> None:
    """Tell of an upload whose object is not the declared one; `detail` says what differs."""
    fields = _upload(row, _who(principal), for_user)
    write(log, Act.UPLOAD_REJECTED.value, {**fields, "detail": detail})


def uploads(
    act: Act, rows: Iterable[AuditedUpload], principal: Principal, *, for_user: int
) -> None:
    """Tell of a user's uploads, a line each."""
    who = _who(principal)
    write(log, act.value, *[_upload(row, who, for_user) for row in rows])


def _upload(row: AuditedUpload, who: Mapping[str, object], for_user: int) -> dict[str, object]:
    fields: dict[str, object] = {
        "upload_id": row.id,
        "for_user": for_user,
        "key": row.key,
        "size": row.size,
        "transport": row.transport,
        "owner": f"{row.owner_kind}/{row.owner_id}",
        **who,
    }
    if row.uppy_session_id is not None:
        fields["uppy_session_id"] = str(row.uppy_session_id)
    return fields


def told(act: Act, principal: Principal, owner: str, fields: Mapping[str, object]) -> None:
    """Tell what a principal did to what belongs to `owner`, such as ad/7."""
    write(log, act.value, {**fields, "owner": owner, **_who(principal)})


def _who(principal: Principal) -> dict[str, object]:
    who: dict[str, object] = {
        "user": principal.user_id,
        "role": principal.role.value,
        "via": context.via,
    }
    if context.client is not None:
        who["client"] = context.client
    return who
