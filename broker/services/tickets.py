"""A ticket: an upload's row together with a freshly signed form for it."""

from dataclasses import dataclass
from datetime import datetime

from broker.db.models import Upload
from broker.domain.object_head import PresignedPost
from broker.domain.post_policy import post_form
from broker.domain.rules import Rules
from broker.services.uploads import written_key
from broker.storage.protocol import PostPresigner


@dataclass(frozen=True, kw_only=True)
class Ticket:
    """What a client is shown; `server_time` lets it reckon with its own clock's error."""

    upload: Upload
    presigned: PresignedPost
    server_time: datetime


def sign(
    presigner: PostPresigner, rules: Rules, upload: Upload, *, expires_at: datetime, now: datetime
) -> Ticket:
    """Sign the upload's form; asks neither the database nor the bucket."""
    form = post_form(
        object_key=written_key(rules, upload),
        content_type=upload.content_type,
        cache_control=rules.cache_control,
        size=upload.size,
        checksum_sha256=upload.checksum_sha256,
        upload_id=str(upload.id),
        acl=rules.default_acl,
        expires_at=expires_at,
    )
    return Ticket(upload=upload, presigned=presigner.presign_post(form, now), server_time=now)
