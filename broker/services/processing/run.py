"""A worker process: it processes one upload after the other until it is asked to stop.

While the database or the bucket is down, it waits longer between two attempts. Otherwise it would
take one upload after the other and give each back.
"""

import logging
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import timedelta

from broker.db.session import DATABASE_ERRORS
from broker.domain.errors import BrokerError
from broker.services.processing.lease import AttemptInterrupted, Lease, LeaseLost, give_back
from broker.services.processing.process import Outcome, Tools, process_next
from broker.services.work import Broker
from broker.telemetry import processing

POLL_SECONDS = 0.5
PAUSE_FIRST_SECONDS = 1.0
PAUSE_MAX_SECONDS = 10.0
log = logging.getLogger("broker.worker")


@dataclass(kw_only=True)
class WorkerLoop:
    """The loop of one worker.

    Attributes:
        wait: waits for some seconds, and returns whether to stop.
    """

    broker: Broker
    tools: Tools
    wait: Callable[[float], bool]
    _interrupted: Lease | None = field(default=None, init=False)
    _is_down: bool = field(default=False, init=False)

    def run(self) -> None:
        """Process uploads until `wait` says to stop.

        Raises:
            CannotInspect: see `process_next`.
        """
        pause = PAUSE_FIRST_SECONDS
        while not self.wait(0):
            self.tools.beat()
            outcome = self._next()
            if outcome is None:
                self.wait(POLL_SECONDS)
            elif outcome is Outcome.GIVEN_BACK:
                self.wait(pause)
                pause = min(pause * 2, PAUSE_MAX_SECONDS)
            else:
                pause = PAUSE_FIRST_SECONDS

    def _next(self) -> Outcome | None:
        """Process one upload. An attempt that the database has interrupted counts as given back."""
        try:
            self._return_interrupted()
            outcome = process_next(self.broker, self.tools)
        except AttemptInterrupted as interrupted:
            self._interrupted = interrupted.lease
            self._note_failure(interrupted.__cause__ or interrupted)
            return Outcome.GIVEN_BACK
        except DATABASE_ERRORS as error:
            self._note_failure(error)
            return Outcome.GIVEN_BACK
        if self._is_down:
            self._is_down = False
            log.info("the database answers again")
        return outcome

    def _return_interrupted(self) -> None:
        """Return the lease of an interrupted attempt, so that the attempt does not count.

        If the lease is lost, there is nothing to do: it ran out, or the last commit had arrived.
        """
        lease = self._interrupted
        if lease is None:
            return
        outcome = Outcome.GIVEN_BACK
        try:
            with self.broker.system_work() as work:
                give_back(work, lease, wait=timedelta(), now=self.tools.now)
        except LeaseLost:
            outcome = Outcome.LOST
        self._interrupted = None
        processing.finished(outcome)

    def _note_failure(self, error: BaseException) -> None:
        """Log the first of consecutive failures."""
        if not self._is_down:
            self._is_down = True
            detail = error.for_operators if isinstance(error, BrokerError) else error
            log.error("the worker waits for the database: %s", detail)
