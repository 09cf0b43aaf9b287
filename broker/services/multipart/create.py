"""Create a multipart upload in the bucket when its first parts are signed."""

from broker.db.models import Upload
from broker.domain.object_keys import written_key
from broker.services.uploads import outbox
from broker.services.uploads.settled import raise_settled
from broker.services.uploads.state import get_upload, update_pending
from broker.services.work import Work


def create(work: Work, upload: Upload, *, pinned: bool) -> Upload:
    """Create the multipart upload unless it exists; return the current row.

    If several requests do this at once, one wins and the others abort what they created. A crash
    in between leaves a multipart upload without parts, which the bucket's lifecycle rule removes.
    `pinned` means that every part has a SHA-256.
    """
    if upload.multipart_id is not None:
        return upload
    key = written_key(work.limits, upload)
    multipart_id = work.storage.multipart.create(
        key,
        content_type=upload.content_type,
        cache_control=work.limits.profiles.of_kind(upload.owner_kind).cache_control,
        upload_id=str(upload.id),
        acl=work.limits.incoming_acl,
        sha256=pinned,
    )
    won = update_pending(
        work.session,
        upload.id,
        Upload.multipart_id.is_(None),
        multipart_id=multipart_id,
        parts_pinned=pinned,
    )
    if won is None:
        outbox.enqueue_abort(work.session, key, multipart_id, now=work.now)
    work.session.commit()
    if won is None:
        outbox.drain(work, only_key=key)
    upload = get_upload(work, upload.id)
    raise_settled(upload)
    return upload
