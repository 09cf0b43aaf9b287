"""Upload one file: a new upload, or one that was started before."""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import partial
from typing import Any, TypeVar

from broker_client.api import Api
from broker_client.errors import BrokerError, ClientError, ObjectMissing, WrongFile
from broker_client.files import FileToSend, Meter, OnProgress
from broker_client.journal import Journal
from broker_client.models import Image, Progress, Upload
from broker_client.owners import Owner
from broker_client.parts import Multipart
from broker_client.retry_policy import Decision, Failure
from broker_client.source import Source
from broker_client.steps import Steps, run
from broker_client.tickets import IssuedTicket, ask_one, renew
from broker_client.whole import ask_for_image, confirm, send_whole

T = TypeVar("T")


@dataclass(kw_only=True)
class Job:
    """One file to upload. `issued` is its ticket if a batch request got it already.

    `owner` may be None before `resume`.

    `error` is why it cannot be sent.

    `copy` counts the same file within one `upload_many`, from 0. Each copy is an upload of its own.
    """

    index: int
    file: FileToSend
    owner: Owner | None
    on_progress: OnProgress | None
    copy: int = 0
    source: Source | None = None
    issued: IssuedTicket | None = None
    upload_id: str | None = None
    error: ClientError | OSError | None = None
    is_closed: bool = False

    def open(self) -> None:
        """Open the file and compute its digest.

        Raises:
            OSError: the file cannot be read.
            UnknownType: its content type is unknown.
        """
        self.file.require_type()  # do this first, because the digest of a large file takes time
        self.source = Source.open(self.file.file)
        if self.is_closed:  # the caller was cancelled meanwhile; a thread cannot be
            self.source.close()

    def close(self) -> None:
        """Close the file, also if another thread is still opening it."""
        self.is_closed = True
        if self.source is not None:
            self.source.close()

    @property
    def opened(self) -> Source:
        """Return the open file."""
        if self.source is None:
            raise RuntimeError("open() must be called first")
        return self.source

    @property
    def known_owner(self) -> Owner:
        """Return the owner of a new upload."""
        if self.owner is None:
            raise RuntimeError("a new upload needs an owner")
        return self.owner

    def show_processing(self) -> None:
        """Report that the file has arrived and is being processed."""
        if self.on_progress is not None:
            size = self.opened.size
            self.on_progress(Progress(index=self.index, sent=size, total=size, phase="processing"))

    def declared(self) -> dict[str, Any]:
        """Return the ticket request for the open file."""
        return self.file.declared(self.opened, with_text=self.known_owner.takes_text)

    def journal_key(self, base_url: str) -> str:
        """Return the key of the job's journal entry: a digest of ticket request and copy."""
        path = self.known_owner.path.removesuffix("/")
        identity = [base_url, path, json.dumps(self.declared(), sort_keys=True)]
        if self.copy:  # the first copy has the key that a single upload of the file has
            identity.append(str(self.copy))
        return hashlib.sha256("\n".join(identity).encode()).hexdigest()


def deliver(api: Api, journal: Journal, job: Job) -> Steps[Image | Upload]:
    """Upload one file, and resume the upload if the journal knows it.

    Return the image, or the upload if the broker is processing it: then the journal entry stays,
    see `keep_journal`.

    If that upload has expired, start a new one, once. The journal entry is deleted when the image
    is recorded or the upload has finally failed. After any other error the next run resumes the
    upload.

    Raises:
        BrokerError, S3Refused, NetworkError, FileChanged, OSError.
    """
    declared, key = job.declared(), job.journal_key(api.base_url)
    api = api.about(job.owner)
    restarted = False
    while True:
        entry = yield from run(partial(journal.begin, key))
        try:
            if job.issued is None and entry.upload_id is not None:
                recorded = yield from resume(api, entry.upload_id, job)
            else:
                issued, job.issued = job.issued, None
                if issued is None:
                    issued = yield from ask_one(
                        api, job.known_owner, declared, entry.idempotency_key
                    )
                known = replace(entry, upload_id=issued.ticket.id)
                yield from run(partial(journal.issued, key, known))
                recorded = yield from _recorded(api, issued.ticket.id, _send(api, issued, job))
        except ClientError as error:
            failure = Failure.of(error, resumed=entry.upload_id is not None)
            decision = api.policy.decide("end", failure)
            if decision is not Decision.KEEP:
                yield from run(partial(journal.forget, key))
            if restarted or decision is not Decision.RESTART:
                raise
            restarted = True
            continue
        if isinstance(recorded, Image):
            yield from run(partial(journal.done, key))
        else:
            job.show_processing()
        return recorded


def keep_journal(api: Api, journal: Journal, job: Job, steps: Steps[T]) -> Steps[T]:
    """Run steps that wait for an upload's image. Then delete the journal entry as `deliver` does.

    If the steps return None, the upload is still being processed, and the entry stays.
    """
    key = job.journal_key(api.base_url)
    try:
        result = yield from steps
    except ClientError as error:
        if api.policy.decide("end", Failure.of(error)) is not Decision.KEEP:
            yield from run(partial(journal.forget, key))
        raise
    if result is not None:
        yield from run(partial(journal.done, key))
    return result


def resume(api: Api, upload_id: str, job: Job) -> Steps[Image | Upload]:
    """Finish an upload by its id, as far as `confirm` does. Only the missing bytes are sent.

    Raises:
        WrongFile: the upload was declared for another file.
        NotFound, UploadGone, ObjectMismatch: the upload cannot be finished.
    """
    job.upload_id = upload_id
    found = yield from api.call("GET", f"/api/uploads/{upload_id}/")
    if job.owner is None:
        job.owner = Owner.of_upload(found)
        api = api.about(job.owner)
    source = job.opened
    for name in ("size", "checksum_sha256"):
        if found[name] not in (None, getattr(source, name)):
            raise WrongFile(f"{source.name} is not the file of upload {upload_id}")
    if found["state"] != "pending":
        return (yield from confirm(api, upload_id))
    return (yield from _recorded(api, upload_id, _finish(api, found, job)))


def _recorded(api: Api, upload_id: str, steps: Steps[Image | Upload]) -> Steps[Image | Upload]:
    """Run the steps. If they find that the image is recorded already, return it."""
    try:
        return (yield from steps)
    except BrokerError as error:
        if api.policy.decide("transfer", Failure.of(error)) is not Decision.CONFIRM:
            raise
    return (yield from confirm(api, upload_id))


def _finish(api: Api, found: Mapping[str, Any], job: Job) -> Steps[Image | Upload]:
    upload_id = found["id"]
    if found["transport"] == "multipart":
        return (yield from _parts(api, upload_id, job).send())
    try:
        return (yield from ask_for_image(api, f"/api/uploads/{upload_id}/confirm/"))
    except ObjectMissing:
        issued = yield from renew(api, upload_id)
    return (yield from _send(api, issued, job))


def _send(api: Api, issued: IssuedTicket, job: Job) -> Steps[Image | Upload]:
    job.upload_id = issued.ticket.id
    if issued.ticket.method == "MULTIPART":
        return (yield from _parts(api, issued.ticket.id, job).send())
    source = job.opened
    meter = Meter(job.index, source.size, job.on_progress)
    return (yield from send_whole(api, issued, source, meter))


def _parts(api: Api, upload_id: str, job: Job) -> Multipart:
    source = job.opened
    meter = Meter(job.index, source.size, job.on_progress)
    return Multipart(api=api, upload_id=upload_id, source=source, meter=meter)
