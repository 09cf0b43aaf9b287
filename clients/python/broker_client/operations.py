"""The operations of Broker and AsyncBroker, as steps for a driver."""

from collections.abc import Callable, Iterable
from typing import Any

from broker_client.api import Api
from broker_client.files import File, FileToSend, OnProgress, Owner
from broker_client.journal import Journal
from broker_client.many import Many, OnDone
from broker_client.models import Image, Outcome, Profile, User
from broker_client.steps import Steps, run
from broker_client.upload import Job, deliver, resume
from broker_client.whole import confirm


class Operations:
    """The methods of Broker and AsyncBroker, without any I/O."""

    def __init__(self, api: Api, journal: Journal) -> None:
        self._api = api
        self._journal = journal

    def upload(
        self, file: FileToSend, owner: Owner, on_progress: OnProgress | None
    ) -> Steps[Image]:
        """Upload one file."""
        job = Job(index=0, file=file, owner=owner, on_progress=on_progress)
        return self._with_open(job, lambda: deliver(self._api, self._journal, job))

    def resume(self, upload_id: str, file: File, on_progress: OnProgress | None) -> Steps[Image]:
        """Resume an upload by its id."""
        # Owner and content type are not needed: the upload has them, and no ticket is requested.
        owner, anything = Owner(path="", is_ad=False), FileToSend(file=file, content_type="-")
        job = Job(index=0, file=anything, owner=owner, on_progress=on_progress)
        return self._with_open(job, lambda: resume(self._api, upload_id, job))

    def upload_many(
        self,
        files: Iterable[File | FileToSend],
        owner: Owner,
        *,
        at_once: int,
        on_progress: OnProgress | None,
        on_done: OnDone | None,
    ) -> Steps[list[Outcome]]:
        """Upload many files.

        Raises:
            ValueError: `at_once` is less than 1.
        """
        if at_once < 1:
            raise ValueError("at_once must be 1 or more")
        many = Many(
            api=self._api,
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
        """Record the image of an upload whose bytes have arrived."""
        return confirm(self._api, upload_id)

    def cancel(self, upload_id: str) -> Steps[None]:
        """Cancel an upload."""
        return self._api.call("DELETE", f"/api/uploads/{upload_id}/")

    def me(self) -> Steps[User]:
        """Return the token's user."""
        return User.read((yield from self._api.call("GET", "/api/users/me/")))

    def profiles(self) -> Steps[dict[str, Profile]]:
        """Return the limits of uploads."""
        body: dict[str, Any] = yield from self._api.call("GET", "/api/profiles/")
        return {purpose: Profile.read(limits) for purpose, limits in body.items()}

    def _with_open(self, job: Job, act: Callable[[], Steps[Image]]) -> Steps[Image]:
        try:
            yield from run(job.open)
            return (yield from act())
        finally:
            if job.source is not None:
                job.source.close()
