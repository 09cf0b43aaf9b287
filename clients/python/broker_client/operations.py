"""The operations of Broker and AsyncBroker, as steps for a runner."""

from collections.abc import Callable, Iterable
from typing import Any
from urllib.parse import urlencode

from broker_client.api import Api
from broker_client.errors import NotFound
from broker_client.files import File, FileToSend, OnProgress, WaitFor
from broker_client.journal import Journal
from broker_client.many import Many, OnDone
from broker_client.models import FilePage, Image, Outcome, Profile, StoredFile, Upload, User
from broker_client.owners import Owner
from broker_client.processing import Processing
from broker_client.steps import Steps, run
from broker_client.upload import Job, deliver, keep_journal, resume
from broker_client.whole import confirm


class Operations:
    """The methods of Broker and AsyncBroker, without any I/O."""

    def __init__(self, api: Api, journal: Journal, processing_timeout: float) -> None:
        self._api = api
        self._journal = journal
        self._processing = Processing(api, processing_timeout)

    def upload(
        self, file: FileToSend, owner: Owner, on_progress: OnProgress | None, wait_for: WaitFor
    ) -> Steps[Image | Upload]:
        """Upload one file."""
        job = Job(index=0, file=file, owner=owner, on_progress=on_progress)
        recorded = yield from self._with_open(job, lambda: deliver(self._api, self._journal, job))
        if isinstance(recorded, Image):
            return recorded
        steps = self._waited(recorded, owner, wait_for)
        return (yield from keep_journal(self._api, self._journal, job, steps))

    def resume(
        self,
        upload_id: str,
        file: File,
        owner: str | None,
        on_progress: OnProgress | None,
        wait_for: WaitFor,
    ) -> Steps[Image | Upload]:
        """Resume an upload by its id."""
        # The content type is not needed: the upload has it, and no ticket is requested.
        anything, of = FileToSend(file=file, content_type="-"), _owner(owner)
        job = Job(index=0, file=anything, owner=of, on_progress=on_progress)
        api = self._api.about(of)
        recorded = yield from self._with_open(job, lambda: resume(api, upload_id, job))
        if isinstance(recorded, Upload):
            job.show_processing()
        return (yield from self._waited(recorded, job.owner, wait_for))

    def upload_many(
        self,
        files: Iterable[File | FileToSend],
        owner: Owner,
        *,
        at_once: int,
        on_progress: OnProgress | None,
        on_done: OnDone | None,
        wait_for: WaitFor,
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
            processing=self._processing,
            owner=owner,
            at_once=at_once,
            on_progress=on_progress,
            on_done=on_done,
            wait_for=wait_for,
        )
        return many.send(
            [one if isinstance(one, FileToSend) else FileToSend(file=one) for one in files]
        )

    def confirm(
        self, upload_id: str, owner: str | None, wait_for: WaitFor
    ) -> Steps[Image | Upload]:
        """Record the image of an upload whose bytes have arrived."""
        of = _owner(owner)
        recorded = yield from confirm(self._api.about(of), upload_id)
        return (yield from self._waited(recorded, of, wait_for))

    def cancel(self, upload_id: str, owner: str | None) -> Steps[None]:
        """Cancel an upload."""
        return self._api.about(_owner(owner)).call("DELETE", f"/api/uploads/{upload_id}/")

    def files(self, owner: str, limit: int | None, cursor: str | None) -> Steps[FilePage]:
        """Return one page of an owner's published files."""
        of = Owner.named(owner)
        given = {"limit": limit, "cursor": cursor}
        query = urlencode({name: value for name, value in given.items() if value is not None})
        path = f"{of.files_path}?{query}" if query else of.files_path
        return FilePage.read((yield from self._api.about(of).call("GET", path)))

    def update_file(
        self, owner: str, file_id: int, alt_text: str | None, order: int | None
    ) -> Steps[StoredFile]:
        """Change the alt text or the order of an owner's file."""
        of = Owner.named(owner)
        given = {"alt_text": alt_text, "order": order}
        changes = {name: value for name, value in given.items() if value is not None}
        path = f"{of.files_path}{file_id}/"
        return StoredFile.read((yield from self._api.about(of).call("PATCH", path, changes)))

    def delete_file(self, owner: str, file_id: int) -> Steps[bool]:
        """Delete an owner's file. Return False if there is no such file."""
        of = Owner.named(owner)
        try:
            yield from self._api.about(of).call("DELETE", f"{of.files_path}{file_id}/")
        except NotFound:
            return False
        return True

    def me(self) -> Steps[User]:
        """Return the token's user."""
        return User.read((yield from self._api.call("GET", "/api/users/me/")))

    def profiles(self) -> Steps[dict[str, Profile]]:
        """Return the limits of uploads."""
        body: dict[str, Any] = yield from self._api.call("GET", "/api/profiles/")
        return {purpose: Profile.read(limits) for purpose, limits in body.items()}

    def _waited(
        self, recorded: Image | Upload, owner: Owner | None, wait_for: WaitFor
    ) -> Steps[Image | Upload]:
        if isinstance(recorded, Image) or wait_for == "recorded":
            return recorded
        return (yield from self._processing.image(recorded, owner))

    def _with_open(
        self, job: Job, act: Callable[[], Steps[Image | Upload]]
    ) -> Steps[Image | Upload]:
        try:
            yield from run(job.open)
            return (yield from act())
        finally:
            job.close()


def _owner(text: str | None) -> Owner | None:
    return None if text is None else Owner.named(text)
