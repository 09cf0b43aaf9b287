"""Profiles: read and edit."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import select, update
from sqlalchemy.orm import Session

from broker.db.models import Image, User
from broker.domain.errors import AvatarNotConfirmed, Forbidden, NotFound
from broker.domain.limits import Limits
from broker.domain.principal import Principal
from broker.services.marketplace.avatars import get_avatar, remove_avatar


@dataclass(frozen=True, kw_only=True)
class UserView:
    """A user and their avatar."""

    user: User
    avatar: Image | None


def get_user(session: Session, user_id: int) -> UserView:
    """Read a profile; NotFound for a user who has never signed in."""
    user = session.scalar(
        select(User).where(User.id == user_id).execution_options(populate_existing=True)
    )
    if user is None:
        raise NotFound("There is no such user.")
    avatar = get_avatar(session, user_id)
    session.commit()
    return UserView(user=user, avatar=avatar)


def edit_user(
    session: Session,
    principal: Principal,
    user_id: int,
    changes: Mapping[str, Any],
    *,
    limits: Limits,
    now: datetime,
) -> UserView:
    """Change names, or the avatar: None removes it, an upload's id must be the current one's.

    Raises:
        NotFound, Forbidden: no such user, or another one.
        AvatarNotConfirmed: the upload is not this user's confirmed avatar.
    """
    known = session.scalar(select(User.id).where(User.id == user_id))
    session.commit()
    if known is None:
        raise NotFound("There is no such user.")
    if principal.user_id != user_id:
        raise Forbidden("This profile is not yours.")
    names = {name: changes[name] for name in ("first_name", "last_name") if name in changes}
    session.execute(update(User).where(User.id == user_id).values(**names, updated_at=now))
    if "avatar" in changes:
        _set_avatar(session, limits, user_id, changes["avatar"], now)
    session.commit()
    return get_user(session, user_id)


def _set_avatar(
    session: Session, limits: Limits, user_id: int, upload_id: UUID | None, now: datetime
) -> None:
    if upload_id is None:
        remove_avatar(session, limits, user_id, now=now)
        return
    avatar = get_avatar(session, user_id)
    if avatar is None or avatar.upload_id != upload_id:
        session.rollback()
        message = "Not the id of your confirmed avatar upload; confirming one sets the avatar."
        raise AvatarNotConfirmed(message, {"avatar": [message]})
