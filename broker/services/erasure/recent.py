"""The users who were erased in the last minutes, for processes that remember their tokens."""

from collections.abc import Mapping
from datetime import datetime

from sqlalchemy import select

from broker.db.models import User
from broker.services.work import Work


def erased_since(work: Work, moment: datetime) -> Mapping[int, datetime]:
    """Return when users were erased, by their ids, for erasures after a moment."""
    rows = work.session.execute(
        select(User.id, User.erased_at).where(User.erased_at > moment)
    ).all()
    work.session.commit()
    return {row.id: row.erased_at for row in rows}
