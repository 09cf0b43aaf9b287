"""Create a user's row when their token is first used."""

from datetime import datetime

from sqlalchemy import select
from sqlalchemy.orm import Session

from broker.db.models import User
from broker.db.upsert import insert_unless_there
from broker.domain.principal import Principal
from broker.services.work import Work


def sign_in(work: Work) -> None:
    """Create the caller's row from the token's claims unless it exists."""
    ensure_user(work.session, work.principal, now=work.now)
    work.session.commit()


def ensure_user(session: Session, principal: Principal, *, now: datetime) -> None:
    """Insert the user's row unless it exists. Concurrent requests insert only one row."""
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
