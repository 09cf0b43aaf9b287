"""Prune: delete rows that are older than their retention and that nothing needs any more."""

from sqlalchemy import delete, select

from broker.db.models import Erasure
from broker.services.events.prune import prune_events
from broker.services.uploads.prune import prune_uploads
from broker.services.work import Work

BATCH = 500


def prune(work: Work, *, is_listed: bool) -> int:
    """Delete old uploads, events and erasures in committed batches; return how many rows.

    Args:
        work: reads and commits on its session.
        is_listed: whether `incoming/` has been listed in this round. Otherwise uploads stay,
            because objects that arrived late are found by the rows of their uploads.
    """
    uploads = prune_uploads(work) if is_listed else 0
    return uploads + prune_events(work) + _prune_erasures(work)


def _prune_erasures(work: Work) -> int:
    """Delete erasures that finished longer ago than the retention of uploads, and commit."""
    old = (
        select(Erasure.id)
        .where(Erasure.finished_at <= work.now - work.limits.uploads_kept_for)
        .limit(BATCH)
        .with_for_update(skip_locked=True)
    )
    gone = work.session.scalars(
        delete(Erasure)
        .where(Erasure.id.in_(old))
        .returning(Erasure.id)
        .execution_options(synchronize_session=False)
    ).all()
    work.session.commit()
    return len(gone)
