"""Move the owners of a profile from our tables to grants, or back: only the counted slots move.

Images and uploads keep their rows and keys, because the id of an ad or a user is the owner in both.
"""

from sqlalchemy import (
    ColumnElement,
    String,
    Subquery,
    cast,
    delete,
    func,
    insert,
    literal,
    select,
    text,
    union_all,
    update,
)
from sqlalchemy.orm import Session

from broker.db.models import Image, Owner, Upload
from broker.db.owner_tables import table_of
from broker.domain.profiles import Profile
from broker.domain.states import UNFINISHED


def fault_of_move(session: Session, profile: Profile) -> str | None:
    """Return why the profile's owners cannot be moved; None if they can.

    Grants may name any owner. Our tables need a row for each owner that has files or unfinished
    uploads.
    """
    if profile.is_by_token:
        return None
    table, taken = table_of(profile), _taken(profile)
    unknown = taken.c.owner_id.not_in(select(table.id))
    count, example = session.execute(
        select(func.count(), func.min(taken.c.owner_id)).where(unknown)
    ).one()
    if not count:
        return None
    return (
        f'{profile.name}: owners is "table", but owner {example} has files or unfinished uploads'
        f" and no row in the table {table.id.class_.__tablename__} (owners like this: {count})"
    )


def move_slots(session: Session, profile: Profile) -> None:
    """Count the slots of all owners in the table that counts them from now on.

    This is one step of the caller's transaction. Processes with the other setting must have ended.
    """
    _without_timeout(session)
    # Those of erased owners stay, so that older grants do not count.
    live = (Owner.owner_kind == profile.owner_kind, Owner.erased_at.is_(None))
    session.execute(delete(Owner).where(*live))
    if profile.is_by_token:
        _fill_owners(session, profile)
    else:
        _count_in_table(session, profile)


def count_again(session: Session, profile: Profile) -> None:
    """Count the slots of a profile's owners by token, after `keeps_one` has changed.

    This is one step of the caller's transaction. Processes with the other setting must have ended.
    """
    _without_timeout(session)
    taken = _taken(profile)
    mine = select(taken.c.taken).where(taken.c.owner_id == Owner.id).scalar_subquery()
    session.execute(
        update(Owner)
        .where(Owner.owner_kind == profile.owner_kind)
        .values(slots_taken=literal(0) if profile.keeps_one else func.coalesce(mine, 0))
        .execution_options(synchronize_session=False)
    )


def _without_timeout(session: Session) -> None:
    if session.get_bind().dialect.name == "postgresql":
        session.execute(text("SET LOCAL statement_timeout = 0"))


def _fill_owners(session: Session, profile: Profile) -> None:
    taken = _taken(profile)
    slots = literal(0) if profile.keeps_one else taken.c.taken
    known = select(Owner.id).where(Owner.owner_kind == profile.owner_kind)
    rows = select(
        literal(profile.owner_kind), taken.c.owner_id, cast(taken.c.owner_id, String(64)), slots
    ).where(taken.c.owner_id.not_in(known))
    columns = [Owner.owner_kind, Owner.id, Owner.owner, Owner.slots_taken]
    # Owners that were erased before count again first: they may have come back.
    count_again(session, profile)
    session.execute(insert(Owner).from_select(columns, rows, include_defaults=False))


def _count_in_table(session: Session, profile: Profile) -> None:
    table, taken = table_of(profile), _taken(profile)
    if table.slots is None:
        return
    mine = select(taken.c.taken).where(taken.c.owner_id == table.id).scalar_subquery()
    counted = func.coalesce(mine, 0)
    session.execute(
        update(table.id.class_)
        .where(table.slots != counted)
        .values({table.slots: counted})
        .execution_options(synchronize_session=False)
    )


def _taken(profile: Profile) -> Subquery:
    """Return the owners with files or unfinished uploads, and the number of these."""
    kind = profile.owner_kind
    is_unfinished: ColumnElement[bool] = Upload.state.in_(UNFINISHED)
    files = union_all(
        select(Image.owner_id).where(Image.owner_kind == kind),
        select(Upload.owner_id).where(Upload.owner_kind == kind, is_unfinished),
    ).subquery()
    return (
        select(files.c.owner_id, func.count().label("taken")).group_by(files.c.owner_id).subquery()
    )
