"""Compare the rows with each other, in the database alone: counters, states, owners.

Bucket against rows is `reconcile`'s. Each question is one statement, and what it compares
commits together, so it holds beside a live broker, too.
"""

from collections.abc import Iterator
from uuid import UUID

from sqlalchemy import ColumnElement, Integer, Select, and_, func, literal, or_, select
from sqlalchemy.orm import Session

from broker.db.models import Ad, Deletion, Image, Upload, User, UserQuota
from broker.domain.owners import AD, OWNER_KINDS
from broker.domain.states import UploadState

PENDING = UploadState.PENDING


def wrong_rows(session: Session) -> Iterator[str]:
    """Say of every row that cannot be as it is what is wrong; gives nothing where all is well."""
    states = select(Image.id, Upload.id, Upload.state).join(Upload, Upload.id == Image.upload_id)
    for image, upload, state in session.execute(states.where(Upload.state != "confirmed")):
        yield f"image {image} is of upload {upload}, which is {state}"
    taken = _count(Image, Image.owner_kind == AD.name) + _count(
        Upload, and_(Upload.owner_kind == AD.name, Upload.state == PENDING)
    )
    counted = select(Ad.id, Ad.places_taken, taken).where(Ad.places_taken != taken)
    for ad, places, really in session.execute(counted):
        yield f"ad {ad} counts {places} places, and has {really}"
    for user_id, what, noted, really in _wrong_quotas(session):
        yield f"user {user_id} is charged with {noted} {what}, and has {really}"
    for kind in OWNER_KINDS.values():
        owner = Ad.id if kind is AD else User.id
        for rows, what in (
            (select(Image.id, Image.owner_id).where(Image.owner_kind == kind.name), "image"),
            (_pending(kind.name), "pending upload"),
        ):
            found = rows.subquery()
            there = select(literal(1)).where(owner == found.c.owner_id).exists()
            for row, owner_id in session.execute(select(found).where(~there)):
                yield f"{what} {row} is of {kind.name} {owner_id}, which is not there"
    session.commit()


def _count(rows: type[Image] | type[Upload], which: ColumnElement[bool]) -> ColumnElement[int]:
    """Count an ad's rows, inside a statement over ads."""
    mine = select(func.count()).where(rows.owner_id == Ad.id, which).correlate(Ad)
    return func.coalesce(mine.scalar_subquery(), 0, type_=Integer)


def _wrong_quotas(session: Session) -> Iterator[tuple[int, str, int, int]]:
    """Compare what users are charged in their windows with the uploads that reserved it."""
    charging = and_(
        Upload.user_id == UserQuota.user_id,
        Upload.quota_window == UserQuota.window_start,
        or_(
            Upload.state.in_([PENDING, UploadState.CONFIRMED]),
            Upload.id.in_(select(Deletion.upload_id).where(Deletion.upload_id.is_not(None))),
        ),
    )
    size, files = func.coalesce(func.sum(Upload.size), 0), func.count(Upload.id)
    noted = (UserQuota.user_id, UserQuota.bytes_taken, UserQuota.files_taken)
    counted = (
        select(*noted, size, files)
        .join(Upload, charging, isouter=True)
        .group_by(*noted)
        .having(or_(UserQuota.bytes_taken != size, UserQuota.files_taken != files))
    )
    for user_id, noted_bytes, noted_files, has_bytes, has_files in session.execute(counted):
        if noted_bytes != has_bytes:
            yield user_id, "bytes", noted_bytes, int(has_bytes)
        if noted_files != has_files:
            yield user_id, "files", noted_files, has_files


def _pending(kind: str) -> Select[UUID, int]:
    return select(Upload.id, Upload.owner_id).where(
        Upload.owner_kind == kind, Upload.state == PENDING
    )
