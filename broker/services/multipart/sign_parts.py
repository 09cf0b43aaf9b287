"""Sign parts of a multipart upload, each for exactly its number and length."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.orm import Session

from broker.db.models import Upload, UploadPart
from broker.db.upsert import insert_unless_there
from broker.domain.checksums import is_sha256_base64
from broker.domain.errors import InvalidRequest
from broker.domain.object_head import PresignedPut
from broker.domain.object_keys import written_key
from broker.domain.part_plan import MAX_PARTS, MIN_PART_BYTES, plan_of
from broker.domain.put_request import PartRequest, PartsRequest
from broker.services.multipart.arrived import get_multipart, require_pending
from broker.services.multipart.create import create
from broker.services.uploads.settled import raise_settled
from broker.services.uploads.state import get_upload, update_pending
from broker.services.work import Work

Faults = dict[str, dict[str, list[str]]]


@dataclass(kw_only=True, slots=True)
class WantedPart:
    """A part to sign; with a SHA-256 its URL accepts only these bytes.

    Treat it as immutable. It is not frozen because a frozen one takes twice as long to create.
    """

    part_number: int
    checksum_sha256: str | None = None


@dataclass(frozen=True, kw_only=True)
class SignedParts:
    """Parts with their URLs, which expire at `expires_at`."""

    parts: Sequence[tuple[PartRequest, PresignedPut]]
    expires_at: datetime


def sign_parts(work: Work, upload_id: UUID, wanted: Sequence[WantedPart]) -> SignedParts:
    """Sign parts of a pending upload, which then stays pending as long as the URLs work.

    Either all parts of an upload have a SHA-256 or no part has one. S3 must know this when the
    upload is created. A client sends each SHA-256 once; it cannot be changed later. If the server
    refuses requests with a digest, no part has one.

    Raises:
        NotFound, NotMultipart, UploadSettled, UploadExpired, UploadCancelled, ObjectMismatch.
        InvalidRequest: a number beyond the plan or named twice, or a SHA-256 that does not match;
            `fields` has the faults by the part's index, `{"parts": {"0": {…}}}`.
        StorageUnavailable, StorageDenied: the upload could not be created; nothing has changed.
    """
    upload = get_multipart(work, upload_id)
    require_pending(work, upload)
    _refuse(_faults(upload, wanted))
    pinned = work.limits.server.signs_digests and any(
        part.checksum_sha256 is not None for part in wanted
    )
    upload = create(work, upload, pinned=pinned)
    if pinned and not upload.parts_pinned:
        raise InvalidRequest(
            "The parts of this upload have no digests, because the first signed parts had none.",
            {"parts": ["checksum_sha256 must be left out."]},
        )
    ttl = work.limits.profiles.of_kind(upload.owner_kind).put_ttl
    expires_at = work.now + timedelta(seconds=ttl)
    digests = _prepare(work, upload, wanted, expires_at)
    plan = plan_of(upload)
    request = PartsRequest(
        object_key=written_key(work.limits, upload),
        multipart_id=upload.multipart_id or "",
        parts=[
            PartRequest(
                part_number=part.part_number,
                size=plan.length(part.part_number) if plan else None,
                checksum_sha256=digests.get(part.part_number),
            )
            for part in wanted
        ],
        expires_in=ttl,
    )
    puts = work.storage.presigner.presign_parts(request, work.now)
    signed = list(zip(request.parts, puts, strict=True))
    return SignedParts(parts=signed, expires_at=expires_at)


def _prepare(
    work: Work, upload: Upload, wanted: Sequence[WantedPart], expires_at: datetime
) -> dict[int, str]:
    """Keep the upload pending until `expires_at`, and store new digests; return all digests.

    If the upload has no digests and lives long enough, nothing is written. If another request ends
    it at this moment, its parts are aborted again after their URLs have expired.
    """
    if not upload.parts_pinned and upload.expires_at >= expires_at:
        return {}
    # The row stays locked until the digests are stored.
    latest = max(upload.expires_at, expires_at)
    if update_pending(work.session, upload.id, expires_at=latest) is None:
        work.session.rollback()
        raise_settled(get_upload(work, upload.id))
    faults: Faults = {}
    digests: dict[int, str] = {}
    if upload.parts_pinned:
        _store_digests(work.session, upload, wanted)
        digests = part_digests(work.session, upload.id)
        faults = _digest_faults(wanted, digests)
    if faults:
        work.session.rollback()
        _refuse(faults)
    work.session.commit()
    return digests


def last_part(upload: Upload) -> int:
    """Return the highest part number that the upload can have."""
    plan = plan_of(upload)
    if plan is not None:
        return plan.part_count
    # The client cuts the parts; S3 accepts only the last part below 5 MiB.
    return min(MAX_PARTS, -(-upload.size // MIN_PART_BYTES))


def _faults(upload: Upload, wanted: Sequence[WantedPart]) -> Faults:
    faults: Faults = {}
    last, seen = last_part(upload), set[int]()
    for index, part in enumerate(wanted):
        fault: dict[str, list[str]] = {}
        if not 1 <= part.part_number <= last:
            fault["part_number"] = [f"Must be from 1 to {last}."]
        elif part.part_number in seen:
            fault["part_number"] = ["Appears twice."]
        digest = part.checksum_sha256
        if digest is not None and not is_sha256_base64(digest):
            fault["checksum_sha256"] = ["Must be the base64 form of 32 bytes."]
        seen.add(part.part_number)
        if fault:
            faults[str(index)] = fault
    return faults


def _refuse(faults: Faults) -> None:
    if faults:
        raise InvalidRequest("At least one part cannot be signed.", {"parts": faults})


def _store_digests(session: Session, upload: Upload, wanted: Sequence[WantedPart]) -> None:
    """Insert the digests that are new."""
    rows = [
        {
            "upload_id": upload.id,
            "part_number": part.part_number,
            "checksum_sha256": part.checksum_sha256,
        }
        for part in wanted
        if part.checksum_sha256 is not None
    ]
    if rows:
        insert_unless_there(session, UploadPart, rows)


def _digest_faults(wanted: Sequence[WantedPart], digests: dict[int, str]) -> Faults:
    """Return the parts that have no digest, or whose digest has changed."""
    faults: Faults = {}
    for index, part in enumerate(wanted):
        stored = digests.get(part.part_number)
        if stored is None:
            fault = "Missing: every part of this upload has a digest."
        elif part.checksum_sha256 not in (None, stored):
            fault = "Differs from the digest that this part was signed with before."
        else:
            continue
        faults[str(index)] = {"checksum_sha256": [fault]}
    return faults


def part_digests(session: Session, upload_id: UUID) -> dict[int, str]:
    """Return the SHA-256 that each part is pinned to, by number."""
    rows = session.execute(
        select(UploadPart.part_number, UploadPart.checksum_sha256).where(
            UploadPart.upload_id == upload_id
        )
    )
    return {row.part_number: row.checksum_sha256 for row in rows}
