"""Read a queue of notifications: each message is deleted only when what it tells is committed.

A message that cannot be read is left alone, for the queue's dead-letter policy. While the
bucket or the database is away nothing is received: each receive counts towards that policy,
and good messages must not end among the dead for want of a database.
"""

import json
import logging
from collections import Counter
from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy.orm import Session

from broker.domain.bucket_notifications import objects_created
from broker.domain.errors import (
    DatabaseUnavailable,
    InvalidBucketNotification,
    QueueUnavailable,
    StorageError,
)
from broker.domain.limits import Limits
from broker.services.background.bucket_notifications import Outcome, handle_bucket_notifications
from broker.storage.protocol import NotificationQueue, QueueMessage, Storage
from broker.telemetry.metrics import EVENTS

WAIT_SECONDS = 20  # SQS's longest long poll
BACKOFF_FIRST_SECONDS = 1.0
BACKOFF_MAX_SECONDS = 60.0
log = logging.getLogger("broker.events")


@dataclass(frozen=True, kw_only=True)
class Consumer:
    """A reader of one queue. `open_session` gives a session; `check` raises while the bucket or
    the database is away; `wait` waits for so many seconds and tells whether to stop.
    """

    queue: NotificationQueue
    storage: Storage
    limits: Limits
    open_session: Callable[[], AbstractContextManager[Session]]
    check: Callable[[], None]
    now: Callable[[], datetime]
    wait: Callable[[float], bool]

    def run(self, *, until_empty: bool = False) -> Counter[str]:
        """Read until `wait` says to stop, or the queue is empty; gives outcomes and `unreadable`.

        Raises:
            QueueUnavailable, StorageError, DatabaseUnavailable: with `until_empty` alone, where
                nobody is there to wait for better times.
        """
        totals: Counter[str] = Counter()
        backoff = BACKOFF_FIRST_SECONDS
        while not self.wait(0):
            try:
                self.check()
                messages = self.queue.receive(wait_seconds=1 if until_empty else WAIT_SECONDS)
                for message in messages:
                    totals.update(self._handle(message))
            except (QueueUnavailable, StorageError, DatabaseUnavailable) as error:
                if until_empty:
                    raise
                log.error("%s: %s; next try in %.0f s", error.code, error.detail, backoff)
                if self.wait(backoff):
                    break
                backoff = min(backoff * 2, BACKOFF_MAX_SECONDS)
                continue
            backoff = BACKOFF_FIRST_SECONDS
            if until_empty and not messages:
                break
        return totals

    def _handle(self, message: QueueMessage) -> Counter[str]:
        try:
            created = objects_created(_json(message.body))
        except InvalidBucketNotification as error:
            log.warning("message %s is left alone: %s", message.message_id, error.detail)
            EVENTS.labels("unreadable").inc()
            return Counter({"unreadable": 1})
        with self.open_session() as session:
            outcomes = handle_bucket_notifications(
                session, self.storage, self.limits, created, now=self.now()
            )
        for outcome, count in outcomes.items():
            EVENTS.labels(outcome.value).inc(count)
        self.queue.delete(message)
        return _named(outcomes)


def _json(body: str) -> Any:
    try:
        return json.loads(body)
    except (ValueError, RecursionError):
        raise InvalidBucketNotification("The message is not JSON.") from None


def _named(outcomes: Counter[Outcome]) -> Counter[str]:
    return Counter({outcome.value: count for outcome, count in outcomes.items()})
