"""Insert and delete the rows of images. The outbox deletes their objects."""

from collections import Counter, defaultdict
from collections.abc import Iterable
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import ColumnElement, Row, delete, exists, select
from sqlalchemy.orm import Session

from broker.db.models import Image, ImageVariant, Upload
from broker.domain.lifetimes import signature_life
from broker.domain.limits import Limits
from broker.domain.object_keys import published_key
from broker.domain.profiles import Profile
from broker.services.events import record as events
from broker.services.uploads import outbox
from broker.services.uploads.owners import lock_owner, release_slots
from broker.services.uploads.state import lose_images


def delete_images(
    session: Session,
    limits: Limits,
    *conditions: ColumnElement[bool],
    now: datetime,
    erasure_id: UUID | None = None,
) -> list[str]:
    """Delete the images that meet the conditions; return their relative keys.

    Their slots are released, and an event is recorded for each. The outbox deletes their objects
    after the commit, never before.
    """
    doomed = select(Image.id).where(*conditions)
    # Lock the images, so that nobody adds a variant in between.
    session.execute(doomed.with_for_update())
    variants = session.execute(
        delete(ImageVariant)
        .where(ImageVariant.image_id.in_(doomed))
        .returning(*ImageVariant.__table__.columns)
        .execution_options(synchronize_session=False)
    ).all()
    rows = session.execute(
        delete(Image)
        .where(*conditions)
        .returning(*Image.__table__.columns)
        .execution_options(synchronize_session=False)
    ).all()
    owners = Counter((row.owner_kind, row.owner_id) for row in rows)
    for (kind, owner_id), count in sorted(owners.items()):
        release_slots(session, limits.profiles.of_kind(kind), owner_id, count)
    keys = [row.key for row in (*rows, *variants)]
    delete_objects(session, limits, keys, now=now, erasure_id=erasure_id)
    users = lose_images(session, [row.upload_id for row in rows if row.upload_id], now=now)
    by_image = _by_image(variants)
    with_variants = [(row, by_image[row.id]) for row in rows]
    events.images_deleted(session, limits.profiles, with_variants, users=users, now=now)
    return [row.key for row in rows]


def _by_image(variants: Iterable[Row[Any]]) -> dict[int, list[Row[Any]]]:
    found: dict[int, list[Row[Any]]] = defaultdict(list)
    for variant in sorted(variants, key=lambda variant: int(variant.width)):
        found[variant.image_id].append(variant)
    return found


def delete_objects(
    session: Session,
    limits: Limits,
    keys: Iterable[str],
    *,
    now: datetime,
    erasure_id: UUID | None = None,
) -> None:
    """Put the relative keys of images and variants without rows into the outbox."""
    form_dead_at = now + signature_life(limits)
    for key in keys:
        outbox.enqueue(
            session,
            published_key(limits, key),
            now=now,
            form_dead_at=form_dead_at,
            erasure_id=erasure_id,
        )


def delete_of_owner(
    session: Session, limits: Limits, profile: Profile, owner_id: int, *, now: datetime
) -> list[str]:
    """Delete all images of one owner; return their relative keys."""
    return delete_images(session, limits, *of_owner(profile, owner_id), now=now)


def insert(
    session: Session, limits: Limits, upload: Upload, image: Image, *, now: datetime
) -> bool:
    """Insert the image of an upload that has just been confirmed, and record the event.

    If its owner keeps one image, the image before is deleted. An image that was requested earlier
    never replaces one that was requested later: then nothing is inserted, the slot is released, and
    this returns False.
    """
    profile = limits.profiles.of_kind(upload.owner_kind)
    if profile.keeps_one:
        lock_owner(session, profile, upload.owner_id)
        if has_newer(session, limits, upload):
            release_slots(session, profile, upload.owner_id)
            lose_images(session, [upload.id], now=now)
            return False
        delete_of_owner(session, limits, profile, upload.owner_id, now=now)
    session.add(image)
    session.flush()
    events.images_ready(session, limits.profiles, [image], user_id=upload.user_id, now=now)
    return True


def updated(
    session: Session,
    limits: Limits,
    image: Image,
    *,
    now: datetime,
    removed: Iterable[str] = (),
) -> None:
    """Record the event of an image that was changed in this transaction, and read again since.

    `removed` are the relative keys that it has no more.
    """
    by = None
    if image.upload_id is not None:
        by = session.scalar(select(Upload.user_id).where(Upload.id == image.upload_id))
    events.image_updated(session, limits.profiles, image, user_id=by, now=now, removed=removed)


def has_newer(session: Session, limits: Limits, upload: Upload) -> bool:
    """Check whether an image of the same owner comes from an upload that was requested later."""
    profile = limits.profiles.of_kind(upload.owner_kind)
    # The ids are UUIDv7, which are in the order of time.
    newer = exists().where(Upload.id == Image.upload_id, Upload.id > upload.id)
    return session.scalar(select(newer.where(*of_owner(profile, upload.owner_id)))) or False


def of_owner(profile: Profile, owner_id: int) -> tuple[ColumnElement[bool], ...]:
    """Return the conditions that match the images of one owner."""
    return (Image.owner_kind == profile.owner_kind, Image.owner_id == owner_id)
