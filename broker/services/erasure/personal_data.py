"""Remove what people wrote from rows that stay: uploads, images of other owners, events, the user.

Uploads keep their ids and keys until they are pruned, so that late objects are found.
"""

from collections.abc import Iterator
from datetime import datetime
from uuid import UUID

import orjson
from sqlalchemy import ColumnElement, delete, or_, select, tuple_, update
from sqlalchemy.orm import Session

from broker.db.models import (
    Event,
    IdempotencyKey,
    Image,
    ReportedFailure,
    Upload,
    UppySession,
    User,
    UserQuota,
)
from broker.domain.limits import Limits
from broker.services.events.numbering import lock_feed
from broker.services.uploads.images import updated
from broker.services.uploads.state import forget_charges


def forget_images_elsewhere(
    session: Session, limits: Limits, user_id: int, *, now: datetime
) -> None:
    """Remove the user's texts from images of owners that stay, and record the changed images."""
    of_user = select(Upload.id).where(Upload.user_id == user_id)
    images = session.scalars(
        select(Image)
        .where(
            Image.upload_id.in_(of_user),
            or_(Image.file_name.is_not(None), Image.alt_text != ""),
        )
        .order_by(Image.id)
        .with_for_update()
        .execution_options(populate_existing=True)
    ).all()
    for image in images:
        is_in_events = image.alt_text != ""
        image.file_name, image.alt_text = None, ""
        session.flush()
        if is_in_events:
            updated(session, limits, image, now=now)


def forget_events(session: Session, *conditions: ColumnElement[bool]) -> None:
    """Remove the alt texts from events that match one of the conditions."""
    changed = list(_without_alt_texts(session, or_(*conditions)))
    if not changed:
        return
    # Nobody numbers these events in the meantime, so nobody waits for them in another order.
    lock_feed(session)
    session.execute(update(Event), [{"id": each, "data": data} for each, data in changed])


def _without_alt_texts(session: Session, which: ColumnElement[bool]) -> Iterator[tuple[int, str]]:
    rows = session.execute(select(Event.id, Event.data).where(which).order_by(Event.id)).all()
    for row in rows:
        data = orjson.loads(row.data)
        if data["image"] is not None and data["image"]["alt_text"]:
            data["image"]["alt_text"] = ""
            yield row.id, orjson.dumps(data).decode()


def events_of_uploads(user_id: int) -> ColumnElement[bool]:
    """Return the condition of the events of a user's uploads, for owners of any kind."""
    owners = select(Upload.owner_kind, Upload.owner_id).where(Upload.user_id == user_id)
    in_owners: ColumnElement[bool] = tuple_(Event.owner_kind, Event.owner_id).in_(owners)
    return in_owners & (Event.user_id == user_id)


def forget_user(session: Session, user_id: int, *, erased_at: datetime) -> None:
    """Make the user's row a tombstone: only the id, the subject and the time are left."""
    session.execute(
        update(User)
        .where(User.id == user_id)
        .values(
            email=None,
            first_name="",
            last_name="",
            is_erased=True,
            erased_at=erased_at,
            created_at=erased_at,
            updated_at=erased_at,
        )
        .execution_options(synchronize_session=False)
    )


def forget_use(session: Session, user_id: int) -> None:
    """Delete the user's quota and stored answers. Nothing is refunded or charged later."""
    forget_charges(session, user_id)
    for model in (UserQuota, IdempotencyKey):
        session.execute(
            delete(model)
            .where(model.user_id == user_id)
            .execution_options(synchronize_session=False)
        )


def forget_reports(session: Session, uploads: ColumnElement[bool]) -> None:
    """Delete the errors that clients have reported of uploads. A client may write anything there.

    Call this when the uploads have been changed for the last time: retention locks an upload before
    its reports.
    """
    of_uploads = ReportedFailure.upload_id.in_(select(Upload.id).where(uploads))
    session.execute(
        delete(ReportedFailure).where(of_uploads).execution_options(synchronize_session=False)
    )


def end_uppy_sessions(session: Session, *conditions: ColumnElement[bool]) -> list[UUID]:
    """Delete the Uppy sessions that match one of the conditions; return their ids."""
    return list(
        session.scalars(
            delete(UppySession)
            .where(or_(*conditions))
            .returning(UppySession.id)
            .execution_options(synchronize_session=False)
        )
    )
