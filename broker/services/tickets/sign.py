"""A ticket: an upload's row together with what its client needs to send the bytes."""

from dataclasses import dataclass
from datetime import datetime

from broker.domain.limits import Limits
from broker.domain.object_head import PresignedPost, PresignedPut
from broker.domain.part_plan import PartPlan
from broker.domain.post_policy import post_form
from broker.domain.put_request import put_object_request
from broker.domain.transports import Transport
from broker.services.uploads.state import AnyUpload, plan_of, written_key
from broker.storage.protocol import Presigner


@dataclass(frozen=True, kw_only=True)
class Ticket:
    """What a client is shown; `server_time` lets it reckon with its own clock's error.

    `transfer` is a signed form, a signed PUT, or the plan of parts that are signed later; it
    is None for a client that cuts the parts itself.
    """

    upload: AnyUpload
    transfer: PresignedPost | PresignedPut | PartPlan | None
    server_time: datetime


def sign(
    presigner: Presigner, limits: Limits, upload: AnyUpload, *, expires_at: datetime, now: datetime
) -> Ticket:
    """Sign for the upload's transport; asks neither the database nor the bucket."""
    if upload.transport == Transport.MULTIPART:
        return Ticket(upload=upload, transfer=plan_of(upload), server_time=now)
    if upload.transport == Transport.PUT:
        request = put_object_request(
            object_key=written_key(limits, upload),
            content_type=upload.content_type,
            cache_control=limits.cache_control,
            size=upload.size,
            checksum_sha256=upload.checksum_sha256,
            upload_id=str(upload.id),
            acl=limits.default_acl,
            expires_in=limits.put_ttl,
        )
        return Ticket(upload=upload, transfer=presigner.presign_put(request, now), server_time=now)
    form = post_form(
        object_key=written_key(limits, upload),
        content_type=upload.content_type,
        cache_control=limits.cache_control,
        min_size=upload.size if upload.size_is_exact else 1,
        max_size=upload.size,
        checksum_sha256=upload.checksum_sha256,
        upload_id=str(upload.id),
        acl=limits.default_acl,
        return_url=upload.return_url,
        expires_at=expires_at,
    )
    return Ticket(upload=upload, transfer=presigner.presign_post(form, now), server_time=now)
