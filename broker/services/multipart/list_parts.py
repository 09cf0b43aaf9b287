"""Which parts of an upload have arrived: what a client needs to resume, and nothing else."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from sqlalchemy.orm import Session

from broker.db.models import Upload
from broker.domain.limits import Limits
from broker.domain.part_plan import UploadedPart
from broker.domain.principal import Principal
from broker.services.multipart.arrived import arrived_parts, get_multipart, require_pending
from broker.services.uploads.state import plan_of
from broker.storage.protocol import Storage


@dataclass(frozen=True, kw_only=True)
class Progress:
    """The parts that arrived, and the numbers of those that are to be sent (again).

    Both are empty when the bucket has put the object together already.
    """

    upload: Upload
    parts: Sequence[UploadedPart]
    missing: Sequence[int]


def list_parts(
    session: Session,
    storage: Storage,
    limits: Limits,
    principal: Principal,
    upload_id: UUID,
    *,
    now: datetime,
) -> Progress:
    """Tell how far a pending upload has come.

    Raises:
        NotFound, NotMultipart, UploadSettled, UploadExpired, UploadCancelled, ObjectMismatch.
        ObjectMissing: the bucket is putting the parts together at this moment.
        StorageUnavailable, StorageDenied: the bucket gave no answer.
    """
    upload = get_multipart(session, principal, upload_id)
    require_pending(session, limits, upload, now=now)
    arrived = arrived_parts(session, storage, limits, principal, upload, now=now)
    if arrived is None:
        return Progress(upload=upload, parts=[], missing=[])
    plan = plan_of(upload)
    missing = plan.missing(arrived) if plan else []
    absent = set(missing)
    parts = [arrived[number] for number in sorted(arrived) if number not in absent]
    return Progress(upload=upload, parts=parts, missing=missing)
