"""How many uploads wait for a worker, and for how long."""

from dataclasses import dataclass

from sqlalchemy import func, select

from broker.db.models import Upload
from broker.domain.states import UploadState
from broker.services.processing.heartbeat import workers_alive
from broker.services.work import Work


@dataclass(frozen=True, kw_only=True)
class Backlog:
    """The uploads in state `processing`, the age of the oldest, and the workers that run."""

    processing: int
    oldest_seconds: float
    workers: int


def backlog(work: Work) -> Backlog:
    """Count the uploads that are processed now or wait for it."""
    count, since = work.session.execute(
        select(func.count(), func.min(Upload.processing_since)).where(
            Upload.state == UploadState.PROCESSING
        )
    ).one()
    work.session.commit()
    age = 0.0 if since is None else max(0.0, (work.now - since).total_seconds())
    return Backlog(processing=count, oldest_seconds=age, workers=workers_alive(work))
