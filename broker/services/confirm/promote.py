"""Promote an object from `incoming/` to its final key.

The first confirm stores the ETag that it saw. From then on only an object with that ETag is
copied, so a form that is sent again between two confirms cannot change the image.
"""

from sqlalchemy import select

from broker.db.models import Upload
from broker.domain.errors import ObjectNotFound, ObjectRefused, PreconditionFailed
from broker.domain.object_head import ObjectHead
from broker.domain.object_keys import final_key, written_key
from broker.services.uploads.state import update_pending
from broker.services.work import Work


def promote(work: Work, upload: Upload, head: ObjectHead) -> str | None:
    """Copy the object if its ETag is the stored one; return None if it cannot be copied.

    Returns:
        The ETag of the copy, which with SSE-KMS differs from that of its source.
    """
    update_pending(work.session, upload.id, Upload.promoted_etag.is_(None), promoted_etag=head.etag)
    work.session.commit()
    etag = work.session.scalar(select(Upload.promoted_etag).where(Upload.id == upload.id))
    work.session.commit()
    if etag is None or etag != head.etag:
        return None
    source, target = written_key(work.limits, upload), final_key(work.limits, upload)
    try:
        return work.storage.copy(source, target, if_match=etag)
    except (PreconditionFailed, ObjectNotFound, ObjectRefused):
        return None
