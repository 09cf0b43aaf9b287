"""Issue tickets: check who asks and for what, take places, commit the rows, show the forms."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from sqlalchemy.orm import Session
from uuid_utils.compat import uuid7

from broker.db.fast_path.insert_uploads import NewUpload
from broker.domain.checksums import is_sha256_base64
from broker.domain.errors import Forbidden, InvalidRequest
from broker.domain.limits import Limits
from broker.domain.media_types import EXTENSIONS
from broker.domain.object_keys import new_key
from broker.domain.owners import USER, OwnerKind
from broker.domain.part_plan import MAX_OBJECT_BYTES, plan_parts
from broker.domain.principal import Principal
from broker.domain.return_urls import may_return_to
from broker.domain.states import UploadState
from broker.domain.transports import SINGLE_MAX_BYTES, Transport, choose
from broker.services.tickets.sign import Ticket, sign
from broker.services.tickets.slots import take_places
from broker.services.uppy.sessions import take_files
from broker.storage.protocol import Presigner
from broker.telemetry.ticket_metrics import record_issued

_SIZE = "Missing: the file's length in bytes."
_OPEN_SIZE = "Only a form may leave it out (transport post, or a return_url), without a digest."
_RETURN_URL = "Must be a URL without query or fragment, of an origin that the operator allows."


@dataclass(frozen=True, kw_only=True)
class FileRequest:
    """One file as its client declares it; sizes in bytes, the digest as S3 writes it.

    `size` is None for Uppy, whose protocol declares neither size nor digest; then `max_size` is
    what may arrive, and the client cuts the parts itself. It is None, too, for a plain form,
    whose page cannot know it; after that S3 sends the browser to `return_url`.
    """

    file_name: str
    content_type: str
    size: int | None = None
    max_size: int | None = None
    checksum_sha256: str | None = None
    alt_text: str = ""
    order: int = 0
    transport: str | None = None
    return_url: str | None = None


def issue(
    session: Session,
    presigner: Presigner,
    limits: Limits,
    principal: Principal,
    kind: OwnerKind,
    owner_id: int,
    files: Sequence[FileRequest],
    *,
    uppy_session_id: UUID | None = None,
    before_commit: Callable[[list[Ticket]], None] | None = None,
    now: datetime,
) -> list[Ticket]:
    """Issue one ticket a file, all or none. The rows are committed before a form is shown.

    Args:
        before_commit: called once with the tickets, when all but the commit is done; what it
            writes is committed with them, and where it raises none is issued. Without one, and
            outside of Uppy, the rows are committed by the statement that inserts them.

    Raises:
        NotFound, Forbidden: the owner is not there, or not this principal's.
        InvalidRequest: a file cannot be accepted; `fields` has the faults by the file's index,
            `{"files": {"0": {"size": […]}}}`.
        ImageLimitReached: the owner has fewer places left than files were named.
        QuotaExceeded: its user has too little left of the window's bytes or files.
        CapabilityExhausted: the Uppy session that asks has no file left.
    """
    if kind is USER and not principal.acts_for(owner_id):
        # Refused before it is looked up: who has an account here is nobody else's business.
        raise Forbidden("This user is not you.")
    _check(kind, limits, files)
    uploads = [
        _upload(kind, owner_id, principal, limits, file, uppy_session_id, now) for file in files
    ]
    tickets = [sign(presigner, limits, row, expires_at=row.expires_at, now=now) for row in uploads]
    alone = uppy_session_id is None and before_commit is None
    user_id = take_places(session, principal, kind, owner_id, limits, uploads, alone=alone, now=now)
    if uppy_session_id is not None:
        take_files(session, uppy_session_id, len(files))
    if before_commit is not None:
        before_commit(tickets)
    if not alone:
        session.commit()
    record_issued(kind, uploads, principal, user_id)
    return tickets


def _check(kind: OwnerKind, limits: Limits, files: Sequence[FileRequest]) -> None:
    faults = {
        str(index): fault
        for index, file in enumerate(files)
        if (fault := _faults(kind, limits, file))
    }
    if faults:
        raise InvalidRequest("A file cannot be accepted as declared.", {"files": faults})


def _faults(kind: OwnerKind, limits: Limits, file: FileRequest) -> dict[str, list[str]]:
    faults: dict[str, list[str]] = {}
    if file.content_type not in EXTENSIONS:
        faults["content_type"] = [f"Must be one of: {', '.join(EXTENSIONS)}."]
    if file.max_size is not None:
        return faults
    if file.return_url is not None:
        if not may_return_to(file.return_url, limits.return_origins):
            faults["return_url"] = [_RETURN_URL]
        if _named(file) != Transport.POST:
            faults["transport"] = ["Must be post with return_url."]
    if file.size is None:
        if limits.require_checksum:
            faults["size"] = [_SIZE]
        elif file.checksum_sha256 is not None or _named(file) != Transport.POST:
            faults["size"] = [f"{_SIZE} {_OPEN_SIZE}"]
    elif not 1 <= file.size <= kind.max_bytes(limits):
        faults["size"] = [f"Must be from 1 to {kind.max_bytes(limits)} bytes."]
    elif file.size > SINGLE_MAX_BYTES and _transport(limits, file) != Transport.MULTIPART:
        faults["transport"] = ["Must be multipart for more than 5 GiB."]
    if file.checksum_sha256 is None:
        if limits.require_checksum:
            faults["checksum_sha256"] = ["Missing: the base64 SHA-256 of the file's bytes."]
    elif not is_sha256_base64(file.checksum_sha256):
        faults["checksum_sha256"] = ["Must be the base64 form of 32 bytes."]
    return faults


def _upload(
    kind: OwnerKind,
    owner_id: int,
    principal: Principal,
    limits: Limits,
    file: FileRequest,
    uppy_session_id: UUID | None,
    now: datetime,
) -> NewUpload:
    transport = _transport(limits, file)
    part_size = None
    if file.size is None:
        single = SINGLE_MAX_BYTES if transport != Transport.MULTIPART else MAX_OBJECT_BYTES
        size = min(kind.max_bytes(limits), single, file.max_size or single)
    else:
        size = file.size
        if transport == Transport.MULTIPART:
            part_size = plan_parts(size, limits.part_size).part_size
    return NewUpload(
        id=uuid7(),
        state=UploadState.PENDING,
        owner_kind=kind.name,
        owner_id=owner_id,
        issued_by=principal.user_id,
        key=new_key(kind, owner_id, file.file_name, file.content_type),
        content_type=file.content_type,
        size=size,
        size_is_exact=file.size is not None,
        checksum_sha256=file.checksum_sha256,
        transport=transport,
        part_size=part_size,
        return_url=file.return_url,
        alt_text=file.alt_text,
        order=file.order,
        created_at=now,
        expires_at=now + limits.ttl(transport),
        failures=0,
        uppy_session_id=uppy_session_id,
    )


def _transport(limits: Limits, file: FileRequest) -> Transport:
    return choose(
        _named(file),
        size=file.size or 0,
        default=limits.default_transport,
        threshold=limits.multipart_threshold,
    )


def _named(file: FileRequest) -> str | None:
    """Give the transport that a request names; a way back is a form's alone, and names it too."""
    if file.transport is None and file.return_url is not None:
        return Transport.POST
    return file.transport
