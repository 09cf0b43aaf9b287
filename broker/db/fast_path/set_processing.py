"""Hand a pending upload over to the workers as a transaction of its own."""

from datetime import datetime
from functools import cache
from typing import Any
from uuid import UUID

from sqlalchemy import Table, bindparam, cast, func, update
from sqlalchemy.orm import Session
from sqlalchemy.sql.dml import ReturningUpdate

from broker.db.fast_path.stored_upload import upload_of
from broker.db.fast_path.transactions import is_sqlite, own_transaction
from broker.db.models import Upload
from broker.db.owner_tables import OwnerTable
from broker.db.types import UtcDateTime
from broker.domain.states import UploadState

_UPLOADS: Table = Upload.__table__  # type: ignore[assignment]


def set_processing(
    session: Session, upload_id: UUID, *, owner: OwnerTable | None, now: datetime
) -> Upload | None:
    """Set a pending upload to `processing`, due at once, and commit.

    Args:
        session: the row does not become part of it.
        upload_id: the upload.
        owner: the table of the upload's owner, which must still belong to the upload's user; None
            if that does not matter.
        now: the time of this process.

    Returns:
        The changed row; None, with nothing changed, if it is not pending or has another owner.
    """
    statement = _statement(owner, is_sqlite(session))
    with own_transaction(session) as transaction:
        row = transaction.first(statement, {"b_id": upload_id, "b_now": now})
        transaction.commit()
    return None if row is None else upload_of(row)


@cache
def _statement(owner: OwnerTable | None, is_sqlite: bool) -> ReturningUpdate[Any]:
    now = bindparam("b_now", type_=UtcDateTime)
    columns = _UPLOADS.c
    # As `leases.not_after`: due at once, even if the clock of this machine is ahead.
    due = now if is_sqlite else cast(func.least(now, func.statement_timestamp()), UtcDateTime)
    changed = (
        update(_UPLOADS)
        .where(
            columns.id == bindparam("b_id", type_=columns.id.type),
            columns.state == UploadState.PENDING,
        )
        .values(state=UploadState.PROCESSING, processing_since=now, due_at=due)
    )
    if owner is not None:
        changed = changed.where(owner.has_user(columns.owner_id, columns.user_id))
    return changed.returning(*columns)
