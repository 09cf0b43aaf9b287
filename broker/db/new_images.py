"""Confirm an upload and insert its image at once; of many that try it, one does."""

from collections.abc import Mapping
from datetime import datetime
from functools import cache
from typing import Any
from uuid import UUID

from sqlalchemy import Insert, Table, bindparam, insert, select, update
from sqlalchemy.orm import Session
from sqlalchemy.sql.dml import ReturningUpdate

from broker.db.models import Image, Upload
from broker.db.one_trip import autocommit, in_turn, is_sqlite
from broker.domain.states import UploadState

_IMAGES: Table = Image.__table__  # type: ignore[assignment]


def insert_image(
    session: Session, upload_id: UUID, values: Mapping[str, Any], *, now: datetime
) -> int | None:
    """Set a pending upload confirmed and insert its image, and commit both.

    Args:
        values: every column of `Image` but `id` and `upload_id`.

    Gives the image's id; None, with nothing changed, where the upload is not pending any more.
    """
    winner = {"b_upload_id": upload_id, "b_settled_at": now}
    if is_sqlite(session):
        with in_turn(session) as connection:
            if connection.execute(_settle(), winner).first() is None:
                return None
            row = {**values, "upload_id": upload_id}
            inserted = connection.execute(insert(_IMAGES).returning(_IMAGES.c.id), row)
            return int(inserted.scalar_one())
    with autocommit(session) as connection:
        # Not by the columns' own names: the UPDATE would take them for what it is to set.
        given = {f"b_{name}": value for name, value in values.items()}
        found = connection.execute(_in_one(tuple(values)), {**winner, **given}).scalar()
    return None if found is None else int(found)


@cache
def _settle() -> ReturningUpdate[Any]:
    return (
        update(Upload)
        .where(Upload.id == bindparam("b_upload_id"), Upload.state == UploadState.PENDING)
        .values(state=UploadState.CONFIRMED, settled_at=bindparam("b_settled_at"))
        .returning(Upload.id)
    )


@cache
def _in_one(names: tuple[str, ...]) -> Insert:
    won = _settle().cte("won")
    given = [bindparam(f"b_{name}", type_=_IMAGES.c[name].type) for name in names]
    image = select(won.c.id, *given)
    return (
        insert(_IMAGES)
        .from_select(["upload_id", *names], image, include_defaults=False)
        .returning(_IMAGES.c.id)
    )
