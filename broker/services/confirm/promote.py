"""Promote an unpinned object from `incoming/` to its final key, always the same bytes.

The first confirm writes down the ETag that it saw. From then on only bytes with that ETag are
ever copied, so a form that is replayed between two confirms cannot change the image.
"""

from sqlalchemy import select, update
from sqlalchemy.orm import Session

from broker.db.models import Upload
from broker.domain.errors import ObjectNotFound, PreconditionFailed
from broker.domain.limits import Limits
from broker.domain.object_head import ObjectHead
from broker.domain.states import UploadState
from broker.services.uploads.state import final_key, written_key
from broker.storage.protocol import ObjectStorage


def promote(
    session: Session, storage: ObjectStorage, limits: Limits, upload: Upload, head: ObjectHead
) -> str | None:
    """Copy the object on the condition of its ETag; None when its bytes have been replaced.

    Gives the copy's own ETag, which with SSE-KMS is not that of its source.
    """
    session.execute(
        update(Upload)
        .where(
            Upload.id == upload.id,
            Upload.state == UploadState.PENDING,
            Upload.promoted_etag.is_(None),
        )
        .values(promoted_etag=head.etag)
        .execution_options(synchronize_session=False)
    )
    session.commit()
    etag = session.scalar(select(Upload.promoted_etag).where(Upload.id == upload.id))
    session.commit()
    if etag is None or etag != head.etag:
        return None
    try:
        return storage.copy(written_key(limits, upload), final_key(limits, upload), if_match=etag)
    except (PreconditionFailed, ObjectNotFound):
        return None
