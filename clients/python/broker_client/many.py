"""Many files of one owner: tickets by the batch, several files at a time, one outcome each."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from uuid import uuid4

from broker_client.calls import Rules
from broker_client.errors import ClientError
from broker_client.files import FileToSend, OnProgress, Owner
from broker_client.journal import Journal, NoJournal
from broker_client.models import Outcome
from broker_client.steps import Steps, run, together
from broker_client.tickets import BATCH, ask_batch
from broker_client.upload import Job, deliver

OnDone = Callable[[Outcome], None]


@dataclass(frozen=True, kw_only=True)
class Many:
    """One call of `upload_many`; `at_once` files are on their way at a time."""

    rules: Rules
    journal: Journal
    owner: Owner
    at_once: int
    on_progress: OnProgress | None
    on_done: OnDone | None

    def send(self, files: Sequence[FileToSend]) -> Steps[list[Outcome]]:
        """Send the files, BATCH by BATCH: no more than that are open, or hold places."""
        outcomes = []
        for jobs in self._batches(files):
            try:
                broken = yield from together([self._open(job) for job in jobs], self.at_once)
                ready = [job for job, error in zip(jobs, broken, strict=True) if error is None]
                # With a journal each ticket is asked for under its own key, to be found again.
                if len(ready) > 1 and self.owner.is_ad and isinstance(self.journal, NoJournal):
                    refused = yield from self._tickets(ready)
                    broken = [error or refused for error in broken]
                steps = [self._outcome(job, error) for job, error in zip(jobs, broken, strict=True)]
                outcomes += yield from together(steps, self.at_once)
            finally:
                for job in jobs:
                    if job.source is not None:
                        job.source.close()
        return outcomes

    def _batches(self, files: Sequence[FileToSend]) -> Iterator[list[Job]]:
        for first in range(0, len(files), BATCH):
            yield [
                Job(index=first + place, file=file, owner=self.owner, tell=self.on_progress)
                for place, file in enumerate(files[first : first + BATCH])
            ]

    def _open(self, job: Job) -> Steps[ClientError | OSError | None]:
        try:
            yield from run(job.open)
        except (ClientError, OSError) as error:
            return error
        return None

    def _tickets(self, jobs: Sequence[Job]) -> Steps[ClientError | None]:
        """Ask for all tickets in one call; gives what each of the jobs has failed by.

        One bad file, or an ad with few places left, does not stop the others: then each job
        asks for itself. Nor does any failure take the outcomes of earlier batches with it.
        """
        declared = [job.file.declared(job.opened, for_ad=True) for job in jobs]
        try:
            held = yield from ask_batch(self.rules, self.owner, declared, str(uuid4()))
        except ClientError as error:
            one_by_one = ("validation_error", "image_limit_reached", "body_too_large")
            return None if getattr(error, "code", "") in one_by_one else error
        for job, ticket in zip(jobs, held, strict=True):
            job.held = ticket
        return None

    def _outcome(self, job: Job, broken: ClientError | OSError | None) -> Steps[Outcome]:
        image, error = None, broken
        if error is None:
            try:
                image = yield from deliver(self.rules, self.journal, job)
            except (ClientError, OSError) as failed:
                error = failed
        outcome = Outcome(index=job.index, upload_id=job.upload_id, image=image, error=error)
        if self.on_done is not None:
            self.on_done(outcome)
        return outcome
