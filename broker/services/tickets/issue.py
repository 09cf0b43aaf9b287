"""Issue tickets: check the files, sign them, reserve slots, and commit the rows."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from uuid import UUID

from uuid_utils.compat import uuid7

from broker.domain.checksums import is_sha256_base64
from broker.domain.errors import InvalidRequest
from broker.domain.grants import Action
from broker.domain.limits import Limits
from broker.domain.media_types import type_of
from broker.domain.object_keys import INCOMING, new_key, object_key
from broker.domain.profiles import Profile
from broker.domain.return_urls import may_return_to
from broker.domain.states import UploadState
from broker.domain.transports import POST, Transport, choose
from broker.domain.upload_row import NewUpload
from broker.services.idempotency import KeptAnswer, keep
from broker.services.tickets.sign import Ticket, sign
from broker.services.tickets.slots import reserve
from broker.services.uploads.audit_lines import record_uploads
from broker.services.uploads.owners import refuse_without_right
from broker.services.uppy.sessions import take_files
from broker.services.work import Work
from broker.telemetry.audit import Act
from broker.telemetry.ticket_metrics import observe_issued

_SIZE = "Missing: the file's length in bytes."
_OPEN_SIZE = "Only a form without a digest may omit it (transport post, or a return_url)."
_NOT_TAKEN = "Must be one of: {}. The S3 server supports no other transport."
_NO_FORMS = (
    "Must be left out: it needs a form (transport post), which the S3 server does not support."
)
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
    profile: Profile,
    owner: str,
    files: Sequence[FileRequest],
    *,
    uppy_session_id: UUID | None = None,
    answer: KeptAnswer[list[Ticket]] | None = None,
) -> list[Ticket]:
    """Issue one ticket for each file, or none. The rows are committed before a ticket is returned.

    `answer` is the response to store for retries, in the same transaction.

    Raises:
        NotFound, Forbidden: there is no such owner, it belongs to another user, or no grant names
            it.
        InvalidRequest: a file cannot be accepted; `fields` has the faults by the file's index,
            `{"files": {"0": {"size": […]}}}`.
        ImageLimitReached: the owner has too few free slots.
        QuotaExceeded: too little of the user's quota is left.
        CapabilityExhausted: the Uppy session has no files left.
    """
    refuse_without_right(work.principal, profile, owner, Action.CREATE)
    files = [_with_canonical_type(profile, file) for file in files]
    _check(profile, work.limits, files)
    uploads = [_upload(work, profile, owner, file, uppy_session_id) for file in files]
    tickets = [sign(work, upload, expires_at=upload.expires_at) for upload in uploads]
    # If nothing else is written, the statement that inserts the rows commits them.
    alone = uppy_session_id is None and answer is None
    user_id = reserve(work, profile, owner, uploads, commit=alone)
    if not alone:
        if uppy_session_id is not None:
            take_files(work.session, uppy_session_id, len(files))
        keep(work.session, answer, tickets)
        work.session.commit()
    observe_issued(profile, uploads)
    label = f"{profile.owner_kind}/{owner}"
    record_uploads(Act.TICKET_ISSUED, work, uploads, for_user=user_id, owner=label)
    return tickets


def _with_canonical_type(profile: Profile, file: FileRequest) -> FileRequest:
    """Return the file with the type's usual name. A type that is not accepted stays as it is."""
    if file.content_type in profile.content_types:
        return file
    found = type_of(file.content_type, file.file_name, profile.content_types)
    return file if found is None else replace(file, content_type=found)


def _check(profile: Profile, limits: Limits, files: Sequence[FileRequest]) -> None:
    faults = {
        str(index): fault
        for index, file in enumerate(files)
        if (fault := _faults(profile, limits, file))
    }
    if faults:
        raise InvalidRequest("A file cannot be accepted as declared.", {"files": faults})


def _faults(profile: Profile, limits: Limits, file: FileRequest) -> dict[str, list[str]]:
    faults: dict[str, list[str]] = {}
    if file.content_type not in profile.content_types:
        faults["content_type"] = [f"Must be one of: {', '.join(profile.content_types)}."]
    transport = _transport(limits, file)
    if transport.name not in limits.server.transports:
        if file.transport is None:
            faults["return_url"] = [_NO_FORMS]
        else:
            faults["transport"] = [_NOT_TAKEN.format(", ".join(limits.server.transports))]
    if file.max_size is not None:
        return faults
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
    elif not 1 <= file.size <= profile.max_bytes:
        faults["size"] = [f"Must be from 1 to {profile.max_bytes} bytes."]
    elif file.size > transport.max_bytes:
        faults["transport"] = ["Must be multipart for more than 5 GiB."]
    if file.checksum_sha256 is None:
        if limits.require_checksum:
            faults["checksum_sha256"] = ["Missing: the base64 SHA-256 of the file's bytes."]
    elif not is_sha256_base64(file.checksum_sha256):
        faults["checksum_sha256"] = ["Must be the base64 form of 32 bytes."]
    return faults


def _upload(
    work: Work, profile: Profile, owner: str, file: FileRequest, uppy_session_id: UUID | None
) -> NewUpload:
    limits = work.limits
    transport = _transport(limits, file)
    part_size = None
    if file.size is None:
        most = transport.max_bytes
        size = min(profile.max_bytes, most, file.max_size or most)
    else:
        size = file.size
        part_size = transport.part_size(size, limits)
    key = new_key(profile, owner, file.file_name, file.content_type)
    return NewUpload(
        id=uuid7(),
        state=UploadState.PENDING.value,
        owner_kind=profile.owner_kind,
        issued_by=work.principal.user_id,
        key=key,
        written_key=object_key(INCOMING, key),
        file_name=file.file_name or None,
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
        expires_at=work.now + transport.ttl(profile),
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
