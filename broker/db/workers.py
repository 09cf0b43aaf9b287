"""Which workers run, and how long uploads wait for one. The times are those of the database."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta

from sqlalchemy import func, select

from broker.db.leases import after
from broker.db.models import Upload, Worker
from broker.db.session import Session
from broker.domain.states import UploadState

# A worker writes its heartbeat every ten seconds.
ALIVE = timedelta(seconds=60)


@dataclass(frozen=True, kw_only=True)
class Waiting:
    """The number of uploads in state `processing`, and the age of the oldest."""

    count: int
    oldest: timedelta


def seen_lately(session: Session) -> Sequence[Worker]:
    """Return the workers that were seen within a minute, also those that cannot inspect."""
    since = after(session, -ALIVE, now=None)
    recent = select(Worker).where(Worker.seen_at > since).order_by(Worker.started_at)
    return session.scalars(recent).all()


def last_failed(session: Session) -> Sequence[Worker]:
    """Return the worker that failed its self-test last. Its row is kept for a day."""
    failed = select(Worker).where(Worker.self_test.is_not(None))
    return session.scalars(failed.order_by(Worker.seen_at.desc()).limit(1)).all()


def waiting(session: Session) -> Waiting:
    """Count the uploads that are processed now or wait for it."""
    count, since, now = session.execute(
        select(
            func.count(),
            func.min(Upload.processing_since),
            after(session, timedelta(), now=None),
        ).where(Upload.state == UploadState.PROCESSING)
    ).one()
    age = timedelta() if since is None else now - since
    return Waiting(count=count, oldest=max(timedelta(), age))
