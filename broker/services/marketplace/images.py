"""An ad's images: edit what is said about one, or delete it."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from sqlalchemy import delete, select, update
from sqlalchemy.orm import Session

from broker.db.models import Image
from broker.domain.errors import NotFound
from broker.domain.limits import Limits
from broker.domain.object_keys import object_key
from broker.domain.owners import AD
from broker.domain.principal import Principal
from broker.services.marketplace.ownership import require_own_ad
from broker.services.uploads import outbox, places
from broker.telemetry import audit


def edit_image(
    session: Session,
    principal: Principal,
    ad_id: int,
    image_id: int,
    changes: Mapping[str, Any],
) -> Image:
    """Change `alt_text` or `order`; raises NotFound or Forbidden."""
    require_own_ad(session, principal, ad_id)
    if changes:
        session.execute(
            update(Image)
            .where(*_of_ad(ad_id, image_id))
            .values(**changes)
            .execution_options(synchronize_session=False)
        )
    image = session.scalar(
        select(Image).where(*_of_ad(ad_id, image_id)).execution_options(populate_existing=True)
    )
    session.commit()
    if image is None:
        raise NotFound("This ad has no such image.")
    return image


def delete_image(
    session: Session,
    principal: Principal,
    ad_id: int,
    image_id: int,
    *,
    limits: Limits,
    now: datetime,
) -> None:
    """Delete an image's row and give its place back; the outbox deletes the object."""
    require_own_ad(session, principal, ad_id)
    key = session.scalar(
        delete(Image)
        .where(*_of_ad(ad_id, image_id))
        .returning(Image.key)
        .execution_options(synchronize_session=False)
    )
    if key is None:
        session.rollback()
        raise NotFound("This ad has no such image.")
    places.give_back(session, AD.name, ad_id)
    outbox.enqueue(
        session,
        object_key(limits.location, key),
        now=now,
        form_dead_at=now + limits.signature_life,
    )
    session.commit()
    audit.record(
        audit.Act.IMAGE_DELETED, principal, f"{AD.name}/{ad_id}", {"image": image_id, "key": key}
    )


def _of_ad(ad_id: int, image_id: int) -> tuple[Any, ...]:
    return (Image.id == image_id, Image.owner_kind == AD.name, Image.owner_id == ad_id)
