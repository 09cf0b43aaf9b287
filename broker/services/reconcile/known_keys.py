"""Which object keys the rows know: images, pending uploads, deletions that are on their way."""

from collections.abc import Collection
from dataclasses import dataclass
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.orm import Session

from broker.db.models import Deletion, Image, Upload
from broker.domain.limits import Limits
from broker.domain.object_keys import INCOMING, object_key, relative_key
from broker.domain.states import UploadState
from broker.services.uploads.state import final_key, written_key


@dataclass(frozen=True, kw_only=True)
class StoredImage:
    """What an image's row says of its object."""

    id: int
    size: int
    etag: str


@dataclass(frozen=True, kw_only=True)
class Known:
    """What the rows say of some object keys: images by key, and keys that are spoken for.

    `spoken_for` are those that a pending upload may write to, and those that the outbox is
    to delete: objects there are nobody's mistake.
    """

    images: dict[str, StoredImage]
    spoken_for: frozenset[str]

    def knows(self, key: str) -> bool:
        """Tell whether any row knows the key."""
        return key in self.images or key in self.spoken_for


def known_keys(session: Session, limits: Limits, keys: Collection[str]) -> Known:
    """Read afresh what the rows say of these object keys; ends its transaction."""
    # No row can hold a NUL, and PostgreSQL refuses to be asked for one.
    asked = {key for key in keys if "\0" not in key}
    relative = {
        below
        for key in asked
        for location in (limits.location, INCOMING)
        if (below := relative_key(location, key)) is not None
    }
    images = session.execute(
        select(Image.key, Image.id, Image.size, Image.etag).where(Image.key.in_(relative))
    ).all()
    uploads = session.scalars(
        select(Upload)
        .where(Upload.key.in_(relative), Upload.state == UploadState.PENDING)
        .execution_options(populate_existing=True)
    ).all()
    leaving = session.scalars(
        select(Deletion.object_key).where(
            Deletion.object_key.in_(asked), Deletion.multipart_id.is_(None)
        )
    ).all()
    session.commit()
    writable = {
        key
        for upload in uploads
        for key in (final_key(limits, upload), written_key(limits, upload))
    }
    return Known(
        images={
            object_key(limits.location, row.key): StoredImage(
                id=row.id, size=row.size, etag=row.etag
            )
            for row in images
        },
        spoken_for=frozenset(writable.union(leaving)),
    )


def is_of_another_key(session: Session, limits: Limits, upload_id: UUID, key: str) -> bool:
    """Tell whether an upload with this id was given another key: its object is a copy.

    Whoever copies one of our objects elsewhere, as a backup, copies its metadata too.
    """
    upload = session.scalar(select(Upload).where(Upload.id == upload_id))
    session.commit()
    if upload is None:
        return False
    return key not in (final_key(limits, upload), written_key(limits, upload))
