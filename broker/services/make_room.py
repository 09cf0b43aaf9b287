"""Take places for new uploads, making room where stale ones still hold theirs."""

from datetime import datetime

from sqlalchemy.orm import Session

from broker.domain.errors import ImageLimitReached
from broker.domain.owners import OwnerKind
from broker.domain.rules import Rules
from broker.services import places
from broker.services.expire import expire_stale


def take_places(
    session: Session, kind: OwnerKind, owner_id: int, rules: Rules, count: int, *, now: datetime
) -> None:
    """Take `count` places; those of stale uploads are freed first where there are too few.

    Not where BROKER_REAP keeps what has arrived: whether a stale upload's bytes are there is for
    the reaper to find out, and its place is taken until then.

    Does not commit. Raises ImageLimitReached, having rolled back.
    """
    limit = kind.max_count(rules)
    if places.take(session, kind, owner_id, count, limit):
        return
    session.rollback()
    if not rules.keeps_arrived:
        expire_stale(session, rules, now=now, owner=(kind, owner_id))
        if places.take(session, kind, owner_id, count, limit):
            return
        session.rollback()
    raise ImageLimitReached(f"At most {limit} images, those being uploaded included.")
