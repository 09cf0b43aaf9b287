"""Make a user's row at their token's first use."""

from datetime import datetime

from sqlalchemy import select
from sqlalchemy.orm import Session

from broker.db.models import User
from broker.db.upsert import insert_unless_there
from broker.domain.principal import Principal


def sign_in(session: Session, principal: Principal, *, now: datetime) -> None:
    """Make the row from the token's claims unless it is there; twenty at once make one."""
    known = session.scalar(select(User.id).where(User.id == principal.user_id))
    if known is None:
        insert_unless_there(
            session,
            User,
            [
                {
                    "id": principal.user_id,
                    "email": principal.email,
                    "first_name": principal.first_name,
                    "last_name": principal.last_name,
                    "created_at": now,
                    "updated_at": now,
                }
            ],
        )
    session.commit()
