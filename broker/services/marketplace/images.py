"""Edit or delete the images of an ad."""

from collections.abc import Mapping
from typing import Any

from sqlalchemy import ColumnElement, select, update

from broker.db.models import Image
from broker.domain.errors import NotFound
from broker.domain.profiles import AD
from broker.services.marketplace.ads import record_ad, require_right
from broker.services.uploads.images import delete_images
from broker.services.work import Work
from broker.telemetry import audit


def edit_image(work: Work, ad_id: int, image_id: int, changes: Mapping[str, Any]) -> Image:
    """Change `alt_text` or `order`; raise NotFound or Forbidden."""
    owner_id = require_right(work, ad_id)
    if changes:
        work.session.execute(
            update(Image)
            .where(*_of_ad(ad_id, image_id))
            .values(**changes)
            .execution_options(synchronize_session=False)
        )
    image = work.session.scalar(
        select(Image).where(*_of_ad(ad_id, image_id)).execution_options(populate_existing=True)
    )
    work.session.commit()
    if image is None:
        raise NotFound("This ad has no such image.")
    record_ad(audit.Act.IMAGE_EDITED, work, ad_id, owner_id, image=image_id, key=image.key)
    return image


def delete_image(work: Work, ad_id: int, image_id: int) -> None:
    """Delete an image's row and release its slot; the outbox deletes the object."""
    owner_id = require_right(work, ad_id)
    keys = delete_images(work.session, work.limits, *_of_ad(ad_id, image_id), now=work.now)
    work.session.commit()
    if not keys:
        raise NotFound("This ad has no such image.")
    record_ad(audit.Act.IMAGE_DELETED, work, ad_id, owner_id, image=image_id, key=keys[0])


def _of_ad(ad_id: int, image_id: int) -> tuple[ColumnElement[bool], ...]:
    return (Image.id == image_id, Image.owner_kind == AD, Image.owner_id == ad_id)
