"""The object keys that rows contain: images, variants, unfinished uploads, queued deletions."""

from collections.abc import Collection
from dataclasses import dataclass

from sqlalchemy import select

from broker.db.models import Deletion, Image, ImageVariant, Upload
from broker.domain.object_keys import (
    INCOMING,
    final_key,
    published_key,
    published_locations,
    relative_key,
    written_key,
)
from broker.domain.states import UNFINISHED
from broker.services.work import Work


@dataclass(frozen=True, kw_only=True)
class StoredObject:
    """The object of an image or a variant, as the row describes it.

    `row` names the row for people, for example `image 7` or `variant 320 of image 7`.
    """

    row: str
    image_id: int
    size: int
    etag: str


@dataclass(frozen=True, kw_only=True)
class Known:
    """The rows that contain some object keys.

    Attributes:
        stored: the objects of images and variants, by object key.
        expected: keys that an unfinished upload may write, or that the outbox is to delete. An
            object at such a key is not a difference. A worker's keys are in the outbox.
    """

    stored: dict[str, StoredObject]
    expected: frozenset[str]

    def knows(self, key: str) -> bool:
        """Check whether any row contains the key."""
        return key in self.stored or key in self.expected


def known_keys(work: Work, keys: Collection[str]) -> Known:
    """Return the rows that currently contain these object keys."""
    session, limits = work.session, work.limits
    # No row can contain a NUL character, and PostgreSQL refuses such a value in a query.
    asked = {key for key in keys if "\0" not in key}
    relative = {
        below
        for key in asked
        for location in (*published_locations(limits), INCOMING)
        if (below := relative_key(location, key)) is not None
    }
    images = session.execute(
        select(Image.key, Image.id, Image.size, Image.etag).where(Image.key.in_(relative))
    ).all()
    variants = session.execute(
        select(
            ImageVariant.key,
            ImageVariant.image_id,
            ImageVariant.width,
            ImageVariant.size,
            ImageVariant.etag,
        ).where(ImageVariant.key.in_(relative))
    ).all()
    uploads = session.scalars(
        select(Upload)
        .where(Upload.key.in_(relative), Upload.state.in_(UNFINISHED))
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
    stored = {
        row.key: StoredObject(row=f"image {row.id}", image_id=row.id, size=row.size, etag=row.etag)
        for row in images
    }
    stored |= {
        row.key: StoredObject(
            row=f"variant {row.width} of image {row.image_id}",
            image_id=row.image_id,
            size=row.size,
            etag=row.etag,
        )
        for row in variants
    }
    return Known(
        stored={published_key(limits, key): row for key, row in stored.items()},
        expected=frozenset(writable.union(deleted)),
    )
