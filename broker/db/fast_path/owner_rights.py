"""Check whether an upload's owner still belongs to the upload's user, which each confirm asks."""

from functools import cache
from typing import Any

from sqlalchemy import Select, bindparam, select
from sqlalchemy.orm import Session

from broker.db.fast_path.transactions import read_cursor
from broker.db.models import Upload
from broker.db.owner_tables import OwnerTable


def still_owns(session: Session, owner: OwnerTable, upload: Upload) -> bool:
    """Check it outside the session. `owner` is the table of the upload's owner."""
    values = {"owner_id": upload.owner_id, "user_id": upload.user_id}
    with read_cursor(session) as cursor:
        return cursor.first(_statement(owner), values) is not None


@cache
def _statement(owner: OwnerTable) -> Select[Any]:
    owner_id = bindparam("owner_id", type_=owner.id.type)
    user_id = bindparam("user_id", type_=owner.user.type)
    return select(owner.id).where(owner.has_id(owner_id), owner.user == user_id)
