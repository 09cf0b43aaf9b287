"""Complete a multipart upload in the bucket, then record its image.

After a crash at any point, the next call finishes the work. When the bucket has completed an
upload, it no longer knows its id (NoSuchUpload), so an object at the key proves success. If the
process dies in between, the next completion or confirm records the image.
"""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from uuid import UUID

from broker.db.models import Upload
from broker.domain.errors import NotMultipart, PartsMissing
from broker.domain.object_keys import written_key
from broker.domain.part_plan import UploadedPart, plan_of
from broker.domain.states import UploadState
from broker.domain.storage_errors import InvalidParts, MultipartNotFound, ObjectRefused
from broker.services.confirm.confirm import confirm
from broker.services.multipart.arrived import (
    arrived_parts,
    get_multipart,
    require_object,
    require_pending,
)
from broker.services.multipart.sign_parts import part_digests
from broker.services.uploads.reject import reject
from broker.services.uploads.settled import Recorded, settled
from broker.services.uploads.state import update_pending
from broker.services.work import Work


def complete(work: Work, upload_id: UUID, *, named: Mapping[int, str] | None = None) -> Recorded:
    """Complete the upload and record it, unless this was done before. Return what confirm returns.

    `named` has ETags by part number, from a client that cuts the parts itself. Parts that it does
    not name are left out of the object.

    Raises:
        NotFound, NotMultipart: the principal has no such upload, or it has no planned parts.
        PartsMissing: a part is missing; the upload stays pending.
        ObjectMissing: the bucket is still completing the upload; ask again.
        ObjectMismatch: the object is not the declared one, and is deleted.
        UploadExpired, UploadCancelled, ImageDeleted: the upload has ended, or its image was
            deleted.
        StorageUnavailable, StorageDenied: ask again; the next call finds out what the bucket did.
    """
    upload = get_multipart(work, upload_id)
    if upload.state != UploadState.PENDING:
        return settled(work, upload)
    require_pending(work, upload, completing=True)
    arrived = arrived_parts(work, upload, named=named)
    if arrived is not None:
        parts = _planned(upload, arrived) if named is None else _named(arrived, named)
        if sum(part.size for part in parts) > upload.size:
            detail = f"The parts have more than {upload.size} bytes, the maximum of this upload."
            return reject(work, upload, detail)
        try:
            _complete_in_bucket(work, upload, parts)
        except ObjectRefused as refused:
            return reject(work, upload, refused.detail)
    return confirm(work, upload_id)


def _planned(upload: Upload, arrived: Mapping[int, UploadedPart]) -> list[UploadedPart]:
    plan = plan_of(upload)
    if plan is None:
        raise NotMultipart("The client cuts the parts of this upload, and must complete it.")
    _require(plan.missing(arrived))
    return [arrived[number] for number in range(1, plan.part_count + 1)]


def _named(arrived: Mapping[int, UploadedPart], named: Mapping[int, str]) -> list[UploadedPart]:
    """Return the named parts in order of their numbers."""
    missing = [
        number
        for number, etag in sorted(named.items())
        if number not in arrived or arrived[number].etag != etag
    ]
    _require(missing)
    return [arrived[number] for number in sorted(named)]


def _require(missing: Sequence[int]) -> None:
    if missing:
        detail = f"Missing parts: {len(missing)}; the first is part {missing[0]}."
        raise PartsMissing(detail, {"parts": list(missing)})


def _complete_in_bucket(work: Work, upload: Upload, parts: Sequence[UploadedPart]) -> None:
    """Ask the bucket to complete the upload, or detect that this was done before."""
    digests = part_digests(work.session, upload.id)
    update_pending(work.session, upload.id, completing_at=work.now)
    work.session.commit()
    # SeaweedFS lists parts without their digests, but requires the digests here.
    pinned = [replace(part, checksum_sha256=digests.get(part.part_number)) for part in parts]
    key = written_key(work.limits, upload)
    try:
        work.storage.multipart.complete(key, upload.multipart_id or "", pinned)
    except MultipartNotFound:
        require_object(work, upload)
    except InvalidParts as error:
        raise PartsMissing(error.detail) from error
