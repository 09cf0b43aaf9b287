"""Complete a multipart upload: have the bucket put the parts together, then record the image.

Safe to repeat after any crash. Once the bucket has completed an upload it knows it no more
(NoSuchUpload), so the object being there is what tells success; where the process died in
between, the next call, or a confirm, records it.
"""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from uuid import UUID

from sqlalchemy import update
from sqlalchemy.orm import Session

from broker.db.models import Image, Upload
from broker.domain.errors import (
    InvalidParts,
    MultipartNotFound,
    NotMultipart,
    ObjectMismatch,
    PartsMissing,
)
from broker.domain.limits import Limits
from broker.domain.part_plan import UploadedPart
from broker.domain.principal import Principal
from broker.domain.states import UploadState
from broker.services.confirm.confirm import confirm
from broker.services.multipart.arrived import (
    arrived_parts,
    get_multipart,
    require_object,
    require_pending,
)
from broker.services.multipart.sign_parts import part_digests
from broker.services.uploads import outbox
from broker.services.uploads.settled import settled_image
from broker.services.uploads.state import discard, final_key, get_upload, plan_of
from broker.storage.protocol import Storage
from broker.telemetry import audit


def complete(
    session: Session,
    storage: Storage,
    limits: Limits,
    principal: Principal,
    upload_id: UUID,
    *,
    named: Mapping[int, str] | None = None,
    now: datetime,
) -> Image:
    """Give the upload's image, completing and recording it where that has not been done.

    Args:
        named: ETags by part number, of a client that cuts the parts itself; what it does not
            name is no part of the object.

    Raises:
        NotFound, NotMultipart: no such upload of this principal, or not one in planned parts.
        PartsMissing: not every part is there; the upload stays pending.
        ObjectMissing: the bucket is still putting the parts together; ask again.
        ObjectMismatch: the object is not the declared one, and is deleted.
        UploadExpired, UploadCancelled, ImageDeleted: too late.
        StorageUnavailable, StorageDenied: ask again; whatever the bucket has done is found then.
    """
    upload = get_multipart(session, principal, upload_id)
    if upload.state != UploadState.PENDING:
        return settled_image(session, upload)
    require_pending(session, limits, upload, now=now, completing=True)
    arrived = arrived_parts(session, storage, limits, principal, upload, named=named, now=now)
    if arrived is not None:
        parts = _planned(upload, arrived) if named is None else _named(arrived, named)
        if sum(part.size for part in parts) > upload.size:
            return _reject(session, storage, limits, principal, upload, now)
        _put_together(session, storage, limits, principal, upload, parts, now)
    return confirm(session, storage, limits, principal, upload_id, now=now)


def _planned(upload: Upload, arrived: Mapping[int, UploadedPart]) -> list[UploadedPart]:
    plan = plan_of(upload)
    if plan is None:
        raise NotMultipart("Its client cuts the parts of this upload, and must complete it.")
    _require(plan.missing(arrived))
    return [arrived[number] for number in range(1, plan.part_count + 1)]


def _named(arrived: Mapping[int, UploadedPart], named: Mapping[int, str]) -> list[UploadedPart]:
    """Give the named parts in order, where they are there."""
    _require(
        [
            number
            for number, etag in sorted(named.items())
            if number not in arrived or arrived[number].etag != etag
        ]
    )
    parts = [arrived[number] for number in sorted(named)]
    return parts


def _require(missing: Sequence[int]) -> None:
    if missing:
        detail = f"{len(missing)} parts have not arrived, the first of them part {missing[0]}."
        raise PartsMissing(detail, {"parts": list(missing)})


def _reject(
    session: Session,
    storage: Storage,
    limits: Limits,
    principal: Principal,
    upload: Upload,
    now: datetime,
) -> Image:
    """End an upload whose parts have more bytes than it may; they are aborted, not completed."""
    won = discard(session, limits, upload.id, UploadState.REJECTED, now=now)
    session.commit()
    if not won:
        return settled_image(session, get_upload(session, principal, upload.id))
    detail = f"The parts have more than {upload.size} bytes, which is the most."
    audit.record_rejection(upload, principal, for_user=upload.user_id, detail=detail)
    outbox.drain(session, storage, limits, now=now, only_key=final_key(limits, upload))
    raise ObjectMismatch(detail)


def _put_together(
    session: Session,
    storage: Storage,
    limits: Limits,
    principal: Principal,
    upload: Upload,
    parts: Sequence[UploadedPart],
    now: datetime,
) -> None:
    """Have the bucket complete the upload, or find that it has been completed."""
    digests = part_digests(session, upload.id)
    session.execute(
        update(Upload)
        .where(Upload.id == upload.id, Upload.state == UploadState.PENDING)
        .values(completing_at=now)
        .execution_options(synchronize_session=False)
    )
    session.commit()
    # SeaweedFS lists parts without the digests that it wants to have named here.
    pinned = [replace(part, checksum_sha256=digests.get(part.part_number)) for part in parts]
    try:
        storage.multipart.complete(final_key(limits, upload), upload.multipart_id or "", pinned)
    except MultipartNotFound:
        require_object(session, storage, limits, principal, upload, now=now)
    except InvalidParts as error:
        raise PartsMissing(error.detail) from error
