"""Expire pending uploads whose form and grace have passed."""

from datetime import datetime

from sqlalchemy import select
from sqlalchemy.orm import Session

from broker.db.models import Upload
from broker.domain.owners import OwnerKind
from broker.domain.rules import Rules
from broker.domain.states import UploadState
from broker.services.uploads import discard

BATCH = 100


def expire_stale(
    session: Session,
    rules: Rules,
    *,
    now: datetime,
    owner: tuple[OwnerKind, int] | None = None,
) -> int:
    """Expire what is stale, of one owner or of all, in committed batches; returns how many.

    Many may run at once: on PostgreSQL each skips the rows that another holds, and the
    compare-and-set decides in any case.
    """
    expired = 0
    while True:
        stale = select(Upload.id).where(
            Upload.state == UploadState.PENDING, Upload.expires_at <= now - rules.grace
        )
        if owner is not None:
            stale = stale.where(Upload.owner_kind == owner[0].name, Upload.owner_id == owner[1])
        found = session.scalars(
            stale.order_by(Upload.expires_at).limit(BATCH).with_for_update(skip_locked=True)
        ).all()
        for upload_id in found:
            expired += discard(session, rules, upload_id, UploadState.EXPIRED, now=now)
        session.commit()
        if len(found) < BATCH:
            return expired
