"""A deliverer process: one thread inserts deliveries for new events, the others send them.

A receiver that answers slowly occupies one thread for at most `send.LIMIT_SECONDS`. While the
database is down, every thread waits longer between two tries.
"""

import logging
import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime
from time import monotonic

from broker.db.models import Delivery
from broker.db.session import DATABASE_ERRORS
from broker.domain.errors import BrokerError
from broker.domain.webhooks import Webhook
from broker.services.events.deliver import Attempt, begin, give_back, send, settle
from broker.services.events.queue import enqueue
from broker.services.work import Broker

POLL_SECONDS = 0.5
PAUSE_FIRST_SECONDS = 1.0
PAUSE_MAX_SECONDS = 10.0
SENDER = "sender"
# Before the end of `stop_seconds`, when a supervisor kills this process.
GIVE_BACK_SECONDS = 1.0
log = logging.getLogger("broker.deliver")


class ThreadEnded(Exception):
    """A thread has ended by an unexpected error, so this process should be started again."""


@dataclass(kw_only=True)
class Outage:
    """The pauses of one thread while the database is down."""

    pause: float = 0.0
    is_down: bool = False

    def begin(self, error: BaseException) -> float:
        """Log the first of consecutive failures; return how many seconds to wait."""
        if not self.is_down:
            self.is_down = True
            detail = error.for_operators if isinstance(error, BrokerError) else error
            log.error("the deliverer waits for the database: %s", detail)
        self.pause = min(max(self.pause * 2, PAUSE_FIRST_SECONDS), PAUSE_MAX_SECONDS)
        return self.pause

    def end(self) -> None:
        """Log that the database answers again, if it was down."""
        if self.is_down:
            log.info("the database answers again")
        self.is_down, self.pause = False, 0.0


@dataclass(kw_only=True)
class Sender:
    """One thread: it sends one event after the other.

    Attributes:
        wait: waits for some seconds, and returns whether to stop.
        now: replaces the time of the database.
    """

    broker: Broker
    webhook: Webhook
    wait: Callable[[float], bool]
    now: datetime | None = None
    _leased: Delivery | None = field(default=None, init=False)
    _attempt: Attempt | None = field(default=None, init=False)
    _outage: Outage = field(default_factory=Outage, init=False)

    def run(self) -> None:
        """Send events until `wait` says to stop."""
        while not self.wait(0):
            try:
                is_idle = not self.step()
            except DATABASE_ERRORS as error:
                self.wait(self._outage.begin(error))
                continue
            self._outage.end()
            if is_idle:
                self.wait(POLL_SECONDS)

    def step(self) -> bool:
        """Send one event; return False if none is due.

        After a database error, the next step first ends the attempt that was interrupted: it stores
        its result, or gives the event back if it was not sent.
        """
        self._end()
        self._leased = begin(self.broker, now=self.now)
        if self._leased is None:
            return False
        self._attempt = self._send(self._leased)
        self._end()
        return True

    def abandon(self) -> None:
        """Return the lease of the event that is being sent, because the process stops."""
        if self._leased is not None and self._attempt is None:
            give_back(self.broker, self._leased)

    def _end(self) -> None:
        if self._attempt is not None:
            settle(self.broker, self._attempt, now=self.now)
        elif self._leased is not None:
            give_back(self.broker, self._leased)
        self._leased = self._attempt = None

    def _send(self, delivery: Delivery) -> Attempt:
        try:
            return send(self.broker, self.webhook, delivery, now=self.now)
        except DATABASE_ERRORS:
            raise
        except Exception:
            # A fault that only this event causes must not keep all others waiting. The log has its
            # traceback, and the event becomes a dead letter in the end.
            log.exception("event row %d failed unexpectedly", delivery.id)
            return Attempt(delivery=delivery, event_id=str(delivery.id), reason="internal_error")


@dataclass(kw_only=True)
class Deliverer:
    """All threads of one process.

    Attributes:
        threads: how many events are sent at the same time.
        wait: waits for some seconds, and returns whether to stop.
        stop_seconds: how long the process may take to end. Events that are still being sent are
            given back a second before.
    """

    broker: Broker
    webhook: Webhook
    threads: int
    wait: Callable[[float], bool]
    stop_seconds: float

    def run(self) -> None:
        """Deliver events until `wait` says to stop.

        Raises:
            ThreadEnded: a thread has ended by an unexpected error.
        """
        senders = [
            Sender(broker=self.broker, webhook=self.webhook, wait=self.wait)
            for _ in range(self.threads)
        ]
        # They do not keep the process alive if a receiver does not answer.
        threads = [
            threading.Thread(target=sender.run, name=SENDER, daemon=True) for sender in senders
        ]
        for thread in threads:
            thread.start()
        self._enqueue(threads)
        end = monotonic() + self.stop_seconds - GIVE_BACK_SECONDS
        for thread in threads:
            thread.join(max(0.0, end - monotonic()))
        for thread, sender in zip(threads, senders, strict=True):
            if thread.is_alive():
                self._abandon(sender)

    def _enqueue(self, threads: list[threading.Thread]) -> None:
        outage = Outage()
        pause = 0.0
        while not self.wait(pause):
            try:
                with self.broker.system_work() as work:
                    enqueue(work)
            except DATABASE_ERRORS as error:
                pause = outage.begin(error)
                continue
            outage.end()
            pause = POLL_SECONDS
            if not all(thread.is_alive() or self.wait(0) for thread in threads):
                raise ThreadEnded("a thread of the deliverer has ended; see the log")

    def _abandon(self, sender: Sender) -> None:
        try:
            sender.abandon()
        except DATABASE_ERRORS as error:
            log.error("an event is sent again when its lease ends: %s", error)
