"""Confirm an upload, insert its image and its event, and queue a deletion, in one step.

If many calls run at once, one succeeds.
"""

from collections.abc import Mapping
from datetime import datetime
from functools import cache
from typing import Any
from uuid import UUID

from sqlalchemy import (
    BindParameter,
    Insert,
    Select,
    Table,
    bindparam,
    func,
    insert,
    select,
    update,
)
from sqlalchemy.orm import Session
from sqlalchemy.sql.dml import ReturningUpdate

from broker.db.fast_path.transactions import is_sqlite, own_transaction
from broker.db.models import Deletion, Event, Image, Upload
from broker.domain.states import UploadState

_IMAGES: Table = Image.__table__  # type: ignore[assignment]
_DELETIONS: Table = Deletion.__table__  # type: ignore[assignment]
_EVENTS: Table = Event.__table__  # type: ignore[assignment]
_OF_EVENT = (
    "event_id",
    "type",
    "created_at",
    "owner_kind",
    "owner_id",
    "upload_id",
    "user_id",
    "data",
)


def insert_image(
    session: Session,
    upload_id: UUID,
    values: Mapping[str, Any],
    *,
    deletion: Mapping[str, Any],
    event: Mapping[str, Any],
    now: datetime,
) -> int | None:
    """Confirm a pending upload, insert its image, its event and a deletion, and commit.

    `values` has every column of `Image` except `id` and `upload_id`, `deletion` the columns of
    `Deletion` that have no default, `event` those of `Event` except `image_id`.

    Returns:
        The image's id; None, with nothing changed, if the upload is no longer pending.
    """
    winner = {"b_upload_id": upload_id, "b_settled_at": now}
    # The prefix is needed, because an UPDATE sets a column to the parameter with the same name.
    given = {f"b_{name}": value for name, value in values.items()}
    given |= {f"d_{name}": value for name, value in deletion.items()}
    given |= {f"e_{name}": event[name] for name in _OF_EVENT}
    given |= winner
    with own_transaction(session) as transaction:
        if is_sqlite(session):
            if transaction.first(_confirm(), winner) is None:
                return None
            transaction.first(_deletion(tuple(deletion)), given)
            found = transaction.first(_of_upload(tuple(values)), given)
            transaction.first(_event_of_last_image(), given)
        else:
            found = transaction.first(_in_one(tuple(values), tuple(deletion)), given)
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
def _deletion(names: tuple[str, ...]) -> Insert:
    return _queued(names, select(*_to_delete(names)))


@cache
def _in_one(names: tuple[str, ...], of_deletion: tuple[str, ...]) -> Insert:
    won = _confirm().cte("won")
    queued = _queued(of_deletion, select(*_to_delete(of_deletion)).select_from(won))
    image = _image(names, select(won.c.id, *_given(names))).cte("image")
    event = _event(select(image.c.id, *_of_given_event()))
    return event.returning(_EVENTS.c.image_id).add_cte(
        queued.returning(_DELETIONS.c.id).cte("queued")
    )


@cache
def _event_of_last_image() -> Insert:
    return _event(select(func.last_insert_rowid(), *_of_given_event()))


def _event(values: Select[Any]) -> Insert:
    return insert(_EVENTS).from_select(["image_id", *_OF_EVENT], values, include_defaults=False)


def _of_given_event() -> list[BindParameter[Any]]:
    return [bindparam(f"e_{name}", type_=_EVENTS.c[name].type) for name in _OF_EVENT]


def _given(names: tuple[str, ...]) -> list[BindParameter[Any]]:
    return [bindparam(f"b_{name}", type_=_IMAGES.c[name].type) for name in names]


def _to_delete(names: tuple[str, ...]) -> list[BindParameter[Any]]:
    return [bindparam(f"d_{name}", type_=_DELETIONS.c[name].type) for name in names]


def _queued(names: tuple[str, ...], values: Select[Any]) -> Insert:
    return insert(_DELETIONS).from_select([*names], values, include_defaults=False)


def _image(names: tuple[str, ...], values: Select[Any]) -> Insert:
    return (
        insert(_IMAGES)
        .from_select(["upload_id", *names], values, include_defaults=False)
        .returning(_IMAGES.c.id)
    )
