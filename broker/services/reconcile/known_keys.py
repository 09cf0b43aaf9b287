"""The object keys that rows contain: images, pending uploads, and queued deletions."""

from collections.abc import Collection
from dataclasses import dataclass
from uuid import UUID

from sqlalchemy import select

from broker.db.models import Deletion, Image, Upload
from broker.domain.object_keys import (
    INCOMING,
    final_key,
    object_key,
    relative_key,
    written_key,
)
from broker.domain.states import UploadState
from broker.services.work import Work


@dataclass(frozen=True, kw_only=True)
class StoredImage:
    """An image's object, as the row describes it."""

    id: int
    size: int
    etag: str


@dataclass(frozen=True, kw_only=True)
class Known:
    """The rows that contain some object keys.

    Attributes:
        images: by object key.
        expected: keys that a pending upload may write, or that the outbox is to delete. An
            object at such a key is not a difference.
    """

    images: dict[str, StoredImage]
    expected: frozenset[str]

    def knows(self, key: str) -> bool:
        """Check whether any row contains the key."""
        return key in self.images or key in self.expected


def known_keys(work: Work, keys: Collection[str]) -> Known:
    """Return the rows that currently contain these object keys."""
    session, limits = work.session, work.limits
    # No row can contain a NUL character, and PostgreSQL refuses such a value in a query.
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
    deleted = session.scalars(
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
        expected=frozenset(writable.union(deleted)),
    )


def is_of_another_key(work: Work, upload_id: UUID, key: str) -> bool:
    """Check whether the upload with this id has another key; then the object is a copy.

    A backup that copies an object also copies its metadata with the id.
    """
    upload = work.session.scalar(select(Upload).where(Upload.id == upload_id))
    work.session.commit()
    if upload is None:
        return False
    return key not in (final_key(work.limits, upload), written_key(work.limits, upload))
