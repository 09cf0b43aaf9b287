"""The lease of one upload: one attempt of one worker to process it.

The number of the attempt is the token of the lease. Every later statement of the attempt requires
that the upload still has this number, so a worker whose lease has run out changes nothing.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import cache

from sqlalchemy import ColumnElement, and_, literal_column
from sqlalchemy.orm import Session

from broker.db import leases
from broker.db.models import Upload
from broker.domain.states import UploadState
from broker.services.uploads.state import update_in
from broker.services.work import Work

# A worker renews its lease about every third of this time.
LEASE = timedelta(seconds=60)
ATTEMPTS_MAX = 5
RETRY_WAIT = timedelta(seconds=10)
_IS_PROCESSING = Upload.state == literal_column(f"'{UploadState.PROCESSING}'")


class LeaseLost(Exception):
    """The lease has run out and another worker has taken the upload, or the upload has ended."""


class CannotInspect(Exception):
    """The worker's self-test fails, so it must not take uploads. The message says what fails."""


@dataclass(frozen=True, kw_only=True)
class Lease:
    """A leased upload, as it was when it was leased."""

    upload: Upload

    @property
    def attempt(self) -> int:
        """The number of this attempt, from 1."""
        return self.upload.publish_attempts

    @property
    def is_exhausted(self) -> bool:
        """Check whether the upload has failed too often to be tried again."""
        return self.upload.attempts > ATTEMPTS_MAX


class AttemptInterrupted(Exception):
    """The database failed during an attempt. Give `lease` back when the database answers again."""

    def __init__(self, lease: Lease) -> None:
        super().__init__(f"the database failed during an attempt at upload {lease.upload.id}")
        self.lease = lease


@cache
def waiting(owner_kinds: tuple[str, ...]) -> leases.Queue:
    """Return the queue of the uploads for these kinds of owners.

    The attempt is counted before anything is decoded, so an image that crashes the worker is not
    tried for ever.
    """
    kinds: list[ColumnElement[str]] = [literal_column(f"'{kind}'") for kind in owner_kinds]
    return leases.Queue(
        due=Upload.due_at,
        order=Upload.processing_since,
        lease=LEASE,
        condition=and_(_IS_PROCESSING, Upload.owner_kind.in_(kinds)),
        changes={
            "attempts": Upload.attempts + 1,
            "publish_attempts": Upload.publish_attempts + 1,
        },
    )


def take(work: Work, *, now: datetime | None = None) -> Lease | None:
    """Lease one of the uploads that have been due for longest; return None if none is due.

    Uploads of a profile that this process does not know wait for one that was started with it.
    `now` replaces the time of the database.
    """
    upload = leases.take(work.session, waiting(work.limits.profiles.owner_kinds), now=now)
    return None if upload is None else Lease(upload=upload)


def keep(work: Work, lease: Lease, *, now: datetime | None = None) -> None:
    """Extend the lease; raise LeaseLost if it no longer exists."""
    extend(work.session, lease, now=now)
    work.session.commit()


def extend(session: Session, lease: Lease, *, now: datetime | None) -> None:
    """Extend the lease; nobody ends the upload before the transaction ends. Raise LeaseLost."""
    _change(session, lease, due_at=leases.after(session, LEASE, now=now))


def give_back(work: Work, lease: Lease, *, wait: timedelta, now: datetime | None = None) -> None:
    """End the lease without counting the attempt; the upload is due again after a wait."""
    _change(
        work.session,
        lease,
        due_at=leases.after(work.session, wait, now=now),
        attempts=Upload.attempts - 1,
    )
    work.session.commit()


def retry_later(work: Work, lease: Lease, *, now: datetime | None = None) -> None:
    """End the lease of a failed attempt; the upload is due again after a wait that doubles."""
    wait = RETRY_WAIT * 2 ** (lease.upload.attempts - 1)
    _change(work.session, lease, due_at=leases.after(work.session, wait, now=now))
    work.session.commit()


def _change(session: Session, lease: Lease, **values: object) -> None:
    changed = update_in(
        session,
        (UploadState.PROCESSING,),
        lease.upload.id,
        Upload.publish_attempts == lease.attempt,
        **values,
    )
    if changed is None:
        raise LeaseLost
