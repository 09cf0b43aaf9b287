"""Sign any parts of a multipart upload, each for exactly its place and length."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from sqlalchemy import select, update
from sqlalchemy.orm import Session

from broker.db.models import Upload, UploadPart
from broker.db.upsert import insert_unless_there
from broker.domain.checksums import is_sha256_base64
from broker.domain.errors import InvalidRequest
from broker.domain.limits import Limits
from broker.domain.object_head import PresignedPut
from broker.domain.part_plan import MAX_PARTS, MIN_PART_BYTES
from broker.domain.principal import Principal
from broker.domain.put_request import upload_part_request
from broker.domain.states import UploadState
from broker.services.multipart.arrived import begin, get_multipart, require_pending
from broker.services.uploads.settled import raise_settled
from broker.services.uploads.state import final_key, get_upload, plan_of
from broker.storage.protocol import Storage

Faults = dict[str, dict[str, list[str]]]


@dataclass(frozen=True, kw_only=True)
class WantedPart:
    """A part to sign; its digest, as S3 writes it, pins its bytes."""

    part_number: int
    checksum_sha256: str | None = None


@dataclass(frozen=True, kw_only=True)
class SignedPart:
    """One part's URL; `size` is its exact length, or None where the client cuts the parts."""

    part_number: int
    size: int | None
    put: PresignedPut


@dataclass(frozen=True, kw_only=True)
class SignedParts:
    """URLs of parts, good until `expires_at`."""

    parts: Sequence[SignedPart]
    expires_at: datetime


def sign_parts(
    session: Session,
    storage: Storage,
    limits: Limits,
    principal: Principal,
    upload_id: UUID,
    wanted: Sequence[WantedPart],
    *,
    now: datetime,
) -> SignedParts:
    """Sign parts of a pending upload, which then lives at least as long as their URLs.

    Either every part of an upload has a digest or none has: S3 wants to be told which when the
    upload begins. A digest that was given once need not be given again, and cannot be changed.

    Raises:
        NotFound, NotMultipart, UploadSettled, UploadExpired, UploadCancelled, ObjectMismatch.
        InvalidRequest: a number beyond the plan or named twice, a digest that does not fit;
            `fields` has the faults by the part's index, `{"parts": {"0": {…}}}`.
        StorageUnavailable, StorageDenied: the upload could not be begun; nothing has changed.
    """
    upload = get_multipart(session, principal, upload_id)
    require_pending(session, limits, upload, now=now)
    _refuse(_faults(upload, wanted))
    pinned = any(part.checksum_sha256 is not None for part in wanted)
    upload = begin(session, storage, limits, principal, upload, pinned=pinned, now=now)
    expires_at = now + timedelta(seconds=limits.put_ttl)
    if upload.parts_pinned or pinned or upload.expires_at < expires_at:
        _keep_alive(session, principal, upload, expires_at)
    # Else nothing is written. Whoever ends the upload in this moment has its parts aborted once
    # more when no URL of it lives.
    digests = _pin(session, upload, wanted) if upload.parts_pinned else {}
    session.commit()
    if not upload.parts_pinned and pinned:
        raise InvalidRequest(
            "The parts of this upload have no digests: the first that were signed had none.",
            {"parts": ["checksum_sha256 must be left out."]},
        )
    plan, key, multipart_id = plan_of(upload), final_key(limits, upload), upload.multipart_id or ""
    signed = []
    for part in wanted:
        number = part.part_number
        size = plan.length(number) if plan else None
        request = upload_part_request(
            object_key=key,
            multipart_id=multipart_id,
            part_number=number,
            size=size,
            checksum_sha256=digests.get(number),
            expires_in=limits.put_ttl,
        )
        put = storage.presigner.presign_put(request, now)
        signed.append(SignedPart(part_number=number, size=size, put=put))
    return SignedParts(parts=signed, expires_at=expires_at)


def last_part(upload: Upload) -> int:
    """Give the highest part number that the upload can have."""
    plan = plan_of(upload)
    if plan is not None:
        return plan.part_count
    # Its client cuts the parts; S3 takes none but the last that is smaller than 5 MiB.
    return min(MAX_PARTS, -(-upload.size // MIN_PART_BYTES))


def _faults(upload: Upload, wanted: Sequence[WantedPart]) -> Faults:
    faults: Faults = {}
    last, seen = last_part(upload), set[int]()
    for index, part in enumerate(wanted):
        fault: dict[str, list[str]] = {}
        if not 1 <= part.part_number <= last:
            fault["part_number"] = [f"Must be from 1 to {last}."]
        elif part.part_number in seen:
            fault["part_number"] = ["Named twice."]
        digest = part.checksum_sha256
        if digest is not None and not is_sha256_base64(digest):
            fault["checksum_sha256"] = ["Must be the base64 form of 32 bytes."]
        seen.add(part.part_number)
        if fault:
            faults[str(index)] = fault
    return faults


def _refuse(faults: Faults) -> None:
    if faults:
        raise InvalidRequest("A part cannot be signed as asked for.", {"parts": faults})


def _keep_alive(
    session: Session, principal: Principal, upload: Upload, expires_at: datetime
) -> None:
    """Let the upload outlive its URLs, and hold its row until the digests are in. No commit."""
    held = session.execute(
        update(Upload)
        .where(Upload.id == upload.id, Upload.state == UploadState.PENDING)
        .values(expires_at=max(upload.expires_at, expires_at))
        .returning(Upload.id)
        .execution_options(synchronize_session=False)
    ).first()
    if held is None:
        session.rollback()
        raise_settled(get_upload(session, principal, upload.id))


def _pin(session: Session, upload: Upload, wanted: Sequence[WantedPart]) -> dict[int, str]:
    """Write down the digests that are new; gives those of all wanted parts. No commit."""
    given = [part for part in wanted if part.checksum_sha256 is not None]
    if given:
        rows = [
            {
                "upload_id": upload.id,
                "part_number": part.part_number,
                "checksum_sha256": part.checksum_sha256,
            }
            for part in given
        ]
        insert_unless_there(session, UploadPart, rows)
    digests = part_digests(session, upload.id)
    faults: Faults = {}
    for index, part in enumerate(wanted):
        kept = digests.get(part.part_number)
        if kept is None:
            fault = "Missing: every part of this upload has a digest."
        elif part.checksum_sha256 not in (None, kept):
            fault = "Not the digest that this part was signed with before."
        else:
            continue
        faults[str(index)] = {"checksum_sha256": [fault]}
    if faults:
        session.rollback()
        _refuse(faults)
    return digests


def part_digests(session: Session, upload_id: UUID) -> dict[int, str]:
    """Read the digests that parts are pinned to, by number. No commit."""
    rows = session.execute(
        select(UploadPart.part_number, UploadPart.checksum_sha256).where(
            UploadPart.upload_id == upload_id
        )
    )
    return {row.part_number: row.checksum_sha256 for row in rows}
