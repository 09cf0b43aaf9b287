"""What both clients can do, each as steps for a driver."""

from collections.abc import Callable, Iterable
from typing import Any

from broker_client.calls import Rules
from broker_client.files import File, FileToSend, OnProgress, Owner
from broker_client.journal import Journal
from broker_client.many import Many, OnDone
from broker_client.models import Image, Outcome, Profile
from broker_client.steps import Steps, run
from broker_client.upload import Job, deliver, go_on
from broker_client.whole import confirm


class Operations:
    """The methods of Broker and AsyncBroker, before a driver runs them."""

    def __init__(self, rules: Rules, journal: Journal) -> None:
        self._rules = rules
        self._journal = journal

    def upload(self, file: FileToSend, owner: Owner, tell: OnProgress | None) -> Steps[Image]:
        """Upload one file."""
        job = Job(index=0, file=file, owner=owner, tell=tell)
        return self._with_open(job, lambda: deliver(self._rules, self._journal, job))

    def resume(self, upload_id: str, file: File, tell: OnProgress | None) -> Steps[Image]:
        """Go on with an upload, by its id alone."""
        # Its owner and type are the upload's own, and no ticket is asked for.
        owner, anything = Owner(path="", is_ad=False), FileToSend(file=file, content_type="-")
        job = Job(index=0, file=anything, owner=owner, tell=tell)
        return self._with_open(job, lambda: go_on(self._rules, upload_id, job))

    def upload_many(
        self,
        files: Iterable[File | FileToSend],
        owner: Owner,
        *,
        at_once: int,
        on_progress: OnProgress | None,
        on_done: OnDone | None,
    ) -> Steps[list[Outcome]]:
        """Upload many files; raises ValueError where none may be on its way."""
        if at_once < 1:
            raise ValueError("at_once must be 1 or more")
        many = Many(
            rules=self._rules,
            journal=self._journal,
            owner=owner,
            at_once=at_once,
            on_progress=on_progress,
            on_done=on_done,
        )
        return many.send(
            [one if isinstance(one, FileToSend) else FileToSend(file=one) for one in files]
        )

    def confirm(self, upload_id: str) -> Steps[Image]:
        """Record the image of an upload whose bytes have been sent."""
        return confirm(self._rules, upload_id)

    def cancel(self, upload_id: str) -> Steps[None]:
        """Give an upload up."""
        return self._rules.call("DELETE", f"/api/uploads/{upload_id}/")

    def profiles(self) -> Steps[dict[str, Profile]]:
        """Read what may be uploaded."""
        body: dict[str, Any] = yield from self._rules.call("GET", "/api/profiles/")
        return {purpose: Profile.read(limits) for purpose, limits in body.items()}

    def _with_open(self, job: Job, act: Callable[[], Steps[Image]]) -> Steps[Image]:
        try:
            yield from run(job.open)
            return (yield from act())
        finally:
            if job.source is not None:
                job.source.close()
