"""Compare the rows with each other, in the database alone: counters, states, owners.

Bucket against rows is `reconcile`'s. Each question is one statement, and what it compares
commits together, so it holds beside a live broker, too.
"""

from collections.abc import Iterator
from uuid import UUID

from sqlalchemy import ColumnElement, Integer, Select, and_, func, literal, select
from sqlalchemy.orm import Session

from broker.db.models import Ad, Image, Upload, User
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


def _pending(kind: str) -> Select[UUID, int]:
    return select(Upload.id, Upload.owner_id).where(
        Upload.owner_kind == kind, Upload.state == PENDING
    )
