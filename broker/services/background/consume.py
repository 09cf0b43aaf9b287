"""Read a queue of bucket notifications; delete a message after its changes are committed.

If a message cannot be read, fails unexpectedly, or the bucket refuses the broker, the message stays
in the queue for its dead-letter policy, and the next one is handled. While the bucket or the
database is down, no messages are received: each receive counts towards that policy, and valid
messages must not become dead letters.
"""

import json
import logging
from collections import Counter
from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import dataclass
from typing import Any

from broker.db.session import DATABASE_ERRORS
from broker.domain.bucket_notifications import objects_created
from broker.domain.errors import DatabaseUnavailable, InvalidBucketNotification, QueueUnavailable
from broker.domain.storage_errors import StorageDenied, StorageError
from broker.services.background.bucket_notifications import Outcome, handle_bucket_notifications
from broker.services.work import Work
from broker.storage.protocol import NotificationQueue, QueueMessage
from broker.telemetry.notifications import notified

WAIT_SECONDS = 20  # SQS's longest long poll
BACKOFF_FIRST_SECONDS = 1.0
BACKOFF_MAX_SECONDS = 60.0
log = logging.getLogger("broker.bucket_notifications")


@dataclass(frozen=True, kw_only=True)
class Consumer:
    """A reader of one queue.

    Attributes:
        open_work: opens the work of one message.
        check: raises if the bucket or the database does not answer.
        wait: waits for some seconds, and returns whether to stop.
    """

    queue: NotificationQueue
    open_work: Callable[[], AbstractContextManager[Work]]
    check: Callable[[], None]
    wait: Callable[[float], bool]

    def run(self, *, until_empty: bool = False) -> Counter[str]:
        """Read until `wait` says to stop; return the number of each outcome.

        `unreadable` and `denied` count messages, `failed` counts messages and objects. With
        `until_empty`, stop when the queue is empty.

        Raises:
            QueueUnavailable, StorageError, DatabaseUnavailable: only with `until_empty`; otherwise
                the consumer waits and tries again.
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
                log.error("%s: %s; next try in %.0f s", error.code, error.for_operators, backoff)
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
            log.warning(
                "message %s is not readable and stays queued: %s",
                message.message_id,
                error.detail,
            )
            notified("unreadable")
            return Counter({"unreadable": 1})
        try:
            with self.open_work() as work:
                outcomes = handle_bucket_notifications(work, created)
        except StorageDenied as error:
            log.error("message %s stays queued: %s", message.message_id, error.for_operators)
            notified("denied")
            return Counter({"denied": 1})
        except (StorageError, *DATABASE_ERRORS):
            raise
        except Exception:
            # A fault that only this message causes must not end the consumer: its successor would
            # receive the same message. The log has its traceback.
            log.exception("message %s failed unexpectedly and stays queued", message.message_id)
            notified(Outcome.FAILED)
            return Counter({Outcome.FAILED.value: 1})
        for outcome, count in outcomes.items():
            notified(outcome.value, count)
        if outcomes[Outcome.FAILED]:
            log.error("message %s stays queued, because an object failed", message.message_id)
        else:
            self.queue.delete(message)
        return _named(outcomes)


def _json(body: str) -> Any:
    try:
        return json.loads(body)
    except (ValueError, RecursionError):
        raise InvalidBucketNotification("The message is not JSON.") from None


def _named(outcomes: Counter[Outcome]) -> Counter[str]:
    return Counter({outcome.value: count for outcome, count in outcomes.items()})
