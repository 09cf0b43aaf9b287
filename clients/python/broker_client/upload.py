"""Upload one file: a new upload, or one that was started before."""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import partial
from typing import Any

from broker_client.api import Api
from broker_client.errors import BrokerError, ClientError, ObjectMissing, WrongFile
from broker_client.files import FileToSend, Meter, OnProgress, Owner
from broker_client.journal import Journal
from broker_client.models import Image
from broker_client.parts import Multipart
from broker_client.retry_policy import Decision, Failure
from broker_client.source import Source
from broker_client.steps import Steps, run
from broker_client.tickets import IssuedTicket, ask_one, renew
from broker_client.whole import confirm, send_whole


@dataclass(kw_only=True)
class Job:
    """One file to upload. `issued` is its ticket if a batch request got it already.

    `copy` counts the same file within one `upload_many`, from 0. Each copy is an upload of its own.
    """

    index: int
    file: FileToSend
    owner: Owner
    on_progress: OnProgress | None
    copy: int = 0
    source: Source | None = None
    issued: IssuedTicket | None = None
    upload_id: str | None = None

    def open(self) -> None:
        """Open the file and compute its digest.

        Raises:
            OSError: the file cannot be read.
            UnknownType: its content type is unknown.
        """
        self.file.require_type()  # do this first, because the digest of a large file takes time
        self.source = Source.open(self.file.file)

    @property
    def opened(self) -> Source:
        """Return the open file."""
        if self.source is None:
            raise RuntimeError("open() must be called first")
        return self.source

    def declared(self) -> dict[str, Any]:
        """Return the ticket request for the open file."""
        return self.file.declared(self.opened, for_ad=self.owner.is_ad)

    def journal_key(self, base_url: str) -> str:
        """Return the key of the job's journal entry: a digest of ticket request and copy."""
        identity = [base_url, self.owner.path, json.dumps(self.declared(), sort_keys=True)]
        if self.copy:  # the first copy has the key that a single upload of the file has
            identity.append(str(self.copy))
        return hashlib.sha256("\n".join(identity).encode()).hexdigest()


def deliver(api: Api, journal: Journal, job: Job) -> Steps[Image]:
    """Upload one file, and resume the upload if the journal knows it.

    If that upload has expired, start a new one, once. The journal entry is deleted when the image
    is recorded or the upload has finally failed. After any other error the next run resumes the
    upload.

    Raises:
        BrokerError, S3Refused, NetworkError, FileChanged, OSError.
    """
    declared, key = job.declared(), job.journal_key(api.base_url)
    restarted = False
    while True:
        entry = yield from run(partial(journal.begin, key))
        try:
            if job.issued is None and entry.upload_id is not None:
                image = yield from resume(api, entry.upload_id, job)
            else:
                issued, job.issued = job.issued, None
                if issued is None:
                    issued = yield from ask_one(api, job.owner, declared, entry.idempotency_key)
                known = replace(entry, upload_id=issued.ticket.id)
                yield from run(partial(journal.issued, key, known))
                image = yield from _recorded(api, issued.ticket.id, _send(api, issued, job))
        except ClientError as error:
            failure = Failure.of(error, resumed=entry.upload_id is not None)
            decision = api.policy.decide("end", failure)
            if decision is not Decision.KEEP:
                yield from run(partial(journal.forget, key))
            if restarted or decision is not Decision.RESTART:
                raise
            restarted = True
            continue
        yield from run(partial(journal.done, key))
        return image


def resume(api: Api, upload_id: str, job: Job) -> Steps[Image]:
    """Finish an upload by its id. Only the missing bytes are sent.

    Raises:
        WrongFile: the upload was declared for another file.
        NotFound, UploadGone, ObjectMismatch: the upload cannot be finished.
    """
    job.upload_id = upload_id
    found = yield from api.call("GET", f"/api/uploads/{upload_id}/")
    source = job.opened
    for name in ("size", "checksum_sha256"):
        if found[name] not in (None, getattr(source, name)):
            raise WrongFile(f"{source.name} is not the file of upload {upload_id}")
    if found["state"] != "pending":
        return (yield from confirm(api, upload_id))
    return (yield from _recorded(api, upload_id, _finish(api, found, job)))


def _recorded(api: Api, upload_id: str, steps: Steps[Image]) -> Steps[Image]:
    """Run the steps. If they find that the image is recorded already, return it."""
    try:
        return (yield from steps)
    except BrokerError as error:
        if api.policy.decide("transfer", Failure.of(error)) is not Decision.CONFIRM:
            raise
    return (yield from confirm(api, upload_id))


def _finish(api: Api, found: Mapping[str, Any], job: Job) -> Steps[Image]:
    upload_id = found["id"]
    if found["transport"] == "multipart":
        return (yield from _parts(api, upload_id, job).send())
    try:
        body = yield from api.call("POST", f"/api/uploads/{upload_id}/confirm/")
        return Image.read(body)
    except ObjectMissing:
        issued = yield from renew(api, upload_id)
    return (yield from _send(api, issued, job))


def _send(api: Api, issued: IssuedTicket, job: Job) -> Steps[Image]:
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
