"""Expire pending uploads after the grace period of their ticket."""

from sqlalchemy import ColumnElement, select

from broker.db.models import Upload
from broker.domain.states import UploadState
from broker.services.uploads.state import end
from broker.services.work import Work

BATCH = 100


def expire_stale(work: Work, *conditions: ColumnElement[bool], at_most: int | None = None) -> int:
    """Expire the stale uploads that meet the conditions, in committed batches; return how many.

    With `at_most`, only the oldest ones are expired, in one batch.

    Many processes may do this at once. On PostgreSQL each skips the rows that another has locked,
    and the compare-and-set decides anyway. All of them process the owners in the same order,
    because each holds the owners' rows until its batch is committed.
    """
    expired = 0
    batch = BATCH if at_most is None else at_most
    while True:
        stale = select(Upload.id, Upload.owner_kind, Upload.owner_id).where(
            Upload.state == UploadState.PENDING,
            Upload.expires_at <= work.now - work.limits.grace,
            Upload.owner_kind.in_(work.limits.profiles.owner_kinds),
            *conditions,
        )
        found = work.session.execute(
            stale.order_by(Upload.expires_at).limit(batch).with_for_update(skip_locked=True)
        ).all()
        by_owner = sorted(found, key=lambda row: (row.owner_kind, row.owner_id))
        ids = [row.id for row in by_owner]
        ended = end(work.session, work.limits, ids, UploadState.EXPIRED, now=work.now)
        work.session.commit()
        expired += len(ended)
        if at_most is not None or len(found) < BATCH:
            return expired
