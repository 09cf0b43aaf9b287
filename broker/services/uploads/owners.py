"""Owners of uploads: the right to upload for an owner, and the count of its slots.

A slot is one of the files that an owner may have. `insert_uploads` reserves slots with one
conditional UPDATE, so the database's row lock decides who gets the last one. The code that ends an
upload, by compare-and-set, releases its slot in the same transaction. So a slot is released exactly
once.

Our tables of ads and users say which user has an owner. For a profile with owners by token, the
grants of the caller decide, and the table `owners` only counts.

The right is checked before a ticket (`refuse_without_right`, then `authorise` or the insert), at
each request for an upload (`may_handle`), and when it is confirmed (`require_right`).
"""

import secrets
from collections.abc import Collection, Sequence
from datetime import datetime
from functools import cache
from typing import Any

from sqlalchemy import ColumnElement, Select, bindparam, select, update
from sqlalchemy.orm import Session

from broker.db import used_profiles
from broker.db.fast_path import read_rows
from broker.db.models import Owner, Upload, User
from broker.db.owner_tables import OwnerTable, table_of
from broker.db.row_locks import lock, lock_shared
from broker.db.upsert import insert_new
from broker.domain.errors import Forbidden, NotFound, ProfilesChanged
from broker.domain.grants import Action
from broker.domain.principal import Principal
from broker.domain.profiles import Profile
from broker.services.work import Work

TRIES = 5
ID_MAX = 2**52
_ERASED = "{profile}/{owner} was erased after your token was issued; get a new one."


def authorise(work: Work, profile: Profile, owner: str, action: Action = Action.CREATE) -> int:
    """Return the id of the owner's user, if the caller has the right to an action for the owner.

    For an owner by token it is the caller's own id.

    Raises:
        NotFound: there is no such owner.
        Forbidden: it belongs to another user, no grant names it, or it was erased since the grant
            was issued.
    """
    refuse_without_right(work.principal, profile, owner, action)
    if profile.is_by_token:
        refuse_older_grant(work, profile, owner)
        return work.principal.user_id
    user_id = user_of(work, profile, owner)
    if not work.principal.acts_for(user_id):
        raise Forbidden(f"This {profile.owner_kind} is not yours.")
    return user_id


def refuse_older_grant(work: Work, profile: Profile, owner: str) -> None:
    """Raise Forbidden if an owner by token was erased since the caller's grant was issued."""
    if is_older_grant(work, profile, owner):
        raise Forbidden(_ERASED.format(profile=profile.name, owner=owner))


def is_older_grant(work: Work, profile: Profile, owner: str) -> bool:
    """Check whether an owner by token was erased since the caller's grant was issued."""
    if work.principal.is_service or work.principal.subject is None:
        # Without a token, the caller is that of a ticket or of an Uppy session that is not over: an
        # erasure would have ended it.
        return False
    stored = _stored(work.session, profile, owner)
    return stored is not None and work.principal.predates(stored[1])


def user_of(work: Work, profile: Profile, owner: str) -> int:
    """Return the id of the user who has the owner in our tables; raise NotFound without one."""
    found = read_rows(work.session, _user_of(table_of(profile)), {"owner_id": int(owner)})
    if not found:
        raise NotFound(f"There is no such {profile.owner_kind}.")
    return int(found[0][0])


def refuse_without_right(caller: Principal, profile: Profile, owner: str, action: Action) -> None:
    """Raise Forbidden if the caller certainly has no right to an action for the owner.

    This needs no lookup, so callers cannot find out which owners exist.
    """
    if profile.is_by_token:
        if not caller.may(action, profile.name, owner):
            raise Forbidden(f"Your token has no grant to {action} for {profile.name}/{owner}.")
    elif table_of(profile).is_users and not caller.acts_for(int(owner)):
        raise Forbidden("You cannot do this for another user.")


def may_handle(work: Work, upload: Upload) -> bool:
    """Check whether the caller may handle an upload: that of the user, or of a granted owner."""
    profile = profile_of(work, upload.owner_kind)
    if not profile.is_by_token:
        return work.principal.acts_for(upload.user_id)
    owner = profile.owner_in(upload.key)
    return owner is not None and has_grant(work, profile, owner)


def has_grant(work: Work, profile: Profile, owner: str) -> bool:
    """Check whether the caller has a grant to upload for an owner, newer than its last erasure."""
    granted = work.principal.may(Action.CREATE, profile.name, owner)
    return granted and not is_older_grant(work, profile, owner)


def profile_of(work: Work, owner_kind: str) -> Profile:
    """Return the profile of rows that a caller has named.

    Raises:
        ProfilesChanged: this process was started before the profile was declared.
    """
    try:
        return work.limits.profiles.of_kind(owner_kind)
    except LookupError as error:
        raise ProfilesChanged(
            "The profiles are being changed; try again later.", reason=str(error)
        ) from error


def rights(work: Work, upload: Upload) -> list[ColumnElement[bool]]:
    """Return the conditions under which the caller still has the right to the upload's owner."""
    table = owner_to_check(work, upload)
    return [] if table is None else [table.has_user(upload.owner_id, upload.user_id)]


def owner_to_check(work: Work, upload: Upload) -> OwnerTable | None:
    """Return the table of the upload's owner; None if the caller cannot lose the right to it.

    A grant cannot be lost while its token is valid; `may_handle` has checked it.
    """
    table = table_of(work.limits.profiles.of_kind(upload.owner_kind))
    fixed = work.principal.is_service or table.is_users or table.user_id is None
    return None if fixed else table


def require_right(work: Work, upload: Upload) -> None:
    """Raise NotFound if the caller has lost the right to the upload's owner since the ticket.

    The upload must come from `get_upload`, which sets `still_owned`.
    """
    if owner_to_check(work, upload) is None:
        return
    if upload.still_owned is None:
        raise LookupError("read the upload with get_upload")
    if not upload.still_owned:
        raise NotFound("There is no such upload.")


def id_of(session: Session, profile: Profile, owner: str) -> int | None:
    """Return the id that uploads and images store for an owner; None if it has none yet.

    An integer is its own id, even if there is no such owner.
    """
    return int(owner) if profile.has_integer_owners else _stored_id(session, profile, owner)


def add_owner(session: Session, profile: Profile, owner: str) -> int:
    """Return the id of an owner by token; insert its row if there is none.

    A new owner has no files: those of our tables got their rows when the installation moved
    (`db/moved_owners.py`).

    Raises:
        ProfilesChanged: the profile was used with another prefix or visibility.
    """
    for _ in range(TRIES):
        found = _stored_id(session, profile, owner)
        if found is not None:
            return found
        used_profiles.use(session, profile)
        new = int(owner) if profile.has_integer_owners else 1 + secrets.randbelow(ID_MAX)
        row = {"owner_kind": profile.owner_kind, "id": new, "owner": owner, "slots_taken": 0}
        insert_new(session, Owner, [row], Owner.id)
    raise RuntimeError("no free id was found for a new owner")


def open_owner(work: Work, profile: Profile, owner: str) -> int:
    """Return the id of an owner by token that gets files; insert its row if there is none.

    The caller has the right to it. If the owner was erased before the caller's token was issued, it
    is an owner again. Nobody erases it before the transaction ends.

    Raises:
        ProfilesChanged: see `add_owner`.
        Forbidden: it was erased after the caller's token was issued.
    """
    owner_id = add_owner(work.session, profile, owner)
    row = (Owner.owner_kind == profile.owner_kind, Owner.id == owner_id)
    state = lock(work.session, Owner, *row)
    if state is None or work.principal.predates(state.erased_at):
        raise Forbidden(_ERASED.format(profile=profile.name, owner=owner))
    if state.is_erased:
        work.session.execute(
            update(Owner)
            .where(*row)
            .values(is_erased=False)
            .execution_options(synchronize_session=False)
        )
    return owner_id


def _stored_id(session: Session, profile: Profile, owner: str) -> int | None:
    stored = _stored(session, profile, owner)
    return None if stored is None else int(stored[0])


def _stored(session: Session, profile: Profile, owner: str) -> Sequence[Any] | None:
    """Return the id of an owner by token, and when it was erased last; None without a row."""
    values = {"kind": profile.owner_kind, "name": owner}
    found = read_rows(session, _by_name(), values)
    return found[0] if found else None


@cache
def _by_name() -> Select[int, datetime | None]:
    named = (Owner.owner_kind == bindparam("kind"), Owner.owner == bindparam("name"))
    return select(Owner.id, Owner.erased_at).where(*named)


@cache
def _user_of(table: OwnerTable) -> Select[Any]:
    return select(table.user).where(table.has_id(bindparam("owner_id")))


def is_erased(session: Session, profile: Profile, owner: str) -> bool:
    """Check whether an owner by token was erased and has not come back."""
    named = (Owner.owner_kind == profile.owner_kind, Owner.owner == owner)
    return session.scalar(select(Owner.id).where(*named, Owner.is_erased)) is not None


def existing(session: Session, profile: Profile, owner_ids: Collection[int]) -> set[int]:
    """Return the ids that exist."""
    table = table_of(profile)
    return set(session.scalars(select(table.id).where(table.id.in_(owner_ids), *table.only)))


def lock_user(session: Session, user_id: int) -> None:
    """Lock a user's row, so that nobody erases the user before the transaction ends.

    Raises:
        NotFound: the user was erased in the meantime.
    """
    state = lock_shared(session, User, User.id == user_id)
    if state is None or state.is_erased:
        raise NotFound("There is no such user.")


def lock_owner(session: Session, profile: Profile, owner_id: int) -> None:
    """Lock the owner's row, so that a second transaction waits and sees the first one's image.

    SQLite has no row locks: there the first write of a transaction locks the database.
    """
    table = table_of(profile)
    locked = select(table.id).where(table.has_id(owner_id)).with_for_update(key_share=True)
    session.execute(locked)


def add_slots(session: Session, profile: Profile, owner_id: int, count: int) -> bool:
    """Count existing images, even above the limit; return False if the owner was deleted or erased.

    The owner's row stays locked, so that nobody deletes it before the transaction ends.
    """
    table = table_of(profile)
    if table.slots is None:
        row = select(table.id).where(table.has_id(owner_id)).with_for_update(read=True)
        return session.scalar(row) is not None
    added = session.execute(
        update(table.id.class_)
        .where(table.has_id(owner_id))
        .values({table.slots: table.slots + count})
        .returning(table.id)
        .execution_options(synchronize_session=False)
    )
    return added.first() is not None


def release_slots(session: Session, profile: Profile, owner_id: int, count: int = 1) -> None:
    """Release slots; do nothing if the owner was deleted or its slots are not counted."""
    table = table_of(profile)
    if table.slots is not None:
        session.execute(
            update(table.id.class_)
            .where(table.has_id(owner_id))
            .values({table.slots: table.slots - count})
            .execution_options(synchronize_session=False)
        )
