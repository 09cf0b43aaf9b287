"""Confirm an upload and insert its image in one step. If many calls run at once, one succeeds."""

from collections.abc import Mapping
from datetime import datetime
from functools import cache
from typing import Any
from uuid import UUID

from sqlalchemy import BindParameter, Insert, Select, Table, bindparam, insert, select, update
from sqlalchemy.orm import Session
from sqlalchemy.sql.dml import ReturningUpdate

from broker.db.fast_path.transactions import is_sqlite, own_transaction
from broker.db.models import Image, Upload
from broker.domain.states import UploadState

_IMAGES: Table = Image.__table__  # type: ignore[assignment]


def insert_image(
    session: Session, upload_id: UUID, values: Mapping[str, Any], *, now: datetime
) -> int | None:
    """Confirm a pending upload, insert its image, and commit both.

    `values` has every column of `Image` except `id` and `upload_id`.

    Returns:
        The image's id; None, with nothing changed, if the upload is no longer pending.
    """
    winner = {"b_upload_id": upload_id, "b_settled_at": now}
    # The prefix is needed, because an UPDATE sets a column to the parameter with the same name.
    given = {f"b_{name}": value for name, value in values.items()}
    with own_transaction(session) as transaction:
        if is_sqlite(session):
            if transaction.first(_confirm(), winner) is None:
                return None
            found = transaction.first(_of_upload(tuple(values)), {**winner, **given})
        else:
            found = transaction.first(_in_one(tuple(values)), {**winner, **given})
        transaction.commit()
    return None if found is None else int(found[0])


@cache
def _confirm() -> ReturningUpdate[Any]:
    return (
        update(Upload)
        .where(Upload.id == bindparam("b_upload_id"), Upload.state == UploadState.PENDING)
        .values(state=UploadState.CONFIRMED, settled_at=bindparam("b_settled_at"))
        .returning(Upload.id)
    )


@cache
def _of_upload(names: tuple[str, ...]) -> Insert:
    upload_id = bindparam("b_upload_id", type_=_IMAGES.c.upload_id.type)
    return _image(names, select(upload_id, *_given(names)))


@cache
def _in_one(names: tuple[str, ...]) -> Insert:
    won = _confirm().cte("won")
    return _image(names, select(won.c.id, *_given(names)))


def _given(names: tuple[str, ...]) -> list[BindParameter[Any]]:
    return [bindparam(f"b_{name}", type_=_IMAGES.c[name].type) for name in names]


def _image(names: tuple[str, ...], values: Select[Any]) -> Insert:
    return (
        insert(_IMAGES)
        .from_select(["upload_id", *names], values, include_defaults=False)
        .returning(_IMAGES.c.id)
    )
