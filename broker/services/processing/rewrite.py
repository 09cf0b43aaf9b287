"""Change the row of an image that was reprocessed, and insert its new variants."""

from dataclasses import dataclass
from typing import Any

from sqlalchemy import delete, select, update

from broker.db.models import Image, ImageVariant
from broker.inspection.inspected import Inspected
from broker.services.processing.publish import PublishedFile, withdraw
from broker.services.processing.record import variant_row
from broker.services.uploads.images import delete_objects, updated
from broker.services.work import Work


@dataclass(frozen=True, kw_only=True)
class Rewritten:
    """What was published for an image.

    Attributes:
        inspected: its size and placeholder.
        image: the cleaned image at a new key; None if the image keeps its object.
        variants: with a new image, they replace all variants.
        is_clean: whether the image's object has no metadata now.
        checksum_verified: whether the bytes have the digest that the client declared.
    """

    inspected: Inspected
    image: PublishedFile | None
    variants: list[PublishedFile]
    is_clean: bool
    checksum_verified: bool


def rewrite(work: Work, image: Image, result: Rewritten) -> bool:
    """Change the image, insert its variants, and queue the deletion of objects it had before.

    The change is recorded as an event.

    Return False, with nothing changed, if the image was deleted, has another key, or got variants
    of the same widths in the meantime, or if the published objects are being deleted.
    """
    session, limits, now = work.session, work.limits, work.now
    changed = session.execute(
        update(Image)
        .where(Image.id == image.id, Image.key == image.key)
        .values(**_values(result))
        .returning(Image.id)
        .execution_options(synchronize_session=False)
    ).first()
    if changed is None:
        session.rollback()
        return False
    # From here on the row is locked, so nobody adds a variant.
    replaced = []
    if result.image is not None:
        variants = session.scalars(
            delete(ImageVariant)
            .where(ImageVariant.image_id == image.id)
            .returning(ImageVariant.key)
            .execution_options(synchronize_session=False)
        )
        replaced = [image.key, *variants]
    widths = set(
        session.scalars(select(ImageVariant.width).where(ImageVariant.image_id == image.id))
    )
    published = [each for each in (result.image, *result.variants) if each is not None]
    is_late = any(each.file.width in widths for each in result.variants)
    if is_late or not withdraw(session, limits, [each.key for each in published]):
        session.rollback()
        return False
    for each in result.variants:
        row = variant_row(each)
        row.image_id = image.id
        session.add(row)
    delete_objects(session, limits, replaced, now=now)
    session.flush()
    new = session.get_one(Image, image.id, populate_existing=True)
    updated(session, limits, new, now=now, removed=replaced)
    session.commit()
    return True


def _values(result: Rewritten) -> dict[str, Any]:
    main = result.inspected.image
    values: dict[str, Any] = {
        "width": main.width,
        "height": main.height,
        "thumbhash": result.inspected.thumbhash,
        "is_clean": result.is_clean,
        "checksum_verified": result.checksum_verified,
    }
    if result.image is not None:
        values |= {
            "key": result.image.key,
            "content_type": main.content_type,
            "size": main.size,
            "checksum_sha256": main.checksum_sha256,
            "composite_sha256": None,
            "etag": result.image.etag,
        }
    return values
