"""List the parts of an upload that have arrived, so that a client can resume it."""

from collections.abc import Sequence
from dataclasses import dataclass
from uuid import UUID

from broker.db.models import Upload
from broker.domain.part_plan import UploadedPart, plan_of
from broker.services.multipart.arrived import arrived_parts, get_multipart, require_pending
from broker.services.work import Work


@dataclass(frozen=True, kw_only=True)
class Progress:
    """The parts that have arrived, and the numbers of those that must be sent.

    Both are empty if the bucket has completed the object already.
    """

    upload: Upload
    parts: Sequence[UploadedPart]
    missing: Sequence[int]


def list_parts(work: Work, upload_id: UUID) -> Progress:
    """Return how much of a pending upload has arrived.

    Raises:
        NotFound, NotMultipart, UploadSettled, UploadExpired, UploadCancelled, ObjectMismatch.
        ObjectMissing: the bucket is completing the upload right now.
        StorageUnavailable, StorageDenied: the bucket gave no answer.
    """
    upload = get_multipart(work, upload_id)
    require_pending(work, upload)
    arrived = arrived_parts(work, upload)
    if arrived is None:
        return Progress(upload=upload, parts=[], missing=[])
    plan = plan_of(upload)
    missing = plan.missing(arrived) if plan else []
    absent = set(missing)
    parts = [arrived[number] for number in sorted(arrived) if number not in absent]
    return Progress(upload=upload, parts=parts, missing=missing)
