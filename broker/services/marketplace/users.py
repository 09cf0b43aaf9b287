"""Users: read and edit them, and their avatars."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from sqlalchemy import ColumnElement, select, update
from sqlalchemy.orm import Session

from broker.db.models import Image, User
from broker.domain.errors import AvatarNotConfirmed, Forbidden, NotFound
from broker.domain.profiles import USER
from broker.domain.subjects import own_id
from broker.services.marketplace.sign_in import ensure_user, stored_id
from broker.services.uploads.images import delete_of_owner
from broker.services.work import Work


@dataclass(frozen=True, kw_only=True)
class UserView:
    """A user and their avatar."""

    user: User
    avatar: Image | None


def get_user(work: Work, user_id: int) -> UserView:
    """Return a user; raise NotFound if the user has never signed in, or was erased."""
    user = work.session.scalar(
        select(User).where(*_is_user(user_id)).execution_options(populate_existing=True)
    )
    avatar = _avatar(work.session, user_id)
    work.session.commit()
    if user is None:
        raise NotFound("There is no such user.")
    return UserView(user=user, avatar=avatar)


def find_user(work: Work, subject: str) -> UserView:
    """Return the user with this subject, for services; raise Forbidden or NotFound."""
    if not work.principal.is_service:
        raise Forbidden("Only a service may find users by their subjects.")
    user_id = own_id(subject) or stored_id(work.session, subject)
    return get_user(work, user_id or 0)


def get_own_user(work: Work) -> UserView:
    """Return the caller's user."""
    # If the database was restored from a backup, the user of a cached token may have no row.
    return get_user(work, ensure_user(work.session, work.principal, now=work.now))


def edit_user(work: Work, user_id: int, changes: Mapping[str, Any]) -> UserView:
    """Change the names or the avatar.

    If `avatar` is None, the avatar is removed. Otherwise it must be the upload id of the current
    avatar.

    Raises:
        NotFound, Forbidden: the user does not exist, or is not the caller.
        AvatarNotConfirmed: the upload is not this user's confirmed avatar.
    """
    known = work.session.scalar(select(User.id).where(*_is_user(user_id)))
    work.session.commit()
    if known is None:
        raise NotFound("There is no such user.")
    if work.principal.user_id != user_id:
        raise Forbidden("You cannot edit another user.")
    names = {name: changes[name] for name in ("first_name", "last_name") if name in changes}
    work.session.execute(
        update(User).where(*_is_user(user_id)).values(**names, updated_at=work.now)
    )
    if "avatar" in changes:
        _set_avatar(work, user_id, changes["avatar"])
    work.session.commit()
    return get_user(work, user_id)


def _set_avatar(work: Work, user_id: int, upload_id: UUID | None) -> None:
    """Remove the avatar, or check that the upload is the current one."""
    if upload_id is None:
        delete_of_owner(
            work.session, work.limits, work.limits.profiles.avatar, user_id, now=work.now
        )
        return
    avatar = _avatar(work.session, user_id)
    if avatar is None or avatar.upload_id != upload_id:
        work.session.rollback()
        message = "Not the upload of your current avatar; confirming an upload sets the avatar."
        raise AvatarNotConfirmed(message, {"avatar": [message]})


def _is_user(user_id: int) -> tuple[ColumnElement[bool], ...]:
    return (User.id == user_id, User.is_erased.is_(False))


def _avatar(session: Session, user_id: int) -> Image | None:
    return session.scalar(select(Image).where(Image.owner_kind == USER, Image.owner_id == user_id))
