"""Insert and delete the rows of images. The outbox deletes their objects."""

from collections import Counter
from collections.abc import Iterable
from datetime import datetime
from uuid import UUID

from sqlalchemy import ColumnElement, delete, exists, select
from sqlalchemy.orm import Session

from broker.db.models import Image, ImageVariant, Upload
from broker.domain.lifetimes import signature_life
from broker.domain.limits import Limits
from broker.domain.object_keys import published_key
from broker.domain.profiles import Profile
from broker.services.uploads import outbox
from broker.services.uploads.owners import lock_owner, release_slots


def delete_images(
    session: Session,
    limits: Limits,
    *conditions: ColumnElement[bool],
    now: datetime,
    erasure_id: UUID | None = None,
) -> list[str]:
    """Delete the images that meet the conditions; return their relative keys.

    Their slots are released. The outbox deletes their objects after the commit, never before.
    """
    doomed = select(Image.id).where(*conditions)
    # Lock the images, so that nobody adds a variant in between.
    session.execute(doomed.with_for_update())
    variants = session.scalars(
        delete(ImageVariant)
        .where(ImageVariant.image_id.in_(doomed))
        .returning(ImageVariant.key)
        .execution_options(synchronize_session=False)
    ).all()
    rows = session.execute(
        delete(Image)
        .where(*conditions)
        .returning(Image.key, Image.owner_kind, Image.owner_id)
        .execution_options(synchronize_session=False)
    ).all()
    owners = Counter((row.owner_kind, row.owner_id) for row in rows)
    for (kind, owner_id), count in sorted(owners.items()):
        release_slots(session, limits.profiles.of_kind(kind), owner_id, count)
    keys = [*(row.key for row in rows), *variants]
    delete_objects(session, limits, keys, now=now, erasure_id=erasure_id)
    return [row.key for row in rows]


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
    """Insert the image of an upload that has just been confirmed.

    If its owner keeps one image, the image before is deleted. An image that was requested earlier
    never replaces one that was requested later: then nothing is inserted, the slot is released, and
    this returns False.
    """
    profile = limits.profiles.of_kind(upload.owner_kind)
    if profile.keeps_one:
        lock_owner(session, profile, upload.owner_id)
        if has_newer(session, limits, upload):
            release_slots(session, profile, upload.owner_id)
            return False
        delete_of_owner(session, limits, profile, upload.owner_id, now=now)
    session.add(image)
    return True


def has_newer(session: Session, limits: Limits, upload: Upload) -> bool:
    """Check whether an image of the same owner comes from an upload that was requested later."""
    profile = limits.profiles.of_kind(upload.owner_kind)
    # The ids are UUIDv7, which are in the order of time.
    newer = exists().where(Upload.id == Image.upload_id, Upload.id > upload.id)
    return session.scalar(select(newer.where(*of_owner(profile, upload.owner_id)))) or False


def of_owner(profile: Profile, owner_id: int) -> tuple[ColumnElement[bool], ...]:
    """Return the conditions that match the images of one owner."""
    return (Image.owner_kind == profile.owner_kind, Image.owner_id == owner_id)
