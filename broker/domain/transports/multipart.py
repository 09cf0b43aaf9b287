"""A multipart upload: large files in parts, which can be resumed."""

from datetime import datetime, timedelta
from typing import Any

from broker.domain.limits import Limits
from broker.domain.part_plan import MAX_OBJECT_BYTES, PartPlan, plan_of, plan_parts
from broker.domain.profiles import Profile
from broker.domain.transports.base import Presigner, Transfer, Transport
from broker.domain.upload_row import UploadRow


class Multipart(Transport):
    """Send the file in parts, each with its own signature (S3: UploadPart).

    Only the broker completes the upload, and only once, so a client cannot write the key again. An
    abort removes everything that was sent. S3 computes no digest of the whole file.
    """

    name = "multipart"
    max_bytes = MAX_OBJECT_BYTES
    has_parts = True
    stays_charged = False

    def ttl(self, profile: Profile) -> timedelta:
        """Return how long a multipart upload may take."""
        return timedelta(seconds=profile.multipart_ttl)

    def sign(
        self,
        presigner: Presigner,
        limits: Limits,
        upload: UploadRow,
        object_key: str,
        *,
        expires_at: datetime,
        now: datetime,
    ) -> PartPlan | None:
        """Return the plan of the parts, which are signed later; None if the client cuts them."""
        return plan_of(upload)

    def to_wire(self, transfer: Transfer, upload: UploadRow) -> dict[str, Any]:
        """Return the plan, and where to sign parts and complete the upload."""
        plan = transfer if isinstance(transfer, PartPlan) else None
        base = f"/api/uploads/{upload.id}"
        return {
            "method": "MULTIPART",
            "part_size": plan.part_size if plan else None,
            "part_count": plan.part_count if plan else None,
            "parts_url": f"{base}/parts/",
            "complete_url": f"{base}/complete/",
        }

    def part_size(self, size: int, limits: Limits) -> int | None:
        """Return the bytes of each part except the last."""
        return plan_parts(size, limits.part_size).part_size


MULTIPART = Multipart()
