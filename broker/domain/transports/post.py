"""A POST policy form: fields first, the file last. The default."""

from datetime import datetime, timedelta
from typing import Any

from broker.domain.limits import Limits
from broker.domain.object_head import PresignedPost
from broker.domain.post_policy import post_form
from broker.domain.profiles import Profile
from broker.domain.transports.base import Presigner, Transfer, Transport
from broker.domain.upload_row import UploadRow


class Post(Transport):
    """Send the file as a form (S3: POST Object)."""

    name = "post"
    takes_open_size = True
    takes_return_url = True

    def ttl(self, profile: Profile) -> timedelta:
        """Return how long a form is accepted."""
        return timedelta(seconds=profile.ticket_ttl)

    def sign(
        self,
        presigner: Presigner,
        limits: Limits,
        upload: UploadRow,
        object_key: str,
        *,
        expires_at: datetime,
        now: datetime,
    ) -> PresignedPost:
        """Sign a form for exactly this object."""
        form = post_form(
            object_key=object_key,
            content_type=upload.content_type,
            cache_control=limits.profiles.of_kind(upload.owner_kind).cache_control,
            min_size=upload.size if upload.size_is_exact else 1,
            max_size=upload.size,
            checksum_sha256=upload.checksum_sha256,
            upload_id=str(upload.id),
            acl=limits.incoming_acl,
            return_url=upload.return_url,
            expires_at=expires_at,
            server=limits.server,
        )
        return presigner.presign_post(form, now)

    def to_wire(self, transfer: Transfer, upload: UploadRow) -> dict[str, Any]:
        """Return method, url and fields."""
        assert isinstance(transfer, PresignedPost)  # noqa: S101 - `sign` made it
        return {"method": "POST", "url": transfer.url, "fields": transfer.fields}


POST = Post()
