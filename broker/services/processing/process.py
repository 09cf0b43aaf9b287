"""Process one upload, from its lease to its image or its rejection."""

import logging
import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from pathlib import Path
from typing import Protocol

from broker.db.session import DATABASE_ERRORS
from broker.domain.object_keys import with_new_suffix
from broker.domain.profiles import Profile
from broker.domain.rejections import RejectionReason
from broker.domain.storage_errors import (
    ObjectNotFound,
    ObjectRefused,
    PreconditionFailed,
    StorageError,
)
from broker.inspection.directories import job_directory
from broker.inspection.inspected import Inspected, Rejected, Request
from broker.services.processing import publish
from broker.services.processing.lease import (
    ATTEMPTS_MAX,
    AttemptInterrupted,
    CannotInspect,
    Lease,
    LeaseLost,
    extend,
    give_back,
    keep,
    retry_later,
    take,
)
from broker.services.processing.record import record, reject
from broker.services.processing.source import download
from broker.services.work import Broker, Work
from broker.storage.object_files import ObjectFiles
from broker.telemetry import processing

# It doubles with each attempt, because the bucket may fail for this object alone.
STORAGE_WAIT, STORAGE_WAIT_MAX = timedelta(seconds=15), timedelta(minutes=5)
DOUBLINGS_MAX = 5  # more would exceed STORAGE_WAIT_MAX
# A lease is renewed when a third of it has passed.
KEEP_SECONDS = 20
log = logging.getLogger("broker.worker")


class Stopped(Exception):
    """The worker was asked to stop."""


class Outcome(StrEnum):
    """What became of a leased upload."""

    PUBLISHED = "published"
    REJECTED = "rejected"
    CANCELLED = "cancelled"  # its owner has gone, or has a newer image
    GIVEN_BACK = "given_back"  # the bucket failed, or the worker was asked to stop
    FAILED = "failed"  # it is tried again
    LOST = "lost"  # another worker has taken it, or its client has cancelled it


class Inspect(Protocol):
    """Inspects a file; see `inspection/sandbox.py: inspect_in_child`."""

    def __call__(self, request: Request, *, keep: Callable[[], None]) -> Inspected:
        """Return the result; raise Rejected, or what `keep` raises."""


@dataclass(frozen=True, kw_only=True)
class Tools:
    """What a worker process works with.

    Attributes:
        files: reads and writes objects.
        inspect: inspects a file in a process of its own.
        directory: for temporary files.
        self_test: return what does not work here, or None. Called after an attempt has failed.
        beat: called at least about every ten seconds during an attempt.
        is_stopping: return whether the worker was asked to stop.
        now: the time, for tests; None is the time of the database.
    """

    files: ObjectFiles
    inspect: Inspect
    directory: Path
    self_test: Callable[[], str | None] = lambda: None
    beat: Callable[[], None] = lambda: None
    is_stopping: Callable[[], bool] = lambda: False
    now: datetime | None = None


def process_next(broker: Broker, tools: Tools) -> Outcome | None:
    """Process one of the uploads that have been due for longest; return None if none is due.

    Raises:
        DatabaseUnavailable: no upload was leased.
        AttemptInterrupted: the database failed during the attempt. The caller gives its lease back.
        CannotInspect: the attempt was given back, because the self-test of this worker fails.
    """
    with broker.system_work() as work:
        lease = take(work, now=tools.now)
    if lease is None:
        return None
    try:
        outcome = _Attempt(broker, tools, lease).run()
    except DATABASE_ERRORS as error:
        raise AttemptInterrupted(lease) from error
    processing.finished(outcome)
    return outcome


def request_for(
    profile: Profile, source: Path, *, content_type: str, widths: tuple[int, ...]
) -> Request:
    """Return the request to inspect a file. Create the directory of its results beside the file."""
    results = source.with_name("results")
    results.mkdir()
    return Request(
        source=source,
        directory=results,
        content_type=content_type,
        max_pixels=profile.max_pixels,
        max_frames=profile.max_frames,
        variant_widths=widths,
    )


def _announce(
    work: Work, lease: Lease, wanted: list[publish.Output], *, now: datetime | None
) -> None:
    """Extend the lease and announce its files in one transaction.

    So a transaction that ends the upload later finds the keys in the outbox.
    """
    extend(work.session, lease, now=now)
    publish.announce(work.session, work.limits, wanted, now=work.now)
    work.session.commit()


class _Attempt:
    """One attempt of this worker to process one upload."""

    def __init__(self, broker: Broker, tools: Tools, lease: Lease) -> None:
        self._broker = broker
        self._tools = tools
        self._lease = lease
        self._kept_at = time.monotonic()
        self._announced: list[publish.Output] = []

    def run(self) -> Outcome:
        """Return what became of the upload; every error but the database's ends here."""
        outcome = self._run()
        if self._announced and outcome is not Outcome.PUBLISHED:
            with self._broker.system_work() as work:
                publish.give_up(work, self._announced)
        return outcome

    def _run(self) -> Outcome:
        try:
            if self._lease.is_exhausted:
                raise Rejected(RejectionReason.PROCESSING_FAILED)
            with job_directory(self._tools.directory) as directory:
                return self._publish(directory)
        except Rejected as rejected:
            return self._reject(rejected)
        except LeaseLost:
            return Outcome.LOST
        except (Stopped, StorageError) as error:
            if isinstance(error, ObjectRefused | ObjectNotFound):
                return self._fail(error)
            # PreconditionFailed: a key has an object. The second attempt has other keys.
            is_taken = isinstance(error, PreconditionFailed) and self._lease.attempt == 1
            at_once = is_taken or isinstance(error, Stopped)
            doubled = STORAGE_WAIT * 2 ** min(self._lease.attempt - 1, DOUBLINGS_MAX)
            wait = timedelta() if at_once else min(doubled, STORAGE_WAIT_MAX)
            return self._give_back(error, wait)
        except DATABASE_ERRORS:
            raise
        except Exception as error:
            if self._tools.is_stopping():
                # The signal may have ended its child process, too.
                return self._give_back(error, timedelta())
            # A fault that only this image causes must not stop the worker. The log has its
            # traceback, and after some attempts the upload is rejected.
            return self._fail(error)

    def _publish(self, directory: Path) -> Outcome:
        limits, upload = self._broker.limits, self._lease.upload
        with processing.step("download"):
            source = download(
                self._tools.files,
                limits,
                upload,
                directory / "source",
                keep=self._keep_unless_stopping,
            )
        profile = limits.profiles.of_row(upload.owner_kind, upload.key)
        request = request_for(
            profile,
            source.path,
            content_type=source.content_type,
            widths=profile.variant_widths,
        )
        with processing.step("inspect"):
            inspected = self._tools.inspect(request, keep=self._keep_unless_stopping)
        self._keep_unless_stopping()  # from here on the attempt is finished
        is_first = self._lease.attempt == 1 and not source.is_published
        key = upload.key if is_first else with_new_suffix(upload.key)
        with self._broker.system_work() as work:
            wanted = publish.outputs(work.session, key, inspected)
            self._announced = wanted
            _announce(work, self._lease, wanted, now=self._tools.now)
        with processing.step("publish"):
            published = publish.send(
                self._tools.files,
                limits,
                wanted,
                owner_kind=upload.owner_kind,
                upload_id=upload.id,
                keep=self._keep,
            )
        with self._broker.system_work() as work:
            image = record(
                work,
                self._lease,
                published,
                thumbhash=inspected.thumbhash,
                checksum_verified=source.checksum_verified,
            )
        return Outcome.CANCELLED if image is None else Outcome.PUBLISHED

    def _reject(self, rejected: Rejected) -> Outcome:
        try:
            with self._broker.system_work() as work:
                reject(work, self._lease, rejected.reason, str(rejected))
        except LeaseLost:
            return Outcome.LOST
        processing.rejected(rejected.reason)
        return Outcome.REJECTED

    def _give_back(self, error: Exception, wait: timedelta) -> Outcome:
        if isinstance(error, StorageError):
            log.warning("upload %s waits: %s", self._lease.upload.id, error.for_operators)
        try:
            with self._broker.system_work() as work:
                give_back(work, self._lease, wait=wait, now=self._tools.now)
        except LeaseLost:
            return Outcome.LOST
        return Outcome.GIVEN_BACK

    def _fail(self, error: Exception) -> Outcome:
        upload = self._lease.upload
        if failure := self._tools.self_test():
            processing.finished(self._give_back(error, timedelta()))
            raise CannotInspect(failure) from error
        log.error("attempt %s of upload %s failed", upload.attempts, upload.id, exc_info=error)
        try:
            with self._broker.system_work() as work:
                if upload.attempts >= ATTEMPTS_MAX:
                    reason = RejectionReason.PROCESSING_FAILED
                    reject(work, self._lease, reason, type(error).__name__)
                    processing.rejected(reason)
                    return Outcome.REJECTED
                retry_later(work, self._lease, now=self._tools.now)
        except LeaseLost:
            return Outcome.LOST
        return Outcome.FAILED

    def _keep_unless_stopping(self) -> None:
        if self._tools.is_stopping():
            raise Stopped
        self._keep()

    def _keep(self) -> None:
        """Renew the lease when a third of it has passed; raise LeaseLost if it is gone."""
        self._tools.beat()
        if time.monotonic() - self._kept_at < KEEP_SECONDS:
            return
        with self._broker.system_work() as work:
            keep(work, self._lease, now=self._tools.now)
        self._kept_at = time.monotonic()
