"""Expire pending uploads whose form and grace have passed."""

from datetime import datetime

from sqlalchemy import select
from sqlalchemy.orm import Session

from broker.db.models import Upload
from broker.domain.limits import Limits
from broker.domain.owners import OwnerKind
from broker.domain.states import UploadState
from broker.services.uploads.state import discard_all

BATCH = 100


def expire_stale(
    session: Session,
    limits: Limits,
    *,
    now: datetime,
    owner: tuple[OwnerKind, int] | None = None,
    user_id: int | None = None,
) -> int:
    """Expire what is stale, of one owner, one user or all, in committed batches.

    Returns how many.

    Many may run at once: on PostgreSQL each skips the rows that another holds, and the
    compare-and-set decides in any case. All go through the owners in one order, since each
    holds the owners' rows until its batch is committed.
    """
    expired = 0
    while True:
        stale = select(Upload.id, Upload.owner_kind, Upload.owner_id).where(
            Upload.state == UploadState.PENDING, Upload.expires_at <= now - limits.grace
        )
        if owner is not None:
            stale = stale.where(Upload.owner_kind == owner[0].name, Upload.owner_id == owner[1])
        if user_id is not None:
            stale = stale.where(Upload.user_id == user_id)
        found = session.execute(
            stale.order_by(Upload.expires_at).limit(BATCH).with_for_update(skip_locked=True)
        ).all()
        found_in_order = sorted(found, key=lambda row: (row.owner_kind, row.owner_id))
        ids = [row.id for row in found_in_order]
        expired += discard_all(session, limits, ids, UploadState.EXPIRED, now=now)
        session.commit()
        if len(found) < BATCH:
            return expired
