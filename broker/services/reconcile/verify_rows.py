"""Compare the rows with each other, without the bucket: counters, states, owners.

Each comparison is one statement over rows that are committed together, so its result is also
right while the broker runs. `reconcile` compares the bucket with the rows.
"""

from collections.abc import Iterator
from uuid import UUID

from sqlalchemy import ColumnElement, Integer, Select, and_, func, literal, or_, select, union_all
from sqlalchemy.orm import Session

from broker.db.models import Deletion, Image, ImageVariant, Upload, UserQuota
from broker.db.owner_tables import OwnerTable, table_of
from broker.domain.states import UNFINISHED, UploadState
from broker.services.work import Work


def wrong_rows(work: Work) -> Iterator[str]:
    """Yield a message for each row that contradicts other rows."""
    session = work.session
    states = select(Image.id, Upload.id, Upload.state).join(Upload, Upload.id == Image.upload_id)
    confirmed = UploadState.CONFIRMED
    for image, upload, state in session.execute(states.where(Upload.state != confirmed)):
        yield f"image {image} is of upload {upload}, which is {state}"
    tables = [table_of(profile) for profile in work.limits.profiles]
    for table in tables:
        yield from _wrong_slots(session, table)
    for user_id, what, charged, actual in _wrong_quotas(session):
        yield f"user {user_id} is charged with {charged} {what}, and has {actual}"
    for table in tables:
        yield from _without_owner(session, table)
    yield from _wrong_variants(session)
    session.commit()


def _wrong_slots(session: Session, table: OwnerTable) -> Iterator[str]:
    """Compare the counted slots of a kind with its images and unfinished uploads."""
    if table.slots is None:
        return
    kind = table.owner_kind
    taken = _count(table, Image, Image.owner_kind == kind) + _count(
        table, Upload, and_(Upload.owner_kind == kind, Upload.state.in_(UNFINISHED))
    )
    counted = select(table.id, table.slots, taken).where(table.slots != taken, *table.only)
    for owner_id, slots, actual in session.execute(counted):
        yield f"{kind} {owner_id} counts {slots} slots, and has {actual}"


def _without_owner(session: Session, table: OwnerTable) -> Iterator[str]:
    """Find images and unfinished uploads of owners that do not exist."""
    kind = table.owner_kind
    for rows, what in (
        (select(Image.id, Image.owner_id).where(Image.owner_kind == kind), "image"),
        *((_in_state(kind, state), f"{state} upload") for state in UNFINISHED),
    ):
        found = rows.subquery()
        there = select(literal(1)).where(table.has_id(found.c.owner_id)).exists()
        for row, owner_id in session.execute(select(found).where(~there)):
            yield f"{what} {row} is of {kind} {owner_id}, which does not exist"


def _wrong_variants(session: Session) -> Iterator[str]:
    """Find variants without an image, and keys that an image and a variant have."""
    without = select(ImageVariant.id, ImageVariant.image_id).where(
        ImageVariant.image_id.not_in(select(Image.id))
    )
    for variant, image in session.execute(without):
        yield f"variant {variant} is of image {image}, which does not exist"
    shared = select(Image.id, ImageVariant.id, Image.key).join(
        ImageVariant, ImageVariant.key == Image.key
    )
    for image, variant, key in session.execute(shared):
        yield f"image {image} and variant {variant} have the same key {key}"


def _count(
    table: OwnerTable, rows: type[Image] | type[Upload], which: ColumnElement[bool]
) -> ColumnElement[int]:
    """Return a subquery that counts an owner's rows, for a statement over owners."""
    mine = select(func.count()).where(rows.owner_id == table.id, which)
    mine = mine.correlate(table.id.class_)
    return func.coalesce(mine.scalar_subquery(), 0, type_=Integer)


def _wrong_quotas(session: Session) -> Iterator[tuple[int, str, int, int]]:
    """Yield users whose charged quota differs from the uploads that reserved it."""
    late = Deletion.charged_window.is_not(None)
    owing = select(Deletion.upload_id).where(Deletion.upload_id.is_not(None), ~late)
    of_uploads = select(Upload.user_id, Upload.quota_window.label("window"), Upload.size).where(
        or_(Upload.state.in_([*UNFINISHED, UploadState.CONFIRMED]), Upload.id.in_(owing))
    )
    of_late_objects = (
        select(Upload.user_id, Deletion.charged_window, Upload.size)
        .join(Deletion, Deletion.upload_id == Upload.id)
        .where(late)
    )
    charges = union_all(of_uploads, of_late_objects).subquery()
    charging = and_(
        charges.c.user_id == UserQuota.user_id, charges.c.window == UserQuota.window_start
    )
    size, files = func.coalesce(func.sum(charges.c.size), 0), func.count(charges.c.user_id)
    charged = (UserQuota.user_id, UserQuota.bytes_taken, UserQuota.files_taken)
    counted = (
        select(*charged, size, files)
        .outerjoin_from(UserQuota, charges, charging)
        .group_by(*charged)
        .having(or_(UserQuota.bytes_taken != size, UserQuota.files_taken != files))
    )
    for user_id, charged_bytes, charged_files, has_bytes, has_files in session.execute(counted):
        if charged_bytes != has_bytes:
            yield user_id, "bytes", charged_bytes, int(has_bytes)
        if charged_files != has_files:
            yield user_id, "files", charged_files, has_files


def _in_state(kind: str, state: UploadState) -> Select[UUID, int]:
    return select(Upload.id, Upload.owner_id).where(
        Upload.owner_kind == kind, Upload.state == state
    )
