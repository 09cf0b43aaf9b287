"""The users who were erased a short time ago. A process may remember tokens of theirs.

`VerifiedTokens` remembers a token for some minutes, and only a new token reads the user's row. So
each process rereads the few erased users at most once a second. The one that erases a user knows it
at once.
"""

import threading
import time
from collections.abc import Callable, Mapping
from datetime import datetime, timedelta

from broker.api.auth.verified_tokens import REMEMBERED_SECONDS
from broker.api.request.context import current, current_app
from broker.domain.errors import DatabaseUnavailable
from broker.domain.principal import ANYONE, Principal
from broker.services.erasure.recent import erased_since
from broker.services.work import utc_now

REREAD_SECONDS = 1.0
# Longer than a token is remembered, by as much as the clocks of two machines may differ.
KEPT = timedelta(seconds=2 * REMEMBERED_SECONDS)


class ErasedUsers:
    """When users were erased, by their ids.

    Args:
        read: return the users who were erased since a moment.
        clock: monotonic seconds.
    """

    def __init__(
        self,
        read: Callable[[datetime], Mapping[int, datetime]],
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._read = read
        self._clock = clock
        self._lock = threading.Lock()
        self._erased: dict[int, datetime] = {}
        self._read_at: float | None = None
        self._failed_at: float | None = None

    def add(self, user_id: int, erased_at: datetime) -> None:
        """Record an erasure of this process."""
        with self._lock:
            self._erased[user_id] = erased_at

    def has(self, caller: Principal) -> bool:
        """Check whether the caller of a remembered token was erased after it was issued.

        Raises:
            DatabaseUnavailable: the users cannot be reread.
        """
        called = self._clock()
        with self._lock:
            if self._failed_at is not None and called <= self._failed_at:
                # Otherwise every waiting request would wait for the database in its turn.
                raise DatabaseUnavailable("The database cannot be reached; try again.")
            self._reread()
            erased_at = self._erased.get(caller.user_id)
        return caller.predates(erased_at)

    def _reread(self) -> None:
        started = self._clock()
        if self._read_at is not None and started - self._read_at < REREAD_SECONDS:
            return
        since = utc_now() - KEPT
        kept = {user: at for user, at in self._erased.items() if at > since}
        try:
            found = self._read(since)
        except DatabaseUnavailable:
            self._failed_at = self._clock()
            raise
        self._erased = {**kept, **found}
        self._read_at = started


def erased_users() -> ErasedUsers:
    """Return the erased users that this process knows."""
    found: ErasedUsers = current_app().extensions["erased_users"]
    return found


def read_erased(since: datetime) -> Mapping[int, datetime]:
    """Read the users who were erased since a moment."""
    with current().work(ANYONE) as work:
        return erased_since(work, since)
