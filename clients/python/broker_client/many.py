"""Upload many files of one owner: tickets in batches, several files at once."""

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from uuid import uuid4

from broker_client.api import Api
from broker_client.arrived import Arrived
from broker_client.errors import ClientError
from broker_client.files import FileToSend, OnProgress, WaitFor
from broker_client.journal import Journal, NoJournal
from broker_client.models import Image, Outcome, Upload
from broker_client.owners import Owner
from broker_client.processing import Processing
from broker_client.retry_policy import Decision, Failure
from broker_client.steps import Steps, run, together
from broker_client.tickets import BATCH, ask_batch
from broker_client.upload import Job, deliver

OnDone = Callable[[Outcome], None]


@dataclass(frozen=True, kw_only=True)
class Many:
    """One call of `upload_many`. `at_once` files are sent at a time."""

    api: Api
    journal: Journal
    processing: Processing
    owner: Owner
    at_once: int
    on_progress: OnProgress | None
    on_done: OnDone | None
    wait_for: WaitFor

    def send(self, files: Sequence[FileToSend]) -> Steps[list[Outcome]]:
        """Send the files in batches, and wait for their images while others are sent.

        A file that is listed twice becomes two images, with a journal too.
        """
        arrived = Arrived(
            api=self.api, journal=self.journal, processing=self.processing, done=self._done
        )
        steps = [self._send_all(files, arrived), arrived.finish()]
        outcomes = [one for some in (yield from together(steps, len(steps))) for one in some]
        return sorted(outcomes, key=lambda one: one.index)

    def _send_all(self, files: Sequence[FileToSend], arrived: Arrived) -> Steps[list[Outcome]]:
        """Return the outcomes of all files that are not being processed."""
        try:
            return (yield from self._send_batches(files, arrived))
        finally:
            arrived.close()

    def _send_batches(self, files: Sequence[FileToSend], arrived: Arrived) -> Steps[list[Outcome]]:
        """Send one batch after the other, and open the next one meanwhile.

        At most two batches of files are open at a time.
        """
        batches, outcomes, copies = self._batches(files), list[Outcome](), Counter[str]()
        try:
            yield from self._open_all(batches[0] if batches else [])
            for jobs, following in zip(batches, [*batches[1:], []], strict=True):
                steps = [self._send_batch(jobs, copies, arrived), self._open_all(following)]
                found = yield from together(steps, len(steps))
                outcomes += [outcome for some in found for outcome in some]
                _close(jobs)
        finally:
            for jobs in batches:
                _close(jobs)
        return outcomes

    def _batches(self, files: Sequence[FileToSend]) -> list[list[Job]]:
        """Return the files in batches. The first one is small, so that sending begins soon."""
        jobs = [
            Job(index=index, file=file, owner=self.owner, on_progress=self.on_progress)
            for index, file in enumerate(files)
        ]
        first = min(self.at_once, BATCH)
        starts = [0, *range(first, len(jobs), BATCH)]
        ends = [*starts[1:], len(jobs)]
        return [jobs[start:end] for start, end in zip(starts, ends, strict=True)]

    def _open_all(self, jobs: Sequence[Job]) -> Steps[list[Outcome]]:
        yield from together([self._open(job) for job in jobs], self.at_once)
        return []

    def _open(self, job: Job) -> Steps[None]:
        try:
            yield from run(job.open)
        except (ClientError, OSError) as error:
            job.error = error

    def _send_batch(
        self, jobs: Sequence[Job], copies: Counter[str], arrived: Arrived
    ) -> Steps[list[Outcome]]:
        ready = [job for job in jobs if job.error is None]
        for job in ready:
            key = job.journal_key(self.api.base_url)
            job.copy = copies[key]
            copies[key] += 1
        # With a journal each ticket needs its own idempotency key, to be found again.
        path = self.owner.batch_path if isinstance(self.journal, NoJournal) else None
        if len(ready) > 1 and path is not None:
            yield from self._tickets(ready, path)
        found = yield from together([self._outcome(job, arrived) for job in jobs], self.at_once)
        return [outcome for outcome in found if outcome is not None]

    def _tickets(self, jobs: Sequence[Job], path: str) -> Steps[None]:
        """Request all tickets at once.

        If one file is not valid, or the owner has too few free slots, each job requests its own
        ticket later. After any other error all jobs have failed. It is not raised, so that earlier
        outcomes are kept.
        """
        declared = [job.declared() for job in jobs]
        try:
            api = self.api.about(self.owner)
            issued = yield from ask_batch(api, path, declared, str(uuid4()))
        except ClientError as error:
            decision = self.api.policy.decide("batch", Failure.of(error))
            if decision is not Decision.ONE_BY_ONE:
                for job in jobs:
                    job.error = error
            return
        for job, ticket in zip(jobs, issued, strict=True):
            job.issued = ticket

    def _outcome(self, job: Job, arrived: Arrived) -> Steps[Outcome | None]:
        recorded, error = None, job.error
        if error is None:
            try:
                recorded = yield from deliver(self.api, self.journal, job)
                if isinstance(recorded, Upload):
                    if self.wait_for == "ready":
                        arrived.add(job, recorded)
                        return None
                    key = job.journal_key(self.api.base_url)
                    yield from run(partial(self.journal.done, key))
            except (ClientError, OSError) as failed:
                error = failed
        return self._done(
            Outcome(
                index=job.index,
                upload_id=job.upload_id,
                image=recorded if isinstance(recorded, Image) else None,
                upload=recorded if isinstance(recorded, Upload) else None,
                error=error,
            )
        )

    def _done(self, outcome: Outcome) -> Outcome:
        if self.on_done is not None:
            self.on_done(outcome)
        return outcome


def _close(jobs: Sequence[Job]) -> None:
    for job in jobs:
        job.close()
