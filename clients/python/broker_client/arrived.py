"""The files of one `upload_many` that have arrived: wait for their images while others are sent."""

import queue
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

from broker_client.api import Api
from broker_client.errors import ClientError
from broker_client.journal import Journal
from broker_client.models import Image, Outcome, Upload
from broker_client.processing import Processing, Waiting
from broker_client.steps import Steps, run
from broker_client.upload import Job, keep_journal


@dataclass(kw_only=True)
class Arrived:
    """Uploads that are being processed. `add` may be called from any thread, until `close`."""

    api: Api
    journal: Journal
    processing: Processing
    done: Callable[[Outcome], Outcome]
    _added: "queue.SimpleQueue[tuple[Job, Upload] | None]" = field(
        default_factory=queue.SimpleQueue
    )
    _open: bool = True

    def add(self, job: Job, upload: Upload) -> None:
        """Wait for the image of this upload."""
        self._added.put((job, upload))

    def close(self) -> None:
        """Let `finish` return when all uploads are finished."""
        self._added.put(None)

    def finish(self) -> Steps[list[Outcome]]:
        """Return the outcomes of all uploads. Each is passed to `done` as soon as it is known."""
        waiting: list[tuple[Job, Waiting]] = []
        outcomes = []
        try:
            while self._open or waiting:
                if not waiting:
                    waiting += self._read((yield from run(self._added.get)))
                while not self._added.empty():
                    waiting += self._read(self._added.get())
                if waiting:
                    yield from self.processing.turn()
                for one in list(waiting):
                    outcome = yield from self._outcome(*one)
                    if outcome is not None:
                        waiting.remove(one)
                        self.processing.remove(one[1])
                        outcomes.append(self.done(outcome))
        finally:
            for _, left in waiting:
                self.processing.remove(left)
        return outcomes

    def _read(self, added: tuple[Job, Upload] | None) -> Iterator[tuple[Job, Waiting]]:
        if added is None:
            self._open = False
        else:
            job, upload = added
            yield job, self.processing.add(upload, job.owner)

    def _outcome(self, job: Job, waiting: Waiting) -> Steps[Outcome | None]:
        image: Image | None = None
        error: ClientError | OSError | None = None
        try:
            check = self.processing.check(waiting)
            image = yield from keep_journal(self.api, self.journal, job, check)
            if image is None:
                return None
        except (ClientError, OSError) as failed:
            error = failed
        return Outcome(index=job.index, upload_id=job.upload_id, image=image, error=error)
