"""The heartbeats of workers: which run, and whether they can inspect images.

A worker inserts its row, renews `seen_at` every ten seconds, and deletes the row when it ends. The
times are those of the database. A row that is not renewed is one of a killed worker, or of one
that failed its self-test.
"""

import os
import socket
import time
from collections.abc import Sequence
from datetime import timedelta
from importlib.metadata import version
from typing import Any
from uuid import UUID, uuid4

from sqlalchemy import delete, insert, update
from sqlalchemy.orm import InstrumentedAttribute

from broker.db.leases import after
from broker.db.models import Worker
from broker.db.workers import seen_lately
from broker.domain.errors import DatabaseUnavailable
from broker.services.work import Broker, Work

BEAT_SECONDS = 10
KEPT = timedelta(days=1)


class Heartbeat:
    """The heartbeat of this worker process."""

    def __init__(
        self,
        broker: Broker,
        *,
        is_isolated: bool,
        content_types: Sequence[str],
    ) -> None:
        """Arguments: the columns of `db/models/background.py: Worker`."""
        self._broker = broker
        self._found: dict[InstrumentedAttribute[Any], Any] = {
            Worker.self_test: None,
            Worker.is_isolated: is_isolated,
            Worker.content_types: " ".join(content_types),
        }
        self._id: UUID = uuid4()
        self._due = 0.0

    def beat(self) -> None:
        """Renew the row, or insert it, if the last beat was ten seconds ago.

        Without the database nothing happens until the next beat: it is not worth an attempt.
        """
        if time.monotonic() < self._due:
            return
        self._due = time.monotonic() + BEAT_SECONDS
        try:
            with self._broker.system_work() as work:
                self._renew(work)
        except DatabaseUnavailable:
            return

    def fail(self, self_test: str) -> None:
        """Record that this worker cannot inspect images; the row stays for `broker doctor`."""
        self._found[Worker.self_test] = self_test
        self._due = 0.0
        self.beat()

    def end(self) -> None:
        """Delete the row. If the database is down, the row becomes old."""
        try:
            with self._broker.system_work() as work:
                self._delete(work)
        except DatabaseUnavailable:
            return

    def _renew(self, work: Work) -> None:
        session = work.session
        now = after(session, timedelta(), now=None)
        row = {Worker.seen_at: now, **self._found}
        renewed = update(Worker).where(Worker.id == self._id).values(row).returning(Worker.id)
        if session.scalar(renewed) is None:
            session.execute(delete(Worker).where(Worker.seen_at < after(session, -KEPT, now=None)))
            session.execute(
                insert(Worker).values(
                    {
                        Worker.id: self._id,
                        Worker.host: socket.gethostname(),
                        Worker.process_id: os.getpid(),
                        Worker.release: version("upload-broker"),
                        Worker.started_at: now,
                        **row,
                    }
                )
            )
        session.commit()

    def _delete(self, work: Work) -> None:
        work.session.execute(delete(Worker).where(Worker.id == self._id))
        work.session.commit()


def recent_workers(work: Work) -> Sequence[Worker]:
    """Return the workers that were seen within a minute, also those that cannot inspect."""
    rows = seen_lately(work.session)
    work.session.commit()
    return rows


def workers_alive(work: Work) -> int:
    """Count the workers that were seen within a minute and can inspect images."""
    return sum(worker.self_test is None for worker in recent_workers(work))
