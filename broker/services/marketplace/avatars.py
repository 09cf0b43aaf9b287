"""A user's avatar: at most one image, the newest confirmed."""

from datetime import datetime

from sqlalchemy import delete, select, update
from sqlalchemy.orm import Session

from broker.db.models import Image, User
from broker.domain.limits import Limits
from broker.domain.object_keys import object_key
from broker.domain.owners import USER
from broker.services.uploads import outbox


def get_avatar(session: Session, user_id: int) -> Image | None:
    """Read the user's avatar."""
    return session.scalar(
        select(Image).where(Image.owner_kind == USER.name, Image.owner_id == user_id)
    )


def replace_avatar(session: Session, limits: Limits, image: Image, *, now: datetime) -> None:
    """Make room for a newly confirmed avatar; nothing to do for an ad's image."""
    if image.owner_kind == USER.name:
        remove_avatar(session, limits, image.owner_id, now=now)


def remove_avatar(session: Session, limits: Limits, user_id: int, *, now: datetime) -> None:
    """Remove the avatar's row; the outbox deletes its object after the commit, never before.

    The user's row is locked first, by changing it: of two confirms at once the second sees
    the image that the first has recorded.
    """
    session.execute(update(User).where(User.id == user_id).values(updated_at=now))
    keys = session.scalars(
        delete(Image)
        .where(Image.owner_kind == USER.name, Image.owner_id == user_id)
        .returning(Image.key)
        .execution_options(synchronize_session=False)
    ).all()
    for key in keys:
        outbox.enqueue(
            session,
            object_key(limits.location, key),
            now=now,
            form_dead_at=now + limits.signature_life,
        )
