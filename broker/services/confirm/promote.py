"""Promote an object: copy it from `incoming/` to a public key of this attempt.

Confirms may run at the same time, and each may stop after its copy. So each attempt has its own
public key: the first attempt the upload's key, each later one a key with a new suffix. The attempt
that wins the compare-and-set inserts the image with its key, and objects at the other keys are
deleted. So nothing ever writes to the key of an image.
"""

from dataclasses import dataclass

from broker.db.models import Upload
from broker.domain.object_head import ObjectHead
from broker.domain.object_keys import published_key, with_new_suffix, written_key
from broker.domain.storage_errors import ObjectNotFound, PreconditionFailed
from broker.services.uploads import outbox
from broker.services.uploads.owners import require_right, rights
from broker.services.uploads.state import get_upload, publish_time, update_pending
from broker.services.work import Work


@dataclass(frozen=True, kw_only=True)
class Published:
    """An object at a public key, not yet named by an image.

    Attributes:
        key: the relative key.
        etag: the ETag of the copy, which with SSE-KMS differs from that of its source.
        attempt: the number of this attempt, from 1; 0 if the client wrote to the public key
            itself, as in release 0.2.
    """

    key: str
    etag: str
    attempt: int


def promote(work: Work, upload: Upload, head: ObjectHead) -> Published | None:
    """Copy the object that `head` describes to a key of this attempt.

    Returns:
        None if the object was replaced or deleted, or the upload ended, in the meantime.

    Raises:
        NotFound: the caller has lost the right to the upload's owner in the meantime.
    """
    begun = update_pending(
        work.session,
        upload.id,
        *rights(work, upload),
        publish_attempts=Upload.publish_attempts + 1,
    )
    if begun is None:
        work.session.rollback()
        require_right(work, get_upload(work, upload.id))
        return None
    profile = work.limits.profiles.of_row(upload.owner_kind, upload.key)
    attempt = begun.publish_attempts
    key = upload.key if attempt == 1 else with_new_suffix(upload.key)
    target = published_key(work.limits, key)
    if attempt > 1:
        # If this process stops, only the outbox knows the key.
        outbox.enqueue(work.session, target, now=work.now + publish_time(upload))
    work.session.commit()
    try:
        etag = work.storage.copy(
            written_key(work.limits, upload),
            target,
            source=head,
            cache_control=profile.cache_control,
            acl=work.limits.acl_of(profile),
        )
    except (PreconditionFailed, ObjectNotFound):
        return None
    return Published(key=key, etag=etag, attempt=attempt)
