"""Issue tickets: check the files, sign them, reserve slots, and commit the rows."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from uuid import UUID

from uuid_utils.compat import uuid7

from broker.domain.checksums import is_sha256_base64
from broker.domain.errors import InvalidRequest
from broker.domain.limits import Limits
from broker.domain.media_types import EXTENSIONS, type_of
from broker.domain.object_keys import INCOMING, new_key, object_key
from broker.domain.owners import OwnerKind
from broker.domain.return_urls import may_return_to
from broker.domain.states import UploadState
from broker.domain.transports import POST, Transport, choose
from broker.domain.upload_row import NewUpload
from broker.services.idempotency import KeptAnswer, keep
from broker.services.tickets.sign import Ticket, sign
from broker.services.tickets.slots import reserve
from broker.services.uploads.owners import refuse_other_users
from broker.services.uppy.sessions import take_files
from broker.services.work import Work
from broker.telemetry.ticket_metrics import record_issued

_SIZE = "Missing: the file's length in bytes."
_OPEN_SIZE = "Only a form without a digest may omit it (transport post, or a return_url)."
_RETURN_URL = "Must be a URL without query or fragment, of an origin that the operator allows."


@dataclass(frozen=True, kw_only=True)
class FileRequest:
    """One file as its client declares it.

    Attributes:
        content_type: as the client names it. If it names none, the file name's extension decides.
        size: in bytes. None for Uppy, because its protocol declares no size, and for a plain form,
            because its page cannot know the size.
        max_size: with Uppy, the largest size that may arrive; the client cuts the parts itself.
        checksum_sha256: base64, as S3 writes it.
        return_url: where S3 redirects the browser after a plain form.
    """

    file_name: str
    content_type: str = ""
    size: int | None = None
    max_size: int | None = None
    checksum_sha256: str | None = None
    alt_text: str = ""
    order: int = 0
    transport: str | None = None
    return_url: str | None = None


def issue(
    work: Work,
    kind: OwnerKind,
    owner_id: int,
    files: Sequence[FileRequest],
    *,
    uppy_session_id: UUID | None = None,
    answer: KeptAnswer[list[Ticket]] | None = None,
) -> list[Ticket]:
    """Issue one ticket for each file, or none. The rows are committed before a ticket is returned.

    `answer` is the response to store for retries, in the same transaction.

    Raises:
        NotFound, Forbidden: there is no such owner, or it belongs to another user.
        InvalidRequest: a file cannot be accepted; `fields` has the faults by the file's index,
            `{"files": {"0": {"size": […]}}}`.
        ImageLimitReached: the owner has too few free slots.
        QuotaExceeded: too little of the user's quota is left.
        CapabilityExhausted: the Uppy session has no files left.
    """
    refuse_other_users(work, kind, owner_id)
    files = [_with_canonical_type(file) for file in files]
    _check(kind, work.limits, files)
    uploads = [_upload(work, kind, owner_id, file, uppy_session_id) for file in files]
    tickets = [sign(work, upload, expires_at=upload.expires_at) for upload in uploads]
    # If nothing else is written, the statement that inserts the rows commits them.
    alone = uppy_session_id is None and answer is None
    user_id = reserve(work, kind, owner_id, uploads, commit=alone)
    if not alone:
        if uppy_session_id is not None:
            take_files(work.session, uppy_session_id, len(files))
        keep(work.session, answer, tickets)
        work.session.commit()
    record_issued(kind, uploads, work.principal, user_id)
    return tickets


def _with_canonical_type(file: FileRequest) -> FileRequest:
    """Return the file with the type's usual name. A type that is not accepted stays as it is."""
    if file.content_type in EXTENSIONS:
        return file
    found = type_of(file.content_type, file.file_name)
    return file if found is None else replace(file, content_type=found)


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
    transport = _transport(limits, file)
    named = None if _named(file) is None else transport
    if file.return_url is not None:
        if not may_return_to(file.return_url, limits.return_origins):
            faults["return_url"] = [_RETURN_URL]
        if not transport.takes_return_url:
            faults["transport"] = ["Must be post with return_url."]
    if file.size is None:
        if limits.require_checksum:
            faults["size"] = [_SIZE]
        elif file.checksum_sha256 is not None or named is None or not named.takes_open_size:
            faults["size"] = [f"{_SIZE} {_OPEN_SIZE}"]
    elif not 1 <= file.size <= kind.max_bytes(limits):
        faults["size"] = [f"Must be from 1 to {kind.max_bytes(limits)} bytes."]
    elif file.size > transport.max_bytes:
        faults["transport"] = ["Must be multipart for more than 5 GiB."]
    if file.checksum_sha256 is None:
        if limits.require_checksum:
            faults["checksum_sha256"] = ["Missing: the base64 SHA-256 of the file's bytes."]
    elif not is_sha256_base64(file.checksum_sha256):
        faults["checksum_sha256"] = ["Must be the base64 form of 32 bytes."]
    return faults


def _upload(
    work: Work, kind: OwnerKind, owner_id: int, file: FileRequest, uppy_session_id: UUID | None
) -> NewUpload:
    limits = work.limits
    transport = _transport(limits, file)
    part_size = None
    if file.size is None:
        most = transport.max_bytes
        size = min(kind.max_bytes(limits), most, file.max_size or most)
    else:
        size = file.size
        part_size = transport.part_size(size, limits)
    key = new_key(kind, owner_id, file.file_name, file.content_type)
    return NewUpload(
        id=uuid7(),
        state=UploadState.PENDING,
        owner_kind=kind.name,
        owner_id=owner_id,
        issued_by=work.principal.user_id,
        key=key,
        written_key=object_key(INCOMING, key),
        content_type=file.content_type,
        size=size,
        size_is_exact=file.size is not None,
        checksum_sha256=file.checksum_sha256,
        transport=transport.name,
        part_size=part_size,
        return_url=file.return_url,
        alt_text=file.alt_text,
        order=file.order,
        created_at=work.now,
        expires_at=work.now + kind.ttl(limits, transport),
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
    """Return the transport that the request names. A return_url selects the form."""
    if file.transport is None and file.return_url is not None:
        return POST.name
    return file.transport
