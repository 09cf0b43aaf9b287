"""The published files of one owner: list, edit and delete them.

The rights are those of the owner: its user's by our tables, or those of grants. A service has all.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import ColumnElement, select, update

from broker.db.models import Image, ImageVariant
from broker.db.published import FileRow, Position, page_of_images
from broker.domain.errors import NotFound
from broker.domain.grants import Action
from broker.domain.object_keys import published_key
from broker.domain.profiles import Profile
from broker.services.uploads import outbox
from broker.services.uploads.images import delete_images, of_owner, updated
from broker.services.uploads.owners import authorise, id_of, is_older_grant, user_of
from broker.services.work import Work
from broker.telemetry import audit

_MISSING = "This owner has no such file."


@dataclass(frozen=True, kw_only=True)
class FilePage:
    """Files in their order, and whether the caller may know the names that they were sent with."""

    files: Sequence[FileRow]
    shows_names: bool


def list_files(
    work: Work, profile: Profile, owner: str, *, after: Position | None, limit: int
) -> FilePage:
    """Return the files after a position; `limit + 1` files if another page follows.

    An owner by token without uploads has no files.

    Raises:
        NotFound: there is no such owner in our tables.
        Forbidden: the profile is private, and the caller has no right to read its files.
    """
    shows_names = _shows_names(work, profile, owner)
    owner_id = id_of(work.session, profile, owner)
    if owner_id is None:
        return FilePage(files=[], shows_names=shows_names)
    files = page_of_images(work.session, profile.owner_kind, owner_id, after=after, limit=limit + 1)
    return FilePage(files=files, shows_names=shows_names)


def edit_file(
    work: Work, profile: Profile, owner: str, file_id: int, changes: Mapping[str, Any]
) -> Image:
    """Change `alt_text` or `order`; raise NotFound or Forbidden."""
    user_id, which = _authorise_file(work, profile, owner, file_id, Action.UPDATE)
    session = work.session
    if changes:
        session.execute(
            update(Image)
            .where(*which)
            .values(**changes)
            .execution_options(synchronize_session=False)
        )
    file = session.scalar(select(Image).where(*which).execution_options(populate_existing=True))
    if file is None:
        raise NotFound(_MISSING)
    if changes:
        updated(session, work.limits, file, now=work.now)
    session.commit()
    _record(audit.Act.IMAGE_EDITED, work, profile, file_id, file.key, user_id)
    return file


def delete_file(work: Work, profile: Profile, owner: str, file_id: int) -> None:
    """Delete a file's row and release its slot; the outbox deletes its objects.

    Those of a private file are deleted now, because URLs to them were handed out, unless the bucket
    does not answer.

    Raises:
        NotFound, Forbidden: see `edit_file`.
    """
    user_id, which = _authorise_file(work, profile, owner, file_id, Action.DELETE)
    variants = _variants(work, *which) if profile.is_private else []
    keys = delete_images(work.session, work.limits, *which, now=work.now)
    work.session.commit()
    if not keys:
        raise NotFound(_MISSING)
    _record(audit.Act.IMAGE_DELETED, work, profile, file_id, keys[0], user_id)
    if profile.is_private:
        for key in (*keys, *variants):
            outbox.drain(work, only_key=published_key(work.limits, key))


def _variants(work: Work, *which: ColumnElement[bool]) -> Sequence[str]:
    keys = select(ImageVariant.key).join(Image, Image.id == ImageVariant.image_id).where(*which)
    return work.session.scalars(keys).all()


def may_read(work: Work, profile: Profile, owner: str) -> bool:
    """Check whether a caller who may change a file of the owner may also read it."""
    is_open = not profile.is_private or not profile.is_by_token
    return is_open or work.principal.may(Action.READ, profile.name, owner)


def _authorise_file(
    work: Work, profile: Profile, owner: str, file_id: int, action: Action
) -> tuple[int, tuple[ColumnElement[bool], ...]]:
    """Return the owner's user and the conditions that match the file, if the caller may do it."""
    user_id = authorise(work, profile, owner, action)
    owner_id = id_of(work.session, profile, owner)
    if owner_id is None:
        raise NotFound(_MISSING)
    return user_id, (Image.id == file_id, *of_owner(profile, owner_id))


def _record(
    act: audit.Act, work: Work, profile: Profile, file_id: int, key: str, user_id: int
) -> None:
    owner = work.limits.profiles.label(profile.owner_kind, key)
    line = {"image": file_id, "key": key, "for_user": user_id, "owner": owner}
    audit.record(act, work.principal, line)


def _shows_names(work: Work, profile: Profile, owner: str) -> bool:
    """Check whether the caller may know names of files; raise Forbidden if not even the files.

    Anyone may list public files, but a name can contain a person's own.
    """
    if profile.is_private:
        authorise(work, profile, owner, Action.READ)
        return True
    if profile.is_by_token:
        granted = any(work.principal.may(action, profile.name, owner) for action in Action)
        return granted and not is_older_grant(work, profile, owner)
    return work.principal.acts_for(user_of(work, profile, owner))
