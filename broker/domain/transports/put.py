"""A presigned PUT with the raw file as its body, for background sessions on phones."""

from datetime import datetime, timedelta
from typing import Any

from broker.domain.limits import Limits
from broker.domain.object_head import PresignedPut
from broker.domain.profiles import Profile
from broker.domain.put_request import put_object_request
from broker.domain.transports.base import Presigner, Transfer, Transport
from broker.domain.upload_row import UploadRow


class Put(Transport):
    """Send the file as a request body (S3: PutObject)."""

    name = "put"

    def ttl(self, profile: Profile) -> timedelta:
        """Return how long a presigned PUT is accepted."""
        return timedelta(seconds=profile.put_ttl)

    def sign(
        self,
        presigner: Presigner,
        limits: Limits,
        upload: UploadRow,
        object_key: str,
        *,
        expires_at: datetime,
        now: datetime,
    ) -> PresignedPut:
        """Sign a PUT of exactly this object."""
        request = put_object_request(
            object_key=object_key,
            content_type=upload.content_type,
            cache_control=limits.profiles.of_kind(upload.owner_kind).cache_control,
            size=upload.size,
            checksum_sha256=upload.checksum_sha256,
            upload_id=str(upload.id),
            acl=limits.incoming_acl,
            expires_in=int((expires_at - now).total_seconds()),
            server=limits.server,
        )
        return presigner.presign_put(request, now)

    def to_wire(self, transfer: Transfer, upload: UploadRow) -> dict[str, Any]:
        """Return method, url and headers."""
        assert isinstance(transfer, PresignedPut)  # noqa: S101 - `sign` made it
        return {"method": "PUT", "url": transfer.url, "headers": transfer.headers}


PUT = Put()
