"""How many uploads wait for a worker, and for how long."""

from dataclasses import dataclass

from broker.db.workers import waiting
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
    found = waiting(work.session)
    work.session.commit()
    return Backlog(
        processing=found.count,
        oldest_seconds=found.oldest.total_seconds(),
        workers=workers_alive(work),
    )
