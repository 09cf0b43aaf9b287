"""Owners of images: the right to upload for an owner, and the count of its slots.

A slot is one of the images that an owner may have. `insert_uploads` reserves slots with one
conditional UPDATE, so the database's row lock decides who gets the last one. The code that ends an
upload, by compare-and-set, releases its slot in the same transaction. So a slot is released exactly
once.
"""

from collections.abc import Collection

from sqlalchemy import ColumnElement, exists, select, update
from sqlalchemy.orm import Session

from broker.db.fast_path import still_owns
from broker.db.models import Upload
from broker.db.owner_tables import OwnerTable, table_of
from broker.domain.errors import Forbidden, NotFound
from broker.domain.owners import OwnerKind
from broker.services.work import Work


def authorise(work: Work, kind: OwnerKind, owner_id: int) -> int:
    """Return the id of the owner's user, if the caller may upload for the owner.

    Raises:
        NotFound: there is no such owner.
        Forbidden: it belongs to another user.
    """
    refuse_other_users(work, kind, owner_id)
    table = table_of(kind.name)
    user_id = work.session.scalar(select(table.user_id).where(table.id == owner_id))
    work.session.commit()
    if user_id is None:
        raise NotFound(f"There is no such {kind.name}.")
    if not work.principal.acts_for(user_id):
        raise Forbidden(f"This {kind.name} is not yours.")
    return user_id


def refuse_other_users(work: Work, kind: OwnerKind, owner_id: int) -> None:
    """Raise Forbidden if the owner is a user other than the caller.

    This needs no lookup, so callers cannot find out which users exist.
    """
    if table_of(kind.name).is_users and not work.principal.acts_for(owner_id):
        raise Forbidden("You cannot do this for another user.")


def still_belongs(upload: Upload) -> ColumnElement[bool]:
    """Return the condition that the upload's owner still belongs to the upload's user."""
    table = table_of(upload.owner_kind)
    return exists().where(table.id == upload.owner_id, table.user_id == upload.user_id)


def rights(work: Work, upload: Upload) -> list[ColumnElement[bool]]:
    """Return the conditions under which the caller still has the right to the upload's owner."""
    return [] if owner_to_check(work, upload) is None else [still_belongs(upload)]


def owner_to_check(work: Work, upload: Upload) -> OwnerTable | None:
    """Return the table of the upload's owner; None if the caller cannot lose the right to it."""
    table = table_of(upload.owner_kind)
    return None if work.principal.is_service or table.is_users else table


def require_right(work: Work, upload: Upload) -> None:
    """Raise NotFound if the caller has lost the right to the upload's owner since the ticket."""
    owner = owner_to_check(work, upload)
    if owner is not None and not still_owns(work.session, owner, upload):
        raise NotFound("There is no such upload.")


def existing(session: Session, kind: OwnerKind, owner_ids: Collection[int]) -> set[int]:
    """Return the ids that exist."""
    table = table_of(kind.name)
    return set(session.scalars(select(table.id).where(table.id.in_(owner_ids))))


def lock_owner(session: Session, kind: OwnerKind, owner_id: int) -> None:
    """Lock the owner's row, so that a second transaction waits and sees the first one's image.

    SQLite has no row locks: there the first write of a transaction locks the database.
    """
    table = table_of(kind.name)
    locked = select(table.id).where(table.id == owner_id).with_for_update(key_share=True)
    session.execute(locked)


def add_slots(session: Session, kind: OwnerKind, owner_id: int, count: int) -> bool:
    """Count existing images, even above the limit; return False if the owner was deleted.

    The owner's row stays locked, so that nobody deletes it before the transaction ends.
    """
    table = table_of(kind.name)
    if table.slots is None:
        return bool(existing(session, kind, [owner_id]))
    added = session.execute(
        update(table.id.class_)
        .where(table.id == owner_id)
        .values({table.slots: table.slots + count})
        .returning(table.id)
        .execution_options(synchronize_session=False)
    )
    return added.first() is not None


def release_slots(session: Session, kind: str, owner_id: int, count: int = 1) -> None:
    """Release slots; do nothing if the owner was deleted or its slots are not counted."""
    table = table_of(kind)
    if table.slots is not None:
        session.execute(
            update(table.id.class_)
            .where(table.id == owner_id)
            .values({table.slots: table.slots - count})
            .execution_options(synchronize_session=False)
        )
